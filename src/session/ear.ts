/**
 * One model that listens: what it hears goes in, what it understands comes out, until it is closed or breaks.
 *
 * @module
 */
import { fromPush, type Inlet } from "../../streams/from_push.ts";

/** Parts that may wait for a model before the oldest is dropped. Chosen: a second at 50 frames a second. */
const WAITING_PARTS = 50;

/** A model that listens. */
export interface Ear<Part> {
  /** Never waits: what a slow model cannot take, it loses, the oldest first. */
  push(part: Part): void;
  /** Ends it. Nothing is told from now on. Idempotent. */
  close(): void;
}

/** How an ear is opened. */
export interface EarOptions<Part, Event> {
  /** Starts the model. Null: it has nothing to say. */
  open(
    audio: ReadableStream<Part>,
    signal: AbortSignal,
  ): ReadableStream<Event> | null | Promise<ReadableStream<Event> | null>;
  /** Hears what the model says, in order. */
  take(event: Event): void;
  /** The model ended by itself, or failed with this error. Not called after `close`. */
  over(error: unknown): void;
  /** A part was lost. */
  dropped(): void;
}

/** Opens an ear. */
export function openEar<Part, Event>({ open, take, over, dropped }: EarOptions<Part, Event>): Ear<Part> {
  let inlet: Inlet<Part> | undefined;
  const audio = fromPush<Part>((it) => {
    inlet = it;
    return () => {};
  }, { limit: WAITING_PARTS, onDrop: dropped });
  const controller = new AbortController();
  const { signal } = controller;

  const run = async (): Promise<void> => {
    const opened = open(audio, signal);
    const events = opened instanceof Promise ? await opened : opened;
    if (events !== null) await pump(events, signal, take);
  };
  run().catch((error: unknown) => error).then((error) => {
    if (!signal.aborted) over(error);
  });

  return {
    push: (part) => inlet?.push(part),
    close() {
      inlet?.end();
      controller.abort();
    },
  };
}

/** Reads until the end or the signal. A failure behind the signal is nobody's concern. */
async function pump<T>(events: ReadableStream<T>, signal: AbortSignal, take: (event: T) => void): Promise<void> {
  const reader = events.getReader();
  const stop = (): void => void reader.cancel(signal.reason).catch(() => {}); // a model that fails while it is left
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      take(value);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
