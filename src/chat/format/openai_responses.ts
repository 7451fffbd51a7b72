/**
 * Conversations as the responses API of OpenAI wants them.
 *
 * @module
 */
import { isInstructions, renderInstructions } from "../instructions.ts";
import type { ChatItem, ChatMessage } from "../item.ts";
import { groupItems } from "../render.ts";
import type { OpenAIConversation, OpenAIMessage, OpenAIOptions } from "./openai.ts";

/**
 * Writes a conversation for OpenAI's responses API, for the field `input` of a request. Pure.
 *
 * Messages, then the calls of a turn, then their outputs, each an item of its own. Text parts become one string; with pictures,
 * a list with the pictures first. Sound is left out, and so are messages with nothing to send.
 */
export function toOpenAIResponses(items: Iterable<ChatItem>, options: OpenAIOptions = {}): OpenAIConversation {
  const { groups, notes } = groupItems(items, options);
  const messages: OpenAIMessage[] = [];
  for (const { message, calls, outputs } of groups) {
    const written = message === undefined ? undefined : writeMessage(message, options);
    if (written !== undefined) messages.push(written);
    for (const call of calls) {
      messages.push({ type: "function_call", call_id: call.callId, name: call.name, arguments: call.args });
    }
    for (const output of outputs) {
      messages.push({ type: "function_call_output", call_id: output.callId, output: output.output });
    }
  }
  return { messages, notes };
}

/** Nothing when the message has nothing to send. */
function writeMessage(message: ChatMessage, options: OpenAIOptions): OpenAIMessage | undefined {
  const texts: string[] = [];
  const images: OpenAIMessage[] = [];
  for (const part of message.content) {
    if (typeof part === "string") texts.push(part);
    else if (isInstructions(part)) texts.push(renderInstructions(part, options.modality));
    else if (part.type === "image_content") {
      images.push({ type: "input_image", image_url: part.image, detail: part.inferenceDetail });
    }
  }
  if (texts.length === 0 && images.length === 0) return undefined;
  const text = texts.join("\n");
  const { phase } = (message.extra["openai"] ?? {}) as { readonly phase?: unknown };
  return {
    role: message.role === "developer" ? options.developerRole ?? "developer" : message.role,
    content: images.length === 0 ? text : texts.length === 0 ? images : [...images, { type: "input_text", text }],
    ...(message.role === "assistant" && typeof phase === "string" && { phase }),
  };
}
