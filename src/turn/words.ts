/**
 * Counting and comparing words, the same everywhere: no locale, no `Intl`.
 *
 * @module
 */

// The ranges whose characters count as a word each: CJK ideographs, their extension A, kana, Thai.
const EACH_A_WORD = /[\u4e00-\u9fff\u3040-\u30ff\u3400-\u4dbf\u0e00-\u0e7f]/g;
const PUNCTUATION = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~±—‘’“”…]/g;

/** The words of a text, punctuation removed. Where a language writes without spaces, each character is one. */
export function splitWords(text: string): string[] {
  const spaced = text.replace(EACH_A_WORD, " $& ").replace(PUNCTUATION, "");
  return spaced.split(/\s+/).filter((word) => word !== "");
}

/** How many words a text has. */
export function countWords(text: string): number {
  return splitWords(text).length;
}

/** Words split on white space alone, as the limit of a user turn counts them. Punctuation by itself is none. */
export function countSpacedWords(text: string): number {
  return text.replace(PUNCTUATION, "").split(/\s+/).filter((word) => word !== "").length;
}

/** The words for a comparison: case is ignored too. */
export function comparableWords(text: string): string[] {
  return splitWords(text.toLowerCase());
}

/** The texts say the same, case and punctuation ignored. Two texts without words do not. */
export function sameWords(a: string, b: string): boolean {
  if (a === b) return true;
  const left = comparableWords(a);
  const right = comparableWords(b);
  return left.length > 0 && left.length === right.length && left.every((word, i) => word === right[i]);
}

/** Joins two texts with one space. */
export function joinText(a: string, b: string): string {
  return a === "" ? b : b === "" ? a : `${a} ${b}`;
}
