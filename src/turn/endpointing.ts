/**
 * How long to wait after the last speech before a turn is over. The dynamic mode learns the shorter of the two delays from
 * the pauses that the user makes inside a turn.
 *
 * @module
 */
import type { TurnConfig } from "./config.ts";

type Options = TurnConfig["endpointing"];

/** What is known of the last utterances, in clock milliseconds, and what was learned from them. */
export interface EndpointingState {
  readonly mode: Options["mode"];
  /** The learned delay, as it was filtered; read it by {@linkcode minDelay}. */
  readonly learned: number;
  readonly userStart: number | undefined;
  readonly userEnd: number | undefined;
  readonly agentStart: number | undefined;
  readonly agentEnd: number | undefined;
  /** The user's utterance began over the agent's, and the agent has not stopped since. */
  readonly overlapping: boolean;
  /** When the agent speech began over which the user's utterance began (OURS-16). */
  readonly bargedInOn: number | undefined;
}

/** Silence that synthesised speech may begin with: a user who starts within it has not heard the agent. */
const LEADING_SILENCE_MS = 250; // specified: 02 section 2.4

/** How long a pause inside a turn usually goes on. Measured: the best of 200 to 500 on `bench/endpointing`. */
const TYPICAL_PAUSE_MS = 500;

/** Makes the state, or goes on with the one of the activity before if the mode is the same. */
export function createEndpointing(options: Options, carried?: EndpointingState): EndpointingState {
  const isCarried = carried !== undefined && carried.mode === options.mode;
  return {
    mode: options.mode,
    learned: isCarried ? clamp(carried.learned, options) : options.minDelay,
    userStart: undefined,
    userEnd: undefined,
    agentStart: undefined,
    agentEnd: undefined,
    overlapping: false,
    bargedInOn: undefined,
  };
}

/** The delay after a turn that seems complete. */
export function minDelay(e: EndpointingState, options: Options): number {
  return e.mode === "dynamic" ? Math.min(e.learned, options.maxDelay) : options.minDelay;
}

/**
 * The delay after a turn that a detector calls unlikely to be complete. Graded, it grows with the odds against: where pauses
 * last about as long as any other, each e-fold of the odds is worth one pause more, and no other rule cuts off as few for the
 * same wait (`bench/endpointing`, docs/decisions/0004).
 */
export function unlikelyDelay(e: EndpointingState, options: Options, probability: number, threshold: number): number {
  if (e.mode !== "graded") return options.maxDelay;
  const against = logOdds(threshold) - logOdds(probability);
  return Math.min(options.maxDelay, options.minDelay + Math.round(TYPICAL_PAUSE_MS * against));
}

/** The logarithm of the odds of a probability, by sums and products alone: `Math.log` differs from engine to engine. */
function logOdds(probability: number): number {
  const within = Math.max(1e-6, Math.min(1 - 1e-6, probability));
  let odds = within / (1 - within);
  let twos = 0;
  for (; odds > 1.5; odds /= 2) twos++;
  for (; odds < 0.75; odds *= 2) twos--;
  const ratio = (odds - 1) / (odds + 1);
  const square = ratio * ratio;
  const series = 1 + square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9 + square / 11))));
  return 2 * ratio * series + twos * Math.LN2;
}

/** The agent is heard from now on. */
export function agentSpeechStarted(e: EndpointingState, at: number): EndpointingState {
  return { ...e, agentStart: at, agentEnd: undefined, overlapping: false };
}

/** The agent is not heard any more. */
export function agentSpeechEnded(e: EndpointingState, at: number): EndpointingState {
  const open = e.agentStart !== undefined && (e.agentEnd === undefined || e.agentEnd < e.agentStart);
  return { ...e, agentEnd: open ? at : e.agentEnd, overlapping: false };
}

/** The user speaks; `overlapping`: over the agent. */
export function userSpeechStarted(e: EndpointingState, at: number, overlapping: boolean): EndpointingState {
  if (e.overlapping) return e;
  let { userEnd } = e;
  if (
    overlapping && e.userStart !== undefined && userEnd !== undefined && e.agentStart !== undefined &&
    userEnd < e.userStart
  ) {
    userEnd = e.agentStart - 1; // the utterance before this one never got its end
  }
  return { ...e, userStart: at, userEnd, overlapping, bargedInOn: overlapping ? e.agentStart : undefined };
}

/**
 * The user stopped. A pause inside a turn, and an agent that cut in too early, teach the delay.
 *
 * @param ignore The utterance was no interruption: it teaches nothing.
 * @param remember Utterances that stopped the agent teach too (OURS-16).
 */
export function userSpeechEnded(
  e: EndpointingState,
  at: number,
  ignore: boolean,
  options: Options,
  remember: boolean,
): EndpointingState {
  if (ignore && e.overlapping) {
    const hasNotHeard = e.userStart !== undefined && e.agentStart !== undefined &&
      Math.abs(e.userStart - e.agentStart) < LEADING_SILENCE_MS;
    if (!hasNotHeard) {
      return ignoreUtterance(e);
    }
  }
  const bargedIn = remember && e.bargedInOn !== undefined;
  const agentStart = bargedIn ? e.bargedInOn : e.agentStart;
  const gapUser = gap(e.userStart, e.userEnd);
  let { learned } = e;
  if (e.overlapping || bargedIn || (e.agentStart !== undefined && e.agentEnd === undefined)) {
    const gapTurn = gap(agentStart, e.userEnd);
    const lead = e.userStart === undefined || agentStart === undefined ? 0 : Math.abs(gapUser - gapTurn);
    const tooEarly = lead > 0 && lead <= minDelay(e, options) && gapTurn > 0 && gapTurn <= options.maxDelay;
    if (tooEarly && gapUser > 0) learned = filter(learned, gapUser, options);
  } else if (gapUser > 0 && e.agentStart === undefined && e.agentEnd === undefined) {
    learned = filter(learned, gapUser, options);
  }
  return {
    ...e,
    learned,
    userEnd: at,
    agentStart: undefined,
    agentEnd: undefined,
    overlapping: false,
    bargedInOn: undefined,
  };
}

/** The user's utterance asked for nothing: it teaches nothing, and neither does the pause after it. */
export function ignoreUtterance(e: EndpointingState): EndpointingState {
  return { ...e, overlapping: false, userStart: undefined, userEnd: undefined, bargedInOn: undefined };
}

/** Takes new options: what was learned stays unless its delay was set (OURS-15); in reference mode all is forgotten. */
export function updateEndpointing(
  e: EndpointingState,
  options: Options,
  previous: Options,
  keep: boolean,
): EndpointingState {
  if (!keep || e.mode !== options.mode) return createEndpointing(options);
  return options.minDelay === previous.minDelay ? e : { ...e, learned: options.minDelay };
}

function gap(start: number | undefined, end: number | undefined): number {
  return start === undefined || end === undefined ? 0 : Math.max(0, start - end);
}

function filter(value: number, sample: number, options: Options): number {
  return clamp(options.alpha * value + (1 - options.alpha) * sample, options);
}

function clamp(value: number, options: Options): number {
  return Math.max(options.minDelay, Math.min(options.maxDelay, value));
}
