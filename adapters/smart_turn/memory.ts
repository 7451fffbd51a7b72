/**
 * The last seconds of sound.
 *
 * @module
 */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { monoFrame } from "../../src/audio/frames.ts";
import { resampleFrames } from "../../src/audio/resample.ts";
import { SMART_TURN_RATE, WINDOW_SIZE } from "./features.ts";

/** Holds the last 8 s that were heard, as the model hears them. */
export interface SoundMemory {
  /** Takes a frame of any rate and number of channels. */
  push(frame: AudioFrame): void;
  /** What is held, oldest first: mono samples from -1 to 1 at 16 kHz. A copy. */
  take(): Float32Array<ArrayBuffer>;
  /** Forgets all of it. */
  clear(): void;
}

/** Makes an empty memory. */
export function soundMemory(): SoundMemory {
  const ring = new Int16Array(WINDOW_SIZE);
  let length = 0;
  let next = 0;
  let convert = resampleFrames(SMART_TURN_RATE);

  return {
    push(frame) {
      for (const { data } of convert.push(monoFrame(frame))) {
        const last = data.subarray(Math.max(0, data.length - WINDOW_SIZE));
        const fits = Math.min(last.length, WINDOW_SIZE - next);
        ring.set(last.subarray(0, fits), next);
        ring.set(last.subarray(fits), 0);
        next = (next + last.length) % WINDOW_SIZE;
        length = Math.min(WINDOW_SIZE, length + last.length);
      }
    },
    take() {
      const samples = new Float32Array(length);
      const first = (next - length + WINDOW_SIZE) % WINDOW_SIZE;
      for (let index = 0; index < length; index++) samples[index] = ring[(first + index) % WINDOW_SIZE]! / 32_768;
      return samples;
    },
    clear() {
      length = 0;
      convert = resampleFrames(SMART_TURN_RATE);
    },
  };
}
