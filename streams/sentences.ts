/**
 * Text as sentences that, joined, give the text again.
 *
 * @module
 */
import { AgentError } from "../src/base/error.ts";
import { fuse, type Stage } from "./fuse.ts";

/** How text is cut. */
export interface SentencesOptions {
  /**
   * A sentence with fewer characters is joined to the next one. A character of Chinese, Japanese or Korean counts as three.
   * Default: 20. 0 gives each by itself.
   */
  readonly minLength?: number;
  /** Text without a sentence's end is cut between words once it is so long, in UTF-16 units. Default: 500. */
  readonly maxLength?: number;
}

/** Text in, sentences out, without a stream. A stage for {@linkcode fuse}. */
export interface SentenceSplitter extends Stage<string, string> {
  /** Takes text and gives the sentences that it completes. */
  push(text: string): string[];
  /** Gives what is held, because the text ends or no more is expected for now. More text may follow. */
  flush(): string[];
}

// Words after which a full stop ends no sentence, whatever follows. Lower case, without the stop.
const TITLES = new Set(
  "mr mrs ms dr prof rev hon capt cpt lt col gen sgt sen rep gov st mt vs eg ie cf approx fig figs vol al ca e.g i.e ph.d ph"
    .split(" "),
);
// Words after which it ends one only when the next word can but be a beginning.
const SUFFIXES = new Set(
  "inc ltd jr sr co corp bros dept est ext no nos pp etc a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec"
    .split(" "),
);
// Words that begin sentences. Specified (04, section 12.3), and the commonest besides.
const STARTERS = new Set(
  ("Mr Mrs Ms Dr Prof Capt Cpt Lt Wherever He She It They Their Our We But However That This The There These Those A An I You " +
    "Your My His Her Its If When What Where Who Why How And So Or Yes No Then In On At For As After Before Please Would Could " +
    "Can Do Does Is Are Was Let").split(" "),
);

const ENDS = ".!?";
const WIDE_ENDS = "。！？｡";
const CLOSERS = "\"'”’)]}»」』）】〉》*_";
const SOFT_ENDS = " \t,;:，、；：—–";
const WHITE_SPACE = /\s/;
const LOWER = /\p{Ll}/u;
const UPPER = /\p{Lu}/u;
const DIGIT = /\p{Nd}/u;
const LETTER = /[\p{L}\p{N}]/u;
/** The letters, digits and stops that end a text. */
const LAST_WORD = /[\p{L}\p{N}.]*$/u;
const FIRST_WORD = /^[\p{L}\p{N}]*/u;
const DENSE = /[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]/g;
/** Letters of an abbreviation, each with a stop but the last: `U.S`, `R.T.C`. */
const ACRONYM = /^(?:\p{L}\.)+\p{L}$/u;

/** How far the text is looked at beyond a mark that may end a sentence. Chosen: closing marks, white space and a word. */
const LOOK_AHEAD = 48;

/** What a mark turned out to be: the end of a sentence that reaches up to there, no end, or nobody knows yet. */
type Verdict = number | "no" | "more";

/**
 * Cuts text into sentences, each as soon as the next one begins. White space stays with the sentence before it. The cuts do
 * not depend on how the text came in pieces, nor on the place it runs in: no locale is asked.
 *
 * Ends are full stops, exclamation and question marks with the quotes and brackets that close after them, and line breaks;
 * Chinese and Japanese marks need no space after them. No ends are the stops of abbreviations, initials, numbers, names of
 * hosts and files, list numbers, and runs of stops. Holds the sentence that is under way, and those too short to stand
 * alone. Each character is looked at a bounded number of times.
 *
 * @throws {AgentError} `stream.bad_option` when a length is negative, or `maxLength` below 50 or `minLength`.
 */
