/**
 * Who speaks, who is next, and when a speech may be heard.
 *
 * @module
 */
import { TEARDOWN_LIMIT_MS } from "./config.ts";
import { cancelTimer, type Draft, edit, nextSerial, order, put, setTimer } from "./draft.ts";
import type { TurnEvent } from "./event.ts";
import { endSuspicion, onPausedSpeechOver, reconcile } from "./interruption.ts";
import { beginAgentSpeech, endAgentSpeech } from "./overlap.ts";
import { cancelPreemptive, forgetPreemptive } from "./preemptive.ts";
import type { Speech } from "./regions.ts";
import { addSpeech, currentOf, patchSpeech, removeSpeech, speechOf } from "./speech_list.ts";
import { isAgentAudible, restingState, setAgentState } from "./states.ts";

type Scheduled = Extract<TurnEvent, { type: "speech.scheduled" }>;

/** A handle wants its turn. While the activity takes no speech, only the replies to tools get one. */
export function onScheduled(d: Draft, event: Scheduled): void {
  const known = speechOf(d.turn, event.handleId);
  const refused = d.turn.life !== "running" && !event.force;
  if (refused || known?.interrupted || (known !== undefined && known.phase !== "background")) {
    const reason = refused ? "scheduling_paused" : "superseded";
    order(d, { type: "speech.refused", handleId: event.handleId, reason });
    return;
  }
  const { handleId: id, kind, priority, allowInterruptions } = event;
  if (known === undefined) {
    addSpeech(d, {
      id,
      kind,
      priority,
      allowInterruptions,
      interrupted: false,
      phase: "queued",
      thinkNext: false,
      length: null,
      teardown: 0,
    });
  } else patchSpeech(d, id, { kind, priority, allowInterruptions, phase: "queued", thinkNext: false, length: null });
  enqueue(d, id);
}

/** Puts a speech that the list holds in the queue, behind those of its own priority. The agent thinks of a model's reply. */
export function enqueue(d: Draft, handleId: string): void {
  const speech = speechOf(d.turn, handleId);
  if (speech === undefined) return;
  const speeches = edit(d, "speeches");
  const behind = (other: string): boolean => (speechOf(d.turn, other)?.priority ?? 0) < speech.priority;
  const found = speeches.queue.findIndex(behind);
  const at = found === -1 ? speeches.queue.length : found;
  speeches.queue = [...speeches.queue.slice(0, at), handleId, ...speeches.queue.slice(at)];
  d.settle = true;
  if (speech.kind !== "reply" && speech.kind !== "tool_reply") return;
  // What is heard now goes on being heard; the agent thinks of the reply when that is over.
  if (isAgentAudible(d)) patchSpeech(d, handleId, { thinkNext: true });
  else setAgentState(d, "thinking");
}

/** Lets the next speech have the floor, and a current one be heard once every gate is open. */
export function advanceSpeeches(d: Draft): void {
  const { speeches } = d.turn;
  if (speeches.current === null && speeches.queue.length > 0) {
    const [head, ...rest] = speeches.queue;
    if (head === undefined) return;
    const region = edit(d, "speeches");
    region.current = head;
    region.queue = rest;
    const readyAt = speeches.lastPlayoutEnd + d.config.minConsecutiveSpeechDelay;
    if (readyAt > d.t) {
      patchSpeech(d, head, { phase: "delaying" });
      setTimer(d, "consecutiveSpeech", readyAt);
    } else patchSpeech(d, head, { phase: "waiting" });
  }
  const current = currentOf(d.turn);
  if (current?.phase !== "waiting" || !d.turn.speeches.authorizationAllowed) return;
  const waitsForSilence = current.allowInterruptions && current.kind !== "realtime";
  if (waitsForSilence && !d.turn.interruption.userSilence) return;
  reconcile(d, current);
  patchSpeech(d, current.id, { phase: "playing" });
  order(d, { type: "speech.play", handleId: current.id });
}

