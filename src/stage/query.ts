/**
 * Questions about the stage, for those who act on it.
 *
 * @module
 */
import { isTakingSpeech } from "../turn/query.ts";
import type { RootState } from "./state.ts";

/**
 * The activity that takes speech that is asked for now: whoever is on stage, or who comes next when that one takes no more. Null:
 * nobody, since nobody is there or nobody comes.
 */
export function acceptingActivity({ stage, floors }: RootState): string | null {
  const { current, arrivals, paused, tasks, phase } = stage;
  if (current === null) return null;
  const floor = floors[current.id];
  if (floor !== undefined && (floor.life === "starting" || isTakingSpeech(floor))) return current.id;
  if (phase !== "running") return null;
  if (current.phase === "pausing") {
    const task = tasks.find((one) => one.phase === "queued" && one.parentId === current.id);
    return task?.arrival.activityId ?? null;
  }
  return arrivals[0]?.activityId ?? paused.at(-1)?.activity.id ?? null;
}
