/**
 * Sound as Smart Turn hears it: the log-mel spectrogram of Whisper, of the last 8 seconds.
 *
 * @module
 */
import { BIN_COUNT, FRAME_SIZE, powerSpectrum } from "./spectrum.ts";

/** Samples per second that the model hears. */
export const SMART_TURN_RATE = 16_000;
/** Samples that it looks at: 8 s. */
export const WINDOW_SIZE: number = 8 * SMART_TURN_RATE;
/** Bands of the spectrogram. */
export const MEL_COUNT = 80;
/** Its columns, 10 ms each. */
export const COLUMN_COUNT = 800;

const HOP = WINDOW_SIZE / COLUMN_COUNT;
const FLOOR = 1e-10; // the model's: what is quieter counts as this
const RANGE = 8; // the model's, in powers of ten below the loudest
const VARIANCE_FLOOR = 1e-7; // the model's

/** One triangle of the filter bank: its first frequency, and the weights from there. */
interface Band {
  readonly first: number;
  readonly weights: Float64Array;
}

/** Slaney's scale: linear below 1,000 Hz, logarithmic above. */
function hertzOf(mel: number): number {
  return mel < 15 ? (200 * mel) / 3 : 1_000 * Math.exp((Math.log(6.4) / 27) * (mel - 15));
}

function filterBank(): Band[] {
  const top = 15 + (27 / Math.log(6.4)) * Math.log(SMART_TURN_RATE / 2 / 1_000);
  const edges = Array.from({ length: MEL_COUNT + 2 }, (_, index) => hertzOf((top * index) / (MEL_COUNT + 1)));
  const binHertz = SMART_TURN_RATE / FRAME_SIZE;
  return Array.from({ length: MEL_COUNT }, (_, band) => {
    const [low, peak, high] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    const first = Math.floor(low / binHertz) + 1;
    const last = Math.min(BIN_COUNT - 1, Math.ceil(high / binHertz) - 1);
    const weights = Float64Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
      const hertz = (first + index) * binHertz;
      return (Math.min((hertz - low) / (peak - low), (high - hertz) / (high - peak)) * 2) / (high - low);
    });
    return { first, weights };
  });
}

/**
 * Makes a function from the last samples, mono at 16 kHz, to the features: a row a band, a column each 10 ms. It looks at the
 * last 8 s; what is missing at the front is silence. Loudness makes no difference. It takes about 20 ms.
 */
export function logMel(): (samples: Float32Array) => Float32Array<ArrayBuffer> {
  const spectrum = powerSpectrum();
  const bands = filterBank();
  const margin = FRAME_SIZE / 2;
  const padded = new Float64Array(WINDOW_SIZE + 2 * margin);
  const power = new Float64Array(BIN_COUNT);

  return (samples) => {
    fill(padded.subarray(margin, margin + WINDOW_SIZE), samples);
    for (let index = 0; index < margin; index++) { // mirrored at both ends
      padded[margin - 1 - index] = padded[margin + 1 + index]!;
      padded[margin + WINDOW_SIZE + index] = padded[margin + WINDOW_SIZE - 2 - index]!;
    }
    const features = new Float32Array(MEL_COUNT * COLUMN_COUNT);
    let loudest = -Infinity;
    for (let column = 0; column < COLUMN_COUNT; column++) {
      spectrum(padded, column * HOP, power);
      for (let band = 0; band < MEL_COUNT; band++) {
        const { first, weights } = bands[band]!;
        let energy = 0;
        for (let index = 0; index < weights.length; index++) energy += weights[index]! * power[first + index]!;
        const level = Math.log10(Math.max(energy, FLOOR));
        if (level > loudest) loudest = level;
        features[band * COLUMN_COUNT + column] = level;
      }
    }
    for (let index = 0; index < features.length; index++) {
      features[index] = (Math.max(features[index]!, loudest - RANGE) + 4) / 4;
    }
    return features;
  };
}

/** Puts the last samples at the end of the window, with mean 0 and variance 1 over the window as a whole. */
function fill(window: Float64Array, samples: Float32Array): void {
  const last = samples.subarray(Math.max(0, samples.length - WINDOW_SIZE));
  window.fill(0);
  window.set(last, WINDOW_SIZE - last.length);
  let sum = 0;
  for (const sample of window) sum += sample;
  const mean = sum / WINDOW_SIZE;
  let squares = 0;
  for (const sample of window) squares += (sample - mean) ** 2;
  const scale = 1 / Math.sqrt(squares / WINDOW_SIZE + VARIANCE_FLOOR);
  for (let index = 0; index < WINDOW_SIZE; index++) window[index] = (window[index]! - mean) * scale;
}
