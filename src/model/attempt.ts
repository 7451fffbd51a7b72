/**
 * The calls of models, with the time-outs, retries, measurements and error events that providers need not know about.
 *
 * @module
 */
export type { AttemptOptions } from "./attempt_policy.ts";
export type { AttemptEnd, AttemptReport, IdlePause, ModelErrorEvent, ModelHost, PauseMeter } from "./host.ts";
export { pauseMeter } from "./host.ts";
export { hasResponse, llmAttempt } from "./llm_attempt.ts";
