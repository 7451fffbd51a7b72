/**
 * Frames of one length.
 *
 * @module
 */
import type { AudioFrame } from "../src/audio/frame.ts";
import { frameCutter, type FrameCutterOptions } from "../src/audio/frames.ts";
import { fuse } from "./fuse.ts";

/**
 * Cuts a run of frames into frames of one length, whatever their lengths were. When the rate or the channels change, the
 * rest of the old run comes out first.
 *
 * Holds less than one frame of the new length, and one incoming frame. Input that ends gives the rest, shorter or (`pad`)
 * filled with silence; cancelling throws it away.
 *
 * @throws {AgentError} `stream.bad_option` when the length is not positive.
 *
 * @example
 * ```ts
 * const packets = speech.pipeThrough(rechunk({ durationMs: 20 }));
 * ```
 */
export function rechunk(options: FrameCutterOptions): TransformStream<AudioFrame, AudioFrame> {
  return fuse(frameCutter(options));
}
