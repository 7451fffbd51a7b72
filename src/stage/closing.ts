/**
 * How a session closes: its activity leaves, and so do those below it; then the last words are stored; then everything is let
 * go. Each step waits for facts, and one timer ends them all.
 *
 * @module
 */
import { isSettled } from "../turn/query.ts";
import { cancelTimer, change, type Draft, order, setTimer } from "./draft.ts";
import { stepFloor } from "./floor.ts";
import { drain, exit, floorOf, leave } from "./moves.ts";
import type { ActivityState, CloseReason, Closing, StageTimer } from "./state.ts";
import { endPause, refuseAllTasks, settleAllTasks } from "./tasks.ts";

/** Begins to close, or hurries a close that is under way. */
export function beginClose(
  d: Draft,
  o: {
    readonly reason: CloseReason;
    readonly drain: boolean;
    readonly deadline: number;
    readonly transcriptTimeout: number;
  },
): void {
  if (d.stage.phase === "closing") return hurryClose(d, o.drain, o.deadline);
  if (d.stage.phase !== "running") return;
  const { reason, transcriptTimeout } = o;
  const closing: Closing = { reason, drain: o.drain, transcriptTimeout, endsAt: d.t + o.deadline, phase: "leaving" };
  change(d, { phase: "closing", arrivals: [], closing });
  d.root = { ...d.root, shared: { ...d.root.shared, closing: true } };
  setTimer(d, "closing", d.t + o.deadline);
  refuseAllTasks(d);
  if (d.stage.current?.phase === "pausing") endPause(d, d.stage.current);
  const { current } = d.stage;
  if (current === null) return change(d, { closing: { ...closing, phase: "settling" } });
  stepFloor(d, current.id, { type: "session.closing", t: d.t });
  if (!o.drain) stepFloor(d, current.id, { type: "api.interrupt", t: d.t, force: true });
  beginLeaving(d, current);
}

/** Whoever is on stage leaves, unless it does already. */
export function beginLeaving(d: Draft, current: ActivityState): void {
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

/** Goes on with a close, once nobody is to leave any more. True: something changed. */
export function advanceClose(d: Draft, closing: Closing): boolean {
  const { current } = d.stage;
  if (closing.phase === "leaving") {
    if (current === null) return false;
    settleTurn(d, current, closing);
    return true;
  }
  if (closing.phase !== "settling") return false;
  if (current !== null && !isSettled(floorOf(d, current))) return false;
  if (current !== null) leave(d, current, null);
  change(d, { closing: { ...closing, phase: "releasing" } });
  order(d, { type: "session.release" });
  return true;
}

/** The last words of the user are stored; whoever spoke has ended. */
function settleTurn(d: Draft, current: ActivityState, closing: Closing): void {
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

/** The time is over: whatever is alive is given up. */
export function abandonSession(d: Draft): void {
  order(d, { type: "session.abandon" });
  if (d.stage.current !== null) leave(d, d.stage.current, null);
  endClose(d);
}

/** Everything was let go. */
export function endClose(d: Draft): void {
  const { closing, paused, run } = d.stage;
  for (const name of Object.keys(d.stage.timers) as StageTimer[]) cancelTimer(d, name);
  for (const { activity } of paused.toReversed()) {
    order(d, { type: "activity.leave", activityId: activity.id, next: null });
  }
  settleAllTasks(d);
  change(d, {
    phase: "closed",
    closing: null,
    paused: [],
    hooks: [],
    run: run === null ? null : { ...run, alive: new Set() },
  });
  order(d, { type: "session.closed", reason: (closing as Closing).reason });
}
