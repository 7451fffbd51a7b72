/**
 * The page's end of a call as text, for pages that no bundler makes.
 *
 * @module
 */
import { VOICE_CLIENT } from "./voice_client_text.ts";

/**
 * The client as the text of a browser module that exports `connectVoice`: the same as `@repartee/agents/voice-client`.
 *
 * @example
 * ```ts
 * app.get("/voice.js", (c) => c.body(voiceClientModule(), 200, { "content-type": "text/javascript" }));
 * ```
 */
export function voiceClientModule(): string {
  return VOICE_CLIENT;
}
