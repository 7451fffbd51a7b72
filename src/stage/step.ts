/**
 * One step of a session: routes facts to floors, moves agents on and off the stage, and closes.
 *
 * Pure. A move is a synchronous change of state, and each of its waits is a fact with a deadline, so that no two parts
 * can wait for each other.
 *
 * @module
 */
import { SHARED_TIMERS } from "../turn/effect.ts";
import type { TurnEvent } from "../turn/event.ts";
import { isDrained, isSettled } from "../turn/query.ts";
import { type CarriedTurn, carry, createTurn, type TurnState } from "../turn/state.ts";
import { stepTurn } from "../turn/step.ts";
import type { RootEffect, RootEvent, StageEffect } from "./event.ts";
import {
  type ActivityState,
  type Arrival,
  CLOSE_LIMIT_MS,
  type CloseReason,
  ENTERING_LIMIT_MS,
  EXITING_LIMIT_MS,
  moveName,
  type RootState,
  type StageState,
  type StageTimer,
  TOOL_DRAIN_LIMIT_MS,
} from "./state.ts";

/** What a step gives. */
export interface RootStep {
  readonly root: RootState;
  readonly effects: readonly RootEffect[];
}

const NO_EFFECTS: readonly RootEffect[] = Object.freeze([]);
const NO_HANDLES: ReadonlySet<string> = new Set();

/** The root while a step works on it. Lives for one step. */
interface Draft {
  stage: StageState;
  root: RootState;
  effects: RootEffect[];
  readonly t: number;
}

/** Takes one step. The same arguments give the same step, everywhere and always. */
export function step(root: RootState, event: RootEvent): RootStep {
  if (event.type === "floor") return stepFloorOnly(root, event.activityId, event.event, event.t);
  const d: Draft = { stage: root.stage, root, effects: [], t: event.t };
  apply(d, event);
  progress(d);
  return finish(d, root);
}

/** The path of nearly every fact: one floor, no move under way. */
function stepFloorOnly(root: RootState, activityId: string | null, event: TurnEvent, t: number): RootStep {
  const d: Draft = { stage: root.stage, root, effects: [], t };
  // A timer of the session may have been armed by an agent that has left: whoever is on stage now is told.
  const isShared = event.type === "timer" && SHARED_TIMERS.has(event.name);
  const id = (isShared ? null : activityId) ?? root.stage.current?.id;
  if (id === undefined || root.floors[id] === undefined) return { root, effects: NO_EFFECTS };
  stepFloor(d, id, event);
  if (event.type === "speech.done") unwatch(d, `handle:${event.handleId}`);
  progress(d);
  return finish(d, root);
}

function finish(d: Draft, before: RootState): RootStep {
  const root = d.stage === d.root.stage ? d.root : { ...d.root, stage: d.stage };
  return root === before && d.effects.length === 0 ? { root, effects: NO_EFFECTS } : { root, effects: d.effects };
}

function stepFloor(d: Draft, id: string, event: TurnEvent): void {
  const floor = d.root.floors[id];
  const activity = d.stage.current;
  if (floor === undefined || activity === null || activity.id !== id) return;
  const before = d.root.shared;
  const { turn, shared, effects } = stepTurn(floor, before, event, activity.config);
  if (turn !== floor || shared !== before) {
    d.root = { ...d.root, shared, floors: turn === floor ? d.root.floors : { ...d.root.floors, [id]: turn } };
  }
  for (const effect of effects) d.effects.push({ ...effect, activityId: id });
  if (shared.agentState === "speaking" && before.agentState !== "speaking") resetErrors(d, "spoken");
  if ("text" in event && event.text !== "" && event.type.startsWith("stt.")) resetErrors(d, "heard");
}

