/**
 * A voice that takes as long, and gives as much sound, as a script says.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import { APIConnectionError } from "../model/error.ts";
import type { FlushMark, TimedString } from "../model/marks.ts";
import type { SynthesizedAudio, TTS, TTSOptions, TTSStream } from "../model/tts.ts";

/** A text at which a voice fails instead of speaking. */
export interface ScriptedTTSError {
  /** The text. */
  readonly text: string;
  /** How many attempts fail. Default: all. */
  readonly attempts?: number;
  /** Default true. */
  readonly retryable?: boolean;
  /** Milliseconds of sound that come out before it fails. Default 0. */
  readonly afterAudioMs?: number;
  /** Default: an `APIConnectionError`. */
  readonly error?: unknown;
}

/** What a voice does. Times are milliseconds. */
export interface TTSScript {
  /** From the end of the text to its sound, which then comes at once. Default 0. */
  readonly ttfbMs?: number;
  /** Default 50. */
  readonly msPerChar?: number;
  /** How long a text lasts, where not by its length. */
  readonly durations?: Readonly<Record<string, number>>;
  /** Texts that fail. */
  readonly errors?: readonly ScriptedTTSError[];
  /** Texts for which no sound ever comes. */
  readonly hangs?: readonly string[];
}

/** A text as a scripted voice got it, with every attempt anew. */
export interface ScriptedTTSRequest {
  /** Its number, from 0. */
  readonly n: number;
  /** When it came, by the clock. */
  readonly at: number;
  /** The text. */
  readonly text: string;
  /** It was stopped before its sound came. */
  cancelled: boolean;
}

/** How a scripted voice is made. */
export interface ScriptedTTSOptions {
  /** The clock it works by. */
  readonly clock: Clock;
  /** Default `"scripted"`. */
  readonly model?: string;
  /** Default `"repartee"`. */
  readonly provider?: string;
  /** Default 24,000. */
  readonly sampleRate?: number;
  /** Length of a frame, in milliseconds. Default 100. */
  readonly frameMs?: number;
  /** Frames carry the times of their words. Default false. */
  readonly alignedTranscript?: boolean;
  /** False: it only speaks whole texts, by `synthesize`. Default true. */
  readonly streaming?: boolean;
  /** Told each text when it is whole, with every attempt. */
  readonly onRequest?: (request: ScriptedTTSRequest) => void;
  /** Told each text that was stopped before its sound came. */
  readonly onCancel?: (request: ScriptedTTSRequest) => void;
}

/** A voice that follows a script. */
export interface ScriptedTTS extends TTS {
  /** All texts so far. */
  readonly requests: readonly ScriptedTTSRequest[];
}

/**
 * Makes a voice that follows a script. It takes text until a flush or the end of its input, waits, and gives all the
 * sound, which is silence, at once; the last frame is `final`. Blank text gives none.
 *
 * @example
 * ```ts
 * const tts = scriptedTTS({ ttfbMs: 200, durations: { "Good morning.": 900 } }, { clock });
 * ```
 */
