/**
 * Changes the sample rate of 16-bit sound: a polyphase windowed sinc, exact in length and equal for any block size.
 *
 * The coefficients are made with `+ - * /` and the square root alone, which every engine rounds alike, and the sums run
 * in a fixed order: the same samples go in, the same samples come out, on every runtime.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { type AudioFrame, audioFrame } from "./frame.ts";

/** Reach of the filter to each side, in samples of the lower rate. Also its latency. Chosen: 48 multiplications at 1:1. */
const REACH = 24;
/** Attenuation that the window is designed for, in dB. Chosen 10 dB above the 60 that the product promises. */
const STOPBAND_DB = 70;
/** Shape of the Kaiser window for that attenuation (Kaiser's formula for more than 50 dB). */
const BETA = 0.1102 * (STOPBAND_DB - 8.7);
/** Middle of the filter's slope, of the lower rate's Nyquist frequency: the slope ends at that frequency (Kaiser's formula). */
const CUTOFF = 1 - (STOPBAND_DB - 7.95) / (2.285 * 2 * REACH * Math.PI) / 2;
/** Ratios with more phases than this use a table of `TABLE_PHASES` and take the nearest. Chosen: all usual rates are exact. */
const MAX_EXACT_PHASES = 1024;
/** Phases of the table for odd ratios; the nearest is wrong by at most 1/8192 sample, which is 70 dB down at the band's edge. */
const TABLE_PHASES = 4096;
/** Samples taken at a time, however large the block, so that a resampler stays small. Chosen: above 20 ms at 48,000 Hz. */
const PIECE = 1024;
/** Filters kept for later resamplers of the same ratio. Chosen: more ratios than any program uses. */
const MAX_KEPT_FILTERS = 32;

/** Changes the rate of one run of sound, block by block. */
export interface Resampler {
  /** Samples per second that go in. */
  readonly from: number;
  /** Samples per second that come out. */
  readonly to: number;
  /** Number of interleaved channels. */
  readonly channels: number;
  /** Sound that is held back until more of it, or `flush`, comes: 24 samples of the lower rate, in milliseconds (0 when the rates are equal). */
  readonly latencyMs: number;
  /**
   * Takes a block of any size and gives what can be computed so far. Output sample `n` stands for the same moment as
   * input sample `n * from / to`: nothing is shifted. When the rates are equal the block itself is returned.
   *
   * @throws {AgentError} `audio.bad_frame` when the samples do not divide into the channels.
   */
  push(samples: Int16Array): Int16Array;
  /**
   * Gives the rest, as if silence followed, and starts anew. In all, `n` samples per channel give `ceil(n * to / from)`.
   */
  flush(): Int16Array;
}

/** How to make a {@linkcode Resampler}. */
export interface ResamplerOptions {
  /** Samples per second that go in: an integer from 4,000 to 192,000. */
  readonly from: number;
  /** Samples per second that come out: an integer from 4,000 to 192,000. */
  readonly to: number;
  /** Number of interleaved channels. Default: 1. */
  readonly channels?: number;
}

/**
 * Makes a resampler. What lies above the lower rate's Nyquist frequency is at least 60 dB down, and what lies below 80 %
 * of it passes within 0.1 dB.
 *
 * @throws {AgentError} `audio.bad_rate` for a rate that is no integer from 4,000 to 192,000; `audio.bad_frame` for a
 * number of channels that is no positive integer.
 *
 * @example Telephone sound for a recogniser
 * ```ts
 * const up = resampler({ from: 8_000, to: 16_000 });
 * const blocks = [up.push(new Int16Array(160)), up.push(new Int16Array(160)), up.flush()];
 * const total = blocks.reduce((sum, block) => sum + block.length, 0); // 640
 * ```
 */
export function resampler({ from, to, channels = 1 }: ResamplerOptions): Resampler {
  checkRate(from);
  checkRate(to);
  if (!Number.isInteger(channels) || channels < 1) {
    throw new AgentError(
      "audio.bad_frame",
      `Cannot resample as the number of channels must be a positive integer: current value is ${channels}`,
    );
  }
  return from === to ? passing(from, channels) : filtering(from, to, channels);
}

/** Brings frames to one rate, whatever rate they come in. A stage of `fuse`. */
export interface FrameResampler {
  /** Gives the frames that `frame` completes: usually one. A frame without samples passes through, at the new rate. */
  push(frame: AudioFrame): AudioFrame[];
  /** Gives the rest and starts anew. */
  flush(): AudioFrame[];
}