function apply(d: Draft, event: Exclude<RootEvent, { type: "floor" }>): void {
  switch (event.type) {
    case "session.start":
      if (d.stage.phase === "running" || d.stage.phase === "closing") return;
      change(d, { phase: "running", closing: null, drained: false, errors: { llm: 0, tts: 0, stt: 0 } });
      d.root = {
        ...d.root,
        shared: { ...d.root.shared, closing: false, userState: "listening", agentState: "initializing" },
      };
      return enter(d, event.arrival, null, undefined);

    case "activity.ready": {
      const current = d.stage.current;
      if (current === null || current.id !== event.activityId || current.phase !== "entering") return;
      cancelTimer(d, "entering");
      return becomeActive(d, current);
    }
    case "activity.config": {
      const current = d.stage.current;
      if (current === null || current.id !== event.activityId) return;
      change(d, { current: { ...current, config: event.config } });
      return stepFloor(d, current.id, { type: "options.updated", t: d.t, previous: current.config });
    }
    case "agent.update":
      unwatch(d, moveName(event.arrival.activityId));
      if (d.stage.phase !== "running") return;
      change(d, { arrivals: [...d.stage.arrivals, event.arrival] });
      if (d.stage.current !== null) stepFloor(d, d.stage.current.id, { type: "handoff.begin", t: d.t });
      return;

    case "hook.done": {
      unwatch(d, hookName(event.activityId, event.hook));
      const current = d.stage.current;
      if (event.hook !== "exit" || current?.id !== event.activityId || current.phase !== "exiting") return;
      cancelTimer(d, "exiting");
      return drain(d, current);
    }
    case "session.drain":
      if (d.stage.phase !== "running") return;
      if (d.stage.current?.phase === "active" && d.root.floors[d.stage.current.id]?.life === "draining") {
        return order(d, { type: "session.drained" }); // it was before
      }
      return change(d, { drained: true });

    case "session.close":
      return beginClose(d, event.reason, event.drain, event.deadline, event.transcriptTimeout);

    case "session.released":
      if (d.stage.closing?.phase === "releasing") endClose(d);
      return;

    case "model.error":
      return countError(d, event.kind, event.recoverable);

    case "playout.ack":
      if (event.ack === "started" && event.first) {
        stepFloor(d, event.activityId, { type: "playout.started", t: d.t, handleId: event.handleId, at: event.at });
      }
      return order(d, {
        type: "reply.ack",
        handleId: event.handleId,
        segmentId: event.segmentId,
        ack: event.ack,
        positionMs: event.positionMs,
        at: event.at,
      });

    case "reply.played":
      order(d, {
        type: "message.commit",
        handleId: event.handleId,
        text: event.text,
        interrupted: event.interrupted,
      });
      return stepFloor(d, event.activityId, {
        type: "generation.done",
        t: d.t,
        handleId: event.handleId,
        toolsStarted: event.toolsStarted,
        toolsRunning: event.toolsRunning,
      });

    case "tools.ended":
      return order(d, {
        type: "tools.commit",
        handleId: event.handleId,
        draining: d.stage.current?.id !== event.activityId || d.stage.current.phase !== "active" ||
          d.stage.arrivals.length > 0,
      });

    case "tools.background": {
      const current = d.stage.current;
      if (current === null || current.id !== event.activityId) return;
      return change(d, { current: { ...current, backgroundCalls: event.running } });
    }

    case "run.start": { // behind a close nothing is alive that could end it: it is over at once
      const alive = d.stage.phase === "closed" ? [] : event.alive;
      return change(d, { run: { runId: event.runId, alive: new Set(alive) } });
    }
    case "run.watch":
      return watch(d, event.name);
    case "run.unwatch":
      return unwatch(d, event.name);

    case "stage.timer":
      if (d.stage.timers[event.name] !== event.gen) return;
      forgetTimer(d, event.name);
      return onTimer(d, event.name);

    default:
      return event satisfies never;
  }
}

// --- moves ---------------------------------------------------------------------------------------------------------

/** Does what has become possible: leaving when drained, closing step by step, ending a run. */
function progress(d: Draft): void {
  for (;;) {
    const { current, closing, arrivals, phase } = d.stage;
    if (
      current !== null && current.phase === "active" && phase === "running" && (arrivals.length > 0 || d.stage.drained)
    ) {
      if (d.root.floors[current.id]?.life !== "draining") exit(d, current);
      else if (arrivals.length > 0) handOver(d, current); // it was drained before, and has said goodbye
      else break;
      continue;
    }
    if (current !== null && current.phase === "draining" && drained(d, current)) {
      if (closing?.phase === "leaving") {
        settleTurn(d, current);
        continue;
      }
      if (closing !== null) {
        if (closing.phase === "settling" && !isSettled(d.root.floors[current.id] as TurnState)) break;
      } else if (arrivals.length > 0) handOver(d, current);
      else {
        change(d, { current: { ...current, phase: "active" }, drained: false });
        cancelTimer(d, "draining");
        order(d, { type: "session.drained" });
        break;
      }
      if (closing === null) continue;
    }
    if (closing?.phase === "settling") {
      if (current !== null && !isSettled(d.root.floors[current.id] as TurnState)) break;
      if (current !== null) leave(d, current, null);
      change(d, { closing: { ...closing, phase: "releasing" } });
      order(d, { type: "session.release" });
      continue;
    }
    break;
  }
  const { run, arrivals, current, phase } = d.stage;
  if (
    run !== null && run.alive.size === 0 &&
    (phase === "closed" || (arrivals.length === 0 && current?.phase === "active"))
  ) {
    change(d, { run: null });
    order(d, { type: "run.settle", runId: run.runId });
  }
}

