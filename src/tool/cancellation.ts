/**
 * The tools by which a model sees what is running, and calls it off.
 *
 * @module
 */
import { tool } from "./define.ts";
import type { AnyFunctionTool } from "./tool.ts";

/** What models call the tool that lists running calls. Specified (01 section 10.2). */
export const RUNNING_TASKS_TOOL = "lk_agents_get_running_tasks";
/** What models call the tool that calls one off. */
export const CANCEL_TASK_TOOL = "lk_agents_cancel_task";

/** What these tools act on. */
export interface Cancellation {
  /** The calls that are running. */
  running(): readonly { readonly callId: string; readonly name: string; readonly args: string }[];
  /** Calls one off. False: there is none of that id. Throws a `ToolError` when it cannot be called off. */
  cancel(callId: string): boolean;
}

/** Makes both tools. They go with every tool that may be called off, whether one runs or not, so that prompts stay alike. */
export function cancellationTools({ running, cancel }: Cancellation): readonly AnyFunctionTool[] {
  return [
    tool({
      name: RUNNING_TASKS_TOOL,
      description: "Lists the calls that are still at work, with their ids.",
      execute: (_args, { toolCallId }) => {
        const calls = running().filter(({ callId }) => callId !== toolCallId);
        return calls.map(({ callId, name, args }) => ({ call_id: callId, function: name, arguments: args }));
      },
    }),
    tool({
      name: CANCEL_TASK_TOOL,
      description: "Calls off a call that is still at work. Only when the user asks for it.",
      parameters: {
        type: "object",
        properties: {
          call_id: { type: "string", description: "The id of the call, as the list of running calls has it." },
        },
        required: ["call_id"],
        additionalProperties: false,
      },
      execute: ({ call_id: callId }) =>
        cancel(String(callId))
          ? `The call ${callId} was called off.`
          : `There is no running call with the id ${callId}.`,
    }),
  ];
}
