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
import { countError } from "./budget.ts";
import { abandonSession, advanceClose, beginClose, beginLeaving, endClose } from "./closing.ts";
import { beginDraft, cancelTimer, change, type Draft, finish, forgetTimer, NO_EFFECTS, order } from "./draft.ts";
import type { RootStep } from "./draft.ts";
import type { RootEvent } from "./event.ts";
import { stepFloor, stepPaused } from "./floor.ts";
import { becomeActive, drain, enter, exit, forgetHook, handOver, isQuiet, pop } from "./moves.ts";
import { handleName, hookName, isInExit, settleRun, unwatch, watch } from "./run.ts";
import { type ActivityState, moveName, type RootState, type StageTimer } from "./state.ts";
import { advancePause, beginPause, completeTask, endPause, isTaskOver, refuseTasks, requestTask } from "./tasks.ts";

export type { RootStep } from "./draft.ts";

/** Takes one step. The same arguments give the same step, everywhere and always. */
export function step(root: RootState, event: RootEvent): RootStep {
  if (event.type === "floor") return stepFloorOnly(root, event.activityId, event.event, event.t);
  const d = beginDraft(root, event.t);
  apply(d, event);
  progress(d);
  return finish(d, root);
}

/** The path of nearly every fact: one floor, no move under way. */
function stepFloorOnly(root: RootState, activityId: string | null, event: TurnEvent, t: number): RootStep {
  const d = beginDraft(root, t);
  // A timer of the session may have been armed by an agent that has left: whoever is on stage now is told.
  const isShared = event.type === "timer" && SHARED_TIMERS.has(event.name);
  const id = (isShared ? null : activityId) ?? root.stage.current?.id;
  if (id === undefined) return { root, effects: NO_EFFECTS };
  if (root.floors[id] !== undefined) stepFloor(d, id, event);
  else if (!stepPaused(d, id, event)) return { root, effects: NO_EFFECTS };
  if (event.type === "speech.done") unwatch(d, handleName(event.handleId));
  progress(d);
  return finish(d, root);
}

