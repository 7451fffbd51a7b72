/**
 * What of a session is observed: its events, as a scenario writes them.
 *
 * @module
 */
import type { Clock } from "../../base/runtime.ts";
import type { ChatItem } from "../../chat/item.ts";
import type { AgentSession } from "../../session/agent_session.ts";
import type { SpeechHandle } from "../../session/speech_handle.ts";
import { type Observe, parsed } from "./models.ts";

/** Observes the events of a session. */
export function observeSession(
  session: AgentSession,
  o: {
    readonly clock: Clock;
    readonly observe: Observe;
    /** What a listener of `function_tools_executed` calls. */
    readonly onToolsExecuted: readonly string[];
    readonly onSpeech: (handle: SpeechHandle) => void;
  },
): void {
  const { clock, observe } = o;
  const { wallOffset } = clock;
  for (const name of ["user_state_changed", "agent_state_changed"] as const) {
    session.on(name, (event) => {
      const at = Math.round(event.createdAt - wallOffset);
      const now = Math.round(clock.now());
      observe(name, {
        from: event.oldState,
        to: event.newState,
        ...(name === "user_state_changed" && at !== now && { at }),
      });
    });
  }
  session.on("agent_false_interruption", ({ resumed }) => observe("agent_false_interruption", { resumed }));
  session.on(
    "user_input_transcribed",
    ({ transcript, isFinal }) => observe("user_input_transcribed", { text: transcript, isFinal }),
  );
  session.on("conversation_item_added", ({ item }) => {
    const metrics = item.type === "message" ? item.metrics : {};
    const told: Record<string, number> = {};
    for (
      const key of [
        "startedSpeakingAt",
        "stoppedSpeakingAt",
        "transcriptionDelay",
        "endOfTurnDelay",
        "e2eLatency",
      ] as const
    ) {
      const value = metrics[key];
      if (value !== undefined) told[key] = Math.round(key.endsWith("At") ? value - wallOffset : value);
    }
    observe("conversation_item_added", {
      item: historyItem(item),
      ...(Object.keys(told).length > 0 && { metrics: told }),
    });
  });
  session.on("function_tools_executed", (event) => {
    for (const method of o.onToolsExecuted) event[method as "cancelToolReply"]();
    const calls = event.zipped().map(([call, output]) => ({
      name: call.name,
      id: call.callId,
      output: output.output,
      isError: output.isError,
    }));
    calls.sort((a, b) => a.id < b.id ? -1 : 1);
    observe("function_tools_executed", { calls });
  });
  session.on("speech_created", ({ source, userInitiated, speechHandle }) => {
    o.onSpeech(speechHandle);
    observe("speech_created", { source, userInitiated });
  });
  session.on("error", ({ error }) => {
    if (error.type !== "session_error") {
      observe("error", { source: error.type, recoverable: error.recoverable });
    }
  });
  session.on("close", ({ reason, error }) => {
    observe("close", { reason, ...(error !== undefined && { error: true }) });
  });
}

/** An item as a scenario's history writes it. */
export function historyItem(item: ChatItem): Readonly<Record<string, unknown>> | undefined {
  switch (item.type) {
    case "message":
      return {
        type: "message",
        role: item.role,
        text: item.textContent ?? "",
        ...(item.interrupted && { interrupted: true }),
      };
    case "function_call":
      return { type: "function_call", name: item.name, id: item.callId, args: parsed(item.args) };
    case "function_call_output":
      return {
        type: "function_call_output",
        name: item.name,
        id: item.callId,
        output: item.output,
        isError: item.isError,
      };
    case "agent_handoff":
      return { type: "agent_handoff", from: item.oldAgentId, to: item.newAgentId };
    default:
      return undefined;
  }
}
