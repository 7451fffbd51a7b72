/**
 * From an accepted turn to its reply, one turn after the other: what still works in the background is stopped, then the
 * current speech, then the program's hook is asked, then the reply begins.
 *
 * Each turn ends in exactly one of `turn.over` (it has a reply), `turn.store` and `turn.drop`.
 *
 * @module
 */
import { HOOK_TIMEOUT_MS } from "./config.ts";
import { cancelTimer, type Draft, edit, isFixed, order, setTimer } from "./draft.ts";
import type { RefusalReason, TurnInfo } from "./effect.ts";
import type { TurnEvent } from "./event.ts";
import { cancelSpeechPause } from "./interruption.ts";
import { isServerTurns } from "./mode.ts";
import { cancelPreemptive, claimPreemptive, makeHandleId, NORMAL_PRIORITY, releasePreemptive } from "./preemptive.ts";
import type { Turn } from "./regions.ts";
import { addSpeech, currentOf, patchSpeech, speechOf } from "./speech_list.ts";
import { enqueue, interruptSpeech } from "./speeches.ts";
import { openUserTurn } from "./voice.ts";
import { countWords, joinText } from "./words.ts";

function takesNoTurns(d: Draft): boolean {
  return d.turn.life !== "running" || d.turn.newTurnsBlocked || d.shared.closing;
}

/**
 * Accepts a turn or leaves its words for the next decision.
 *
 * @returns `"replied"`: it is on its way to a reply, and will interrupt what speaks. `"unanswered"`: accepted, without one.
 */
export function offerTurn(d: Draft, offered: TurnInfo): "replied" | "unanswered" | "refused" {
  const { config, turn } = d;
  let info = offered;
  if (d.shared.amdTakesOver) {
    cancelPreemptive(d);
    info = { ...info, skipReply: true };
  }
  if (takesNoTurns(d)) {
    cancelPreemptive(d);
    order(d, { type: "log", level: "warn", code: "turn.scheduling_paused" });
    if (d.shared.closing) {
      const id = begin(d, info);
      order(d, { type: "turn.store", turnId: id, reason: "scheduling_paused" });
      return "unanswered";
    }
    // The words move to the next activity (OURS-21); in the reference they are lost here.
    if (isFixed(d)) return refuse(d, "scheduling_paused");
    order(d, { type: "transcript.discarded", text: info.transcript, reason: "scheduling_paused" });
    return "unanswered";
  }
  const current = currentOf(turn);
  const { minWords } = config.interruption;
  if (
    config.hasStt && config.mode !== "manual" && minWords > 0 && current?.allowInterruptions && !current.interrupted &&
    countWords(info.transcript) < minWords
  ) {
    cancelPreemptive(d);
    return refuse(d, "too_few_words");
  }
  if (
    !config.hasStt && config.mode !== "manual" && config.llm === "realtime" && !config.serverTurnDetection &&
    turn.overlap.detectionEnabled && turn.overlap.backchannelVerdict
  ) {
    cancelPreemptive(d);
    order(d, { type: "rt.clearAudio" });
    return refuse(d, "backchannel");
  }
  const id = begin(d, info);
  const turns = edit(d, "turns");
  turns.list = [...turns.list, { id, info, phase: "queued" }];
  if (isFixed(d)) turns.preemptiveCount = 0; // OURS-17
  d.settle = true;
  return info.skipReply || isServerTurns(config) ? "unanswered" : "replied";
}

function refuse(d: Draft, reason: RefusalReason): "refused" {
  order(d, { type: "turn.refused", reason });
  return "refused";
}

function begin(d: Draft, info: TurnInfo): number {
  const turns = edit(d, "turns");
  const id = turns.nextId;
  turns.nextId += 1;
  order(d, { type: "turn.commit", turnId: id, info });
  return id;
}

/** Works on the first turn as far as it can be, then on the next. */
export function advanceTurns(d: Draft): void {
  for (let head = d.turn.turns.list[0]; head !== undefined; head = d.turn.turns.list[0]) {
    advance(d, head);
    if (d.turn.turns.list[0] === head) return;
  }
}

function advance(d: Draft, head: Turn): void {
  switch (head.phase) {
    case "queued":
      if (!isFixed(d)) edit(d, "turns").preemptiveCount = 0;
      replace(d, { id: head.id, info: head.info, phase: "stopBackground", handleIds: stopBackground(d) });
      return;
    case "stopBackground":
      if (head.handleIds.every((id) => speechOf(d.turn, id) === undefined)) afterBackground(d, head);
      return;
    case "stopCurrent":
      if (speechOf(d.turn, head.handleId) === undefined) openHook(d, head);
      return;
    case "superseded":
      if (speechOf(d.turn, head.handleId) === undefined) finish(d, head, head.handleId);
      return;
    case "hook":
      return;
    default:
      head satisfies never;
  }
}

function replace(d: Draft, next: Turn): void {
  const turns = edit(d, "turns");
  turns.list = [next, ...turns.list.slice(1)];
}

function stopBackground(d: Draft): readonly string[] {
  const stopped = d.turn.speeches.all.filter((speech) => speech.phase === "background" && speech.allowInterruptions);
  for (const speech of stopped) interruptSpeech(d, speech.id, false);
  return stopped.map((speech) => speech.id);
}

function afterBackground(d: Draft, head: Turn): void {
  const { config } = d;
  if (isServerTurns(config)) {
    end(d, head, "drop", "server_turn"); // the server's transcript is stored, not ours
  } else if (head.info.skipReply) {
    end(d, head, head.info.transcript === "" ? "drop" : "store", head.info.transcript === "" ? "empty" : "skip_reply");
  } else {
    if (config.llm === "realtime") order(d, { type: "rt.commitAudio" });
    stopCurrent(d, head);
  }
}

