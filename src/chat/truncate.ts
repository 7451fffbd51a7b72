/**
 * Makes a conversation shorter.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { ChatItem } from "./item.ts";

/**
 * The last `maxItems` items, without calls and outputs at their front, behind the first message of role `system` or
 * `developer` if that is not among them. The result can therefore have one item more.
 *
 * @returns The same array when it has no more than `maxItems` items.
 * @throws {AgentError} `chat.bad_item` when `maxItems` is no whole number from 0.
 */
export function truncateItems(items: readonly ChatItem[], maxItems: number): readonly ChatItem[] {
  if (!Number.isInteger(maxItems) || maxItems < 0) {
    throw new AgentError(
      "chat.bad_item",
      `Cannot truncate as \`maxItems\` must be a whole number from 0: current value is ${maxItems}`,
    );
  }
  if (items.length <= maxItems) return items;
  let from = items.length - maxItems;
  while (from < items.length && isToolItem(items[from]!)) from += 1;
  const kept = items.slice(from);
  const instructions = items.find(isInstructionMessage);
  if (instructions !== undefined && !kept.some((item) => item.id === instructions.id)) kept.unshift(instructions);
  return kept;
}

function isToolItem(item: ChatItem): boolean {
  return item.type === "function_call" || item.type === "function_call_output";
}

function isInstructionMessage(item: ChatItem): boolean {
  return item.type === "message" && (item.role === "system" || item.role === "developer");
}
