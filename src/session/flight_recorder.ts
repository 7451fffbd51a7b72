/**
 * Opens the flight recorder of a session.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { RootOptions, RootState } from "../stage/state.ts";
import { TRACE_VERSION, type TraceRecord, type TraceWriter, traceWriter } from "../trace/record.ts";

/**
 * Takes the stream that the program gave, and writes what a replay begins with.
 *
 * @throws {AgentError} `session.bad_option` for something that cannot be written to.
 */
export function openTrace(
  sink: WritableStream<TraceRecord>,
  header: { readonly wallOffset: number; readonly root: RootOptions; readonly state?: RootState },
  givenUp: (error: unknown) => void,
): TraceWriter {
  if (typeof sink?.getWriter !== "function" || sink.locked) {
    throw new AgentError(
      "session.bad_option",
      `Cannot make a session as \`trace\` must be a WritableStream that nobody writes to: current value is ${
        sink?.locked === true ? "locked" : typeof sink
      }`,
    );
  }
  const writer = traceWriter(sink, givenUp);
  writer.write({ kind: "header", version: TRACE_VERSION, ...header });
  return writer;
}
