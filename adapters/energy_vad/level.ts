/**
 * How much louder a window is than what the place sounds like when nobody speaks.
 *
 * Sums and products alone, in a fixed order: the same sound gives the same numbers on every runtime.
 *
 * @module
 */

/** Keep of the high-pass filter: at 16,000 Hz it takes away what lies below some 130 Hz, hum and rumble above all. */
const HIGH_PASS = 0.95;
/** Windows in a block; the noise is the quietest moment of the last blocks. Chosen: 0.32 s, a syllable or two. */
const BLOCK_SIZE = 10;
/** Blocks remembered. Chosen: 3.2 s; nobody speaks so long without a stop or a breath, and new noise is known after it. */
const BLOCK_COUNT = 10;
/** Mean power over the quietest moment's. Chosen: what white noise has in windows of this size, rounded up. */
const BIAS = 1.5;
/** Power of the quietest noise that counts: 33 of 32,767, some -60 dB. Below it a quiet room would turn all into speech. */
const MIN_NOISE = 33 ** 2;
/** Power of the noise until the first block is full: 104 of 32,767, some -50 dB. */
const FIRST_NOISE = 104 ** 2;

/** Follows the noise of a place. */
export interface NoiseMeter {
  /** Takes the next window. Gives its power over that of the noise. */
  ratio(window: Int16Array): number;
  /** Forgets what it heard. */
  reset(): void;
}

/** Makes a meter that has heard nothing yet. */
export function noiseMeter(): NoiseMeter {
  let input = 0;
  let filtered = 0;
  let lastPower = FIRST_NOISE;
  let minima: number[] = [FIRST_NOISE];
  let isFirst = true; // block
  let quietest = Infinity; // of the block that is not full
  let blockLength = 0;

  const powerOf = (window: Int16Array): number => {
    let sum = 0;
    for (let at = 0; at < window.length; at++) {
      const sample = window[at]!;
      filtered = sample - input + HIGH_PASS * filtered;
      input = sample;
      sum += filtered * filtered;
    }
    return sum / window.length;
  };

  return {
    ratio(window) {
      const power = powerOf(window);
      // Two windows together: a gap between two pulses of a deep voice is not the noise.
      quietest = Math.min(quietest, (power + lastPower) / 2);
      lastPower = power;
      if (++blockLength === BLOCK_SIZE) {
        if (isFirst) minima = [];
        isFirst = false;
        minima.push(quietest);
        if (minima.length > BLOCK_COUNT) minima.shift();
        quietest = Infinity;
        blockLength = 0;
      }
      return power / Math.max(MIN_NOISE, BIAS * Math.min(quietest, ...minima));
    },
    reset() {
      input = filtered = blockLength = 0;
      lastPower = FIRST_NOISE;
      minima = [FIRST_NOISE];
      isFirst = true;
      quietest = Infinity;
    },
  };
}
