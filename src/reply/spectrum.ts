/**
 * Magnitude spectra of short blocks of sound, two at the cost of one.
 *
 * @module
 */
import { sinPi } from "../audio/resample.ts";

/** Makes spectra of blocks of one length. */
export interface Spectrum {
  /** Magnitudes in a spectrum. */
  readonly binCount: number;
  /** Writes the magnitude spectra of two windowed blocks, each scaled by the root of the window's energy. */
  measure(a: Float64Array, b: Float64Array, magnitudesA: Float64Array, magnitudesB: Float64Array): void;
}

const cache = new Map<number, Spectrum>();

/**
 * The spectrum of blocks of `length` samples under a symmetric Hann window. Shared: what it keeps is scratch space.
 *
 * Blocks are padded with zeroes to a power of two, for a short program; the magnitudes are scaled so that their sums are
 * those of a transform of `length` points: exactly for noise, 3 % above for a swelling tone.
 */
export function spectrumOf(length: number): Spectrum {
  let spectrum = cache.get(length);
  if (spectrum === undefined) cache.set(length, spectrum = makeSpectrum(length));
  return spectrum;
}

function makeSpectrum(length: number): Spectrum {
  let size = 2;
  while (size < length) size *= 2;
  const cosine = (turns: number): number => sinPi(2 * turns + 0.5);
  const hann = Float64Array.from({ length }, (_, index) => 0.5 - 0.5 * cosine(index / (length - 1)));
  const energy = hann.reduce((sum, value) => sum + value * value, 0);
  const scale = length / size / Math.sqrt(energy);
  const cos = Float64Array.from({ length: size / 2 }, (_, index) => cosine(index / size));
  const sin = Float64Array.from({ length: size / 2 }, (_, index) => -sinPi((2 * index) / size));
  const order = new Uint16Array(size);
  for (let index = 1; index < size; index++) {
    order[index] = ((order[index >> 1] as number) >> 1) | (index & 1 ? size >> 1 : 0);
  }
  const re = new Float64Array(size);
  const im = new Float64Array(size);

  const transform = (): void => {
    for (let half = 1, stride = size >> 1; half < size; half *= 2, stride >>= 1) {
      for (let start = 0; start < size; start += 2 * half) {
        for (let offset = 0, turn = 0; offset < half; offset++, turn += stride) {
          const upper = start + offset;
          const lower = upper + half;
          const c = cos[turn] as number;
          const s = sin[turn] as number;
          const x = (re[lower] as number) * c - (im[lower] as number) * s;
          const y = (re[lower] as number) * s + (im[lower] as number) * c;
          re[lower] = (re[upper] as number) - x;
          im[lower] = (im[upper] as number) - y;
          re[upper] = (re[upper] as number) + x;
          im[upper] = (im[upper] as number) + y;
        }
      }
    }
  };

  return {
    binCount: size / 2 + 1,
    measure(a, b, magnitudesA, magnitudesB) {
      re.fill(0);
      im.fill(0);
      for (let index = 0; index < length; index++) {
        const at = order[index] as number;
        re[at] = (a[index] as number) * (hann[index] as number);
        im[at] = (b[index] as number) * (hann[index] as number);
      }
      transform();
      for (let bin = 0; bin <= size / 2; bin++) { // two real signals in one complex one come apart by symmetry
        const mirror = (size - bin) & (size - 1);
        const evenRe = (re[bin] as number) + (re[mirror] as number);
        const evenIm = (im[bin] as number) - (im[mirror] as number);
        const oddRe = (im[bin] as number) + (im[mirror] as number);
        const oddIm = (re[mirror] as number) - (re[bin] as number);
        magnitudesA[bin] = Math.sqrt(evenRe * evenRe + evenIm * evenIm) * scale * 0.5;
        magnitudesB[bin] = Math.sqrt(oddRe * oddRe + oddIm * oddIm) * scale * 0.5;
      }
    },
  };
}