function drained(d: Draft, current: ActivityState): boolean {
  const floor = d.root.floors[current.id];
  return current.backgroundCalls === 0 && (floor === undefined || isDrained(floor, NO_HANDLES));
}

function enter(
  d: Draft,
  arrival: Arrival,
  oldAgentId: string | null,
  carried: CarriedTurn | undefined,
): void {
  const { activityId: id, agentId, config } = arrival;
  d.root = { ...d.root, floors: { ...d.root.floors, [id]: createTurn(id, config, carried) } };
  change(d, { current: { id, agentId, config, phase: "entering", backgroundCalls: 0 } });
  setTimer(d, "entering", d.t + ENTERING_LIMIT_MS);
  order(d, { type: "activity.enter", activityId: id, agentId, oldAgentId });
  order(d, { type: "activity.prepare", activityId: id });
}

function becomeActive(d: Draft, current: ActivityState): void {
  change(d, { current: { ...current, phase: "active" } });
  stepFloor(d, current.id, { type: "activity.started", t: d.t });
  runHook(d, current.id, "enter");
}

function exit(d: Draft, current: ActivityState): void {
  change(d, { current: { ...current, phase: "exiting" } });
  setTimer(d, "exiting", d.t + EXITING_LIMIT_MS);
  runHook(d, current.id, "exit");
}

function drain(d: Draft, current: ActivityState): void {
  change(d, { current: { ...current, phase: "draining" } });
  setTimer(d, "draining", d.t + TOOL_DRAIN_LIMIT_MS);
  if (current.backgroundCalls > 0) order(d, { type: "tools.leave", activityId: current.id });
  stepFloor(d, current.id, { type: "activity.drain", t: d.t });
}

function handOver(d: Draft, current: ActivityState): void {
  const [arrival, ...rest] = d.stage.arrivals as [Arrival, ...Arrival[]];
  if (d.stage.drained) {
    change(d, { drained: false });
    order(d, { type: "session.drained" });
  }
  const carried = leave(d, current, arrival.activityId);
  change(d, { arrivals: rest });
  enter(d, arrival, current.agentId, carried);
}

/** Takes an agent off the stage. Gives what the next may carry on with: the words of a turn that was cut short are among it. */
function leave(d: Draft, current: ActivityState, next: string | null): CarriedTurn {
  cancelTimer(d, "entering");
  cancelTimer(d, "exiting");
  cancelTimer(d, "draining");
  stepFloor(d, current.id, { type: "activity.close", t: d.t });
  const floor = d.root.floors[current.id] as TurnState;
  const { finalText } = floor.recognition;
  if (next === null && finalText !== "") { // nobody is left to take them
    d.effects.push({ type: "transcript.discarded", text: finalText, reason: "closed", activityId: current.id });
  }
  order(d, { type: "activity.leave", activityId: current.id, next });
  const { [current.id]: _gone, ...floors } = d.root.floors;
  d.root = { ...d.root, floors };
  change(d, { current: null });
  return carry(floor);
}

function runHook(d: Draft, activityId: string, hook: "enter" | "exit"): void {
  watch(d, hookName(activityId, hook));
  order(d, { type: "hook.run", activityId, hook });
}

function hookName(activityId: string, hook: "enter" | "exit"): string {
  return `hook:${activityId}:${hook}`;
}

// --- close ---------------------------------------------------------------------------------------------------------

function beginClose(
  d: Draft,
  reason: CloseReason,
  drainFirst: boolean,
  deadline: number,
  transcriptTimeout: number,
): void {
  if (d.stage.phase === "closing") return hurryClose(d, drainFirst, deadline);
  if (d.stage.phase !== "running") return;
  const closing = { reason, drain: drainFirst, transcriptTimeout, endsAt: d.t + deadline, phase: "leaving" } as const;
  change(d, { phase: "closing", arrivals: [], closing });
  d.root = { ...d.root, shared: { ...d.root.shared, closing: true } };
  setTimer(d, "closing", d.t + deadline);
  const current = d.stage.current;
  if (current === null) {
    change(d, { closing: { ...closing, phase: "settling" } });
    return;
  }
  stepFloor(d, current.id, { type: "session.closing", t: d.t });
  if (!drainFirst) stepFloor(d, current.id, { type: "api.interrupt", t: d.t, force: true });
  if (current.phase === "active" && d.root.floors[current.id]?.life !== "draining") exit(d, current);
  else if (current.phase === "active" || current.phase === "entering") { // it has left, or never came
    cancelTimer(d, "entering");
    drain(d, current);
  }
}

