/**
 * What changes the text on its way to the voice. Transcript and history keep it as the model wrote it.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { toStream } from "../../streams/to_stream.ts";
import { filterEmoji } from "./filter_emoji.ts";
import { filterMarkdown } from "./filter_markdown.ts";
import { type ReplaceOptions, replaceText } from "./replace_text.ts";
import { filterText, type TextFilter } from "./text_filter.ts";

/** The transforms that have a name. */
export type TextTransformName = "filter_markdown" | "filter_emoji";

/** A transform that {@linkcode replace} has made. */
export interface TextReplacement {
  /** Tells it from other transforms. */
  readonly type: "replace";
  /** Makes a filter for one text. */
  readonly "~filter": () => TextFilter;
}

/** A function from text to text, both as they come. Called once for each text that is spoken. */
export type TextTransformFunction = (text: ReadableStream<string>) => ReadableStream<string> | AsyncIterable<string>;

/** One change of the text before it is spoken. */
export type TextTransform = TextTransformName | TextReplacement | TextTransformFunction;

const FILTERS: Readonly<Record<TextTransformName, () => TextFilter>> = {
  filter_markdown: filterMarkdown,
  filter_emoji: filterEmoji,
};

/**
 * Says some texts otherwise than they are written. Keys and values are literal; the longest key wins, and upper and lower
 * case are the same unless `caseSensitive`. There are no word boundaries: the key `US` is found in `bus` as well.
 *
 * @throws {AgentError} `session.bad_option` for an empty key or a value that is no string.
 *
 * @example A name as it is said
 * ```ts
 * new AgentSession({ ttsTextTransforms: ["filter_markdown", "filter_emoji", replace({ Acme: "Ack-mee" })] });
 * ```
 */
export function replace(pairs: Readonly<Record<string, string>>, options?: ReplaceOptions): TextReplacement {
  return { type: "replace", "~filter": replaceText(pairs, options) };
}

/**
 * Checks a list of transforms and makes the stages that apply them from left to right. Neighbours that are ours share a
 * stage. `null` means none.
 *
 * @throws {AgentError} `session.bad_option` that names the one which is unknown.
 */
export function resolveTextTransforms(
  list: readonly TextTransform[] | null,
): ((text: ReadableStream<string>) => ReadableStream<string>)[] {
  const stages: ((text: ReadableStream<string>) => ReadableStream<string>)[] = [];
  let shared: (() => TextFilter)[] | undefined;
  for (const transform of list ?? []) {
    const filter = filterOf(transform);
    if (typeof filter === "function") {
      if (shared === undefined) {
        const makers: (() => TextFilter)[] = shared = [];
        stages.push((text) => text.pipeThrough(filterText(makers.map((make) => make()))));
      }
      shared.push(filter);
    } else {
      shared = undefined;
      stages.push((text) => toStream(filter.apply(text)));
    }
  }
  return stages;
}

/** The maker of filters for one of ours, or the function of the user. */
function filterOf(transform: TextTransform): (() => TextFilter) | { readonly apply: TextTransformFunction } {
  if (typeof transform === "function") return { apply: transform };
  if (typeof transform === "string" && Object.hasOwn(FILTERS, transform)) return FILTERS[transform];
  if (typeof transform === "object" && transform?.type === "replace") return transform["~filter"];
  throw new AgentError(
    "session.bad_option",
    `Cannot transform text as \`ttsTextTransforms\` must hold ${
      Object.keys(FILTERS).map((name) => `"${name}"`).join(", ")
    }, results of \`replace()\` or functions: current value is ${JSON.stringify(transform) ?? String(transform)}`,
  );
}
