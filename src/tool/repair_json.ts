/**
 * Reads JSON that a model got nearly right.
 *
 * @module
 */

const MAX_DEPTH = 200; // chosen: deeper than any real arguments, far from the end of the stack

const WORDS: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
  null: null,
  None: null,
  undefined: null,
  NaN: null,
};

const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", "“": "”", "`": "`" };
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

/**
 * Reads an object or a list from text that is not quite JSON: in a code fence or with words around it, cut off, with single
 * quotes, bare keys, Python's words, comments, commas too many or too few.
 *
 * @returns `undefined` when there is no object or list in it. Never throws.
 */
export function repairJson(text: string): unknown {
  const start = text.search(/[{[]/);
  if (start === -1) return undefined;
  const reader: Reader = { text, at: start, depth: 0 };
  return readValue(reader);
}

interface Reader {
  readonly text: string;
  at: number;
  depth: number;
}

function readValue(reader: Reader): unknown {
  skip(reader);
  const char = reader.text[reader.at];
  if (char === undefined) return null;
  if (char === "{" || char === "[") {
    if (reader.depth >= MAX_DEPTH) {
      reader.at = reader.text.length;
      return null;
    }
    reader.depth += 1;
    const value = char === "{" ? readObject(reader) : readList(reader);
    reader.depth -= 1;
    return value;
  }
  if (char in CLOSING) return readQuoted(reader);
  return readBare(reader);
}

function readObject(reader: Reader): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  reader.at += 1;
  for (;;) {
    skip(reader, ",");
    const char = reader.text[reader.at];
    if (char === undefined) return result;
    if (char === "}" || char === "]") {
      // A `]` here closes a list around this object: the object's own brace was forgotten.
      if (char === "}") reader.at += 1;
      return result;
    }
    const key = char in CLOSING ? readQuoted(reader) : readKey(reader);
    skip(reader);
    if (reader.text[reader.at] === ":" || reader.text[reader.at] === "=") reader.at += 1;
    else if (key === "") {
      reader.at += 1; // a stray character: without this step the loop would stand still
      continue;
    }
    skip(reader);
    const next = reader.text[reader.at];
    // The key alone, cut off or forgotten: nothing is known of its value.
    if (next === undefined && reader.text.trimEnd().at(-1) !== ":") return result;
    const value = next === "," || next === "}" ? null : readValue(reader);
    Object.defineProperty(result, key, { value, writable: true, enumerable: true, configurable: true });
  }
}

function readList(reader: Reader): unknown[] {
  const result: unknown[] = [];
  reader.at += 1;
  for (;;) {
    skip(reader, ",");
    const char = reader.text[reader.at];
    if (char === undefined || char === "]" || char === "}") {
      if (char === "]") reader.at += 1;
      return result;
    }
    const before = reader.at;
    result.push(readValue(reader));
    if (reader.at === before) reader.at += 1;
  }
}

function readQuoted(reader: Reader): string {
  const close = CLOSING[reader.text[reader.at]!]!;
  let result = "";
  reader.at += 1;
  while (reader.at < reader.text.length) {
    const char = reader.text[reader.at]!;
    reader.at += 1;
    if (char === close && endsHere(reader)) return result;
    if (char !== "\\") {
      result += char;
      continue;
    }
    const escaped = reader.text[reader.at];
    if (escaped === undefined) break;
    reader.at += 1;
    const code = escaped === "u" ? matchAt(reader, /[0-9a-fA-F]{4}/y) : undefined;
    if (code === undefined) result += ESCAPES[escaped] ?? escaped;
    else {
      result += String.fromCharCode(parseInt(code, 16));
      reader.at += 4;
    }
  }
  return result;
}

/** A quote ends a string only where something may follow a string, so that `"say "hi" now"` stays whole. */
function endsHere(reader: Reader): boolean {
  // Where there is no comma between this string and the next key, a colon behind that gives it away.
  return matchAt(reader, /\s*(?:$|[,}\]:=/#])|[ \t]*\n|\s*["'“]?[\w$-]{1,64}["'”]?\s*:/y) !== undefined;
}

function readKey(reader: Reader): string {
  const key = matchAt(reader, /[^\s:=,{}[\]"']+/y) ?? "";
  reader.at += key.length;
  return key;
}

function readBare(reader: Reader): unknown {
  // Up to what ends a value, or to a quoted key where the comma was forgotten.
  const token = matchAt(reader, /(?:(?!\s+["'“][^"'”]{1,64}["'”]\s*:)[^,}\]\n])*/y) ?? "";
  reader.at += token.length;
  const word = token.replace(/(?:^|\s)(?:\/\/|\/\*|#).*$/, "").trim();
  if (Object.hasOwn(WORDS, word)) return WORDS[word];
  const number = /^[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(word) ? Number(word.replaceAll("_", "")) : NaN;
  return Number.isFinite(number) ? number : word;
}

/** What a sticky pattern finds at the place of the reader. */
function matchAt(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  return pattern.exec(reader.text)?.[0];
}

/** Skips spaces and comments, and what else is named. */
function skip(reader: Reader, also = ""): void {
  for (;;) {
    const char = reader.text[reader.at];
    if (char === undefined) return;
    if (/\s/.test(char) || also.includes(char)) reader.at += 1;
    else if (reader.text.startsWith("//", reader.at) || char === "#") reader.at = indexOrEnd(reader, "\n");
    else if (reader.text.startsWith("/*", reader.at)) {
      reader.at = Math.min(indexOrEnd(reader, "*/") + 2, reader.text.length);
    } else return;
  }
}

function indexOrEnd(reader: Reader, mark: string): number {
  const found = reader.text.indexOf(mark, reader.at);
  return found === -1 ? reader.text.length : found;
}

const MARKERS = /<\|[^<>|]*\|>|<start_of_turn>|<end_of_turn>/g;
const HALF_AT_END = /<\|[^<>|]*\|?$/;
const HALF_AT_START = /^\|>/;

/**
 * Removes the marks of a chat template that leaked into strings: `<|...|>`, half of one at an end, `<start_of_turn>`. Entries
 * of lists that become empty are dropped.
 */
export function stripTemplateMarkers(value: unknown): unknown {
  if (typeof value === "string") {
    if (!value.includes("<") && !value.includes("|>")) return value;
    return value.replace(MARKERS, "").replace(HALF_AT_END, "").replace(HALF_AT_START, "");
  }
  if (Array.isArray(value)) {
    return value.flatMap((entry) => {
      const stripped = stripTemplateMarkers(entry);
      return stripped === "" && entry !== "" ? [] : [stripped];
    });
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, stripTemplateMarkers(inner)]));
}
