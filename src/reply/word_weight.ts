/**
 * How long words take to say, from how they are written.
 *
 * @module
 */

/**
 * Weight that a voice says in a second, until its own sound tells better: 3.83 syllables (specified, 03 section 14.3) in the
 * weights of this file, by what three voices said of the same texts (measured, decision 3).
 */
export const WEIGHT_PER_SECOND = 16.6;

/** What a word costs whatever is in it. Measured, as the next. */
const WORD_WEIGHT = 2;
/** What a digit costs beyond a letter: it is a word when it is spoken. */
const DIGIT_WEIGHT = 2;

const SPOKEN = /[\p{L}\p{N}]/gu;
const DIGIT = /\p{N}/gu;

/** Letters and digits of a word in lower case: what is spoken of it, whatever stands around it. */
export function spokenCharacters(word: string): string {
  return word.toLowerCase().match(SPOKEN)?.join("") ?? "";
}

/**
 * How long a word takes, in proportion to others; 0 when there is nothing in it to say (punctuation, emoji). Letters predict
 * it better than syllables do.
 *
 * @param spoken The {@linkcode spokenCharacters} of the word.
 */
export function weightOf(spoken: string): number {
  if (spoken === "") return 0;
  return WORD_WEIGHT + spoken.length + DIGIT_WEIGHT * (spoken.match(DIGIT)?.length ?? 0);
}
