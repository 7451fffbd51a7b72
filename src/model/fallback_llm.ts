/**
 * A language model made of several: the first that answers.
 *
 * @module
 */
import { labelOf, safely } from "./attempt_policy.ts";
import {
  allFailed,
  type AvailabilityEvent,
  childReport,
  type Fallback,
  hostOf,
  probeReport,
  roster,
} from "./availability.ts";
import { connectOptions } from "./connect_options.ts";
import { APIConnectionError } from "./error.ts";
import type { ModelHost } from "./host.ts";
import type { ChatChunk, ChatRequest, LLM } from "./llm.ts";
import { hasResponse, llmAttempt } from "./llm_attempt.ts";

/** How to fall back. */
export interface FallbackLLMOptions {
  /** How long one model may take to its first chunk, and between chunks, in milliseconds. Default 5,000. */
  readonly attemptTimeoutMs?: number;
  /** Retries of one model before the next is asked. Default 0. */
  readonly maxRetryPerLLM?: number;
  /** Between retries, in milliseconds. Default 500. */
  readonly retryIntervalMs?: number;
  /** Fall back even after a part of an answer was given out: the whole answer of the next follows it. Default false. */
  readonly retryOnChunkSent?: boolean;
  /** Told when one of the models fails, or comes back. */
  readonly onAvailabilityChanged?: (event: AvailabilityEvent<LLM>) => void;
}

/** A language model made of several. */
export type FallbackLLM = LLM & Fallback<LLM>;

/**
 * Makes a language model of several, in the order of preference. A model that fails is passed over until it answers again;
 * whether it does is found out by the same request, stopped at its first chunk, once per request and beside it. When none
 * is left, all are tried. Each is measured as itself.
 *
 * @throws {AgentError} `model.bad_option` for an empty list, an option that makes no sense, or a request outside a session.
 *
 * @example
 * ```ts
 * const llm = fallbackLLM([openaiLLM({ model: "gpt-4.1" }), openaiLLM({ model: "llama3.2", baseURL })]);
 * ```
 */
export function fallbackLLM(llms: readonly LLM[], options: FallbackLLMOptions = {}): FallbackLLM {
  const connOptions = connectOptions(
    {
      ...(options.maxRetryPerLLM === undefined ? {} : { maxRetry: options.maxRetryPerLLM }),
      ...(options.retryIntervalMs === undefined ? {} : { retryIntervalMs: options.retryIntervalMs }),
      ...(options.attemptTimeoutMs === undefined ? {} : { timeoutMs: options.attemptTimeoutMs }),
    },
    { maxRetry: 0, retryIntervalMs: 500, timeoutMs: 5_000 },
  );
  const list = roster(llms, "llm_availability_changed", options.onAvailabilityChanged);
  const name = { provider: "repartee", model: "FallbackAdapter" };

  const probe = (llm: LLM, request: ChatRequest, host: ModelHost): void =>
    list.probe(llm, host, async (signal) => {
      const stream = llmAttempt(llm, { ...request, signal }, {
        ...host,
        report: probeReport(host),
        connOptions: { ...connOptions, maxRetry: 0 },
      });
      for await (const chunk of stream) {
        if (hasResponse(chunk)) return true; // leaving the loop stops the rest
      }
      return !signal.aborted;
    });

  const chat = (request: ChatRequest): ReadableStream<ChatChunk> => {
    const host = hostOf(request.host);
    const { signal } = request;
    const startedAt = host.clock.now();
    const { tried, skipped } = list.turn();
    let next = 0;
    let current: LLM | undefined;
    let reader: ReadableStreamDefaultReader<ChatChunk> | undefined;
    let hasOutput = false;
    let lastError: unknown;
    let isOver = false;

    const openNext = (): boolean => {
      current = tried[next];
      if (current === undefined) return false;
      next += 1;
      reader = llmAttempt(current, request, { ...host, report: childReport(host), connOptions }).getReader();
      return true;
    };
    const leave = (): void => {
      isOver = true;
      safely(() => host.report.close?.());
    };
    const fail = (controller: ReadableStreamDefaultController<ChatChunk>, error: APIConnectionError): void => {
      safely(() =>
        host.report.error({
          type: "llm_error",
          timestamp: host.clock.now(),
          label: labelOf(name),
          error,
          recoverable: false,
        })
      );
      leave();
      controller.error(error);
    };

    return new ReadableStream<ChatChunk>({
      start() {
        openNext();
        for (const llm of skipped) probe(llm, request, host);
      },
      async pull(controller) {
        while (!isOver) {
          try {
            const { done, value } = await reader!.read();
            if (isOver) return;
            if (!done) {
              hasOutput ||= hasResponse(value);
              controller.enqueue(value);
              return;
            }
            if (!signal?.aborted) list.set(current!, true);
            leave();
            controller.close();
          } catch (error) {
            if (isOver) return;
            lastError = error;
            const failed = current!;
            list.set(failed, false);
            probe(failed, request, host);
            if (hasOutput && options.retryOnChunkSent !== true) {
              fail(
                controller,
                new APIConnectionError({
                  message: `${labelOf(failed)} failed after a part of the answer was given out`,
                  options: { retryable: false, cause: error },
                }),
              );
            } else if (!openNext()) {
              fail(controller, allFailed(tried, host.clock.now() - startedAt, lastError));
            }
          }
        }
      },
      async cancel(reason) {
        if (isOver) return;
        isOver = true;
        await reader?.cancel(reason);
        safely(() => host.report.close?.());
      },
    }, { highWaterMark: 0 });
  };

  return {
    kind: "llm",
    ...name,
    composite: true,
    chat,
    isAvailable: list.isAvailable,
    close: list.close,
    prewarm: async () => await llms[0]?.prewarm?.(),
  };
}
