/**
 * Users who talk on and on: the agent's hook is asked to cut in.
 *
 * @module
 */
import { HOOK_TIMEOUT_MS } from "../turn/config.ts";
import type { TurnEffect } from "../turn/effect.ts";
import type { Activity } from "./activity.ts";
import { Agent, type UserTurnExceededEvent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";
import { runTurnHook } from "./user_turns.ts";

type Exceeded = Extract<TurnEffect, { type: "exceeded.runHook" }>;

/**
 * Runs `onUserTurnExceeded`, and reports its end. Words that nobody answers go back into the turn: those of a hook that
 * fails, and of one that asks for it.
 */
export async function runExceededHook(core: SessionCore, effect: Exceeded): Promise<void> {
  const activity = core.current();
  core.moves.hookCount++;
  const restore = await outcomeOf(core, activity, effect);
  core.moves.hookCount--;
  core.inbox.report(RANK.hook, {
    type: "floor",
    t: 0,
    activityId: activity.id,
    event: { type: "exceeded.hookDone", t: 0, restore },
  });
}

/** Whether the words go back. Never rejects, and ends with the agent's time on stage. */
async function outcomeOf(core: SessionCore, activity: Activity, effect: Exceeded): Promise<boolean> {
  const { agent } = activity;
  const { transcript, accumulatedTranscript, accumulatedWordCount, duration } = effect;
  const { signal } = activity.toolAbort;
  let restore = false;
  const hook = async (): Promise<void> => {
    try {
      const event: UserTurnExceededEvent = {
        type: "user_turn_exceeded",
        createdAt: core.wall(),
        transcript,
        accumulatedTranscript,
        accumulatedWordCount,
        duration,
        restore: () => void (restore = true),
      };
      await runTurnHook(core, activity, (ctx) => agent.onUserTurnExceeded(event, ctx));
    } catch (error) {
      restore = true;
      core.hookFailed("onUserTurnExceeded", error);
    }
  };
  // Ours waits for its own speech, which ends by itself; one of the program's has the time of every hook.
  const isOurs = agent.onUserTurnExceeded === Agent.prototype.onUserTurnExceeded;
  let off = (): void => {};
  const over = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (isOurs) return;
    off = core.clock.schedule(core.clock.now() + HOOK_TIMEOUT_MS, () => {
      core.log("error", "hook.timeout", { area: "session", hook: "onUserTurnExceeded" });
      resolve();
    });
  });
  await Promise.race([hook(), over]);
  off();
  return restore;
}
