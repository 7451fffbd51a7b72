/**
 * When a run is over: when nothing that it caused is alive.
 *
 * @module
 */
import { change, type Draft, order } from "./draft.ts";
import type { PausedActivity } from "./state.ts";

/** What a run calls a hook that is at work. */
export function hookName(activityId: string, hook: "enter" | "exit"): string {
  return `hook:${activityId}:${hook}`;
}

/** What a run calls a speech that is alive. */
export function handleName(handleId: string): string {
  return `handle:${handleId}`;
}

/** What a run calls news of an activity's calls that are to be told; null: the session's. */
export function newsName(activityId: string | null): string {
  return `news:${activityId ?? "session"}`;
}

/** The run waits for this. */
export function watch(d: Draft, name: string): void {
  const { run, phase } = d.stage;
  if (run !== null && phase !== "closed" && !run.alive.has(name)) {
    change(d, { run: { ...run, alive: new Set(run.alive).add(name) } });
  }
}

/** It is over: the run no longer waits for it. */
export function unwatch(d: Draft, name: string): void {
  const { run } = d.stage;
  if (run === null || !run.alive.has(name)) return;
  const alive = new Set(run.alive);
  alive.delete(name);
  change(d, { run: { ...run, alive } });
}

/** An agent is back on stage: the run waits for what of it was blocked. */
export function watchResumed(d: Draft, { activity, turn }: PausedActivity): void {
  for (const speech of turn.speeches) watch(d, handleName(speech.id));
  for (const name of d.stage.hooks) if (name.startsWith(`hook:${activity.id}:`)) watch(d, name);
}

/** Ends the run, if nothing that could go on is alive. Whoever is at rest on stage waits for the user. */
export function settleRun(d: Draft): void {
  const { run, arrivals, current, phase, tasks } = d.stage;
  if (run === null) return;
  if (phase !== "closed") {
    if (current?.phase !== "active" || (arrivals.length > 0 && !isInExit(d))) return;
    if (tasks.some((task) => task.phase === "completed")) return; // it leaves when its `onEnter` has returned
    for (const name of run.alive) if (!isBlocked(d, name)) return;
  } else if (run.alive.size > 0) return; // it is over a start that follows
  change(d, { run: null });
  order(d, { type: "run.settle", runId: run.runId });
}

/**
 * An agent that leaves waits for a task in its `onExit`: whoever is to come next comes after that, however long the user takes.
 */
export function isInExit(d: Draft): boolean {
  return d.stage.paused.some(({ activity }) => activity.inExit === true);
}

/** It belongs to an agent that waits for a task, and cannot go on before that ends. */
function isBlocked(d: Draft, name: string): boolean {
  return d.stage.paused.some(({ activity, turn }) =>
    name.startsWith(`hook:${activity.id}:`) || name === newsName(activity.id) ||
    turn.speeches.some((speech) => handleName(speech.id) === name)
  );
}
