/**
 * Questions about a state, for those who act on it. All are pure, and none costs more than a look.
 *
 * @module
 */
import type { TurnConfig } from "./config.ts";
import { currentOf, speechOf } from "./speech_list.ts";
import type { SharedState, TurnState } from "./state.ts";

/** Where a microphone frame goes. Silence keeps the times of the recogniser's stream right. */
export interface AudioRoute {
  readonly stt: "frame" | "silence";
  readonly realtime: "frame" | "silence";
}

const OPEN: AudioRoute = Object.freeze({ stt: "frame", realtime: "frame" });
const WITHHELD: AudioRoute = Object.freeze({ stt: "silence", realtime: "silence" });

/**
 * Says what the recogniser and the realtime model get of a microphone frame; VAD and detectors get every frame. They get silence
 * while the echo canceller warms up over the agent's voice, and while a speech is heard that nobody may interrupt.
 *
 * Asked for each frame: it allocates nothing.
 */
export function audioRoute(turn: TurnState, shared: SharedState, config: TurnConfig): AudioRoute {
  if (shared.aec.phase === "running" && shared.agentState === "speaking") return WITHHELD;
  if (turn.speeches.current === null || !config.interruption.discardAudioIfUninterruptible) return OPEN;
  const current = currentOf(turn);
  return current === undefined || current.interrupted || current.allowInterruptions ? OPEN : WITHHELD;
}

/** The activity takes no new speech, and has none left, not counting the handles of `exempt`. */
export function isDrained(turn: TurnState, exempt: ReadonlySet<string>): boolean {
  if (turn.life !== "draining" && turn.life !== "closed") return false;
  return turn.speeches.all.every((speech) => exempt.has(speech.id));
}

/** Nothing is being decided: no open decision, no waiting commit, no turn on its way to a reply. */
export function isSettled(turn: TurnState): boolean {
  return turn.decision.phase === "none" && turn.commit.phase === "none" && turn.turns.list.length === 0;
}

/** Settled, nothing current or queued, and the user is silent. */
export function isIdle(turn: TurnState, shared: SharedState): boolean {
  return isSettled(turn) && turn.speeches.current === null && turn.speeches.queue.length === 0 &&
    turn.turns.preemptive === null && turn.interruption.userSilence && !turn.recognition.speaking &&
    shared.userState !== "speaking";
}

/** The handle whose turn it is to speak, heard or not yet. */
export function currentSpeech(turn: TurnState): string | null {
  return turn.speeches.current;
}

/** The user, or a call without `force`, may interrupt this handle. Unknown handles: false. */
export function isInterruptible(turn: TurnState, handleId: string): boolean {
  const speech = speechOf(turn, handleId);
  return speech !== undefined && speech.allowInterruptions && !speech.interrupted;
}

/** New speech and new turns are taken. */
export function isTakingSpeech(turn: TurnState): boolean {
  return turn.life === "running";
}

/** Words were said that no turn has taken yet: `carry` hands them to the next activity. */
export function hasPendingWords(turn: TurnState): boolean {
  return turn.recognition.finalText !== "" || turn.recognition.interimText !== "";
}
