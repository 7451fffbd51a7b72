/**
 * The turn machine: who has the floor, when a turn of the user ends, and when the agent may be heard.
 *
 * Pure: the same state, fact and configuration give the same step, everywhere and always.
 *
 * @module
 */
import { onClearUserTurn, onCommitTimeout, onCommitUserTurn } from "./commit.ts";
import type { TurnConfig } from "./config.ts";
import { commitTurn, onDetectorAnswer, onPredictionTimeout } from "./decision.ts";
import { beginDraft, type Draft, editShared, put, takeDue, takeTimer } from "./draft.ts";
import type { TimerName, TurnEffect } from "./effect.ts";
import type { TurnEvent } from "./event.ts";
import { cancelSpeechPause, onFalseInterruption } from "./interruption.ts";
import {
  onClose,
  onClosing,
  onDrain,
  onGreeted,
  onListenerPresent,
  onOptionsUpdated,
  onOutputChanged,
  onResume,
  onStarted,
  onToolsChanged,
} from "./lifecycle.ts";
import { advanceLimits, onExceededHookDone, onTranscriptionTimeout } from "./limits.ts";
import { onBoundary, onOverlapError, onVerdict, takeHeld } from "./overlap.ts";
import { advanceTurns, onHookDone, onHookTimeout } from "./pipeline.ts";
import { onServerGeneration, onServerSpeechStarted, onServerSpeechStopped, onServerTranscription } from "./realtime.ts";
import { onAudioBegan, onRecogniser, onSttClosed, releaseHeld } from "./recognition.ts";
import {
  advanceSpeeches,
  interruptSpeech,
  onAllowInterruptions,
  onAuthorization,
  onConsecutiveSpeech,
  onGenerationDone,
  onInterruptAll,
  onPlayoutStarted,
  onScheduled,
  onSpeechDone,
  onSpeechLength,
  onTeardown,
} from "./speeches.ts";
import type { SharedState, TurnState } from "./state.ts";
import { onClaim, onParticipantLinked, onSessionClosing, onUserAway, onWarmupOver } from "./states.ts";
import { onEotAnswer } from "./streaming.ts";
import { onMuted, onVadClosed, onVadEnd, onVadInference, onVadStart } from "./voice.ts";

/** What a fact led to: the states after it, and the orders to perform, in order. */
export interface TurnStep {
  readonly turn: TurnState;
  readonly shared: SharedState;
  readonly effects: readonly TurnEffect[];
}

const NO_EFFECTS: readonly TurnEffect[] = Object.freeze([]);

/**
 * Takes one step.
 *
 * Facts about handles, questions or timers that are over are ignored. A fact that changes nothing gives back the same objects.
 *
 * @param config What holds now; after a change, `options.updated` must be the next fact.
 */
export function stepTurn(turn: TurnState, shared: SharedState, event: TurnEvent, config: TurnConfig): TurnStep {
  const d = beginDraft(turn, shared, event.t, config);
  if (turn.life === "closed") stepClosed(d, event);
  else {
    route(d, event);
    if (d.settle) settle(d);
  }
  return { turn: d.turn, shared: d.shared, effects: d.effects ?? NO_EFFECTS };
}

/**
 * Does what became possible: commits what is due, works on the turns, lets the next speech out. What is due at once runs after
 * everything else of the step, a commit before a resume.
 */
function settle(d: Draft): void {
  while (d.settle) {
    d.settle = false;
    if (d.pauseToCancel) {
      d.pauseToCancel = false;
      cancelSpeechPause(d);
    }
    if (takeDue(d, "endpointing")) commitTurn(d);
    if (d.flushHeld) {
      d.flushHeld = false;
      releaseHeld(d, takeHeld(d));
    }
    advanceTurns(d);
    advanceSpeeches(d);
    if (d.settle) continue;
    const name = d.due?.[0];
    if (name === undefined) advanceLimits(d);
    else if (takeDue(d, name)) {
      d.settle = true;
      onTimer(d, name);
    }
  }
}

