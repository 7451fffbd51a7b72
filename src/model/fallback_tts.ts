/**
 * A voice made of several: the first that speaks.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { resampleFrames } from "../audio/resample.ts";
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
import { APIConnectionError } from "./error.ts";
import type { ModelHost } from "./host.ts";
import type { FlushMark } from "./marks.ts";
import { textLog } from "./text_log.ts";
import type { SynthesizedAudio, TTS, TTSOptions, TTSStream } from "./tts.ts";
import { ttsAttempt } from "./tts_attempt.ts";
import { ttsStreamAdapter } from "./tts_stream_adapter.ts";

/** How to fall back. */
export interface FallbackTTSOptions {
  /** Retries of one voice before the next is asked. Default 2. */
  readonly maxRetryPerTTS?: number;
  /** Between the second and later retries, in milliseconds. Default 2,000. */
  readonly retryIntervalMs?: number;
  /** How long one voice may keep silent, in milliseconds. Default 10,000. */
  readonly attemptTimeoutMs?: number;
  /** Samples per second of what comes out. Default: the highest of the voices. */
  readonly sampleRate?: number;
  /** Told when one of the models fails, or comes back. */
  readonly onAvailabilityChanged?: (event: AvailabilityEvent<TTS>) => void;
}

/** A voice made of several. */
export type FallbackTTS = TTS & Required<Pick<TTS, "stream">> & Fallback<TTS>;

/**
 * Makes a voice of several, in the order of preference. A voice that fails before any audio came out is replaced by the
 * next, which gets the whole text; after that the failure is final. It is passed over until it speaks again, which is
 * found out with the same text, up to its first frame, beside later requests. All audio has one rate. Voices that take
 * whole sentences only are adapted. Each is measured as itself.
 *
 * @throws {AgentError} `model.bad_option` for an empty list, voices of unequal channels, an option that makes no sense, or a
 * request outside a session.
 */
