/**
 * Turns that the program ends or throws away: `commitUserTurn` and `clearUserTurn`.
 *
 * @module
 */
import { LATE_FINAL_MS, RECENT_FINAL_MS, SILENCE_CHUNK_MS } from "./config.ts";
import { decide, dropDecision } from "./decision.ts";
import { cancelTimer, type Draft, edit, isFixed, order, put, setTimer } from "./draft.ts";
import type { TurnEvent } from "./event.ts";
import { resetTracker, resetTranscription } from "./limits.ts";
import { cancelPreemptive } from "./preemptive.ts";
import { NONE } from "./regions.ts";
import { flushPredictions } from "./streaming.ts";
import { endTurnSpan } from "./voice.ts";
import { onFinalWords } from "./user_words.ts";
import { comparableWords, joinText } from "./words.ts";

/** The program ends the turn. Its last words may still be on their way. */
export function onCommitUserTurn(d: Draft, event: Extract<TurnEvent, { type: "api.commitUserTurn" }>): void {
  const { config, shared } = d;
  if (d.turn.commit.phase === "waitFinal") {
    order(d, { type: "commit.cancel", id: d.turn.commit.id });
    cancelTimer(d, "commitFinal");
    put(d, "commit", NONE);
  }
  if (config.llm === "realtime" && !event.atClose) order(d, { type: "rt.commitAudio" });
  const { recognition: r } = d.turn;
  const isOver = shared.closing && !event.atClose;
  // A closing session waits for words only if somebody may have said some (OURS-18).
  const nothingSaid = event.atClose && isFixed(d) && r.finalText === "" && r.interimText === "" && !r.speaking &&
    r.lastSpeakingTime === undefined;
  if (!config.hasStt || isOver || nothingSaid) {
    order(d, { type: "commit.resolve", id: event.id, transcript: "" });
    return;
  }
  const skipReply = event.skipReply || config.llm === "realtime";
  put(d, "commit", { phase: "waitFinal", id: event.id, skipReply, atClose: event.atClose });
  if (r.lastFinalTime !== undefined && d.t - r.lastFinalTime <= RECENT_FINAL_MS) {
    finishCommit(d);
    return;
  }
  if (event.audioDetached && r.sampleRate !== undefined && event.sttFlushDuration > 0) {
    const chunks = Math.ceil(event.sttFlushDuration / SILENCE_CHUNK_MS);
    order(d, { type: "stt.pushSilence", durationMs: chunks * SILENCE_CHUNK_MS });
  }
  setTimer(d, "commitFinal", d.t + event.transcriptTimeout);
}

/** No final came in time: what there is is the turn. */
export function onCommitTimeout(d: Draft): void {
  if (d.turn.recognition.interimText !== "") order(d, { type: "log", level: "warn", code: "commit.interim_promoted" });
  finishCommit(d);
}

/** Ends a waiting commit with the words that there are. An interim counts as final. */
export function finishCommit(d: Draft): void {
  const { commit } = d.turn;
  if (commit.phase !== "waitFinal") return;
  put(d, "commit", NONE);
  cancelTimer(d, "commitFinal");
  const { interimText } = d.turn.recognition;
  if (interimText !== "") {
    const { hasUserVad, mode } = d.config;
    const speaking = hasUserVad || mode === "stt" ? d.turn.recognition.speaking : undefined;
    onFinalWords(d, { text: interimText, language: "", speakerId: null }, speaking);
    const region = edit(d, "recognition");
    region.finalText = joinText(region.finalText, interimText);
    region.interimText = "";
    if (isFixed(d)) region.promoted = { words: comparableWords(interimText), until: d.t + LATE_FINAL_MS }; // OURS-9
  }
  edit(d, "recognition").userTurnCommitted = true;
  decide(d, "manual", commit.skipReply, commit.atClose);
  order(d, { type: "commit.resolve", id: commit.id, transcript: d.turn.recognition.finalText });
}

/** The program throws away what was said, and a decision about it (OURS-8). */
export function onClearUserTurn(d: Draft): void {
  const region = edit(d, "recognition");
  if (region.finalText !== "") order(d, { type: "transcript.discarded", text: region.finalText, reason: "cleared" });
  if (region.userTurnStart !== undefined) endTurnSpan(d, d.t);
  region.finalText = "";
  region.interimText = "";
  region.preflightText = "";
  region.confidences = [];
  region.lastFinalTime = undefined;
  region.speechStartTime = undefined;
  region.lastSpeakingTime = undefined;
  region.vadSpeechStarted = false;
  region.userTurnCommitted = false;
  region.userTurnStart = undefined;
  region.requestIds = [];
  region.promoted = null;
  flushPredictions(d, "clear_user_turn");
  resetTracker(d);
  resetTranscription(d);
  if (isFixed(d)) {
    dropDecision(d, "clear");
    if (d.turn.commit.phase === "waitFinal") {
      order(d, { type: "commit.cancel", id: d.turn.commit.id });
      cancelTimer(d, "commitFinal");
      put(d, "commit", NONE);
    }
    cancelPreemptive(d);
  }
  if (d.config.hasStt) order(d, { type: "stt.restart" });
  if (d.config.llm === "realtime") order(d, { type: "rt.clearAudio" });
}
