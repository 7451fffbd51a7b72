/**
 * The user's voice: when it begins and ends, and what hangs on it.
 *
 * @module
 */
import { MIN_PREDICTION_SILENCE_MS } from "./config.ts";
import { decide, dropDecision } from "./decision.ts";
import { cancelTimer, type Draft, edit, isFixed, order, put } from "./draft.ts";
import { ignoreUtterance, userSpeechEnded, userSpeechStarted } from "./endpointing.ts";
import type { TurnEvent } from "./event.ts";
import { awaitFalseInterruption, holdPause, onAudioActivity, prePause } from "./interruption.ts";
import { awaitTranscript, resetTranscription } from "./limits.ts";
import { isVoiceBased } from "./mode.ts";
import { closeOverlap, openOverlap, resetOverlap } from "./overlap.ts";
import { setUserState } from "./states.ts";
import { askPrediction, cancelPrediction } from "./streaming.ts";

type EventOf<K extends TurnEvent["type"]> = Extract<TurnEvent, { type: K }>;

/** A voice without words that ended so long ago is a matter of its own. Chosen: recognisers take less for their words. */
const WORDLESS_MS = 3_000;

/** The user's voice begins. */
export function onVadStart(d: Draft, event: EventOf<"vad.start">): void {
  const start = d.t - event.speechDuration - event.inferenceDuration;
  forgetWordless(d, start);
  const region = edit(d, "recognition");
  if (!region.vadSpeechStarted) {
    region.speechStartTime = start;
    region.vadSpeechStarted = true;
  }
  region.promoted = null;
  cancelTimer(d, "transcription");
  openUserTurn(d, start);
  speechStarted(d, start, event.speechDuration);
  region.speaking = true;
  cancelPrediction(d, false);
  if (d.turn.streaming.flushed) edit(d, "streaming").flushed = false;
  dropDecision(d, "vad");
}

/** A hum or a cough that no words followed is no part of the turn that begins now: it would have begun long before it did. */
function forgetWordless(d: Draft, start: number): void {
  const { userTurnStart, lastSpeakingTime, finalText, interimText } = d.turn.recognition;
  if (userTurnStart === undefined || finalText !== "" || interimText !== "") return;
  if (lastSpeakingTime === undefined || start - lastSpeakingTime < WORDLESS_MS) return;
  endTurnSpan(d, lastSpeakingTime);
  const region = edit(d, "recognition");
  region.userTurnStart = undefined;
  region.vadSpeechStarted = false;
}

/** One window of the VAD, some 30 a second, speech or not. */
export function onVadInference(d: Draft, event: EventOf<"vad.inference">): void {
  onAudioActivity(d, event);
  if (event.rawSpeech > 0) {
    const region = edit(d, "recognition");
    region.lastSpeakingTime = d.t;
    region.speechStartTime ??= d.t - event.rawSpeech;
    if (event.speaking) cancelPrediction(d, false);
  }
  if (
    d.config.detector === "streaming" && event.speaking && event.rawSilence >= MIN_PREDICTION_SILENCE_MS &&
    d.turn.streaming.prediction.phase === "none"
  ) askPrediction(d);
}

/** The user's voice ended, some silence ago. */
export function onVadEnd(d: Draft, event: EventOf<"vad.end">): void {
  const end = d.t - event.silenceDuration - event.inferenceDuration;
  openUserTurn(d, end);
  const belongsToTurn = d.turn.recognition.vadSpeechStarted;
  speechEnded(d, end, true);
  const region = edit(d, "recognition");
  region.vadSpeechStarted = false;
  region.speaking = false;
  region.lastSpeakingTime = end;
  if (isExcused(d)) {
    forgetUtterance(d);
    return;
  }
  if (belongsToTurn) awaitTranscript(d, event);
  decideOnVoice(d);
}

