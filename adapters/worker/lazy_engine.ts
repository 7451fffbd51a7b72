/**
 * An engine that is opened when it is first needed, and at most once.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";

/** What an engine needs to be kept. */
interface Closable {
  close(): Promise<void>;
}

/** An engine that is opened when it is first needed. */
export interface LazyEngine<Engine> {
  /** Opens it, or gives the one that is open. A failure may be tried again. Rejects with `model.closed` after `close`. */
  get(): Promise<Engine>;
  /** Ends it for good. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a holder of one engine.
 *
 * @param open Opens it. `forget` is to be called when the engine is of no more use: the next `get` opens another.
 * @param closed What the error `model.closed` says.
 */
export function lazyEngine<Engine extends Closable>(
  open: (forget: () => void) => Promise<Engine>,
  closed: string,
): LazyEngine<Engine> {
  let opening: Promise<Engine> | undefined;
  let isClosed = false;
  return {
    get() {
      if (isClosed) return Promise.reject(new AgentError("model.closed", closed));
      if (opening !== undefined) return opening;
      const forget = (): void => {
        if (opening === mine) opening = undefined;
      };
      const mine: Promise<Engine> = open(forget).catch((error) => {
        forget(); // it may be tried again, once what is missing is there
        throw error;
      });
      opening = mine;
      return mine;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      const opened = await opening?.catch(() => undefined);
      await opened?.close();
    },
  };
}
