/**
 * Which stretches of sound a recogniser is asked for, and when: decided purely, of what a voice activity detector says.
 *
 * All times are milliseconds of sound, from the first sample that ever came.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { VADEvent } from "./vad.ts";

/** How speech becomes segments. */
export interface SegmentOptions {
  /** Sound before the speech that is recognised with it, so that no first word is lost. Default: 500. */
  readonly preRollMs?: number;
  /** Time between two interim results. Default: 500. */
  readonly interimMs?: number;
  /**
   * Silence after which the words are asked for although the detector still waits for more. When nothing more comes, they
   * are the final ones, and ready by the time the detector says that speech has ended. Default: 200.
   */
  readonly settleMs?: number;
  /** Longest segment, from 2,000 on. Longer speech is cut where it is quietest. Default: 25,000. */
  readonly maxSegmentMs?: number;
}

/** A request for what was said so far. Of no use when it is late, so it is never queued. */
export interface InterimOrder {
  readonly type: "interim";
  readonly segment: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The speaker has been silent for `settleMs`: these may be the final words. */
  readonly isSettled: boolean;
}

/** A request for what was said in a whole segment. */
export interface FinalOrder {
  readonly type: "final";
  readonly segment: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Where the speech itself begins and ends: `fromMs` and `toMs` have some silence with it. */
  readonly onsetMs: number;
  readonly speechEndMs: number;
  /** Speech goes on, in the next segment: this one was cut for its length. */
  readonly goesOn: boolean;
}

/** What is to be done. */
export type SegmentOrder =
  | { readonly type: "start"; readonly segment: number; readonly onsetMs: number }
  /** The speaker goes on after all: what was settled is not. */
  | { readonly type: "resumed" }
  | InterimOrder
  | FinalOrder;

/** Where the speaker is. */
export type SegmentState =
  | {
    readonly phase: "silence";
    /** How many segments there were. */
    readonly count: number;
    /** No later segment reaches back before this. */
    readonly floorMs: number;
  }
  | {
    readonly phase: "speech";
    readonly count: number;
    readonly fromMs: number;
    readonly onsetMs: number;
    readonly nextInterimMs: number;
    /** How long the speaker has been silent. */
    readonly silentMs: number;
    readonly isSettled: boolean;
    /** The best place for a cut so far; none while the segment is short. */
    readonly cut?: { readonly atMs: number; readonly probability: number };
  };

/** What follows from an event. */
export interface SegmentStep {
  readonly state: SegmentState;
  readonly orders: readonly SegmentOrder[];
  /** Sound before this is needed no more. */
  readonly keepFromMs: number;
}

/** Nobody has spoken. */
export const SEGMENT_START: SegmentState = Object.freeze({ phase: "silence", count: 0, floorMs: 0 });

/** How far before the limit the quietest place is looked for. Chosen: a pause between words comes within 5 s. */
const CUT_SEARCH_MS = 5_000;

/** How far a detector may be in doubt about its own windows when it says where speech began. Chosen: two of Silero's. */
const SLACK_MS = 64;

/**
 * Fills in the defaults.
 *
 * @throws {AgentError} `model.bad_option` for a number that makes no sense; the message names it.
 */
export function segmentOptions(given: SegmentOptions = {}): Required<SegmentOptions> {
  const { preRollMs = 500, interimMs = 500, settleMs = 200, maxSegmentMs = 25_000 } = given;
  check("preRollMs", preRollMs, 0);
  check("interimMs", interimMs, 50);
  check("settleMs", settleMs, 0);
  check("maxSegmentMs", maxSegmentMs, 2_000);
  return { preRollMs, interimMs, settleMs, maxSegmentMs };
}

/**
 * Takes one step. Pure.
 *
 * @param windowMs How long the detector's windows are.
 */
