/**
 * A detector of interruptions that judges as a test tells it to.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import type { InterruptionDetector, InterruptionInput, InterruptionVerdict } from "../model/interruption_detector.ts";
import { detectorStreams } from "./detector_streams.ts";

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
  let overlapCount = 0;
  type Mark = Exclude<InterruptionInput, AudioFrame>;
  const streams = detectorStreams<Mark, InterruptionVerdict>(clock, (stream) => {
    let current: { readonly id: number; readonly startedAt: number } | undefined;
    const verdict = (id: number, isInterruption: boolean, startedAt: number): InterruptionVerdict => ({
      id,
      isInterruption,
      probability: isInterruption ? 0.9 : 0.1,
      totalDurationMs: 20,
      predictionDurationMs: 10,
      detectionDelayMs: clock.now() - startedAt,
      numRequests: 1,
    });
    return (mark) => {
      marks.push(mark.type);
      if (mark.type === "overlap_started") {
        const overlap = { id: mark.id, startedAt: clock.now() };
        current = overlap;
        const { isInterruption, delayMs = 100, error } = overlaps[overlapCount++] ?? { isInterruption: false };
        if (!isInterruption && error === undefined) return;
        stream.later(delayMs, () => {
          if (error !== undefined) return stream.fail(error);
          if (current !== overlap) return;
          current = undefined;
          stream.answer(verdict(overlap.id, true, overlap.startedAt));
        });
      }
      if (mark.type === "overlap_ended" && current?.id === mark.id) {
        stream.callOff();
        stream.answer(verdict(mark.id, false, current.startedAt));
        current = undefined;
      }
    };
  });

  return {
    kind: "interruption_detector",
    model: "scripted",
    provider: "repartee",
    marks,
    get heardMs() {
      return streams.heardMs;
    },
    get openCount() {
      return streams.openCount;
    },
    stream: ({ signal } = {}) => streams.open(signal),
  };
}
