/**
 * Sources that cannot be slowed down, as streams.
 *
 * @module
 */
import { checkLimit, overflow } from "./limit.ts";

/** Where a source puts what it has. None of these ever throws into the source, and none does anything after the end. */
export interface Inlet<T> {
  /** Adds a value. */
  push(value: T): void;
  /** Ends the stream; what is held can still be read. */
  end(): void;
  /** Fails the stream at once, with this reason; what is held is lost. */
  fail(reason: unknown): void;
}

/**
 * Lets go of a source. Gets the reason of the cancel or of the failure. `cancel` waits for the promise, and rejects as it
 * does; when the source ended by itself, a throw fails the stream, and a rejection has nobody to hear it.
 */
export type Disconnect = (reason?: unknown) => void | Promise<void>;

/** What happens when the reader is slower than the source. */
export interface FromPushOptions<T> {
  /** Most values held for the reader. A positive integer. */
  readonly limit: number;
  /**
   * Called with the oldest value, which makes room for the newest, and the number of values dropped so far. If it throws,
   * the stream fails with what it threw. `"fail"` fails the stream with `stream.overflow` instead of dropping.
   */
  readonly onDrop: ((oldest: T, dropped: number) => void) | "fail";
}

/**
 * Makes a stream of a source that cannot be slowed down, such as a track or a socket.
 *
 * Holds up to `limit` values; none of them waits in the stream's own queue, which could not let its oldest go. Cancelling
 * disconnects the source and throws away what is held.
 *
 * @param connect Connects the source to the inlet and returns the function that disconnects it. That runs once, however
 * the stream ends. If `connect` throws, so does `fromPush`.
 * @throws {AgentError} `stream.bad_option` when `limit` is no positive integer.
 *
 * @example Frames of a track, at most one second of them
 * ```ts
 * let dropped = 0;
 * const frames = fromPush<AudioFrame>((inlet) => {
 *   track.onframe = inlet.push;
 *   track.onended = inlet.end;
 *   return () => track.stop();
 * }, { limit: 50, onDrop: () => dropped++ });
 * ```
 */
export function fromPush<T>(
  connect: (inlet: Inlet<T>) => Disconnect,
  { limit, onDrop }: FromPushOptions<T>,
): ReadableStream<T> {
  checkLimit(limit);
  let phase: "open" | "ending" | "over" = "open";
  let wanted = false; // a read waits: the next value goes straight to it
  let dropped = 0;
  let disconnect: Disconnect = () => {};
  let output: ReadableStreamDefaultController<T>;
  const held: T[] = [];

  const leave = (next: "ending" | "over", reason?: unknown): void | Promise<void> => {
    const wasOpen = phase === "open";
    phase = next;
    if (next === "over") held.length = 0;
    return wasOpen ? disconnect(reason) : undefined;
  };
  const closeWhenEmpty = (): void => {
    if (phase !== "ending" || held.length > 0) return;
    phase = "over";
    output.close();
  };

  const inlet: Inlet<T> = {
    push(value) {
      if (phase !== "open") return;
      if (wanted) {
        wanted = false;
        output.enqueue(value);
      } else if (held.push(value) > limit) {
        if (onDrop === "fail") return inlet.fail(overflow(limit));
        try {
          onDrop(held.shift()!, ++dropped);
        } catch (error) {
          inlet.fail(error);
        }
      }
    },
    end() {
      if (phase !== "open") return;
      try {
        quieten(leave("ending"));
        closeWhenEmpty();
      } catch (error) {
        inlet.fail(error);
      }
    },
    fail(reason) {
      if (phase === "over") return;
      try {
        quieten(leave("over", reason));
      } catch {
        // It failed, and failed again when it was let go: the first reason is the one to tell.
      }
      output.error(reason);
    },
  };

  return new ReadableStream<T>({
    start(controller) {
      output = controller;
      const off = connect(inlet);
      if (phase === "open") disconnect = off;
      else quieten(off()); // it ended while connecting
    },
    // Returns at once, always: a `pull` that sleeps behaves differently from place to place.
    pull() {
      if (held.length === 0) wanted = true;
      else output.enqueue(held.shift()!);
      closeWhenEmpty();
    },
    cancel: (reason) => leave("over", reason),
  }, { highWaterMark: 0 });
}

/** A rejection that nobody hears would end the program. */
function quieten(work: void | Promise<void>): void {
  Promise.resolve(work).catch(() => {});
}
