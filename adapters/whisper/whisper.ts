/**
 * Whisper tiny.en, on this machine: English speech to text without a key or the network.
 *
 * It recognises whole segments; in a session, the voice activity detector cuts them. Its weights are OpenAI's, under the MIT
 * licence, in the data package `@repartee/whisper-tiny-en`.
 *
 * @module
 */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type { SpeechEvent, STT, STTOptions } from "../../src/model/stt.ts";
import { loadWeights } from "../onnx/weights.ts";
import { MAX_SAMPLES, openWhisper, WHISPER_RATE, type WhisperEngine, type WhisperText } from "./engine.ts";
import { cutQuietly, samplesOf } from "./sound.ts";
import { installedWhisper, WHISPER_NEED, type WhisperSources } from "./weights.ts";
import { lazyEngine } from "../worker/lazy_engine.ts";
import { workerThreads } from "../worker/line.ts";
import { openWhisperWorker } from "./worker_engine.ts";

export type { WhisperSources } from "./weights.ts";

/** How to make a {@linkcode WhisperSTT}. */
export interface WhisperOptions {
  /** Where the model's files are. Default: the installed package `@repartee/whisper-tiny-en`. */
  readonly weights?: WhisperSources;
  /**
   * Whether a worker listens, so that the session is not held up. Default: `true` where the place has
   * `node:worker_threads`; elsewhere the calling thread does it, 0.2 to 0.5 s for a request.
   */
  readonly worker?: boolean;
  /** The session's clock: a virtual one then stands still while the model works. Default: the session's own. */
  readonly clock?: Clock;
}

/** Whisper. Make one for the process and share it: it takes requests in turn. */
export interface WhisperSTT extends STT, AsyncDisposable {
  /** Recognises one whole segment. `previous` is the last partial text of the same segment: it saves work, and nothing else. */
  recognize(
    frames: readonly AudioFrame[],
    options?: STTOptions & { readonly previous?: string },
  ): Promise<SpeechEvent>;
  /** Loads the model, so that the first words do not wait for it. */
  prewarm(): Promise<void>;
  /** Ends the worker and frees the model; what is being recognised fails. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a recogniser. The model is loaded at the first request, or by `prewarm()`: about a second, and 500 MB.
 *
 * A request takes 0.2 to 0.5 s. Sound of more than 29 s is cut at its pauses, and takes that for each piece. Silence and
 * noise give no alternatives. A request whose signal is aborted rejects at once with its reason, and makes way for the next
 * one as soon as the token under way is done. A worker that breaks down fails its requests in a way that may be tried again,
 * and another takes its place. The process ends by itself when nothing is asked, closed or not.
 *
 * @throws {AgentError} In `recognize` and `prewarm`: `weights.missing` and `runtime.missing` when the packages are not
 *   installed, `model.closed` after `close()`, `model.no_capability` for a language that is not English,
 *   `audio.bad_rate` and `audio.bad_frame` for frames that are none.
 *
 * @example
 * ```ts
 * await using stt = whisperSTT();
 * const event = await stt.recognize([frame]);
 * if ("alternatives" in event) console.log(event.alternatives[0]?.text ?? "nobody spoke");
 * ```
 */
export function whisperSTT({ weights, worker = true, clock }: WhisperOptions = {}): WhisperSTT {
  let requestCount = 0;
  const engine = lazyEngine<WhisperEngine>(async (onDeath) => {
    const sources = weights ?? installedWhisper();
    const threads = worker ? workerThreads() : undefined;
    if (threads !== undefined) return await openWhisperWorker(threads, sources, onDeath);
    const [encoder, decoder, vocabulary] = await Promise.all([
      loadWeights(sources.encoder, WHISPER_NEED),
      loadWeights(sources.decoder, WHISPER_NEED),
      loadWeights(sources.vocabulary, WHISPER_NEED),
    ]);
    return await openWhisper({ encoder, decoder, vocabulary });
  }, "Cannot recognise speech as the recogniser must be open: current value is a closed one");

  return {
    kind: "stt",
    model: "whisper-tiny.en",
    provider: "whisper",
    capabilities: { streaming: false, interimResults: true },
    async recognize(frames, { signal, previous, host, language } = {}) {
      signal?.throwIfAborted();
      checkLanguage(language);
      const work = async (): Promise<SpeechEvent> => {
        const model = await engine.get();
        const samples = samplesOf(frames);
        const endTimeMs = (samples.length * 1000) / WHISPER_RATE;
        const pieces = cutQuietly(samples, MAX_SAMPLES);
        const texts: WhisperText[] = [];
        for (const piece of pieces) {
          const help = previous === undefined || pieces.length > 1 ? {} : { previous };
          texts.push(await model.recognize({ samples: piece, ...help }, signal));
        }
        return eventOf(texts.filter(({ text }) => text !== ""), { requestId: `whisper_${++requestCount}`, endTimeMs });
      };
      const time = clock ?? host?.clock;
      const result = time === undefined ? work() : time.hold(work());
      return signal === undefined ? await result : await unlessAborted(result, signal);
    },
    async prewarm() {
      await (clock === undefined ? engine.get() : clock.hold(engine.get()));
    },
    close: engine.close,
    [Symbol.asyncDispose]: engine.close,
  };
}

function eventOf(
  texts: readonly WhisperText[],
  { requestId, endTimeMs }: { readonly requestId: string; readonly endTimeMs: number },
): SpeechEvent {
  const text = texts.map((part) => part.text).join(" ");
  const confidence = texts.reduce((sum, part) => sum + part.confidence, 0) / texts.length;
  return {
    type: "final_transcript",
    requestId,
    alternatives: text === "" ? [] : [{ text, language: "en", startTimeMs: 0, endTimeMs, confidence }],
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

function checkLanguage(language: string | undefined): void {
  if (language === undefined || /^(en|english|auto)?$|^en[-_]/i.test(language)) return;
  throw new AgentError(
    "model.no_capability",
    `Cannot recognise speech with Whisper tiny.en as the language must be English: current value is ${language}`,
  );
}