export function fallbackTTS(voices: readonly TTS[], options: FallbackTTSOptions = {}): FallbackTTS {
  const connOptions = connectOptions({
    maxRetry: options.maxRetryPerTTS ?? 2,
    ...(options.retryIntervalMs === undefined ? {} : { retryIntervalMs: options.retryIntervalMs }),
    ...(options.attemptTimeoutMs === undefined ? {} : { timeoutMs: options.attemptTimeoutMs }),
  });
  const list = roster(voices, "tts_availability_changed", options.onAvailabilityChanged);
  const { channels } = voices[0]!;
  const odd = voices.find((voice) => voice.channels !== channels);
  if (odd !== undefined) {
    throw new AgentError(
      "model.bad_option",
      `Cannot fall back as all voices must have ${channels} channels: current value is ${odd.channels} of ${
        labelOf(odd)
      }`,
    );
  }
  const sampleRate = options.sampleRate ?? Math.max(...voices.map((voice) => voice.sampleRate));
  const name = { provider: "repartee", model: "FallbackAdapter" };
  const streaming = new Map(
    voices.map((voice) => [voice, voice.stream === undefined ? ttsStreamAdapter(voice) : voice]),
  );

  const probe = (voice: TTS, text: string, host: ModelHost): void => {
    if (text.trim() === "") return;
    list.probe(voice, host, async (signal) => {
      const { readable, writable } = ttsAttempt(streaming.get(voice)!, {
        ...host,
        signal,
        report: probeReport(host),
        connOptions: { ...connOptions, maxRetry: 0 },
      });
      const writer = writable.getWriter();
      writer.closed.catch(() => {}); // the reader tells
      writer.write(text).then(() => writer.close()).catch(() => {});
      for await (const _audio of readable) return true; // leaving the loop stops the rest
      return false;
    });
  };

  const stream = (o: TTSOptions = {}): TTSStream => {
    const host = hostOf(o.host);
    const { signal } = o;
    const startedAt = host.clock.now();
    const { tried, skipped } = list.turn();
    const failed: TTS[] = [...skipped];
    const log = textLog();
    const held: SynthesizedAudio[] = [];
    let next = 0;
    let current: TTS | undefined;
    let reader: ReadableStreamDefaultReader<SynthesizedAudio> | undefined;
    let unify: (audio: SynthesizedAudio | undefined) => SynthesizedAudio[] = () => [];
    let hasAudio = false;
    let lastError: unknown;
    let isOver = false;
    let into: WritableStreamDefaultController;

    const openNext = (): boolean => {
      current = tried[next];
      if (current === undefined) return false;
      next += 1;
      const attempt = ttsAttempt(streaming.get(current)!, {
        ...host,
        report: childReport(host),
        connOptions,
        ...(signal === undefined ? {} : { signal }),
        ...(o.voice === undefined ? {} : { voice: o.voice }),
      });
      reader = attempt.readable.getReader();
      unify = toRate(sampleRate);
      log.stream().pipeTo(attempt.writable).catch(() => {}); // the reader tells
      return true;
    };
    const leave = (): void => {
      isOver = true;
      if (!log.isWhole) {
        into.error(new APIConnectionError({ message: "The voice has ended", options: { retryable: false } }));
      }
      log.close();
      for (const voice of failed) probe(voice, log.text(), host);
      safely(() => host.report.close?.());
    };

    openNext();
    const readable = new ReadableStream<SynthesizedAudio>({
      async pull(controller) {
        while (!isOver && held.length === 0) {
          try {
            const { done, value } = await reader!.read();
            if (isOver) return;
            held.push(...unify(value));
            if (!done) {
              hasAudio = true;
              continue;
            }
            if (!signal?.aborted) list.set(current!, true);
            leave();
          } catch (error) {
            if (isOver) return;
            lastError = error;
            if (log.failure !== undefined) { // the text itself failed
              leave();
              controller.error(log.failure.reason);
              return;
            }
            list.set(current!, false);
            failed.push(current!);
            if (!hasAudio && openNext()) continue;
            const reason = hasAudio
              ? new APIConnectionError({
                message: `${labelOf(current!)} failed after a part of its audio was given out`,
                options: { retryable: false, cause: error },
              })
              : allFailed(tried, host.clock.now() - startedAt, lastError);
            safely(() =>
              host.report.error({
                type: "tts_error",
                timestamp: host.clock.now(),
                label: labelOf(name),
                error: reason,
                recoverable: false,
              })
            );
            leave();
            controller.error(reason);
            return;
          }
        }
        const audio = held.shift();
        if (audio !== undefined) controller.enqueue(audio);
        else controller.close();
      },
      async cancel(reason) {
        if (isOver) return;
        leave();
        await reader?.cancel(reason);
      },
    }, { highWaterMark: 0 });
    const writable = new WritableStream<string | FlushMark>({
      start(controller) {
        into = controller;
      },
      write: (part) => log.push(part),
      close: () => log.end(),
      abort: (reason) => log.fail(reason),
    });
    return { readable, writable };
  };

  return {
    kind: "tts",
    ...name,
    composite: true,
    sampleRate,
    channels,
    capabilities: {
      streaming: true,
      alignedTranscript: voices.every(({ capabilities }) => capabilities.alignedTranscript === true),
    },
    stream,
    isAvailable: list.isAvailable,
    close: list.close,
    prewarm: async () => await voices[0]?.prewarm?.(),
  };
}

/** Brings audio to one rate. What a segment still owes comes with its final frame; `undefined` is the end. */
function toRate(sampleRate: number): (audio: SynthesizedAudio | undefined) => SynthesizedAudio[] {
  const resampler = resampleFrames(sampleRate);
  let last: SynthesizedAudio | undefined;
  const dress = (frames: readonly AudioFrame[], audio: SynthesizedAudio): SynthesizedAudio[] =>
    frames.map((frame, index) => {
      const { final, timedTranscript, ...rest } = audio;
      return {
        ...rest,
        frame,
        ...(final && index === frames.length - 1 ? { final } : {}),
        ...(timedTranscript !== undefined && index === 0 ? { timedTranscript } : {}),
      };
    });
  return (audio) => {
    if (audio === undefined) {
      if (last === undefined || last.final) return [];
      const { timedTranscript: _given, ...rest } = last;
      return dress(resampler.flush(), rest);
    }
    last = audio;
    const frames = resampler.push(audio.frame);
    return dress(audio.final ? [...frames, ...resampler.flush()] : frames, audio);
  };
}
