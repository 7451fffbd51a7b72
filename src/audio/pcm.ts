/**
 * Samples in their forms: 16-bit integers, floats, little-endian bytes; interleaved, by channel, mixed to one.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";

/** Turns 16-bit samples into floats from -1 to just under 1. */
export function int16ToFloat32(samples: Int16Array): Float32Array {
  const floats = new Float32Array(samples.length);
  for (let index = 0; index < samples.length; index++) floats[index] = samples[index]! / 32768;
  return floats;
}

/** Turns floats into 16-bit samples: what is beyond -1 and 1 saturates, what is no number is silence. */
export function float32ToInt16(floats: Float32Array): Int16Array {
  const samples = new Int16Array(floats.length);
  for (let index = 0; index < floats.length; index++) samples[index] = toInt16(floats[index]! * 32768);
  return samples;
}

/** Rounds and saturates a value to a 16-bit sample; what is no number becomes 0. */
export function toInt16(value: number): number {
  return value >= 32767 ? 32767 : value <= -32768 ? -32768 : Math.round(value) || 0;
}

/**
 * Reads little-endian bytes as 16-bit samples, on any machine and from any offset.
 *
 * @throws {AgentError} `audio.bad_frame` for an odd number of bytes: whoever gets bytes in arbitrary pieces uses `pcmFrames`.
 */
export function bytesToInt16(bytes: Uint8Array): Int16Array {
  if (bytes.length % 2 !== 0) {
    throw new AgentError(
      "audio.bad_frame",
      `Cannot read samples as they must have two bytes each: current value is ${bytes.length} bytes`,
    );
  }
  const samples = new Int16Array(bytes.length / 2);
  for (let index = 0, at = 0; index < samples.length; index++, at += 2) {
    samples[index] = bytes[at]! | (bytes[at + 1]! << 8);
  }
  return samples;
}

/** Writes 16-bit samples as little-endian bytes, on any machine. */
export function int16ToBytes(samples: Int16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(samples.length * 2);
  for (let index = 0, at = 0; index < samples.length; index++, at += 2) {
    bytes[at] = samples[index]!;
    bytes[at + 1] = samples[index]! >> 8;
  }
  return bytes;
}

/**
 * Weaves channels into one block: the first sample of each, then the second of each.
 *
 * @throws {AgentError} `audio.bad_frame` when there is no channel, or when they differ in length.
 */
export function interleave(channels: readonly Int16Array[]): Int16Array {
  const length = channels[0]?.length;
  if (length === undefined || channels.some((channel) => channel.length !== length)) {
    throw new AgentError(
      "audio.bad_frame",
      `Cannot interleave as the channels must have the same length: current value is [${
        channels.map((channel) => channel.length).join(", ")
      }]`,
    );
  }
  const samples = new Int16Array(length * channels.length);
  channels.forEach((channel, first) => {
    for (let index = 0, at = first; index < length; index++, at += channels.length) samples[at] = channel[index]!;
  });
  return samples;
}

/**
 * Takes an interleaved block apart into its channels.
 *
 * @throws {AgentError} `audio.bad_frame` when the samples do not divide into the channels.
 */
export function deinterleave(samples: Int16Array, channels: number): Int16Array[] {
  checkChannels(samples, channels);
  return Array.from({ length: channels }, (_, first) => {
    const channel = new Int16Array(samples.length / channels);
    for (let index = 0, at = first; index < channel.length; index++, at += channels) channel[index] = samples[at]!;
    return channel;
  });
}

/**
 * Averages the channels of an interleaved block into one. A block with one channel is returned as it is.
 *
 * @throws {AgentError} `audio.bad_frame` when the samples do not divide into the channels.
 */
export function downmix(samples: Int16Array, channels: number): Int16Array {
  checkChannels(samples, channels);
  if (channels === 1) return samples;
  const mono = new Int16Array(samples.length / channels);
  for (let index = 0, at = 0; index < mono.length; index++) {
    let sum = 0;
    for (const end = at + channels; at < end; at++) sum += samples[at]!;
    mono[index] = Math.round(sum / channels);
  }
  return mono;
}

function checkChannels(samples: Int16Array, channels: number): void {
  if (Number.isInteger(channels) && channels > 0 && samples.length % channels === 0) return;
  throw new AgentError(
    "audio.bad_frame",
    `Cannot tell the channels as the samples must divide evenly into them: current value is ${samples.length} samples for ${channels} channels`,
  );
}
