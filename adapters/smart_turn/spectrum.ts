/**
 * The spectrum of one frame of sound.
 *
 * @module
 */

/** Samples of a frame: 25 ms at 16 kHz. */
export const FRAME_SIZE = 400;
/** Frequencies from 0 to half the sample rate. */
export const BIN_COUNT: number = FRAME_SIZE / 2 + 1;

const HALF = FRAME_SIZE / 2;
const FACTORS = [5, 5, 2, 2, 2]; // of HALF
const COS = Float64Array.from({ length: FRAME_SIZE }, (_, k) => Math.cos((2 * Math.PI * k) / FRAME_SIZE));
const SIN = Float64Array.from({ length: FRAME_SIZE }, (_, k) => Math.sin((2 * Math.PI * k) / FRAME_SIZE));
const WINDOW = COS.map((cos) => (1 - cos) / 2); // Hann, periodic

/**
 * Makes a function that writes the power of each frequency of a frame into `power`. The frame is weighted by a Hann window.
 *
 * Even and odd samples are the two halves of a complex number, so that one transform of half the length does; it is
 * Stockham's, whose stages sort as they go. It costs 10 µs or so, and keeps its working memory.
 */
export function powerSpectrum(): (samples: Float64Array, from: number, power: Float64Array) => void {
  let re = new Float64Array(HALF);
  let im = new Float64Array(HALF);
  let nextRe = new Float64Array(HALF);
  let nextIm = new Float64Array(HALF);

  const stage = (radix: number, length: number, stride: number): void => {
    const width = length / radix;
    for (let p = 0; p < width; p++) {
      for (let j = 0; j < radix; j++) {
        const base = stride * p * j;
        const target = stride * (radix * p + j);
        nextRe.fill(0, target, target + stride);
        nextIm.fill(0, target, target + stride);
        for (let k = 0; k < radix; k++) {
          const turn = 2 * ((base + (HALF / radix) * j * k) % HALF);
          const cos = COS[turn]!;
          const sin = SIN[turn]!;
          const source = stride * (p + width * k);
          for (let q = 0; q < stride; q++) {
            const a = re[source + q]!;
            const b = im[source + q]!;
            nextRe[target + q]! += a * cos + b * sin;
            nextIm[target + q]! += b * cos - a * sin;
          }
        }
      }
    }
    [re, nextRe] = [nextRe, re];
    [im, nextIm] = [nextIm, im];
  };

  return (samples, from, power) => {
    for (let k = 0; k < HALF; k++) {
      re[k] = samples[from + 2 * k]! * WINDOW[2 * k]!;
      im[k] = samples[from + 2 * k + 1]! * WINDOW[2 * k + 1]!;
    }
    let length = HALF;
    let stride = 1;
    for (const radix of FACTORS) {
      stage(radix, length, stride);
      length /= radix;
      stride *= radix;
    }
    for (let k = 0; k <= HALF; k++) {
      const here = k % HALF;
      const there = (HALF - k) % HALF;
      const evenRe = (re[here]! + re[there]!) / 2;
      const evenIm = (im[here]! - im[there]!) / 2;
      const oddRe = (im[here]! + im[there]!) / 2;
      const oddIm = (re[there]! - re[here]!) / 2;
      const real = evenRe + COS[k]! * oddRe + SIN[k]! * oddIm;
      const imaginary = evenIm + COS[k]! * oddIm - SIN[k]! * oddRe;
      power[k] = real * real + imaginary * imaginary;
    }
  };
}
