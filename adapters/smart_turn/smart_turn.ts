/**
 * Smart Turn v3 on this machine: tells from the sound, its melody and its pauses, whether the user has finished.
 *
 * Its weights are Daily's, under the BSD 2-Clause licence, in the data package `@repartee/smart-turn-v3`.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type {
  StreamingTurnDetector,
  TurnDetectionInput,
  TurnDetectionStream,
  TurnPrediction,
} from "../../src/model/turn_detector.ts";
import { loadWeights, type Weights } from "../onnx/weights.ts";
import { lazyEngine } from "../worker/lazy_engine.ts";
import { workerThreads } from "../worker/line.ts";
import { openSmartTurn, SMART_TURN_NEED, type SmartTurnEngine, smartTurnWeights } from "./engine.ts";
import { soundMemory } from "./memory.ts";
import { openSmartTurnWorker } from "./worker_engine.ts";

/** Languages that the model was trained on, by its authors' word. */
const LANGUAGES = "ar bn da de en es fi fr hi id it ja ko mr nl no pl pt ru tr uk vi zh".split(" ");
/** The authors' own. */
const THRESHOLD = 0.5;

/** How to make a {@linkcode SmartTurnDetector}. */
export interface SmartTurnOptions {
  /** The network, as an ONNX file. Default: the one in the package `@repartee/smart-turn-v3`. */
  readonly weights?: Weights;
  /**
   * Below this probability, 0 to 1, the user is likely to go on: one number for all languages, or one for each, as in
   * `{ en: 0.6, de: 0.4 }`. Default: 0.5 for the 23 languages of the model.
   */
  readonly unlikelyThreshold?: number | Readonly<Record<string, number>>;
  /**
   * Whether a worker judges, so that the session is not held up. Default: `true` where the place has `node:worker_threads`;
   * elsewhere the calling thread does it, some 130 ms for a pause.
   */
  readonly worker?: boolean;
  /** The session's clock: a virtual one then stands still while the network works. Default: none. */
  readonly clock?: Clock;
}

/** Smart Turn. Make one for the process and share it: its streams share the network, and nothing else. */
export interface SmartTurnDetector extends StreamingTurnDetector, AsyncDisposable {
  /** Loads the network, so that the first pause does not wait for it. */
  prewarm(): Promise<void>;
  /** Ends the worker and frees the network: questions are not answered any more. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a detector of the ends of turns. The network is loaded at the first question, or by `prewarm()`: half a second.
 *
 * It looks at the last 8 s of the turn that is under way, of any sample rate. A question takes 130 to 170 ms of a worker on one core of
 * a server (`bench/smart_turn.ts`), of which the spectrogram is 20.
 *
 * @throws {AgentError} `model.bad_option` for a threshold that is no probability. Its streams fail, and so does `prewarm`,
 *   with `weights.missing` and `runtime.missing` when the packages are not installed, and with `model.closed` after `close()`.
 *
 * @example
 * ```ts
 * await using detector = smartTurn();
 * await detector.prewarm();
 * const session = new AgentSession({ vad, stt, llm, tts, turnHandling: { turnDetection: detector } });
 * ```
 */
export function smartTurn(options: SmartTurnOptions = {}): SmartTurnDetector {
  const { weights, unlikelyThreshold = THRESHOLD, worker = true, clock } = options;
  checkThresholds(unlikelyThreshold);
  const engine = lazyEngine<SmartTurnEngine>(async (onDeath) => {
    const source = smartTurnWeights(weights);
    const threads = worker ? workerThreads() : undefined;
    if (threads !== undefined) return await openSmartTurnWorker(threads, source, onDeath);
    return await openSmartTurn(await loadWeights(source, SMART_TURN_NEED));
  }, "Cannot judge a pause as the detector must be open: current value is a closed one");
  const hold = <T>(work: Promise<T>): Promise<T> => clock === undefined ? work : clock.hold(work);

  const judge = async (id: number, samples: Float32Array<ArrayBuffer>): Promise<TurnPrediction> => {
    const startedAt = performance.now();
    const probability = await (await engine.get()).predict(samples);
    return { id, probability, inferenceDurationMs: performance.now() - startedAt };
  };

  return {
    kind: "streaming_turn_detector",
    model: "smart-turn-v3.2",
    provider: "daily",
    unlikelyThreshold(language) {
      const base = language.toLowerCase().split(/[-_]/)[0]!;
      if (typeof unlikelyThreshold !== "number" && unlikelyThreshold[base] !== undefined) {
        return unlikelyThreshold[base];
      }
      if (base !== "" && !LANGUAGES.includes(base)) return undefined;
      return typeof unlikelyThreshold === "number" ? unlikelyThreshold : THRESHOLD;
    },
    stream: ({ signal } = {}) => detectionStream((id, samples) => hold(judge(id, samples)), signal),
    prewarm: async () => void await hold(engine.get()),
    close: engine.close,
    [Symbol.asyncDispose]: engine.close,
  };
}

/** Remembers the sound of a turn, and asks about it. One question at a time is alive: the newest. */
function detectionStream(
  judge: (id: number, samples: Float32Array<ArrayBuffer>) => Promise<TurnPrediction>,
  signal: AbortSignal | undefined,
): TurnDetectionStream {
  const memory = soundMemory();
  let asked: number | undefined;
  let isOver = false;
  let last: Promise<void> = Promise.resolve();
  let stopListening = (): void => {};
  const end = (): void => {
    isOver = true;
    asked = undefined;
    stopListening();
  };

  const transformer: Transformer<TurnDetectionInput, TurnPrediction> & { cancel(): void } = {
    start(controller) {
      const fail = (): void => {
        end();
        controller.error(signal?.reason);
      };
      if (signal?.aborted) return fail();
      signal?.addEventListener("abort", fail, { once: true });
      stopListening = () => signal?.removeEventListener("abort", fail);
    },
    transform(part, controller) {
      if (!("type" in part)) return memory.push(part);
      asked = undefined;
      if (part.type === "flush") memory.clear();
      if (part.type !== "predict") return;
      const { id } = part;
      asked = id;
      // Not awaited: what is heard meanwhile must not wait for the answer.
      last = judge(id, memory.take()).then((answer) => {
        if (asked !== id) return;
        asked = undefined;
        controller.enqueue(answer);
      }, (error) => {
        if (isOver) return;
        end();
        controller.error(error);
      });
    },
    async flush() {
      await last; // its answer may still be wanted
      end();
    },
    cancel: end,
  };
  return new TransformStream(transformer, undefined, { highWaterMark: 1 }); // an answer does not hold up the sound
}

function checkThresholds(given: number | Readonly<Record<string, number>>): void {
  for (const value of typeof given === "number" ? [given] : Object.values(given)) {
    if (value >= 0 && value <= 1) continue;
    throw new AgentError(
      "model.bad_option",
      `Cannot detect ends of turns as \`unlikelyThreshold\` must be from 0 to 1: current value is ${value}`,
    );
  }
}
