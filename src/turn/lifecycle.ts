/**
 * The beginning and the end of an activity, and changes to what it stands on.
 *
 * @module
 */
import { decide, dropDecision, hurryDecision } from "./decision.ts";
import { cancelTimer, type Draft, edit, editShared, isFixed, order, put } from "./draft.ts";
import type { TimerName } from "./effect.ts";
import { updateEndpointing } from "./endpointing.ts";
import type { TurnEvent } from "./event.ts";
import { endSuspicion, resumeOutput } from "./interruption.ts";
import { resetTranscription } from "./limits.ts";
import { isManualish } from "./mode.ts";
import { endAgentSpeech, onOverlapError, restoreByAudio, takeHeld } from "./overlap.ts";
import { forgetTurns } from "./pipeline.ts";
import { cancelPreemptive } from "./preemptive.ts";
import { releaseHeld } from "./recognition.ts";
import { NONE } from "./regions.ts";
import { forgetSpeeches } from "./speeches.ts";
import { onSessionClosing, restingState, setAgentState, setUserState, updateAway } from "./states.ts";
import { cancelPrediction } from "./streaming.ts";
import { endTurnSpan, onVadClosed } from "./voice.ts";

type EventOf<K extends TurnEvent["type"]> = Extract<TurnEvent, { type: K }>;

/** The activity is on stage. Words that the one before it left unanswered are decided upon. */
export function onStarted(d: Draft): void {
  if (d.turn.life !== "starting") return;
  put(d, "life", "running");
  d.settle = true;
  if (d.shared.agentState === "initializing") setAgentState(d, "listening");
  else if (d.shared.agentState === "listening") setAgentState(d, restingState(d)); // tools went on below a task
  updateAway(d);
  tellTurnSpan(d);
  decideCarried(d);
}

/** Words that nobody has answered are decided upon, unless more are being said. */
function decideCarried(d: Draft): void {
  const { speaking, finalText } = d.turn.recognition;
  if (!speaking && finalText !== "" && d.turn.decision.phase === "none" && !isManualish(d.config)) decide(d, "stt");
}

/** `onEnter` has returned. A thought that was taken over from the agent below a task, and led to nothing, is over. */
export function onGreeted(d: Draft): void {
  const { current, queue } = d.turn.speeches;
  if (d.shared.agentState === "thinking" && current === null && queue.length === 0) setAgentState(d, restingState(d));
}

/** No new speech; what there is plays out. */
export function onDrain(d: Draft): void {
  if (d.turn.life === "closed") return;
  if (d.turn.life === "starting") tellTurnSpan(d); // it leaves before it has come
  put(d, "life", "draining");
  cancelPreemptive(d);
}

/** A turn that began before the activity did is told of from now on. */
function tellTurnSpan(d: Draft): void {
  const { userTurnStart } = d.turn.recognition;
  if (userTurnStart !== undefined) order(d, { type: "span.start", span: "user_turn", at: userTurnStart });
}

/** It was to make room, and stays. Words that were not taken meanwhile are decided upon. */
export function onResume(d: Draft): void {
  if (d.turn.life !== "draining") return;
  put(d, "life", "running");
  d.settle = true;
  decideCarried(d);
}

/** The session closes: what is being decided is decided now, and stored. */
export function onClosing(d: Draft): void {
  onSessionClosing(d);
  hurryDecision(d);
}

/** The end: nothing of the activity is armed, asked, paused or spoken any more. */
export function onClose(d: Draft, forTask: boolean): void {
  if (d.turn.commit.phase === "waitFinal") order(d, { type: "commit.cancel", id: d.turn.commit.id });
  put(d, "commit", NONE);
  onVadClosed(d);
  endAgentSpeech(d, d.t);
  if (d.turn.overlap.held.length > 0) releaseHeld(d, takeHeld(d)); // words of a turn move on with the others
  if (d.shared.userState === "speaking") setUserState(d, "listening", d.t);
  edit(d, "interruption").paused = null;
  dropDecision(d, "clear");
  cancelPrediction(d, false);
  cancelPreemptive(d);
  resetTranscription(d);
  resumeOutput(d);
  forgetTurns(d);
  forgetSpeeches(d);
  if (d.turn.recognition.userTurnStart !== undefined) endTurnSpan(d, d.t);
  for (const name of Object.keys(d.turn.timers)) cancelTimer(d, name as TimerName);
  d.due = null;
  d.pauseToCancel = d.flushHeld = false;
  put(d, "life", "closed");
  if (d.shared.agentState === "speaking" || (d.shared.agentState === "thinking" && !forTask)) {
    setAgentState(d, "listening");
  }
  d.settle = false;
}

/** The audio output changed. One that cannot pause cannot stay paused. */
export function onOutputChanged(d: Draft, event: EventOf<"output.audioChanged">): void {
  const { present, enabled, canPause } = event;
  const { output } = d.shared;
  if (output.present === present && output.enabled === enabled && output.canPause === canPause) return;
  if (d.turn.interruption.paused !== null && !(present && enabled && canPause)) endSuspicion(d);
  editShared(d).output = { present, enabled, canPause, paused: d.shared.output.paused };
}

/** Tools began or ended. Nobody goes away while one runs. */
export function onToolsChanged(d: Draft, running: number): void {
  if (d.shared.runningTools === running) return;
  editShared(d).runningTools = running;
  updateAway(d);
}

/** Somebody came to hear the agent. */
export function onListenerPresent(d: Draft): void {
  if (d.shared.listenerPresent) return;
  editShared(d).listenerPresent = true;
  updateAway(d);
}

/** The options changed; the new ones hold already. */
export function onOptionsUpdated(d: Draft, previous: EventOf<"options.updated">["previous"]): void {
  const { config } = d;
  if (config.endpointing !== previous.endpointing) {
    const next = updateEndpointing(d.turn.endpointing, config.endpointing, previous.endpointing, isFixed(d));
    put(d, "endpointing", next);
  }
  if (config.mode !== previous.mode && (config.mode === "manual" || previous.mode === "manual")) {
    dropDecision(d, "clear");
    edit(d, "recognition").userTurnCommitted = false;
    cancelPrediction(d, false);
    // The timer that would end a pause goes with the mode; the pause must not stay without it.
    if (d.turn.timers["falseInterruption"] !== undefined) endSuspicion(d);
  }
  if (!config.adaptive && d.turn.overlap.detectionEnabled) releaseHeld(d, onOverlapError(d, false));
  const judged = d.turn.overlap.detectionEnabled && d.turn.overlap.agentSpeaking;
  if (isFixed(d) && isManualish(config) !== isManualish(previous) && !judged) restoreByAudio(d); // OURS-24
  if (config.userAwayTimeout !== previous.userAwayTimeout) {
    cancelTimer(d, "userAway");
    updateAway(d);
  }
}
