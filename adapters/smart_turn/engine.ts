/**
 * Smart Turn itself: sound in, a probability out, in the calling thread.
 *
 * @module
 */
import { onnxRuntime, openOnnxSession } from "../onnx/runtime.ts";
import { packageFile, type Weights, type WeightsNeed } from "../onnx/weights.ts";
import { COLUMN_COUNT, logMel, MEL_COUNT } from "./features.ts";

/** What to say when the weights cannot be had. */
export const SMART_TURN_NEED: WeightsNeed = {
  model: "Smart Turn v3",
  rule: "the package `@repartee/smart-turn-v3` must be installed, or `weights` be given",
};

/** The weights given, or those of the installed package. */
export function smartTurnWeights(given: Weights | undefined): Weights {
  return given ?? packageFile(() => import.meta.resolve("@repartee/smart-turn-v3/smart_turn.onnx"), SMART_TURN_NEED);
}

/** A loaded model. */
export interface SmartTurnEngine {
  /** Probability, 0 to 1, that the speaker has finished. Mono samples from -1 to 1 at 16 kHz; the last 8 s count. Given up by the caller. */
  predict(samples: Float32Array<ArrayBuffer>): Promise<number>;
  close(): Promise<void>;
}

/**
 * Loads the model: half a second, and 60 MB while it is in use.
 *
 * @throws {AgentError} `runtime.missing`, `weights.missing`, as `openOnnxSession`.
 */
export async function openSmartTurn(weights: Uint8Array): Promise<SmartTurnEngine> {
  const { Tensor } = await onnxRuntime();
  const session = await openOnnxSession(weights);
  const features = logMel();
  return {
    async predict(samples) {
      const input = new Tensor("float32", features(samples), [1, MEL_COUNT, COLUMN_COUNT]);
      const output = await session.run({ input_features: input });
      return Number(output.logits!.data[0]);
    },
    close: () => session.release(),
  };
}
