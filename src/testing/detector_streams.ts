/**
 * The streams of a scripted detector: what goes in is counted, and each mark is answered as the script says.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";

/** One stream, as it is seen by what answers its marks. */
export interface DetectorStream<Answer> {
  /** Says something. */
  answer(value: Answer): void;
  /** Fails the stream. */
  fail(error: unknown): void;
  /** Calls back after so many milliseconds, unless it is called off or the stream ends first. */
  later(delayMs: number, run: () => void): void;
  /** Calls off what the last `later` was to do. */
  callOff(): void;
}

/** All streams of one detector. */
export interface DetectorStreams<Part, Answer> {
  /** How much sound went in, in milliseconds, over all streams. */
  readonly heardMs: number;
  /** Streams that are open. */
  readonly openCount: number;
  /** Opens a stream. */
  open(signal: AbortSignal | undefined): ReadableWritablePair<Answer, Part>;
}

/** Makes the streams of a detector. `answerer` is called for each stream, and gives what answers its marks. */
export function detectorStreams<Mark extends { readonly type: string }, Answer>(
  clock: Clock,
  answerer: (stream: DetectorStream<Answer>) => (mark: Mark) => void,
): DetectorStreams<AudioFrame | Mark, Answer> {
  let heardMs = 0;
  let openCount = 0;
  return {
    get heardMs() {
      return heardMs;
    },
    get openCount() {
      return openCount;
    },
    open(signal) {
      let callOff = (): void => {};
      let isOpen = true;
      let take = (_mark: Mark): void => {};
      openCount++;
      const leave = (): void => {
        callOff();
        if (isOpen) openCount--;
        isOpen = false;
      };
      const transformer: Transformer<AudioFrame | Mark, Answer> & { cancel(): void } = {
        start(controller) {
          const fail = (error: unknown): void => {
            leave();
            controller.error(error);
          };
          take = answerer({
            answer: (value) => controller.enqueue(value),
            fail,
            later: (delayMs, run) => void (callOff = clock.schedule(clock.now() + delayMs, run)),
            callOff: () => callOff(),
          });
          signal?.addEventListener("abort", () => isOpen && fail(signal.reason), { once: true });
        },
        transform(part) {
          if ("type" in part) take(part);
          else heardMs += frameDurationMs(part);
        },
        flush: leave,
        cancel: leave,
      };
      return new TransformStream(transformer, undefined, { highWaterMark: 1 });
    },
  };
}
