/**
 * A reply begun before its turn is sure. There is one at a time, and only the turn it was made for may take it.
 *
 * @module
 */
import { type Draft, edit, isFixed, order } from "./draft.ts";
import { addSpeech, currentOf, removeSpeech, speechOf } from "./speech_list.ts";
import { sameWords } from "./words.ts";

/** Specified: 02 section 17.1. */
export const NORMAL_PRIORITY = 5;

/** Begins a reply to the words so far, in place of one that was begun for fewer. */
export function attemptPreemptive(d: Draft, transcript: string, confidence: number): void {
  const { config, turn } = d;
  const current = currentOf(turn);
  if (!config.preemptive.enabled || config.llm !== "pipeline" || turn.life !== "running" || turn.newTurnsBlocked) {
    return;
  }
  if (d.shared.closing || (current !== undefined && !current.interrupted)) return;
  cancelPreemptive(d);
  const { speechStartTime } = turn.recognition;
  if (speechStartTime !== undefined && d.t - speechStartTime > config.preemptive.maxSpeechDuration) return;
  if (d.turn.turns.preemptiveCount >= config.preemptive.maxRetries) return;
  const handleId = makeHandleId(d);
  const turns = edit(d, "turns");
  turns.preemptiveCount += 1;
  turns.preemptive = { handleId, transcript, turnId: turns.nextId };
  addSpeech(d, {
    id: handleId,
    kind: "reply",
    priority: NORMAL_PRIORITY,
    allowInterruptions: config.interruption.enabled,
    interrupted: false,
    phase: "held",
    thinkNext: false,
    length: null,
    teardown: 0,
  });
  order(d, { type: "gen.startPreemptive", handleId, transcript, confidence, withTts: config.preemptive.preemptiveTts });
}

/** The id of the next handle that the machine makes. */
export function makeHandleId(d: Draft): string {
  const speeches = edit(d, "speeches");
  speeches.made += 1;
  return `speech_${d.turn.activityId}_${speeches.made}`;
}

/** Throws the reply away, if there is one. */
export function cancelPreemptive(d: Draft): void {
  const { preemptive } = d.turn.turns;
  if (preemptive === null) return;
  edit(d, "turns").preemptive = null;
  removeSpeech(d, preemptive.handleId);
  order(d, { type: "gen.cancelPreemptive", handleId: preemptive.handleId });
}

/** The reply failed before a turn took it: the turn will make its own. */
export function forgetPreemptive(d: Draft, handleId: string): void {
  if (d.turn.turns.preemptive?.handleId === handleId) edit(d, "turns").preemptive = null;
}

/**
 * Gives the reply to a turn whose text and context are still those it was made with. One that does not fit is thrown away; one
 * that was made for a later turn stays (OURS-17).
 */
export function claimPreemptive(d: Draft, turnId: number, text: string, unchanged: boolean): string | null {
  const { preemptive } = d.turn.turns;
  if (preemptive === null || (isFixed(d) && preemptive.turnId !== turnId)) return null;
  const speech = speechOf(d.turn, preemptive.handleId);
  if (speech !== undefined && unchanged && sameWords(preemptive.transcript, text)) {
    edit(d, "turns").preemptive = null;
    return preemptive.handleId;
  }
  order(d, { type: "log", level: "warn", code: "preemptive.mismatch" });
  cancelPreemptive(d);
  return null;
}

/** The turn is over without it. */
export function releasePreemptive(d: Draft, turnId: number): void {
  const { preemptive } = d.turn.turns;
  if (preemptive !== null && preemptive.turnId <= turnId) cancelPreemptive(d);
}
