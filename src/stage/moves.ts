/**
 * Agents on their way on and off the stage. A move is a synchronous change of state.
 *
 * @module
 */
import { isDrained } from "../turn/query.ts";
import { type CarriedTurn, carry, createTurn, pauseTurn, resumeTurn, type TurnState } from "../turn/state.ts";
import { cancelTimer, change, type Draft, order, setTimer } from "./draft.ts";
import { stepFloor } from "./floor.ts";
import { hookName, unwatch, watch, watchResumed } from "./run.ts";
import {
  type ActivityState,
  type Arrival,
  ENTERING_LIMIT_MS,
  HOOK_LIMIT_MS,
  type PausedActivity,
  type TaskState,
  TOOL_DRAIN_LIMIT_MS,
} from "./state.ts";

const NO_HANDLES: ReadonlySet<string> = new Set();

/** The floor of an activity that is on stage. */
export function floorOf(d: Draft, activity: ActivityState): TurnState {
  return d.root.floors[activity.id] as TurnState;
}

/** Whether an activity has said what it had to say, and its tools have ended. */
export function isQuiet(d: Draft, activity: ActivityState): boolean {
  return activity.backgroundCalls === 0 && isDrained(floorOf(d, activity), NO_HANDLES);
}

/** An agent comes on, with the words that nobody has answered. */
export function enter(d: Draft, arrival: Arrival, carried: CarriedTurn | undefined): void {
  const { activityId: id, agentId, config } = arrival;
  const oldAgentId = d.stage.toldAgentId;
  d.root = { ...d.root, floors: { ...d.root.floors, [id]: createTurn(id, config, carried) } };
  change(d, { current: { id, agentId, config, phase: "entering", backgroundCalls: 0 }, toldAgentId: agentId });
  setTimer(d, "entering", d.t + ENTERING_LIMIT_MS);
  order(d, { type: "activity.enter", activityId: id, agentId, oldAgentId });
  order(d, { type: "activity.prepare", activityId: id });
}

/** Its toolsets are ready, or have had their time. */
export function becomeActive(d: Draft, current: ActivityState): void {
  change(d, { current: { ...current, phase: "active" } });
  stepFloor(d, current.id, { type: "activity.started", t: d.t });
  setTimer(d, "onEnter", d.t + HOOK_LIMIT_MS);
  runHook(d, current.id, "enter");
}

/** An agent begins to leave: first its `onExit` runs, and may speak. */
export function exit(d: Draft, current: ActivityState): void {
  change(d, { current: { ...current, phase: "exiting" } });
  setTimer(d, "exiting", d.t + HOOK_LIMIT_MS);
  runHook(d, current.id, "exit");
}

/** It takes no new speech, and plays out what it has. */
export function drain(d: Draft, current: ActivityState): void {
  change(d, { current: { ...current, phase: "draining" } });
  setTimer(d, "draining", d.t + TOOL_DRAIN_LIMIT_MS);
  if (current.backgroundCalls > 0) order(d, { type: "tools.leave", activityId: current.id });
  stepFloor(d, current.id, { type: "activity.drain", t: d.t });
}

/** The next agent takes over. */
export function handOver(d: Draft, current: ActivityState): void {
  const [arrival, ...rest] = d.stage.arrivals as [Arrival, ...Arrival[]];
  if (d.stage.drained) {
    change(d, { drained: false });
    order(d, { type: "session.drained" });
  }
  const carried = leave(d, current, arrival.activityId);
  change(d, { arrivals: rest });
  enter(d, arrival, carried);
}

/** An agent is off the stage for good. Gives what whoever comes next needs to know. */
export function leave(d: Draft, current: ActivityState, next: string | null): CarriedTurn {
  const carried = offStage(d, current, false);
  const { finalText } = carried.recognition;
  if (next === null && finalText !== "") { // nobody is left to take them
    d.effects.push({ type: "transcript.discarded", text: finalText, reason: "closed", activityId: current.id });
  }
  order(d, { type: "activity.leave", activityId: current.id, next });
  forgetHooks(d, current.id);
  return carried;
}

