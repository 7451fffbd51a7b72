/**
 * Keeps a model's thoughts out of what it says, where they come amid the text.
 *
 * @module
 */

/** The tags around thoughts. */
export interface ThinkingTags {
  /** Before a thought. */
  readonly start: string;
  /** Behind it. */
  readonly end: string;
}

/** A piece of text, told apart. */
export interface ThinkingSplit {
  /** What is said. */
  readonly content: string;
  /** What is only thought. */
  readonly reasoning: string;
}

/** Tells text from thoughts, as they come. */
export interface ThinkingFilter {
  /** Takes the next piece. A tag that may be cut off at its end is held back. */
  push(text: string): ThinkingSplit;
  /** The end: what was held back and is no tag after all. */
  end(): ThinkingSplit;
}

/** The tags of most models whose weights are open. */
export const THINK_TAGS: ThinkingTags = Object.freeze({ start: "<think>", end: "</think>" });

/** Makes a filter of thoughts, for one reply. */
export function thinkingFilter({ start, end }: ThinkingTags = THINK_TAGS): ThinkingFilter {
  let held = "";
  let isThinking = false;
  return {
    push(text) {
      let rest = held + text;
      let content = "";
      let reasoning = "";
      for (;;) {
        const tag = isThinking ? end : start;
        const at = rest.indexOf(tag);
        const until = at < 0 ? rest.length - cutTag(rest, tag) : at;
        if (isThinking) reasoning += rest.slice(0, until);
        else content += rest.slice(0, until);
        if (at < 0) {
          held = rest.slice(until);
          return { content, reasoning };
        }
        rest = rest.slice(at + tag.length);
        isThinking = !isThinking;
      }
    },
    end() {
      const rest = held;
      held = "";
      return isThinking ? { content: "", reasoning: rest } : { content: rest, reasoning: "" };
    },
  };
}

/** How many characters at the end of the text may be the beginning of the tag. */
function cutTag(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length -= 1) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
