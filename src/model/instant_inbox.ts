/**
 * Where what streams and requests bring meets, so that its order does not depend on the runtime.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";

/** Work that is done in the order of its rank. */
export interface InstantInbox {
  /** How many pieces of work wait. Always 0 where time is real. */
  readonly size: number;
  /** Runs it at once; where time is virtual, when nothing else can run in this instant, the lower ranks first. */
  post(rank: number, run: () => void): void;
}

/** Opens an inbox. `after` runs when all that waited has been run. */
export function openInstantInbox({ gather }: Clock, after: () => void): InstantInbox {
  let waiting: { readonly rank: number; readonly run: () => void }[] = [];
  const drain = (): void => {
    const batch = waiting.sort((a, b) => a.rank - b.rank); // stable
    waiting = [];
    for (const { run } of batch) run();
    after();
  };
  return {
    get size() {
      return waiting.length;
    },
    post(rank, run) {
      waiting.push({ rank, run });
      if (gather === undefined) drain();
      else if (waiting.length === 1) gather(drain);
    },
  };
}
