/**
 * Cuts a text into pieces that are spoken one after the other, and spells them in the letters that the voice knows.
 *
 * @module
 */

/** A piece of a text. */
export interface SpeakablePiece {
  /** The piece as it was written, with the space that follows it. All pieces joined are the text. */
  readonly written: string;
  /** The piece in ASCII, for the voice. Empty where there is nothing to say. */
  readonly spoken: string;
}

/** Longest piece, in UTF-16 units. Chosen: about 15 seconds of speech, and some 50 ms of work. */
const MAX_PIECE_LENGTH = 240;

/** Words whose full stop ends no sentence. Titles alone: after the others a new sentence is as likely. */
const TITLES = new Set(["mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "no", "e.g", "i.e"]);

/** A sentence's end: its mark, what closes after it, and the space before the next one. Or the end of a line. */
const END = /[.!?\u2026]+["'\u201d\u2019)\]]*\s+|\n\s*/gu;

/** What has a meaning for the ear and no letter in ASCII. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/[\u2018\u2019\u02bc]/gu, "'"],
  [/[\u201c\u201d]/gu, '"'],
  [/\s*[\u2014\u2015]\s*/gu, ", "],
  [/[\u2010-\u2013\u2212]/gu, "-"],
  [/\u20ac\s?([\d.,]*\d)/gu, "$1 euros"],
  [/\u00a3\s?([\d.,]*\d)/gu, "$1 pounds"],
  [/\u00b0/gu, " degrees"],
  [/\u00d7/gu, " times "],
  [/\u00df/gu, "ss"],
  [/\u00e6/giu, "ae"],
  [/\u00f8/giu, "o"],
];

/**
 * Cuts a text at the ends of its sentences and lines, and sentences that are too long where they can best be cut.
 *
 * A full stop counts as an end when something other than a small letter follows, and no title or initial precedes.
 */
export function speakablePieces(text: string): SpeakablePiece[] {
  const pieces: SpeakablePiece[] = [];
  let start = 0;
  for (const match of text.matchAll(END)) {
    const end = match.index + match[0].length;
    if (end === text.length || !isEnd(text, match.index, match[0], end)) continue;
    pieces.push(...cutLong(text.slice(start, end)));
    start = end;
  }
  if (start < text.length) pieces.push(...cutLong(text.slice(start)));
  return pieces;
}

function isEnd(text: string, at: number, mark: string, end: number): boolean {
  if (!mark.startsWith(".") || mark.includes("\n")) return true;
  if (/^\p{Ll}/u.test(text.slice(end, end + 2))) return false;
  const word = /[^\s("']*$/u.exec(text.slice(Math.max(0, at - 12), at))![0].toLowerCase();
  return !TITLES.has(word) && !/^(\p{L}|.*\.\p{L})$/u.test(word);
}

function cutLong(written: string): SpeakablePiece[] {
  const pieces: SpeakablePiece[] = [];
  let rest = written;
  while (rest.length > MAX_PIECE_LENGTH) {
    const head = rest.slice(0, MAX_PIECE_LENGTH);
    const clause = Math.max(head.lastIndexOf(", "), head.lastIndexOf("; "), head.lastIndexOf(": "));
    const space = head.lastIndexOf(" ");
    // A clause of a few words is no place to stop at; and a word without end is cut where it must be, but no pair.
    let cut = clause > MAX_PIECE_LENGTH / 4 ? clause + 2 : space > 0 ? space + 1 : MAX_PIECE_LENGTH;
    if (/[\ud800-\udbff]/.test(rest[cut - 1]!)) cut--;
    pieces.push(piece(rest.slice(0, cut)));
    rest = rest.slice(cut);
  }
  pieces.push(piece(rest));
  return pieces;
}

function piece(written: string): SpeakablePiece {
  let spoken = written;
  for (const [pattern, replacement] of WORDS) spoken = spoken.replace(pattern, replacement);
  spoken = spoken.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^\x20-\x7e]+/gu, " ").trim();
  return { written, spoken: /[a-z0-9]/i.test(spoken) ? spoken : "" };
}
