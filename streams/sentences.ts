/**
 * Cuts text into sentences, as it comes.
 *
 * @module
 */

/** How text is cut. */
export interface SentencesOptions {
  /** A sentence with fewer characters is joined to the next one. Default 20. */
  readonly minLength?: number;
}

// Words after which a full stop ends nothing. Lower case, without the stop.
const ABBREVIATIONS = new Set(["mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "e.g", "i.e", "no", "inc", "ltd", "approx", "dept", "est", "fig", "a.m", "p.m"]);
const ENDS = ".!?…";
const WIDE_ENDS = "。！？";
const CLOSERS = "\"'”’)]»";

/**
 * Cuts text into sentences, each as soon as the next one begins. What comes out, joined, is what went in, and the cuts do not
 * depend on how the text was chunked.
 *
 * Holds no more than the sentence that is under way. Input that ends loses nothing; a reader that cancels loses what is held.
 */
export function sentences({ minLength = 20 }: SentencesOptions = {}): TransformStream<string, string> {
  let held = "";
  let from = 0;
  return new TransformStream<string, string>({
    transform(chunk, controller) {
      held += chunk;
      for (let end = sentenceEnd(held, from, minLength); end > 0; end = sentenceEnd(held, 0, minLength)) {
        controller.enqueue(held.slice(0, end));
        held = held.slice(end);
      }
      from = Math.max(0, held.length - 4); // a cut needs to see the end mark, closers, a space and what follows
    },
    flush(controller) {
      if (held !== "") controller.enqueue(held);
    },
  });
}

/** Where the first sentence ends, its white space included; 0 when the text does not tell yet. */
function sentenceEnd(text: string, from: number, minLength: number): number {
  for (let index = Math.max(from, minLength - 1); index < text.length; index++) {
    const char = text[index] as string;
    if (WIDE_ENDS.includes(char)) {
      const after = skip(text, index + 1, CLOSERS);
      if (after < text.length) return after;
      continue;
    }
    if (char === "\n") {
      const after = skip(text, index + 1, " \t\n");
      if (after < text.length) return after;
      continue;
    }
    if (!ENDS.includes(char) || isAbbreviation(text, index)) continue;
    const closed = skip(text, index + 1, ENDS + CLOSERS);
    const after = skip(text, closed, " \t\n");
    if (after === closed || after >= text.length) continue; // no space, or nobody knows yet what comes
    const next = text[after] as string;
    if (next === next.toLowerCase() && next !== next.toUpperCase()) continue; // it goes on in lower case
    return after;
  }
  return 0;
}

function skip(text: string, from: number, chars: string): number {
  let at = from;
  while (at < text.length && chars.includes(text[at] as string)) at++;
  return at;
}

function isAbbreviation(text: string, stop: number): boolean {
  if (text[stop] !== ".") return false;
  const word = /[\p{L}\p{N}.]*$/u.exec(text.slice(Math.max(0, stop - 12), stop))?.[0].toLowerCase() ?? "";
  return ABBREVIATIONS.has(word) || /^\p{L}$/u.test(word);
}
