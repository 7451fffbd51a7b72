/**
 * Whisper in a worker, where the place has `node:worker_threads`: Node, Bun and Deno.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import { APIConnectionError } from "../../src/model/error.ts";
import type { WhisperEngine, WhisperText } from "./engine.ts";
import { sendable, type WhisperSources } from "./weights.ts";
import type { WorkerAnswer, WorkerOrder } from "./whisper_worker.ts";

/** The part of `node:worker_threads` used here. Structural, so that nobody needs its types. */
interface WorkerLike {
  on(event: "message", listener: (answer: WorkerAnswer) => void): unknown;
  on(event: "error" | "exit", listener: (reason: unknown) => void): unknown;
  postMessage(order: WorkerOrder, transfer?: ArrayBuffer[]): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

interface WorkerThreads {
  readonly Worker: new (url: URL) => WorkerLike;
}

interface Waiting {
  resolve(result: WhisperText | undefined): void;
  reject(reason: unknown): void;
}

/** The workers of this place; `undefined` where it has none. */
export function workerThreads(): WorkerThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const found = process?.getBuiltinModule?.("node:worker_threads") as Partial<WorkerThreads> | undefined;
  return found?.Worker === undefined ? undefined : found as WorkerThreads;
}

/**
 * Starts a worker and has it load the model. It keeps the process alive while it has something to do, and not longer.
 *
 * @param onDeath Called once when the worker ended by itself: this engine is of no more use, and another may be opened.
 * @throws {AgentError} As `openWhisper`; `weights.missing` when a file cannot be had.
 */
export async function openWhisperWorker(
  { Worker }: WorkerThreads,
  sources: WhisperSources,
  onDeath: () => void,
): Promise<WhisperEngine> {
  const files = await sendable(sources);
  // Its file has the ending of this one: `.ts` in the source, `.js` in the built package.
  const worker = new Worker(new URL(`./whisper_worker${import.meta.url.slice(-3)}`, import.meta.url));
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let death: AgentError | undefined;

  const end = (error: AgentError): boolean => {
    if (death !== undefined) return false;
    death = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    return true;
  };
  const die = (cause?: unknown): void => {
    if (end(new APIConnectionError({ message: "The recogniser's worker has ended", options: { cause } }))) onDeath();
  };
  worker.on("error", die);
  worker.on("exit", () => die());
  worker.on("message", ({ id, result, error }) => {
    const request = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error === undefined) return request?.resolve(result);
    request?.reject(new AgentError(error.code, error.message, error.cause === "" ? {} : { cause: error.cause }));
  });
  const ask = (order: (id: number) => WorkerOrder, transfer: ArrayBuffer[] = []): Promise<WhisperText | undefined> => {
    if (death !== undefined) return Promise.reject(death);
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage(order(id), transfer);
    });
  };
  const close = async (): Promise<void> => {
    const message = "Cannot recognise speech as the recogniser must be open: current value is a closed one";
    end(new AgentError("model.closed", message));
    await worker.terminate();
  };
  try {
    await ask((id) => ({ type: "open", id, files }));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async recognize(request, signal) {
      // The worker hears no message while it works, but it sees the memory that both have.
      const isOff = new Int32Array(new SharedArrayBuffer(4));
      const callOff = (): void => void Atomics.store(isOff, 0, 1);
      if (signal?.aborted) callOff();
      signal?.addEventListener?.("abort", callOff, { once: true });
      try {
        const order = (id: number): WorkerOrder => ({ type: "recognize", id, request, isOff });
        return (await ask(order, [request.samples.buffer]))!;
      } finally {
        signal?.removeEventListener?.("abort", callOff);
      }
    },
    close,
  };
}
