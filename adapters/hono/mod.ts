/**
 * Agents behind a hono app.
 *
 * @example A chat that `useChat` of the AI SDK talks to
 * ```ts
 * const app = new Hono();
 * mountChat(app, "/chat", { agent: () => new Agent({ instructions: "Be brief.", llm }) });
 * ```
 *
 * @module
 */
export { type ChatOptions, mountChat } from "./mount_chat.ts";
export type { ChatChunk, ChatMetadata, ChatUsage, PublicError } from "./chat_chunks.ts";
export type { ChatUIMessage, ChatUIPart } from "./chat_messages.ts";
