/**
 * The contract of voice activity detectors.
 *
 * @module
 */
import type { AudioInputPart } from "./marks.ts";

/** What a detector says about the last window. Durations are milliseconds of audio. */
export interface VADEvent {
  readonly type: "start_of_speech" | "inference_done" | "end_of_speech";
  /** Position in the stream, in milliseconds of audio, at the end of the window. */
  readonly timestampMs: number;
  /** Length of the speech so far; at `end_of_speech` without the silence that ended it. */
  readonly speechDurationMs: number;
  readonly silenceDurationMs: number;
  /** Length of the run of speech windows up to the previous window; 0 at the first silent one. */
  readonly rawSpeechMs: number;
  readonly rawSilenceMs: number;
  /** Whether the detector is in speech. */
  readonly speaking: boolean;
  /** Probability of speech in the window, smoothed. */
  readonly probability: number;
  /** How long the model took. */
  readonly inferenceDurationMs: number;
}

/** Audio in, events out. `flush` ends a running segment at once. */
export type VADStream = ReadableWritablePair<VADEvent, AudioInputPart>;

/** What a detector can do. */
export interface VADCapabilities {
  /** Milliseconds between two `inference_done` events. */
  readonly updateIntervalMs: number;
  /** Silence that ends a segment, when known. */
  readonly minSilenceDurationMs?: number;
}

/** A voice activity detector. */
export interface VAD {
  readonly kind: "vad";
  readonly model: string;
  readonly provider: string;
  readonly capabilities: VADCapabilities;
  /** Opens a stream. Frames of any rate and block size go in. */
  stream(options?: { readonly signal?: AbortSignal }): VADStream;
  /** Loads what is loaded lazily. Idempotent. */
  prewarm?(): Promise<void>;
}
