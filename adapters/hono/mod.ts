/**
 * Agents behind a hono app.
 *
 * @example A chat that `useChat` of the AI SDK talks to
 * ```ts
 * const app = new Hono();
 * mountChat(app, "/chat", { agent: () => new Agent({ instructions: "Be brief.", llm }) });
 * ```
 *
 * @example Calls from a browser
 * ```ts
 * app.get("/", (c) => c.html(voicePage()));
 * app.get("/voice", voiceRoute({ upgradeWebSocket, agent: () => new Bookseller(), session: () => ({ vad, stt, llm, tts }) }));
 * ```
 *
 * @module
 */
export { type ChatOptions, mountChat } from "./mount_chat.ts";
export type { ChatChunk, ChatMetadata, ChatUsage, PublicError } from "./chat_chunks.ts";
export type { ChatUIMessage, ChatUIPart } from "./chat_messages.ts";
export { type VoiceRoute, voiceRoute, type VoiceRouteOptions } from "./voice_route.ts";
export { voicePage, type VoicePageOptions } from "./voice_page.ts";
export { voiceClientModule } from "./voice_client_module.ts";
