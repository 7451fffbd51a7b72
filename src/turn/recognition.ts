/**
 * What is heard: the user's voice, and the words that are collected until a turn is committed.
 *
 * @module
 */
import { LANGUAGE_CHANGE_LENGTH, MIN_PREDICTION_SILENCE_MS } from "./config.ts";
import { finishCommit } from "./commit.ts";
import { decide, dropDecision } from "./decision.ts";
import { cancelTimer, type Draft, edit, isFixed, order, put } from "./draft.ts";
import { userSpeechEnded, userSpeechStarted } from "./endpointing.ts";
import type { Transcript, TurnEvent } from "./event.ts";
import {
  awaitFalseInterruption,
  holdPause,
  onAudioActivity,
  onFinalWords,
  onInterimWords,
  prePause,
  showFinalWords,
} from "./interruption.ts";
import { awaitTranscript, noteTranscribed, trackFinal } from "./limits.ts";
import { isVoiceBased } from "./mode.ts";
import { admit, closeOverlap, discardHeld, hold, openOverlap, resetOverlap, takeHeld } from "./overlap.ts";
import { attemptPreemptive } from "./preemptive.ts";
import type { HeldEvent } from "./regions.ts";
import { setUserState } from "./states.ts";
import { askPrediction, cancelPrediction } from "./streaming.ts";
import { comparableWords, joinText } from "./words.ts";

type EventOf<K extends TurnEvent["type"]> = Extract<TurnEvent, { type: K }>;

/** A voice without words that ended so long ago is a matter of its own. Chosen: recognisers take less for their words. */
const WORDLESS_MS = 3_000;

// --- the voice -------------------------------------------------------------------------------------------------------

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
  if (!isFixed(d) || userTurnStart === undefined || finalText !== "" || interimText !== "") return;
  if (lastSpeakingTime === undefined || start - lastSpeakingTime < WORDLESS_MS) return;
  order(d, { type: "span.end", span: "user_turn", at: lastSpeakingTime });
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
function speechStarted(d: Draft, start: number, duration: number): void {
  setUserState(d, "speaking", start);
  resetOverlap(d);
  put(d, "endpointing", userSpeechStarted(d.turn.endpointing, start, d.turn.overlap.agentSpeaking));
  openOverlap(d, start, duration);
  const region = edit(d, "interruption");
  region.userSilence = false;
  region.sttEosReceived = false;
  region.interruptionDetected = false;
  region.activityTold = false;
  holdPause(d);
  prePause(d);
}

/** What both cause when the user stops. */
function speechEnded(d: Draft, end: number, fromVad: boolean): void {
  const { overlap } = d.turn;
  const region = edit(d, "interruption");
  if (!fromVad) region.sttEosReceived = true;
  if (d.turn.recognition.speaking) {
    const ignore = overlap.detectionEnabled && !region.interruptionDetected && overlap.agentSpeaking;
    const { endpointing } = d.config;
    put(d, "endpointing", userSpeechEnded(d.turn.endpointing, end, ignore, endpointing, isFixed(d)));
  }
  closeOverlap(d, end, false);
  setUserState(d, "listening", end);
  region.userSilence = true;
  region.activityTold = false;
  d.settle = true;
  awaitFalseInterruption(d);
}

/** The user's turn has begun, unless it has already. */
export function openUserTurn(d: Draft, at: number): void {
  if (d.turn.recognition.userTurnStart !== undefined) return;
  edit(d, "recognition").userTurnStart = at;
  order(d, { type: "span.start", span: "user_turn", at });
}

// --- the words -------------------------------------------------------------------------------------------------------

/** An event of the recogniser. While overlaps are judged it may have to wait. */
export function onRecogniser(d: Draft, event: HeldEvent): void {
  const { recognition: r, decision } = d.turn;
  if (event.requestId !== "" && !r.requestIds.includes(event.requestId)) {
    edit(d, "recognition").requestIds = [...r.requestIds, event.requestId];
  }
  const isInterim = event.type === "stt.interim";
  if (d.config.mode === "manual" && r.userTurnCommitted && (decision.phase === "none" || isInterim)) {
    if (event.type === "stt.final" && event.text !== "") {
      order(d, { type: "transcript.discarded", text: event.text, reason: "superseded" });
    }
    return;
  }
  if (event.type === "stt.final" && event.text !== "") noteTranscribed(d);
  switch (admit(d, event)) {
    case "hold":
      hold(d, event);
      return;
    case "drop":
      discardHeld(d, event);
      return;
    case "flushFirst":
      releaseHeld(d, takeHeld(d));
      break;
    case "pass":
  }
  understand(d, event);
}

/** Goes on with events that were held back, as if they arrived now. */
export function releaseHeld(d: Draft, events: readonly HeldEvent[]): void {
  for (const event of events) understand(d, event);
}

function understand(d: Draft, event: HeldEvent): void {
  switch (event.type) {
    case "stt.start":
      return onSttStart(d, event);
    case "stt.end":
      return onSttEnd(d);
    case "stt.interim":
      return onInterim(d, event);
    case "stt.preflight":
      return onPreflight(d, event);
    case "stt.final":
      return onFinal(d, event);
    default:
      return event satisfies never;
  }
}

/** True or false where there is a voice to go by; undefined where nobody knows. */
function speakingOf(d: Draft): boolean | undefined {
  return d.config.hasUserVad || d.config.mode === "stt" ? d.turn.recognition.speaking : undefined;
}

