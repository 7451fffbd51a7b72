/**
 * The worker that speaks. It is told once what program to run, then takes requests one by one, in order.
 *
 * @module
 */
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import { loadWeights } from "../onnx/weights.ts";
import { compileFlite, type FliteEngine, type FliteRequest } from "./engine.ts";
import { FLITE_NEED } from "./program.ts";

/** What the worker is told. `open` comes first. */
export type WorkerOrder =
  | { readonly type: "open"; readonly id: number; readonly program: string | Uint8Array }
  | { readonly type: "speak"; readonly id: number; readonly request: FliteRequest };

/** What it answers, in the order of the orders. `samples` is left out where the order was not to speak. */
export type WorkerAnswer = {
  readonly id: number;
  readonly samples?: Int16Array;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly cause: string };
};

/** The part of a worker's port used here. */
interface Port {
  on(event: "message", listener: (order: WorkerOrder) => void): unknown;
  postMessage(answer: WorkerAnswer, transfer?: ArrayBuffer[]): void;
}

const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): { parentPort: Port } } };
const { parentPort: port } = process.getBuiltinModule("node:worker_threads");
let engine: Promise<FliteEngine> | undefined;
let line = Promise.resolve();

port.on("message", (order) => {
  line = line.then(() => obey(order));
});

async function obey(order: WorkerOrder): Promise<void> {
  const { id } = order;
  try {
    if (order.type === "open") {
      const { program } = order;
      engine = loadWeights(typeof program === "string" ? new URL(program) : program, FLITE_NEED).then(compileFlite);
      await engine;
      return port.postMessage({ id });
    }
    const samples = await (await engine)!.speak(order.request);
    port.postMessage({ id, samples }, [samples.buffer as ArrayBuffer]);
  } catch (error) {
    const { code, message, cause } = error instanceof AgentError
      ? error
      : { code: "model.bad_response" as const, message: String(error), cause: undefined };
    port.postMessage({ id, error: { code, message, cause: String(cause ?? "") } });
  }
}
