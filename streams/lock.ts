/**
 * Taking a stream for oneself.
 *
 * @module
 */
import { AgentError } from "../src/base/error.ts";

/**
 * Takes the one place of a reader.
 *
 * @param action What the caller was about to do, for the message.
 * @throws {AgentError} `stream.bad_option` when somebody else reads the stream.
 */
export function lock<T>(source: ReadableStream<T>, action: string): ReadableStreamDefaultReader<T> {
  if (!source.locked) return source.getReader();
  throw new AgentError(
    "stream.bad_option",
    `Cannot ${action} as nobody else may be reading it: current value is a locked stream`,
  );
}
