/**
 * What the program asks of a session, as facts, and what it waits for.
 *
 * @module
 */
import { type Arrival, type CloseReason, moveName } from "../stage/state.ts";
import type { Activity } from "./activity.ts";
import type { Agent, AgentOptions } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";
import { mergeTurnHandling, type TurnHandlingOptions } from "./options.ts";
import { resolveActivity, type Resolved } from "./resolve.ts";
import { markInterrupted, type SpeechHandle } from "./speech_handle.ts";

/** The calls of one session that are more than a question. */
export class Calls {
  readonly #core: SessionCore;

  constructor(core: SessionCore) {
    this.#core = core;
  }

  start(agent: Agent, isResumed: boolean): Promise<void> {
    const activity = this.#core.moves.arrive(agent, isResumed);
    const active = this.#core.waiting.untilActive();
    if (this.#core.closing.signal.aborted) { // it was closed before
      this.#core.closing = new AbortController();
      this.#core.recordAgain();
    }
    this.#core.telemetry.sessionStarted(agent.id);
    this.#core.inbox.call({ type: "session.start", t: 0, arrival: arrivalOf(activity) });
    return active;
  }

  updateAgent(agent: Agent): void {
    const arrival = arrivalOf(this.#core.moves.arrive(agent)); // first, since it may refuse
    this.#core.speeches.tell({ type: "handoff", oldAgentId: this.#core.agent?.id ?? null, newAgentId: agent.id });
    this.#core.agent = agent;
    this.#core.inbox.call({ type: "agent.update", t: 0, arrival });
  }

  /** A tool handed over: the agent goes when the turn that it was called in has ended. */
  handOver(agent: Agent): void {
    const arrival = arrivalOf(this.#core.moves.arrive(agent)); // first, since it may refuse
    this.#core.agent = agent;
    this.#core.inbox.call({ type: "run.watch", t: 0, name: moveName(arrival.activityId) });
    this.#core.inbox.report(RANK.move, { type: "agent.update", t: 0, arrival });
  }

  close(
    reason: CloseReason,
    o: { readonly drain: boolean; readonly deadline: number; readonly error?: unknown },
  ): Promise<void> {
    if (!this.#core.isRunning) return Promise.resolve();
    const over = this.#core.waiting.untilClosed();
    if (o.error !== undefined) this.#core.lastError = o.error;
    this.#core.inbox.call({
      type: "session.close",
      t: 0,
      reason,
      drain: o.drain,
      deadline: o.deadline,
      transcriptTimeout: this.#core.options.sessionCloseTranscriptTimeout ?? 2_000,
    });
    return over;
  }

  /** Waits for work of the program that ends something, but no longer than this.#core. Never rejects. */
  async within(what: string, limitMs: number, work: () => PromiseLike<void> | void): Promise<void> {
    let off = (): void => {};
    const limit = new Promise<void>((resolve) => {
      off = this.#core.clock.schedule(this.#core.clock.now() + limitMs, () => {
        this.#core.log("error", "something did not end in time", { area: "session", what });
        resolve();
      });
    });
    const ending = (async () => await work())().catch((error: unknown) => this.#core.hookFailed(what, error));
    await Promise.race([ending, limit]);
    off();
  }

  /** Changes how turns are taken, from now on. The options were checked. */
  changeTurnHandling(turnHandling: TurnHandlingOptions): void {
    const core = this.#core;
    const changed = { ...core.options, turnHandling: mergeTurnHandling(core.options.turnHandling ?? {}, turnHandling) };
    const resolved = core.moves.present.map((activity) =>
      [activity, resolveActivity(changed, activity.agent.options)] as const
    ); // all before any is changed, since one may refuse
    core.options = changed;
    core.changedTurnHandling = mergeTurnHandling(core.changedTurnHandling ?? {}, turnHandling);
    for (const [activity, next] of resolved) this.#reconfigure(activity, next);
  }

  /** An agent on stage, or below, has other models from now on. */
  changeModels(activity: Activity, options: AgentOptions): void {
    const next = resolveActivity(this.#core.options, options); // before anything is changed, since it may refuse
    const before = activity.resolved;
    activity.agent["~"].options = options;
    this.#reconfigure(activity, next);
    activity.prewarm(before);
  }

  #reconfigure(activity: Activity, next: Resolved): void {
    const core = this.#core;
    const before = activity.resolved;
    activity.resolved = next;
    core.inbox.call({ type: "activity.config", t: 0, activityId: activity.id, config: next.config });
    if (activity === core.activity) core.listening.change(activity, before);
  }

  drain(): Promise<void> {
    const over = this.#core.waiting.untilDrained();
    this.#core.inbox.call({ type: "session.drain", t: 0 });
    return over;
  }

  commitUserTurn(
    o: { readonly transcriptTimeout: number; readonly sttFlushDuration: number; readonly skipReply: boolean },
  ): Promise<string> {
    const id = this.#core.nextSerial();
    const committed = this.#core.waiting.untilCommitted(id);
    this.#core.floor(null, {
      type: "api.commitUserTurn",
      t: 0,
      id,
      ...o,
      audioDetached: !this.#core.input.audioEnabled,
      atClose: false,
    });
    return committed;
  }

  /** Interrupts all that may be interrupted, and resolves when that is over. */
  interrupt(force: boolean): Promise<void> {
    const before = [...this.#core.speeches.live].map((live) => live.handle).filter((handle) => !handle.interrupted);
    this.#core.speeches.interruptParked(force);
    return new Promise((resolve) => {
      this.#core.floor(null, { type: "api.interrupt", t: 0, force });
      this.#core.inbox.call(() => {
        const cut = before.filter((handle) => handle.interrupted && !handle.done());
        resolve(Promise.all(cut.map((handle) => handle.waitForPlayout())).then(() => {}));
      });
    });
  }

  /** A handle was asked to be cut off. */
  interruptHandle(handle: SpeechHandle, force: boolean): void {
    const live = this.#core.speeches.byId(handle.id);
    if (live === undefined) return void markInterrupted(handle);
    this.#core.floor(live.activity.id, { type: "speech.interruptCalled", t: 0, handleId: handle.id, force });
    if (!handle.interrupted) this.#core.speeches.interrupt(handle.id); // not in the queue yet: there is nothing to decide
  }
}

/** What the stage is told of an activity that is to come. */
export function arrivalOf(activity: Activity): Arrival {
  return { activityId: activity.id, agentId: activity.agent.id, config: activity.resolved.config };
}
