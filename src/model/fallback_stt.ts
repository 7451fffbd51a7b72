/**
 * A recogniser made of several: the first that hears.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
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
import type { APIConnectionError } from "./error.ts";
import type { ModelHost } from "./host.ts";
import { type AudioInputPart, isMark } from "./marks.ts";
import { recognizeAttempt } from "./recognize_attempt.ts";
import { later } from "./speech_time.ts";
import type { SpeechEvent, STT, STTOptions, STTStream } from "./stt.ts";
import { sttAttempt } from "./stt_attempt.ts";
import { sttStreamAdapter } from "./stt_stream_adapter.ts";
import type { VAD } from "./vad.ts";

/** How to fall back. */
export interface FallbackSTTOptions {
  /** Cuts the segments for recognisers that do not stream. Needed when there is one. */
  readonly vad?: VAD;
  /** How long one recogniser may take, in milliseconds. Default 10,000. */
  readonly attemptTimeoutMs?: number;
  /** Retries of one recogniser before the next is asked. Default 1. */
  readonly maxRetryPerSTT?: number;
  /** Between the second and later retries, in milliseconds. Default 5,000. */
  readonly retryIntervalMs?: number;
  /** Told when one of the models fails, or comes back. */
  readonly onAvailabilityChanged?: (event: AvailabilityEvent<STT>) => void;
}

/** A recogniser made of several. */
export type FallbackSTT = STT & Required<Pick<STT, "stream" | "recognize">> & Fallback<STT>;

/**
 * Makes a recogniser of several, in the order of preference. When one fails, the next goes on at the same place of the time
 * line; what the failed one had heard is not played again. A recogniser that failed listens along until it understands
 * something, and is used for the next stream. Each is measured as itself, with those that listen along marked as probes.
 *
 * @throws {AgentError} `model.bad_option` for an empty list, an option that makes no sense, or a stream outside a session;
 * `model.no_capability` when one does not stream and no `vad` is given.
 */
