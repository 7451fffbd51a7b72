/**
 * Agents on their way on and off the stage.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { Activity } from "./activity.ts";
import type { Agent, HookContext } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";

/** Performs the orders that bring agents on and off. */
export class Moves {
  readonly #core: SessionCore;
  readonly #arriving = new Map<string, Activity>();
  /** Ends the span of the move that is under way. */
  #moved: (() => void) | undefined;
  /** Who came on last. */
  #entered: Agent | undefined;
  /** Hooks under way. */
  hookCount = 0;
  /** The session is put down, and goes on elsewhere: nobody leaves. */
  isSuspending = false;

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** Makes an agent ready to come on. Refuses one that is on another stage. */
  arrive(agent: Agent, isResumed = false): Activity {
    const other = agent["~"].activity;
    if (other !== undefined && other.core !== this.#core) {
      throw new AgentError(
        "agent.already_running",
        `Cannot put an agent on stage as it is on another already: current value is ${agent.id}`,
      );
    }
    const activity = new Activity(`a${this.#core.nextSerial()}`, agent, this.#core, isResumed);
    for (const code of activity.resolved.warnings) this.#core.log("warn", code, { area: "turn", agent: agent.id });
    this.#arriving.set(activity.id, activity);
    return activity;
  }

  /** The agent is on stage. */
  enter(activityId: string, oldAgentId: string | null): void {
    const activity = this.#arriving.get(activityId);
    if (activity === undefined) return;
    this.#arriving.delete(activityId);
    const oldAgent = this.#entered; // the session's `agent` is the one that comes, as soon as it is asked for
    this.#entered = activity.agent;
    this.#core.activity = activity;
    this.#core.agent = activity.agent;
    if (activity.isResumed) {
      activity.begin();
      this.#moved = this.#core.telemetry.move("start", activity.agent.id);
      return;
    }
    const item = this.#core.items.agentHandoff({ oldAgentId, newAgentId: activity.agent.id });
    this.#core.history.insert(item);
    this.#core.runs.record(item, oldAgentId === null ? undefined : oldAgent, activity.agent);
    this.#core.emit({ type: "conversation_item_added", createdAt: this.#core.wall(), item });
    activity.begin();
    this.#moved = this.#core.telemetry.move("start", activity.agent.id);
  }

  /** Sets up what the agent needs, and tells when it is there. */
  prepare(activityId: string): void {
    const activity = this.#core.current();
    this.#core.playout.changed();
    const opening = activity.openToolsets();
    const ready = (): void => {
      this.bind(activity);
      this.#core.inbox.call({ type: "activity.ready", t: 0, activityId });
    };
    if (opening === undefined) return ready();
    void opening.then(() => this.#core.inbox.report(RANK.life, ready));
  }

  /** It hears, unless it does already, or has left meanwhile. */
  bind(activity: Activity): void {
    if (activity !== this.#core.activity || this.#core.listening.isBoundTo(activity)) return;
    this.#moved?.();
    this.#core.listening.bind(activity);
  }

  /** `onExit` took too long: it is told so, and left behind. */
  hookTimedOut(activityId: string): void {
    if (this.#core.activity?.id !== activityId) return;
    this.#core.activity.exitAbort.abort();
    this.#core.hookFailed(
      "onExit",
      new AgentError(
        "session.close_timeout",
        "Cannot wait for `onExit` any longer as it must return within 30,000 ms: current value is pending",
      ),
    );
  }

  /** Runs the agent's hook. */
  runHook(activityId: string, hook: "enter" | "exit"): void {
    const activity = this.#core.current();
    if (hook === "enter") this.#core.waiting.active();
    else this.#moved = this.#core.telemetry.move("drain", activity.agent.id);
    const name = hook === "enter" ? "onEnter" : "onExit";
    this.hookCount++;
    const done = (): void => {
      this.hookCount--;
      this.#core.inbox.call({ type: "hook.done", t: 0, activityId, hook });
    };
    if (hook === "enter" ? activity.isResumed : this.isSuspending) return done(); // it came before, or does not leave
    const session = this.#core.sessionFor({ insideTool: false, onEnter: hook === "enter" });
    const { signal } = hook === "enter" ? activity.toolAbort : activity.exitAbort;
    const ctx: HookContext = { session, userData: this.#core.userData, signal };
    void this.#core.telemetry.hook(hook, activity.agent.id, async () => await activity.agent[name](ctx))
      .catch((error: unknown) => this.#core.hookFailed(name, error))
      .then(() => this.#core.inbox.report(RANK.hook, done));
  }

  /** The agent is off the stage, and what was its own ends. */
  leave(activityId: string, next: string | null): void {
    const activity = this.#core.activity;
    if (activity === undefined || activity.id !== activityId) return;
    if (next !== null) this.#arriving.get(next)?.keepToolsets(); // what both have goes on
    this.#core.listening.leave(next === null ? undefined : this.#arriving.get(next));
    this.#core.toolCalls.leave(activity, true);
    this.#core.speeches.leave(activity);
    activity.end();
    this.#core.activity = undefined;
    this.#moved?.();
  }

  /** Nobody comes any more. */
  clear(): void {
    this.#arriving.clear();
  }
}