function apply(d: Draft, event: Exclude<RootEvent, { type: "floor" }>): void {
  switch (event.type) {
    case "session.start":
      if (d.stage.phase === "running" || d.stage.phase === "closing") return;
      change(d, {
        phase: "running",
        closing: null,
        drained: false,
        toldAgentId: null,
        errors: { llm: 0, tts: 0, stt: 0 },
      });
      d.root = {
        ...d.root,
        shared: { ...d.root.shared, closing: false, userState: "listening", agentState: "initializing" },
      };
      return enter(d, event.arrival, undefined);

    case "activity.ready": {
      const current = d.stage.current;
      if (current === null || current.id !== event.activityId || current.phase !== "entering") return;
      cancelTimer(d, "entering");
      return becomeActive(d, current);
    }
    case "activity.config":
      return configure(d, event.activityId, event.config);

    case "agent.update":
      unwatch(d, moveName(event.arrival.activityId));
      if (d.stage.phase !== "running") return;
      change(d, { arrivals: [...d.stage.arrivals, event.arrival] });
      if (d.stage.current !== null && !isInExit(d)) {
        stepFloor(d, d.stage.current.id, { type: "handoff.begin", t: d.t });
      }
      return;

    case "task.requested":
      return requestTask(d, event.arrival, event.parentId, event.waiter);

    case "task.completed":
      return completeTask(d, event.taskId);

    case "hook.done": {
      const { current } = d.stage;
      forgetHook(d, hookName(event.activityId, event.hook));
      if (current?.id !== event.activityId || event.hook !== "enter") return;
      cancelTimer(d, "onEnter");
      return stepFloor(d, current.id, { type: "activity.greeted", t: d.t });
    }
    case "session.drain":
      if (d.stage.phase !== "running") return;
      if (d.stage.current?.phase === "active" && d.root.floors[d.stage.current.id]?.life === "draining") {
        return order(d, { type: "session.drained" }); // it was before
      }
      return change(d, { drained: true });

    case "session.close":
      return beginClose(d, event);

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

    case "tools.ended": {
      const { current, arrivals } = d.stage;
      const isCurrent = current?.id === event.activityId;
      const draining = !isCurrent || (current.phase !== "active" && current.phase !== "pausing") || arrivals.length > 0;
      const silent = isCurrent && current.passing === true && arrivals.length > 0;
      return order(d, { type: "tools.commit", handleId: event.handleId, draining, silent });
    }
    case "tools.background":
      return changeActivity(d, event.activityId, { backgroundCalls: event.running });

    case "run.start": { // behind a close nothing is alive that could end it: it is over at once
      const alive = d.stage.phase === "closed" && event.isStarting !== true ? [] : event.alive;
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

function configure(d: Draft, activityId: string, config: ActivityState["config"]): void {
  const { current } = d.stage;
  changeActivity(d, activityId, { config });
  if (current?.id !== activityId) return;
  stepFloor(d, activityId, { type: "options.updated", t: d.t, previous: current.config });
}

/** Changes an activity, whether it is on stage or waits below. */
function changeActivity(d: Draft, activityId: string, part: Partial<ActivityState>): void {
  const { current, paused } = d.stage;
  if (current?.id === activityId) return change(d, { current: { ...current, ...part } });
  if (!paused.some(({ activity }) => activity.id === activityId)) return;
  change(d, {
    paused: paused.map((entry) =>
      entry.activity.id === activityId ? { ...entry, activity: { ...entry.activity, ...part } } : entry
    ),
  });
}

function onTimer(d: Draft, name: StageTimer): void {
  const { current } = d.stage;
  switch (name) {
    case "entering":
      if (current?.phase !== "entering") return;
      order(d, { type: "activity.unready", activityId: current.id });
      return becomeActive(d, current);
    case "onEnter":
    case "exiting": {
      if (current === null) return;
      const hook = name === "onEnter" ? "enter" : "exit";
      order(d, { type: "hook.timeout", activityId: current.id, hook });
      return forgetHook(d, hookName(current.id, hook));
    }
    case "draining":
      if (current !== null) order(d, { type: "tools.abort", activityId: current.id });
      return;
    case "pausing": // other tools of the agent go on below the task
      return;
    case "closing":
      return abandonSession(d);
    default:
      return name satisfies never;
  }
}

/** Does what has become possible, until nothing is: leaving, making room, closing step by step, ending a run. */
function progress(d: Draft): void {
  while (advance(d));
  settleRun(d);
}

function advance(d: Draft): boolean {
  const { current, closing, arrivals, phase, paused } = d.stage;
  if (closing !== null && (current === null || closing.phase !== "leaving")) return advanceClose(d, closing);
  if (current === null) return false;
  const isClosing = phase === "closing";
  const hasSaidGoodbye = d.root.floors[current.id]?.life === "draining";
  const isReplaced = (arrivals.length > 0 || d.stage.drained) && !isInExit(d);
  const wantsToLeave = isClosing || isReplaced || isTaskOver(d, current);
  switch (current.phase) {
    case "entering":
      return false;

    case "pausing":
      if (!wantsToLeave || current.inExit) return advancePause(d, current);
      refuseTasks(d, current.id);
      endPause(d, current);
      return true;

    case "active":
      if (!wantsToLeave) return hasSaidGoodbye ? false : beginPause(d, current);
      refuseTasks(d, current.id);
      if (isClosing) beginLeaving(d, current);
      else if (!hasSaidGoodbye) exit(d, current);
      else if (arrivals.length > 0) handOver(d, current); // it was drained before
      else return false;
      return true;

    case "exiting":
      if (phase === "running" && beginPause(d, current)) return true;
      if (d.stage.hooks.includes(hookName(current.id, "exit"))) return false;
      cancelTimer(d, "exiting");
      drain(d, current);
      return true;

    case "draining":
      if (!isQuiet(d, current)) return false;
      if (paused.length > 0) pop(d, current, arrivals.length > 0);
      else if (closing !== null) return advanceClose(d, closing);
      else if (arrivals.length > 0) handOver(d, current);
      else {
        change(d, { current: { ...current, phase: "active" }, drained: false });
        cancelTimer(d, "draining");
        order(d, { type: "session.drained" });
      }
      return true;

    default:
      return current.phase satisfies never;
  }
}
