/**
 * The facts that a session is told, and the orders it gives: those of the turn machine, and the stage's own.
 *
 * @module
 */
import type { TurnConfig } from "../turn/config.ts";
import type { TurnEffect } from "../turn/effect.ts";
import type { TurnEvent } from "../turn/event.ts";
import type { Arrival, CloseReason, StageTimer } from "./state.ts";

type At<T> = T & { readonly t: number };

/** A fact of the session. */
export type RootEvent = At<
  /** A fact for the floor of one activity; unknown ids are dropped. Null: the current one. */
  | { readonly type: "floor"; readonly activityId: string | null; readonly event: TurnEvent }
  /** `start()`: the first agent takes the stage. */
  | { readonly type: "session.start"; readonly arrival: Arrival }
  /** Toolsets and connections of the activity are ready. */
  | { readonly type: "activity.ready"; readonly activityId: string }
  | { readonly type: "activity.config"; readonly activityId: string; readonly config: TurnConfig }
  /** `updateAgent()`, or a tool that returned an agent. */
  | { readonly type: "agent.update"; readonly arrival: Arrival }
  /** A tool or a hook of an activity waits for a task. `waiter` is what runs call it. */
  | {
    readonly type: "task.requested";
    readonly arrival: Arrival;
    readonly parentId: string;
    readonly waiter: string;
  }
  /** The task has its result, or nobody waits for it any more. */
  | { readonly type: "task.completed"; readonly taskId: string }
  | { readonly type: "hook.done"; readonly activityId: string; readonly hook: "enter" | "exit" }
  | { readonly type: "session.drain" }
  | {
    readonly type: "session.close";
    readonly reason: CloseReason;
    readonly drain: boolean;
    /** Milliseconds until everything is cut off. */
    readonly deadline: number;
    /** Milliseconds to wait for the last words of the user. */
    readonly transcriptTimeout: number;
  }
  /** Inputs, outputs, toolsets and models of the session are released. */
  | { readonly type: "session.released" }
  /** A model failed. `recoverable`: it tries again by itself. */
  | { readonly type: "model.error"; readonly kind: "llm" | "tts" | "stt" | "realtime"; readonly recoverable: boolean }
  /** Something became audible or ended in the sink. */
  | {
    readonly type: "playout.ack";
    readonly activityId: string;
    readonly handleId: string;
    readonly segmentId: string;
    readonly ack: "started" | "position" | "finished" | "cleared";
    readonly positionMs: number;
    readonly at: number;
    /** It is the first sign of this step of the speech. */
    readonly first: boolean;
  }
  /** A step of a speech has been played or torn down: what was heard goes into the history. */
  | {
    readonly type: "reply.played";
    readonly activityId: string;
    readonly handleId: string;
    readonly text: string;
    readonly interrupted: boolean;
    readonly toolsStarted: boolean;
    readonly toolsRunning: boolean;
  }
  /** The tools of a step have ended: their results go into the history, and may want a reply. */
  | { readonly type: "tools.ended"; readonly activityId: string; readonly handleId: string }
  /** How many calls of an activity work on in the background, behind the reply that asked for them. */
  | { readonly type: "tools.background"; readonly activityId: string; readonly running: number }
  /** `run()` was called, and what it waits for to begin with. `isStarting`: it is over a start that follows. */
  | {
    readonly type: "run.start";
    readonly runId: number;
    readonly alive: readonly string[];
    readonly isStarting?: boolean;
  }
  /** Something that a run waits for began or ended: a handle, a hook, a move. */
  | { readonly type: "run.watch"; readonly name: string }
  | { readonly type: "run.unwatch"; readonly name: string }
  | { readonly type: "stage.timer"; readonly name: StageTimer; readonly gen: number }
>;

/** An order of the stage. */
export type StageEffect =
  /** The activity is on stage: record the hand-off. */
  | {
    readonly type: "activity.enter";
    readonly activityId: string;
    readonly agentId: string;
    readonly oldAgentId: string | null;
  }
  /** It waits for a task, and hears nothing. `next` is that of the task, which may take over its listening. */
  | { readonly type: "activity.pause"; readonly activityId: string; readonly next: string }
  /** It is back on stage, from a task. `oldAgentId`: record the hand-off; null: it only leaves. */
  | { readonly type: "activity.resume"; readonly activityId: string; readonly oldAgentId: string | null }
  /** What was said in the task becomes known to whoever waited for it. */
  | { readonly type: "task.merge"; readonly taskId: string; readonly parentId: string }
  /** Answer whoever waits. `completed`: with what the task came to; otherwise it was called off. */
  | { readonly type: "task.settle"; readonly taskId: string; readonly completed: boolean }
  /** Set up its toolsets and inputs; then report `activity.ready`. */
  | { readonly type: "activity.prepare"; readonly activityId: string }
  /** It took too long: go on without. */
  | { readonly type: "activity.unready"; readonly activityId: string }
  | { readonly type: "hook.run"; readonly activityId: string; readonly hook: "enter" | "exit" }
  /** The hook took too long: it counts as failed, and nobody waits for it any more. */
  | { readonly type: "hook.timeout"; readonly activityId: string; readonly hook: "enter" | "exit" }
  /** It is over: release what it owns. `next` may take over its listening. */
  | { readonly type: "activity.leave"; readonly activityId: string; readonly next: string | null }
  /** It is about to leave: call off what works in the background and may be called off. */
  | { readonly type: "tools.leave"; readonly activityId: string }
  /** Its tools had their time: abort them. */
  | { readonly type: "tools.abort"; readonly activityId: string }
  /** The session's time to close is over: abandon everything that is still alive. */
  | { readonly type: "session.abandon" }
  /** Detach inputs and outputs. */
  | { readonly type: "session.detach" }
  /** Release inputs, outputs, toolsets and models; then report `session.released`. */
  | { readonly type: "session.release" }
  /** It is over: the `close` event goes out. */
  | { readonly type: "session.closed"; readonly reason: CloseReason }
  | { readonly type: "session.drained" }
  | {
    readonly type: "reply.ack";
    readonly handleId: string;
    readonly segmentId: string;
    readonly ack: "started" | "position" | "finished" | "cleared";
    readonly positionMs: number;
    readonly at: number;
  }
  /** Store what was heard of this step. */
  | { readonly type: "message.commit"; readonly handleId: string; readonly text: string; readonly interrupted: boolean }
  /** Store the tools' results, tell the listeners, and go on as they want. */
  | {
    readonly type: "tools.commit";
    readonly handleId: string;
    readonly draining: boolean;
    /** Nobody is to answer them. */
    readonly silent: boolean;
  }
  | { readonly type: "run.settle"; readonly runId: number }
  | { readonly type: "stage.timer.set"; readonly name: StageTimer; readonly gen: number; readonly at: number }
  | { readonly type: "stage.timer.cancel"; readonly name: StageTimer };

/** An order; those of a floor name their activity. */
export type RootEffect = StageEffect | (TurnEffect & { readonly activityId: string });
