/**
 * The streaming end-of-turn detector: asked once in each pause of the user, so that its answer is there when the decision is.
 *
 * @module
 */
import { type Draft, edit, emit, nextSerial, order } from "./draft.ts";
import type { TurnEvent } from "./event.ts";
import { onPredicted } from "./decision.ts";
import { NONE, type Prediction, type StreamingState } from "./regions.ts";

/** The user pauses: is the turn over? */
export function askPrediction(d: Draft): void {
  const id = nextSerial(d);
  edit(d, "streaming").prediction = { phase: "pending", id };
  order(d, { type: "eot.predict", id });
}

/** The user goes on: the question is moot. */
export function cancelPrediction(d: Draft, timedOut: boolean): void {
  if (d.turn.streaming.prediction.phase === "none") return;
  edit(d, "streaming").prediction = NONE;
  order(d, { type: "eot.cancel", timedOut });
}

/** The answer took too long; the detector may change to its fallback. */
export function timeOutPrediction(d: Draft): void {
  cancelPrediction(d, true);
}

/** The turn was committed or cleared: what is heard from now on belongs to another. */
export function flushPredictions(d: Draft, reason: string): void {
  if (d.config.detector !== "streaming") return;
  const region = edit(d, "streaming");
  region.prediction = NONE;
  region.flushed = true;
  order(d, { type: "eot.flush", reason });
}

/** The detector answered. An answer to another question is ignored. */
export function onEotAnswer(d: Draft, event: Extract<TurnEvent, { type: "eot.answer" }>): void {
  const { prediction } = d.turn.streaming;
  if (prediction.phase !== "pending" || prediction.id !== event.id) return;
  const { id, probability, threshold, inferenceDuration } = event;
  edit(d, "streaming").prediction = {
    phase: "resolved",
    emitted: false,
    id,
    probability,
    threshold,
    inferenceDuration,
  };
  onPredicted(d);
}

type Resolved = Extract<StreamingState["prediction"], { phase: "resolved" }>;

/** Uses an answer for a decision. The public is told of each answer once, however many decisions it serves. */
export function takePrediction(d: Draft, prediction: Resolved): Prediction {
  if (prediction.emitted) return prediction;
  edit(d, "streaming").prediction = { ...prediction, emitted: true };
  const { lastSpeakingTime } = d.turn.recognition;
  emit(d, {
    event: "eot_prediction",
    probability: prediction.probability,
    threshold: prediction.threshold,
    inferenceDurationMs: prediction.inferenceDuration,
    delayMs: lastSpeakingTime === undefined ? 0 : d.t - lastSpeakingTime,
  });
  return prediction;
}
