/**
 * A stream whose source can be changed under its reader.
 *
 * @module
 */
import { lock } from "./lock.ts";

/** What to do about a source that fails. */
export interface SwitchableOptions {
  /**
   * Told when a source fails; the stream then waits for the next one, as if the source had ended. Default: the stream
   * fails as the source did.
   */
  readonly onFail?: (reason: unknown) => void;
}

/** A stream and the means to change its source. */
export interface Switchable<T> {
  /** What the sources give, one after the other. Does not end with a source. Cancelling it cancels the source. */
  readonly readable: ReadableStream<T>;
  /**
   * Reads on from this source, or waits for the next one (`null`). The source before it is cancelled: to keep one alive,
   * give a subscription of a `broadcast`. When the stream is over, a source that is given is cancelled at once.
   * Settles when the source before has been let go; never rejects, since nobody is left to hear how that failed.
   *
   * @throws {AgentError} `stream.bad_option`, at once, when the source is locked; then nothing has changed.
   */
  switchTo(source: ReadableStream<T> | null): Promise<void>;
  /** Ends the stream and cancels its source. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a stream whose source can be changed at any time, even while a read waits: that read is then answered by the next
 * source.
 *
 * Holds nothing: a source is read when the reader asks. What a source was about to answer when it was left is lost (at
 * most one value). An ended source is like `null`.
 *
 * @example A microphone that can be replaced during a call
 * ```ts
 * const { readable, switchTo } = switchable<AudioFrame>();
 * const speech = readable.pipeThrough(stt.stream());
 * void switchTo(headset);
 * void switchTo(builtIn);
 * ```
 */
export function switchable<T>({ onFail }: SwitchableOptions = {}): Switchable<T> {
  let current: ReadableStreamDefaultReader<T> | undefined;
  let wanted = false; // a read waits
  let reading = false; // ... and `current` has been asked
  let over = false;
  let output: ReadableStreamDefaultController<T>;

  /** Lets go of a source: its pending read ends with the cancel, and only then its lock. */
  const drop = async (reader: ReadableStreamDefaultReader<T> | undefined, reason: unknown): Promise<void> => {
    if (reader === undefined) return;
    try {
      await reader.cancel(reason);
    } catch {
      // See `switchTo`: nobody is left to hear it.
    } finally {
      reader.releaseLock();
    }
  };

  const leave = (reason: unknown): Promise<void> => {
    const left = current;
    current = undefined;
    reading = false;
    return drop(left, reason);
  };

  const fail = (reason: unknown): void => {
    try {
      if (onFail === undefined) throw reason;
      onFail(reason);
    } catch (error) {
      over = true;
      output.error(error);
    }
  };

  /** Answers the waiting read from the current source. Never rejects. */
  const ask = async (): Promise<void> => {
    const asked = current;
    if (asked === undefined || !wanted || reading) return;
    reading = true;
    try {
      const { done, value } = await asked.read();
      if (asked !== current) return; // it was left meanwhile: the next one answers
      reading = false;
      if (done) {
        current = undefined;
        asked.releaseLock();
      } else {
        wanted = false;
        output.enqueue(value);
      }
    } catch (reason) {
      if (asked !== current) return;
      current = undefined;
      reading = false;
      asked.releaseLock();
      fail(reason);
    }
  };

  const readable = new ReadableStream<T>({
    start: (controller) => void (output = controller),
    pull() {
      wanted = true;
      void ask();
    },
    cancel(reason) {
      over = true;
      return leave(reason);
    },
  }, { highWaterMark: 0 });

  return {
    readable,
    switchTo(source) {
      const next = source === null ? undefined : lock(source, "switch to a source");
      if (over) return drop(next, new DOMException("The stream is over", "AbortError"));
      const left = leave(new DOMException("Another source took its place", "AbortError"));
      current = next;
      void ask();
      return left;
    },
    close() {
      if (over) return Promise.resolve();
      over = true;
      output.close();
      return leave(new DOMException("The stream was closed", "AbortError"));
    },
  };
}
