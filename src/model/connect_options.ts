/**
 * How patiently and how often models are asked.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";

/** How patiently and how often one model is asked. */
export interface APIConnectOptions {
  /** Attempts after the first. Default 3. */
  readonly maxRetry: number;
  /** Pause before the second and later retries, in milliseconds. The first comes after 100 ms. Default 2,000. */
  readonly retryIntervalMs: number;
  /** How long to wait for the first part of an answer, and between parts, in milliseconds. Default 10,000. */
  readonly timeoutMs: number;
}

/** What holds where nothing else is said. */
export const DEFAULT_CONNECT_OPTIONS: APIConnectOptions = Object.freeze({
  maxRetry: 3,
  retryIntervalMs: 2_000,
  timeoutMs: 10_000,
});

/** {@linkcode APIConnectOptions} of each kind of model in a session, and how many failures it bears. */
export interface SessionConnectOptions {
  /** Of recognisers. */
  readonly sttConnOptions?: Partial<APIConnectOptions>;
  /** Of language models. */
  readonly llmConnOptions?: Partial<APIConnectOptions>;
  /** Of voices. */
  readonly ttsConnOptions?: Partial<APIConnectOptions>;
  /** How many failures in a row a session survives, of each kind of model. Default 3: the fourth closes it. */
  readonly maxUnrecoverableErrors?: number;
}

/** {@linkcode SessionConnectOptions} with every value filled in. */
export interface ResolvedSessionConnectOptions {
  /** Of recognisers. */
  readonly sttConnOptions: APIConnectOptions;
  /** Of language models. */
  readonly llmConnOptions: APIConnectOptions;
  /** Of voices. */
  readonly ttsConnOptions: APIConnectOptions;
  /** How many failures in a row a session survives, of each kind of model. */
  readonly maxUnrecoverableErrors: number;
}

/**
 * Checks options and fills in what is not given.
 *
 * @throws {AgentError} `model.bad_option` when a value is negative or no number, or `maxRetry` is no whole number.
 */
export function connectOptions(
  given: Partial<APIConnectOptions> = {},
  defaults: APIConnectOptions = DEFAULT_CONNECT_OPTIONS,
): APIConnectOptions {
  const maxRetry = given.maxRetry ?? defaults.maxRetry;
  if (!Number.isInteger(maxRetry) || maxRetry < 0) throw bad("maxRetry", "a whole number of at least 0", maxRetry);
  const retryIntervalMs = given.retryIntervalMs ?? defaults.retryIntervalMs;
  if (!(retryIntervalMs >= 0)) throw bad("retryIntervalMs", "at least 0", retryIntervalMs);
  const timeoutMs = given.timeoutMs ?? defaults.timeoutMs;
  if (!(timeoutMs >= 0)) throw bad("timeoutMs", "at least 0", timeoutMs);
  return { maxRetry, retryIntervalMs, timeoutMs };
}

/**
 * Checks the options of a session and fills in what is not given.
 *
 * @throws {AgentError} `model.bad_option` when a value is negative or no number, or a count is no whole number.
 */
export function sessionConnectOptions(given: SessionConnectOptions = {}): ResolvedSessionConnectOptions {
  const limit = given.maxUnrecoverableErrors ?? 3;
  if (!Number.isInteger(limit) || limit < 0) throw bad("maxUnrecoverableErrors", "a whole number of at least 0", limit);
  return {
    sttConnOptions: connectOptions(given.sttConnOptions),
    llmConnOptions: connectOptions(given.llmConnOptions),
    ttsConnOptions: connectOptions(given.ttsConnOptions),
    maxUnrecoverableErrors: limit,
  };
}

function bad(name: string, rule: string, value: unknown): AgentError {
  return new AgentError("model.bad_option", `Cannot connect as ${name} must be ${rule}: current value is ${value}`);
}
