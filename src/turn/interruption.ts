/**
 * The user over the agent: what stops it, what silences it until we know, and what lets it go on.
 *
 * A *pause* is a suspicion. Words or a committed turn confirm it, and the speech is interrupted; silence refutes it, and the
 * speech goes on. Where the output cannot pause, the suspicion interrupts at once.
 *
 * @module
 */
import { cancelTimer, type Draft, edit, editShared, emit, isFixed, order, put, setTimer } from "./draft.ts";
import type { Pause, RecognitionState, Speech } from "./regions.ts";
import { userSpeechStarted } from "./endpointing.ts";
import type { TurnEvent } from "./event.ts";
import { isManualish, isServerTurns } from "./mode.ts";
import { beginAgentSpeech, endAgentSpeech, openOverlap, restoreByAudio } from "./overlap.ts";
import { currentOf, speechOf } from "./speech_list.ts";
import { interruptSpeech } from "./speeches.ts";
import { setAgentState } from "./states.ts";
import { countWords, joinText } from "./words.ts";

/** What the user has said in this turn so far, as far as it is known. */
export function currentTranscript(r: RecognitionState): string {
  return joinText(r.finalText, r.interimText);
}

/** Orders the sink to fall silent, unless it is. */
function pauseOutput(d: Draft): void {
  if (d.shared.output.paused) return;
  editShared(d).output = { ...d.shared.output, paused: true };
  order(d, { type: "playout.pause" });
}

/** Orders the sink to go on, if it is paused. */
export function resumeOutput(d: Draft): void {
  if (!d.shared.output.paused) return;
  editShared(d).output = { ...d.shared.output, paused: false };
  order(d, { type: "playout.resume" });
}

/** The options and the sink let a speech be silenced and go on later. */
export function canPause(d: Draft): boolean {
  const { interruption } = d.config;
  const { output } = d.shared;
  return interruption.resumeFalseInterruption && interruption.falseInterruptionTimeout !== null && output.present &&
    output.enabled && output.canPause;
}

function isOpenToUser(speech: Speech | undefined): speech is Speech {
  return speech !== undefined && !speech.interrupted && speech.allowInterruptions;
}

// --- audio activity ------------------------------------------------------------------------------------------------

/** A window of the VAD: long enough speech interrupts, and a gap in it counts as silence. */
export function onAudioActivity(d: Draft, event: Extract<TurnEvent, { type: "vad.inference" }>): void {
  const { config } = d;
  if (isManualish(config)) return;
  // `speechDuration` holds the silence that follows the speech (OURS-10).
  const heard = isFixed(d) ? event.speechDuration - event.rawSilence : event.speechDuration;
  const { excusedUntil } = d.turn.interruption; // a backchannel's own voice is no interruption
  const speech = excusedUntil === undefined ? heard : Math.min(heard, d.t - event.rawSilence - excusedUntil);
  if (speech >= config.interruption.minDuration) {
    const trailing = config.mode === "stt" && d.turn.interruption.sttEosReceived && event.rawSilence > 0;
    if (!trailing) interruptByAudio(d, undefined);
  }
  const silence = !(event.speaking && event.rawSilence <= config.endpointing.minDelay / 2);
  if (silence !== d.turn.interruption.userSilence) {
    edit(d, "interruption").userSilence = silence;
    d.settle = true;
  }
}

/** Sound or words may be an interruption. `ignoreUntil`: words before it are none, where a model judged. */
export function interruptByAudio(d: Draft, ignoreUntil: number | undefined): void {
  const { config, turn, shared } = d;
  if (!turn.interruption.byAudio) return;
  if (shared.aec.phase === "running") return;
  if (isServerTurns(config)) return;
  const { minWords } = config.interruption;
  if (config.hasStt && minWords > 0 && countWords(currentTranscript(turn.recognition)) < minWords) return;

  if (config.llm === "realtime" && !turn.interruption.activityTold) {
    edit(d, "interruption").activityTold = true;
    order(d, { type: "rt.startUserActivity" });
  }
  const current = currentOf(turn);
  if (!isOpenToUser(current)) return;

  cancelTimer(d, "falseInterruption");
  if (!turn.endpointing.overlapping && shared.agentState === "speaking") {
    put(d, "endpointing", userSpeechStarted(turn.endpointing, d.t, turn.overlap.agentSpeaking));
    openOverlap(d, d.t, 0);
  }
  if (canPause(d)) {
    recordPause(d, current.id, config.interruption.falseInterruptionTimeout ?? 0);
    pauseOutput(d);
    setAgentState(d, "listening");
    endAgentSpeech(d, ignoreUntil ?? d.t);
    if (d.turn.overlap.detectionEnabled) restoreByAudio(d);
    // Words without a voice, or a late verdict: no end of speech will come that times the pause.
    if (!d.turn.recognition.speaking) awaitFalseInterruption(d);
  } else {
    if (config.llm === "realtime") order(d, { type: "rt.interrupt" });
    interruptSpeech(d, current.id, false);
  }
}

function recordPause(d: Draft, handleId: string, timeout: number): void {
  const { paused } = d.turn.interruption;
  if (paused !== null && paused.handleId === handleId) {
    if (paused.timeout !== timeout || paused.pending) {
      edit(d, "interruption").paused = { ...paused, timeout, pending: false };
    }
  } else {
    edit(d, "interruption").paused = { handleId, agentState: d.shared.agentState, timeout, pending: false };
  }
}

