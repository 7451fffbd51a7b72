/**
 * Conversations as the chat completions API of OpenAI wants them, and all that imitate it.
 *
 * @module
 */
import { isInstructions, type Modality, renderInstructions } from "../instructions.ts";
import type { ChatItem, ChatMessage, FunctionCall, FunctionCallOutput } from "../item.ts";
import { groupItems, type ItemGroup, type PairNote, type PairOptions } from "../render.ts";

/** A message of a request. Plain JSON, frozen, and shared between requests: do not change it. */
export type OpenAIMessage = Readonly<Record<string, unknown>>;

/** How to write a conversation. */
export interface OpenAIOptions extends PairOptions {
  /** Which variant of instructions to send. Default: the one that they show. */
  readonly modality?: Modality;
  /** The role to send for `developer`, which not all imitators know. Default `"developer"`. */
  readonly developerRole?: "developer" | "system";
}

/** A conversation, written out. */
export interface OpenAIConversation {
  /** For the field `messages` of a request. */
  readonly messages: readonly OpenAIMessage[];
  /** What had to be mended, for the log. */
  readonly notes: readonly PairNote[];
}

/** Fields of `extra` that providers want to see again. */
const EXTRA_CONTENT_KEYS = ["google", "livekit", "xai"] as const;

type Written = Map<string, OpenAIMessage>;

/** What was made of each item, by the options that matter. An item never changes, so this never grows stale. */
const written = new WeakMap<ChatItem, Written>();

/**
 * Writes a conversation for chat completions. Pure; an item that was written before costs a look-up.
 *
 * Text parts become one string; with pictures, a list with the pictures first. Sound is left out. Calls stand in the
 * assistant's message, each output in a message of its own directly behind it. Messages with nothing to send are left out.
 *
 * @example
 * ```ts
 * const { messages } = toOpenAI(chatCtx.items);
 * await fetch(url, { method: "POST", body: JSON.stringify({ model, messages, stream: true }) });
 * ```
 */
export function toOpenAI(items: Iterable<ChatItem>, options: OpenAIOptions = {}): OpenAIConversation {
  const { groups, notes } = groupItems(items, options);
  const messages: OpenAIMessage[] = [];
  for (const group of groups) {
    const message = group.calls.length === 0 ? writeMessage(group.message!, options) : writeCalls(group, options);
    if (message !== undefined) messages.push(message);
    for (const output of group.outputs) messages.push(once(output, "", () => writeOutput(output)));
  }
  return { messages, notes };
}

/** Nothing when the message has nothing to send. */
function writeMessage(message: ChatMessage, options: OpenAIOptions): OpenAIMessage | undefined {
  const role = message.role === "developer" ? options.developerRole ?? "developer" : message.role;
  const made = once(message, `${role} ${options.modality ?? ""}`, () => {
    const content = writeContent(message, options.modality);
    return {
      role,
      ...(content === undefined ? {} : { content }),
      ...extraContent(message.extra),
    };
  });
  return "content" in made ? made : undefined;
}

function writeCalls({ message, calls }: ItemGroup, options: OpenAIOptions): OpenAIMessage {
  const spoken = message === undefined ? undefined : writeMessage(message, options);
  return {
    ...(spoken ?? { role: "assistant" }),
    ...(spoken === undefined && message !== undefined ? extraContent(message.extra) : {}),
    tool_calls: calls.map((call) => once(call, "", () => writeCall(call))),
  };
}

function writeCall(call: FunctionCall): OpenAIMessage {
  return {
    id: call.callId,
    type: "function",
    function: { name: call.name, arguments: call.args },
    ...extraContent(call.extra),
  };
}

function writeOutput(output: FunctionCallOutput): OpenAIMessage {
  return { role: "tool", tool_call_id: output.callId, content: output.output };
}

function writeContent(message: ChatMessage, modality: Modality | undefined): unknown {
  const texts: string[] = [];
  const images: OpenAIMessage[] = [];
  for (const part of message.content) {
    if (typeof part === "string") texts.push(part);
    else if (isInstructions(part)) texts.push(renderInstructions(part, modality));
    else if (part.type === "image_content") {
      images.push({ type: "image_url", image_url: { url: part.image, detail: part.inferenceDetail } });
    }
  }
  const text = texts.length === 0 ? undefined : texts.join("\n");
  if (images.length === 0) return text;
  return text === undefined ? images : [...images, { type: "text", text }];
}

function extraContent(extra: Readonly<Record<string, unknown>>): OpenAIMessage {
  const kept = EXTRA_CONTENT_KEYS.filter((key) => key in extra).map((key) => [key, extra[key]]);
  return kept.length === 0 ? {} : { extra_content: Object.fromEntries(kept) };
}

function once(item: ChatItem, key: string, write: () => OpenAIMessage): OpenAIMessage {
  let forms = written.get(item);
  if (forms === undefined) written.set(item, forms = new Map());
  let form = forms.get(key);
  if (form === undefined) forms.set(key, form = Object.freeze(write()));
  return form;
}