/** Ends the floor of whoever is on stage. Turns on their way go back to the words that nobody has answered. */
function offStage(d: Draft, current: ActivityState, forTask: boolean): CarriedTurn {
  for (const name of ["entering", "onEnter", "exiting", "draining", "pausing"] as const) cancelTimer(d, name);
  stepFloor(d, current.id, { type: "activity.close", t: d.t, ...(forTask && { forTask }) });
  const carried = carry(floorOf(d, current));
  const { [current.id]: _gone, ...floors } = d.root.floors;
  d.root = { ...d.root, floors };
  change(d, { current: null });
  return carried;
}

/** A task takes the stage of the agent whose tool or hook waits for it. */
export function push(d: Draft, current: ActivityState, task: TaskState): void {
  const floor = floorOf(d, current);
  for (const speech of floor.speeches.all) {
    if (speech.interrupted) {
      d.effects.push({ type: "speech.abandon", activityId: current.id, handleId: speech.id });
    }
  }
  const turn = pauseTurn(floor);
  const carried = offStage(d, current, true);
  const entry: PausedActivity = { activity: current, turn, scheduled: [] };
  change(d, {
    paused: [...d.stage.paused, entry],
    tasks: d.stage.tasks.map((other) => other === task ? { ...task, phase: "onStage" } : other),
  });
  order(d, { type: "activity.pause", activityId: current.id, next: task.arrival.activityId });
  enter(d, task.arrival, carried);
}

/**
 * Whoever waited for the activity on stage is back, and is answered. `isPassing`: only to leave in its turn, which nobody is
 * told.
 */
export function pop(d: Draft, current: ActivityState, isPassing: boolean): void {
  const entry = d.stage.paused.at(-1) as PausedActivity;
  const task = d.stage.tasks.find(({ arrival }) => arrival.activityId === current.id);
  const carried = leave(d, current, entry.activity.id);
  const { id, agentId, config } = entry.activity;
  d.root = { ...d.root, floors: { ...d.root.floors, [id]: resumeTurn(id, config, entry.turn, carried) } };
  const oldAgentId = isPassing ? null : d.stage.toldAgentId;
  change(d, {
    paused: d.stage.paused.slice(0, -1),
    tasks: d.stage.tasks.filter((other) => other !== task),
    current: { ...entry.activity, phase: entry.activity.inExit ? "exiting" : "active", passing: isPassing },
    ...(!isPassing && { toldAgentId: agentId }),
  });
  order(d, { type: "task.merge", taskId: current.id, parentId: id });
  order(d, { type: "activity.resume", activityId: id, oldAgentId });
  if (d.stage.arrivals.length > 0) stepFloor(d, id, { type: "handoff.begin", t: d.t });
  if (d.root.shared.closing) stepFloor(d, id, { type: "session.closing", t: d.t });
  stepFloor(d, id, { type: "activity.started", t: d.t });
  if (d.stage.closing?.drain === false) stepFloor(d, id, { type: "api.interrupt", t: d.t, force: true });
  for (const event of entry.scheduled) stepFloor(d, id, { ...event, t: d.t });
  watchResumed(d, entry);
  if (d.stage.hooks.includes(hookName(id, "enter"))) setTimer(d, "onEnter", d.t + HOOK_LIMIT_MS);
  if (entry.activity.inExit) setTimer(d, "exiting", d.t + HOOK_LIMIT_MS);
  if (task !== undefined) {
    order(d, { type: "task.settle", taskId: current.id, completed: task.phase === "completed" });
  }
}

function runHook(d: Draft, activityId: string, hook: "enter" | "exit"): void {
  const name = hookName(activityId, hook);
  change(d, { hooks: [...d.stage.hooks, name] });
  watch(d, name);
  order(d, { type: "hook.run", activityId, hook });
}

/** A hook has returned, or is waited for no longer. */
export function forgetHook(d: Draft, name: string): void {
  change(d, { hooks: d.stage.hooks.filter((other) => other !== name) });
  unwatch(d, name);
}

function forgetHooks(d: Draft, activityId: string): void {
  for (const name of d.stage.hooks) if (name.startsWith(`hook:${activityId}:`)) forgetHook(d, name);
}
