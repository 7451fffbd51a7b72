/**
 * Facts of a realtime model: its server hears the user, and may answer by itself.
 *
 * @module
 */
import { decide, dropDecision } from "./decision.ts";
import { type Draft, edit, emit, isFixed, order, put } from "./draft.ts";
import { userSpeechEnded, userSpeechStarted } from "./endpointing.ts";
import type { TurnEvent } from "./event.ts";
import { isServerTurns, isVoiceBased } from "./mode.ts";
import { closeOverlap, openOverlap, resetOverlap } from "./overlap.ts";
import { NORMAL_PRIORITY } from "./preemptive.ts";
import { currentOf } from "./speech_list.ts";
import { onInterruptAll, onScheduled } from "./speeches.ts";
import { noteWordsOfUser, setUserState } from "./states.ts";

type EventOf<K extends TurnEvent["type"]> = Extract<TurnEvent, { type: K }>;

/** The server hears the user: whatever the agent says stops. */
export function onServerSpeechStarted(d: Draft): void {
  if (!d.config.hasUserVad) {
    setUserState(d, "speaking", d.t);
    resetOverlap(d);
    put(d, "endpointing", userSpeechStarted(d.turn.endpointing, d.t, d.turn.overlap.agentSpeaking));
    openOverlap(d, d.t, 0);
    if (isFixed(d)) { // OURS-26
      edit(d, "recognition").speaking = true;
      dropDecision(d, "vad");
    }
  }
  const current = currentOf(d.turn);
  if (current !== undefined && !current.allowInterruptions && !current.interrupted) {
    // With turns taken on our side this is normal; with the server's, its answer will be lost.
    const level = isServerTurns(d.config) ? "error" : "debug";
    order(d, { type: "log", level, code: "speech.not_interruptible" });
    return;
  }
  onInterruptAll(d, false);
}

/** The server heard the user stop. */
export function onServerSpeechStopped(d: Draft, event: EventOf<"rt.speechStopped">): void {
  if (!d.config.hasUserVad) {
    closeOverlap(d, d.t, false);
    if (d.turn.recognition.speaking) {
      put(d, "endpointing", userSpeechEnded(d.turn.endpointing, d.t, false, d.config.endpointing, isFixed(d)));
      edit(d, "recognition").speaking = false;
    }
    setUserState(d, "listening", d.t);
    // Words that came while the server heard speech have not been decided upon.
    if (isFixed(d) && isVoiceBased(d.config) && d.turn.recognition.finalText !== "") decide(d, "stt");
  }
  if (event.userTranscriptionEnabled) showServerWords(d, "", false, null);
}

/** The server's words of the user. The driver stores the final ones, under the server's item id. */
export function onServerTranscription(d: Draft, event: EventOf<"rt.transcription">): void {
  if (event.isFinal) noteWordsOfUser(d);
  showServerWords(d, event.text, event.isFinal, event.itemId);
}

function showServerWords(d: Draft, transcript: string, isFinal: boolean, itemId: string | null): void {
  emit(d, { event: "user_input_transcribed", transcript, isFinal, language: null, speakerId: null, itemId });
}

/** The server answers by itself. During a hand-off its answer is refused, not queued. */
export function onServerGeneration(d: Draft, event: EventOf<"rt.generation">): void {
  if (d.turn.newTurnsBlocked) {
    order(d, { type: "speech.refused", handleId: event.handleId, reason: "scheduling_paused" });
    return;
  }
  onScheduled(d, {
    type: "speech.scheduled",
    t: event.t,
    handleId: event.handleId,
    kind: "realtime",
    priority: NORMAL_PRIORITY,
    allowInterruptions: d.config.interruption.enabled,
    force: false,
  });
}
