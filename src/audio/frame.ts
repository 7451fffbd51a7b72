/**
 * A block of sound: interleaved 16-bit samples with their rate. A plain object, structurally what `@livekit/rtc-node` takes.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";

/** A block of sound. Who enqueues a frame gives it up: do not write to `data` afterwards. */
export interface AudioFrame {
  /** Interleaved samples; `samplesPerChannel * channels` of them. */
  readonly data: Int16Array;
  /** Samples per second and channel. */
  readonly sampleRate: number;
  /** Number of interleaved channels. */
  readonly channels: number;
  /** Length of the frame in samples. */
  readonly samplesPerChannel: number;
}

/**
 * Makes a frame of interleaved samples.
 *
 * @throws {AgentError} `audio.bad_frame` when the samples do not divide into the channels.
 */
export function audioFrame(data: Int16Array, sampleRate: number, channels = 1): AudioFrame {
  const samplesPerChannel = data.length / channels;
  if (!Number.isInteger(samplesPerChannel)) {
    throw new AgentError(
      "audio.bad_frame",
      `Cannot make a frame as the samples must divide evenly into the channels: current value is ${data.length} samples for ${channels} channels`,
    );
  }
  return { data, sampleRate, channels, samplesPerChannel };
}

/** How long the frame lasts, in milliseconds. */
export function frameDurationMs(frame: AudioFrame): number {
  return (frame.samplesPerChannel * 1000) / frame.sampleRate;
}
