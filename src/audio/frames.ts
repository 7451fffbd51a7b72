/**
 * Frames cut, joined and made: what a list or a run of them needs.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { type AudioFrame, audioFrame } from "./frame.ts";
import { bytesToInt16, downmix } from "./pcm.ts";

/** Where to cut. Exactly one of the two is given. */
export type FrameCutterOptions =
  & ({
    /** Length of a block, in samples per channel. A positive integer. */
    readonly samples: number;
    readonly durationMs?: never;
  } | {
    /** Length of a block in milliseconds, rounded to whole samples of each frame's rate. More than 0. */
    readonly durationMs: number;
    readonly samples?: never;
  })
  & {
    /** Fill the last, shorter block with silence. Default: false, it comes out short. */
    readonly pad?: boolean;
  };

/** Cuts a run of frames anew. A stage of `fuse`. */
export interface FrameCutter {
  /** Gives the blocks that `frame` completes: none, one or several. */
  push(frame: AudioFrame): AudioFrame[];
  /** Gives the rest, if any, and starts anew. */
  flush(): AudioFrame[];
}

/**
 * Makes a cutter of frames into blocks of one length, whatever their lengths were. Holds less than one block. When the
 * rate or the channels change, the rest of the old run comes out first, as at a flush. A frame that fits passes untouched.
 *
 * @throws {AgentError} `stream.bad_option` when the length is not positive.
 *
 * @example Windows for a detector
 * ```ts
 * const cutter = frameCutter({ samples: 512 });
 * for (const window of cutter.push(frame)) detect(window.data);
 * ```
 */
export function frameCutter(options: FrameCutterOptions): FrameCutter {
  const { samples, durationMs, pad = false } = options;
  checkLength(samples, durationMs);
  let block = new Int16Array(0);
  let filled = 0; // samples of all channels in `block`
  let sampleRate = 0;
  let channels = 0;

  const flush = (): AudioFrame[] => {
    const rest = pad ? block : block.subarray(0, filled);
    const frames = filled === 0 ? [] : [audioFrame(rest, sampleRate, channels)];
    block = new Int16Array(block.length);
    filled = 0;
    return frames;
  };

  return {
    push(frame) {
      const output: AudioFrame[] = [];
      if (frame.sampleRate !== sampleRate || frame.channels !== channels) {
        output.push(...flush());
        ({ sampleRate, channels } = frame);
        const length = samples ?? Math.max(1, Math.round((durationMs! * sampleRate) / 1000));
        block = new Int16Array(length * channels);
      }
      if (filled === 0 && frame.data.length === block.length) return [...output, frame];
      for (let at = 0; at < frame.data.length;) {
        const piece = frame.data.subarray(at, at + block.length - filled);
        block.set(piece, filled);
        at += piece.length;
        filled += piece.length;
        if (filled === block.length) output.push(...flush());
      }
      return output;
    },
    flush,
  };
}

/** What the bytes are, and how long the frames are to be. */
export interface PcmFramesOptions {
  /** Samples per second and channel. */
  readonly sampleRate: number;
  /** Number of interleaved channels. Default: 1. */
  readonly channels?: number;
  /** Length of a frame in milliseconds. Default: 20. */
  readonly durationMs?: number;
}

/** Makes frames of bytes. A stage of `fuse`. */
export interface PcmFrames {
  /** Gives the frames that the bytes complete. */
  push(bytes: Uint8Array): AudioFrame[];
  /** Gives the rest, if any, and starts anew. Bytes that make no whole sample of every channel are dropped. */
  flush(): AudioFrame[];
}

/**
 * Makes frames of raw 16-bit little-endian bytes that come in arbitrary pieces, as from a socket: a sample may be cut in
 * two. Holds less than one frame.
 *
 * @throws {AgentError} `stream.bad_option` when the length is not positive.
 */
export function pcmFrames({ sampleRate, channels = 1, durationMs = 20 }: PcmFramesOptions): PcmFrames {
  const cutter = frameCutter({ durationMs });
  const unit = 2 * channels;
  let held = new Uint8Array(0);
  return {
    push(bytes) {
      const joined = held.length === 0 ? bytes : concatBytes(held, bytes);
      const whole = joined.length - (joined.length % unit);
      held = joined.slice(whole);
      if (whole === 0) return [];
      return cutter.push(audioFrame(bytesToInt16(joined.subarray(0, whole)), sampleRate, channels));
    },
    flush() {
      held = new Uint8Array(0);
      return cutter.flush();
    },
  };
}

/** Joins two runs of bytes. */
export function concatBytes(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Joins blocks of samples, in one pass. */
export function concatSamples(blocks: readonly Int16Array[]): Int16Array {
  const joined = new Int16Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    joined.set(block, at);
    at += block.length;
  }
  return joined;
}

/**
 * Joins frames into one. A single frame is returned as it is.
 *
 * @throws {AgentError} `audio.empty` for no frame, `audio.bad_frame` when rates or channels differ.
 */
export function concatFrames(frames: readonly AudioFrame[]): AudioFrame {
  const [first] = frames;
  if (first === undefined) {
    throw new AgentError("audio.empty", "Cannot join frames as there must be one at least: current value is none");
  }
  const { sampleRate, channels } = first;
  for (const frame of frames) {
    if (frame.sampleRate === sampleRate && frame.channels === channels) continue;
    throw new AgentError(
      "audio.bad_frame",
      `Cannot join frames as they must have one rate and one number of channels: current value is ${sampleRate} Hz x ${channels} and ${frame.sampleRate} Hz x ${frame.channels}`,
    );
  }
  return frames.length === 1
    ? first
    : audioFrame(concatSamples(frames.map((frame) => frame.data)), sampleRate, channels);
}

/**
 * The part of a frame from sample `start` up to `end`, counted per channel; places beyond the frame are its ends. Shares
 * the samples of the frame and copies nothing.
 */
export function sliceFrame(frame: AudioFrame, start: number, end: number = frame.samplesPerChannel): AudioFrame {
  const from = Math.max(0, start) * frame.channels;
  const to = Math.max(0, end) * frame.channels;
  return audioFrame(frame.data.subarray(from, Math.max(from, to)), frame.sampleRate, frame.channels);
}

/** A frame of silence; its length is rounded to whole samples. */
export function silence(durationMs: number, sampleRate: number, channels = 1): AudioFrame {
  const samples = Math.max(0, Math.round((durationMs * sampleRate) / 1000));
  return audioFrame(new Int16Array(samples * channels), sampleRate, channels);
}

/** The frame with its channels averaged into one. One that has a single channel is returned as it is. */
export function monoFrame(frame: AudioFrame): AudioFrame {
  return frame.channels === 1 ? frame : audioFrame(downmix(frame.data, frame.channels), frame.sampleRate);
}

function checkLength(samples: number | undefined, durationMs: number | undefined): void {
  const given = samples ?? durationMs;
  const fits = samples === undefined ? Number.isFinite(durationMs) : Number.isSafeInteger(samples);
  if (fits && given! > 0) return;
  throw new AgentError(
    "stream.bad_option",
    `Cannot cut frames as the length of a block must be ${
      samples === undefined ? "a positive number of milliseconds" : "a positive integer of samples"
    }: current value is ${given}`,
  );
}
