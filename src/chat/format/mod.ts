/**
 * Conversations as the APIs of providers want them.
 *
 * @module
 */
export type { PairNote, PairOptions, UnansweredState } from "../render.ts";
export type { FormatNote, TurnOptions } from "./turns.ts";
export {
  type AnthropicBlock,
  type AnthropicConversation,
  type AnthropicMessage,
  type AnthropicOptions,
  toAnthropic,
} from "./anthropic.ts";
export {
  type GoogleContent,
  type GoogleConversation,
  type GoogleOptions,
  type GooglePart,
  toGoogle,
} from "./google.ts";
export { type MistralConversation, type MistralEntry, toMistral } from "./mistral.ts";
export { type OpenAIConversation, type OpenAIMessage, type OpenAIOptions, toOpenAI } from "./openai.ts";
export { toOpenAIResponses } from "./openai_responses.ts";
