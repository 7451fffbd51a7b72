/**
 * Several sounds as one, saturating where they are too loud together.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { toInt16 } from "./pcm.ts";

/** A sound that goes into a mix. */
export interface MixInput {
  /** Interleaved, if there are several channels. Left as they are. */
  readonly samples: Int16Array;
  /** Linear; 1 leaves it, 0 is silence, 0.5 is 6 dB softer. Default: 1. */
  readonly gain?: number;
  /** Where it begins in the mix, in samples (of all channels: a multiple of the channels when there are several). Default: 0. */
  readonly at?: number;
}

/**
 * Adds sounds of one rate and one number of channels. As long as the one that ends last; the others are silent where they
 * are not. The sum saturates once, at the end, so that the order of the inputs makes no difference.
 *
 * @throws {AgentError} `audio.bad_frame` for a gain that is no finite number, or a place that is no whole number from 0 on.
 *
 * @example Speech over music that is 12 dB softer, beginning a second later
 * ```ts
 * const both = mix([{ samples: music, gain: 0.25 }, { samples: speech, at: 48_000 }]);
 * ```
 */
export function mix(inputs: readonly MixInput[]): Int16Array {
  let length = 0;
  for (const { samples, gain = 1, at = 0 } of inputs) {
    checkInput(gain, at);
    length = Math.max(length, at + samples.length);
  }
  const sums = new Float64Array(length);
  for (const { samples, gain = 1, at = 0 } of inputs) {
    for (let index = 0; index < samples.length; index++) sums[at + index]! += samples[index]! * gain;
  }
  return Int16Array.from(sums, toInt16);
}

/**
 * Adds a sound to one that is there, in place: what reaches beyond the end of `target` is left out. Saturates at each call.
 *
 * @throws {AgentError} `audio.bad_frame` for a gain that is no finite number, or a place that is no whole number from 0 on.
 */
export function mixInto(target: Int16Array, { samples, gain = 1, at = 0 }: MixInput): void {
  checkInput(gain, at);
  const length = Math.min(samples.length, target.length - at);
  for (let index = 0; index < length; index++) {
    target[at + index] = toInt16(target[at + index]! + samples[index]! * gain);
  }
}

/**
 * Makes a sound louder or softer; a new block, saturated.
 *
 * @throws {AgentError} `audio.bad_frame` for a gain that is no finite number.
 */
export function amplify(samples: Int16Array, gain: number): Int16Array {
  checkInput(gain, 0);
  return samples.map((sample) => toInt16(sample * gain));
}

function checkInput(gain: number, at: number): void {
  if (!Number.isFinite(gain)) {
    throw new AgentError(
      "audio.bad_frame",
      `Cannot mix as a gain must be a finite number: current value is ${gain}`,
    );
  }
  if (!Number.isSafeInteger(at) || at < 0) {
    throw new AgentError(
      "audio.bad_frame",
      `Cannot mix as \`at\` must be a whole number of samples from 0 on: current value is ${at}`,
    );
  }
}
