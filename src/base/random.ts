/**
 * Dice that fall the same way each time.
 *
 * @module
 */

/** A seeded source of numbers. Call it for the next one in [0, 1). Not for secrets. */
export interface SeededRandom {
  (): number;
  /** A whole number in [0, limit). */
  below(limit: number): number;
  /**
   * A source of its own for a part. It depends on the seed and the names alone, not on what was drawn before, so that the
   * order in which parts draw cannot change what each of them gets.
   */
  fork(name: string): SeededRandom;
}

/**
 * Makes a source of numbers. The same seed gives the same numbers on every runtime.
 *
 * @param seed A number or a text. Numbers are taken as they are written: `1` and `"1"` are the same seed.
 */
export function seededRandom(seed: number | string = 0): SeededRandom {
  return fromKey(String(seed));
}

function fromKey(key: string): SeededRandom {
  // Small fast counter, 32 bit: three words of state and a counter, period at least 2^32, integer arithmetic alone.
  let a = hash(key, 0x9e3779b9);
  let b = hash(key, 0x85ebca6b);
  let c = hash(key, 0xc2b2ae35);
  let count = 1;
  const next = (): number => {
    const word = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    return word >>> 0;
  };
  for (let round = 0; round < 12; round += 1) next(); // the words of similar keys drift apart
  return Object.assign(() => next() / 2 ** 32, {
    below: (limit: number) => Math.floor((next() / 2 ** 32) * limit),
    fork: (name: string) => fromKey(`${key.length}:${key}/${name}`),
  });
}

/** Folds a text into a word: multiply and rotate for each code unit, then mix the last bits through. */
function hash(text: string, basis: number): number {
  let word = basis ^ text.length;
  for (let index = 0; index < text.length; index += 1) {
    word = Math.imul(word ^ text.charCodeAt(index), 0x5bd1e995);
    word = (word << 13) | (word >>> 19);
  }
  word = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b);
  return word ^ (word >>> 16);
}
