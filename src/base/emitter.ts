/**
 * Tells facts to whoever listens: as calls, in order and at once, or as a stream for each subscriber.
 *
 * Neither Node's `EventEmitter`, which throws when nobody hears `error`, nor `EventTarget`, where one careless listener
 * ends the process.
 *
 * @module
 */

/** A member of the union of facts: told apart by its `type`. */
export interface Typed {
  /** Tells the members of the union apart. */
  readonly type: string;
}

/** Stands in a stream of facts where older ones were let go, since their reader was too slow. */
export interface EventGap {
  /** Says that this is a gap and no fact. */
  readonly type: "gap";
  /** How many facts are missing here. */
  readonly droppedCount: number;
}

/** What a listener is given for a name. */
export type EventOf<E extends Typed, N extends E["type"]> = Extract<E, { readonly type: N }>;

/** Hears one kind of fact. What it returns is not used; a promise that rejects is contained. */
export type Listener<E extends Typed, N extends E["type"]> = (event: EventOf<E, N>) => unknown;

/** How to make an {@linkcode Emitter}. */
export interface EmitterOptions<E extends Typed> {
  /** Told what a listener threw or rejected with. Nothing that it throws itself gets out. */
  readonly onError: (error: unknown, event: E) => void;
}

/** How to listen. */
export interface ListenOptions {
  /** Aborting it takes the listener off. */
  readonly signal?: AbortSignal;
}

/** How to read facts as a stream. */
export interface EventsOptions {
  /** How many unread facts are kept. The oldest is dropped for one more. Default: 1,024. */
  readonly limit?: number;
}

/** Where facts of the union `E` go out. */
export interface Emitter<E extends Typed> {
  /** Adds a listener after those there are. Returns the function that takes this one off. */
  on<N extends E["type"]>(name: N, listener: Listener<E, N>, options?: ListenOptions): () => void;
  /** Like `on`, for the next fact of that name alone. */
  once<N extends E["type"]>(name: N, listener: Listener<E, N>, options?: ListenOptions): () => void;
  /** Takes off the listener, which was given to `on` or `once`; if it was given several times, the latest. */
  off<N extends E["type"]>(name: N, listener: Listener<E, N>): void;
  /**
   * Tells a fact: every listener is called before this returns, in the order of `on`. One that is added meanwhile hears
   * the next fact; one that is taken off meanwhile hears this one no more. Never throws.
   */
  emit(event: E): void;
  /** All facts from now on, in order. Each call gives a stream of its own, which ends and fails with the emitter. */
  events(options?: EventsOptions): ReadableStream<E | EventGap>;
  /** Ends the streams there are, after what they hold. Listeners stay, and new streams may be asked for. */
  endStreams(): void;
  /** Ends the streams, after what they hold, and takes every listener off. With a reason, the streams fail with it. */
  close(failure?: { readonly reason: unknown }): void;
}

interface Entry {
  readonly listener: unknown;
  readonly hear: (event: never) => unknown;
  readonly isOnce: boolean;
  isLive: boolean;
  forget: () => void;
}

interface Subscriber<E> {
  push(event: E): void;
  end(failure?: { readonly reason: unknown }): void;
}

const DEFAULT_LIMIT = 1_024; // facts; chosen: some minutes of a voice session that nobody reads

/**
 * Makes an emitter for a union of facts.
 *
 * @example
 * ```ts
 * type Fact = { type: "started" } | { type: "said"; text: string };
 * const facts = emitter<Fact>({ onError: (error) => logger.error("Listener failed", { error }) });
 * const off = facts.on("said", ({ text }) => captions.show(text));
 * facts.emit({ type: "said", text: "Hello" });
 * off();
 * ```
 */
