// Opens the graph that it is given, in a worker, and says what it gives for its input.
import { parentPort } from "node:worker_threads";
import { onnxRuntime, openOnnxSession } from "../../../adapters/onnx/runtime.ts";

parentPort?.once("message", async (graph: Uint8Array) => {
  try {
    const session = await openOnnxSession(graph);
    const { Tensor } = await onnxRuntime();
    const { y } = await session.run({ x: new Tensor("float32", Float32Array.of(-1.5, 2), [2]) });
    parentPort?.postMessage([...(y?.data as Float32Array)]);
  } catch (error) {
    parentPort?.postMessage(String(error));
  }
});
