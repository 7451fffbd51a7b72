/**
 * Emoji are not for reading aloud.
 *
 * @module
 */
import type { TextFilter } from "./text_filter.ts";

// Pictographs, miscellaneous symbols, dingbats, stars and arrows of that block, variation selectors, joiner, keycap.
const EMOJI = /[\u{1F000}-\u{1FBFF}\u2600-\u27BF\u2B00-\u2BFF\uFE00-\uFE0F\u200D\u20E3]/gu;

/** Removes emoji and what joins them. Letters, digits and white space around them stay; holds nothing. */
export function filterEmoji(): TextFilter {
  return { push: (text) => text.replace(EMOJI, ""), end: () => "" };
}
