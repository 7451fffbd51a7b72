/**
 * Several streams as one.
 *
 * @module
 */

import { lock } from "./lock.ts";

/**
 * Merges streams: each keeps its own order, and nobody waits for the slowest. Between two streams the order is that of
 * arrival, which can differ between runtimes; where it decides something, sort, or concatenate.
 *
 * Driven by the reader: each stream is asked for one value when something is wanted, so at most one value of each is held.
 * Ends when all have ended. A stream that fails fails the result with its reason and cancels the others with it.
 * Cancelling cancels all of them, and rejects if one cannot be cancelled.
 *
 * @throws {AgentError} `stream.bad_option` when a stream is locked or given twice; the others are then as they were.
 *
 * @example
 * ```ts
 * for await (const line of merge([typed, recognised])) show(line);
 * ```
 */
export function merge<T>(sources: readonly ReadableStream<T>[]): ReadableStream<T> {
  const waiting = new Set<ReadableStreamDefaultReader<T>>(); // have no value here, and are not being asked
  const asked = new Set<ReadableStreamDefaultReader<T>>();
  const held: { readonly reader: ReadableStreamDefaultReader<T>; readonly value: T }[] = []; // in order of arrival
  try {
    for (const source of sources) waiting.add(lock(source, "merge a stream"));
  } catch (error) {
    for (const reader of waiting) reader.releaseLock();
    throw error;
  }
  let wanted = false;
  let over = false;
  let output: ReadableStreamDefaultController<T>;

  /** Cancels all, whatever becomes of each; rejects with the first failure. */
  const leave = async (reason: unknown): Promise<void> => {
    over = true;
    const readers = [...waiting, ...asked, ...held.map(({ reader }) => reader)];
    held.length = 0;
    waiting.clear();
    asked.clear();
    const results = await Promise.allSettled(readers.map((reader) => reader.cancel(reason)));
    for (const reader of readers) reader.releaseLock(); // a pending read has ended with the cancel
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  };

  /** Gives the next value, if there is one, and asks those that have none here. */
  const serve = (): void => {
    const next = held.shift();
    if (next !== undefined) {
      waiting.add(next.reader);
      wanted = false;
      output.enqueue(next.value);
    }
    if (!over && held.length + asked.size + waiting.size === 0) {
      over = true;
      output.close();
    }
    if (!wanted) return;
    for (const reader of waiting) {
      waiting.delete(reader);
      asked.add(reader);
      void ask(reader);
    }
  };

  /** Never rejects. */
  const ask = async (reader: ReadableStreamDefaultReader<T>): Promise<void> => {
    try {
      const { done, value } = await reader.read();
      if (!asked.delete(reader)) return; // left meanwhile
      if (done) reader.releaseLock();
      else held.push({ reader, value });
      if (wanted || done) serve();
    } catch (reason) {
      if (!asked.delete(reader)) return;
      reader.releaseLock();
      output.error(reason);
      leave(reason).catch(() => {}); // the first failure is the one to tell
    }
  };

  return new ReadableStream<T>({
    start(controller) {
      output = controller;
      serve(); // of no streams at all
    },
    pull() {
      wanted = true;
      serve();
    },
    cancel: leave,
  }, { highWaterMark: 0 });
}
