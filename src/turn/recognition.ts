/**
 * The words of the recogniser, which are collected until a turn is committed.
 *
 * @module
 */
import { LANGUAGE_CHANGE_LENGTH } from "./config.ts";
import { finishCommit } from "./commit.ts";
import { decide, dropDecision } from "./decision.ts";
import { type Draft, edit, isFixed, order } from "./draft.ts";
import type { Transcript, TurnEvent } from "./event.ts";
import { noteTranscribed, trackFinal } from "./limits.ts";
import { isVoiceBased } from "./mode.ts";
import { admit, discardHeld, hold, takeHeld } from "./overlap.ts";
import { attemptPreemptive } from "./preemptive.ts";
import type { HeldEvent } from "./regions.ts";
import { leavesFloor, onBackchannel, onFinalWords, onInterimWords, showFinalWords } from "./user_words.ts";
import { forgetUtterance, isExcused, openUserTurn, speechEnded, speechStarted } from "./voice.ts";
import { comparableWords, joinText } from "./words.ts";

type EventOf<K extends TurnEvent["type"]> = Extract<TurnEvent, { type: K }>;

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
  if (event.text !== "" && !isLateFinal(d, event.text)) {
    if (leavesFloor(d, event)) onBackchannel(d, event);
    else collectFinal(d, event);
  } else if (event.text !== "") {
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
  if (isExcused(d)) {
    forgetUtterance(d);
    return;
  }
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
  region.inputStartedAt = event.startedAt ?? region.inputStartedAt ?? d.t - event.durationMs;
}
