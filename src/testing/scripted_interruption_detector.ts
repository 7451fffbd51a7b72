/**
 * A detector of interruptions that judges as a test tells it to.
 *
 * @module
 */
import { frameDurationMs } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import type { InterruptionDetector, InterruptionInput, InterruptionVerdict } from "../model/interruption_detector.ts";

/** What is made of one overlap. */
export interface ScriptedOverlap {
  /** The user wants the floor. Told `delayMs` after the overlap began, unless it has ended by then. */
  readonly isInterruption: boolean;
  /** Default: 100. */
  readonly delayMs?: number;
  /** Fails the stream instead of judging. */
  readonly error?: unknown;
}

/** How a scripted detector is made. */
export interface ScriptedInterruptionDetectorOptions {
  /** The clock of the session. */
  readonly clock: Clock;
  /** What is made of the overlaps, in order. Behind its end none is an interruption. */
  readonly overlaps?: readonly ScriptedOverlap[];
}

/** A detector that judges as it is told. */
export interface ScriptedInterruptionDetector extends InterruptionDetector {
  /** The marks that went in, in order, over all streams. */
  readonly marks: readonly string[];
  /** How much sound went in, in milliseconds, over all streams. */
  readonly heardMs: number;
  /** Streams that are open. */
  readonly openCount: number;
}

/**
 * Makes a detector of interruptions that judges as it is told.
 *
 * @example The first overlap is an interruption
 * ```ts
 * const detector = scriptedInterruptionDetector({ clock, overlaps: [{ isInterruption: true, delayMs: 300 }] });
 * ```
 */
export function scriptedInterruptionDetector(
  { clock, overlaps = [] }: ScriptedInterruptionDetectorOptions,
): ScriptedInterruptionDetector {
  const marks: string[] = [];
  let heardMs = 0;
  let openCount = 0;
  let overlapCount = 0;

  return {
    kind: "interruption_detector",
    model: "scripted",
    provider: "repartee",
    marks,
    get heardMs() {
      return heardMs;
    },
    get openCount() {
      return openCount;
    },
    stream({ signal } = {}) {
      let callOff = (): void => {};
      let isOpen = true;
      let current: { readonly id: number; readonly startedAt: number } | undefined;
      openCount++;
      const leave = (): void => {
        callOff();
        if (isOpen) openCount--;
        isOpen = false;
      };
      const verdict = (id: number, isInterruption: boolean, startedAt: number): InterruptionVerdict => ({
        id,
        isInterruption,
        probability: isInterruption ? 0.9 : 0.1,
        totalDurationMs: 20,
        predictionDurationMs: 10,
        detectionDelayMs: clock.now() - startedAt,
        numRequests: 1,
      });
      const transformer: Transformer<InterruptionInput, InterruptionVerdict> & { cancel(): void } = {
        start(controller) {
          signal?.addEventListener("abort", () => {
            if (!isOpen) return;
            leave();
            controller.error(signal.reason);
          }, { once: true });
        },
        transform(part, controller) {
          if (!("type" in part)) {
            heardMs += frameDurationMs(part);
            return;
          }
          marks.push(part.type);
          if (part.type === "overlap_started") {
            const overlap = { id: part.id, startedAt: clock.now() };
            current = overlap;
            const { isInterruption, delayMs = 100, error } = overlaps[overlapCount++] ?? { isInterruption: false };
            if (!isInterruption && error === undefined) return;
            callOff = clock.schedule(clock.now() + delayMs, () => {
              if (error !== undefined) {
                leave();
                controller.error(error);
              } else if (current === overlap) {
                current = undefined;
                controller.enqueue(verdict(overlap.id, true, overlap.startedAt));
              }
            });
          }
          if (part.type === "overlap_ended" && current?.id === part.id) {
            callOff();
            controller.enqueue(verdict(part.id, false, current.startedAt));
            current = undefined;
          }
        },
        flush: leave,
        cancel: leave,
      };
      return new TransformStream(transformer, undefined, { highWaterMark: 1 });
    },
  };
}
