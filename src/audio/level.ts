/**
 * How loud a block of sound is.
 *
 * @module
 */

/** Root mean square from 0 to 1, where 1 is a square wave of full scale. 0 for an empty block. */
export function rms(samples: Int16Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (let index = 0; index < samples.length; index++) sum += samples[index]! * samples[index]!;
  return Math.sqrt(sum / samples.length) / 32768;
}

/** The furthest sample from 0, from 0 to 1. */
export function peak(samples: Int16Array): number {
  let furthest = 0;
  for (let index = 0; index < samples.length; index++) {
    const value = samples[index]!;
    if (value > furthest) furthest = value;
    else if (-value > furthest) furthest = -value;
  }
  return furthest / 32768;
}

/**
 * A level from 0 to 1 in decibels of full scale: 1 is 0 dB, half is -6 dB, 0 is -Infinity. For people to read: a logarithm
 * may differ in its last digit between runtimes, so decisions compare levels, as of {@linkcode levelOf}.
 */
export function decibels(level: number): number {
  return 20 * Math.log10(level);
}

/** The level from 0 to 1 of a number of decibels of full scale, rounded so that it is the same on every runtime. */
export function levelOf(levelDb: number): number {
  return Math.fround(10 ** (levelDb / 20));
}
