/**
 * What must be true of the stage after every step. Simulations ask after each; the stage itself never does.
 *
 * @module
 */
import { violations as floorViolations } from "../turn/invariants.ts";
import { hookName } from "./run.ts";
import type { RootState } from "./state.ts";

/**
 * Lists the rules that a root state breaks, each as a sentence, those of its floors included. Empty: all hold.
 *
 * A move's wait has its timer and a timer its wait, whoever is on stage has a floor and nobody else has, and a stage that is
 * closed is empty.
 */
export function stageViolations(root: RootState): readonly string[] {
  const broken: string[] = [];
  const must = (rule: string, holds: boolean): void => {
    if (!holds) broken.push(rule);
  };
  const { stage, floors, shared } = root;
  const { current, closing, timers } = stage;

  must(
    "entering is armed exactly while an agent enters",
    (timers.entering !== undefined) === (current?.phase === "entering"),
  );
  must(
    "exiting is armed exactly while an agent exits",
    (timers.exiting !== undefined) === (current?.phase === "exiting"),
  );
  must("pausing is armed only while an agent makes room", timers.pausing === undefined || current?.phase === "pausing");
  must(
    "onEnter is armed only while it is at work",
    timers.onEnter === undefined || (current !== null && stage.hooks.includes(hookName(current.id, "enter"))),
  );
  // The tools' time may be over while what is said plays out.
  must("draining is armed only while an agent drains", timers.draining === undefined || current?.phase === "draining");
  must(
    "closing is armed exactly while the session closes",
    (timers.closing !== undefined) === (stage.phase === "closing"),
  );
  must("a closing session knows how far it is", (closing !== null) === (stage.phase === "closing"));
  must("a closing session says so to the floors", stage.phase !== "closing" || shared.closing);
  must("nobody arrives on a stage that closes", stage.phase === "running" || stage.arrivals.length === 0);
  must(
    "a stage that is not in use is empty",
    stage.phase === "running" || stage.phase === "closing" || current === null,
  );
  const present = [...stage.paused.map(({ activity }) => activity.id), ...(current === null ? [] : [current.id])];
  must(
    "hooks at work are those of agents that are there",
    stage.hooks.every((name) => present.some((id) => name === hookName(id, "enter") || name === hookName(id, "exit"))),
  );
  must("whoever is on stage has the only floor", Object.keys(floors).join() === (current?.id ?? ""));
  const { paused, tasks } = stage;
  const above = [...paused.slice(1).map(({ activity }) => activity.id), ...(current === null ? [] : [current.id])];
  must(
    "whoever waits below waits for the one above",
    paused.every(({ activity }, at) =>
      tasks.some((task) =>
        task.phase !== "queued" && task.parentId === activity.id && task.arrival.activityId === above[at]
      )
    ),
  );
  must(
    "a task on stage is waited for by an agent below",
    tasks.every((task) => task.phase === "queued" || paused.some(({ activity }) => activity.id === task.parentId)),
  );
  must(
    "a task that waits for its turn has its parent on stage or below",
    tasks.every((task) =>
      task.phase !== "queued" || current?.id === task.parentId ||
      paused.some(({ activity }) => activity.id === task.parentId)
    ),
  );
  must(
    "a stage that is closed has no stack",
    stage.phase !== "closed" || (paused.length === 0 && tasks.length === 0 && stage.hooks.length === 0),
  );
  must("a stage that closed has no run", stage.phase !== "closed" || stage.run === null);
  must("a run that nothing keeps alive is over", !isOverdue(root));
  if (current !== null) {
    const floor = floors[current.id];
    const isOpen = current.phase === "active" || current.phase === "exiting";
    must(
      "a floor is open while its agent is",
      !isOpen || floor?.life === "running" || stage.drained || floor?.life === "draining",
    );
    must("a floor that takes speech has its agent on stage", floor?.life !== "running" || isOpen);
    if (floor !== undefined) broken.push(...floorViolations(floor, shared, current.config));
  }
  return broken;
}

function isOverdue({ stage }: RootState): boolean {
  return stage.run !== null && stage.run.alive.size === 0 && stage.arrivals.length === 0 &&
    stage.current?.phase === "active" && stage.phase === "running";
}
