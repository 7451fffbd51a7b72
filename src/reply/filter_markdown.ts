/**
 * Markdown is not for reading aloud: marks go, words stay.
 *
 * @module
 */
import type { TextFilter } from "./text_filter.ts";

/**
 * Most characters that an opening mark holds back while its closing one is awaited. Chosen: longer than nearly every
 * emphasis and link, and about 15 s of speech.
 */
const HOLD_LIMIT = 200;

/** Where a line may be cut, as long as no mark is open. */
const CUTS = " ,.?!;，。？！；";

/** What may be the beginning of a mark, so that nothing is cut right after it. */
const UNFINISHED = "#-+*>!`~_ ";

const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const HEADING = /^#{1,6}\s+/;
const BULLET = /^\s*[-+*]\s+/;
const QUOTE = /^\s*>\s+/;

const IMAGE = /!\[([^\]\n]*)\]\([^)\n]*\)/g;
const LINK = /\[([^\]\n]*)\]\([^)\n]*\)/g;
// Scripts written without spaces: a mark may stand right beside their characters.
const DENSE = String.raw`\p{Script=Thai}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}`;
const STAR_BESIDE = String.raw`(?:(?![${DENSE}])[\p{L}\p{N}_*]|\*)`;
const STARS = new RegExp(
  String.raw`(?<!${STAR_BESIDE})(\*{1,3})(?![\s*])([^*\n]+?)(?<!\s)\1(?!${STAR_BESIDE})`,
  "gu",
);
const UNDERSCORES = /(?<![\p{L}\p{N}_])(_{1,3})(?![\s_])([^\n]+?)(?<!\s)\1(?![\p{L}\p{N}_])/gu;
const FENCE = /`{3,4}\S*/g;
const CODE = /`([^`\n]+)`/g;
const STRUCK = /~~(?!\s)[^~\n]*?(?<!\s)~~/g;
const WORD = /^[\p{L}\p{N}_]$/u;
const MARKS = /[*_`~[]/;

/** Cleans a piece of one line. */
function clean(piece: string, startsLine: boolean, endsLine: boolean): string {
  let text = piece;
  if (startsLine) {
    if (endsLine && RULE.test(text)) return "";
    text = text.replace(HEADING, "").replace(BULLET, "").replace(QUOTE, "");
  }
  if (!MARKS.test(text)) return text;
  return text
    .replace(IMAGE, "$1")
    .replace(LINK, "$1")
    .replace(STARS, "$2")
    .replace(UNDERSCORES, "$2")
    .replace(STARS, "$2") // those around what was inside them
    .replace(FENCE, "")
    .replace(CODE, "$1")
    .replace(STRUCK, "");
}

/** Where a link is being read. Only a bracket that has its address can be one. */
type Bracket = "none" | "text" | "closed" | "address";

/**
 * Removes the marks of Markdown: headings, bullets, quotes, rules, emphasis, links (the text stays), images (the description
 * stays), code marks (the code stays), and struck text altogether. Numbered lists stay as they are.
 *
 * A word is given out when the next one begins. A mark that opens something holds its text back until it is closed, until
 * the line ends, or for 200 characters, after which it counts as a character like others. An address that long is left out.
 * Each character is looked at once, and each piece is cleaned once.
 */
export function filterMarkdown(): TextFilter {
  let piece = "";
  let startsLine = true;
  let skipsAddress = false; // the text of a link is out, and the rest of its address is still coming
  // What is open in `piece`. Runs of marks are counted when the character after them is known.
  let stars = { one: 0, two: 0 };
  let underscores = { one: 0, two: 0 };
  let ticks = 0;
  let tildes = 0;
  let bracket: Bracket = "none";
  let run = "";
  let beforeRun = "";

  const reset = (): void => {
    stars = { one: 0, two: 0 };
    underscores = { one: 0, two: 0 };
    ticks = tildes = 0;
    bracket = "none";
  };
  const isOpen = (): boolean =>
    (stars.one | stars.two | underscores.one | underscores.two | ticks | tildes) % 2 === 1 || bracket !== "none";

  /** Counts a run of marks that `after` has ended. */
  const countRun = (after: string): void => {
    const mark = run.charAt(0);
    const length = run.length;
    if (mark === "`") ticks += length;
    else if (mark === "~") tildes += length >> 1;
    else if (mark === "*") {
      if (!(/^\s?$/.test(beforeRun) && /^\s$/.test(after))) { // one that stands free marks nothing
        stars.one += length & 1;
        stars.two += length >> 1;
      }
    } else if (!(WORD.test(beforeRun) && WORD.test(after))) { // a_b
      underscores.one += length & 1;
      underscores.two += length >> 1;
    }
    run = "";
  };

  /** Takes the piece so far into account; true when it may be given out before `char`, which then begins the next. */
  const see = (char: string): boolean => {
    if (run !== "" && char !== run.charAt(0)) countRun(char);
    if (bracket === "closed" && char !== "(") bracket = "none"; // it was no link
    return piece !== "" && CUTS.includes(char) && !isOpen() && !UNFINISHED.includes(piece.charAt(piece.length - 1));
  };
  const note = (char: string, before: string): void => {
    if (bracket === "closed") bracket = "address"; // only "(" gets here
    if (char === "[" && bracket !== "address") bracket = "text";
    else if (char === "]" && bracket === "text") bracket = "closed";
    else if (char === ")" && bracket === "address") bracket = "none";
    if ("*_`~".includes(char)) {
      if (run === "") beforeRun = before;
      run += char;
    }
  };

  /** Gives the piece out, all of it. */
  const release = (endsLine: boolean): string => {
    const text = clean(piece, startsLine, endsLine);
    piece = "";
    run = "";
    reset();
    return text;
  };

  /** The mark at the start of the hold has waited long enough. */
  const giveUp = (): string => {
    const address = bracket === "address" ? /^(.*?)!?\[([^\]]*)\]\([^)\s]*$/s.exec(piece) : null;
    if (address !== null) { // nobody wants to hear it, and it has shown that it is one
      skipsAddress = true;
      piece = (address[1] as string) + (address[2] as string);
      const text = release(false);
      startsLine = false;
      return text;
    }
    let cut = piece.length;
    for (let index = piece.length - 1; index >= 1; index--) {
      if (CUTS.includes(piece.charAt(index))) {
        cut = index;
        break;
      }
    }
    if (cut === piece.length && /[\uD800-\uDBFF]$/.test(piece)) cut--;
    const rest = piece.slice(cut);
    piece = piece.slice(0, cut);
    let text = release(false);
    startsLine = false;
    for (const char of rest) text += take(char);
    return text;
  };

  const take = (char: string): string => {
    if (skipsAddress) {
      if (char === ")") {
        skipsAddress = false;
        return "";
      }
      if (!/\s/.test(char)) return "";
      skipsAddress = false;
    }
    if (char === "\n") {
      if (run !== "") countRun(char);
      const line = piece.endsWith("\r") ? "\r\n" : "\n";
      piece = piece.slice(0, piece.length - line.length + 1);
      const text = release(true) + line;
      startsLine = true;
      return text;
    }
    let text = "";
    if (see(char)) {
      text = release(false);
      startsLine = false;
    }
    note(char, piece.charAt(piece.length - 1));
    piece += char;
    if (piece.length >= HOLD_LIMIT) text += giveUp();
    return text;
  };

  return {
    push(text) {
      let output = "";
      for (const char of text) output += take(char);
      return output;
    },
    end() {
      if (skipsAddress) return "";
      return release(true);
    },
  };
}
