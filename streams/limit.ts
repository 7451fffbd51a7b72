/**
 * The one rule for limits of queues.
 *
 * @module
 */
import { AgentError } from "../src/base/error.ts";

/**
 * Refuses a limit that is none: every queue has one.
 *
 * @throws {AgentError} `stream.bad_option` when it is no positive integer.
 */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit > 0) return;
  throw new AgentError(
    "stream.bad_option",
    `Cannot bound a stream as \`limit\` must be a positive integer: current value is ${limit}`,
  );
}

/** What a reader hears who was too slow and asked to hear it. */
export function overflow(limit: number): AgentError {
  return new AgentError(
    "stream.overflow",
    `Cannot hold another value as the reader must keep up: current value is ${limit} values held`,
  );
}
