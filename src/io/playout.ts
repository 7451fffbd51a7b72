/**
 * The contract of places where the agent is heard and read.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { TimedString } from "../model/marks.ts";

/**
 * What became of a segment. Each segment is ended by exactly one of `finished` and `cleared`; one whose writer was
 * closed without a frame is `finished` at 0. Positions are milliseconds of this segment's audio that were really heard.
 */
export type PlayoutAck =
  /** The first frame is audible. Comes at most once for a segment, and not while paused. */
  | { readonly type: "started"; readonly segmentId: string; readonly at: number }
  | { readonly type: "position"; readonly segmentId: string; readonly positionMs: number }
  /** All that was written has been heard. */
  | { readonly type: "finished"; readonly segmentId: string; readonly positionMs: number }
  /** `clear()` cut it off; the rest is thrown away. */
  | { readonly type: "cleared"; readonly segmentId: string; readonly positionMs: number };

/**
 * A place where the agent is heard. Frames are written to a segment, which is a `WritableStream`: it takes them faster
 * than they play, up to its own limit (chosen by the sink, at most a few hundred milliseconds), and then waits.
 * "Speaking" and "heard" come from acknowledgements, never from hope.
 */
export interface PlayoutSink {
  /** What the sink can do, and what it asks for. */
  readonly capabilities: {
    /** `pause` and `resume` work without losing position. */
    readonly pause: boolean;
    /** The rate it wants, or undefined for any. */
    readonly sampleRate?: number;
  };
  /**
   * Opens a segment that plays after those before it. Closing the writer means that no more frames come and the rest
   * must play; aborting it means the same as `clear()` for this segment. Give it the signal of a pipe into it too: an aborted
   * `pipeTo` waits for the write under way before it tells the sink.
   */
  open(segmentId: string, options?: { readonly signal?: AbortSignal }): WritableStream<AudioFrame>;
  /** Falls silent at once and keeps position. Idempotent. */
  pause(): void;
  /** Goes on from where it fell silent. Idempotent. */
  resume(): void;
  /** Throws away what is not yet heard, of every open segment. Each of them answers `cleared`. Harmless when idle. */
  clear(): void;
  /** Acknowledgements, in order. Read by the session alone. Ends with the sink. */
  readonly acks: ReadableStream<PlayoutAck>;
}

/** A place where the agent's words are read: one stream for each segment of speech; closing it ends the segment. */
export interface TranscriptSink {
  /** Opens the stream of a segment. */
  open(segmentId: string): WritableStream<TimedString>;
}
