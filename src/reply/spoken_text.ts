/**
 * The words of a text, and where in them a voice is that tells the times of its words.
 *
 * @module
 */
import type { TimedString } from "../model/marks.ts";
import { wordSplitter } from "../../streams/words.ts";
import { spokenCharacters, weightOf } from "./word_weight.ts";

/** How many words ahead a timed word is looked for that is not the next one. Chosen: more than a link or an aside. */
const LOOK_AHEAD = 12;

/** A word of the text, with its measures and where they end in the text as a whole. */
export interface SpokenWord {
  /** As written, with the white space before it. */
  readonly text: string;
  /** Letters and digits alone, in lower case. */
  readonly spoken: string;
  /** Weight up to the end of this word. */
  readonly weightEnd: number;
  /** Letters and digits up to the end of this word. */
  readonly spokenEnd: number;
}

/** A point that is known of text and sound: so many letters and digits had been said at that time. */
export interface Anchor {
  readonly ms: number;
  readonly spoken: number;
}

/** A text that is being spoken. */
export interface SpokenText {
  readonly words: readonly SpokenWord[];
  /** In the order of both time and text. */
  readonly anchors: readonly Anchor[];
  push(text: string): void;
  /** The text is whole: its last word too. Idempotent. */
  end(): void;
  /** Takes a time, which may come before or after its text. */
  time(timed: TimedString): void;
  /** Weight of the first `spoken` letters and digits; within a word in proportion. */
  weightAt(spoken: number): number;
}

/** A place in the words: so many letters and digits of one of them are behind. */
interface Place {
  readonly word: number;
  readonly within: number;
}

/** The first index for which `isReached` holds; it must hold for all after it. `length` when there is none. */
export function firstIndex(length: number, isReached: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Makes an empty text.
 *
 * Timed words are found by their letters and digits, so that Markdown and punctuation cannot lead astray, and what the voice
 * says otherwise than written is skipped. What the voice calls a word may be a letter, a word, or a whole sentence.
 */
export function spokenText(): SpokenText {
  const splitter = wordSplitter();
  const words: SpokenWord[] = [];
  const anchors: Anchor[] = [];
  const early: TimedString[] = []; // times whose text has not come
  let cursor: Place = { word: 0, within: 0 };
  let hasEnded = false;
  let lastStartMs = -1;
  let lastText = "";

  const add = (texts: readonly string[]): void => {
    for (const text of texts) {
      const spoken = spokenCharacters(text);
      const last = words[words.length - 1];
      words.push({
        text,
        spoken,
        weightEnd: (last?.weightEnd ?? 0) + weightOf(spoken),
        spokenEnd: (last?.spokenEnd ?? 0) + spoken.length,
      });
    }
  };

  const spokenAt = ({ word, within }: Place): number => (words[word - 1]?.spokenEnd ?? 0) + within;

  const anchor = (ms: number, spoken: number): void => {
    const last = anchors[anchors.length - 1];
    anchors.push({ ms: Math.max(ms, last?.ms ?? 0), spoken: Math.max(spoken, last?.spoken ?? 0) });
  };

  /** Where `sought` ends when it begins at `place`; undefined when something else is there, "more" when the text is short. */
  const match = (place: Place, sought: string): Place | undefined | "more" => {
    let { word, within } = place;
    for (const char of sought) {
      while (word < words.length && within >= (words[word] as SpokenWord).spoken.length) {
        word++;
        within = 0;
      }
      if (word === words.length) return "more";
      if (!(words[word] as SpokenWord).spoken.startsWith(char, within)) return undefined;
      within += char.length;
    }
    return { word, within };
  };

  /** The place at which `sought` is said: the next one, or one a little ahead; undefined when it is nowhere. */
  const find = (sought: string): { readonly from: Place; readonly to: Place } | undefined | "more" => {
    const here = match(cursor, sought);
    if (here === "more" && !hasEnded) return "more";
    if (here !== undefined && here !== "more") return { from: cursor, to: here };
    let ahead = cursor.word + (cursor.within > 0 ? 1 : 0);
    for (let looked = 0; looked < LOOK_AHEAD && ahead < words.length; ahead++) {
      const { spoken } = words[ahead] as SpokenWord;
      if (spoken === "") continue;
      looked++;
      const to = match({ word: ahead, within: 0 }, sought);
      // Only whole words: a letter or a syllable would be found anywhere.
      if (to !== undefined && to !== "more" && to.within === words[to.word]?.spoken.length) {
        return { from: { word: ahead, within: 0 }, to };
      }
    }
    return undefined;
  };

  /** Sets the anchors of a timed text; false when its text has not come yet. */
  const place = ({ text, startMs, endMs }: TimedString): boolean => {
    const before = cursor;
    const sought = text.split(/\s+/).map(spokenCharacters).filter((word) => word !== "");
    let from: Place | undefined;
    let isWhole = true;
    for (const [index, word] of sought.entries()) {
      const found = find(word);
      if (found === "more") {
        cursor = before;
        return false;
      }
      isWhole = found !== undefined;
      if (found === undefined) continue;
      if (index === 0) from = found.from;
      cursor = found.to;
    }
    if (startMs !== undefined) anchor(startMs, spokenAt(from ?? before));
    if (endMs !== undefined && isWhole) anchor(endMs, spokenAt(cursor));
    return true;
  };

  const placeEarly = (): void => {
    let placed = 0;
    while (placed < early.length && place(early[placed] as TimedString)) placed++;
    early.splice(0, placed);
  };

  return {
    words,
    anchors,
    push(text) {
      add(splitter.push(text));
      if (early.length > 0) placeEarly();
    },
    end() {
      add(splitter.flush());
      hasEnded = true;
      placeEarly();
    },
    time(timed) {
      const start = timed.startMs ?? timed.endMs;
      if (start === undefined) return;
      // The same times may come with the sound and with the text: the first to come counts.
      if (start < lastStartMs || (start === lastStartMs && timed.text === lastText)) return;
      lastStartMs = start;
      lastText = timed.text;
      early.push(timed);
      placeEarly();
    },
    weightAt(spoken) {
      const index = firstIndex(words.length, (at) => (words[at] as SpokenWord).spokenEnd >= spoken);
      const word = words[index];
      const before = words[index - 1];
      if (word === undefined) return before?.weightEnd ?? 0;
      const from = before?.weightEnd ?? 0;
      if (word.spoken === "") return from;
      return from + ((spoken - (before?.spokenEnd ?? 0)) / word.spoken.length) * (word.weightEnd - from);
    },
  };
}
