/**
 * Anything that can be read, as a stream.
 *
 * @module
 */
import { AgentError } from "../src/base/error.ts";

/** What {@linkcode toStream} takes: a stream, an async generator, a Node stream, an array. */
export type StreamSource<T> = ReadableStream<T> | AsyncIterable<T> | Iterable<T>;

/**
 * Makes a stream of anything that can be iterated; a stream is returned as it is.
 *
 * Driven by the reader: holds nothing, and asks for a value only when one is wanted. Cancelling calls the iterator's
 * `return()` and waits for it: a generator that waits for something ends after that, since it cannot be woken.
 *
 * @throws {AgentError} `stream.bad_option` when `source` cannot be iterated, or is a string, which would be cut into
 * characters.
 *
 * @example
 * ```ts
 * async function* words() {
 *   yield "Good ";
 *   yield "morning.";
 * }
 * const text = toStream(words());
 * ```
 */
export function toStream<T>(source: StreamSource<T>): ReadableStream<T> {
  if (source instanceof ReadableStream) return source;
  const iterator = iteratorOf(source);
  let asking = false;
  let over = false;

  /** Never rejects. Not awaited by `pull`, since a `pull` that sleeps behaves differently from place to place. */
  const ask = async (controller: ReadableStreamDefaultController<T>): Promise<void> => {
    try {
      const { done, value } = await iterator.next();
      asking = false;
      if (over) return;
      if (done) {
        over = true;
        controller.close();
      } else {
        controller.enqueue(value);
      }
    } catch (reason) {
      over = true;
      controller.error(reason);
    }
  };

  return new ReadableStream<T>({
    pull(controller) {
      if (asking) return;
      asking = true;
      void ask(controller);
    },
    async cancel(reason) {
      over = true;
      await iterator.return?.(reason);
    },
  }, { highWaterMark: 0 });
}

function iteratorOf<T>(source: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new AgentError(
    "stream.bad_option",
    `Cannot make a stream as the source must be a stream or an iterable object: current value is a ${typeof source}`,
  );
}
