/**
 * Silero's network, window by window.
 *
 * @module
 */
import type { Clock } from "../../src/base/runtime.ts";
import type { WindowJudge, WindowJudgement } from "../../src/model/vad_stream.ts";
import { type OnnxRuntime, onnxRuntime, type OnnxSession, openOnnxSession } from "../onnx/runtime.ts";
import { loadWeights, packageFile, type Weights, type WeightsNeed } from "../onnx/weights.ts";

/** The network, loaded. Streams share it; what a stream has heard is its own. */
export interface SileroModel {
  readonly session: OnnxSession;
  readonly Tensor: OnnxRuntime["Tensor"];
}

/** How {@linkcode sileroJudge} runs. */
export interface SileroJudgeOptions {
  readonly sampleRate: 8_000 | 16_000;
  /** Gives the network, loading it where nobody has. */
  readonly model: () => Promise<SileroModel>;
  readonly clock?: Clock | undefined;
}

const NEED: WeightsNeed = {
  model: "Silero VAD",
  rule: "the package `@ricky0123/vad-web` must be installed (`npm install @ricky0123/vad-web`), or `weights` be given",
};

/** Samples of the last window that go before the next one, at 16,000 Hz. Given by the network. */
const CONTEXT_SIZE = 64;
const WINDOW_SIZE = 512;
const STATE_SHAPE = [2, 1, 128];
/** Windows between two rests. Chosen: they take 4 to 8 ms, so that a long frame does not hold up the event loop. */
const WINDOWS_AT_A_STRETCH = 16;

/** Loads the network: from the weights given, or from the installed package that carries them. */
export async function openSilero(weights: Weights | undefined): Promise<SileroModel> {
  const source = weights ??
    packageFile(() => import.meta.resolve("@ricky0123/vad-web/dist/silero_vad_v5.onnx"), NEED);
  const session = await openOnnxSession(await loadWeights(source, NEED));
  const { Tensor } = await onnxRuntime();
  return { session, Tensor };
}

/** Judges the windows of one stream. */
export function sileroJudge({ sampleRate, model, clock }: SileroJudgeOptions): WindowJudge {
  const divisor = 16_000 / sampleRate;
  const contextSize = CONTEXT_SIZE / divisor;
  const windowSize = WINDOW_SIZE / divisor;
  const input = new Float32Array(contextSize + windowSize);
  let state = new Float32Array(2 * 128);
  let windowCount = 0;

  const infer = async (window: Int16Array): Promise<WindowJudgement> => {
    if (++windowCount % WINDOWS_AT_A_STRETCH === 0) await rest();
    const { session, Tensor } = await model();
    input.copyWithin(0, windowSize); // the end of the last window is the context of this one
    for (let at = 0; at < windowSize; at++) input[contextSize + at] = window[at]! / 32767;
    const began = performance.now();
    const { output, stateN } = await session.run({
      input: new Tensor("float32", input, [1, input.length]),
      state: new Tensor("float32", state, STATE_SHAPE),
      sr: new Tensor("int64", BigInt64Array.of(BigInt(sampleRate)), []),
    });
    const durationMs = performance.now() - began;
    state = stateN!.data as Float32Array<ArrayBuffer>;
    return { probability: output!.data[0] as number, durationMs };
  };

  return {
    sampleRate,
    windowSize,
    judge: (window) => clock === undefined ? infer(window) : clock.hold(infer(window)),
    reset() {
      input.fill(0);
      state = new Float32Array(2 * 128);
    },
  };
}

/** Lets timers and sockets have their turn. `setTimeout` would take a millisecond or more, hence it is the last choice. */
function rest(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => unknown };
  return new Promise((go) => setImmediate === undefined ? setTimeout(go, 0) : setImmediate(go));
}