function route(d: Draft, event: TurnEvent): void {
  switch (event.type) {
    case "audio.began":
      return onAudioBegan(d, event);
    case "vad.start":
      return onVadStart(d, event);
    case "vad.inference":
      return onVadInference(d, event);
    case "vad.end":
      return onVadEnd(d, event);
    case "vad.closed":
      return onVadClosed(d);
    case "stt.start":
    case "stt.end":
    case "stt.interim":
    case "stt.preflight":
    case "stt.final":
      return onRecogniser(d, event);
    case "stt.closed":
      return onSttClosed(d);
    case "detector.answer":
      return onDetectorAnswer(d, event);
    case "eot.answer":
      return onEotAnswer(d, event);
    case "overlap.verdict":
      return onVerdict(d, event);
    case "overlap.error":
      return releaseHeld(d, onOverlapError(d, event.recoverable));
    case "timer":
      if (event.name === "teardown") return onTeardown(d, event.handleId ?? "", event.gen);
      if (!takeTimer(d, event.name, event.gen)) return;
      d.settle = true;
      return onTimer(d, event.name);
    case "speech.scheduled":
      return onScheduled(d, event);
    case "speech.interruptCalled":
      return interruptSpeech(d, event.handleId, event.force);
    case "speech.allowInterruptions":
      return onAllowInterruptions(d, event.handleId, event.value);
    case "playout.started":
      return onPlayoutStarted(d, event.handleId, event.at);
    case "speech.length":
      return onSpeechLength(d, event.handleId, event.durationMs, event.isQuestion);
    case "generation.done":
      return onGenerationDone(d, event);
    case "speech.done":
      return onSpeechDone(d, event.handleId);
    case "tools.changed":
      return onToolsChanged(d, event.running);
    case "api.commitUserTurn":
      return onCommitUserTurn(d, event);
    case "api.clearUserTurn":
      return onClearUserTurn(d);
    case "api.interrupt":
      return onInterruptAll(d, event.force);
    case "api.authorization":
      return onAuthorization(d, event.allowed);
    case "turn.hookDone":
      return onHookDone(d, event);
    case "exceeded.hookDone":
      return onExceededHookDone(d, event.restore);
    case "input.audioEnabled":
      return event.enabled ? undefined : onMuted(d);
    case "output.audioChanged":
      return onOutputChanged(d, event);
    case "listener.present":
      return onListenerPresent(d);
    case "participant.linked":
      return onParticipantLinked(d, event.isOutboundSip);
    case "options.updated":
      return onOptionsUpdated(d, event.previous);
    case "claim.begin":
      return onClaim(d, true);
    case "claim.end":
      return onClaim(d, false);
    case "amd.verdict":
      editShared(d).amdTakesOver = event.takesOver;
      return;
    case "rt.speechStarted":
      return onServerSpeechStarted(d);
    case "rt.speechStopped":
      return onServerSpeechStopped(d, event);
    case "rt.transcription":
      return onServerTranscription(d, event);
    case "rt.generation":
      return onServerGeneration(d, event);
    case "activity.started":
      return onStarted(d);
    case "handoff.begin":
      return put(d, "newTurnsBlocked", true);
    case "activity.drain":
      return onDrain(d);
    case "activity.resume":
      return onResume(d);
    case "session.closing":
      return onClosing(d);
    case "activity.greeted":
      return onGreeted(d);
    case "activity.close":
      return onClose(d, event.forTask ?? false);
    default:
      return event satisfies never;
  }
}

function onTimer(d: Draft, name: TimerName): void {
  switch (name) {
    case "endpointing":
      return commitTurn(d);
    case "commitFinal":
      return onCommitTimeout(d);
    case "falseInterruption":
      return onFalseInterruption(d);
    case "backchannelBoundary":
      return onBoundary(d);
    case "consecutiveSpeech":
      return onConsecutiveSpeech(d);
    case "prediction":
      return onPredictionTimeout(d);
    case "transcription":
      return onTranscriptionTimeout(d);
    case "hook":
      return onHookTimeout(d);
    case "teardown": // one for each handle, routed by it
      return;
    case "aecWarmup":
      return onWarmupOver(d);
    case "userAway":
      return onUserAway(d);
    default:
      return name satisfies never;
  }
}

/** An activity that is over changes nothing but what the session keeps, until the next one begins. */
function stepClosed(d: Draft, event: TurnEvent): void {
  switch (event.type) {
    case "timer":
      if ((event.name === "aecWarmup" || event.name === "userAway") && takeTimer(d, event.name, event.gen)) {
        onTimer(d, event.name);
      }
      return;
    case "output.audioChanged":
      return onOutputChanged(d, event);
    case "listener.present":
      return onListenerPresent(d);
    case "participant.linked":
      return onParticipantLinked(d, event.isOutboundSip);
    case "tools.changed":
      return onToolsChanged(d, event.running);
    case "session.closing":
      return onSessionClosing(d);
    default:
  }
}
