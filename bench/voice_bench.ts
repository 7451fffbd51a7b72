/**
 * What a voice session is to a benchmark, whichever side it is of.
 *
 * @module
 */

/** Length of every frame, in milliseconds. */
export const FRAME_MS = 20;

/** A session, and the hands that play on it. */
export interface VoiceBench {
  readonly session: { readonly agentState: string; close(): Promise<void> };
  /** Gives the session a frame of sound. */
  hear(): void;
  /** The detector says that the user speaks, or has spoken for so long. */
  speech(type: "start_of_speech" | "inference_done" | "end_of_speech", speechDurationMs: number): void;
  /** The recogniser says what the user said. */
  final(text: string): void;
}

/** What the bench is told, at once. */
export interface VoiceWatch {
  readonly onChat?: () => void;
  readonly onFrame?: () => void;
  readonly onClear?: () => void;
  /** Acknowledges the end of a segment; false: it plays on until it is cleared. Default: always true. */
  readonly finishes?: () => boolean;
}
