/**
 * Tasks: dialogues that a tool or a hook waits for. The agent that asked makes room, and is back when the task has left.
 *
 * Nobody waits for a promise here. A request is a fact; it is answered by `task.settle`, whatever happens: the task completed,
 * it was called off, another agent took over, the session closed.
 *
 * @module
 */
import { cancelTimer, change, type Draft, order, setTimer } from "./draft.ts";
import { stepFloor } from "./floor.ts";
import { floorOf, push } from "./moves.ts";
import { handleName, hookName } from "./run.ts";
import { type ActivityState, type Arrival, HOOK_LIMIT_MS, type TaskState, TOOL_DRAIN_LIMIT_MS } from "./state.ts";

/**
 * A tool or a hook waits for a task. An agent that leaves takes none, except from its `onExit`. An id that is there already
 * belongs to somebody who is answered: it is no new request.
 */
export function requestTask(d: Draft, arrival: Arrival, parentId: string, waiter: string): void {
  const { current, paused, phase, tasks } = d.stage;
  const { activityId } = arrival;
  const isKnown = current?.id === activityId || paused.some(({ activity }) => activity.id === activityId) ||
    tasks.some((task) => task.arrival.activityId === activityId);
  if (isKnown) return;
  const isBelow = paused.some(({ activity }) => activity.id === parentId);
  const isThere = current?.id === parentId && (
    (current.phase === "active" && floorOf(d, current).life !== "draining") || current.phase === "pausing" ||
    (current.phase === "exiting" && waiter === hookName(parentId, "exit"))
  );
  if (phase !== "running" || !(isBelow || isThere)) {
    return order(d, { type: "task.settle", taskId: activityId, completed: false });
  }
  change(d, { tasks: [...tasks, { arrival, parentId, waiter, phase: "queued" }] });
}

/** A task has its result. One that has not come on stage needs not come. */
export function completeTask(d: Draft, taskId: string): void {
  const task = d.stage.tasks.find(({ arrival }) => arrival.activityId === taskId);
  if (task === undefined || task.phase === "completed") return;
  if (task.phase === "queued") return settleQueued(d, task, true);
  change(d, { tasks: d.stage.tasks.map((other) => other === task ? { ...task, phase: "completed" } : other) });
}

/** An agent leaves: what its tools and hooks still wait to ask is called off. */
export function refuseTasks(d: Draft, parentId: string): void {
  for (const task of d.stage.tasks) {
    if (task.phase === "queued" && task.parentId === parentId) settleQueued(d, task, false);
  }
}

/** The session closes: no task comes on stage any more. */
export function refuseAllTasks(d: Draft): void {
  for (const task of d.stage.tasks) if (task.phase === "queued") settleQueued(d, task, false);
}

/** The session has closed: everybody who waits is answered. */
export function settleAllTasks(d: Draft): void {
  for (const { arrival, phase } of d.stage.tasks) {
    order(d, { type: "task.settle", taskId: arrival.activityId, completed: phase === "completed" });
  }
  change(d, { tasks: [] });
}

function settleQueued(d: Draft, task: TaskState, completed: boolean): void {
  change(d, { tasks: d.stage.tasks.filter((other) => other !== task) });
  order(d, { type: "task.settle", taskId: task.arrival.activityId, completed });
}

/** The next task that the activity on stage is to make room for. */
function nextTask(d: Draft, current: ActivityState): TaskState | undefined {
  return d.stage.tasks.find((task) => task.phase === "queued" && task.parentId === current.id);
}

/**
 * The activity on stage is a task that has its result, or one that was begun for such a task: it leaves. A task whose own
 * `onEnter` is still at work is given until that has returned.
 */
export function isTaskOver(d: Draft, current: ActivityState): boolean {
  const { tasks, paused, hooks } = d.stage;
  for (const { arrival: { activityId }, phase } of tasks) {
    if (phase !== "completed") continue;
    if (activityId === current.id) return !hooks.includes(hookName(current.id, "enter"));
    if (paused.some(({ activity }) => activity.id === activityId)) return true;
  }
  return false;
}

/** Begins to make room, if a task waits. True: something changed. */
export function beginPause(d: Draft, current: ActivityState): boolean {
  if (nextTask(d, current) === undefined) return false;
  cancelTimer(d, "exiting"); // whoever waits for people has all the time that these take
  cancelTimer(d, "onEnter");
  change(d, { current: { ...current, phase: "pausing", inExit: current.phase === "exiting" } });
  setTimer(d, "pausing", d.t + TOOL_DRAIN_LIMIT_MS);
  stepFloor(d, current.id, { type: "activity.drain", t: d.t });
  return true;
}

/** No task wants the stage after all, or the agent is to leave: it goes on as before. */
export function endPause(d: Draft, current: ActivityState): void {
  cancelTimer(d, "pausing");
  const { inExit = false, ...rest } = current;
  change(d, { current: { ...rest, phase: inExit ? "exiting" : "active" } });
  if (inExit) setTimer(d, "exiting", d.t + HOOK_LIMIT_MS);
  if (d.stage.hooks.includes(hookName(current.id, "enter"))) setTimer(d, "onEnter", d.t + HOOK_LIMIT_MS);
  stepFloor(d, current.id, { type: "activity.resume", t: d.t });
}

/**
 * Goes on with a pause: the task comes on as soon as nothing of its parent is heard or waits to be heard, and the tools of other
 * speeches have ended or had their time. True: something changed.
 */
export function advancePause(d: Draft, current: ActivityState): boolean {
  const task = nextTask(d, current);
  if (task === undefined) {
    endPause(d, current);
    return true;
  }
  const waiters = new Set(d.stage.tasks.filter(({ parentId }) => parentId === current.id).map(({ waiter }) => waiter));
  const mayLeaveTools = d.stage.timers["pausing"] === undefined;
  const isReady = floorOf(d, current).speeches.all.every((speech) =>
    speech.phase === "background" && (mayLeaveTools || waiters.has(handleName(speech.id)))
  );
  if (!isReady) return false;
  push(d, current, task);
  return true;
}
