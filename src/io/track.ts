/**
 * One side of a recording: sound put where it belongs in time, at one rate.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { monoFrame } from "../audio/frames.ts";
import { type Resampler, resampler } from "../audio/resample.ts";

/** Frames that follow each other without a gap. */
interface Run {
  readonly from: number;
  readonly resampler: Resampler;
  /** Where it begins, in samples of the track. */
  readonly start: number;
  /** Samples that went in and came out. */
  inCount: number;
  outCount: number;
}

/** Sound on a time line. Indices are samples of the track's rate from its beginning. */
export class Track {
  readonly #rate: number;
  readonly #maxHeld: number;
  #buffer = new Int16Array(4_096);
  #base = 0; // index of the first sample in the buffer: those before are taken
  #end = -Infinity; // index after the last sample placed
  #run: Run | undefined;
  #droppedSamples = 0;

  /**
   * @param rate Samples per second; other rates are converted.
   * @param maxHeldSamples What lies further than this behind the last sample taken is dropped and counted.
   */
  constructor(rate: number, maxHeldSamples: number) {
    this.#rate = rate;
    this.#maxHeld = maxHeldSamples;
  }

  /** Index after the last sample, counting those that the conversion still holds. `-Infinity` when there is none. */
  get end(): number {
    return this.#run === undefined ? this.#end : Math.max(this.#end, Math.ceil(nextOf(this.#run, this.#rate)));
  }

  /** Samples that came too late for their place, or too early to be held. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /**
   * Puts a frame at an index, or right behind the frame before it if that is no more than `tolerance` away, so that jitter and
   * rounding leave no holes. Sound never overlaps: what would begin before the end of the last one follows it.
   */
  place(frame: AudioFrame, index: number, tolerance: number): void {
    const { data, sampleRate } = monoFrame(frame);
    let run = this.#run;
    if (run === undefined || run.from !== sampleRate || index > nextOf(run, this.#rate) + tolerance) {
      const isNext = run !== undefined && index <= nextOf(run, this.#rate) + tolerance;
      this.flush();
      const start = isNext ? this.#end : Math.max(this.#end, Math.round(index));
      run = {
        from: sampleRate,
        resampler: resampler({ from: sampleRate, to: this.#rate }),
        start,
        inCount: 0,
        outCount: 0,
      };
      this.#run = run;
    }
    run.inCount += data.length;
    this.#append(run, run.resampler.push(data));
  }

  /** Ends the present run: what the conversion holds comes out. */
  flush(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#append(run, run.resampler.flush());
    this.#run = undefined;
  }

  /** Takes the sound up to an index, silent where there is none. */
  take(until: number): Int16Array {
    if (this.#run !== undefined && nextOf(this.#run, this.#rate) <= until) this.flush();
    const taken = new Int16Array(Math.max(0, until - this.#base));
    const heldCount = Math.max(0, this.#end - this.#base);
    const count = Math.min(heldCount, taken.length);
    taken.set(this.#buffer.subarray(0, count));
    this.#buffer.copyWithin(0, count, heldCount);
    this.#buffer.fill(0, heldCount - count, heldCount);
    this.#base += taken.length;
    return taken;
  }

  #append(run: Run, samples: Int16Array): void {
    const start = run.start + run.outCount - this.#base;
    run.outCount += samples.length;
    const late = Math.min(Math.max(0, -start), samples.length);
    const early = Math.min(Math.max(0, start + samples.length - this.#maxHeld), samples.length - late);
    this.#droppedSamples += late + early;
    const kept = samples.subarray(late, samples.length - early);
    if (kept.length === 0) return;
    const at = start + late;
    this.#reserve(at + kept.length);
    this.#buffer.set(kept, at);
    this.#end = Math.max(this.#end, this.#base + at + kept.length);
  }

  #reserve(count: number): void {
    if (count <= this.#buffer.length) return;
    const grown = new Int16Array(2 ** Math.ceil(Math.log2(count)));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

function nextOf({ start, inCount, from }: Run, rate: number): number {
  return start + (inCount * rate) / from;
}
