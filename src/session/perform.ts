/**
 * What is done for each order that the machines give. Nothing is decided here.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { RootEffect } from "../stage/event.ts";
import type { SessionCore } from "./core.ts";
import { askDetector } from "./detector_question.ts";
import { closed, detach, release } from "./ending.ts";
import type { SessionEvent } from "./events.ts";
import { runExceededHook } from "./exceeded_turn.ts";
import { cancelPreemptive, startPreemptive, usePreemptive } from "./preemptive_speeches.ts";

/** Performs one order. `t` is the time of the fact that led to it. */
export function perform(core: SessionCore, effect: RootEffect, t: number): void {
  switch (effect.type) {
    case "emit": {
      const { type: _type, activityId: _id, event, ...payload } = effect;
      return core.emit({ type: event, ...payload, createdAt: core.wall(effect.createdAt) } as SessionEvent);
    }
    case "timer.set": {
      const { name, gen, at, activityId, handleId } = effect;
      return core.timers.set(timerKey(effect), at, {
        type: "floor",
        t: 0,
        activityId,
        event: { type: "timer", t: 0, name, gen, ...(handleId !== undefined && { handleId }) },
      });
    }
    case "timer.cancel":
      return core.timers.cancel(timerKey(effect));
    case "stage.timer.set":
      return core.timers.set(effect.name, effect.at, {
        type: "stage.timer",
        t: 0,
        name: effect.name,
        gen: effect.gen,
      });
    case "stage.timer.cancel":
      return core.timers.cancel(effect.name);

    case "playout.pause":
      core.playout.pause();
      return core.speeches.paused(t);
    case "playout.resume":
      core.playout.resume();
      return core.speeches.resumed(t);
    case "speech.interrupt":
      return core.speeches.interrupt(effect.handleId);
    case "speech.play":
      return core.speeches.play(effect.handleId);
    case "speech.refused":
      return core.speeches.interrupt(effect.handleId);
    case "speech.abandon":
      return core.speeches.abandon(effect.handleId);
    case "reply.ack":
      return core.speeches.ack(effect.handleId, effect.segmentId, effect.ack, effect.positionMs, effect.at);
    case "message.commit":
      return core.storing.commitMessage(effect.handleId, effect.text, effect.interrupted);
    case "tools.commit":
      return core.storing.commitTools(effect.handleId, effect.draining, effect.silent);

    case "gen.startPreemptive":
      return startPreemptive(
        core,
        core.current(),
        effect.handleId,
        effect.transcript,
        effect.confidence,
        effect.withTts,
      );
    case "gen.cancelPreemptive":
      return cancelPreemptive(core, effect.handleId);
    case "gen.usePreemptive":
    case "gen.reply": {
      const turn = core.turns.get(effect.turnId);
      if (turn === undefined) return;
      return effect.type === "gen.reply"
        ? core.speeches.replyTo(core.current(), effect.handleId, turn)
        : usePreemptive(core, effect.handleId, turn);
    }

    case "turn.commit":
      return core.turns.commit(effect.turnId, effect.info);
    case "turn.runHook":
      return core.turns.runHook(core.current(), effect.turnId);
    case "turn.store":
      return core.turns.store(core.current(), effect.turnId, effect.reason);
    case "turn.drop":
      return core.turns.drop(effect.turnId, effect.reason);
    case "turn.over":
      return core.turns.over(core.current(), effect.turnId, effect.handleId);
    case "turn.refused":
    case "transcript.discarded":
      return core.log("debug", effect.type, { area: "turn", reason: effect.reason });
    case "commit.resolve":
      return core.waiting.committed(effect.id, effect.transcript);
    case "commit.cancel":
      return core.waiting.commitReplaced(effect.id);

    case "stt.pushSilence":
      return core.listening.pushSilence(effect.durationMs);
    case "stt.restart":
      return core.listening.restartStt();
    case "vad.flush":
      return core.listening.flushVad();
    case "detector.ask":
      return askDetector(core, effect.activityId, effect.id, effect.transcript, effect.language);
    case "detector.cancel":
      return;
    case "eot.predict":
      return core.listening.predictTurn(effect.id);
    case "eot.cancel":
      return core.listening.cancelPrediction(effect.timedOut);
    case "eot.flush":
      return core.listening.flushDetector();

    case "activity.enter":
      return core.moves.enter(effect.activityId, effect.oldAgentId);
    case "activity.prepare":
      return core.moves.prepare(effect.activityId);
    case "activity.unready":
      core.hookFailed(
        "toolset.setup",
        new AgentError(
          "tool.timeout",
          "Cannot wait for toolsets any longer as they must be ready within 5,000 ms: current value is not ready",
        ),
      );
      return core.moves.bind(core.current());
    case "hook.timeout":
      return core.moves.hookTimedOut(effect.activityId, effect.hook);
    case "hook.run":
      return core.moves.runHook(effect.activityId, effect.hook);
    case "activity.pause":
      return core.moves.pause(effect.activityId, effect.next);
    case "activity.resume":
      return core.moves.resume(effect.activityId, effect.oldAgentId);
    case "task.merge":
      return core.tasks.merge(effect.taskId, effect.parentId);
    case "task.settle":
      return core.tasks.settle(effect.taskId);
    case "activity.leave":
      return core.moves.leave(effect.activityId, effect.next);
    case "tools.leave":
      return core.toolCalls.leave(core.current(), false);
    case "tools.abort":
      core.toolCalls.leave(core.current(), true);
      return core.current().toolAbort.abort();
    case "session.detach":
      return detach(core);
    case "session.release":
      return void release(core);
    case "session.abandon":
      core.speeches.abandonAll();
      return detach(core);
    case "session.closed":
      return closed(core, effect.reason);
    case "session.drained":
      return core.waiting.drained();
    case "run.settle":
      return core.runs.settle(effect.runId);

    case "span.start":
      return core.telemetry.start(effect.span, effect.at);
    case "span.end":
      return core.telemetry.end(effect.span, effect.at, spanAttributes(core, effect));
    case "exceeded.runHook":
      return void runExceededHook(core, effect);
    case "overlap.agentStarted":
    case "overlap.agentEnded":
    case "overlap.started":
    case "overlap.ended":
      return core.listening.overlap.tell(effect);
    case "backchannel.judged":
      return core.log("debug", effect.type, {
        area: "turn",
        takesFloor: effect.takesFloor,
        reason: effect.reason,
        pii: { text: effect.text },
      });
    case "log":
      return core.log(effect.level, effect.code, { area: "turn" });

    // Parts of later stages: adaptive interruption, turn limits and realtime models are not configured by
    // `resolveActivity`, so that the machine never gives these orders.
    case "rt.startUserActivity":
    case "rt.interrupt":
    case "rt.commitAudio":
    case "rt.clearAudio":
      return core.log("debug", "an order has nobody to perform it", { area: "session", order: effect.type });
    default:
      return effect satisfies never;
  }
}