/** Another close, which may be more urgent than the one under way. */
function hurryClose(d: Draft, drainFirst: boolean, deadline: number): void {
  const { closing, current } = d.stage;
  if (closing === null) return;
  if (d.t + deadline < closing.endsAt) {
    cancelTimer(d, "closing");
    setTimer(d, "closing", d.t + deadline);
    change(d, { closing: { ...closing, endsAt: d.t + deadline } });
  }
  if (drainFirst || !closing.drain || closing.phase !== "leaving") return;
  change(d, { closing: { ...(d.stage.closing ?? closing), drain: false } });
  if (current !== null) stepFloor(d, current.id, { type: "api.interrupt", t: d.t, force: true });
}

/** The last words of the user are stored; whoever spoke has ended. */
function settleTurn(d: Draft, current: ActivityState): void {
  const closing = d.stage.closing as NonNullable<StageState["closing"]>;
  change(d, { closing: { ...closing, phase: "settling" } });
  order(d, { type: "session.detach" });
  if (closing.reason !== "error" && current.config.hasStt) {
    stepFloor(d, current.id, {
      type: "api.commitUserTurn",
      t: d.t,
      id: -1,
      transcriptTimeout: closing.transcriptTimeout,
      sttFlushDuration: closing.transcriptTimeout,
      skipReply: false,
      audioDetached: true,
      atClose: true,
    });
  }
}

function endClose(d: Draft): void {
  const reason = (d.stage.closing as NonNullable<StageState["closing"]>).reason;
  for (const name of Object.keys(d.stage.timers) as StageTimer[]) cancelTimer(d, name);
  change(d, {
    phase: "closed",
    closing: null,
    run: d.stage.run === null ? null : { ...d.stage.run, alive: new Set() },
  });
  order(d, { type: "session.closed", reason });
}

function onTimer(d: Draft, name: StageTimer): void {
  const current = d.stage.current;
  switch (name) {
    case "entering":
      if (current?.phase !== "entering") return;
      order(d, { type: "activity.unready", activityId: current.id });
      return becomeActive(d, current);
    case "exiting":
      if (current?.phase !== "exiting") return;
      order(d, { type: "hook.timeout", activityId: current.id, hook: "exit" });
      unwatch(d, hookName(current.id, "exit"));
      return drain(d, current);
    case "draining":
      if (current !== null) order(d, { type: "tools.abort", activityId: current.id });
      return;
    case "closing":
      order(d, { type: "session.abandon" });
      if (current !== null) leave(d, current, null);
      return endClose(d);
    default:
      return name satisfies never;
  }
}

// --- errors, runs, timers --------------------------------------------------------------------------------------------

function countError(d: Draft, kind: "llm" | "tts" | "stt" | "realtime", recoverable: boolean): void {
  if (recoverable || d.stage.phase !== "running") return;
  if (kind !== "realtime") {
    const errors = { ...d.stage.errors, [kind]: d.stage.errors[kind] + 1 };
    change(d, { errors });
    if (errors[kind] <= d.stage.maxUnrecoverableErrors) return;
  }
  beginClose(d, "error", false, CLOSE_LIMIT_MS, 0);
}

function resetErrors(d: Draft, by: "spoken" | "heard"): void {
  const { errors } = d.stage;
  if (by === "heard" ? errors.stt === 0 : errors.llm === 0 && errors.tts === 0) return;
  change(d, { errors: by === "heard" ? { ...errors, stt: 0 } : { ...errors, llm: 0, tts: 0 } });
}

function watch(d: Draft, name: string): void {
  const run = d.stage.run;
  if (run !== null && d.stage.phase !== "closed") {
    change(d, { run: { ...run, alive: new Set(run.alive).add(name) } });
  }
}

function unwatch(d: Draft, name: string): void {
  const run = d.stage.run;
  if (run === null || !run.alive.has(name)) return;
  const alive = new Set(run.alive);
  alive.delete(name);
  change(d, { run: { ...run, alive } });
}

function setTimer(d: Draft, name: StageTimer, at: number): void {
  const gen = d.stage.serial + 1;
  change(d, { serial: gen, timers: { ...d.stage.timers, [name]: gen } });
  order(d, { type: "stage.timer.set", name, gen, at });
}

function cancelTimer(d: Draft, name: StageTimer): void {
  if (d.stage.timers[name] === undefined) return;
  forgetTimer(d, name);
  order(d, { type: "stage.timer.cancel", name });
}

function forgetTimer(d: Draft, name: StageTimer): void {
  const { [name]: _gone, ...timers } = d.stage.timers;
  change(d, { timers });
}

function change(d: Draft, part: Partial<StageState>): void {
  d.stage = { ...d.stage, ...part };
}

function order(d: Draft, effect: StageEffect): void {
  d.effects.push(effect);
}