function onInterim(d: Draft, event: EventOf<"stt.interim">): void {
  if (isFixed(d)) edit(d, "recognition").interimText = event.text; // OURS-7
  onInterimWords(d, event, speakingOf(d));
  edit(d, "recognition").interimText = event.text;
}

function onPreflight(d: Draft, event: EventOf<"stt.preflight">): void {
  if (isFixed(d)) edit(d, "recognition").interimText = event.text; // OURS-7
  onInterimWords(d, event, speakingOf(d));
  noteLanguage(d, event);
  if (event.text === "") return;
  const region = edit(d, "recognition");
  region.lastFinalTime = d.t;
  region.preflightText = joinText(region.finalText, event.text);
  region.interimText = event.text;
  assumeSpoken(d, event);
  if (d.config.mode !== "manual" || region.userTurnCommitted) {
    attemptPreemptive(d, region.preflightText, meanOf([...region.confidences, event.confidence]));
  }
}

function onFinal(d: Draft, event: EventOf<"stt.final">): void {
  noteLanguage(d, event);
  if (event.text !== "" && !isLateFinal(d, event.text)) collectFinal(d, event);
  else if (event.text !== "") {
    showFinalWords(d, event);
    order(d, { type: "transcript.discarded", text: event.text, reason: "late_final" });
  }
  finishCommit(d);
}

function collectFinal(d: Draft, event: EventOf<"stt.final">): void {
  let changed = false;
  const store = (): void => {
    const region = edit(d, "recognition");
    region.lastFinalTime = d.t;
    region.finalText = joinText(region.finalText, event.text);
    region.confidences = [...region.confidences, event.confidence];
    changed = region.finalText !== region.preflightText;
    region.interimText = "";
    region.preflightText = "";
  };
  if (isFixed(d)) store(); // OURS-7
  onFinalWords(d, event, speakingOf(d));
  if (!isFixed(d)) store();
  assumeSpoken(d, event);
  trackFinal(d, event.text);
  const { finalText, confidences, speaking, userTurnCommitted } = d.turn.recognition;
  if (!isVoiceBased(d.config) && !userTurnCommitted) return;
  if (changed) attemptPreemptive(d, finalText, meanOf(confidences));
  if (!speaking) decide(d, "stt");
}

/** The final of an interim that was committed already (OURS-9). */
function isLateFinal(d: Draft, text: string): boolean {
  const { promoted } = d.turn.recognition;
  if (promoted === null) return false;
  const words = comparableWords(text);
  const late = d.t < promoted.until && promoted.words.every((word, i) => words[i] === word);
  if (late || d.t >= promoted.until) edit(d, "recognition").promoted = null;
  return late;
}

function onSttStart(d: Draft, event: EventOf<"stt.start">): void {
  if (d.config.mode !== "stt") return;
  const region = edit(d, "recognition");
  region.speechStartTime ??= event.speechStartTime ?? d.t;
  region.promoted = null;
  const start = region.speechStartTime;
  openUserTurn(d, start);
  speechStarted(d, start, 0);
  region.speaking = true;
  region.lastSpeakingTime = d.t;
  dropDecision(d, "stt");
}

function onSttEnd(d: Draft): void {
  if (d.config.mode !== "stt") return;
  openUserTurn(d, d.t);
  speechEnded(d, d.t, false);
  const region = edit(d, "recognition");
  // A user who is speaking still is heard anew, and can interrupt a reply that was begun too early.
  if (d.config.hasVad && region.vadSpeechStarted) {
    order(d, { type: "log", level: "warn", code: "vad.flushed_by_stt" });
    order(d, { type: "vad.flush" });
    region.vadSpeechStarted = false;
  }
  region.speaking = false;
  region.userTurnCommitted = true;
  if (!d.config.hasUserVad || region.lastSpeakingTime === undefined) region.lastSpeakingTime = d.t;
  decide(d, "stt");
}

/** The recogniser went away in the middle of a speech that it alone has heard: the speech ends now. */
export function onSttClosed(d: Draft): void {
  const { speaking, vadSpeechStarted } = d.turn.recognition;
  if (d.config.mode !== "stt" || !speaking || vadSpeechStarted) return;
  speechEnded(d, d.t, false);
  edit(d, "recognition").speaking = false;
}

/** Words are a sign of speech where there is no VAD, or where it heard none. */
function assumeSpoken(d: Draft, event: Transcript): void {
  const { lastSpeakingTime, inputStartedAt } = d.turn.recognition;
  if (d.config.hasUserVad && lastSpeakingTime !== undefined) return;
  // A recogniser's stream that is used again may report times far in the future.
  const known = event.endTime > 0 && inputStartedAt !== undefined;
  edit(d, "recognition").lastSpeakingTime = known ? Math.min(event.endTime + inputStartedAt, d.t) : d.t;
}

function noteLanguage(d: Draft, event: Transcript): void {
  const { language, text } = event;
  if (language === "" || language === "auto" || language === "multi") return;
  const { lastLanguage } = d.turn.recognition;
  if (language === lastLanguage || (lastLanguage !== "" && text.length <= LANGUAGE_CHANGE_LENGTH)) return;
  edit(d, "recognition").lastLanguage = language;
}

/** The mean of some confidences; 0 of none. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The first audio, and the first after the rate changed. */
export function onAudioBegan(d: Draft, event: EventOf<"audio.began">): void {
  const region = edit(d, "recognition");
  region.sampleRate = event.sampleRate;
  region.inputStartedAt ??= d.t - event.durationMs;
}