/** What the machine says of a span, and what only the session knows: the models and the conversation. */
function spanAttributes(
  core: SessionCore,
  { span, attributes }: Extract<RootEffect, { type: "span.end" }>,
): Readonly<Record<string, string | number | boolean>> | undefined {
  if (attributes === undefined || !core.telemetry.isRecording || core.activity === undefined) return attributes;
  const { agent, resolved } = core.activity;
  if (span === "user_turn" && resolved.stt !== null) {
    const { model, provider } = resolved.stt;
    return { ...attributes, "gen_ai.request.model": model, "gen_ai.provider.name": provider };
  }
  if (span !== "eou_detection") return attributes;
  const said = agent["~"].chatCtx.items.filter((item) =>
    item.type === "message" && item.role !== "system" && item.role !== "developer" && (item.textContent ?? "") !== ""
  ).slice(-EOU_ITEMS).map((item) => item.type === "message" ? { role: item.role, content: item.textContent } : {});
  return { ...attributes, "lk.pii.chat_ctx": JSON.stringify(said) };
}

/** Chat items in the span of an end-of-turn decision. Specified: 02 section 2.4. */
const EOU_ITEMS = 6;

/** One timer of each name for each activity; two belong to the session. */
function timerKey(effect: { readonly activityId: string; readonly name: string; readonly handleId?: string }): string {
  const shared = effect.name === "aecWarmup" || effect.name === "userAway";
  return `${shared ? "" : effect.activityId}:${effect.name}:${effect.handleId ?? ""}`;
}
