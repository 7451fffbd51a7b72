/**
 * From the probability of speech in one window to "speech began" and "speech ended". Pure, and shared by all detectors.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";

/** When speech begins and ends. Durations are milliseconds. */
export interface VADThresholds {
  /** A window with at least this probability is speech. Default: 0.5. */
  readonly activationThreshold?: number;
  /**
   * While somebody speaks, a window above this probability is still speech. Above 0. Default: 0.15 less than
   * `activationThreshold`, and at least 0.01.
   */
  readonly deactivationThreshold?: number;
  /** How long speech must go on before it has begun. Default: 50. */
  readonly minSpeechDuration?: number;
  /** How long silence must go on before speech has ended. Default: 550. */
  readonly minSilenceDuration?: number;
}

/** What has been heard so far. */
export interface VADState {
  /** Whether speech has begun and not ended. */
  readonly speaking: boolean;
  /** Length of the run of speech windows that goes on. */
  readonly rawSpeechMs: number;
  /** Length of the run of silent windows that goes on. */
  readonly rawSilenceMs: number;
  /** While speaking, time since the speech began. */
  readonly speechDurationMs: number;
  /** While not speaking, time since the speech ended. */
  readonly silenceDurationMs: number;
}

/** What one window changes. */
export interface VADStep {
  /** After the window. */
  readonly next: VADState;
  /** What `inference_done` tells: the durations with the window, everything else as it was before. */
  readonly inference: VADState;
  /** What the window begins or ends, and what is told of it. */
  readonly boundary?: { readonly type: "start_of_speech" | "end_of_speech"; readonly told: VADState };
}

/** Before anything has been heard. */
export const VAD_SILENCE: VADState = Object.freeze({
  speaking: false,
  rawSpeechMs: 0,
  rawSilenceMs: 0,
  speechDurationMs: 0,
  silenceDurationMs: 0,
});

/**
 * Fills in the defaults.
 *
 * @throws {AgentError} `model.bad_option` for a threshold that is no number above 0 and up to 1, a `deactivationThreshold`
 * above `activationThreshold`, and a duration that is negative or no number.
 */
export function vadThresholds(given: VADThresholds = {}): Required<VADThresholds> {
  const activationThreshold = given.activationThreshold ?? 0.5;
  const deactivationThreshold = given.deactivationThreshold ?? Math.max(activationThreshold - 0.15, 0.01);
  const { minSpeechDuration = 50, minSilenceDuration = 550 } = given;
  check(activationThreshold > 0 && activationThreshold <= 1, "`activationThreshold` must be above 0 and up to 1", {
    activationThreshold,
  });
  check(deactivationThreshold > 0, "`deactivationThreshold` must be above 0", { deactivationThreshold });
  check(deactivationThreshold <= 1, "`deactivationThreshold` must be up to 1", { deactivationThreshold });
  checkDuration({ minSpeechDuration });
  checkDuration({ minSilenceDuration });
  return { activationThreshold, deactivationThreshold, minSpeechDuration, minSilenceDuration };
}

/**
 * Takes one window.
 *
 * A window that is speech sets the run of silence to 0 and the other way round, so that one silent window makes a word
 * that has not been long enough start over. A probability between the thresholds goes on with what is: it never begins
 * speech, and never ends it.
 */
export function stepVad(
  state: VADState,
  probability: number,
  windowMs: number,
  { activationThreshold, deactivationThreshold, minSpeechDuration, minSilenceDuration }: Required<VADThresholds>,
): VADStep {
  const { speaking } = state;
  const inference: VADState = {
    ...state,
    speechDurationMs: speaking ? state.speechDurationMs + windowMs : state.speechDurationMs,
    silenceDurationMs: speaking ? state.silenceDurationMs : state.silenceDurationMs + windowMs,
  };
  const isSpeech = probability >= activationThreshold || (speaking && probability > deactivationThreshold);

  if (isSpeech) {
    const rawSpeechMs = state.rawSpeechMs + windowMs;
    const next: VADState = { ...inference, rawSpeechMs, rawSilenceMs: 0 };
    if (speaking || rawSpeechMs < minSpeechDuration) return { next, inference };
    const begun: VADState = { ...next, speaking: true, speechDurationMs: rawSpeechMs, silenceDurationMs: 0 };
    return { next: begun, inference, boundary: { type: "start_of_speech", told: begun } };
  }

  const rawSilenceMs = state.rawSilenceMs + windowMs;
  const next: VADState = { ...inference, rawSpeechMs: 0, rawSilenceMs };
  if (!speaking || rawSilenceMs < minSilenceDuration) return { next, inference };
  return { inference, ...end(next) };
}

/** Ends speech that has begun, at once: what a flush does. Nothing is to be told where nobody speaks. */
export function endVad(state: VADState): Pick<VADStep, "boundary"> {
  return state.speaking ? { boundary: end(state).boundary } : {};
}

function end(state: VADState): { readonly next: VADState; readonly boundary: NonNullable<VADStep["boundary"]> } {
  const { speechDurationMs, rawSilenceMs } = state;
  const told: VADState = {
    ...state,
    speaking: false,
    speechDurationMs: Math.max(0, speechDurationMs - rawSilenceMs),
    silenceDurationMs: rawSilenceMs,
  };
  return { next: { ...told, speechDurationMs: 0 }, boundary: { type: "end_of_speech", told } };
}

/** @throws {AgentError} `model.bad_option` for a duration that is negative or no number. */
export function checkDuration(option: Readonly<Record<string, number>>): void {
  const [[name, value]] = Object.entries(option) as [[string, number]];
  check(value >= 0 && value < Infinity, `\`${name}\` must be a number of milliseconds, at least 0`, option);
}

function check(isRight: boolean, rule: string, option: Readonly<Record<string, number>>): void {
  if (isRight) return;
  const [value] = Object.values(option);
  throw new AgentError("model.bad_option", `Cannot detect speech as ${rule}: current value is ${value}`);
}
