/**
 * A stored conversation as the messages of AI SDK's UI, and back to an earlier point of it.
 *
 * @module
 */
import type { ChatContent, ChatItem, ChatMessage } from "../../src/chat/item.ts";
import type { SessionSnapshot } from "../../src/session/snapshot.ts";
import { type ContextPiece, readItem } from "../../src/session/snapshot_items.ts";
import { inputOf, outputOf } from "./chat_chunks.ts";

/** A part of a message, as the UI has it. */
export type ChatUIPart =
  | { readonly type: "text"; readonly text: string; readonly state: "done" }
  | { readonly type: "file"; readonly mediaType: string; readonly url: string }
  | { readonly type: "data-handoff"; readonly data: { readonly from: string | null; readonly to: string } }
  | {
    readonly type: `tool-${string}`;
    readonly toolCallId: string;
    readonly state: "output-available" | "output-error" | "input-available";
    readonly input: unknown;
    readonly output?: unknown;
    readonly errorText?: string;
  };

/** A message, as the UI has it. */
export interface ChatUIMessage {
  /** The client's own id of the user's messages; ours are made of the one that they answer. */
  readonly id: string;
  /** Who speaks. */
  readonly role: "user" | "assistant";
  /** What is said and done. */
  readonly parts: readonly ChatUIPart[];
}

/** The id of the message that answers a message of the user; the same whenever it is asked for. */
export function answerId(userMessageId: string | undefined): string {
  return userMessageId === undefined ? "re_start" : `re_${userMessageId}`;
}

/** A stored conversation, as a page shows it: without instructions and settings. */
export function uiMessages(snapshot: SessionSnapshot): ChatUIMessage[] {
  const items = snapshot.history.map(readItem);
  const outputs = new Map(items.flatMap((item) => item.type === "function_call_output" ? [[item.callId, item]] : []));
  const messages: ChatUIMessage[] = [];
  let answer: ChatUIPart[] = [];
  let asked: string | undefined;
  const close = (): void => {
    if (answer.length > 0) messages.push({ id: answerId(asked), role: "assistant", parts: answer });
    answer = [];
  };
  for (const item of items) {
    switch (item.type) {
      case "message":
        if (item.role === "user") {
          close();
          asked = item.id;
          messages.push({ id: item.id, role: "user", parts: item.content.flatMap(contentPart) });
        } else if (item.role === "assistant") answer.push(...item.content.flatMap(contentPart));
        break;
      case "function_call": {
        const output = outputs.get(item.callId);
        const base = { type: `tool-${item.name}`, toolCallId: item.callId, input: inputOf(item) } as const;
        if (output === undefined) answer.push({ ...base, state: "input-available" });
        else if (output.isError) answer.push({ ...base, state: "output-error", errorText: output.output });
        else answer.push({ ...base, state: "output-available", output: outputOf(output) });
        break;
      }
      case "agent_handoff":
        if (item.oldAgentId === null) break; // the first agent came on
        answer.push({ type: "data-handoff", data: { from: item.oldAgentId, to: item.newAgentId } });
        break;
    }
  }
  close();
  return messages;
}

function contentPart(part: ChatContent): ChatUIPart[] {
  if (typeof part === "string") return part === "" ? [] : [{ type: "text", text: part, state: "done" }];
  if (part.type !== "image_content") return [];
  return [{ type: "file", mediaType: part.mimeType ?? "image/*", url: part.image }];
}

/** The last message of the user; undefined: none was said. */
export function lastUserMessage(snapshot: SessionSnapshot): ChatMessage | undefined {
  const json = snapshot.history.findLast(({ type, role }) => type === "message" && role === "user");
  const item = json === undefined ? undefined : readItem(json);
  return item?.type === "message" ? item : undefined;
}

/**
 * The conversation up to a message of the user, without it. Undefined when there is no such message.
 *
 * Whoever was on stage then is again. What the program keeps in its own data stays as it is now.
 */
export function cutBack(snapshot: SessionSnapshot, userMessageId: string): SessionSnapshot | undefined {
  const at = snapshot.history.findIndex(({ id, type, role }) =>
    id === userMessageId && type === "message" && role === "user"
  );
  if (at < 0) return undefined;
  const history = snapshot.history.slice(0, at);
  const items = history.map(readItem);
  const onStage = items.findLast((item) => item.type === "agent_handoff")?.newAgentId;
  const agents = snapshot.agents.map((agent) =>
    onStage === undefined || agent.id === onStage
      ? { ...agent, context: cutContext(agent.context, items) }
      : { id: onStage, context: seenBy(items, onStage) }
  );
  return { ...snapshot, history, agents };
}

/** What is left of a context when the history ends earlier. */
function cutContext(context: readonly ContextPiece[], history: readonly ChatItem[]): ContextPiece[] {
  const places = new Map(history.map(({ id }, index) => [id, index]));
  return context.flatMap((piece): ContextPiece[] => {
    if ("item" in piece) return [piece];
    const from = places.get(piece.from);
    return from === undefined ? [] : [{ from: piece.from, count: Math.min(piece.count, history.length - from) }];
  });
}

/** What an agent that left since then knew: all since it came. */
function seenBy(history: readonly ChatItem[], agentId: string): ContextPiece[] {
  const came = history.findLastIndex((item) => item.type === "agent_handoff" && item.newAgentId === agentId);
  const first = history[came + 1];
  return first === undefined ? [] : [{ from: first.id, count: history.length - came - 1 }];
}
