/**
 * User speech over audible agent speech, and the detector that judges it: what it is told, who may interrupt while it judges,
 * and the words that are held back until it has spoken.
 *
 * @module
 */
import { cancelTimer, type Draft, edit, isFixed, isLive, order, put, setTimer } from "./draft.ts";
import { agentSpeechEnded, agentSpeechStarted } from "./endpointing.ts";
import type { TurnEvent } from "./event.ts";
import { interruptByAudio } from "./interruption.ts";
import { resetTracker } from "./limits.ts";
import { isManualish } from "./mode.ts";
import type { HeldEvent } from "./regions.ts";

/** More events than this are not held: the oldest goes. Chosen: minutes of speech. */
const HELD_LIMIT = 256;

// --- agent speech --------------------------------------------------------------------------------------------------

/** The agent is heard from `at` on: a first frame, or a resume. */
export function beginAgentSpeech(d: Draft, at: number): void {
  const overlap = edit(d, "overlap");
  overlap.agentSpeaking = true;
  overlap.agentSpeechStartedAt = at;
  overlap.agentSpeechEndedAt = undefined;
  if (isFixed(d)) overlap.ignoreUntil = undefined; // OURS-14: a window lives until the agent speaks again
  put(d, "endpointing", agentSpeechStarted(d.turn.endpointing, at));
  resetTracker(d);
  if (!overlap.detectionEnabled) return;
  const boundary = d.config.interruption.backchannelBoundary?.[0] ?? 0;
  if (boundary > 0) setTimer(d, "backchannelBoundary", d.t + boundary);
  else edit(d, "interruption").byAudio = false;
  order(d, { type: "overlap.agentStarted" });
  if (d.turn.recognition.speaking) openOverlap(d, at, 0);
}

/** The agent is not heard any more: paused, interrupted, played out. Words from `until` on are the user's turn. */
export function endAgentSpeech(d: Draft, until: number): void {
  if (!d.turn.overlap.agentSpeaking) return;
  cancelTimer(d, "backchannelBoundary");
  put(d, "endpointing", agentSpeechEnded(d.turn.endpointing, d.t));
  const overlap = edit(d, "overlap");
  if (overlap.detectionEnabled) {
    closeOverlap(d, d.t, true);
    order(d, { type: "overlap.agentEnded" });
    const after = d.config.interruption.backchannelBoundary?.[1] ?? 0;
    overlap.ignoreUntil = Math.min(until, overlap.ignoreUntil ?? Infinity) - after;
    d.flushHeld = d.settle = true;
    restoreByAudio(d);
  }
  overlap.agentSpeaking = false;
  overlap.heardBefore += d.t - (overlap.agentSpeechStartedAt ?? d.t);
  overlap.agentSpeechEndedAt = d.t;
}

/** The first moment of an agent speech is over; from now on the detector alone interrupts. */
export function onBoundary(d: Draft): void {
  if (d.turn.overlap.detectionEnabled && d.turn.overlap.agentSpeaking) edit(d, "interruption").byAudio = false;
}

/** Sound may interrupt again, if the mode lets it. */
export function restoreByAudio(d: Draft): void {
  const byAudio = !isManualish(d.config);
  cancelTimer(d, "backchannelBoundary");
  if (d.turn.interruption.byAudio !== byAudio) edit(d, "interruption").byAudio = byAudio;
}

// --- overlaps ------------------------------------------------------------------------------------------------------

/** The user speaks over the agent. */
export function openOverlap(d: Draft, startedAt: number, speechDuration: number): void {
  const { overlap } = d.turn;
  if (!overlap.detectionEnabled || !overlap.agentSpeaking || overlap.open) return;
  const region = edit(d, "overlap");
  region.open = true;
  region.inTurn = true;
  order(d, { type: "overlap.started", startedAt, speechDuration });
}

/** One of the two stopped. */
export function closeOverlap(d: Draft, endedAt: number, agentEnded: boolean): void {
  if (!d.turn.overlap.open) return;
  const region = edit(d, "overlap");
  region.open = false;
  region.isInterruption ??= false; // a "true" stays
  order(d, { type: "overlap.ended", endedAt, agentEnded });
}

/** A new utterance: what was judged before says nothing about it. */
export function resetOverlap(d: Draft): void {
  const { overlap } = d.turn;
  if (
    !overlap.backchannelVerdict && !overlap.inTurn && overlap.isInterruption === null &&
    overlap.ignoreUntil === undefined
  ) {
    return;
  }
  const region = edit(d, "overlap");
  region.backchannelVerdict = false;
  region.isInterruption = null;
  region.measured = null;
  if (!region.agentSpeaking) region.inTurn = false;
  if (isFixed(d)) region.ignoreUntil = undefined;
}

