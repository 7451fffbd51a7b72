/**
 * The worker that speaks. It is told once what program to run, then takes requests one by one, in order.
 *
 * @module
 */
import { loadWeights, type SentWeights, weightsOf } from "../onnx/weights.ts";
import { serveWorker } from "../worker/serve.ts";
import { compileFlite, type FliteEngine, type FliteRequest } from "./engine.ts";
import { FLITE_NEED } from "./program.ts";

/** What the worker is told. `open` comes first; it is answered without a result. */
export type FliteOrder =
  | { readonly type: "open"; readonly program: SentWeights }
  | { readonly type: "speak"; readonly request: FliteRequest };

let engine: Promise<FliteEngine> | undefined;

serveWorker<FliteOrder, Int16Array>(async (order) => {
  if (order.type === "open") {
    engine = loadWeights(weightsOf(order.program), FLITE_NEED).then(compileFlite);
    await engine;
    return {};
  }
  const samples = await (await engine)!.speak(order.request);
  return { result: samples, transfer: [samples.buffer as ArrayBuffer] };
});
