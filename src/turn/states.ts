/**
 * The states that the public sees: the user's, the agent's, and what hangs on them (away, the echo canceller's warm-up).
 *
 * @module
 */
import { cancelTimer, type Draft, edit, editShared, emit, order, setTimer } from "./draft.ts";
import type { AgentState, UserState } from "./effect.ts";
import { speechOf } from "./speech_list.ts";

/** A linked participant's warm-up when the option was not given. Specified: 02 section 11.6. */
const LINKED_WARMUP_MS = 3_000;

/** Sets the user's state, back-dated to `at`. While a claim is open the user speaks, whatever is heard. */
export function setUserState(d: Draft, state: UserState, at: number): void {
  const old = d.shared.userState;
  if (old === state || d.shared.claims > 0) return;
  editShared(d).userState = state;
  if (old === "speaking") endUserSpan(d, at);
  emit(d, { event: "user_state_changed", oldState: old, newState: state, createdAt: at });
  if (state === "speaking") order(d, { type: "span.start", span: "user_speaking", at });
  updateAway(d);
}

function endUserSpan(d: Draft, at: number): void {
  const { isInterruption, measured } = d.turn.overlap;
  order(
    d,
    isInterruption === null ? { type: "span.end", span: "user_speaking", at } : {
      type: "span.end",
      span: "user_speaking",
      at,
      attributes: {
        "lk.is_interruption": String(isInterruption),
        ...(measured !== null && {
          "lk.interruption.probability": measured.probability,
          "lk.interruption.total_duration": measured.totalDurationMs / 1000,
          "lk.interruption.prediction_duration": measured.predictionDurationMs / 1000,
          "lk.interruption.detection_delay": measured.detectionDelayMs / 1000,
        }),
      },
    },
  );
}

/** Sets the agent's state. */
export function setAgentState(d: Draft, state: AgentState, at: number = d.t): void {
  const old = d.shared.agentState;
  if (old === state) return;
  editShared(d).agentState = state;
  if (old === "speaking") order(d, { type: "span.end", span: "agent_speaking", at: d.t });
  emit(d, { event: "agent_state_changed", oldState: old, newState: state, createdAt: at });
  if (state === "speaking") {
    order(d, { type: "span.start", span: "agent_speaking", at });
    if (d.turn.limits.exceeded.phase === "waiting") edit(d, "limits").exceeded = { phase: "idle" };
    startWarmup(d);
  }
  updateAway(d);
}

/** The agent's state where nothing is audible any more. Tools under way, and replies to come, are thought about. */
export function restingState(d: Draft): AgentState {
  for (const speech of d.turn.speeches.all) {
    if (speech.phase === "background" || (speech.thinkNext && speech.phase !== "leaving")) return "thinking";
  }
  return "listening";
}

/** Arms the away timer while both only listen, somebody is there, and no tool runs; calls it off otherwise. */
export function updateAway(d: Draft): void {
  const { shared, config } = d;
  const wanted = shared.userState === "listening" && shared.agentState === "listening" && shared.listenerPresent &&
    shared.runningTools === 0 && !shared.closing && config.userAwayTimeout !== null;
  const armed = shared.timers["userAway"] !== undefined;
  if (wanted && !armed) setTimer(d, "userAway", d.t + (config.userAwayTimeout ?? 0));
  else if (!wanted && armed) cancelTimer(d, "userAway");
}

/** A final transcript is a sign of life, even where the VAD heard none. */
export function noteWordsOfUser(d: Draft): void {
  if (d.shared.userState === "away") setUserState(d, "listening", d.t);
  else if (d.shared.timers["userAway"] !== undefined) {
    cancelTimer(d, "userAway");
    updateAway(d);
  }
}

/** Nobody has spoken for long. */
export function onUserAway(d: Draft): void {
  setUserState(d, "away", d.t);
}

/** The echo canceller knows its room now. */
export function onWarmupOver(d: Draft): void {
  editShared(d).aec = { phase: "over" };
}

function startWarmup(d: Draft): void {
  const { aec, output } = d.shared;
  if (aec.phase !== "ready" || !output.present || !output.enabled) return;
  setTimer(d, "aecWarmup", d.t + aec.durationMs);
  editShared(d).aec = { phase: "running" };
}

/** A participant was linked, and the option of the warm-up was not given: a telephone needs none. */
export function onParticipantLinked(d: Draft, isOutboundSip: boolean): void {
  if (isOutboundSip) {
    cancelTimer(d, "aecWarmup");
    editShared(d).aec = { phase: "over" };
  } else if (d.shared.aec.phase === "off" || d.shared.aec.phase === "ready") {
    editShared(d).aec = { phase: "ready", durationMs: LINKED_WARMUP_MS };
  }
}

/** A programmatic user turn begins: the user counts as speaking until the last of them ends. */
export function onClaim(d: Draft, began: boolean): void {
  const { claims } = d.shared;
  if (began) {
    if (claims === 0) setUserState(d, "speaking", d.t);
    editShared(d).claims = claims + 1;
  } else if (claims > 0) {
    editShared(d).claims = claims - 1;
    if (claims === 1) setUserState(d, d.turn.interruption.userSilence ? "listening" : "speaking", d.t);
  }
}

/** The session begins to close: nobody goes away, nothing warms up. */
export function onSessionClosing(d: Draft): void {
  editShared(d).closing = true;
  if (d.shared.claims > 0) {
    editShared(d).claims = 1;
    onClaim(d, false);
  }
  cancelTimer(d, "userAway");
  cancelTimer(d, "aecWarmup");
  editShared(d).aec = { phase: "over" };
}

/** The current speech is being heard: it is neither paused nor interrupted. */
export function isAgentAudible(d: Draft): boolean {
  if (d.shared.agentState !== "speaking") return false;
  const current = speechOf(d.turn, d.turn.speeches.current);
  return current !== undefined && current.phase === "audible" && !current.interrupted;
}
