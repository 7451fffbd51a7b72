/**
 * What a running tool sees: its call, and the session as this call may use it.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { FunctionCall } from "../chat/item.ts";
import type { RunContext } from "../tool/context.ts";
import type { SessionCore } from "./core.ts";
import type { Live } from "./live.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** Makes the context of a call. The step is fixed now, so that a later one of the same speech does not shift it. */
export function runContext(core: SessionCore, live: Live, functionCall: FunctionCall, signal: AbortSignal): RunContext {
  const { handle } = live;
  const played = live.reply.playedStep();
  return {
    session: core.sessionFor({ insideTool: true, onEnter: false }),
    speechHandle: ownHandle(handle, functionCall),
    functionCall,
    get userData() {
      return core.userData;
    },
    signal,
    disallowInterruptions() {
      handle.allowInterruptions = false;
    },
    waitForPlayout: () => played,
  };
}

/** The handle as its own tool sees it: it cannot be waited for, since it waits for the tool. */
function ownHandle(handle: SpeechHandle, call: FunctionCall): SpeechHandle {
  const refuse = (): never => {
    throw new AgentError(
      "speech.circular_wait",
      `Cannot wait for a speech as it waits for this tool itself: current value is ${handle.id} in ${call.name}. Use \`ctx.waitForPlayout()\``,
    );
  };
  return Object.create(handle, { waitForPlayout: { value: refuse }, then: { value: refuse } });
}
