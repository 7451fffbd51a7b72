/**
 * The turns that run in this process, one for each conversation: a newer one cuts the older off, and begins when that is
 * stored.
 *
 * @module
 */
import type { Clock } from "../../src/base/runtime.ts";
import { awake } from "./awake.ts";
import type { TurnLog } from "./turn_log.ts";

/** A turn, as those see it that come after it. */
export interface RunningTurn {
  /** What it has sent; absent where nothing is sent. */
  readonly log?: TurnLog;
  /** Cuts it off. Another request may call it: it only wakes the request that the turn belongs to. */
  stop(reason: string): void;
}

interface Place {
  readonly turn: RunningTurn;
  readonly waiting: (() => void)[];
}

/** The turns that run in this process. */
export class RunningTurns {
  readonly #places = new Map<string, Place>();

  /** The turn that runs, or is about to. */
  get(key: string): RunningTurn | undefined {
    return this.#places.get(key)?.turn;
  }

  /** Takes the place of whoever runs, and waits until that is over. Returns the function that gives the place up. */
  async enter(key: string, turn: RunningTurn, clock: Clock): Promise<() => void> {
    const before = this.#places.get(key);
    const place: Place = { turn, waiting: [] };
    this.#places.set(key, place);
    if (before !== undefined) {
      // The promise is made here, since in a worker the one before belongs to another request.
      const over = new Promise<void>((resolve) => before.waiting.push(resolve));
      before.turn.stop("superseded");
      await awake(clock, over);
    }
    return () => {
      if (this.#places.get(key) === place) this.#places.delete(key);
      for (const go of place.waiting) go();
    };
  }
}
