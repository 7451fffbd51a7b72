/**
 * One channel of several.
 *
 * @module
 */
import type { AudioFrame } from "./frame.ts";

/** The mean of the channels: a copy, so that nobody's later writing is heard. */
export function toMono({ data, channels, samplesPerChannel }: AudioFrame): Int16Array {
  if (channels === 1) return data.slice();
  const mono = new Int16Array(samplesPerChannel);
  for (let sample = 0; sample < samplesPerChannel; sample++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += data[sample * channels + channel] ?? 0;
    mono[sample] = Math.round(sum / channels);
  }
  return mono;
}
