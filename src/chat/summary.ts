/**
 * Makes a long conversation short: its older part becomes one message that says what matters of it.
 *
 * @module
 */
import { ChatContext } from "./context.ts";
import type { ChatItem, ChatMessage } from "./item.ts";
import { chatMessage } from "./make.ts";

/** Asks a model: gets a context of two messages, returns the whole text of the answer. */
export type Complete = (chatCtx: ChatContext) => Promise<string>;

/** How to summarise. */
export interface SummarizeOptions {
  /** How many of the last turns, of two messages each, stay as they are. Default 2. */
  readonly keepLastTurns?: number;
}

/** The key in `extra` of a message that is a summary. */
const IS_SUMMARY = "is_summary";

const INSTRUCTIONS = [
  "You write the memory of an assistant. You get the older part of its conversation with a user, and write a short summary " +
  "that will stand in its place. The assistant must be able to go on from your summary as if it remembered everything.",
  "The conversation comes as elements. `user` and `assistant` hold what each of them said. `function_call` holds the " +
  "arguments of something that the assistant looked up or did, and `function_call_output` what came of it; an `error` in it " +
  "says that it failed. Both name the function and carry the id of the call. `chat_history_summary` holds your earlier " +
  "summary: what it says must live on in the new one.",
  "Write down what the user wants, what was agreed and decided, facts, constraints, preferences, and what is still open. " +
  "What was learned from functions belongs to the facts: state it, and do not mention functions. Leave out greetings and small " +
  "talk. Add nothing that was not said. Answer with the summary alone.",
].join("\n\n");

/**
 * Replaces the older part of a conversation by a summary that `complete` writes. Earlier summaries go into the new one.
 *
 * Instructions, hand-offs and configuration updates of the older part stay. What is added while the model writes stays too.
 *
 * @returns Whether anything changed: not when there is too little to summarise, or the model answered with nothing.
 * @throws {AgentError} `chat.readonly` on a read-only view. What `complete` rejects with is passed on.
 */
export async function summarize(
  chatCtx: ChatContext,
  complete: Complete,
  options: SummarizeOptions = {},
): Promise<boolean> {
  const items = chatCtx.items;
  const split = findSplit(items, (options.keepLastTurns ?? 2) * 2);
  const head = items.slice(0, split);
  if (!head.some((item) => isWorthTelling(item) && !isSummary(item))) return false;

  const text = head.filter(isWorthTelling).map(renderItem).join("\n");
  const summary = (await complete(
    new ChatContext([
      chatMessage({ id: "instructions", createdAt: 0, role: "system", content: INSTRUCTIONS }),
      chatMessage({ id: "history", createdAt: 0, role: "user", content: `Summarise this conversation:\n\n${text}` }),
    ]),
  )).trim();
  if (summary === "") return false;

  const gone = new Set(head.filter(isReplaced).map((item) => item.id));
  const now = chatCtx.items;
  const tail = now.findIndex((item) => item.id === items[split]?.id);
  const position = tail === -1 ? now.length : tail;
  const last = head.at(-1)!;
  chatCtx["~replaceAll"]([
    ...now.slice(0, position).filter((item) => !gone.has(item.id)),
    chatMessage({
      id: `${last.id}_summary`,
      // Just before the tail, so that nothing is ever inserted between the two.
      createdAt: tail === -1 ? last.createdAt : now[tail]!.createdAt - 0.001,
      role: "assistant",
      content: `<chat_history_summary>\n${summary}\n</chat_history_summary>`,
      extra: { [IS_SUMMARY]: true },
    }),
    ...now.slice(position),
  ]);
  return true;
}

/** Where the part begins that stays: behind it are `keep` messages of users and assistants. */
function findSplit(items: readonly ChatItem[], keep: number): number {
  if (keep <= 0) return items.length;
  let counted = 0;
  for (let index = items.length - 1; index >= 0; index--) {
    if (isSpoken(items[index]!)) counted += 1;
    if (counted === keep) return index;
  }
  return 0;
}

function isSpoken(item: ChatItem): item is ChatMessage {
  return item.type === "message" && (item.role === "user" || item.role === "assistant");
}

function isSummary(item: ChatItem): boolean {
  return item.type === "message" && item.extra[IS_SUMMARY] === true;
}

function isTool(item: ChatItem): boolean {
  return item.type === "function_call" || item.type === "function_call_output";
}

function isReplaced(item: ChatItem): boolean {
  return isSpoken(item) || isTool(item);
}

function isWorthTelling(item: ChatItem): boolean {
  return isTool(item) || (isSpoken(item) && (item.textContent ?? "").trim() !== "");
}

function renderItem(item: ChatItem): string {
  switch (item.type) {
    case "message":
      // A summary brings its own element along.
      if (isSummary(item)) return item.textContent ?? "";
      return element(item.role, "", escape((item.textContent ?? "").trim()));
    case "function_call":
      return element(item.type, callAttributes(item), escape(item.args));
    case "function_call_output": {
      const output = escape(item.output);
      return element(item.type, callAttributes(item), item.isError ? element("error", "", output) : output);
    }
    default:
      return "";
  }
}

function callAttributes({ name, callId }: { readonly name: string; readonly callId: string }): string {
  return ` name="${escape(name)}" call_id="${escape(callId)}"`;
}

function element(tag: string, attributes: string, content: string): string {
  return `<${tag}${attributes}>\n${content}\n</${tag}>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
