/**
 * A request to a language model, with its time-outs, retries and measurements.
 *
 * @module
 */
import {
  type AttemptOptions,
  finalError,
  idleLimit,
  judge,
  labelOf,
  metadataOf,
  nap,
  reporter,
  retryDelayMs,
  timeoutError,
} from "./attempt_policy.ts";
import type { AttemptEnd } from "./host.ts";
import type { ChatChunk, ChatRequest, CompletionUsage, LLM } from "./llm.ts";

/** True for a chunk with text or calls; others only carry figures. */
export function hasResponse({ delta }: ChatChunk): boolean {
  if (delta === undefined) return false;
  return (delta.content !== undefined && delta.content !== "") ||
    (delta.toolCalls !== undefined && delta.toolCalls.length > 0);
}

/**
 * Makes a request, at once, and gives its chunks as they are read.
 *
 * A failure is tried again as long as no text and no call came out, the error is retryable and retries are left: after 100 ms,
 * then after `retryIntervalMs` each. The limit of time runs while a reader waits, to the first chunk and between chunks.
 * A failure for good is reported and then errors the stream, behind all chunks that came. Status 499, an abort of the
 * request's signal and a cancel end it without a word. A composite model does all of this itself.
 *
 * @example
 * ```ts
 * const chunks = llmAttempt(llm, { chatCtx, signal }, { clock, connOptions: connectOptions(), report, requestId });
 * for await (const { delta } of chunks) captions.write(delta?.content ?? "");
 * ```
 */
export function llmAttempt(llm: LLM, request: ChatRequest, o: AttemptOptions): ReadableStream<ChatChunk> {
  if (llm.composite) return llm.chat({ ...request, host: o });
  const { clock, connOptions } = o;
  const label = labelOf(llm);
  const report = reporter("llm_error", label, clock, o.report);
  const rest = nap(clock);
  const outer = request.signal;
  const startedAt = clock.now();

  let phase: "open" | "stopped" | "over" = "open"; // stopped: from outside, and what is left is to close
  let retryCount = 0;
  let reader: ReadableStreamDefaultReader<ChatChunk> | undefined;
  let abort: AbortController | undefined; // of the attempt that runs
  let endAttempt: (end: AttemptEnd) => void = () => {};
  let ids: string[] = []; // of the attempt, each once
  let isFresh = true; // nothing of the attempt was read
  let isLate = false;
  let isCancelled = false;
  let attemptAt = startedAt;
  let failedOpen: { readonly error: unknown } | undefined; // `chat` threw before anybody read

  let lastId = "";
  let chunkCount = 0;
  let ttftMs = -1;
  let usage: CompletionUsage | undefined;

  const limit = idleLimit(clock, connOptions.timeoutMs, () => {
    isLate = true;
    dropAttempt(timeoutError(label, connOptions.timeoutMs));
  }, o.pause);

  /** Lets go of the connection. A read that waits ends at once, whatever the provider does. */
  const dropAttempt = (reason: unknown): void => {
    abort?.abort(reason);
    reader?.cancel(reason).catch(() => {}); // what fails here belongs to an attempt that nobody wants any more
  };

  const openAttempt = (): void => {
    endAttempt = report.attempt(retryCount);
    abort = new AbortController();
    ids = [];
    isFresh = true;
    isLate = false;
    attemptAt = clock.now();
    const attempt: ChatRequest = { ...request, signal: abort.signal, retryCount, host: o };
    reader = llm.chat(attempt).getReader();
  };

  const read = async (): Promise<ChatChunk | undefined> => {
    if (failedOpen !== undefined) {
      const { error } = failedOpen;
      failedOpen = undefined;
      throw error;
    }
    if (reader === undefined) openAttempt();
    limit.begin(isFresh ? attemptAt : clock.now());
    try {
      const { done, value } = await reader!.read();
      if (isLate) throw timeoutError(label, connOptions.timeoutMs);
      isFresh = false;
      return done ? undefined : value;
    } finally {
      limit.end();
    }
  };

  const note = (chunk: ChatChunk): void => {
    chunkCount += 1;
    if (chunk.id !== "" && chunk.id !== lastId) {
      lastId = chunk.id;
      if (!ids.includes(chunk.id)) ids.push(chunk.id);
    }
    if (ttftMs < 0 && hasResponse(chunk)) ttftMs = clock.now() - startedAt;
    if (chunk.usage !== undefined) usage = chunk.usage;
  };

  const leave = (): void => {
    phase = "over";
    limit.dispose();
    outer?.removeEventListener("abort", onAbort);
  };

  const measure = (cancelled: boolean): void => {
    if (chunkCount === 0) return;
    const now = clock.now();
    const durationMs = now - startedAt;
    report.metrics({
      type: "llm_metrics",
      timestamp: now,
      label,
      metadata: metadataOf(llm),
      requestId: lastId === "" ? o.requestId() : lastId,
      durationMs,
      ttftMs,
      cancelled,
      completionTokens: usage?.completionTokens ?? 0,
      promptTokens: usage?.promptTokens ?? 0,
      promptCachedTokens: usage?.promptCachedTokens ?? 0,
      cacheCreationTokens: usage?.cacheCreationTokens ?? 0,
      totalTokens: usage?.totalTokens ?? 0,
      tokensPerSecond: usage === undefined || durationMs <= 0 ? 0 : usage.completionTokens * 1000 / durationMs,
      ...(o.speechId === undefined ? {} : { speechId: o.speechId }),
    });
  };

  /** Ended from outside: by the signal, or by a reader that leaves. */
  const stop = (reason: unknown): void => {
    if (phase !== "open") return;
    leave();
    phase = "stopped";
    dropAttempt(reason);
    endAttempt({ requestIds: ids });
    measure(true);
    report.close();
    rest.wake();
  };
  const onAbort = (): void => stop(outer?.reason);

  return new ReadableStream<ChatChunk>({
    start() {
      if (outer?.aborted) {
        phase = "stopped";
        return;
      }
      outer?.addEventListener("abort", onAbort);
      try {
        openAttempt(); // before anybody reads: the provider works while the pipeline is built
      } catch (error) {
        failedOpen = { error };
      }
    },
    async pull(controller) {
      while (phase === "open") {
        try {
          const chunk = await read();
          if (phase !== "open") break;
          if (chunk === undefined) {
            leave();
            endAttempt({ requestIds: ids });
            measure(false);
            report.close();
          } else {
            note(chunk);
            controller.enqueue(chunk);
            return;
          }
        } catch (error) {
          if (phase !== "open") break;
          const failed = { error, retryCount, maxRetry: connOptions.maxRetry, hasOutput: ttftMs >= 0 };
          const verdict = judge(failed);
          reader?.cancel(error).catch(() => {});
          reader = undefined;
          endAttempt({ requestIds: ids, ...(verdict === "quiet" ? {} : { error }) });
          if (verdict === "quiet") {
            leave();
            measure(true);
            report.close();
          } else if (verdict === "retry") {
            report.error(error, true);
            if (phase !== "open") break; // whoever was told has stopped it
            await rest.sleep(retryDelayMs(retryCount, connOptions));
            retryCount += 1;
            chunkCount = 0;
            usage = undefined;
          } else {
            leave();
            const reason = finalError(label, failed);
            report.error(reason, false);
            report.close();
            controller.error(reason);
            return;
          }
        }
      }
      if (!isCancelled) controller.close();
    },
    cancel(reason) {
      isCancelled = true;
      stop(reason);
    },
  }, { highWaterMark: 0 });
}
