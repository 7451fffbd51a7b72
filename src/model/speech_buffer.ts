/**
 * The sound of a stretch of speech, with some from before it.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";

/** Keeps the sound of one stretch of speech: one channel, one rate. */
export interface SpeechBuffer {
  /** Sets how much is kept: the padding before the speech, and the longest speech. What is kept stays. */
  limit(sampleRate: number, paddingMs: number, speechMs: number): void;
  /** Takes the next piece of sound, which must not change afterwards. A full buffer drops it. */
  append(sound: Int16Array): void;
  /** Lets go of everything but the padding. */
  slide(): void;
  /** What is kept, as one frame; none where nothing is kept. */
  frames(): AudioFrame[];
  /** Lets go of everything. */
  clear(): void;
}

/** Makes an empty buffer that keeps nothing until it has a limit. It grows with the speech and not before. */
export function speechBuffer(): SpeechBuffer {
  let pieces: Int16Array[] = [];
  let length = 0;
  let rate = 0;
  let paddingLength = 0;
  let maxLength = 0;

  return {
    limit(sampleRate, paddingMs, speechMs) {
      rate = sampleRate;
      paddingLength = Math.floor((sampleRate * paddingMs) / 1000);
      maxLength = paddingLength + Math.floor((sampleRate * speechMs) / 1000);
    },
    append(sound) {
      // One piece more than the limit: in silence it pushes the oldest out when the buffer slides.
      if (length > maxLength || sound.length === 0) return;
      pieces.push(sound);
      length += sound.length;
    },
    slide() {
      while (length > paddingLength) {
        const oldest = pieces[0]!;
        const surplus = length - paddingLength;
        if (oldest.length > surplus) pieces[0] = oldest.subarray(surplus);
        else pieces.shift();
        length -= Math.min(oldest.length, surplus);
      }
    },
    frames() {
      const data = new Int16Array(Math.min(length, maxLength));
      let at = 0;
      for (const piece of pieces) {
        data.set(piece.subarray(0, data.length - at), at);
        at += piece.length;
        if (at >= data.length) break;
      }
      return data.length === 0 ? [] : [{ data, sampleRate: rate, channels: 1, samplesPerChannel: data.length }];
    },
    clear() {
      pieces = [];
      length = 0;
    },
  };
}
