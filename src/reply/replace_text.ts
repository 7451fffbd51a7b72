/**
 * Words that are to be said otherwise than they are written.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { TextFilter } from "./text_filter.ts";

/** How keys are found. */
export interface ReplaceOptions {
  /** Upper and lower case differ. Default: false. */
  readonly caseSensitive?: boolean;
}

/** A way through the keys: the next characters, and what to put where a key ends here. */
interface Node {
  readonly next: Map<string, Node>;
  value?: string;
}

/** Lower case, one unit for one unit, so that positions in the text stay. */
function fold(unit: string): string {
  const lower = unit.toLowerCase();
  return lower.length === 1 ? lower : unit;
}

/** Checks the pairs and makes one tree of the keys, to be shared by all filters of a replacement. */
function treeOf(pairs: Readonly<Record<string, string>>, caseSensitive: boolean): Node {
  const root: Node = { next: new Map() };
  for (const [key, value] of Object.entries(pairs)) {
    if (key === "" || typeof value !== "string") {
      throw new AgentError(
        "session.bad_option",
        `Cannot replace text as each key must have characters and each value must be a string: current value is ${
          JSON.stringify(key)
        } to ${JSON.stringify(value)}`,
      );
    }
    let node = root;
    for (let index = 0; index < key.length; index++) {
      const unit = caseSensitive ? key.charAt(index) : fold(key.charAt(index));
      let next = node.next.get(unit);
      if (next === undefined) node.next.set(unit, next = { next: new Map() });
      node = next;
    }
    node.value ??= value; // keys that differ only in case: the first one counts
  }
  return root;
}

/**
 * Prepares a replacement of literal texts: one pass, the longest key wins, what was put in is not searched again. There are
 * no word boundaries: the key `US` is found in `bus` as well.
 *
 * A filter holds no more than the beginning of a key. A whole key is held too while a longer one could still come, so that
 * the result never depends on how the text was cut.
 *
 * @throws {AgentError} `session.bad_option` for an empty key or a value that is no string.
 */
export function replaceText(pairs: Readonly<Record<string, string>>, options: ReplaceOptions = {}): () => TextFilter {
  const caseSensitive = options.caseSensitive === true;
  const root = treeOf(pairs, caseSensitive);
  return () => {
    let held = "";
    const run = (text: string, ended: boolean): string => {
      let output = "";
      let plain = 0; // where the text begins that is passed on as it is
      let at = 0;
      while (at < text.length) {
        let node: Node | undefined = root;
        let end = 0;
        let value = "";
        let ahead = at;
        for (; ahead < text.length; ahead++) {
          const unit = text.charAt(ahead);
          node = node.next.get(caseSensitive ? unit : fold(unit));
          if (node === undefined) break;
          if (node.value !== undefined) {
            end = ahead + 1;
            value = node.value;
          }
        }
        if (ahead === text.length && node !== undefined && node.next.size > 0 && !ended) break; // it could go on
        if (end > 0) {
          output += text.slice(plain, at) + value;
          plain = at = end;
        } else at++;
      }
      output += text.slice(plain, at);
      held = text.slice(at);
      return output;
    };
    return {
      push: (text) => run(held + text, false),
      end: () => run(held, true),
    };
  };
}
