/**
 * Whisper's tokens: which may be chosen, what they say, and when they run in circles.
 *
 * @module
 */

/** Marks of the English-only models. */
export const START = 50_257;
export const END = 50_256;
export const NO_SPEECH = 50_361;
export const NO_TIMESTAMPS = 50_362;
/** How many tokens there are. */
export const VOCABULARY = 51_864;

// What the model must not say: notes, brackets and other signs that are no speech. From the model's own configuration.
const SUPPRESSED = [
  ...[1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93, 357, 366, 438, 532, 685],
  ...[705, 796, 930, 1058, 1220, 1267, 1279, 1303, 1343, 1377, 1391, 1635, 1782, 1875, 2162, 2361, 2488, 3467, 4008],
  ...[4211, 4600, 4808, 5299, 5855, 6329, 7203, 9609, 9959, 10563, 10786, 11420, 11709, 11907, 13163, 13697, 13700],
  ...[14808, 15306, 16410, 16791, 17992, 19203, 19510, 20724, 22305, 22935, 27007, 30109, 30420, 33409, 34949, 40283],
  ...[40493, 40549, 47282, 49146],
];
const BLANK = 220;

const isSuppressed = new Uint8Array(VOCABULARY);
for (const token of SUPPRESSED) isSuppressed[token] = 1;
for (let token = START; token < isSuppressed.length; token++) isSuppressed[token] = 1; // marks and times

/** The likeliest token that may be said. The first one is neither a blank nor the end. */
export function choose(logits: Float32Array, isFirst: boolean): number {
  let best = -1;
  let most = -Infinity;
  for (let token = 0; token < logits.length; token++) {
    const value = logits[token]!;
    if (value <= most || isSuppressed[token] === 1) continue;
    if (isFirst && (token === BLANK || token === END)) continue;
    best = token;
    most = value;
  }
  return best;
}

/** The probability of a token. */
export function probability(logits: Float32Array, token: number): number {
  let most = -Infinity;
  for (const value of logits) if (value > most) most = value;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  return Math.exp(logits[token]! - most) / sum;
}

/** Tokens that are said over and over at the end. */
export interface Repeats {
  /** How many tokens are said each time; 0 when nothing is repeated. */
  readonly period: number;
  /** How often. */
  readonly times: number;
}

const MAX_PERIOD = 32; // chosen: a long sentence
const RUNAWAY_TIMES = 3;
/** Who says "no, no, no, no, no, no" says 12 tokens; a model that runs in circles stops at nothing. Chosen. */
const RUNAWAY_TOKENS = 16;

/** What is repeated at the end, taking what makes the longest run of repeats. */
export function repeatsOf(tokens: readonly number[]): Repeats {
  let found: Repeats = { period: 0, times: 0 };
  for (let period = 1; period <= MAX_PERIOD && 2 * period <= tokens.length; period++) {
    let same = 0; // tokens at the end that are what stands one period before them
    while (same + period < tokens.length && tokens.at(-1 - same) === tokens.at(-1 - same - period)) same++;
    const times = 1 + Math.floor(same / period);
    if (times > 1 && period * times > found.period * found.times) found = { period, times };
  }
  return found;
}

/**
 * Whether the model runs in circles. People repeat themselves, too, so a few repeats are none; but the model never gets
 * out of its circles.
 */
export function isRunaway({ period, times }: Repeats, hasHitLimit = false): boolean {
  return times >= RUNAWAY_TIMES && (hasHitLimit || period * times >= RUNAWAY_TOKENS);
}

/** Makes the function that turns tokens into text, from the vocabulary's lines. */
export function detokenizer(vocabulary: string): (tokens: readonly number[]) => string {
  const words = vocabulary.split("\n");
  const bytes = byteMap();
  return (tokens) => {
    const out: number[] = [];
    for (const token of tokens) {
      if (token >= END) continue;
      for (const char of words[token] ?? "") out.push(bytes.get(char) ?? 0x20);
    }
    return new TextDecoder().decode(Uint8Array.from(out)).trim();
  };
}

/** GPT-2 writes each byte as a printable character; this is the way back. */
function byteMap(): ReadonlyMap<string, number> {
  const map = new Map<string, number>();
  let shifted = 0;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    map.set(String.fromCodePoint(isPrintable ? byte : 256 + shifted), byte);
    if (!isPrintable) shifted++;
  }
  return map;
}
