/**
 * What the turn machine needs to know of an activity: resolved once when the activity begins, and again when options change.
 *
 * @module
 */

/** Who decides that a user turn is over. Null: whatever signals there are. */
export type TurnDetectionMode = "vad" | "stt" | "manual" | "realtime_llm" | null;

/** Options of the machine, resolved for one activity. All durations are milliseconds. */
export interface TurnConfig {
  /** `"reference"` switches our numbered improvements (OURS-n) off. */
  readonly compat: "fixed" | "reference";
  /** The mode when it is a string; null too when a detector decides. */
  readonly mode: TurnDetectionMode;
  /** Which kind of end-of-turn detector is asked. */
  readonly detector: "none" | "text" | "streaming";
  readonly hasVad: boolean;
  /** A VAD that the user supplied, not a default one. */
  readonly hasUserVad: boolean;
  readonly hasStt: boolean;
  readonly llm: "none" | "pipeline" | "realtime";
  /** The realtime model ends turns by itself. */
  readonly serverTurnDetection: boolean;
  /** The realtime model gives the user's words. */
  readonly realtimeTranscription: boolean;
  /** A detector judges overlaps. */
  readonly adaptive: boolean;
  readonly endpointing: {
    readonly mode: "fixed" | "dynamic" | "graded";
    readonly minDelay: number;
    readonly maxDelay: number;
    readonly alpha: number;
  };
  readonly interruption: {
    /** Default of `allowInterruptions` of a speech. */
    readonly enabled: boolean;
    readonly discardAudioIfUninterruptible: boolean;
    readonly minDuration: number;
    readonly minWords: number;
    readonly resumeFalseInterruption: boolean;
    /** Null: never called false. */
    readonly falseInterruptionTimeout: number | null;
    readonly backchannelBoundary: readonly [start: number, end: number] | null;
    /** Who tells backchannels from interruptions: nobody, the lists, or the program (asked by the driver). */
    readonly backchannel: "off" | "local" | "custom";
  };
  readonly preemptive: {
    readonly enabled: boolean;
    readonly preemptiveTts: boolean;
    readonly maxSpeechDuration: number;
    readonly maxRetries: number;
  };
  readonly userTurnLimit: { readonly maxWords: number | null; readonly maxDuration: number | null };
  readonly minConsecutiveSpeechDelay: number;
  readonly userAwayTimeout: number | null;
  readonly transcriptionTimeout: number | null;
}

/** Recent final at a manual commit. Specified: 02 section 2.4. */
export const RECENT_FINAL_MS = 500;
/** Silence pushed to flush a recogniser comes in pieces of this length. Specified: 02 section 2.4. */
export const SILENCE_CHUNK_MS = 200;
/** A known language changes only for a transcript longer than this many characters. Specified: 02 section 2.4. */
export const LANGUAGE_CHANGE_LENGTH = 5;
/** An interrupted speech that is not torn down by then is forced. Specified: 02 section 17.3. */
export const TEARDOWN_LIMIT_MS = 5_000;
/** How long a promoted interim's late final is recognised. Specified: 02 section 10, OURS-9. */
export const LATE_FINAL_MS = 5_000;
/** How long a decision waits for a streaming prediction. Specified: 02 section 14.2. */
export const PREDICTION_TIMEOUT_MS = 1_000;
/** How long a decision waits for a text detector, which has the same limit itself. Specified: 02 section 14.1. */
export const DETECTOR_TIMEOUT_MS = 3_000;
/** VAD silence before a streaming prediction is asked. Specified: 02 section 2.4. */
export const MIN_PREDICTION_SILENCE_MS = 200;
/** A hook that has not returned by then counts as thrown. Design decision 7. */
export const HOOK_TIMEOUT_MS = 30_000;
