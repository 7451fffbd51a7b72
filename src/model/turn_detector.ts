/**
 * The contracts of models that tell whether the user has finished: from the words, or from the sound.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { ChatContext } from "../chat/context.ts";
import type { FlushMark } from "./marks.ts";

/** A model that tells from the words whether the user has finished. Asked once for each decision; a failure never delays a turn. */
export interface TurnDetector {
  /** Tells this contract from the others. */
  readonly kind: "turn_detector";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** Below this probability the user is likely to go on; undefined: the prediction has no effect. */
  unlikelyThreshold(language: string): number | undefined | Promise<number | undefined>;
  /** Whether it can judge this language, as a BCP 47 tag. */
  supportsLanguage(language: string): boolean | Promise<boolean>;
  /** Probability, 0 to 1, that the user has finished. The last message of the context is what the user has said so far. */
  predictEndOfTurn(chatCtx: ChatContext, options: { readonly signal: AbortSignal }): Promise<number>;
}

/** "Has the user finished?" Asked in a pause, of all the sound before it. */
export interface PredictMark {
  /** Tells this kind from the others. */
  readonly type: "predict";
  /** What the answer is told apart by. A newer question makes an older one moot. */
  readonly id: number;
}

/** "The last question is moot": the user goes on, or the answer took too long. */
export interface CancelMark {
  /** Tells this kind from the others. */
  readonly type: "cancel";
  /** The answer took too long: a model with a second way of working may change to it. */
  readonly timedOut: boolean;
}

/** What goes into a streaming detector: all that the microphone hears, and questions. A flush says that the turn is over. */
export type TurnDetectionInput = AudioFrame | PredictMark | CancelMark | FlushMark;

/** An answer of a streaming detector. */
export interface TurnPrediction {
  /** The question's. */
  readonly id: number;
  /** That the user has finished, 0 to 1. */
  readonly probability: number;
  /** How long the model worked, in milliseconds. */
  readonly inferenceDurationMs: number;
}

/** One run of a streaming detector. */
export type TurnDetectionStream = ReadableWritablePair<TurnPrediction, TurnDetectionInput>;

/** How to open a {@linkcode TurnDetectionStream}. */
export interface TurnDetectionOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/**
 * A model that tells from the sound whether the user has finished. It hears the microphone all the time, and is asked once in
 * each pause, 200 ms after the voice: so its answer is there when the turn is to be decided. It needs a voice activity
 * detector beside it, whose `minSilenceDuration` is at least 250 ms. A question that is not answered within a second, or a
 * stream that fails, never delays a turn.
 */
export interface StreamingTurnDetector {
  /** Tells this contract from the others. */
  readonly kind: "streaming_turn_detector";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /**
   * Below this probability the user is likely to go on; undefined: this language cannot be judged, and the prediction has no
   * effect. The language is a BCP 47 tag, or empty where the recogniser does not tell.
   */
  unlikelyThreshold(language: string): number | undefined;
  /** Opens a run. */
  stream(options?: TurnDetectionOptions): TurnDetectionStream;
  /** Loads what is needed, so that the first answer does not wait for it. */
  prewarm?(): Promise<void>;
}
