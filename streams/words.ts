/**
 * Text as words that, joined, give the text again.
 *
 * @module
 */
import { fuse, type Stage } from "./fuse.ts";

/** Most UTF-16 units of a word: a longer run of characters without a space is no word that anybody reads. Chosen. */
const LONGEST_WORD = 200;

const WHITE_SPACE = /\s/;
const OPENS = /[\p{Ps}\p{Pi}]/u;
const MARK = /\p{M}/u;
const LETTER = /[\p{L}\p{N}]/u;

/** True for a character of a script without spaces (Chinese, Japanese, Thai): each is a word. */
function isDense(code: number): boolean {
  return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3040 && code <= 0x30ff) ||
    (code >= 0x3400 && code <= 0x4dbf) ||
    (code >= 0x0e00 && code <= 0x0e7f) || (code >= 0x20000 && code <= 0x3ffff);
}

/** What a word has had so far: white space alone, something that opens, a dense character, or anything else. */
type Phase = "blank" | "opened" | "dense" | "plain";

/** Text in, words out, without a stream. A stage for {@linkcode fuse}. */
export interface WordSplitter extends Stage<string, string> {
  /** Takes text and gives the words that it completes. */
  push(text: string): string[];
  /** Gives the word that is held, at the end of the text. */
  flush(): string[];
}

/**
 * Cuts text into words, each with the white space before it, as soon as the next one begins. Characters of Chinese,
 * Japanese and Thai are words of their own; their vowel signs and the punctuation after them stay with them. Joined, the
 * words are the text, and how the text came in pieces makes no difference.
 *
 * Holds the word that is under way, at most 200 characters. Each character is looked at once.
 */
export function wordSplitter(): WordSplitter {
  let word = "";
  let phase: Phase = "blank";
  let half = "";
  const words: string[] = [];
  const give = (): string[] => words.splice(0);

  const add = (char: string): void => {
    const code = char.codePointAt(0) as number;
    const blank = WHITE_SPACE.test(char);
    const dense = !blank && isDense(code) && !MARK.test(char);
    const begins = word !== "" && (word.length >= LONGEST_WORD ||
      (blank && phase !== "blank") ||
      (dense && (phase === "dense" || phase === "plain")) ||
      (phase === "dense" && !blank && (OPENS.test(char) || LETTER.test(char))));
    if (begins) {
      words.push(word);
      word = "";
      phase = "blank";
    }
    word += char;
    if (dense) phase = "dense";
    else if (!blank && phase !== "dense") phase = phase !== "plain" && OPENS.test(char) ? "opened" : "plain";
  };

  return {
    push(text) {
      const whole = half + text;
      const last = whole.charCodeAt(whole.length - 1);
      half = last >= 0xd800 && last <= 0xdbff ? whole.slice(-1) : ""; // its other half is in the next piece
      for (const char of half === "" ? whole : whole.slice(0, -1)) add(char);
      return give();
    },
    flush() {
      if (half !== "") add(half);
      if (word !== "") words.push(word);
      word = half = "";
      phase = "blank";
      return give();
    },
  };
}

/** {@linkcode wordSplitter} as a stream. Input that ends loses nothing; a reader that cancels loses the word that is held. */
export function words(): TransformStream<string, string> {
  return fuse(wordSplitter());
}