/** The detector has judged. */
export function onVerdict(d: Draft, event: Extract<TurnEvent, { type: "overlap.verdict" }>): void {
  if (!d.turn.overlap.detectionEnabled) return;
  const region = edit(d, "overlap");
  region.open = false;
  if (event.measured !== undefined && region.isInterruption !== true) region.measured = event.measured;
  if (!event.isInterruption && isLive(d, "backchannelBoundary")) return;
  if (region.inTurn && !event.agentEnded) {
    region.backchannelVerdict = !event.isInterruption;
    const gatesTurns = d.config.llm === "realtime" && !d.config.serverTurnDetection && !d.config.hasStt;
    if (!event.isInterruption && !d.turn.recognition.speaking && gatesTurns) order(d, { type: "rt.clearAudio" });
  }
  edit(d, "interruption").interruptionDetected = event.isInterruption;
  if (!event.isInterruption) return;
  region.isInterruption = true;
  restoreByAudio(d);
  const from = event.overlapStartedAt ?? event.detectedAt;
  interruptByAudio(d, from);
  if (d.turn.interruption.paused === null) endAgentSpeech(d, from);
}

/** The detector failed. If for good, everything held is released, and sound interrupts again. */
export function onOverlapError(d: Draft, recoverable: boolean): readonly HeldEvent[] {
  if (recoverable || !d.turn.overlap.detectionEnabled) return [];
  const { held } = d.turn.overlap;
  const region = edit(d, "overlap");
  region.detectionEnabled = false;
  region.open = false;
  region.held = [];
  region.ignoreUntil = undefined;
  restoreByAudio(d);
  order(d, { type: "log", level: "warn", code: "overlap.detector_lost" });
  return held;
}

// --- words held back -------------------------------------------------------------------------------------------------

/** What to do with an event of the recogniser while overlaps are judged. */
export function admit(d: Draft, event: HeldEvent): "pass" | "hold" | "drop" | "flushFirst" {
  const { overlap } = d.turn;
  if (!overlap.detectionEnabled) return "pass";
  if (overlap.agentSpeaking) return "hold";
  if (event.type === "stt.start") {
    if (overlap.ignoreUntil !== undefined) edit(d, "overlap").ignoreUntil = undefined;
    return "pass";
  }
  if (overlap.ignoreUntil === undefined) return "pass";
  const next = overlap.held.length > 0 ? "flushFirst" : "pass";
  if (event.type === "stt.end") return isFixed(d) ? next : "hold";
  if (event.startTime > 0 && isInWindow(d, event.startTime)) return isFixed(d) ? "drop" : "hold";
  return next;
}

/** Keeps an event back. */
export function hold(d: Draft, event: HeldEvent): void {
  const region = edit(d, "overlap");
  region.held = [...region.held, event].slice(-HELD_LIMIT);
}

/** Tells of final words that were judged to be no turn. */
export function discardHeld(d: Draft, event: HeldEvent): void {
  if (event.type === "stt.final" && event.text !== "") {
    order(d, { type: "transcript.discarded", text: event.text, reason: "backchannel" });
  }
}

/**
 * Takes out what was held: the events from the first one that reaches past the window. Those before it were backchannels.
 * The window stays for those that are still to come (OURS-14).
 */
export function takeHeld(d: Draft): readonly HeldEvent[] {
  const { held, ignoreUntil, detectionEnabled, agentSpeechStartedAt: began = 0 } = d.turn.overlap;
  const region = edit(d, "overlap");
  region.held = [];
  if (!isFixed(d)) {
    region.ignoreUntil = undefined;
    if (!region.agentSpeaking) region.agentSpeechStartedAt = undefined;
  }
  if (held.length === 0) return held;
  if (!detectionEnabled || ignoreUntil === undefined || d.turn.recognition.inputStartedAt === undefined) {
    held.forEach((event) => discardHeld(d, event));
    return [];
  }
  const inside = (time: number): boolean => {
    const at = time + (d.turn.recognition.inputStartedAt ?? 0);
    return began < at && at < Math.min(d.t, ignoreUntil);
  };
  let start = -1;
  let found = false;
  for (let i = 0; i < held.length && !found; i += 1) {
    const event = held[i] as HeldEvent;
    if (event.type === "stt.start" || event.type === "stt.end") {
      if (start === -1) start = i;
    } else if (event.startTime === 0 && event.endTime === 0) {
      if (!isFixed(d)) return [];
      if (start === -1) start = i;
      found = true;
    } else if (event.endTime > 0 && inside(event.endTime)) start = -1;
    else {
      if (start === -1) start = i;
      found = true;
    }
  }
  const from = found ? start : held.length;
  held.slice(0, from).forEach((event) => discardHeld(d, event));
  return held.slice(from);
}

function isInWindow(d: Draft, startTime: number): boolean {
  const { agentSpeechStartedAt, ignoreUntil } = d.turn.overlap;
  const { inputStartedAt } = d.turn.recognition;
  if (ignoreUntil === undefined || inputStartedAt === undefined) return false;
  const at = startTime + inputStartedAt;
  return (agentSpeechStartedAt ?? 0) < at && at < Math.min(d.t, ignoreUntil);
}
