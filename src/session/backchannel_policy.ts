/**
 * Asks the program's own policy for backchannels. Its answer goes into the fact, so that a trace replays without it.
 *
 * @module
 */
import type { BackchannelAnswer } from "../turn/backchannel.ts";
import type { TurnEvent } from "../turn/event.ts";
import { backchannelQuestion } from "../turn/user_words.ts";
import type { SessionCore } from "./core.ts";

type Judged = { judged?: BackchannelAnswer };

/** Completes a fact of the recogniser as it is taken, where the program judges words over the agent's speech. */
export function askBackchannelPolicy(core: SessionCore, event: TurnEvent): void {
  if (event.type !== "stt.final" && event.type !== "stt.interim" && event.type !== "stt.preflight") return;
  const { activity } = core;
  const policy = activity?.resolved.backchannel;
  if (activity === undefined || policy === null || policy === undefined) return;
  const { config } = activity.resolved;
  const floor = core.root.floors[activity.id];
  if (floor === undefined || config.interruption.backchannel !== "custom") return;
  const question = backchannelQuestion(floor, core.root.shared, config, event, event.t);
  if (question === null) return;
  try {
    const answer = policy(question);
    (event as Judged).judged = typeof answer === "boolean"
      ? { takesFloor: answer, reason: "program" }
      : { takesFloor: answer.takesFloor === true, reason: String(answer.reason) };
  } catch (error) {
    core.partFailed("the backchannel policy failed", "turnHandling.interruption.backchannel", error);
  }
}
