/**
 * The parts of a turn, for whoever shows it as it comes.
 *
 * @module
 */
import type { FunctionCall, FunctionCallOutput } from "../chat/item.ts";
import type { CompletionUsage } from "../model/llm.ts";
import type { AgentState } from "../turn/effect.ts";

/** A part of a turn. */
export type ReplyPart =
  | { readonly type: "text"; readonly delta: string }
  | { readonly type: "reasoning"; readonly delta: string }
  | { readonly type: "tool_call"; readonly call: FunctionCall }
  | { readonly type: "tool_result"; readonly output: FunctionCallOutput }
  | { readonly type: "handoff"; readonly oldAgentId: string | null; readonly newAgentId: string }
  | { readonly type: "state"; readonly state: AgentState }
  | { readonly type: "usage"; readonly usage: CompletionUsage }
  | { readonly type: "error"; readonly error: unknown }
  /** The last one. */
  | { readonly type: "end"; readonly interrupted: boolean; readonly error: unknown };
