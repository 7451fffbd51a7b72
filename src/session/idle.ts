/**
 * Waiting until nobody speaks.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { isIdle } from "../turn/query.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";

/** What is called when nobody speaks: in the same step, so that nothing can come between. */
interface Waiter {
  readonly go: () => void;
  readonly refuse: (error: AgentError) => void;
  /** Whoever holds the floor need not wait for itself. */
  readonly passes: boolean;
  /** Who must be on stage: while it waits for a task, this waits too. */
  readonly owner: Activity | undefined;
}

/** Those who wait until nobody speaks, and those who keep it so. */
export class Idle {
  readonly #core: SessionCore;
  readonly #waiters = new Set<Waiter>();
  #holds = 0;

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** Nobody speaks, nothing waits to be said, no turn is being decided, and no agent is on its way. */
  get isIdle(): boolean {
    const { stage, shared, floors } = this.#core.root;
    const { current } = stage;
    if (stage.phase !== "running" || current?.phase !== "active" || stage.arrivals.length > 0) return false;
    const floor = floors[current.id];
    return floor !== undefined && isIdle(floor, shared);
  }

  /** Calls `go` once, when nobody speaks; `refuse` when the session closes first. Returns what calls it off. */
  when(
    go: () => void,
    refuse: (error: AgentError) => void = () => {},
    { passes = false, owner }: { readonly passes?: boolean; readonly owner?: Activity | undefined } = {},
  ): () => void {
    const waiter = { go, refuse, passes, owner };
    this.#waiters.add(waiter);
    this.#core.inbox.call(() => this.check());
    return () => void this.#waiters.delete(waiter);
  }

  /** Resolves when nobody speaks. Rejects when the session closes, and with the signal's reason. */
  wait(passes: boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = (): void => {
        off();
        reject(signal?.reason);
      };
      const settle = (then: () => void): void => {
        signal?.removeEventListener("abort", stop);
        then();
      };
      const off = this.when(() => settle(resolve), (error) => settle(() => reject(error)), { passes });
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Keeps the floor: whoever waits for it waits on. Returns what lets it go, once. */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      this.#core.inbox.call(() => this.check());
    };
  }

  /** Lets one of those who wait go on, if nobody speaks. What it does is taken first, before the next is asked. */
  check(): void {
    if (this.#waiters.size === 0) return;
    const { phase } = this.#core.root.stage;
    if (phase === "closing" || phase === "closed") {
      const error = new AgentError(
        "session.closing",
        "Cannot wait for silence as the session closes: current value is closing",
      );
      for (const waiter of [...this.#waiters]) {
        this.#waiters.delete(waiter);
        waiter.refuse(error);
      }
      return;
    }
    if (!this.isIdle) return;
    for (const waiter of this.#waiters) {
      if (this.#holds > 0 && !waiter.passes) continue;
      if (waiter.owner !== undefined && this.#core.moves.waiting(waiter.owner.id) !== undefined) continue;
      this.#waiters.delete(waiter);
      this.#core.inbox.call(() => this.check());
      return waiter.go();
    }
  }
}
