/**
 * A detector of ends of turns that answers what a test tells it to.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import type { StreamingTurnDetector, TurnDetectionInput, TurnPrediction } from "../model/turn_detector.ts";
import { detectorStreams } from "./detector_streams.ts";

/** An answer of a script. */
export interface ScriptedPrediction {
  /** That the user has finished, 0 to 1. */
  readonly probability: number;
  /** When, in milliseconds after the question. Default: 40. */
  readonly delayMs?: number;
  /** Fails the stream instead of answering. */
  readonly error?: unknown;
}

/** How a scripted detector is made. */
export interface ScriptedTurnDetectorOptions {
  /** The clock of the session. */
  readonly clock: Clock;
  /** Answers to the questions, in order; undefined: no answer. Behind its end, the last one goes on. Default: 1 each. */
  readonly answers?: readonly (ScriptedPrediction | undefined)[];
  /** Below it the user is likely to go on. Default: 0.5. */
  readonly threshold?: number | undefined;
}

/** A detector that answers what it is told. */
export interface ScriptedTurnDetector extends StreamingTurnDetector {
  /** What went in beside sound, in order, over all streams. */
  readonly asked: readonly string[];
  /** How much sound went in, in milliseconds, over all streams. */
  readonly heardMs: number;
  /** Streams that are open. */
  readonly openCount: number;
}

/**
 * Makes a detector of ends of turns that answers what it is told.
 *
 * @example The user is likely to go on, the first time
 * ```ts
 * const detector = scriptedTurnDetector({ clock, answers: [{ probability: 0.1 }, { probability: 0.9 }] });
 * ```
 */
export function scriptedTurnDetector(options: ScriptedTurnDetectorOptions): ScriptedTurnDetector {
  const { clock, answers = [{ probability: 1 }] } = options;
  const threshold = "threshold" in options ? options.threshold : 0.5;
  const asked: string[] = [];
  let questionCount = 0;
  const streams = detectorStreams<Exclude<TurnDetectionInput, AudioFrame>, TurnPrediction>(
    clock,
    (stream) => (mark) => {
      stream.callOff();
      asked.push(mark.type === "cancel" && mark.timedOut ? "cancel, timed out" : mark.type);
      if (mark.type !== "predict") return;
      const answer = answers[Math.min(questionCount++, answers.length - 1)];
      if (answer === undefined) return;
      const { probability, delayMs = 40, error } = answer;
      stream.later(delayMs, () => {
        if (error === undefined) stream.answer({ id: mark.id, probability, inferenceDurationMs: delayMs });
        else stream.fail(error);
      });
    },
  );

  return {
    kind: "streaming_turn_detector",
    model: "scripted",
    provider: "repartee",
    asked,
    get heardMs() {
      return streams.heardMs;
    },
    get openCount() {
      return streams.openCount;
    },
    unlikelyThreshold: () => threshold,
    stream: ({ signal } = {}) => streams.open(signal),
  };
}
