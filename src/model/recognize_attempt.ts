/**
 * Recognition of a whole segment of speech, with its time-out, retries and measurement.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import {
  type AttemptOptions,
  finalError,
  idleLimit,
  labelOf,
  metadataOf,
  nap,
  reporter,
  retryDelayMs,
  timeoutError,
} from "./attempt_policy.ts";
import { isRetryable } from "./error.ts";
import type { SpeechEvent, STT, STTOptions } from "./stt.ts";

/** What a session says about one recognition of a whole segment. */
export interface RecognizeAttemptOptions extends AttemptOptions {
  readonly options?: STTOptions & { readonly previous?: string };
}

/**
 * Recognises one segment of speech. A retryable failure is tried again; an attempt may take `timeoutMs` as a whole. Measures
 * the recognition that succeeds. For recognisers that cannot stream.
 *
 * @throws {AgentError} `model.no_capability` when the recogniser only streams. Rejects with the reason of the signal when it
 * is aborted, and with the error of the last attempt otherwise.
 */
export async function recognizeAttempt(
  stt: STT,
  frames: readonly AudioFrame[],
  o: RecognizeAttemptOptions,
): Promise<SpeechEvent> {
  const label = labelOf(stt);
  if (stt.recognize === undefined) {
    throw new AgentError(
      "model.no_capability",
      `Cannot recognise a segment with ${label} as it must take whole segments: current value is none`,
    );
  }
  const given = { ...o.options, host: o };
  if (stt.composite) return await stt.recognize(frames, given);
  const { clock, connOptions } = o;
  const outer = o.options?.signal;
  const report = reporter("stt_error", label, clock, o.report);
  const rest = nap(clock);
  outer?.addEventListener("abort", rest.wake);
  try {
    for (let retryCount = 0;; retryCount += 1) {
      outer?.throwIfAborted();
      const end = report.attempt(retryCount);
      const startedAt = clock.now();
      try {
        const event = await within(
          (signal) => stt.recognize!(frames, { ...given, signal }),
          { ...o, label, ...(outer === undefined ? {} : { signal: outer }) },
        );
        end({ requestIds: event.requestId === undefined ? [] : [event.requestId] });
        report.metrics({
          type: "stt_metrics",
          timestamp: clock.now(),
          label,
          metadata: metadataOf(stt),
          requestId: event.requestId === undefined || event.requestId === "" ? o.requestId() : event.requestId,
          durationMs: clock.now() - startedAt,
          audioDurationMs: frames.reduce((sum, frame) => sum + frameDurationMs(frame), 0),
          inputTokens: 0,
          outputTokens: 0,
          streamed: false,
        });
        return event;
      } catch (error) {
        if (outer?.aborted) {
          end({ requestIds: [] });
          throw outer.reason;
        }
        end({ requestIds: [], error });
        if (!isRetryable(error) || retryCount >= connOptions.maxRetry) {
          const reason = finalError(label, { error, retryCount, maxRetry: connOptions.maxRetry, hasOutput: false });
          report.error(reason, false);
          throw reason;
        }
        report.error(error, true);
        if (!outer?.aborted) await rest.sleep(retryDelayMs(retryCount, connOptions));
      }
    }
  } finally {
    report.close();
    outer?.removeEventListener("abort", rest.wake);
  }
}

/** Runs work that may take so long, and not longer than its signal allows. Work that does not listen is left behind. */
function within<T>(
  work: (signal: AbortSignal) => Promise<T>,
  o: AttemptOptions & { readonly label: string; readonly signal?: AbortSignal },
): Promise<T> {
  const abort = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => {
      limit.dispose();
      o.signal?.removeEventListener("abort", onAbort);
    };
    const give = (reason: unknown): void => {
      leave(); // the work may never settle
      reject(reason);
      abort.abort(reason);
    };
    const onAbort = (): void => give(o.signal?.reason);
    const limit = idleLimit(
      o.clock,
      o.connOptions.timeoutMs,
      () => give(timeoutError(o.label, o.connOptions.timeoutMs)),
      o.pause,
    );
    o.signal?.addEventListener("abort", onAbort);
    limit.begin();
    Promise.resolve().then(() => work(abort.signal)).then(resolve, reject).finally(leave);
  });
}