/** The gap after the last speech is long enough. */
export function onConsecutiveSpeech(d: Draft): void {
  const current = currentOf(d.turn);
  if (current?.phase === "delaying") patchSpeech(d, current.id, { phase: "waiting" });
}

/** The current speech is heard. */
export function onPlayoutStarted(d: Draft, handleId: string, at: number): void {
  const speech = speechOf(d.turn, handleId);
  if (speech?.phase !== "playing" || d.turn.speeches.current !== handleId || speech.interrupted) return;
  patchSpeech(d, handleId, { phase: "audible", thinkNext: false });
  const { paused } = d.turn.interruption;
  if (paused?.handleId === handleId) {
    // The frame left before the pause reached the sink: the agent has been heard, and a resume goes on speaking.
    edit(d, "interruption").paused = { ...paused, agentState: "speaking" };
    edit(d, "overlap").heardBefore = 0;
    return;
  }
  setAgentState(d, "speaking", at);
  edit(d, "overlap").heardBefore = 0;
  beginAgentSpeech(d, at);
}

/** All sound of a speech is there: from now on it is known how near its end is. */
export function onSpeechLength(d: Draft, handleId: string, durationMs: number, isQuestion: boolean): void {
  const speech = speechOf(d.turn, handleId);
  if (speech === undefined || speech.phase === "background" || speech.phase === "leaving") return;
  patchSpeech(d, handleId, { length: { durationMs, isQuestion } });
}

/** This step of a speech has been played or torn down; its tools may go on. */
export function onGenerationDone(d: Draft, event: Extract<TurnEvent, { type: "generation.done" }>): void {
  const speech = speechOf(d.turn, event.handleId);
  if (speech === undefined || speech.phase === "background") return;
  const goesOn = event.toolsStarted || event.toolsRunning;
  leaveFloor(d, speech, goesOn);
}

/** The handle's words are over. Its tools are thought about; so is what was waiting for it to be silent. */
function leaveFloor(d: Draft, speech: Speech, hasTools: boolean): void {
  const wasCurrent = d.turn.speeches.current === speech.id;
  const wasAudible = speech.phase === "audible";
  patchSpeech(d, speech.id, { phase: hasTools ? "background" : "leaving", thinkNext: false });
  const speeches = edit(d, "speeches");
  speeches.queue = speeches.queue.filter((id) => id !== speech.id);
  if (wasCurrent) {
    if (speech.phase === "delaying") cancelTimer(d, "consecutiveSpeech");
    speeches.current = null;
    speeches.lastPlayoutEnd = d.t;
  }
  if (wasAudible) {
    endAgentSpeech(d, d.t);
    const overlap = edit(d, "overlap");
    overlap.endedAsQuestion = speech.length?.isQuestion ?? false;
    if (speech.interrupted) overlap.agentSpeechEndedAt = undefined;
  }
  onPausedSpeechOver(d, speech.id);
  if (!wasCurrent) return;
  if (hasTools && !speech.interrupted) setAgentState(d, "thinking");
  else if (d.shared.agentState === "speaking") {
    // A reply that ends while another's tools run is told as it was recorded: listening, then thinking at its end.
    const next = d.turn.speeches.queue.some((id) => speechOf(d.turn, id)?.thinkNext);
    setAgentState(d, speech.kind === "say" || next ? restingState(d) : "listening");
  }
}

/** All of the handle is over. */
export function onSpeechDone(d: Draft, handleId: string): void {
  const speech = speechOf(d.turn, handleId);
  if (speech === undefined) return;
  if (speech.phase === "held") forgetPreemptive(d, handleId);
  else if (speech.phase !== "background" && speech.phase !== "leaving") leaveFloor(d, speech, false);
  if (speech.teardown !== 0) order(d, { type: "timer.cancel", name: "teardown", handleId });
  removeSpeech(d, handleId);
  if (speech.phase === "held") return;
  const { current, queue } = d.turn.speeches;
  if (current === null && queue.length === 0) setAgentState(d, restingState(d));
}

