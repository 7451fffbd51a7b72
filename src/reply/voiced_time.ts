/**
 * When a voice speaks and when it is silent, from its sound alone.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { type RateCurve, rateCurve } from "./rate_curve.ts";

/** Sound is judged in pieces of so much. Chosen: a frame; no pause between words is shorter. */
const PIECE_SECONDS = 0.02;

/** Softer than this share of full scale is silence. Specified (03, section 14.5). */
const SILENT_RMS = 0.005;

/** Measures the time in which a voice speaks. Pure: the same sound gives the same, in frames of any size. */
export interface VoicedTime {
  /** How many milliseconds of speech there are up to each millisecond of the sound that was judged. */
  readonly curve: RateCurve;
  /** Takes a frame. Each sample is looked at once. */
  push(frame: AudioFrame): void;
  /** The sound is over: judges the last piece as it is. */
  end(): void;
}

/** Makes a measure without sound. */
export function voicedTime(): VoicedTime {
  const curve = rateCurve();
  curve.add(0, 0); // so that the first piece counts from its beginning
  let judgedMs = 0;
  let squares = 0;
  let sampleCount = 0;
  let samplesInSecond = 0; // of all channels

  const judge = (): void => {
    const isVoiced = Math.sqrt(squares / sampleCount) / 32_767 >= SILENT_RMS;
    judgedMs += (sampleCount * 1000) / samplesInSecond;
    curve.add(judgedMs, isVoiced ? 1 : 0);
    squares = sampleCount = 0;
  };

  return {
    curve,
    push({ data, sampleRate, channels }) {
      if (sampleRate * channels !== samplesInSecond && sampleCount > 0) judge();
      samplesInSecond = sampleRate * channels;
      const pieceLength = Math.round(PIECE_SECONDS * sampleRate) * channels;
      for (let from = 0; from < data.length;) {
        const to = Math.min(data.length, from + pieceLength - sampleCount);
        for (let index = from; index < to; index++) squares += (data[index] as number) * (data[index] as number);
        sampleCount += to - from;
        from = to;
        if (sampleCount === pieceLength) judge();
      }
    },
    end() {
      if (sampleCount > 0) judge();
    },
  };
}
