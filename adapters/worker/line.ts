/**
 * A line to a worker, where the place has `node:worker_threads`: Node, Bun and Deno.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { WorkerAnswer } from "./serve.ts";

/** The part of `node:worker_threads` used here. Structural, so that nobody needs its types. */
interface WorkerLike {
  on(event: "message", listener: (answer: WorkerAnswer<unknown>) => void): unknown;
  on(event: "error" | "exit", listener: (reason: unknown) => void): unknown;
  postMessage(order: unknown, transfer?: ArrayBuffer[]): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/** The workers of a place. */
export interface WorkerThreads {
  readonly Worker: new (url: URL) => WorkerLike;
}

/** The workers of this place; `undefined` where it has none. */
export function workerThreads(): WorkerThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const found = process?.getBuiltinModule?.("node:worker_threads") as Partial<WorkerThreads> | undefined;
  return found?.Worker === undefined ? undefined : found as WorkerThreads;
}

/** How a line deals with the end of its worker. */
export interface WorkerLineOptions {
  /** What requests are rejected with when the worker ended by itself: called once, for the first sign of it. */
  readonly death: (sign: "failed" | "ended", cause: unknown) => AgentError;
  /** What requests are rejected with after `close`. */
  readonly closed: () => AgentError;
}

/** A worker that takes orders and answers each. `Order` is without its number, which the line gives. */
export interface WorkerLine<Order, Result> {
  /** Resolves with the answer; `undefined` where it has none. Rejects with the worker's error, or that of its end. */
  ask(order: Order, transfer?: ArrayBuffer[]): Promise<Result | undefined>;
  /** Ends the worker; what waits is rejected. Idempotent. */
  close(): Promise<void>;
}

interface Waiting<Result> {
  resolve(result: Result | undefined): void;
  reject(reason: unknown): void;
}

/**
 * Starts a worker. It keeps the process alive while it has something to do, and not longer. When it dies, what it had to do is
 * rejected, and so is all that comes later.
 *
 * @param url The worker's file, which calls `serveWorker`.
 */
export function openWorkerLine<Order extends object, Result>(
  { Worker }: WorkerThreads,
  url: URL,
  o: WorkerLineOptions,
): WorkerLine<Order, Result> {
  const worker = new Worker(url);
  const waiting = new Map<number, Waiting<Result>>();
  let lastId = 0;
  let end: AgentError | undefined;

  const finish = (reason: () => AgentError): void => {
    if (end !== undefined) return;
    end = reason();
    for (const { reject } of waiting.values()) reject(end);
    waiting.clear();
  };
  worker.on("error", (cause) => finish(() => o.death("failed", cause)));
  worker.on("exit", () => finish(() => o.death("ended", undefined)));
  worker.on("message", ({ id, result, error }) => {
    const request = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error === undefined) return request?.resolve(result as Result | undefined);
    request?.reject(new AgentError(error.code, error.message, error.cause === "" ? {} : { cause: error.cause }));
  });

  return {
    ask(order, transfer = []) {
      if (end !== undefined) return Promise.reject(end);
      const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, order }, transfer);
      return promise;
    },
    async close() {
      finish(o.closed);
      await worker.terminate();
    },
  };
}
