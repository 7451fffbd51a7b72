/**
 * What a reply is given of the session that it works for.
 *
 * @module
 */
import type { ReplyHost } from "../reply/reply.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";
import type { Live } from "./live.ts";
import { NodeSpans } from "./node_spans.ts";
import { emitPart, type SpeechHandle } from "./speech_handle.ts";

/** What one turn of the agent needs: its models and nodes, and where it reports what has become of it. */
export function replyHost(core: SessionCore, handle: SpeechHandle, activity: Activity, rank: number): ReplyHost {
  const { telemetry } = core;
  const speak = activity.speakTts;
  const spans = new NodeSpans(telemetry, handle.id, activity);
  const get = (): Live => (core.speeches.byId(handle.id) ?? core.speeches.lingering(handle.id)) as Live;
  return {
    clock: core.clock,
    itemId: () => core.newId("item"),
    outputs: () => core.outputs(),
    askLlm: telemetry.isRecording
      ? (request) => spans.askLlm(request)
      : (request) => activity.askLlm(request, handle.id),
    speakTts: telemetry.isRecording ? spans.speakTts : speak && ((text, signal) => speak(text, signal, handle.id)),
    traced: telemetry.isRecording ? spans : undefined,
    transcribe: activity.transcribe,
    usesTimedWords: activity.usesTimedWords,
    maxToolSteps: core.maxToolSteps,
    part: (part) => emitPart(handle, part),
    note: (name) => core.note(name, { handleId: handle.id }),
    failed: (where, error) => {
      handle["~"].error ??= error;
      emitPart(handle, { type: "error", error });
      core.replyFailed(where, error, activity);
    },
    firstText: () =>
      core.report(rank, {
        type: "floor",
        t: 0,
        activityId: activity.id,
        event: { type: "playout.started", t: 0, handleId: handle.id, at: core.clock.now() },
      }),
    soundKnown: (durationMs, text, isOver) => {
      // Only who judges backchannels needs to know how near its end the agent was.
      if (activity.resolved.config.interruption.backchannel === "off" || !activity.resolved.config.hasStt) return;
      core.inbox.report(rank, () => {
        if (isOver()) return;
        core.inbox.next({
          type: "floor",
          t: 0,
          activityId: activity.id,
          event: {
            type: "speech.length",
            t: 0,
            handleId: handle.id,
            durationMs,
            isQuestion: /[?？؟]\s*["'”’»)]*\s*$/.test(text),
          },
        });
      });
    },
    played: (outcome) => {
      telemetry.turnPlayed(handle.id, { interrupted: outcome.interrupted, text: outcome.spoken.text });
      core.inbox.report(rank, {
        type: "reply.played",
        t: 0,
        activityId: activity.id,
        handleId: handle.id,
        text: outcome.spoken.text,
        interrupted: outcome.interrupted,
        toolsStarted: (outcome.tools?.count ?? 0) > 0,
        toolsRunning: (outcome.tools?.count ?? 0) > 0,
      });
    },
    toolsEnded: () =>
      core.inbox.report(rank, { type: "tools.ended", t: 0, activityId: activity.id, handleId: handle.id }),
    again: () => core.inbox.report(rank, () => core.speeches.schedule(get(), "tool_reply")),
    over: () => core.inbox.report(rank, () => core.speeches.end(get())),
    tools: {
      call: (call, id) =>
        core.items.functionCall({
          id,
          callId: core.toolCalls.newCallId(call.callId),
          name: call.name,
          args: call.args,
          ...(call.extra && { extra: call.extra }),
        }),
      stamped: (call) => ({ ...call, createdAt: core.wall() }),
      output: (call, outcome) =>
        core.items.functionCallOutput({
          callId: call.callId,
          name: call.name,
          output: outcome.output,
          isError: outcome.isError,
          replyRequired: outcome.replyRequired,
        }),
      run: (tool, ready, call, committed) => core.toolCalls.run(get(), tool, ready, call, committed),
      dropped: () => core.toolCalls.dropped(handle.id),
      started: (call) => {
        handle["~"].items.push(call);
        emitPart(handle, { type: "tool_call", call });
        core.storing.callBegan(call, activity);
        core.toolCalls.begin(get(), call);
        core.note("tool.start", { handleId: handle.id, callId: call.callId, name: call.name, args: call.args });
        core.onHandleItem(call);
      },
      ended: ({ call, output, outcome }) => {
        const { items } = handle["~"];
        const place = items.findIndex((item) => item.id === call.id);
        if (place >= 0) items[place] = call;
        items.push(output);
        emitPart(handle, { type: "tool_result", output });
        core.toolCalls.answered(get(), call, outcome);
        core.note("tool.end", { handleId: handle.id, callId: call.callId, output: output.output });
        core.onHandleItem(output);
        if (core.speeches.lingering(handle.id)?.reply.tools?.runningCount === 0) {
          core.inbox.report(rank, { type: "tools.ended", t: 0, activityId: activity.id, handleId: handle.id });
        }
      },
      log: (level, message, fields) => core.log(level, message, fields),
    },
  };
}
