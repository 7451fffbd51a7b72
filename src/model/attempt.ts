/**
 * The calls of models, with the time-outs, retries, measurements and error events that providers need not know about.
 *
 * @module
 */
export { type AttemptOptions, labelOf } from "./attempt_policy.ts";
export type { AttemptEnd, AttemptReport, IdlePause, ModelErrorEvent, ModelHost, PauseMeter } from "./host.ts";
export { pauseMeter } from "./host.ts";
export { hasResponse, llmAttempt } from "./llm_attempt.ts";
export { recognizeAttempt, type RecognizeAttemptOptions } from "./recognize_attempt.ts";
export { sttAttempt, type STTAttemptOptions } from "./stt_attempt.ts";
export { ttsAttempt, type TTSAttemptOptions } from "./tts_attempt.ts";
export { vadMeter } from "./vad_meter.ts";
