/**
 * The user's turns after they were accepted: the message, the agent's hook, and where the message goes.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import type { ChatMessage, MetricsReport, ModelMetadata } from "../chat/item.ts";
import { chatMessage } from "../chat/make.ts";
import { metadataOf } from "../model/attempt_policy.ts";
import { StopResponse } from "../tool/error.ts";
import type { RefusalReason, TurnInfo, TurnMetrics } from "../turn/effect.ts";
import type { Activity } from "./activity.ts";
import { Agent, type HookContext, type MutableMessage } from "./agent.ts";
import { callScope, PROGRAM, within } from "./call_scope.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";
import { preemptiveMatches } from "./preemptive_speeches.ts";

/** A turn on its way to a reply. */
export interface UserTurn {
  readonly turnId: number;
  readonly info: TurnInfo;
  message: ChatMessage;
  /** What the reply is made from when the hook changed it; undefined: the agent's own context. */
  chatCtx: ChatContext | undefined;
  /** Where the message stands in it: before whatever the hook added. */
  place: number;
  hookDelay: number | undefined;
}

/** The turns of one activity that are under way. */
export class UserTurns {
  readonly #core: SessionCore;
  readonly #turns = new Map<number, UserTurn>();

  constructor(core: SessionCore) {
    this.#core = core;
  }

  get(turnId: number): UserTurn | undefined {
    return this.#turns.get(turnId);
  }

  commit(turnId: number, info: TurnInfo): void {
    const core = this.#core;
    const stt = core.activity?.resolved.stt;
    const message = core.items.message({
      role: "user",
      content: [info.transcript],
      createdAt: core.wall(info.committedAt),
      ...(info.confidence > 0 && { transcriptConfidence: info.confidence }),
      metrics: { ...core.wallMetrics(info.metrics), ...(stt && { sttMetadata: metadataOf(stt) }) },
    });
    this.#turns.set(turnId, { turnId, info, message, chatCtx: undefined, place: 0, hookDelay: undefined });
  }

  /** Asks the agent. Answers at once where the agent has no hook of its own. */
  runHook(activity: Activity, turnId: number): void {
    const turn = this.#turns.get(turnId);
    if (turn === undefined) return;
    const { agent } = activity;
    if (agent.onUserTurnCompleted === Agent.prototype.onUserTurnCompleted) {
      return this.#core.floor(activity.id, {
        type: "turn.hookDone",
        t: 0,
        turnId,
        outcome: "ok",
        text: turn.info.transcript,
        unchanged: preemptiveMatches(this.#core, activity, agent["~"].chatCtx),
      });
    }
    void this.#runHook(activity, turn);
  }

  async #runHook(activity: Activity, turn: UserTurn): Promise<void> {
    const core = this.#core;
    const chatCtx = activity.agent["~"].chatCtx.copy();
    turn.place = chatCtx.length;
    const message: MutableMessage = { ...turn.message };
    const startedAt = core.clock.now();
    let outcome: "ok" | "stop" | "error" = "ok";
    try {
      await runTurnHook(core, activity, (ctx) => activity.agent.onUserTurnCompleted(chatCtx, message, ctx));
    } catch (error) {
      outcome = error instanceof StopResponse ? "stop" : "error";
      if (outcome === "error") core.hookFailed("onUserTurnCompleted", error);
    }
    core.inbox.report(RANK.hook, () => {
      turn.hookDelay = core.clock.now() - startedAt;
      if (message.content !== turn.message.content) turn.message = chatMessage({ ...message });
      const unchanged = preemptiveMatches(core, activity, chatCtx);
      if (!chatCtx.isEquivalent(activity.agent["~"].chatCtx)) turn.chatCtx = chatCtx;
      core.floor(activity.id, {
        type: "turn.hookDone",
        t: 0,
        turnId: turn.turnId,
        outcome,
        text: turn.message.textContent ?? "",
        unchanged,
      });
    });
  }

  /** The message with what was measured of it until now. */
  finished(turn: UserTurn): ChatMessage {
    const { message, hookDelay } = turn;
    if (hookDelay === undefined) return message;
    return chatMessage({ ...message, metrics: { ...message.metrics, onUserTurnCompletedDelay: hookDelay } });
  }

  store(activity: Activity, turnId: number, reason: RefusalReason): void {
    const turn = this.#turns.get(turnId);
    if (turn === undefined) return;
    this.#core.commitMessage(activity, this.finished(turn), undefined);
    this.#turns.delete(turnId);
    this.#tellDropped(turn, reason, true);
  }

  drop(turnId: number, reason: RefusalReason): void {
    const turn = this.#turns.get(turnId);
    this.#turns.delete(turnId);
    if (turn !== undefined) this.#tellDropped(turn, reason, false);
  }

  over(activity: Activity, turnId: number, handleId: string | null): void {
    const turn = this.#turns.get(turnId);
    if (turn === undefined) return;
    this.#turns.delete(turnId);
    if (handleId === null) return;
    const { metrics } = turn.info;
    this.#core.collectMetrics({
      type: "eou_metrics",
      label: "turn",
      metadata: judgeOf(activity),
      timestamp: this.#core.wall(),
      endOfUtteranceDelayMs: metrics.endOfTurnDelay ?? 0,
      transcriptionDelayMs: metrics.transcriptionDelay ?? 0,
      onUserTurnCompletedDelayMs: turn.hookDelay ?? 0,
      lastSpeakingTimeMs: metrics.stoppedSpeakingAt ?? 0,
      speechId: handleId,
    });
  }

  #tellDropped(turn: UserTurn, reason: RefusalReason, stored: boolean): void {
    this.#core.emit({
      type: "user_turn_dropped",
      createdAt: this.#core.wall(),
      transcript: turn.info.transcript,
      reason,
      stored,
    });
  }
}

/** Runs a hook that is about a turn of the user, in which no task can be waited for. */
export async function runTurnHook(
  core: SessionCore,
  activity: Activity,
  body: (ctx: HookContext) => void | Promise<void>,
): Promise<void> {
  const scope = callScope({ activity, caller: PROGRAM, waiter: null, handle: undefined });
  try {
    await within(core.runtime, scope, () => body(core.hookContext(scope, activity.toolAbort.signal)));
  } finally {
    scope.isOver = true;
  }
}

/** Clock times of a turn as points in time. */
export function toWall(metrics: TurnMetrics, wall: (t: number) => number): MetricsReport {
  return {
    ...metrics,
    ...(metrics.startedSpeakingAt !== undefined && { startedSpeakingAt: wall(metrics.startedSpeakingAt) }),
    ...(metrics.stoppedSpeakingAt !== undefined && { stoppedSpeakingAt: wall(metrics.stoppedSpeakingAt) }),
  };
}

/** Who said that the turn was over: a model, or the mode. */
function judgeOf({ resolved: { detector, config } }: Activity): ModelMetadata {
  return detector === null
    ? { modelName: "unknown", modelProvider: config.mode ?? "unknown" }
    : { modelName: detector.model, modelProvider: detector.provider };
}
