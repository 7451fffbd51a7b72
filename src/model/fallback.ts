/**
 * Models made of several models, so that a conversation goes on when one of them does not answer.
 *
 * @module
 */
export type { AvailabilityEvent, Fallback } from "./availability.ts";
export { type FallbackLLM, fallbackLLM, type FallbackLLMOptions } from "./fallback_llm.ts";
export { type FallbackSTT, fallbackSTT, type FallbackSTTOptions } from "./fallback_stt.ts";
export { type FallbackTTS, fallbackTTS, type FallbackTTSOptions } from "./fallback_tts.ts";