/**
 * Makes a function from frames to frames of the rate `to`. Frames may change their rate or channels on the way: the old
 * run of sound is then drained first, so that no sample is lost. Frames that have the rate already pass untouched.
 *
 * @throws {AgentError} `audio.bad_rate` for a rate that is no integer from 4,000 to 192,000, here or in `push`.
 */
export function resampleFrames(to: number): FrameResampler {
  checkRate(to);
  let current: Resampler | undefined;

  const wrap = (data: Int16Array, channels: number): AudioFrame[] =>
    data.length === 0 ? [] : [audioFrame(data, to, channels)];
  const flush = (): AudioFrame[] => {
    const rest = current === undefined ? [] : wrap(current.flush(), current.channels);
    current = undefined;
    return rest;
  };

  return {
    push(frame) {
      if (frame.samplesPerChannel === 0) return [audioFrame(frame.data, to, frame.channels)];
      if (current?.from === frame.sampleRate && current.channels === frame.channels) {
        return to === frame.sampleRate ? [frame] : wrap(current.push(frame.data), frame.channels);
      }
      const rest = flush();
      current = resampler({ from: frame.sampleRate, to, channels: frame.channels });
      return to === frame.sampleRate ? [...rest, frame] : [...rest, ...wrap(current.push(frame.data), frame.channels)];
    },
    flush,
  };
}

function checkRate(rate: number): void {
  if (Number.isInteger(rate) && rate >= 4_000 && rate <= 192_000) return;
  throw new AgentError(
    "audio.bad_rate",
    `Cannot resample as a rate must be an integer from 4,000 to 192,000 Hz: current value is ${rate}`,
  );
}

function checkBlock(samples: Int16Array, channels: number): void {
  if (samples.length % channels === 0) return;
  throw new AgentError(
    "audio.bad_frame",
    `Cannot resample a block as its samples must divide evenly into the channels: current value is ${samples.length} samples for ${channels} channels`,
  );
}

function passing(rate: number, channels: number): Resampler {
  return {
    from: rate,
    to: rate,
    channels,
    latencyMs: 0,
    push(samples) {
      checkBlock(samples, channels);
      return samples;
    },
    flush: () => new Int16Array(0),
  };
}

function filtering(from: number, to: number, channels: number): Resampler {
  const divisor = greatestCommonDivisor(from, to);
  const up = to / divisor;
  const down = from / divisor;
  const { coefficients, phases, reach } = filterOf(up, down);
  const width = 2 * reach;
  const wholeStep = Math.floor(down / up);
  const phaseStep = down % up;

  // Per channel: the input that is still needed. The next output begins at `start`; silence came before the first sample.
  const held: Float64Array[] = Array.from({ length: channels }, () => new Float64Array(2 * width + PIECE));
  let count = reach - 1; // samples in `held`
  let start = 0;
  let phase = 0; // of `up`: where between two input samples the next output lies
  let inputTotal = 0;
  let outputTotal = 0;

  /** How many samples per channel can be computed when `added` more have come. */
  const computable = (added: number): number => {
    const spare = count + added - start - width; // an output needs `width` samples from its start on
    return spare < 0 ? 0 : Math.floor(((spare + 1) * up - phase - 1) / down) + 1;
  };

  /** Puts the samples from `at` on, or silence, behind those held. */
  const take = (samples: Int16Array | undefined, at: number, added: number): void => {
    if (count + added > held[0]!.length) {
      for (const input of held) input.copyWithin(0, start, count);
      count -= start;
      start = 0;
    }
    for (let channel = 0; channel < channels; channel++) {
      const input = held[channel]!;
      if (samples === undefined) input.fill(0, count, count + added);
      else {
        for (let from = at * channels + channel, to = count; to < count + added; from += channels) {
          input[to++] = samples[from]!;
        }
      }
    }
    count += added;
  };

  /** Computes `ready` samples per channel into `output`, from sample `offset` on. */
  const compute = (output: Int16Array, offset: number, ready: number): void => {
    let nextStart = start;
    let nextPhase = phase;
    for (let channel = 0; channel < channels; channel++) {
      const input = held[channel]!;
      nextStart = start;
      nextPhase = phase;
      for (let at = offset * channels + channel, end = (offset + ready) * channels; at < end; at += channels) {
        const row = (phases === up ? nextPhase : Math.round((nextPhase * phases) / up)) * width;
        const sum = convolve(input, nextStart, coefficients, row, width);
        output[at] = sum >= 32767 ? 32767 : sum <= -32768 ? -32768 : Math.round(sum);
        nextStart += wholeStep;
        nextPhase += phaseStep;
        if (nextPhase >= up) {
          nextPhase -= up;
          nextStart++;
        }
      }
    }
    start = nextStart;
    phase = nextPhase;
    outputTotal += ready;
  };

  return {
    from,
    to,
    channels,
    latencyMs: (REACH * 1000) / Math.min(from, to),
    push(samples) {
      checkBlock(samples, channels);
      const added = samples.length / channels;
      const output = new Int16Array(computable(added) * channels);
      let offset = 0;
      for (let at = 0; at < added; at += PIECE) {
        take(samples, at, Math.min(PIECE, added - at));
        const ready = computable(0);
        compute(output, offset, ready);
        offset += ready;
      }
      inputTotal += added;
      return output;
    },
    flush() {
      const left = Math.ceil((inputTotal * up) / down) - outputTotal;
      const output = new Int16Array(left * channels);
      take(undefined, 0, reach);
      compute(output, 0, left);
      for (const input of held) input.fill(0, 0, reach - 1);
      count = reach - 1;
      start =
        phase =
        inputTotal =
        outputTotal =
          0;
      return output;
    },
  };
}

