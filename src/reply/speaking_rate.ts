/**
 * How busily a voice speaks, from its sound alone.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { type Spectrum, spectrumOf } from "./spectrum.ts";

/** How busily the voice spoke around a moment. */
export interface SpeakingRate {
  /** Milliseconds from the start of the sound. */
  readonly atMs: number;
  /** In a unit of its own: only ratios mean something. 0 in silence. */
  readonly rate: number;
}

/** Takes sound and gives rates. Pure: the same sound gives the same rates, in blocks of any size. */
export interface SpeakingRateMeter {
  /** Takes a frame. The first one settles the sample rate; frames of another are left out. */
  push(frame: AudioFrame): readonly SpeakingRate[];
  /** The sound is over: tells of the rest, where it is longer than half a window. */
  flush(): readonly SpeakingRate[];
}

const STEPS_IN_WINDOW = 10; // a window of 1,000 ms moves by 100 ms. Specified (03, section 14.5)
const TRAILING_STEPS = 3;
const SILENT_RMS = 0.005; // as a share of full scale. Specified, as the next
const SILENT_TRAILING_RMS = 0.0025;
const BLOCK_SECONDS = 0.025;
/** Sound of a higher rate is thinned out, nearly to the second figure: half the work, and the pace shows as well. Chosen. */
const FULL_RATE_HZ = 16_000;
const THINNED_RATE_HZ = 7_500;
/** Changes that are remembered: a window has about 80. */
const REMEMBERED = 128;

/** What depends on the sample rate, which the first frame tells. */
interface Measure {
  readonly sourceRate: number;
  /** Source samples that are averaged into one. */
  readonly thinning: number;
  readonly rate: number;
  readonly blockLength: number;
  readonly hop: number;
  readonly spectrum: Spectrum;
}

function measureOf(sourceRate: number): Measure {
  const thinning = sourceRate <= FULL_RATE_HZ ? 1 : Math.floor(sourceRate / THINNED_RATE_HZ);
  const rate = sourceRate / thinning;
  const blockLength = Math.max(4, Math.floor(BLOCK_SECONDS * rate));
  return { sourceRate, thinning, rate, blockLength, hop: blockLength >> 1, spectrum: spectrumOf(blockLength) };
}

/** The sample at which a step of the window begins. */
function stepStart(m: Measure, index: number): number {
  return Math.round((index * m.rate) / STEPS_IN_WINDOW);
}

/**
 * Makes a meter: in each window of a second, the mean change between the spectra of blocks of 25 ms (spectral flux), and 0
 * where the window, or its end, is silent.
 *
 * Each sample is looked at once and each block transformed once; what is held is a block and the last 128 changes.
 */
export function speakingRateMeter(): SpeakingRateMeter {
  let measure: Measure | undefined;
  let taken = 0; // samples, after thinning
  let sum = 0; // of the source samples that make the next one
  let summed = 0;
  let energy = 0; // sum of squares of the step under way
  let stepEnd = 0; // where it ends
  const stepEnergy: number[] = []; // sums of squares of complete steps, from `given` on
  let block = new Float64Array(0);
  let filled = 0;
  let blockCount = 0; // blocks that are complete
  let measured = 0; // blocks whose change is known
  let waiting: Float64Array | undefined; // the complete block that waits for a second one
  let previous = new Float64Array(0);
  let spectrumA = new Float64Array(0);
  let spectrumB = new Float64Array(0);
  const flux = new Float64Array(REMEMBERED); // by block, from the one before it
  let given = 0;

  const change = (from: Float64Array, to: Float64Array): number => {
    let total = 0;
    for (let bin = 0; bin < from.length; bin++) total += Math.abs((to[bin] as number) - (from[bin] as number));
    return total;
  };

  /** Measures the blocks that wait: two, or the last one alone. */
  const settle = (m: Measure, second: Float64Array | undefined): void => {
    if (waiting === undefined) return;
    m.spectrum.measure(waiting, second ?? waiting, spectrumA, spectrumB);
    flux[measured++ % REMEMBERED] = change(previous, spectrumA);
    if (second !== undefined) flux[measured++ % REMEMBERED] = change(spectrumA, spectrumB);
    [previous, spectrumA, spectrumB] = second === undefined
      ? [spectrumA, previous, spectrumB]
      : [spectrumB, previous, spectrumA];
    waiting = undefined;
  };

  const complete = (m: Measure): void => {
    blockCount++;
    if (waiting === undefined) waiting = block.slice();
    else settle(m, block);
    block.copyWithin(0, m.hop);
    filled = m.blockLength - m.hop;
  };

  /** The rate of the samples from the start of step `given` up to `end`. */
  const rateUntil = (m: Measure, end: number): number => {
    const start = stepStart(m, given);
    const length = end - start;
    const trailing = Math.max(1, Math.round((TRAILING_STEPS / STEPS_IN_WINDOW) * stepEnergy.length));
    const squares = (from: number): number => stepEnergy.slice(from).reduce((total, value) => total + value, 0);
    const trailingStart = stepStart(m, given + stepEnergy.length - trailing);
    if (Math.sqrt(squares(0) / length) < SILENT_RMS) return 0;
    if (Math.sqrt(squares(stepEnergy.length - trailing) / (end - trailingStart)) < SILENT_TRAILING_RMS) return 0;
    settle(m, undefined);
    const first = Math.ceil(start / m.hop);
    const last = Math.min(blockCount - 1, Math.floor((end - m.blockLength) / m.hop));
    let total = 0;
    for (let index = first + 1; index <= last; index++) total += flux[index % REMEMBERED] as number;
    return last > first ? total / (last - first) : 0;
  };

  const endStep = (m: Measure, rates: SpeakingRate[]): void => {
    stepEnergy.push(energy);
    energy = 0;
    if (stepEnergy.length === STEPS_IN_WINDOW) {
      rates.push({ atMs: 500 + 100 * given, rate: rateUntil(m, taken) });
      given++;
      stepEnergy.shift();
    }
    stepEnd = stepStart(m, given + stepEnergy.length + 1);
  };

  return {
    push({ data, sampleRate, channels }) {
      if (measure === undefined) {
        measure = measureOf(sampleRate);
        block = new Float64Array(measure.blockLength);
        previous = new Float64Array(measure.spectrum.binCount);
        spectrumA = new Float64Array(measure.spectrum.binCount);
        spectrumB = new Float64Array(measure.spectrum.binCount);
        stepEnd = stepStart(measure, 1);
      }
      if (sampleRate !== measure.sourceRate) return [];
      const rates: SpeakingRate[] = [];
      const share = 1 / (32_767 * channels * measure.thinning);
      for (let index = 0; index < data.length; index += channels) {
        for (let channel = 0; channel < channels; channel++) sum += data[index + channel] as number;
        if (++summed < measure.thinning) continue;
        const sample = sum * share;
        sum = summed = 0;
        energy += sample * sample;
        block[filled++] = sample;
        taken++;
        if (filled === measure.blockLength) complete(measure);
        if (taken === stepEnd) endStep(measure, rates);
      }
      return rates;
    },
    flush() {
      if (measure === undefined) return [];
      const left = taken - stepStart(measure, given);
      if (left <= measure.rate / 2) return [];
      if (taken > stepStart(measure, given + stepEnergy.length)) stepEnergy.push(energy);
      return [{ atMs: 500 + 100 * given + (left * 1000) / measure.rate, rate: rateUntil(measure, taken) }];
    },
  };
}
