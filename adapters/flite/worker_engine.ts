/**
 * The voice in a worker, where the place has `node:worker_threads`: Node, Bun and Deno.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import { loadWeights, type Weights } from "../onnx/weights.ts";
import type { FliteEngine } from "./engine.ts";
import type { WorkerAnswer, WorkerOrder } from "./flite_worker.ts";
import { FLITE_NEED } from "./program.ts";

/** The part of `node:worker_threads` used here. Structural, so that nobody needs its types. */
interface WorkerLike {
  on(event: "message", listener: (answer: WorkerAnswer) => void): unknown;
  on(event: "error" | "exit", listener: (reason: unknown) => void): unknown;
  postMessage(order: WorkerOrder): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

interface WorkerThreads {
  readonly Worker: new (url: URL) => WorkerLike;
}

interface Waiting {
  resolve(samples: Int16Array): void;
  reject(reason: unknown): void;
}

/** The workers of this place; `undefined` where it has none. */
export function workerThreads(): WorkerThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const found = process?.getBuiltinModule?.("node:worker_threads") as Partial<WorkerThreads> | undefined;
  return found?.Worker === undefined ? undefined : found as WorkerThreads;
}

/**
 * Starts a worker and has it compile the program. The worker keeps the process alive while it has something to do, and
 * not longer. When it dies, what it had to do is rejected, and so is all that comes later.
 *
 * @throws {AgentError} As `compileFlite`; `weights.missing` when there is no program.
 */
export async function openFliteWorker({ Worker }: WorkerThreads, program: Weights): Promise<FliteEngine> {
  const bytes = program instanceof URL ? program.href : await loadWeights(program, FLITE_NEED);
  // Its file has the ending of this one: `.ts` in the source, `.js` in the built package.
  const worker = new Worker(new URL(`./flite_worker${import.meta.url.slice(-3)}`, import.meta.url));
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let death: AgentError | undefined;

  const die = (reason: string, cause?: unknown): void => {
    const message = `Cannot speak a text as the voice's worker must be running: current value is ${reason}`;
    death ??= new AgentError("model.closed", message, { cause });
    for (const { reject } of waiting.values()) reject(death);
    waiting.clear();
  };
  worker.on("error", (cause) => die("a worker that failed", cause));
  worker.on("exit", () => die("a worker that has ended"));
  worker.on("message", ({ id, samples, error }) => {
    const request = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error === undefined) return request?.resolve(samples ?? new Int16Array(0));
    request?.reject(new AgentError(error.code, error.message, error.cause === "" ? {} : { cause: error.cause }));
  });

  const ask = (order: (id: number) => WorkerOrder): Promise<Int16Array> => {
    if (death !== undefined) return Promise.reject(death);
    const { promise, resolve, reject } = Promise.withResolvers<Int16Array>();
    const id = ++lastId;
    waiting.set(id, { resolve, reject });
    worker.ref();
    worker.postMessage(order(id));
    return promise;
  };
  const close = async (): Promise<void> => {
    die("a closed one");
    await worker.terminate();
  };

  try {
    await ask((id) => ({ type: "open", id, program: bytes }));
  } catch (error) {
    await close();
    throw error;
  }
  return { speak: (request) => ask((id) => ({ type: "speak", id, request })), close };
}
