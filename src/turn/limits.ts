/**
 * How long a user may talk while the agent is not heard, and speech that gave no words.
 *
 * @module
 */
import { cancelTimer, type Draft, edit, emit, isFixed, order, setTimer } from "./draft.ts";
import type { TurnEvent } from "./event.ts";
import { cancelPreemptive } from "./preemptive.ts";
import type { Exceeded } from "./regions.ts";
import { currentTranscript } from "./interruption.ts";
import { countSpacedWords, joinText } from "./words.ts";

/** The agent was heard, or the turn was cleared: the count begins again. */
export function resetTracker(d: Draft): void {
  const { limits } = d.turn;
  if (limits.words === 0 && limits.startedAt === undefined) return;
  const region = edit(d, "limits");
  region.words = 0;
  region.transcript = "";
  region.startedAt = undefined;
}

/** Counts a final, and remembers a turn that is over its limit until the agent can cut in. */
export function trackFinal(d: Draft, text: string): void {
  const { maxWords, maxDuration } = d.config.userTurnLimit;
  if (maxWords === null && maxDuration === null) return;
  const limits = edit(d, "limits");
  limits.startedAt ??= d.turn.recognition.speechStartTime ?? d.t;
  limits.words += countSpacedWords(text);
  limits.transcript = joinText(limits.transcript, text);
  const duration = d.t - limits.startedAt;
  const over = (maxDuration !== null && duration >= maxDuration) || (maxWords !== null && limits.words >= maxWords);
  if (!over || limits.exceeded.phase === "running" || d.shared.agentState === "speaking") return;
  if (d.turn.life !== "running" || d.turn.newTurnsBlocked) {
    order(d, { type: "log", level: "warn", code: "limit.scheduling_paused" });
    return;
  }
  const event: Exceeded = {
    transcript: currentTranscript(d.turn.recognition),
    accumulatedTranscript: limits.transcript,
    accumulatedWordCount: limits.words,
    duration,
  };
  limits.exceeded = { phase: "waiting", event };
  d.settle = true;
}

/** Cuts in as soon as nothing else is going on. */
export function advanceLimits(d: Draft): void {
  const { limits, decision, turns, speeches, life, newTurnsBlocked, recognition } = d.turn;
  if (limits.exceeded.phase !== "waiting" || decision.phase !== "none" || turns.list.length > 0) return;
  if (speeches.current !== null || speeches.queue.length > 0 || life !== "running" || newTurnsBlocked) return;
  const { event } = limits.exceeded;
  const moved = isFixed(d) ? recognition.finalText : ""; // OURS-23: the words are answered, and stored, once
  edit(d, "limits").exceeded = { phase: "running", moved, confidences: moved === "" ? [] : recognition.confidences };
  if (moved !== "") {
    const region = edit(d, "recognition");
    region.finalText = "";
    region.preflightText = "";
    region.confidences = [];
    cancelPreemptive(d);
  }
  order(d, { type: "exceeded.runHook", ...event });
}

/** The hook of a long turn returned; `restore`: it did not answer the words. */
export function onExceededHookDone(d: Draft, restore: boolean): void {
  const { exceeded } = d.turn.limits;
  if (exceeded.phase !== "running") return;
  edit(d, "limits").exceeded = { phase: "idle" };
  if (!restore || exceeded.moved === "") return;
  const region = edit(d, "recognition");
  region.finalText = joinText(exceeded.moved, region.finalText);
  region.confidences = [...exceeded.confidences, ...region.confidences];
}

// --- speech without words ----------------------------------------------------------------------------------------------

/** A segment of speech ended: its words should come soon. */
export function awaitTranscript(d: Draft, event: Extract<TurnEvent, { type: "vad.end" }>): void {
  const { transcriptionTimeout, hasStt } = d.config;
  if (transcriptionTimeout === null || !hasStt || d.turn.transcription.turnTranscribed) return;
  edit(d, "transcription").turnSpeech += event.speechDuration;
  const left = transcriptionTimeout - event.silenceDuration - event.inferenceDuration;
  setTimer(d, "transcription", d.t + Math.max(0, left));
}

/** Words came, whatever becomes of them. */
export function noteTranscribed(d: Draft): void {
  cancelTimer(d, "transcription");
  if (!d.turn.transcription.turnTranscribed) edit(d, "transcription").turnTranscribed = true;
}

/** The turn was committed or cleared. */
export function resetTranscription(d: Draft): void {
  cancelTimer(d, "transcription");
  const { turnSpeech, turnTranscribed } = d.turn.transcription;
  if (turnSpeech === 0 && !turnTranscribed) return;
  const region = edit(d, "transcription");
  region.turnSpeech = 0;
  region.turnTranscribed = false;
}

/** No words came for what was said. */
export function onTranscriptionTimeout(d: Draft): void {
  const { userTurnStart } = d.turn.recognition;
  if (userTurnStart === undefined || d.turn.transcription.turnTranscribed) return;
  emit(d, {
    event: "user_transcription_timeout",
    speechDuration: d.turn.transcription.turnSpeech,
    vadSpeechStartedAt: userTurnStart,
  });
}
