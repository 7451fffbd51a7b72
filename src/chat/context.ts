/**
 * The context of a conversation.
 *
 * @module
 */
import type { ChatItem } from "./item.ts";

/** The context of a conversation. */
export interface ChatContext {
  readonly items: readonly ChatItem[];
}