/**
 * Interrupts a speech, once. One that nobody hears yet leaves the queue or the floor at once; the others leave it when the
 * driver says that they are silent, at most 5,000 ms later.
 */
export function interruptSpeech(d: Draft, handleId: string, force: boolean): void {
  const speech = speechOf(d.turn, handleId);
  if (speech === undefined || speech.interrupted) return;
  if (!force && !speech.allowInterruptions) return;
  if (speech.phase === "held") {
    cancelPreemptive(d);
    return;
  }
  order(d, { type: "speech.interrupt", handleId, force });
  const gen = nextSerial(d);
  patchSpeech(d, handleId, { interrupted: true, teardown: gen });
  order(d, { type: "timer.set", name: "teardown", gen, at: d.t + TEARDOWN_LIMIT_MS, handleId });
  if (speech.phase !== "queued" && speech.phase !== "delaying" && speech.phase !== "waiting") return;
  if (speech.phase === "delaying") cancelTimer(d, "consecutiveSpeech");
  patchSpeech(d, handleId, { phase: "leaving", thinkNext: false });
  const speeches = edit(d, "speeches");
  speeches.queue = speeches.queue.filter((id) => id !== handleId);
  if (speeches.current === handleId) speeches.current = null;
  onPausedSpeechOver(d, handleId);
}

/** A speech that is not taken down in time is given up: the conversation goes on without it. */
export function onTeardown(d: Draft, handleId: string, gen: number): void {
  const speech = speechOf(d.turn, handleId);
  if (speech === undefined || speech.teardown !== gen || gen === 0) return;
  patchSpeech(d, handleId, { teardown: 0 });
  order(d, { type: "log", level: "error", code: "speech.teardown_limit" });
  order(d, { type: "speech.abandon", handleId });
  onSpeechDone(d, handleId);
}

/** `interrupt()` of the session: what works in the background, the current speech, the queue. */
export function onInterruptAll(d: Draft, force: boolean): void {
  cancelPreemptive(d);
  const may = (speech: Speech): boolean => force || speech.allowInterruptions;
  for (const speech of d.turn.speeches.all) {
    if (speech.phase === "background" && may(speech)) interruptSpeech(d, speech.id, force);
  }
  const { current, queue } = d.turn.speeches;
  if (d.config.llm === "realtime") order(d, { type: "rt.interrupt" });
  for (const id of current === null ? queue : [current, ...queue]) {
    const speech = speechOf(d.turn, id);
    if (speech === undefined || speech.interrupted) continue;
    if (!may(speech)) {
      // This one plays, and so does what is behind it: nothing is skipped in the middle.
      order(d, { type: "log", level: "warn", code: "speech.not_interruptible" });
      return;
    }
    interruptSpeech(d, id, force);
  }
}

/** The handle's own switch. */
export function onAllowInterruptions(d: Draft, handleId: string, value: boolean): void {
  const speech = speechOf(d.turn, handleId);
  if (speech === undefined || speech.interrupted || speech.allowInterruptions === value) return;
  patchSpeech(d, handleId, { allowInterruptions: value });
  // The pause of a speech that nobody may interrupt any more cannot be confirmed: it goes on, and says so.
  if (!value && d.turn.interruption.paused?.handleId === handleId) endSuspicion(d);
}

/** All replies are held back, or let go. */
export function onAuthorization(d: Draft, allowed: boolean): void {
  edit(d, "speeches").authorizationAllowed = allowed;
  d.settle = true;
}

/** Ends the teardown timers of an activity that closes. */
export function forgetSpeeches(d: Draft): void {
  for (const speech of d.turn.speeches.all) {
    if (speech.teardown !== 0) order(d, { type: "timer.cancel", name: "teardown", handleId: speech.id });
  }
  put(d, "speeches", { ...d.turn.speeches, all: [], queue: [], current: null });
}
