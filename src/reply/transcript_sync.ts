/**
 * The agent's words at the pace of its voice, and which of them have been heard.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import type { TimedString } from "../model/marks.ts";

/** Characters a voice says in a second, until the audio tells. Chosen: 3.83 syllables of about four characters. */
const CHARS_PER_SECOND = 15;

/** Paces the words of one segment of speech. Times are clock milliseconds; positions are milliseconds of its audio. */
export interface TranscriptPacer {
  /** Text, as it comes from the transcription node. */
  pushText(text: string): void;
  /** A word with its time, where the voice tells. */
  pushTimed(word: TimedString): void;
  /** A frame on its way to the sink. */
  pushAudio(frame: AudioFrame): void;
  endText(): void;
  endAudio(): void;
  start(at: number): void;
  pause(at: number): void;
  resume(at: number): void;
  /** Words that are due, and when to ask again; undefined: when there is more text. */
  take(t: number): { readonly words: readonly TimedString[]; readonly nextAt: number | undefined };
  /** Everything that is left, when the segment was played to its end. */
  finish(): readonly TimedString[];
  /** What of the text had been heard at this position: whole words, of which at least half was said. */
  heardAt(positionMs: number): string;
}

interface Timing {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number | undefined;
}

/** Makes a pacer. `speed` is a factor on the rate that is assumed until the audio tells. */
export function transcriptPacer({ speed = 1 }: { readonly speed?: number } = {}): TranscriptPacer {
  let text = "";
  let shown = 0;
  let audioMs = 0;
  let hasText = true;
  let hasAudio = true;
  let startedAt: number | undefined;
  let pausedAt: number | undefined;
  let pausedMs = 0;
  const timed: Timing[] = [];

  /** Milliseconds at which the first `length` characters have been said. */
  const timeOf = (length: number): number => {
    if (timed.length > 0) {
      let seen = 0;
      let last = 0;
      for (const { text: word, startMs, endMs } of timed) {
        if (seen >= length) return last;
        const end = endMs ?? startMs + (word.length * 1_000) / CHARS_PER_SECOND;
        if (seen + word.length >= length) return startMs + ((length - seen) / Math.max(1, word.length)) * (end - startMs);
        seen += word.length;
        last = end;
      }
      return last + ((length - seen) * 1_000) / (CHARS_PER_SECOND * speed);
    }
    if (!hasText && !hasAudio && text.length > 0) return (length / text.length) * audioMs;
    return (length * 1_000) / (CHARS_PER_SECOND * speed);
  };

  /** Where the word that begins at `from` ends, its leading space included; `from` when it is not whole yet. */
  const wordEnd = (from: number): number => {
    const match = /^\s*\S+/.exec(text.slice(from));
    if (match === null) return !hasText ? text.length : from;
    const end = from + match[0].length;
    return end < text.length || !hasText ? end : from;
  };

  return {
    pushText: (piece) => void (text += piece),
    pushTimed({ text: word, startMs, endMs }) {
      if (startMs !== undefined) timed.push({ text: word, startMs, endMs });
    },
    pushAudio: (frame) => void (audioMs += frameDurationMs(frame)),
    endText: () => void (hasText = false),
    endAudio: () => void (hasAudio = false),
    start: (at) => void (startedAt ??= at),
    pause: (at) => void (pausedAt ??= at),
    resume(at) {
      if (pausedAt === undefined) return;
      pausedMs += Math.max(0, at - Math.max(pausedAt, startedAt ?? at));
      pausedAt = undefined;
    },
    take(t) {
      if (startedAt === undefined || pausedAt !== undefined) return { words: [], nextAt: undefined };
      const elapsed = t - startedAt - pausedMs;
      const words: TimedString[] = [];
      for (;;) {
        const end = wordEnd(shown);
        if (end === shown) return { words, nextAt: undefined };
        const due = (timeOf(shown) + timeOf(end)) / 2;
        if (due > elapsed) return { words, nextAt: startedAt + pausedMs + due };
        words.push({ text: text.slice(shown, end), endMs: elapsed });
        shown = end;
      }
    },
    finish() {
      const rest = text.slice(shown);
      shown = text.length;
      return rest === "" ? [] : [{ text: rest }];
    },
    heardAt(positionMs) {
      if (positionMs <= 0) return "";
      if (!hasText && !hasAudio && positionMs >= audioMs) return text;
      let heard = 0;
      for (;;) {
        const match = /^\s*\S+/.exec(text.slice(heard));
        if (match === null) return text.slice(0, heard);
        const end = heard + match[0].length;
        if ((timeOf(heard) + timeOf(end)) / 2 > positionMs) return text.slice(0, heard);
        heard = end;
      }
    },
  };
}