function stopCurrent(d: Draft, head: Turn): void {
  const current = currentOf(d.turn);
  if (current === undefined) {
    openHook(d, head);
    return;
  }
  if (!current.interrupted && !current.allowInterruptions) {
    order(d, { type: "log", level: "warn", code: "speech.not_interruptible" });
    end(d, head, isFixed(d) ? "store" : "drop", "uninterruptible"); // OURS-13
    return;
  }
  cancelSpeechPause(d);
  interruptSpeech(d, current.id, false);
  if (d.config.llm === "realtime") order(d, { type: "rt.interrupt" });
  replace(d, { id: head.id, info: head.info, phase: "stopCurrent", handleId: current.id });
}

/** The activity may have begun to leave meanwhile. True: the turn has ended here. */
function isStopped(d: Draft, head: Turn): boolean {
  if (!takesNoTurns(d)) return false;
  order(d, { type: "log", level: "warn", code: "turn.scheduling_paused" });
  if (d.shared.closing) end(d, head, "store", "scheduling_paused");
  else {
    if (isFixed(d)) giveWordsBack(d, head.info); // OURS-20: the next activity answers them
    end(d, head, "drop", "scheduling_paused");
  }
  return true;
}

function giveWordsBack(d: Draft, info: TurnInfo): void {
  if (info.transcript === "") return;
  const region = edit(d, "recognition");
  region.finalText = joinText(info.transcript, region.finalText);
  region.confidences = [info.confidence, ...region.confidences];
  const { startedSpeakingAt } = info.metrics;
  if (startedSpeakingAt !== undefined) {
    openUserTurn(d, startedSpeakingAt);
    region.userTurnStart = startedSpeakingAt;
  }
  region.lastSpeakingTime ??= info.metrics.stoppedSpeakingAt;
}

function openHook(d: Draft, head: Turn): void {
  if (isStopped(d, head)) return;
  replace(d, { id: head.id, info: head.info, phase: "hook" });
  setTimer(d, "hook", d.t + HOOK_TIMEOUT_MS);
  order(d, { type: "turn.runHook", turnId: head.id });
}

/** A hook that does not return counts as one that threw. */
export function onHookTimeout(d: Draft): void {
  const head = d.turn.turns.list[0];
  if (head?.phase === "hook") failHook(d, head, "hook.timeout");
}

function failHook(d: Draft, head: Turn, code: string): void {
  order(d, { type: "log", level: "error", code });
  end(d, head, isFixed(d) ? "store" : "drop", "hook_failed"); // OURS-22
}

/** The program's hook has seen the turn, and may have changed its text. */
export function onHookDone(d: Draft, event: Extract<TurnEvent, { type: "turn.hookDone" }>): void {
  const head = d.turn.turns.list[0];
  if (head?.phase !== "hook" || head.id !== event.turnId) return;
  cancelTimer(d, "hook");
  if (event.outcome === "stop") end(d, head, "drop", "hook_stopped");
  else if (event.outcome === "error") failHook(d, head, "hook.failed");
  else if (d.config.llm === "none") end(d, head, "drop", "no_llm");
  else if (!isStopped(d, head)) reply(d, head, event);
}

function reply(d: Draft, head: Turn, event: Extract<TurnEvent, { type: "turn.hookDone" }>): void {
  const { config } = d;
  const claimed = claimPreemptive(d, head.id, event.text, event.unchanged);
  const handleId = claimed ?? makeHandleId(d);
  if (claimed !== null) {
    order(d, { type: "gen.usePreemptive", handleId, turnId: head.id });
    patchSpeech(d, handleId, { phase: "queued" });
  } else {
    order(d, { type: "gen.reply", handleId, turnId: head.id });
    addSpeech(d, {
      id: handleId,
      kind: config.llm === "realtime" ? "realtime" : "reply",
      priority: NORMAL_PRIORITY,
      allowInterruptions: config.interruption.enabled,
      interrupted: false,
      phase: "queued",
      thinkNext: false,
      length: null,
      teardown: 0,
    });
  }
  if (d.turn.turns.list.length > 1) {
    // A newer turn waits: its reply is the one to be heard. The message of this one is stored, and so not lost.
    interruptSpeech(d, handleId, true);
    replace(d, { id: head.id, info: head.info, phase: "superseded", handleId });
    return;
  }
  enqueue(d, handleId);
  finish(d, head, handleId);
}

function finish(d: Draft, head: Turn, handleId: string): void {
  order(d, { type: "turn.over", turnId: head.id, handleId });
  shift(d, head);
}

function end(d: Draft, head: Turn, how: "store" | "drop", reason: RefusalReason): void {
  if (how === "store") order(d, { type: "turn.store", turnId: head.id, reason });
  else order(d, { type: "turn.drop", turnId: head.id, reason });
  releasePreemptive(d, head.id);
  shift(d, head);
}

function shift(d: Draft, head: Turn): void {
  const turns = edit(d, "turns");
  turns.list = turns.list.filter((turn) => turn.id !== head.id);
  d.settle = true;
}

/** The activity ends: turns on their way are stored if the session closes; otherwise the next activity answers them. */
export function forgetTurns(d: Draft): void {
  cancelTimer(d, "hook");
  for (const turn of d.turn.turns.list.toReversed()) {
    if (turn.phase === "superseded") {
      finish(d, turn, turn.handleId);
      continue;
    }
    if (!d.shared.closing && isFixed(d)) giveWordsBack(d, turn.info);
    end(d, turn, d.shared.closing && turn.info.transcript !== "" ? "store" : "drop", "scheduling_paused");
  }
}
