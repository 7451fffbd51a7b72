/**
 * What a failed assertion of a run says: the sentence, and the whole run with a mark at the event that is wrong.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { RunEvent } from "../session/run_result.ts";

/**
 * An assertion that failed. It is named as test runners know it, and its message shows the whole run.
 */
export class RunAssertionError extends AgentError {
  /** The name by which test runners tell failures from errors. */
  override readonly name: string = "AssertionError";
  /** The events of the run. */
  readonly events: readonly RunEvent[];
  /** The place of the event that is wrong; behind the last one when something is missing. */
  readonly index: number;

  /** A sentence about the event at a place. */
  constructor(message: string, events: readonly RunEvent[], index: number, options?: { readonly cause?: unknown }) {
    super("test.failed", [message, "", "The run:", ...runLines(events, index)].join("\n"), options);
    this.events = [...events];
    this.index = index;
  }
}

/** The events of a run, a line each, with a mark at one of them. */
export function runLines(events: readonly RunEvent[], marked?: number): string[] {
  const width = String(Math.max(0, events.length - 1)).length;
  const lines = events.map((event, index) =>
    `${index === marked ? ">" : " "} ${String(index).padStart(width)}  ${describeEvent(event)}`
  );
  if (events.length === 0) lines.push(`${marked === undefined ? " " : ">"} (no events)`);
  else if (marked !== undefined && marked >= events.length) lines.push(`> ${"".padStart(width)}  (no more events)`);
  return lines;
}

/** One event, on one line. */
export function describeEvent(event: RunEvent): string {
  switch (event.type) {
    case "message":
      return `message from ${event.item.role}${event.item.interrupted ? ", interrupted" : ""}: ${
        JSON.stringify(event.item.textContent ?? "")
      }`;
    case "function_call":
      return `function call: ${event.item.name}(${event.item.args})`;
    case "function_call_output":
      return `function call output${event.item.name === "" ? "" : ` of ${event.item.name}`}${
        event.item.isError ? ", an error" : ""
      }: ${JSON.stringify(event.item.output)}`;
    case "agent_handoff":
      return `agent hand-off: ${event.item.oldAgentId ?? "(nobody)"} to ${event.item.newAgentId}`;
    default:
      return event satisfies never;
  }
}