/** The sum of products, in four lanes: engines run it twice as fast as one lane, and the order is fixed all the same. */
function convolve(input: Float64Array, start: number, taps: Float64Array, row: number, width: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let at = start, tap = row, end = row + width; tap < end; at += 4, tap += 4) {
    a += input[at]! * taps[tap]!;
    b += input[at + 1]! * taps[tap + 1]!;
    c += input[at + 2]! * taps[tap + 2]!;
    d += input[at + 3]! * taps[tap + 3]!;
  }
  return a + b + (c + d);
}

/** One row of `2 * reach` coefficients for each phase; a table that is not exact has one row more, for rounding up. */
interface Filter {
  readonly coefficients: Float64Array;
  readonly phases: number;
  readonly reach: number;
}

// Pure values by ratio: sessions share them, since a table takes a millisecond or more to make.
const kept = new Map<string, Filter>();

function filterOf(up: number, down: number): Filter {
  const key = `${up}/${down}`;
  let filter = kept.get(key);
  if (filter === undefined) {
    filter = makeFilter(up, down);
    if (kept.size >= MAX_KEPT_FILTERS) kept.delete(kept.keys().next().value!);
    kept.set(key, filter);
  }
  return filter;
}

function makeFilter(up: number, down: number): Filter {
  const stretch = Math.max(1, down / up); // input samples in one sample of the lower rate
  const reach = 2 * Math.ceil((REACH * stretch) / 2); // even, so that a row divides into four lanes
  const width = 2 * reach;
  const exact = up <= MAX_EXACT_PHASES;
  const phases = exact ? up : TABLE_PHASES;
  const rows = exact ? phases : phases + 1;
  const coefficients = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let tap = 0; tap < width; tap++) {
      const distance = (tap - reach + 1 - row / phases) / stretch; // in samples of the lower rate
      const value = sinc(CUTOFF * distance) * kaiser(distance / REACH);
      coefficients[row * width + tap] = value;
      sum += value;
    }
    for (let tap = 0; tap < width; tap++) coefficients[row * width + tap]! /= sum; // a constant stays what it is
  }
  return { coefficients, phases, reach };
}

function kaiser(position: number): number {
  const inside = 1 - position * position;
  return inside < 0 ? 0 : besselI0(BETA * Math.sqrt(inside));
}

/** The modified Bessel function of order 0, by its power series; the terms fall below the last digit within 40. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < 40; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}

function sinc(x: number): number {
  return x === 0 ? 1 : sinPi(x) / (Math.PI * x);
}

/** sin(pi x) by its power series: `Math.sin` may differ between engines in the last digit. */
function sinPi(x: number): number {
  const folded = x - 2 * Math.round(x / 2); // to [-1, 1]
  const near = folded > 0.5 ? 1 - folded : folded < -0.5 ? -1 - folded : folded;
  const angle = Math.PI * near;
  const square = angle * angle;
  let term = angle;
  let sum = angle;
  for (let k = 2; k < 24; k += 2) {
    term *= -square / (k * (k + 1));
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
