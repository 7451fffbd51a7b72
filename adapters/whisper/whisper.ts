/**
 * Whisper tiny.en, on this machine: English speech to text without a key or the network.
 *
 * It recognises whole segments; in a session, the voice activity detector cuts them. Its weights are OpenAI's, under the MIT
 * licence, in the data package `@repartee/whisper-tiny-en`.
 *
 * @module
 */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { monoFrame } from "../../src/audio/frames.ts";
import { resampler } from "../../src/audio/resample.ts";
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type { SpeechEvent, STT, STTOptions } from "../../src/model/stt.ts";
import { loadWeights } from "../onnx/weights.ts";
import { MAX_SAMPLES, openWhisper, WHISPER_RATE, type WhisperEngine } from "./engine.ts";
import { installedWhisper, WHISPER_NEED, type WhisperSources } from "./weights.ts";
import { openWhisperWorker, workerThreads } from "./worker_engine.ts";

export type { WhisperSources } from "./weights.ts";

/** How to make a {@linkcode WhisperSTT}. */
export interface WhisperOptions {
  /** Where the model's files are. Default: the installed package `@repartee/whisper-tiny-en`. */
  readonly weights?: WhisperSources;
  /** Listens in a worker where the place has them, so that the session is not held up. Default true. */
  readonly worker?: boolean;
  /** The session's clock: a virtual one then stands still while the model works. Default: the session's own. */
  readonly clock?: Clock;
}

/** Whisper. Make one for the process and share it: it takes requests in turn. */
export interface WhisperSTT extends STT, AsyncDisposable {
  /** Recognises one whole segment. `previous` are the words before it, which help with names. */
  recognize(frames: readonly AudioFrame[], options?: STTOptions & { readonly previous?: string }): Promise<SpeechEvent>;
  /** Loads the weights, so that the first words do not wait for them. */
  prewarm(): Promise<void>;
  /** Ends the worker and frees the model; what is being recognised fails. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a recogniser. The model is loaded at the first request, or by `prewarm()`: about a second, and 500 MB.
 *
 * A request takes 0.2 to 0.5 s and at most 30 s of sound; what is longer is cut off. Silence and noise give an empty text. A
 * request whose signal is aborted rejects at once, and its result is thrown away.
 *
 * @throws {AgentError} In `recognize` and `prewarm`: `weights.missing` and `runtime.missing` when the packages are not
 *   installed, `model.closed` after `close()`.
 *
 * @example
 * ```ts
 * await using stt = whisperSTT();
 * const { alternatives } = await stt.recognize([frame]);
 * ```
 */
export function whisperSTT({ weights, worker = true, clock }: WhisperOptions = {}): WhisperSTT {
  let opening: Promise<WhisperEngine> | undefined;
  let isClosed = false;
  let requestCount = 0;

  const open = async (): Promise<WhisperEngine> => {
    const sources = weights ?? installedWhisper();
    const threads = worker ? workerThreads() : undefined;
    if (threads !== undefined) return await openWhisperWorker(threads, sources);
    const [encoder, decoder, vocabulary] = await Promise.all([
      loadWeights(sources.encoder, WHISPER_NEED),
      loadWeights(sources.decoder, WHISPER_NEED),
      loadWeights(sources.vocabulary, WHISPER_NEED),
    ]);
    return await openWhisper({ encoder, decoder, vocabulary });
  };
  const engine = (): Promise<WhisperEngine> => {
    if (isClosed) {
      const message = "Cannot recognise speech as the recogniser must be open: current value is a closed one";
      return Promise.reject(new AgentError("model.closed", message));
    }
    opening ??= open().catch((error) => {
      opening = undefined; // it may be tried again, once what is missing is there
      throw error;
    });
    return opening;
  };
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    const opened = await opening?.catch(() => undefined);
    await opened?.close();
  };

  return {
    kind: "stt",
    model: "whisper-tiny.en",
    provider: "whisper",
    capabilities: { streaming: false, interimResults: true },
    async recognize(frames, { signal, previous, host } = {}) {
      signal?.throwIfAborted();
      const work = async (): Promise<SpeechEvent> => {
        const samples = samplesOf(frames);
        const { text, confidence } = await (await engine()).recognize({
          samples,
          ...(previous !== undefined && { previous }),
        });
        const endTimeMs = (samples.length * 1000) / WHISPER_RATE;
        return {
          type: "final_transcript",
          requestId: `whisper_${++requestCount}`,
          alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs, confidence }],
        };
      };
      const held = clock ?? host?.clock;
      const result = held === undefined ? work() : held.hold(work());
      return signal === undefined ? await result : await unlessAborted(result, signal);
    },
    async prewarm() {
      await (clock === undefined ? engine() : clock.hold(engine()));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The result, or the reason of the signal, whichever comes first. */
function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** All of it as the model hears it: mono, 16 kHz, from -1 to 1. */
function samplesOf(frames: readonly AudioFrame[]): Float32Array {
  const out = new Float32Array(MAX_SAMPLES);
  let length = 0;
  const put = (block: Int16Array): void => {
    for (let index = 0; index < block.length && length < MAX_SAMPLES; index++) {
      out[length++] = (block[index] as number) / 32_768;
    }
  };
  let convert: ReturnType<typeof resampler> | undefined;
  let rate = WHISPER_RATE;
  for (const frame of frames) {
    const mono = monoFrame(frame);
    if (mono.sampleRate !== rate) {
      if (convert !== undefined) put(convert.flush());
      rate = mono.sampleRate;
      convert = rate === WHISPER_RATE ? undefined : resampler({ from: rate, to: WHISPER_RATE });
    }
    put(convert === undefined ? mono.data : convert.push(mono.data));
  }
  if (convert !== undefined) put(convert.flush());
  return out.slice(0, length);
}
