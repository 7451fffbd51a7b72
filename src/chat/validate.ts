/**
 * Looks a conversation over, for people: what is wrong with its structure, and how it reads.
 *
 * @module
 */
import type { ChatContext } from "./context.ts";
import type { ChatContent, ChatItem, ChatMessage } from "./item.ts";
import { renderInstructions } from "./instructions.ts";

/** What can be wrong. */
export type ChatContextIssueCode =
  | "duplicate_id"
  | "timestamp_order"
  | "empty_message_content"
  | "empty_text_term"
  | "missing_image_term"
  | "invalid_audio_term"
  | "invalid_function_call"
  | "invalid_function_call_args"
  | "invalid_function_call_output"
  | "orphan_function_call_output";

/** Something that is wrong. */
export interface ChatContextIssue {
  /** Whether a model could refuse the conversation for it. */
  readonly severity: "error" | "warning";
  /** What is wrong, for programs. */
  readonly code: ChatContextIssueCode;
  /** The position of the item. */
  readonly index: number;
  /** The item. */
  readonly itemId: string;
  /** What is wrong, for people. */
  readonly message: string;
}

/** What was found. `valid` when there are no errors; warnings do not count. */
export interface ChatContextReport {
  /** Whether there are no errors. */
  readonly valid: boolean;
  /** How many errors there are. */
  readonly errors: number;
  /** How many warnings there are. */
  readonly warnings: number;
  /** All of them, in the order of the items. */
  readonly issues: readonly ChatContextIssue[];
}

const WARNINGS: ReadonlySet<ChatContextIssueCode> = new Set([
  "empty_message_content",
  "empty_text_term",
  "invalid_function_call_args",
  "orphan_function_call_output",
]);

/** Finds what is wrong with the structure of a conversation. Changes nothing, and never throws. */
export function validateChatContextStructure(chatCtx: ChatContext): ChatContextReport {
  const issues: ChatContextIssue[] = [];
  const ids = new Set<string>();
  const callIds = new Set<string>();
  for (const [index, item] of chatCtx.items.entries()) {
    const report = (code: ChatContextIssueCode, message: string): void => {
      issues.push({ severity: WARNINGS.has(code) ? "warning" : "error", code, index, itemId: item.id, message });
    };
    if (ids.has(item.id)) report("duplicate_id", "Another item has this id");
    ids.add(item.id);
    if (index > 0 && item.createdAt < chatCtx.at(index - 1)!.createdAt) {
      report("timestamp_order", "The item is older than the one before it");
    }
    checkItem(item, callIds, report);
    if (item.type === "function_call") callIds.add(item.callId);
  }
  const warnings = issues.filter((issue) => issue.severity === "warning").length;
  return { valid: warnings === issues.length, errors: issues.length - warnings, warnings, issues };
}

type Report = (code: ChatContextIssueCode, message: string) => void;

function checkItem(item: ChatItem, callIds: ReadonlySet<string>, report: Report): void {
  switch (item.type) {
    case "message":
      if (item.content.length === 0) report("empty_message_content", "The message has no content");
      for (const part of item.content) checkPart(part, report);
      break;
    case "function_call":
      if (item.name === "" || item.callId === "") report("invalid_function_call", "The call lacks a name or a call id");
      if (!isJson(item.args)) report("invalid_function_call_args", "The arguments are not JSON");
      break;
    case "function_call_output":
      if (item.callId === "") report("invalid_function_call_output", "The output lacks a call id");
      else if (!callIds.has(item.callId)) report("orphan_function_call_output", "No earlier call has this call id");
      break;
  }
}

function checkPart(part: ChatContent, report: Report): void {
  if (typeof part === "string") {
    if (part.trim() === "") report("empty_text_term", "A text is empty");
  } else if (part.type === "image_content") {
    if (part.image === "") report("missing_image_term", "A picture has no address and no data");
  } else if (part.type === "audio_content") {
    if (part.frame.length === 0) report("invalid_audio_term", "A recording has no frames");
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // that is the answer
  }
}

/** What to show. */
export interface FormatOptions {
  /** Default false. */
  readonly includeIds?: boolean;
  /** In milliseconds since 1970. Default false. */
  readonly includeTimestamps?: boolean;
}

/**
 * A conversation for people to read, an item on each line.
 *
 * @example
 * ```ts
 * formatChatHistory(chatCtx);
 * // user: Is it raining?
 * // call weather({"city":"Oslo"})
 * // weather answered: rain
 * // assistant: It is.
 * ```
 */
export function formatChatHistory(chatCtx: ChatContext, options: FormatOptions = {}): string {
  return chatCtx.items.map((item) => {
    const id = options.includeIds ? `[${item.id}] ` : "";
    const time = options.includeTimestamps ? `${item.createdAt} ` : "";
    return `${time}${id}${describe(item)}`;
  }).join("\n");
}

function describe(item: ChatItem): string {
  switch (item.type) {
    case "message":
      return `${item.role}: ${describeContent(item)}${item.interrupted ? " (interrupted)" : ""}`;
    case "function_call":
      return `call ${item.name}(${item.args})`;
    case "function_call_output":
      return `${item.name} ${item.isError ? "failed" : "answered"}: ${item.output}`;
    case "agent_handoff":
      return `hand-off: ${item.oldAgentId ?? "(nobody)"} to ${item.newAgentId}`;
    case "agent_config_update": {
      const parts = [
        item.instructions === undefined ? [] : ["new instructions"],
        item.toolsAdded === undefined ? [] : [`tools added: ${item.toolsAdded.join(", ")}`],
        item.toolsRemoved === undefined ? [] : [`tools removed: ${item.toolsRemoved.join(", ")}`],
      ].flat();
      return `configuration: ${parts.join("; ")}`;
    }
    default:
      return item satisfies never;
  }
}

function describeContent({ content }: ChatMessage): string {
  return content.map((part) => {
    if (typeof part === "string") return part;
    if (part.type === "instructions") return renderInstructions(part);
    if (part.type === "image_content") {
      return part.image.startsWith("data:") ? "(a picture)" : `(a picture: ${part.image})`;
    }
    return `(a recording${part.transcript === undefined ? "" : `: ${part.transcript}`})`;
  }).join(" ");
}
