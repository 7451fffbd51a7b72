/**
 * What the calls of all kinds of models share: when to try again, how long to wait, and whom to tell.
 *
 * @module
 */
import type { APIConnectOptions } from "./connect_options.ts";
import type { Clock } from "../base/runtime.ts";
import type { ModelMetadata } from "../chat/item.ts";
import { APIConnectionError, APITimeoutError, isClosedRequest, isRetryable } from "./error.ts";
import type { AttemptEnd, AttemptReport, IdlePause, ModelErrorEvent, ModelHost } from "./host.ts";
import type { ModelMetrics } from "./metrics.ts";

/** What a session says about the calls of a model. */
export interface AttemptOptions extends ModelHost {
  readonly connOptions: APIConnectOptions;
  /** The speech that the call is made for, noted in its metrics. */
  readonly speechId?: string;
}

/** What becomes of a call whose attempt failed: it ends without a word, is tried again, or is over. */
export type Verdict = "quiet" | "retry" | "fail";

/** What the verdict depends on. */
export interface FailedAttempt {
  readonly error: unknown;
  /** Retries made since the start, or since the last success that counts as one. */
  readonly retryCount: number;
  readonly maxRetry: number;
  /** Something came out that cannot be taken back. */
  readonly hasOutput: boolean;
}

/** Decides what becomes of a call whose attempt failed. Pure. */
export function judge({ error, retryCount, maxRetry, hasOutput }: FailedAttempt): Verdict {
  if (isClosedRequest(error)) return "quiet";
  return isRetryable(error) && !hasOutput && retryCount < maxRetry ? "retry" : "fail";
}

const FIRST_RETRY_MS = 100; // specified: 04 section 1.2, whatever the interval is

/** The pause before a retry, of which `retryCount` were made before it. */
export function retryDelayMs(retryCount: number, { retryIntervalMs }: APIConnectOptions): number {
  return retryCount === 0 ? FIRST_RETRY_MS : retryIntervalMs;
}

/** What the consumer of a call that failed for good is told: nothing that another layer would try again. */
export function finalError(label: string, { error, retryCount, hasOutput }: FailedAttempt): unknown {
  if (!isRetryable(error) || (retryCount === 0 && !hasOutput)) return error;
  const rest = hasOutput ? "after a part of the answer was given out" : `in each of ${retryCount + 1} attempts`;
  return new APIConnectionError({
    message: `The request to ${label} failed ${rest}`,
    options: { retryable: false, cause: error },
  });
}

/** The error of an attempt that took too long. */
export function timeoutError(label: string, limitMs: number): APITimeoutError {
  return new APITimeoutError({ message: `Nothing came from ${label} for ${limitMs} ms` });
}

/** How errors, metrics and spans name a model. */
export function labelOf(model: { readonly provider: string; readonly model: string }): string {
  return `${model.provider}/${model.model}`;
}

/** What metrics say about whom they measured. */
export function metadataOf(model: { readonly provider: string; readonly model: string }): ModelMetadata {
  return { modelName: model.model, modelProvider: model.provider };
}

/** A limit of time on a model's silence. */
export interface IdleLimit {
  /** The model owes something from now on, or from `at`. */
  begin(at?: number): void;
  /** It owes nothing, or has given it. */
  end(): void;
  /** Ends it and gives back its timer. */
  dispose(): void;
}

/**
 * Makes a limit of time. Its one timer is armed when it is first needed, and on firing looks whether the model is really
 * late, so that a chunk costs no timer. What is paused does not count.
 */
export function idleLimit(clock: Clock, limitMs: number, onExpire: () => void, pause?: IdlePause): IdleLimit {
  let since = -1; // nothing is owed
  let pausedBefore = 0;
  let off: (() => void) | undefined;

  const check = (): void => {
    off = undefined;
    if (since < 0) return; // the next `begin` arms it again
    if (pause?.paused) {
      off = pause.whenResumed(check);
      return;
    }
    const due = since + limitMs + (pause === undefined ? 0 : pause.pausedMs() - pausedBefore);
    if (clock.now() < due) {
      off = clock.schedule(due, check);
    } else {
      since = -1;
      onExpire();
    }
  };

  return {
    begin(at = clock.now()) {
      since = at;
      if (pause !== undefined) pausedBefore = pause.pausedMs();
      if (off === undefined && limitMs < Infinity) off = clock.schedule(since + limitMs, check);
    },
    end() {
      since = -1;
    },
    dispose() {
      since = -1;
      off?.();
      off = undefined;
    },
  };
}

/** A pause that can be cut short. */
export interface Nap {
  /** Resolves after `ms`, or when woken. */
  sleep(ms: number): Promise<void>;
  wake(): void;
}

/** Makes a {@linkcode Nap}, for one sleeper at a time. */
export function nap(clock: Clock): Nap {
  let wake = (): void => {};
  return {
    sleep: (ms) =>
      new Promise((resolve) => {
        const off = clock.schedule(clock.now() + ms, resolve);
        wake = () => {
          off();
          resolve();
        };
      }),
    wake: () => wake(),
  };
}

/** Reports of one call, which nothing that a listener throws can break. */
export interface Reporter {
  error(error: unknown, recoverable: boolean): void;
  metrics(metrics: ModelMetrics): void;
  /** An attempt begins; the function returned ends it, once. */
  attempt(retryCount: number): (end: AttemptEnd) => void;
  /** The call is over. */
  close(): void;
}

/** Makes a {@linkcode Reporter}. */
export function reporter(type: ModelErrorEvent["type"], label: string, clock: Clock, report: AttemptReport): Reporter {
  return {
    error: (error, recoverable) =>
      safely(() => report.error({ type, timestamp: clock.now(), label, error, recoverable })),
    metrics: (metrics) => safely(() => report.metrics(metrics)),
    attempt(retryCount) {
      let end: ((end: AttemptEnd) => void) | undefined;
      if (report.attempt !== undefined) safely(() => (end = report.attempt?.(retryCount)));
      return (how) => {
        const once = end;
        end = undefined;
        if (once !== undefined) safely(() => once(how));
      };
    },
    close() {
      if (report.close !== undefined) safely(() => report.close?.());
    },
  };
}

/** Runs what must not break its caller. A report has nobody to be told that reporting failed. */
export function safely(run: () => void): void {
  try {
    run();
  } catch {
    // The listener's own error is the listener's: a call of a model goes on.
  }
}
