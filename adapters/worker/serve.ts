/**
 * The other end of a line: the worker's own.
 *
 * @module
 */
import { AgentError, type ErrorCode } from "../../src/base/error.ts";

/** What a worker answers, in the order of the orders. An error crosses as its parts. */
export interface WorkerAnswer<Result> {
  readonly id: number;
  readonly result?: Result;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly cause: string };
}

/** What came of an order, and what of it changes hands. */
export interface Served<Result> {
  readonly result?: Result;
  readonly transfer?: ArrayBuffer[];
}

/** The part of a worker's port used here. */
interface Port {
  on(event: "message", listener: (message: { readonly id: number; readonly order: unknown }) => void): unknown;
  postMessage(answer: WorkerAnswer<unknown>, transfer?: ArrayBuffer[]): void;
}

/** Obeys orders, one after the other. Call it once, in a worker. */
export function serveWorker<Order, Result>(obey: (order: Order) => Promise<Served<Result>>): void {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): { parentPort: Port } } };
  const { parentPort: port } = process.getBuiltinModule("node:worker_threads");
  let line = Promise.resolve();
  port.on("message", ({ id, order }) => {
    line = line.then(async () => {
      try {
        const { result, transfer = [] } = await obey(order as Order);
        port.postMessage(result === undefined ? { id } : { id, result }, transfer);
      } catch (error) {
        const { code, message, cause } = error instanceof AgentError
          ? error
          : { code: "model.bad_response" as const, message: String(error), cause: undefined };
        port.postMessage({ id, error: { code, message, cause: String(cause ?? "") } });
      }
    });
  });
}