/** The VAD went away: nobody will tell when the voice ends, so it ends now. */
export function onVadClosed(d: Draft): void {
  if (!d.turn.recognition.speaking && d.turn.interruption.userSilence) return;
  speechEnded(d, d.t, false);
  const region = edit(d, "recognition");
  region.speaking = false;
  region.vadSpeechStarted = false;
}

/** The microphone is muted: no window will come that ends the voice (OURS-19). */
export function onMuted(d: Draft): void {
  const { speaking } = d.turn.recognition;
  if (d.shared.userState === "speaking" || (isFixed(d) && speaking)) speechEnded(d, d.t, false);
  if (!isFixed(d) || !speaking) return;
  const region = edit(d, "recognition");
  region.speaking = false;
  region.vadSpeechStarted = false;
  if (d.config.hasVad) order(d, { type: "vad.flush" });
  decideOnVoice(d);
}

function decideOnVoice(d: Draft): void {
  const byStt = d.config.mode === "stt" && d.turn.recognition.userTurnCommitted;
  if (isVoiceBased(d.config) || byStt) decide(d, "vad");
}

/** What both a VAD and a recogniser cause when the user begins. */
export function speechStarted(d: Draft, start: number, duration: number): void {
  setUserState(d, "speaking", start);
  resetOverlap(d);
  put(d, "endpointing", userSpeechStarted(d.turn.endpointing, start, d.turn.overlap.agentSpeaking));
  openOverlap(d, start, duration);
  const region = edit(d, "interruption");
  region.userSilence = false;
  region.sttEosReceived = false;
  region.interruptionDetected = false;
  region.activityTold = false;
  region.excusedUntil = undefined;
  holdPause(d);
  prePause(d);
}

/** What both cause when the user stops. */
export function speechEnded(d: Draft, end: number, fromVad: boolean): void {
  const { overlap } = d.turn;
  const region = edit(d, "interruption");
  if (!fromVad) region.sttEosReceived = true;
  if (d.turn.recognition.speaking) {
    const ignore = overlap.detectionEnabled && !region.interruptionDetected && overlap.agentSpeaking;
    const { endpointing } = d.config;
    const next = isExcused(d)
      ? ignoreUtterance(d.turn.endpointing)
      : userSpeechEnded(d.turn.endpointing, end, ignore, endpointing, isFixed(d));
    put(d, "endpointing", next);
  }
  closeOverlap(d, end, false);
  setUserState(d, "listening", end);
  region.userSilence = true;
  region.activityTold = false;
  d.settle = true;
  awaitFalseInterruption(d);
}

type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** The user's turn has begun, unless it has already. */
export function openUserTurn(d: Draft, at: number): void {
  if (d.turn.recognition.userTurnStart !== undefined) return;
  edit(d, "recognition").userTurnStart = at;
  if (d.turn.life !== "starting") order(d, { type: "span.start", span: "user_turn", at }); // else the start tells it
}

/** The turn that is open is no more; one of an activity that is not on stage yet was never told. */
export function endTurnSpan(d: Draft, at: number, attributes?: SpanAttributes): void {
  if (d.turn.life === "starting") return;
  order(d, { type: "span.end", span: "user_turn", at, ...(attributes && { attributes }) });
}

/** All that this utterance has said so far leaves the agent the floor. */
export function isExcused(d: Draft): boolean {
  const { finalText, interimText } = d.turn.recognition;
  return d.turn.interruption.excusedUntil !== undefined && finalText === "" && interimText === "";
}

/** An utterance that is no turn: the next one begins when it begins. */
export function forgetUtterance(d: Draft): void {
  const region = edit(d, "recognition");
  if (region.userTurnStart !== undefined) endTurnSpan(d, d.t);
  region.userTurnStart = undefined;
  region.speechStartTime = undefined;
  region.lastSpeakingTime = undefined;
  region.vadSpeechStarted = false;
  region.requestIds = [];
  resetTranscription(d);
  cancelPrediction(d, false);
}