export function scriptedTTS(script: TTSScript, options: ScriptedTTSOptions): ScriptedTTS {
  const { clock, sampleRate = 24_000, frameMs = 100, streaming = true, alignedTranscript = false } = options;
  const requests: ScriptedTTSRequest[] = [];
  const failures = new Map<ScriptedTTSError, number>();

  const failureOf = (text: string): ScriptedTTSError | undefined => {
    const error = script.errors?.find((entry) => entry.text === text);
    if (error === undefined) return undefined;
    const before = failures.get(error) ?? 0;
    if (before >= (error.attempts ?? Infinity)) return undefined;
    failures.set(error, before + 1);
    return error;
  };

  const framesOf = (durationMs: number): AudioFrame[] => {
    let left = Math.round(durationMs * sampleRate / 1000);
    const whole = Math.max(1, Math.round(frameMs * sampleRate / 1000));
    const frames: AudioFrame[] = [];
    for (; left > 0; left -= whole) frames.push(audioFrame(new Int16Array(Math.min(left, whole)), sampleRate));
    return frames;
  };

  const audioOf = (request: ScriptedTTSRequest, durationMs: number, isWhole: boolean): SynthesizedAudio[] => {
    const id = `tts_${request.n}`;
    const frames = framesOf(durationMs);
    const words = alignedTranscript ? wordsOf(request.text, durationMs) : [];
    return frames.map((frame, index) => {
      const from = index * frameMs;
      const mine = words.filter(({ startMs = 0 }) => startMs >= from && startMs < from + frameMs);
      return {
        frame,
        requestId: id,
        segmentId: id,
        ...(isWhole && index === frames.length - 1 ? { final: true } : {}),
        ...(alignedTranscript ? { timedTranscript: mine } : {}),
      };
    });
  };

  const open = ({ signal }: TTSOptions = {}): TTSStream => {
    let text = "";
    let phase: "open" | "ended" | "over" = "open";
    let waiting: { readonly request: ScriptedTTSRequest; readonly off: () => void } | undefined;
    const queue: ScriptedTTSRequest[] = []; // texts that wait for the one before them
    let failed: { readonly error: unknown } | undefined;
    let out: ReadableStreamDefaultController<SynthesizedAudio>;
    let into: WritableStreamDefaultController;

    const leave = (): void => {
      phase = "over";
      signal?.removeEventListener("abort", cut);
      waiting?.off();
    };
    const cancel = (): void => {
      if (phase === "over") return;
      leave();
      for (const request of waiting === undefined ? queue : [waiting.request, ...queue]) {
        request.cancelled = true;
        options.onCancel?.(request);
      }
    };
    const cut = (): void => {
      if (phase === "over") return;
      cancel();
      out.error(signal?.reason);
      into.error(signal?.reason);
    };
    const fail = (error: unknown): void => {
      leave();
      failed = { error };
      if (out.desiredSize === 0) out.error(error); // else `pull`, behind what is queued
      into.error(error);
    };

    const speak = (): void => {
      if (phase === "over" || waiting !== undefined) return;
      const request = queue.shift();
      if (request === undefined) {
        if (phase !== "ended") return;
        leave();
        out.close();
        return;
      }
      if (script.hangs?.includes(request.text)) {
        waiting = { request, off: () => {} };
        return;
      }
      const done = (): void => {
        waiting = undefined;
        const failure = failureOf(request.text);
        const durationMs = failure === undefined ? durationOf(script, request.text) : failure.afterAudioMs ?? 0;
        for (const audio of audioOf(request, durationMs, failure === undefined)) out.enqueue(audio);
        if (failure === undefined) return speak();
        fail(
          failure.error ?? new APIConnectionError({
            message: "The scripted voice failed as its script says",
            options: { retryable: failure.retryable ?? true },
          }),
        );
      };
      const off = clock.schedule(clock.now() + (script.ttfbMs ?? 0), done);
      waiting = { request, off };
    };

    const take = (): void => {
      if (text.trim() === "") return;
      const request: ScriptedTTSRequest = { n: requests.length, at: clock.now(), text, cancelled: false };
      text = "";
      requests.push(request);
      queue.push(request);
      options.onRequest?.(request);
      speak();
    };

    const readable = new ReadableStream<SynthesizedAudio>({
      start(controller) {
        out = controller;
      },
      pull(controller) {
        if (failed !== undefined) controller.error(failed.error);
      },
      cancel(reason) {
        cancel();
        into.error(reason);
      },
    }, { highWaterMark: 0 });
    const writable = new WritableStream<string | FlushMark>({
      start(controller) {
        into = controller;
      },
      write(part) {
        if (typeof part === "string") text += part;
        else take();
      },
      close() {
        take();
        phase = "ended";
        speak();
      },
      abort(reason) {
        if (phase === "over") return;
        cancel();
        out.error(reason);
      },
    });
    if (signal?.aborted) cut();
    else signal?.addEventListener("abort", cut);
    return { readable, writable };
  };

  return {
    kind: "tts",
    model: options.model ?? "scripted",
    provider: options.provider ?? "repartee",
    sampleRate,
    channels: 1,
    capabilities: { streaming, alignedTranscript },
    requests,
    ...(streaming ? { stream: open } : {}),
    synthesize(text, given) {
      const { readable, writable } = open(given);
      const writer = writable.getWriter();
      writer.write(text).then(() => writer.close()).catch(() => {}); // a failure shows in the readable side
      return readable;
    },
  };
}

function durationOf({ durations = {}, msPerChar = 50 }: TTSScript, text: string): number {
  return durations[text] ?? durations[text.trim()] ?? text.length * msPerChar;
}

/** The words of a text, each as long as its share of the letters. */
function wordsOf(text: string, durationMs: number): TimedString[] {
  const words = text.match(/\S+\s*/gu) ?? [];
  const length = words.reduce((sum, word) => sum + word.length, 0);
  let at = 0;
  return words.map((word) => {
    const startMs = at * durationMs / length;
    at += word.length;
    return { text: word, startMs, endMs: at * durationMs / length };
  });
}
