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
  /** Words, as they are said or written. */
  | { readonly type: "text"; readonly delta: string }
  /** What the model thinks aloud, as it comes: before its words, since it is not waited for. */
  | { readonly type: "reasoning"; readonly delta: string }
  | { readonly type: "tool_call"; readonly call: FunctionCall }
  | { readonly type: "tool_result"; readonly output: FunctionCallOutput }
  /** Another agent takes over when this turn has ended. */
  | { readonly type: "handoff"; readonly oldAgentId: string | null; readonly newAgentId: string }
  /** The agent listens, thinks or speaks from now on. */
  | { readonly type: "state"; readonly state: AgentState }
  /** What a request to the model cost; one for each. */
  | { readonly type: "usage"; readonly usage: CompletionUsage }
  | { readonly type: "error"; readonly error: unknown }
  /** The last one. */
  | { readonly type: "end"; readonly interrupted: boolean; readonly error: unknown };
