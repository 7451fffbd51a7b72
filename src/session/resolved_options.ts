/**
 * What holds for a session, with every default filled in.
 *
 * @module
 */
import type { ResolvedSessionConnectOptions } from "../model/connect_options.ts";
import type { StreamingTurnDetector, TurnDetector } from "../model/turn_detector.ts";
import type { TextTransform } from "../reply/text_transforms.ts";
import type { AgentSessionOptions } from "./options.ts";
import { resolveActivity } from "./resolve.ts";

/** How the end of the user's turn is found. Durations are milliseconds. */
export interface ResolvedEndpointing {
  /** Whether the pauses of the user, or the odds of a detector, set the wait. */
  readonly mode: "fixed" | "dynamic" | "graded";
  /** Least time from the last speech to the end of the turn. */
  readonly minDelay: number;
  /** The same, when a detector says that the user goes on. */
  readonly maxDelay: number;
  /** Weight of what was learned. */
  readonly alpha: number;
}

/** What it takes to cut in. Durations are milliseconds. */
export interface ResolvedInterruption {
  /** The user may cut in. */
  readonly enabled: boolean;
  /** While a protected speech plays, nothing is recognised. */
  readonly discardAudioIfUninterruptible: boolean;
  /** Speech it takes to cut in. */
  readonly minDuration: number;
  /** Words it takes to cut in. */
  readonly minWords: number;
  /** Pause first, and go on when it was no interruption. */
  readonly resumeFalseInterruption: boolean;
  /** Silence after which a pause was no interruption; null: never. */
  readonly falseInterruptionTimeout: number | null;
  /** How long after the agent began, and before it ends, speech over it is judged otherwise; null: not at all. */
  readonly backchannelBoundary: readonly [number, number] | null;
}

/** Replies that are begun before the turn is surely over. Durations are milliseconds. */
export interface ResolvedPreemptive {
  /** Ask the model before the turn is surely over. */
  readonly enabled: boolean;
  /** Synthesise too. */
  readonly preemptiveTts: boolean;
  /** Not for speech that is longer. */
  readonly maxSpeechDuration: number;
  /** Attempts in one turn. */
  readonly maxRetries: number;
}

/** How turns are taken, with every default filled in. */
export interface ResolvedTurnHandling {
  /** Who decides that the user's turn is over; null: whatever signals there are. */
  readonly turnDetection: "vad" | "stt" | "manual" | "realtime_llm" | TurnDetector | StreamingTurnDetector | null;
  /** How the end of the user's turn is found. */
  readonly endpointing: ResolvedEndpointing;
  /** What it takes to cut in. */
  readonly interruption: ResolvedInterruption;
  /** Replies that are begun before the turn is surely over. */
  readonly preemptiveGeneration: ResolvedPreemptive;
  /** How much the user may say before the agent may cut in; null: no limit. */
  readonly userTurnLimit: { readonly maxWords: number | null; readonly maxDuration: number | null };
}

/** What holds for a session, with every default filled in. Durations are milliseconds. */
export interface ResolvedSessionOptions {
  /** How turns are taken. An agent may say otherwise. */
  readonly turnHandling: ResolvedTurnHandling;
  /** Rounds of tools in one turn. */
  readonly maxToolSteps: number;
  /** Captions follow the times that the voice gives. */
  readonly useTtsAlignedTranscript: boolean;
  /** What happens to text on its way to the voice. */
  readonly ttsTextTransforms: readonly TextTransform[];
  /** Least pause between two speeches. */
  readonly minConsecutiveSpeechDelay: number;
  /** How long the agent's echo is borne at first; null: not at all. */
  readonly aecWarmupDuration: number | null;
  /** Silence after which the user is away; null: never. */
  readonly userAwayTimeout: number | null;
  /** How long words may take after speech; null: for ever. */
  readonly transcriptionTimeout: number | null;
  /** How long `close()` waits for the last words. */
  readonly sessionCloseTranscriptTimeout: number;
  /** Retries and time-outs of the models. */
  readonly connOptions: ResolvedSessionConnectOptions;
}

/** What happens to text on its way to the voice where nothing else is said. */
export const DEFAULT_TEXT_TRANSFORMS: readonly TextTransform[] = ["filter_markdown", "filter_emoji"];

/** Fills in what a session was not told. */
export function resolveSession(
  options: AgentSessionOptions,
  connOptions: ResolvedSessionConnectOptions,
): ResolvedSessionOptions {
  const { config, detector, alignedTranscript } = resolveActivity(options, { instructions: "" });
  const { endpointing, interruption, preemptive, userTurnLimit, mode } = config;
  return {
    turnHandling: {
      turnDetection: detector ?? mode,
      endpointing,
      interruption,
      preemptiveGeneration: preemptive,
      userTurnLimit,
    },
    maxToolSteps: options.maxToolSteps ?? 3,
    useTtsAlignedTranscript: alignedTranscript,
    ttsTextTransforms: options.ttsTextTransforms === undefined
      ? DEFAULT_TEXT_TRANSFORMS
      : options.ttsTextTransforms ?? [],
    minConsecutiveSpeechDelay: config.minConsecutiveSpeechDelay,
    aecWarmupDuration: options.aecWarmupDuration === undefined ? 3_000 : options.aecWarmupDuration,
    userAwayTimeout: config.userAwayTimeout,
    transcriptionTimeout: config.transcriptionTimeout,
    sessionCloseTranscriptTimeout: options.sessionCloseTranscriptTimeout ?? 2_000,
    connOptions,
  };
}
