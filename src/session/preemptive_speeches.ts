/**
 * Replies that are begun before the turn of the user is surely over.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import { chatMessage } from "../chat/make.ts";
import { handleName } from "../stage/run.ts";
import { equalToolContexts } from "../tool/tool_context.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";
import { makeReply } from "./speech_making.ts";
import type { UserTurn } from "./user_turns.ts";

/** Begins a reply before the turn of the user is surely over. */
export function startPreemptive(
  core: SessionCore,
  activity: Activity,
  handleId: string,
  transcript: string,
  confidence: number,
  withTts: boolean,
): void {
  const message = core.items.message({
    role: "user",
    content: [transcript],
    ...(confidence > 0 && { transcriptConfidence: confidence }),
  });
  const live = makeReply(core, activity, { id: handleId, message, modality: "audio", transcript });
  core.speeches.announce(live.handle, "generate_reply");
  live.reply.start();
  if (withTts) live.reply.synthesise();
}

/** Gives a reply up that nobody has heard. */
export function cancelPreemptive(core: SessionCore, handleId: string): void {
  core.speeches.interrupt(handleId);
}

/** Whether the preemptive reply, if there is one, was made from this context and these tools. */
export function preemptiveMatches(core: SessionCore, activity: Activity, chatCtx: ChatContext): boolean {
  for (const live of core.speeches.live) {
    if (live.transcript === undefined || live.handle.scheduled || live.handle.interrupted) continue;
    if (live.activity !== activity || !equalToolContexts(live.toolCtx, activity.toolCtx)) return false;
    // Its prompt still waits for what it cut off: it will be made from the agent's own context.
    if (live.base === undefined) return chatCtx.isEquivalent(activity.agent["~"].chatCtx);
    const before = live.base.copy();
    if (live.userMessage !== undefined) before.remove(live.userMessage.id);
    return before.isEquivalent(chatCtx);
  }
  return false;
}

/** The turn is over as expected: the reply is to be heard. */
export function usePreemptive(core: SessionCore, handleId: string, turn: UserTurn): void {
  const live = core.speeches.byId(handleId);
  if (live === undefined) return;
  const finished = core.turns.finished(turn);
  // The message keeps the id that the model has seen.
  live.userMessage = live.userMessage === undefined ? finished : chatMessage({ ...finished, id: live.userMessage.id });
  live.userMetrics = live.userMessage.metrics;
  live.handle["~"].scheduled = true;
  core.inbox.call({ type: "run.watch", t: 0, name: handleName(handleId) });
  core.speeches.storeUserMessage(live);
  live.reply.synthesise();
}
