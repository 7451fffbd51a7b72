/**
 * Frames of any rate and number of channels, as frames of one.
 *
 * @module
 */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { monoFrame } from "../../src/audio/frames.ts";
import { interleave } from "../../src/audio/pcm.ts";
import { type Resampler, resampler } from "../../src/audio/resample.ts";

/** Makes frames of one rate and number of channels, block by block. */
export interface FrameConverter {
  /** What can be given so far; its samples belong to nobody else. */
  push(frame: AudioFrame): AudioFrame;
  /** What is held back. */
  flush(): AudioFrame;
  /** Forgets what is held back. */
  reset(): void;
}

/** Makes a converter. Channels that differ are mixed, and then the same in all. */
export function frameConverter(sampleRate: number, channels: number): FrameConverter {
  let line: Resampler | undefined;
  const spread = (samples: Int16Array): AudioFrame => ({
    data: channels === 1 ? samples.slice() : interleave(Array.from({ length: channels }, () => samples)),
    sampleRate,
    channels,
    samplesPerChannel: samples.length,
  });
  return {
    push(frame) {
      if (frame.sampleRate === sampleRate && frame.channels === channels) return { ...frame, data: frame.data.slice() };
      const { data } = monoFrame(frame);
      if (frame.sampleRate === sampleRate) return spread(data);
      if (line?.from !== frame.sampleRate) line = resampler({ from: frame.sampleRate, to: sampleRate });
      return spread(line.push(data));
    },
    flush: () => spread(line?.flush() ?? new Int16Array(0)),
    reset() {
      line = undefined;
    },
  };
}
