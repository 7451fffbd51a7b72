/**
 * What to do with a call of a tool while another call of it is running. Pure.
 *
 * @module
 */
import { CONFIRM_DUPLICATE_PARAM } from "./schema.ts";
import { type JournalCall, runningCalls, type ToolJournal } from "./journal.ts";
import type { ToolOutcome } from "./result.ts";
import type { AnyFunctionTool } from "./tool.ts";

/** What to do with the new call. */
export type DuplicateDecision =
  /** Run it, beside whatever runs. */
  | { readonly type: "run" }
  /** Call these off, wait until they are over, then run it. */
  | { readonly type: "replace"; readonly calls: readonly JournalCall[] }
  /** Do not run it: this is its outcome. */
  | { readonly type: "refuse"; readonly outcome: ToolOutcome };

/**
 * Decides by the tool's `onDuplicate`. Only calls of the same branch count: a speculative reply does not stand in its own
 * original's way.
 *
 * @param confirmed The model says that the user confirmed a second call.
 */
export function decideDuplicate(
  journal: ToolJournal,
  tool: AnyFunctionTool,
  options: { readonly branch: string; readonly confirmed: boolean },
): DuplicateDecision {
  const running = runningCalls(journal, { name: tool.name, branch: options.branch });
  if (running.length === 0) return { type: "run" };
  switch (tool.onDuplicate) {
    case "allow":
      return { type: "run" };
    case "replace":
      if (tool.flags.cancellable === true) return { type: "replace", calls: running };
      return refuse(`${describe(tool, running)} It cannot be called off, so this call was not made.`, true);
    case "reject":
      return refuse(`${describe(tool, running)} This call was not made. Wait for its result.`, false);
    case "confirm":
      if (options.confirmed) return { type: "run" };
      return refuse(
        `${
          describe(tool, running)
        } This call was not made. Ask the user whether to make it as well; if so, call again with ` +
          `${CONFIRM_DUPLICATE_PARAM} set to true.`,
        false,
      );
    default:
      return tool.onDuplicate satisfies never;
  }
}

function describe(tool: AnyFunctionTool, running: readonly JournalCall[]): string {
  const calls = running.map(({ call }) => `${call.callId} with ${call.args}`).join("; ");
  return `${tool.name} is running already: ${calls}.`;
}

function refuse(output: string, isError: boolean): DuplicateDecision {
  return { type: "refuse", outcome: { output, isError, replyRequired: true } };
}
