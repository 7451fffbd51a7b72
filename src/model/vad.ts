/**
 * The contract of voice activity detectors.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { AudioInputPart } from "./marks.ts";

/** What a detector says about the last window. Durations are milliseconds of audio. */
export interface VADEvent {
  /** Tells this kind from the others. */
  readonly type: "start_of_speech" | "inference_done" | "end_of_speech";
  /** Position in the stream, in milliseconds of audio, at the end of the window. */
  readonly timestampMs: number;
  /** Length of the speech so far; at `end_of_speech` without the silence that ended it. */
  readonly speechDurationMs: number;
  /** How long the silence has lasted so far. */
  readonly silenceDurationMs: number;
  /**
   * Length of the run of speech windows that goes on; a silent window makes it 0. `inference_done` tells it as it was
   * before the window, the other two with the window.
   */
  readonly rawSpeechMs: number;
  /** Length of the run of silent windows that goes on, told as `rawSpeechMs` is. */
  readonly rawSilenceMs: number;
  /** Whether the detector is in speech; in `inference_done` before the window, in the other two with it. */
  readonly speaking: boolean;
  /** Probability of speech in the window, smoothed. */
  readonly probability: number;
  /** How long the model took for the window; 0 at the start and the end of speech, and where it is not measured. */
  readonly inferenceDurationMs: number;
  /**
   * The sound that it is about, at the rate it came in, mixed to one channel: at `inference_done` the window, at
   * `start_of_speech` the padding before the speech and the speech so far, at `end_of_speech` all of the segment.
   * Left out by detectors that keep no sound.
   */
  readonly frames?: readonly AudioFrame[];
}

/**
 * Audio in, events out. A `flush` ends a running segment at once and is a hard border: after it the stream is as new, and
 * its time begins at 0 again. The end of the input ends no segment.
 */
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
  /** Tells this contract from the others. */
  readonly kind: "vad";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** What it can do. The session asks here, and never by class. */
  readonly capabilities: VADCapabilities;
  /** Opens a stream. Frames of any rate and block size go in. */
  stream(options?: { readonly signal?: AbortSignal }): VADStream;
  /** Loads what is loaded lazily. Idempotent. */
  prewarm?(): Promise<void>;
}