export function emitter<E extends Typed>({ onError }: EmitterOptions<E>): Emitter<E> {
  const lists = new Map<string, readonly Entry[]>(); // each list is replaced, never changed: `emit` walks the one it found
  const subscribers = new Set<Subscriber<E>>();
  let isClosed = false;

  const contain = (error: unknown, event: E): void => {
    try {
      onError(error, event);
    } catch {
      // Whoever is told about failures has failed, so that nobody is left to be told.
    }
  };

  const remove = (name: string, entry: Entry): void => {
    if (!entry.isLive) return;
    entry.isLive = false;
    entry.forget();
    const rest = (lists.get(name) ?? []).filter((other) => other !== entry);
    if (rest.length === 0) lists.delete(name);
    else lists.set(name, rest);
  };

  const add = (name: string, listener: unknown, isOnce: boolean, signal: AbortSignal | undefined): () => void => {
    if (isClosed || signal?.aborted) return () => {};
    const hear = listener as Entry["hear"];
    const entry: Entry = { listener, hear, isOnce, isLive: true, forget: () => {} };
    const off = (): void => remove(name, entry);
    if (signal !== undefined) {
      signal.addEventListener("abort", off, { once: true });
      entry.forget = () => signal.removeEventListener("abort", off);
    }
    lists.set(name, [...(lists.get(name) ?? []), entry]);
    return off;
  };

  return {
    on: (name, listener, options) => add(name, listener, false, options?.signal),
    once: (name, listener, options) => add(name, listener, true, options?.signal),
    off(name, listener) {
      const entry = lists.get(name)?.findLast((other) => other.listener === listener);
      if (entry !== undefined) remove(name, entry);
    },
    emit(event) {
      if (isClosed) return;
      for (const subscriber of subscribers) subscriber.push(event);
      const list = lists.get(event.type);
      if (list === undefined) return;
      for (const entry of list) {
        if (!entry.isLive) continue;
        if (entry.isOnce) remove(event.type, entry);
        try {
          const result = entry.hear(event as never);
          if (isThenable(result)) result.then(undefined, (error: unknown) => contain(error, event));
        } catch (error) {
          contain(error, event);
        }
      }
    },
    events({ limit = DEFAULT_LIMIT } = {}) {
      return boundedStream<E>(limit, (subscriber) => {
        if (isClosed) {
          subscriber.end();
          return () => {};
        }
        subscribers.add(subscriber);
        return () => subscribers.delete(subscriber);
      });
    },
    endStreams() {
      for (const subscriber of [...subscribers]) subscriber.end();
    },
    close(failure) {
      if (isClosed) return;
      isClosed = true;
      for (const subscriber of [...subscribers]) subscriber.end(failure);
      for (const [name, list] of [...lists]) for (const entry of list) remove(name, entry);
    },
  };
}

/** A stream with a queue of its own, since a stream's built-in one cannot let its oldest go. */
function boundedStream<E>(
  limit: number,
  subscribe: (subscriber: Subscriber<E>) => () => void,
): ReadableStream<E | EventGap> {
  const held: E[] = [];
  let droppedCount = 0;
  let phase: "open" | "ending" | "over" = "open";
  let unsubscribe = (): void => {};
  let wake = (): void => {};
  return new ReadableStream<E | EventGap>({
    start(controller) {
      unsubscribe = subscribe({
        push(event) {
          if (held.push(event) > limit) {
            held.shift();
            droppedCount += 1;
          }
          wake();
        },
        end(failure) {
          unsubscribe();
          if (failure === undefined) {
            phase = "ending";
          } else {
            phase = "over";
            controller.error(failure.reason);
          }
          wake();
        },
      });
    },
    async pull(controller) {
      if (held.length === 0 && phase === "open") await new Promise<void>((go) => (wake = go));
      if (phase === "over") return;
      if (droppedCount > 0) {
        controller.enqueue({ type: "gap", droppedCount });
        droppedCount = 0;
      } else if (held.length > 0) {
        controller.enqueue(held.shift()!);
      } else {
        phase = "over";
        controller.close();
      }
    },
    cancel() {
      phase = "over";
      unsubscribe();
      wake();
    },
  }, { highWaterMark: 0 });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
