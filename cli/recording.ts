/**
 * Both sides of a call in true time: what the caller said, and what the agent was heard to say.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../src/audio/frame.ts";
import { mixInto } from "../src/audio/mix.ts";
import { interleave } from "../src/audio/pcm.ts";
import { resampler } from "../src/audio/resample.ts";

/** Rate of the recording. Chosen: that of the models. */
export const RECORDING_RATE = 16_000;

/** A side that grows as it is written to, at any place. */
class Side {
  #samples = new Int16Array(RECORDING_RATE * 60);
  length = 0;

  put(samples: Int16Array, at: number): void {
    const end = at + samples.length;
    if (end > this.#samples.length) {
      const grown = new Int16Array(Math.max(end, this.#samples.length * 2));
      grown.set(this.#samples);
      this.#samples = grown;
    }
    mixInto(this.#samples, { samples, at });
    this.length = Math.max(this.length, end);
  }

  take(length: number): Int16Array {
    return this.#samples.slice(0, length);
  }
}

/** Records a call. Times are the session's clock. */
export class CallRecording {
  readonly #caller = new Side();
  readonly #agent = new Side();
  readonly #startedAt: number;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** What the caller said, audible from `at` on. */
  caller(frame: AudioFrame, at: number): void {
    this.#put(this.#caller, frame, at);
  }

  /** What the agent was heard to say. */
  agent(frame: AudioFrame, at: number): void {
    this.#put(this.#agent, frame, at);
  }

  /** The call so far: caller left, agent right. */
  call(): AudioFrame {
    const length = Math.max(this.#caller.length, this.#agent.length, 1);
    return audioFrame(interleave([this.#caller.take(length), this.#agent.take(length)]), RECORDING_RATE, 2);
  }

  #put(side: Side, frame: AudioFrame, at: number): void {
    const place = Math.max(0, Math.round(((at - this.#startedAt) * RECORDING_RATE) / 1000));
    if (frame.sampleRate === RECORDING_RATE) return side.put(frame.data, place);
    const convert = resampler({ from: frame.sampleRate, to: RECORDING_RATE });
    const first = convert.push(frame.data);
    side.put(first, place);
    side.put(convert.flush(), place + first.length);
  }
}
