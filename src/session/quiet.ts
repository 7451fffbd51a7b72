/**
 * The quiet point: nothing is said, asked, decided or run, so that the session is a value.
 *
 * @module
 */
import { isIdle } from "../turn/query.ts";
import type { SessionCore } from "./core.ts";

/** What keeps a session from being quiet, in words for an error message; null at a quiet point. */
export function busyWith(core: SessionCore): string | null {
  const { stage, shared, floors } = core.root;
  if (stage.phase !== "running") return `the session is ${stage.phase}`;
  if (!core.inbox.isEmpty) return "facts wait to be taken";
  const { current } = stage;
  if (current === null || current.phase !== "active" || stage.arrivals.length > 0) return "an agent is on its way";
  if (core.moves.hookCount > 0) return "a hook runs";
  if (core.speeches.count > 0) return "a speech is alive";
  if (core.toolCalls.running().length > 0) return "a tool runs";
  const floor = floors[current.id];
  if (floor === undefined || !isIdle(floor, shared)) return "the user has the floor";
  return null;
}

/** Resolves at the next quiet point, or when the session has closed. */
export async function untilQuiet(core: SessionCore): Promise<void> {
  while (core.isRunning && busyWith(core) !== null) await core.waiting.untilQuiet();
}
