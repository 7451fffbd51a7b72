/**
 * The user's words as they are shown, and as they bear on the agent's speech: they confirm a pause or make one, unless they
 * only show that the user listens.
 *
 * @module
 */
import { type BackchannelQuestion, judgeBackchannel } from "./backchannel.ts";
import type { TurnConfig } from "./config.ts";
import { type Draft, edit, emit, isFixed, order, setTimer } from "./draft.ts";
import type { TurnEvent } from "./event.ts";
import { cancelSpeechPause, excusePause, interruptByAudio } from "./interruption.ts";
import { hasServerWords, isManualish } from "./mode.ts";
import { cancelPreemptive } from "./preemptive.ts";
import { currentOf } from "./speech_list.ts";
import type { SharedState, TurnState } from "./state.ts";
import { noteWordsOfUser } from "./states.ts";
import { forgetUtterance } from "./voice.ts";

type WordsEvent = Extract<TurnEvent, { type: "stt.interim" | "stt.preflight" | "stt.final" }>;

/** A voice whose last window is so long ago has paused. Chosen: three windows of the VAD. */
const VOICED_MS = 100;

// --- backchannels ----------------------------------------------------------------------------------------------------

/**
 * What a policy for backchannels is to be asked of these words, at `t`; null: nothing, since they are not over the agent's
 * speech, or somebody else decides. Pure, so that the driver can ask a policy of the program's own.
 */
export function backchannelQuestion(
  turn: TurnState,
  shared: SharedState,
  config: TurnConfig,
  event: WordsEvent,
  t: number,
): BackchannelQuestion | null {
  const { recognition: r, overlap, commit } = turn;
  if (config.interruption.backchannel === "off" || event.text === "" || overlap.detectionEnabled) return null;
  if (isManualish(config) || hasServerWords(config) || shared.closing || turn.life === "closed") return null;
  // Words that a turn has already, or that the program asked for, are no backchannels.
  if (r.finalText !== "" || r.userTurnCommitted || commit.phase !== "none") return null;
  const current = currentOf(turn);
  const begun = r.speechStartTime ??
    (event.startTime > 0 && r.inputStartedAt !== undefined ? event.startTime + r.inputStartedAt : t);
  const heardMs = heardBy(turn, Math.min(begun, t));
  const isHeard = current?.phase === "audible" && !current.interrupted;
  const awaited = current !== undefined && !current.interrupted && !isHeard && turn.turns.list.length === 0;
  let untilEndMs: number | null = null;
  if (isHeard) {
    if (current.length !== null && heardMs !== null) untilEndMs = Math.max(0, current.length.durationMs - heardMs);
  } else if (!awaited) {
    // It has ended by itself meanwhile: only words that began over it are over it.
    const { agentSpeechEndedAt, agentSpeechStartedAt } = overlap;
    if (agentSpeechEndedAt === undefined || agentSpeechStartedAt === undefined || current !== undefined) return null;
    if (begun >= agentSpeechEndedAt || begun < agentSpeechStartedAt) return null;
    untilEndMs = agentSpeechEndedAt - begun;
  }
  const voiceEnd = r.lastSpeakingTime;
  return {
    text: event.text,
    language: event.language,
    isFinal: event.type === "stt.final",
    durationMs: r.speechStartTime === undefined || voiceEnd === undefined ? null : Math.max(0, voiceEnd - begun),
    heardMs: awaited ? null : heardMs,
    untilEndMs,
    isQuestion: current?.length?.isQuestion ?? overlap.endedAsQuestion,
  };
}

/** How much of the agent's speech had been heard at a time in the past; negative: it began later. */
function heardBy(turn: TurnState, at: number): number | null {
  const { agentSpeechStartedAt: began, agentSpeechEndedAt: ended, heardBefore } = turn.overlap;
  if (began === undefined) return null;
  if (ended !== undefined) return at >= ended ? heardBefore : heardBefore - (ended - at);
  // A user who began before this stretch, in a pause, had heard what came before it.
  return at < began && heardBefore > 0 ? heardBefore : heardBefore + (at - began);
}

/** Asks the policy. True: the words only show that the user listens. */
export function leavesFloor(d: Draft, event: WordsEvent): boolean {
  const question = backchannelQuestion(d.turn, d.shared, d.config, event, d.t);
  if (question === null) return false;
  const { text, isFinal, durationMs, heardMs, untilEndMs } = question;
  const { takesFloor, reason } = event.judged ?? judgeBackchannel(question);
  order(d, { type: "backchannel.judged", text, isFinal, takesFloor, reason, durationMs, heardMs, untilEndMs });
  return !takesFloor;
}

/** Final words that leave the agent the floor: they are shown, and are no turn. What they paused goes on. */
export function onBackchannel(d: Draft, event: Extract<TurnEvent, { type: "stt.final" }>): void {
  showFinalWords(d, event);
  order(d, { type: "transcript.discarded", text: event.text, reason: "backchannel" });
  const { speaking, lastSpeakingTime } = d.turn.recognition;
  const region = edit(d, "recognition");
  region.interimText = "";
  region.preflightText = "";
  cancelPreemptive(d);
  edit(d, "interruption").excusedUntil = lastSpeakingTime ?? d.t;
  const isVoiced = speaking && lastSpeakingTime !== undefined && d.t - lastSpeakingTime < VOICED_MS;
  excusePause(d, !isVoiced);
  if (!speaking) forgetUtterance(d);
}

// --- words -----------------------------------------------------------------------------------------------------------

type InterimEvent = Extract<TurnEvent, { type: "stt.interim" | "stt.preflight" }>;

/** Words that may still change. Beside a VAD they interrupt nobody. */
export function onInterimWords(d: Draft, event: InterimEvent, speaking: boolean | undefined): void {
  if (hasServerWords(d.config)) return;
  emit(d, {
    event: "user_input_transcribed",
    transcript: event.text,
    isFinal: false,
    language: event.language === "" ? null : event.language,
    speakerId: event.speakerId,
    itemId: null,
  });
  if (event.text === "" || isManualish(d.config) || d.config.hasVad) return;
  if (!leavesFloor(d, event)) suspect(d, speaking);
}

/** Words that are sure. They confirm a pause, whether or not they become a turn. */
export function onFinalWords(
  d: Draft,
  event: { readonly text: string; readonly language: string; readonly speakerId: string | null },
  speaking: boolean | undefined,
): void {
  if (hasServerWords(d.config)) return;
  showFinalWords(d, event);
  if (event.text !== "" && !isManualish(d.config)) suspect(d, speaking);
  // The reference interrupts only after it has seen to the rest of the transcript, so that the reply to a barge-in is not
  // begun before the turn ends (OURS-25).
  if (isFixed(d)) cancelSpeechPause(d);
  else d.pauseToCancel = d.settle = true;
}

/** Shows final words, and nothing else. */
export function showFinalWords(
  d: Draft,
  event: { readonly text: string; readonly language: string; readonly speakerId: string | null },
): void {
  noteWordsOfUser(d);
  emit(d, {
    event: "user_input_transcribed",
    transcript: event.text,
    isFinal: true,
    language: event.language === "" ? null : event.language,
    speakerId: event.speakerId,
    itemId: null,
  });
}

/** Words over the agent: they stop it until more is known. */
function suspect(d: Draft, speaking: boolean | undefined): void {
  interruptByAudio(d, undefined);
  const timeout = d.config.interruption.falseInterruptionTimeout;
  if (speaking === false && d.turn.interruption.paused !== null && timeout !== null) {
    setTimer(d, "falseInterruption", d.t + timeout);
  }
}
