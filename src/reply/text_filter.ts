/**
 * What changes text on its way to the voice, as a machine without streams.
 *
 * @module
 */

/** A change of text that keeps some state over its pieces. The joined result does not depend on how the text was cut. */
export interface TextFilter {
  /** Takes a piece and gives what can be told by now; may be empty. A piece never ends within a surrogate pair. */
  push(text: string): string;
  /** Gives what is held, at the end of the text. */
  end(): string;
}

/** True for the first half of a surrogate pair. */
function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/**
 * Puts filters into one stream stage, so that a chain of them holds no chunk between.
 *
 * Gives no empty chunks. Holds what its filters hold, and half a surrogate pair where a chunk ends in one. A source that
 * fails throws away what is held: it is never given out before the error.
 */
export function filterText(filters: readonly TextFilter[]): TransformStream<string, string> {
  let half = "";
  const pass = (text: string, from: number): string => {
    let passed = text;
    for (let index = from; index < filters.length && passed !== ""; index++) {
      passed = (filters[index] as TextFilter).push(passed);
    }
    return passed;
  };
  return new TransformStream<string, string>({
    transform(chunk, controller) {
      let text = half + chunk;
      half = "";
      if (text !== "" && isHighSurrogate(text.charCodeAt(text.length - 1))) {
        half = text.slice(-1);
        text = text.slice(0, -1);
      }
      const passed = pass(text, 0);
      if (passed !== "") controller.enqueue(passed);
    },
    flush(controller) {
      let last = pass(half, 0); // a lone half is passed on: it is not ours to judge
      filters.forEach((filter, index) => (last += pass(filter.end(), index + 1)));
      if (last !== "") controller.enqueue(last);
    },
  });
}