/** The user begins to speak while the agent thinks: the reply goes on being made, but is not heard until we know more. */
export function prePause(d: Draft): void {
  const current = currentOf(d.turn);
  if (d.shared.agentState === "speaking" || !isOpenToUser(current) || !canPause(d)) return;
  if (d.turn.interruption.paused?.handleId === current.id) return;
  recordPause(d, current.id, 0);
  pauseOutput(d);
}

/** Before the first frame of a speech is let out: whatever pause there is must be one of this speech. */
export function reconcile(d: Draft, speech: Speech): void {
  const allowed = canPause(d) && isOpenToUser(speech);
  const { paused } = d.turn.interruption;
  if (paused !== null && paused.handleId === speech.id && allowed) return;
  if (paused !== null) dropPause(d);
  if (allowed && d.shared.agentState !== "speaking" && !d.turn.interruption.userSilence) {
    recordPause(d, speech.id, 0);
    pauseOutput(d);
  } else {
    resumeOutput(d);
  }
}

function dropPause(d: Draft): void {
  edit(d, "interruption").paused = null;
  cancelTimer(d, "falseInterruption");
}

/** The paused speech has left the floor: the output is free for the next. */
export function onPausedSpeechOver(d: Draft, handleId: string): void {
  if (d.turn.interruption.paused?.handleId !== handleId) return;
  dropPause(d);
  resumeOutput(d);
}

// --- true or false -------------------------------------------------------------------------------------------------

/** The user stopped: if nothing more comes, it was no interruption. */
export function awaitFalseInterruption(d: Draft): void {
  const { paused } = d.turn.interruption;
  if (paused !== null) setTimer(d, "falseInterruption", d.t + paused.timeout);
}

/** The user speaks again while the agent is paused: the pause stays as it is. */
export function holdPause(d: Draft): void {
  cancelTimer(d, "falseInterruption");
  clearPending(d);
}

function clearPending(d: Draft): void {
  const { paused } = d.turn.interruption;
  if (paused?.pending) edit(d, "interruption").paused = { ...paused, pending: false };
}

/** The silence was long enough. An open decision has the last word. */
export function onFalseInterruption(d: Draft): void {
  const { paused } = d.turn.interruption;
  if (paused === null) return;
  if (d.turn.decision.phase !== "none") {
    edit(d, "interruption").paused = { ...paused, pending: true };
    return;
  }
  settleFalseInterruption(d, paused);
}

function settleFalseInterruption(d: Draft, paused: Pause): void {
  const { current } = d.turn.speeches;
  if (current !== null && current !== paused.handleId) {
    dropPause(d);
    if (isFixed(d)) resumeOutput(d); // OURS-11
    return;
  }
  const speech = speechOf(d.turn, paused.handleId);
  const goesOn = d.config.interruption.resumeFalseInterruption && d.shared.output.canPause && speech !== undefined &&
    speech.phase !== "background" && speech.phase !== "leaving" && !speech.interrupted;
  dropPause(d);
  if (goesOn) {
    setAgentState(d, paused.agentState);
    if (paused.agentState === "speaking") beginAgentSpeech(d, d.t);
  }
  resumeOutput(d);
  emit(d, { event: "agent_false_interruption", resumed: goesOn });
}

/** What paused the speech leaves it the floor: it goes on now, or as soon as the voice has ended. */
export function excusePause(d: Draft, now: boolean): void {
  const { paused } = d.turn.interruption;
  if (paused === null) return;
  if (now) settleFalseInterruption(d, paused);
  else edit(d, "interruption").paused = { ...paused, timeout: 0, pending: false };
}

/** A pause that nobody can wait out any more: the speech goes on. */
export function endSuspicion(d: Draft): void {
  const { paused } = d.turn.interruption;
  if (paused !== null) settleFalseInterruption(d, paused);
}

/** A decision ended. If the resume was waiting for it, an accepted turn will interrupt, and a refused one lets it go on. */
export function onDecisionOver(d: Draft, outcome: "replied" | "unanswered" | "refused" | "dropped"): void {
  const { paused } = d.turn.interruption;
  if (paused === null) return;
  if (outcome === "replied") {
    cancelTimer(d, "falseInterruption");
    clearPending(d);
  } else if (paused.pending) {
    if (outcome === "dropped") clearPending(d);
    else settleFalseInterruption(d, paused);
  }
}

/** The suspicion is confirmed: the paused speech is interrupted, and the output is free again, its buffer empty. */
export function cancelSpeechPause(d: Draft): void {
  cancelTimer(d, "falseInterruption");
  const { paused } = d.turn.interruption;
  if (paused === null) return;
  const speech = speechOf(d.turn, paused.handleId);
  if (isOpenToUser(speech)) interruptSpeech(d, speech.id, false);
  // Interrupting a speech that is not let out yet has dropped the pause already.
  if (d.turn.interruption.paused !== null) edit(d, "interruption").paused = null;
  if (d.config.interruption.resumeFalseInterruption && d.shared.output.present) resumeOutput(d);
}
