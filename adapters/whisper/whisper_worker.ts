/**
 * The worker that listens. It is told once where the model is, then takes requests one by one, in order.
 *
 * @module
 */
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import { loadWeights } from "../onnx/weights.ts";
import { openWhisper, type WhisperEngine, type WhisperRequest, type WhisperText } from "./engine.ts";
import { WHISPER_NEED, type WhisperSources } from "./weights.ts";

/** What the worker is told. `open` comes first. */
export type WorkerOrder =
  | {
    readonly type: "open";
    readonly id: number;
    readonly files: Readonly<Record<keyof WhisperSources, string | Uint8Array>>;
  }
  | {
    readonly type: "recognize";
    readonly id: number;
    readonly request: WhisperRequest;
    /** Shared; not 0 when nobody wants the result any more. */
    readonly isOff: Int32Array;
  };

/** What it answers. `result` is left out where the order was to open. */
export interface WorkerAnswer {
  readonly id: number;
  readonly result?: WhisperText;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly cause: string };
}

/** The part of a worker's port used here. */
interface Port {
  on(event: "message", listener: (order: WorkerOrder) => void): unknown;
  postMessage(answer: WorkerAnswer): void;
}

const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): { parentPort: Port } } };
const { parentPort: port } = process.getBuiltinModule("node:worker_threads");
let engine: Promise<WhisperEngine> | undefined;
let line = Promise.resolve();

port.on("message", (order) => {
  line = line.then(() => obey(order));
});

async function obey(order: WorkerOrder): Promise<void> {
  const { id } = order;
  try {
    if (order.type === "open") {
      const load = (source: string | Uint8Array): Promise<Uint8Array> =>
        loadWeights(typeof source === "string" ? new URL(source) : source, WHISPER_NEED);
      const { encoder, decoder, vocabulary } = order.files;
      engine = Promise.all([load(encoder), load(decoder), load(vocabulary)])
        .then(([e, d, v]) => openWhisper({ encoder: e, decoder: d, vocabulary: v }));
      await engine;
      return port.postMessage({ id });
    }
    const { request, isOff } = order;
    const signal = {
      get aborted(): boolean {
        return Atomics.load(isOff, 0) !== 0;
      },
    };
    port.postMessage({ id, result: await (await engine!).recognize(request, signal) });
  } catch (error) {
    const { code, message, cause } = error instanceof AgentError
      ? error
      : { code: "model.bad_response" as const, message: String(error), cause: undefined };
    port.postMessage({ id, error: { code, message, cause: String(cause ?? "") } });
  }
}
