/**
 * What a text detector is asked: whether the user goes on.
 *
 * @module
 */
import type { TurnEvent } from "../turn/event.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";

/** Asks the agent's detector about the words so far, and reports what it says. */
export function askDetector(
  core: SessionCore,
  activityId: string,
  id: number,
  transcript: string,
  language: string,
): void {
  const activity = core.current();
  const { detector } = activity.resolved;
  const answer = (outcome: Extract<TurnEvent, { type: "detector.answer" }>["outcome"]): void =>
    core.report(RANK.detector, {
      type: "floor",
      t: 0,
      activityId,
      event: { type: "detector.answer", t: 0, id, outcome },
    });
  if (detector?.kind !== "turn_detector") return answer({ kind: "unsupported" });
  void (async () => {
    if (!(await detector.supportsLanguage(language))) return answer({ kind: "unsupported" });
    const chatCtx = activity.agent["~"].chatCtx.copy().truncate(6);
    chatCtx.append(core.items.message({ role: "user", content: [transcript] }));
    const threshold = await detector.unlikelyThreshold(language);
    const probability = await detector.predictEndOfTurn(chatCtx, { signal: activity.toolAbort.signal });
    answer({ kind: "probability", probability, threshold: threshold ?? null });
  })().catch((error: unknown) => {
    core.log("warn", "the turn detector failed", { area: "turn", error });
    answer({ kind: "error" });
  });
}
