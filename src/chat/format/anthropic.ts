/**
 * Conversations as the messages API of Anthropic wants them.
 *
 * @module
 */
import type { ChatItem, FunctionCallOutput, ImageContent } from "../item.ts";
import { addParts, argumentsOf, type FormatNote, partsOf, pictureOf, turnGroups, type TurnOptions } from "./turns.ts";

/** A block of a message. Plain JSON. */
export type AnthropicBlock = Readonly<Record<string, unknown>>;

/** How to write a conversation for Anthropic. */
export interface AnthropicOptions extends TurnOptions {
  /** Ends the conversation with a message of the user, for models that refuse to go on from their own words. Default false. */
  readonly injectTrailingUserMessage?: boolean;
}

/** A message of a request. */
export interface AnthropicMessage {
  /** Whose turn it is. No two of one role follow each other. */
  readonly role: "user" | "assistant";
  /** What is in it; never empty. */
  readonly content: readonly AnthropicBlock[];
}

/** A conversation, written out. */
export interface AnthropicConversation {
  /** For the field `system` of a request; undefined: there is none. */
  readonly system: string | undefined;
  /** For the field `messages` of a request. */
  readonly messages: readonly AnthropicMessage[];
  /** What had to be mended, for the log. */
  readonly notes: readonly FormatNote[];
}

/**
 * Writes a conversation for Anthropic's messages API. Pure, and total but for pictures of an unknown kind.
 *
 * The first system message is the field `system`; later ones are said by the user, in an `<instructions>` element, where they
 * stand. Calls end a turn of the assistant, their outputs begin the user's turn behind it. What follows in one role is one turn,
 * and the first is the user's.
 *
 * @throws {AgentError} `chat.bad_item` for a `data:` URL of a picture that the API does not take.
 *
 * @example
 * ```ts
 * const { system, messages } = toAnthropic(chatCtx.items);
 * await fetch(url, { method: "POST", headers, body: JSON.stringify({ model, max_tokens: 1_024, system, messages }) });
 * ```
 */
export function toAnthropic(items: Iterable<ChatItem>, options: AnthropicOptions = {}): AnthropicConversation {
  const { system, groups, notes } = turnGroups(items, options);
  const turns: { readonly role: "user" | "assistant"; readonly parts: AnthropicBlock[] }[] = [];
  for (const { message, calls, outputs, instructions } of groups) {
    if (message !== undefined) {
      const parts = partsOf(message, options.modality, instructions).map(writePart);
      addParts(turns, message.role === "assistant" ? "assistant" : "user", parts);
    }
    addParts(
      turns,
      "assistant",
      calls.map((call) => ({ type: "tool_use", id: call.callId, name: call.name, input: argumentsOf(call, notes) })),
    );
    addParts(turns, "user", outputs.map(writeOutput));
  }
  if ((options.injectDummyUserMessage ?? true) && turns[0]?.role !== "user") {
    turns.unshift({ role: "user", parts: [{ type: "text", text: "(empty)" }] });
  }
  if (options.injectTrailingUserMessage && turns.at(-1)?.role === "assistant") {
    turns.push({ role: "user", parts: [{ type: "text", text: "." }] });
  }
  return { system, messages: turns.map(({ role, parts }) => ({ role, content: parts })), notes };
}

function writePart(part: string | ImageContent): AnthropicBlock {
  if (typeof part === "string") return { type: "text", text: part };
  const picture = pictureOf(part);
  return {
    type: "image",
    source: picture.kind === "address"
      ? { type: "url", url: picture.url }
      : { type: "base64", media_type: picture.mimeType, data: picture.data },
  };
}

function writeOutput(output: FunctionCallOutput): AnthropicBlock {
  return {
    type: "tool_result",
    tool_use_id: output.callId,
    content: readList(output.output) ?? output.output,
    is_error: output.isError,
  };
}

/** A list in JSON is sent as a list, since a tool may answer in blocks of its own. */
function readList(text: string): readonly unknown[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
