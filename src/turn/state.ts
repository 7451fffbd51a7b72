/**
 * The state of the turn machine: a record of regions, each with a file of its own that changes it.
 *
 * @module
 */
import type { TurnConfig } from "./config.ts";
import { type Carry, createRegions, type Regions, type Speech } from "./regions.ts";
import type { AgentState, UserState } from "./effect.ts";

/** How far the echo canceller's warm-up is. It happens once in a session. */
export type AecWarmup =
  | { readonly phase: "off" }
  /** Begins with the first audible speech. */
  | { readonly phase: "ready"; readonly durationMs: number }
  | { readonly phase: "running" }
  | { readonly phase: "over" };

/** What outlives an activity: the states that the public sees, and what belongs to the sink and the microphone. */
export interface SharedState {
  readonly userState: UserState;
  readonly agentState: AgentState;
  /** The audio output as a whole. `paused` is what the last order to it was. */
  readonly output: {
    readonly present: boolean;
    readonly enabled: boolean;
    readonly canPause: boolean;
    readonly paused: boolean;
  };
  readonly aec: AecWarmup;
  /** The session closes: turns are stored, not answered. */
  readonly closing: boolean;
  /** Somebody is there to hear the agent, so that the away timer may run. */
  readonly listenerPresent: boolean;
  /** Tool calls under way anywhere in the session. */
  readonly runningTools: number;
  /** Programmatic user turns that are open. While there are any, the user counts as speaking. */
  readonly claims: number;
  /** The answering-machine detector answers the turns. */
  readonly amdTakesOver: boolean;
  /** Generations of the live timers of the session; absent: not armed. */
  readonly timers: TimerTable;
  readonly serial: number;
}

/** The generation of each live timer. A name that is absent is not armed. */
export type TimerTable = Readonly<Record<string, number>>;

/** Everything that one activity knows of its conversation. Made by {@linkcode createTurn}, changed by `stepTurn` alone. */
export interface TurnState extends Regions {
  readonly activityId: string;
}

/** What a leaving activity hands to the next: words that nobody has answered yet, and the delays it has learned. */
export type CarriedTurn = Carry;

/**
 * Makes the state that all activities of a session share.
 *
 * @param o `aecWarmupDuration` in milliseconds, null for none; `listenerPresent` false where somebody must subscribe first.
 */
export function createShared(o: { aecWarmupDuration: number | null; listenerPresent: boolean }): SharedState {
  return {
    userState: "listening",
    agentState: "initializing",
    output: { present: false, enabled: true, canPause: false, paused: false },
    aec: o.aecWarmupDuration !== null && o.aecWarmupDuration > 0
      ? { phase: "ready", durationMs: o.aecWarmupDuration }
      : { phase: "off" },
    closing: false,
    listenerPresent: o.listenerPresent,
    runningTools: 0,
    claims: 0,
    amdTakesOver: false,
    timers: {},
    serial: 0,
  };
}

/**
 * Makes the turn state of an activity. It takes no speech and no turn until the fact `activity.started`.
 *
 * @param carried What the activity before it left; used in the `"fixed"` mode only.
 */
export function createTurn(activityId: string, config: TurnConfig, carried?: CarriedTurn): TurnState {
  return { activityId, ...createRegions(config, config.compat === "fixed" ? carried : undefined) };
}

/** Takes out what the next activity needs. Ask it after `activity.close`, or before; the state is not changed. */
export function carry(turn: TurnState): CarriedTurn {
  const { recognition: r, endpointing } = turn;
  return {
    recognition: {
      finalText: r.finalText,
      interimText: r.interimText,
      confidences: r.confidences,
      lastFinalTime: r.lastFinalTime,
      lastSpeakingTime: r.lastSpeakingTime,
      speechStartTime: r.speechStartTime,
      userTurnStart: r.userTurnStart,
      requestIds: r.requestIds,
      lastLanguage: r.lastLanguage,
    },
    endpointing,
    authorizationAllowed: turn.speeches.authorizationAllowed,
  };
}

/** What stays of an activity that waits for a task: speeches whose tools go on, and its counters. */
export interface PausedTurn {
  readonly speeches: readonly Speech[];
  readonly made: number;
  readonly nextTurnId: number;
  readonly serial: number;
  readonly lastPlayoutEnd: number;
}

/** Takes out what stays while an activity waits. What is interrupted already does not: it is given up. */
export function pauseTurn(turn: TurnState): PausedTurn {
  const { all, made, lastPlayoutEnd } = turn.speeches;
  return {
    speeches: all.filter((speech) => speech.phase === "background" && !speech.interrupted),
    made,
    nextTurnId: turn.turns.nextId,
    serial: turn.serial,
    lastPlayoutEnd,
  };
}

/** Makes the state of an activity that is back. Like a new one it begins with the fact `activity.started`. */
export function resumeTurn(
  activityId: string,
  config: TurnConfig,
  paused: PausedTurn,
  carried: CarriedTurn | undefined,
): TurnState {
  const turn = createTurn(activityId, config, carried);
  const { speeches: all, made, nextTurnId: nextId, serial, lastPlayoutEnd } = paused;
  return {
    ...turn,
    serial,
    speeches: { ...turn.speeches, all, made, lastPlayoutEnd },
    turns: { ...turn.turns, nextId },
  };
}