export function stepSegment(
  state: SegmentState,
  event: VADEvent,
  { windowMs, ...options }: Required<SegmentOptions> & { readonly windowMs: number },
): SegmentStep {
  const atMs = event.timestampMs;
  if (state.phase === "silence") {
    if (event.type !== "start_of_speech") {
      const onsetMs = atMs - event.rawSpeechMs - windowMs - SLACK_MS; // of speech that may be about to be detected
      return { state, orders: [], keepFromMs: Math.max(state.floorMs, onsetMs - options.preRollMs) };
    }
    const onsetMs = Math.max(state.floorMs, atMs - event.speechDurationMs);
    const fromMs = Math.max(state.floorMs, onsetMs - options.preRollMs);
    const segment = state.count + 1;
    return speech({
      phase: "speech",
      count: segment,
      fromMs,
      onsetMs,
      nextInterimMs: onsetMs + options.interimMs,
      silentMs: 0,
      isSettled: false,
    }, [{ type: "start", segment, onsetMs }]);
  }
  switch (event.type) {
    case "start_of_speech":
      return speech(state, []); // it has started already
    case "end_of_speech":
      return ended(state, atMs, event.silenceDurationMs);
    default:
      return stepSpeech(state, event, { windowMs, ...options });
  }
}

/** Ends what is being said, at a border that the detector does not see: a flush, or the end of the input. Pure. */
export function endSegment(state: SegmentState, atMs: number): SegmentStep {
  const { state: silence, orders } = state.phase === "speech"
    ? ended(state, atMs, state.silentMs)
    : { state, orders: [] };
  return { state: { ...silence, floorMs: atMs } as SegmentState, orders, keepFromMs: atMs };
}

type SpeechState = Extract<SegmentState, { readonly phase: "speech" }>;

function stepSpeech(
  state: SpeechState,
  { timestampMs: atMs, rawSilenceMs, probability }: VADEvent,
  { windowMs, interimMs, settleMs, maxSegmentMs }: Required<SegmentOptions> & { readonly windowMs: number },
): SegmentStep {
  const { count, fromMs } = state;
  const orders: SegmentOrder[] = [];
  const isSilent = rawSilenceMs > 0;
  let { isSettled, nextInterimMs, cut } = state;

  if (isSettled && !isSilent) {
    isSettled = false;
    orders.push({ type: "resumed" });
  }
  const interim = (): void => {
    orders.push({ type: "interim", segment: count, fromMs, toMs: atMs, isSettled });
    while (nextInterimMs <= atMs) nextInterimMs += interimMs;
  };
  if (!isSettled && isSilent && rawSilenceMs >= settleMs) {
    isSettled = true;
    interim();
  } else if (!isSilent && atMs >= nextInterimMs) {
    interim(); // in a silence the settled one comes soon, and says the same
  }

  if (atMs - fromMs > maxSegmentMs - Math.min(CUT_SEARCH_MS, maxSegmentMs / 2)) {
    const isQuieter = cut === undefined || probability <= cut.probability;
    if (isQuieter) cut = { atMs: atMs - windowMs / 2, probability };
  }
  const next: SpeechState = { ...state, isSettled, nextInterimMs, silentMs: rawSilenceMs, ...(cut && { cut }) };
  if (cut === undefined || atMs - fromMs < maxSegmentMs) return speech(next, orders);

  const final: FinalOrder = {
    type: "final",
    segment: count,
    fromMs,
    toMs: cut.atMs,
    onsetMs: state.onsetMs,
    speechEndMs: cut.atMs,
    goesOn: true,
  };
  const { cut: _, ...rest } = next;
  return speech({ ...rest, count: count + 1, fromMs: cut.atMs, onsetMs: cut.atMs, isSettled: false }, [
    ...orders.filter(({ type }) => type === "resumed"), // the words asked for would come too late
    final,
  ]);
}

function speech(state: SpeechState, orders: readonly SegmentOrder[]): SegmentStep {
  return { state, orders, keepFromMs: state.fromMs };
}

function ended({ count, fromMs, onsetMs }: SpeechState, atMs: number, silenceMs: number): SegmentStep {
  const toMs = Math.max(fromMs, atMs);
  const speechEndMs = Math.min(toMs, Math.max(onsetMs, atMs - silenceMs));
  // Half of the silence is the next one's: its pre-roll must not hear the end of this one again.
  const floorMs = (speechEndMs + toMs) / 2;
  return {
    state: { phase: "silence", count, floorMs },
    orders: [{ type: "final", segment: count, fromMs, toMs, onsetMs, speechEndMs, goesOn: false }],
    keepFromMs: floorMs,
  };
}

function check(name: string, value: number, least: number): void {
  if (value >= least && value < Infinity) return;
  throw new AgentError(
    "model.bad_option",
    `Cannot recognise speech in segments as \`${name}\` must be a number of at least ${least}: current value is ${value}`,
  );
}
