/**
 * The record of a conversation: its items, the context that holds them, and the forms in which providers want it.
 *
 * @module
 */
export * from "./item.ts";
export {
  ChatContext,
  type ChatContextOptions,
  type CopyOptions,
  type MergeOptions,
  type ToolNames,
} from "./context.ts";
export {
  concatInstructions,
  type InstructionAdditions,
  Instructions,
  INSTRUCTIONS_MESSAGE_ID,
  instructionsEqual,
  type InstructionVariants,
  type Modality,
  renderInstructions,
  resolveTemplate,
} from "./instructions.ts";
export type { ChatContextJSON, ToJSONOptions } from "./json.ts";
export {
  agentConfigUpdate,
  type AgentConfigUpdateFields,
  agentHandoff,
  type AgentHandoffFields,
  chatMessage,
  functionCall,
  type FunctionCallFields,
  functionCallOutput,
  type FunctionCallOutputFields,
  type ItemFactory,
  itemFactory,
  type ItemSource,
  type MessageFields,
} from "./make.ts";
export { type ChatContextDiff, computeChatCtxDiff, type ItemPlace } from "./diff.ts";
export { RemoteChatContext, type RemoteItem } from "./remote.ts";
export { type Complete, summarize, type SummarizeOptions } from "./summary.ts";
export {
  type ChatContextIssue,
  type ChatContextIssueCode,
  type ChatContextReport,
  formatChatHistory,
  type FormatOptions,
  validateChatContextStructure,
} from "./validate.ts";
export type { PairNote, PairOptions, UnansweredState } from "./render.ts";
export type { FormatNote, TurnOptions } from "./format/turns.ts";
export {
  type AnthropicBlock,
  type AnthropicConversation,
  type AnthropicMessage,
  type AnthropicOptions,
  toAnthropic,
} from "./format/anthropic.ts";
export {
  type GoogleContent,
  type GoogleConversation,
  type GoogleOptions,
  type GooglePart,
  toGoogle,
} from "./format/google.ts";
export { type MistralConversation, type MistralEntry, toMistral } from "./format/mistral.ts";
export { type OpenAIConversation, type OpenAIMessage, type OpenAIOptions, toOpenAI } from "./format/openai.ts";
export { toOpenAIResponses } from "./format/openai_responses.ts";
