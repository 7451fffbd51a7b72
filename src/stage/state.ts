/**
 * The root state of a session: who is on stage, what they share, and the floor of each activity.
 *
 * An activity is one agent's time on stage. Its floor is a turn machine; what outlives it is shared.
 *
 * @module
 */
import type { TurnConfig } from "../turn/config.ts";
import type { TurnEvent } from "../turn/event.ts";
import { createShared, type PausedTurn, type SharedState, type TurnState } from "../turn/state.ts";

/** Why a session closed. */
export type CloseReason =
  | "error"
  | "job_shutdown"
  | "participant_disconnected"
  | "user_initiated"
  | "task_completed"
  /** It was put down, and may go on elsewhere. */
  | "suspended";

/** An activity's place in its life. */
export type ActivityPhase =
  /** Toolsets are set up and models connected; bounded by the `entering` timer. */
  | "entering"
  | "active"
  /** `onExit` runs; bounded by the `exiting` timer. */
  | "exiting"
  /** No new speech; what there is plays out; tools get until the `draining` timer. */
  | "draining"
  /** It makes room for a task: what there is plays out, and other tools get until the `pausing` timer. */
  | "pausing";

/** One agent's time on stage. */
export interface ActivityState {
  readonly id: string;
  readonly agentId: string;
  readonly config: TurnConfig;
  readonly phase: ActivityPhase;
  /** Calls that work on in the background: while it drains, they are waited for as those of its speech are. */
  readonly backgroundCalls: number;
  /** The `onExit` hook waits for a task: the activity goes on leaving when that is over. */
  readonly inExit?: boolean;
  /** It was brought back only to leave: what its tools come to is stored, and not answered. */
  readonly passing?: boolean;
}

/** An activity that waits for a task. Its floor is gone; the last words go where the stage goes. */
export interface PausedActivity {
  readonly activity: ActivityState;
  readonly turn: PausedTurn;
  /** Replies to tools that ended meanwhile: they get their turn when the activity is back. */
  readonly scheduled: readonly Extract<TurnEvent, { type: "speech.scheduled" }>[];
}

/** A dialogue that a tool or a hook waits for. It is known by the id of the activity that it is going to be. */
export interface TaskState {
  readonly arrival: Arrival;
  /** Whose tool or hook it is. */
  readonly parentId: string;
  /** What waits, by the name that runs know it by. */
  readonly waiter: string;
  readonly phase:
    /** One at a time for each parent, in the order of the calls. */
    | "queued"
    | "onStage"
    /** It has its result, and leaves. */
    | "completed";
}

/** An agent that is to take the stage. */
export interface Arrival {
  readonly activityId: string;
  readonly agentId: string;
  readonly config: TurnConfig;
}

/** A closing session's place. Each step waits for facts, and the `closing` timer ends them all. */
export interface Closing {
  readonly reason: CloseReason;
  readonly drain: boolean;
  readonly transcriptTimeout: number;
  /** When all is cut off. */
  readonly endsAt: number;
  /** Its activity leaves; then the last words are stored; then everything is let go. */
  readonly phase: "leaving" | "settling" | "releasing";
}

/** The run that is under way: it ends when nothing that it caused is alive. */
export interface RunState {
  readonly runId: number;
  /** Things alive, by name: handles, hooks, moves. */
  readonly alive: ReadonlySet<string>;
}

/** How many failures in a row each kind of model had. */
export interface ErrorBudget {
  readonly llm: number;
  readonly tts: number;
  readonly stt: number;
}

/** Who is on stage. */
export interface StageState {
  readonly phase: "idle" | "running" | "closing" | "closed";
  readonly current: ActivityState | null;
  /** Who waits below the current activity, the first agent first: each for the one above it. */
  readonly paused: readonly PausedActivity[];
  readonly tasks: readonly TaskState[];
  /** Hooks at work, by the names that runs know them by. */
  readonly hooks: readonly string[];
  /** The agent that was last told to be on stage. */
  readonly toldAgentId: string | null;
  /** Agents that are to take over, in the order of the calls. Each is entered and left, so that its hooks run. */
  readonly arrivals: readonly Arrival[];
  /** `drain()` was called: the activity leaves, the session stays. */
  readonly drained: boolean;
  readonly closing: Closing | null;
  readonly run: RunState | null;
  readonly errors: ErrorBudget;
  readonly maxUnrecoverableErrors: number;
  /** Makes generations of the stage's own timers. */
  readonly serial: number;
  readonly timers: Readonly<Partial<Record<StageTimer, number>>>;
}

/** Timers of the stage. */
export type StageTimer = "entering" | "onEnter" | "exiting" | "draining" | "pausing" | "closing";

/** The whole of a session, as far as decisions go. */
export interface RootState {
  readonly stage: StageState;
  readonly shared: SharedState;
  readonly floors: Readonly<Record<string, TurnState>>;
}

/** How long toolsets and connections may take before the agent goes on without them. Design decision 8. */
export const ENTERING_LIMIT_MS = 5_000;
/** How long `onEnter` and `onExit` may take, tasks that they wait for aside, before they count as failed. Design decision 7. */
export const HOOK_LIMIT_MS = 30_000;
/** How long a leaving agent's tools may run before they are called off. Design decision 7. */
export const TOOL_DRAIN_LIMIT_MS = 10_000;
/** How long `close()` may take in all, unless the call says otherwise. Chosen: above the two others together. */
export const CLOSE_LIMIT_MS = 20_000;

/** What a run calls a move that is under way. */
export function moveName(activityId: string): string {
  return `move:${activityId}`;
}

/** What a session is made with, as far as decisions go. */
export interface RootOptions {
  /** Milliseconds; null: there is no warm-up. */
  readonly aecWarmupDuration: number | null;
  /** False where somebody must subscribe first. */
  readonly listenerPresent: boolean;
  readonly maxUnrecoverableErrors: number;
}

/** The state of a session that has not started. */
export function createRoot(options: RootOptions): RootState {
  return {
    stage: {
      phase: "idle",
      current: null,
      paused: [],
      tasks: [],
      hooks: [],
      toldAgentId: null,
      arrivals: [],
      drained: false,
      closing: null,
      run: null,
      errors: { llm: 0, tts: 0, stt: 0 },
      maxUnrecoverableErrors: options.maxUnrecoverableErrors,
      serial: 0,
      timers: {},
    },
    shared: createShared(options),
    floors: {},
  };
}
