/**
 * One source, several readers that do not hold each other up.
 *
 * @module
 */
import { fromPush, type FromPushOptions, type Inlet } from "./from_push.ts";
import { checkLimit } from "./limit.ts";
import { lock } from "./lock.ts";

/** How much a subscriber holds, and what happens then: the oldest is dropped (or the subscriber fails), or the source waits. */
export type SubscribeOptions<T> =
  | FromPushOptions<T> & { readonly wait?: never }
  | { readonly limit: number; readonly wait: true; readonly onDrop?: never };

/** What to do when nobody listens any more. */
export interface BroadcastOptions {
  /** Cancel the source with the last subscriber, with its reason. Default: false, the source waits for the next one. */
  readonly cancelWithLast?: boolean;
}

/** A source that many can read. */
export interface Broadcast<T> {
  /**
   * Adds a reader, which gets what comes from now on; all readers get the same values, so nobody may change one. A source
   * that has ended or failed gives a stream that has ended or failed. Cancelling the stream unsubscribes.
   *
   * @throws {AgentError} `stream.bad_option` when `limit` is no positive integer.
   */
  subscribe(options: SubscribeOptions<T>): ReadableStream<T>;
  /** Ends every subscriber, who can still read what is held, and cancels the source. Idempotent. Rejects if the source does. */
  cancel(reason?: unknown): Promise<void>;
}

/** An inlet that may ask the source to wait. */
interface Subscriber<T> extends Inlet<T> {
  hasRoom(): boolean;
}

/**
 * Fans a source out. Each subscriber has its own limit and its own rule for the limit.
 *
 * The source is read while there is a subscriber and nobody who waits is full. So with subscribers that drop only, it is
 * read as fast as it gives: made for live sources. A subscriber that drops never holds the others, read or unread; one
 * that waits holds them until it is read or cancelled. Holds the limits of the subscribers, and one value that was under
 * way when the last subscriber left.
 *
 * @throws {AgentError} `stream.bad_option` when the source is locked.
 *
 * @example A recogniser that may lag a second behind, and a recorder that must not lose a frame
 * ```ts
 * const sound = broadcast(microphone, { cancelWithLast: true });
 * const heard = sound.subscribe({ limit: 50, onDrop: (_, dropped) => metrics.set("dropped", dropped) });
 * const kept = sound.subscribe({ limit: 500, wait: true });
 * ```
 */
export function broadcast<T>(
  source: ReadableStream<T>,
  { cancelWithLast = false }: BroadcastOptions = {},
): Broadcast<T> {
  const reader = lock(source, "broadcast a source");
  const subscribers = new Set<Subscriber<T>>();
  let ending: ((inlet: Inlet<T>) => void) | undefined; // how the source ended
  let cancelled = Promise.resolve();
  let reading = false;
  let left: { readonly value: T } | undefined; // came when nobody listened any more

  const finish = (how: (inlet: Inlet<T>) => void): void => {
    if (ending !== undefined) return;
    ending = how;
    const all = [...subscribers];
    subscribers.clear();
    all.forEach(how);
  };
  const mayRead = (): boolean => {
    for (const subscriber of subscribers) if (!subscriber.hasRoom()) return false;
    return ending === undefined && subscribers.size > 0;
  };
  const deliver = (value: T): void => {
    if (subscribers.size === 0) left = { value };
    for (const subscriber of subscribers) subscriber.push(value); // one that leaves meanwhile is not visited
  };

  /** Reads while it may. Never rejects. */
  const pump = async (): Promise<void> => {
    if (reading) return;
    reading = true;
    try {
      while (mayRead()) {
        const { done, value } = left === undefined ? await reader.read() : { done: false, value: left.value };
        left = undefined;
        if (done) finish((inlet) => inlet.end());
        else if (ending === undefined) deliver(value as T);
      }
    } catch (reason) {
      finish((inlet) => inlet.fail(reason));
    }
    reading = false;
    if (ending !== undefined) reader.releaseLock(); // no read is under way
  };
  const stop = (reason: unknown): Promise<void> => {
    if (ending !== undefined) return cancelled;
    finish((inlet) => inlet.end());
    left = undefined;
    cancelled = reader.cancel(reason); // a read under way ends with it, and the pump lets go of the lock
    if (!reading) reader.releaseLock();
    return cancelled;
  };

  const join = (subscriber: Subscriber<T>): void => {
    if (ending !== undefined) return ending(subscriber);
    subscribers.add(subscriber);
    void pump();
  };
  const leave = (subscriber: Subscriber<T>, reason: unknown): void | Promise<void> => {
    if (!subscribers.delete(subscriber)) return;
    if (subscribers.size === 0 && cancelWithLast) return stop(reason);
    void pump(); // it may be the one that was waited for
  };

  const dropping = (options: FromPushOptions<T>): ReadableStream<T> =>
    fromPush<T>((inlet) => {
      const subscriber = { ...inlet, hasRoom: () => true };
      join(subscriber);
      return (reason) => leave(subscriber, reason);
    }, options);

  const waiting = (limit: number): ReadableStream<T> => {
    checkLimit(limit);
    let subscriber: Subscriber<T>;
    return new ReadableStream<T>({
      start(controller) {
        subscriber = {
          push: (value) => controller.enqueue(value),
          end: () => controller.close(),
          fail: (reason) => controller.error(reason),
          hasRoom: () => controller.desiredSize! > 0,
        };
        join(subscriber);
      },
      pull: () => void pump(),
      cancel: (reason) => leave(subscriber, reason),
    }, { highWaterMark: limit }); // it never has to let its oldest go, so the stream's own queue will do
  };

  return { subscribe: (options) => options.wait ? waiting(options.limit) : dropping(options), cancel: stop };
}
