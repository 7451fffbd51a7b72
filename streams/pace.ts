/**
 * Frames at the speed at which they are heard.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../src/audio/frame.ts";
import { AgentError } from "../src/base/error.ts";
import type { Clock } from "../src/base/runtime.ts";

/** How to keep the pace. All are milliseconds. */
export interface PaceOptions {
  /** How far frames may run ahead of the moment at which they are due. Default: 0. */
  readonly leadMs?: number;
  /**
   * Frames that wait leave at multiples of this on the clock, so that many streams wake up together, which costs half as
   * much. It makes a frame at most this late, and never the next one later. Default: 5; 0 is none.
   */
  readonly gridMs?: number;
  /** A source that is behind by more than this starts anew; one that is less behind catches up. Default: 100. */
  readonly resyncMs?: number;
  /**
   * Fails the stream at once with the signal's reason. Give the signal of the pipe: the pipe alone would wait for the
   * frame that waits here.
   */
  readonly signal?: AbortSignal;
}

/** What runtimes have and TypeScript's library does not: called when the stream is cancelled or aborted. */
interface CancellableTransformer<I, O> extends Transformer<I, O> {
  cancel(reason: unknown): void;
}

/**
 * Lets frames through in real time: the first at once, each next one when those before it have been heard. Due times are
 * absolute, so that lateness does not add up. After a pause of the source its next frame passes at once and is a new
 * first one.
 *
 * Holds one frame, and one more that waits to be next. Cancelling or aborting calls the timer off and throws them away.
 *
 * @throws {AgentError} `stream.bad_option` when a number of milliseconds is negative or not finite.
 *
 * @example A file that is heard like a call
 * ```ts
 * const caller = toStream([readWav(file)]).pipeThrough(rechunk({ durationMs: 20 })).pipeThrough(pace(clock));
 * ```
 */
export function pace(
  clock: Clock,
  { leadMs = 0, gridMs = 5, resyncMs = 100, signal }: PaceOptions = {},
): TransformStream<AudioFrame, AudioFrame> {
  checkDurations({ leadMs, gridMs, resyncMs });
  let due: number | undefined; // when the next frame is to be heard
  let over = false;
  let stopWaiting = (): void => {};
  let onAbort = (): void => {};

  /** Waits for a time. Ends early when the stream is over. */
  const until = (time: number): Promise<void> => {
    const at = gridMs === 0 ? time : Math.ceil(time / gridMs) * gridMs;
    return new Promise((go) => {
      const callOff = clock.schedule(at, go);
      stopWaiting = () => {
        callOff();
        go();
      };
    });
  };

  const leave = (): void => {
    over = true;
    stopWaiting();
    signal?.removeEventListener("abort", onAbort);
  };

  const transformer: CancellableTransformer<AudioFrame, AudioFrame> = {
    start(controller) {
      if (signal === undefined) return;
      onAbort = () => {
        controller.error(signal.reason);
        leave();
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    },
    async transform(frame, controller) {
      if (due !== undefined && due - leadMs > clock.now()) await until(due - leadMs);
      if (over) return;
      const now = clock.now();
      const heard = due === undefined || now - due > resyncMs ? now : due;
      due = heard + frameDurationMs(frame);
      controller.enqueue(frame);
    },
    flush: leave,
    cancel: leave,
  };
  return new TransformStream(transformer);
}

function checkDurations(durations: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(durations)) {
    if (Number.isFinite(value) && value >= 0) continue;
    throw new AgentError(
      "stream.bad_option",
      `Cannot pace a stream as \`${name}\` must be a number of milliseconds from 0 on: current value is ${value}`,
    );
  }
}
