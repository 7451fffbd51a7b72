/**
 * Conversations as the conversations API of Mistral wants them.
 *
 * @module
 */
import { isInstructions, renderInstructions } from "../instructions.ts";
import type { ChatItem, ChatMessage } from "../item.ts";
import { groupItems } from "../render.ts";
import { type FormatNote, textsOf, type TurnOptions } from "./turns.ts";

/** An entry of a conversation. Plain JSON. */
export type MistralEntry = Readonly<Record<string, unknown>>;

/** A conversation, written out. */
export interface MistralConversation {
  /** For the field `instructions` of a request; undefined: there are none. */
  readonly instructions: string | undefined;
  /** For the field `inputs` of a request. */
  readonly entries: readonly MistralEntry[];
  /** What had to be mended, for the log. */
  readonly notes: readonly FormatNote[];
}

/**
 * Writes a conversation for Mistral. Pure.
 *
 * All messages of roles `system` and `developer` become the instructions, joined by blank lines. Text parts become one string;
 * with pictures, a list with the pictures first. Sound is left out.
 *
 * @example
 * ```ts
 * const { instructions, entries } = toMistral(chatCtx.items);
 * await fetch(url, { method: "POST", headers, body: JSON.stringify({ model, instructions, inputs: entries }) });
 * ```
 */
export function toMistral(items: Iterable<ChatItem>, options: TurnOptions = {}): MistralConversation {
  const { groups, notes } = groupItems(items, options);
  const instructions: string[] = [];
  const entries: MistralEntry[] = [];
  for (const { message, calls, outputs } of groups) {
    if (message?.role === "system" || message?.role === "developer") {
      const text = textsOf(message, options.modality).join("\n");
      if (text !== "") instructions.push(text);
    } else if (message !== undefined) {
      const content = writeContent(message, options);
      if (content !== undefined) {
        const type = message.role === "assistant" ? "message.output" : "message.input";
        entries.push({ type, role: message.role, content });
      }
    }
    for (const call of calls) {
      entries.push({ type: "function.call", tool_call_id: call.callId, name: call.name, arguments: call.args });
    }
    for (const output of outputs) {
      entries.push({ type: "function.result", tool_call_id: output.callId, result: output.output });
    }
  }
  if ((options.injectDummyUserMessage ?? true) && entries.length === 0) {
    entries.push({ type: "message.input", role: "user", content: "." });
  }
  return { instructions: instructions.length === 0 ? undefined : instructions.join("\n\n"), entries, notes };
}

/** Nothing when there is nothing to send. */
function writeContent(message: ChatMessage, options: TurnOptions): unknown {
  const texts: string[] = [];
  const images: MistralEntry[] = [];
  for (const part of message.content) {
    if (typeof part === "string") texts.push(part);
    else if (isInstructions(part)) texts.push(renderInstructions(part, options.modality));
    else if (part.type === "image_content") images.push({ type: "image_url", image_url: part.image });
  }
  const text = texts.join("\n");
  if (images.length === 0) return text === "" ? undefined : text;
  return text === "" ? images : [...images, { type: "text", text }];
}
