/**
 * The worker that judges. It is told once where the weights are, then answers questions one by one, in order.
 *
 * @module
 */
import { loadWeights, type SentWeights, weightsOf } from "../onnx/weights.ts";
import { serveWorker } from "../worker/serve.ts";
import { openSmartTurn, SMART_TURN_NEED, type SmartTurnEngine } from "./engine.ts";

/** What the worker is told. `open` comes first; it is answered without a result. */
export type SmartTurnOrder =
  | { readonly type: "open"; readonly weights: SentWeights }
  | { readonly type: "predict"; readonly samples: Float32Array<ArrayBuffer> };

let engine: Promise<SmartTurnEngine> | undefined;

serveWorker<SmartTurnOrder, number>(async (order) => {
  if (order.type === "open") {
    engine = loadWeights(weightsOf(order.weights), SMART_TURN_NEED).then(openSmartTurn);
    await engine;
    return {};
  }
  return { result: await (await engine!).predict(order.samples) };
});