export function sentenceSplitter({ minLength = 20, maxLength = 500 }: SentencesOptions = {}): SentenceSplitter {
  if (!(minLength >= 0) || !(maxLength >= Math.max(50, minLength))) {
    throw new AgentError(
      "stream.bad_option",
      `Cannot cut sentences as \`minLength\` must be at least 0, and \`maxLength\` at least 50 and no less: current value is ${minLength}, ${maxLength}`,
    );
  }
  let held = "";
  let at = 0; // what is held has been judged up to here
  let softEnd = 0; // the last place to cut, should no sentence end

  const run = (isWhole: boolean): string[] => {
    const found: string[] = [];
    let start = 0;
    const cut = (end: number): void => {
      found.push(held.slice(start, end));
      start = at = softEnd = end;
    };
    while (at < held.length) {
      const char = held.charAt(at);
      if (SOFT_ENDS.includes(char)) softEnd = at + 1;
      if (ENDS.includes(char) || WIDE_ENDS.includes(char) || char === "\n") {
        const verdict = judge(held, start, at, isWhole);
        if (verdict === "more") break;
        if (verdict !== "no") {
          if (lengthOf(held.slice(start, verdict)) >= minLength && (verdict < held.length || !isWhole)) {
            cut(verdict);
            continue;
          }
          softEnd = verdict;
          at = Math.max(at, verdict - 1); // the white space after it tells nothing more
        }
      }
      at++;
      if (at - start >= maxLength) cut(softEnd > start ? softEnd : whole(held, at));
    }
    held = held.slice(start);
    at -= start;
    softEnd = Math.max(0, softEnd - start);
    return found;
  };

  return {
    push(text) {
      held += text;
      return run(false);
    },
    flush() {
      const found = run(true);
      if (held !== "") found.push(held);
      held = "";
      at = softEnd = 0;
      return found;
    },
  };
}

/** {@linkcode sentenceSplitter} as a stream. Input that ends loses nothing; a reader that cancels loses what is held. */
export function sentences(options?: SentencesOptions): TransformStream<string, string> {
  return fuse(sentenceSplitter(options));
}

/** Not between the halves of a surrogate pair. */
function whole(text: string, at: number): number {
  const last = text.charCodeAt(at - 1);
  return last >= 0xd800 && last <= 0xdbff ? at - 1 : at;
}

function lengthOf(sentence: string): number {
  return sentence.trim().length + 2 * (sentence.match(DENSE)?.length ?? 0);
}

/** Judges the mark at `at` in a sentence that began at `start`. `isWhole`: no more text comes. */
function judge(text: string, start: number, at: number, isWhole: boolean): Verdict {
  const limit = at + LOOK_AHEAD;
  const isKnown = (index: number): boolean => index < text.length || isWhole || index >= limit;
  const mark = text.charAt(at);

  let closed = at + 1;
  if (mark !== "\n") { while (closed < limit && closed < text.length && isCloser(text.charAt(closed))) closed++; }
  if (!isKnown(closed)) return "more";
  let next = closed;
  while (next < limit && next < text.length && WHITE_SPACE.test(text.charAt(next))) next++;
  if (!isKnown(next)) return "more";
  if (mark === "\n") return next;
  const follower = next < text.length ? String.fromCodePoint(text.codePointAt(next) as number) : "";
  const isHalf = /^[\uD800-\uDBFF]$/.test(follower) && next + 1 === text.length;
  if (isHalf && !isWhole) return "more";
  const isSpaced = next > closed;
  if (text.slice(closed, next).includes("\n")) return next; // the line ends with it
  if (WIDE_ENDS.includes(mark)) return WIDE_ENDS.includes(follower) || ENDS.includes(follower) ? "no" : next;
  if (!isSpaced && (ENDS.includes(follower) || follower === "…")) return "no"; // a later mark of the run decides
  if (!isSpaced && !(UPPER.test(follower) && LOWER.test(text.charAt(at - 1)))) return "no"; // x.y, 3.14, but not "end.Next"
  if (mark !== ".") return closed > at + 1 && LOWER.test(follower) && isQuoted(text, at, closed) ? "no" : next;

  if (text.charAt(at - 1) === "." || text.charAt(at - 1) === "…") return "no"; // a voice trails off
  const word = LAST_WORD.exec(text.slice(Math.max(start, at - 16), at))?.[0] ?? "";
  const lower = word.toLowerCase();
  if (TITLES.has(lower)) return "no";
  if (/^\d{1,3}$/.test(word) && /(?:^|\n)\s*$/.test(text.slice(Math.max(start, at - 24), at - word.length))) {
    return "no"; // "1. first"
  }
  const isInitial = word.length === 1 && LETTER.test(word) && !DIGIT.test(word);
  if (!isInitial && !SUFFIXES.has(lower) && !ACRONYM.test(word)) return next;
  const first = FIRST_WORD.exec(text.slice(next, limit))?.[0] ?? "";
  if (next + first.length === text.length && !isKnown(text.length)) return "more"; // "The" may become "Theo"
  return STARTERS.has(first) ? next : "no";
}

function isCloser(char: string): boolean {
  return CLOSERS.includes(char);
}

/** `"Stop!" he said`: the quotation ends, the sentence does not. */
function isQuoted(text: string, at: number, closed: number): boolean {
  return /["'”’»」』]/.test(text.slice(at + 1, closed));
}
