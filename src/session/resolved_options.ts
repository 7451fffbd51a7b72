/**
 * What holds for a session, with every default filled in.
 *
 * @module
 */
import type { ResolvedSessionConnectOptions } from "../model/connect_options.ts";
import type { StreamingTurnDetector, TurnDetector } from "../model/turn_detector.ts";
import type { TextTransform } from "../reply/text_transforms.ts";
import type { TurnConfig } from "../turn/config.ts";
import type { AgentSessionOptions } from "./options.ts";
import { resolveActivity } from "./resolve.ts";

/** How turns are taken, with every default filled in. */
export interface ResolvedTurnHandling {
  /** Who decides that the user's turn is over; null: whatever signals there are. */
  readonly turnDetection: TurnConfig["mode"] | TurnDetector | StreamingTurnDetector;
  /** How the end of the user's turn is found. */
  readonly endpointing: TurnConfig["endpointing"];
  /** What it takes to cut in. */
  readonly interruption: TurnConfig["interruption"];
  /** Replies that are begun before the turn is surely over. */
  readonly preemptiveGeneration: TurnConfig["preemptive"];
  /** How much the user may say before the agent may cut in. */
  readonly userTurnLimit: TurnConfig["userTurnLimit"];
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