export function fallbackSTT(stts: readonly STT[], options: FallbackSTTOptions = {}): FallbackSTT {
  const { vad } = options;
  const connOptions = connectOptions({
    maxRetry: options.maxRetryPerSTT ?? 1,
    retryIntervalMs: options.retryIntervalMs ?? 5_000,
    ...(options.attemptTimeoutMs === undefined ? {} : { timeoutMs: options.attemptTimeoutMs }),
  });
  const list = roster(stts, "stt_availability_changed", options.onAvailabilityChanged);
  const deaf = vad === undefined ? stts.filter((stt) => stt.stream === undefined) : [];
  if (deaf.length > 0) {
    throw new AgentError(
      "model.no_capability",
      `Cannot fall back as recognisers that do not stream need a \`vad\`: current value is none for ${
        deaf.map(labelOf).join(", ")
      }`,
    );
  }
  const name = { provider: "repartee", model: "FallbackAdapter" };
  const streamingOf = (stt: STT, { clock }: ModelHost): STT =>
    stt.stream !== undefined || vad === undefined ? stt : sttStreamAdapter(stt, vad, { clock, connOptions });

  const probeStream = (stt: STT, host: ModelHost, o: STTOptions, ears: Set<Ear>): void =>
    list.probe(stt, host, async (signal) => {
      const { signal: _outer, host: _host, ...given } = o;
      const { readable, writable } = sttAttempt(streamingOf(stt, host), {
        ...host,
        report: probeReport(host),
        connOptions: { ...connOptions, maxRetry: 0 },
        options: { ...given, signal },
      });
      const ear = writable.getWriter();
      ear.closed.catch(() => {}); // the reader tells
      ears.add(ear);
      try {
        for await (const event of readable) {
          if (event.type === "final_transcript" && (event.alternatives[0]?.text ?? "") !== "") return true;
        }
        return false;
      } finally {
        ears.delete(ear);
      }
    });

  const stream = (o: STTOptions = {}): STTStream => {
    const host = hostOf(o.host);
    const { signal } = o;
    const startedAt = host.clock.now();
    const { tried, skipped } = list.turn();
    const ears = new Set<Ear>(); // those that listen along
    let next = 0;
    let current: STT | undefined;
    let reader: ReadableStreamDefaultReader<SpeechEvent> | undefined;
    let writer: Ear | undefined;
    let heardMs = 0;
    let offsetMs = 0;
    let hasEnded = false;
    let failure: { readonly reason: unknown } | undefined;
    let isOver = false;
    let into: WritableStreamDefaultController;

    const openNext = (): boolean => {
      current = tried[next];
      if (current === undefined) return false;
      next += 1;
      offsetMs = heardMs;
      const { host: _host, ...given } = o;
      const attempt = sttAttempt(streamingOf(current, host), {
        ...host,
        report: childReport(host),
        connOptions,
        options: given,
      });
      reader = attempt.readable.getReader();
      writer = attempt.writable.getWriter();
      writer.closed.catch(() => {}); // the reader tells
      if (hasEnded) writer.close().catch(() => {});
      return true;
    };
    const leave = (): void => {
      isOver = true;
      for (const ear of ears) ear.close().catch(() => {});
      ears.clear();
      safely(() => host.report.close?.());
    };

    const readable = new ReadableStream<SpeechEvent>({
      async pull(controller) {
        while (!isOver) {
          try {
            const { done, value } = await reader!.read();
            if (isOver) return;
            if (!done) {
              controller.enqueue(later(value, offsetMs));
              return;
            }
            if (!signal?.aborted) list.set(current!, true);
            leave();
            controller.close();
          } catch (error) {
            if (isOver) return;
            if (failure !== undefined) { // the input itself failed
              leave();
              controller.error(failure.reason);
              return;
            }
            list.set(current!, false);
            if (!hasEnded) probeStream(current!, host, o, ears);
            if (openNext()) continue;
            const reason = allFailed(tried, host.clock.now() - startedAt, error);
            safely(() =>
              host.report.error({
                type: "stt_error",
                timestamp: host.clock.now(),
                label: labelOf(name),
                error: reason,
                recoverable: false,
              })
            );
            for (const ear of ears) ear.abort(reason).catch(() => {});
            leave();
            into.error(reason);
            controller.error(reason);
          }
        }
      },
      async cancel(reason) {
        if (isOver) return;
        leave();
        into.error(reason);
        await reader?.cancel(reason);
      },
    }, { highWaterMark: 0 });
    const writable = new WritableStream<AudioInputPart>({
      start(controller) {
        into = controller;
      },
      write(part) {
        if (isOver) return;
        if (!isMark(part)) heardMs += frameDurationMs(part);
        for (const ear of [writer!, ...ears]) ear.write(part).catch(() => {}); // each tells by its own reader
      },
      close() {
        hasEnded = true;
        for (const ear of [writer!, ...ears]) ear.close().catch(() => {});
      },
      abort(reason) {
        failure = { reason };
        for (const ear of [writer!, ...ears]) ear.abort(reason).catch(() => {});
      },
    });
    openNext();
    for (const stt of skipped) probeStream(stt, host, o, ears);
    return { readable, writable };
  };

  const recognize = async (
    frames: readonly AudioFrame[],
    o: STTOptions & { readonly previous?: string } = {},
  ): Promise<SpeechEvent> => {
    const host = hostOf(o.host);
    const startedAt = host.clock.now();
    const { host: _host, signal, ...given } = o;
    const probe = (stt: STT): void =>
      list.probe(stt, host, async (probing) => {
        await recognizeAttempt(stt, frames, {
          ...host,
          report: probeReport(host),
          connOptions: { ...connOptions, maxRetry: 0 },
          options: { ...given, signal: probing },
        });
        return true;
      });
    const { tried, skipped } = list.turn();
    for (const stt of skipped) probe(stt);
    let lastError: unknown;
    for (const stt of tried) {
      try {
        const event = await recognizeAttempt(stt, frames, {
          ...host,
          report: childReport(host),
          connOptions,
          options: { ...given, ...(signal === undefined ? {} : { signal }) },
        });
        list.set(stt, true);
        safely(() => host.report.close?.());
        return event;
      } catch (error) {
        signal?.throwIfAborted();
        lastError = error;
        list.set(stt, false);
        probe(stt);
      }
    }
    const error: APIConnectionError = allFailed(tried, host.clock.now() - startedAt, lastError);
    safely(() =>
      host.report.error({
        type: "stt_error",
        timestamp: host.clock.now(),
        label: labelOf(name),
        error,
        recoverable: false,
      })
    );
    safely(() => host.report.close?.());
    throw error;
  };

  const aligned = stts.map(({ capabilities }) => capabilities.alignedTranscript);
  const all = (has: (stt: STT) => boolean | undefined): boolean => stts.every((stt) => has(stt) === true);
  const any = (has: (stt: STT) => boolean | undefined): boolean => stts.some((stt) => has(stt) === true);
  return {
    kind: "stt",
    ...name,
    composite: true,
    capabilities: {
      streaming: true,
      interimResults: all((stt) => stt.capabilities.interimResults),
      diarization: all((stt) => stt.capabilities.diarization),
      keyterms: any((stt) => stt.capabilities.keyterms),
      chatContext: any((stt) => stt.capabilities.chatContext),
      alignedTranscript: aligned.every((value) => value !== undefined && value !== false) ? aligned[0]! : false,
    },
    stream,
    recognize,
    isAvailable: list.isAvailable,
    close: list.close,
    prewarm: async () => await stts[0]?.prewarm?.(),
  };
}

type Ear = WritableStreamDefaultWriter<AudioInputPart>;
