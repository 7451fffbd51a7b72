/**
 * What to do with a call of a tool while another call of it is running. Pure.
 *
 * @module
 */
import { CONFIRM_DUPLICATE_PARAM } from "./schema.ts";
import { type JournalCall, runningCalls, type ToolJournal } from "./journal.ts";
import type { ToolOutcome } from "./result.ts";
import { type AsyncTemplates, DEFAULT_TEMPLATES, fillTemplate } from "./templates.ts";
import type { AnyFunctionTool } from "./tool.ts";

/** What to do with the new call. */
export type DuplicateDecision =
  /** Run it, beside whatever runs. */
  | { readonly type: "run" }
  /** Call these off, wait until they are over, then run it. */
  | { readonly type: "replace"; readonly calls: readonly JournalCall[] }
  /** Do not run it: this is its outcome. */
  | { readonly type: "refuse"; readonly outcome: ToolOutcome };

/** What the decision depends on beside the journal and the tool. */
export interface DuplicateQuestion {
  /** The new call, which the journal may hold already. */
  readonly callId: string;
  /** The branch of the new call. */
  readonly branch: string;
  /** The model says that the user confirmed a second call. */
  readonly confirmed: boolean;
  /** Whether a running call has the same arguments. Asked for `duplicateScope: "name_and_args"`. */
  readonly hasSameArguments?: (call: JournalCall) => boolean;
  /** What to tell the model. */
  readonly templates?: Pick<Required<AsyncTemplates>, "duplicateRejectTemplate" | "duplicateConfirmTemplate">;
}

/**
 * Decides by the tool's `onDuplicate`. Only calls of the same branch count: a speculative reply does not stand in its own
 * original's way.
 */
export function decideDuplicate(
  journal: ToolJournal,
  tool: AnyFunctionTool,
  question: DuplicateQuestion,
): DuplicateDecision {
  if (tool.onDuplicate === "allow") return { type: "run" };
  const { callId, branch, confirmed, hasSameArguments, templates = DEFAULT_TEMPLATES } = question;
  const running = runningCalls(journal, { name: tool.name, branch }).filter((other) =>
    other.call.callId !== callId && (tool.duplicateScope === "name" || hasSameArguments?.(other) !== false)
  );
  if (running.length === 0) return { type: "run" };
  const values = {
    functionName: tool.name,
    functionCallsText: running.map(({ call }) => `${call.callId} with ${call.args}`).join("; "),
    functionCallsJson: JSON.stringify(running.map(({ call }) => ({ callId: call.callId, arguments: call.args }))),
    confirmParameter: CONFIRM_DUPLICATE_PARAM,
  };
  switch (tool.onDuplicate) {
    case "replace":
      if (tool.flags.cancellable === true) return { type: "replace", calls: running };
      return refuse(
        `${tool.name} is running already: ${values.functionCallsText}. It cannot be called off, so this call was not made.`,
        true,
      );
    case "reject":
      return refuse(fillTemplate(templates.duplicateRejectTemplate, values), false);
    case "confirm":
      if (confirmed) return { type: "run" };
      return refuse(fillTemplate(templates.duplicateConfirmTemplate, values), false);
    default:
      return tool.onDuplicate satisfies never;
  }
}

/** Arguments as a text that is the same whatever the order of the keys. Lists keep theirs. */
export function argumentsKey(args: unknown): string {
  return JSON.stringify(
    args,
    (_key, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0))
        : value,
  ) ?? "";
}

function refuse(output: string, isError: boolean): DuplicateDecision {
  return { type: "refuse", outcome: { output, isError, replyRequired: true } };
}
