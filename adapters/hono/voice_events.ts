/**
 * What a page is told of what happens in a session.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { AgentSession } from "../../src/session/agent_session.ts";
import type { ErrorEvent } from "../../src/session/events.ts";
import type { CallMessage } from "./voice_wire.ts";

/** Tells a page of states, words, messages, tools, interruptions and failures. Its close is left to the caller. */
export function tellEvents(session: AgentSession, tell: (message: CallMessage) => void): void {
  const tellState = (): void => tell({ type: "state", agent: session.agentState, user: session.userState });
  session.on("agent_state_changed", tellState);
  session.on("user_state_changed", tellState);
  session.on("user_input_transcribed", ({ transcript, isFinal }) => {
    tell({ type: "user_transcript", text: transcript, isFinal });
  });
  session.on("conversation_item_added", ({ item }) => {
    if (item.type !== "message" || (item.role !== "user" && item.role !== "assistant")) return;
    const { id, role, interrupted } = item;
    tell({ type: "message", id, role, text: item.textContent ?? "", interrupted });
    if (role === "assistant" && interrupted) tell({ type: "interruption", resumed: false });
  });
  session.on("agent_false_interruption", ({ resumed }) => {
    if (resumed) tell({ type: "interruption", resumed: true });
  });
  session.on("function_tools_executed", (event) => {
    for (const [call, output] of event.zipped()) tell({ type: "tool", name: call.name, isError: output.isError });
  });
  session.on("error", (event) => tell(asTold(event)));
}

const PARTS: Readonly<Record<ErrorEvent["error"]["type"], string>> = {
  llm_error: "the language model",
  tts_error: "the voice",
  stt_error: "the recogniser",
  realtime_model_error: "the model",
  session_error: "a part of the session",
};

/** What a page is told of a failure: which part, and not what it said, which may name what is not the page's business. */
function asTold({ error }: ErrorEvent): CallMessage {
  const cause: unknown = error.error;
  const code = cause instanceof AgentError ? cause.code : "reply.failed";
  return { type: "error", code, message: `Cannot go on as planned as ${PARTS[error.type]} failed` };
}
