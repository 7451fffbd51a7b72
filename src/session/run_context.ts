/**
 * What a running tool sees: its call, and the session as this call may use it.
 *
 * @module
 */
import type { FunctionCall } from "../chat/item.ts";
import type { RunContext } from "../tool/context.ts";
import type { AgentTask } from "./agent_task.ts";
import type { SessionCore } from "./core.ts";
import { circularWait, type SpeechHandle } from "./speech_handle.ts";
import type { RunningCall, ToolCalls } from "./tool_calls.ts";

/** The call of a context, for those parts of the library that are given one. */
const calls = new WeakMap<RunContext, RunningCall>();

/** The call that a context belongs to; undefined for one that is made up. */
export function callOf(ctx: RunContext): RunningCall | undefined {
  return calls.get(ctx);
}

/** Makes the context of a call. The step is fixed now, so that a later one of the same speech does not shift it. */
export function runContext(core: SessionCore, toolCalls: ToolCalls, entry: RunningCall): RunContext {
  const { call, live } = entry;
  const { handle } = live;
  const played = live.reply.playedStep();
  const ctx: RunContext = {
    session: core.sessionFor(entry.scope.caller),
    speechHandle: ownHandle(handle, call, () => entry.phase !== "foreground"),
    functionCall: call,
    get userData() {
      return core.userData;
    },
    signal: entry.controller.signal,
    updates: entry.updates,
    disallowInterruptions() {
      handle.allowInterruptions = false;
    },
    waitForPlayout: () => played,
    update: (message, options = {}) => toolCalls.update(entry, message, options),
    foreground: (body) => {
      const session = core.sessionFor({ insideTool: true, onEnter: false, holdsFloor: true });
      return toolCalls.foreground(entry, () => body(session));
    },
    step: (name, body) => toolCalls.step(entry, name, body),
    run: <Result>(task: AgentTask<Result>) => core.tasks.run(entry.scope, task) as Promise<Result>,
  };
  calls.set(ctx, entry);
  return ctx;
}

/** The handle as its own tool sees it: it cannot be waited for while it waits for the tool. */
function ownHandle(handle: SpeechHandle, call: FunctionCall, isFree: () => boolean): SpeechHandle {
  const guarded = (name: "waitForPlayout" | "then") => ({
    get: () => {
      if (isFree()) return handle[name].bind(handle);
      return (): never => {
        throw circularWait(handle.id, call.name);
      };
    },
  });
  return Object.create(handle, { waitForPlayout: guarded("waitForPlayout"), then: guarded("then") });
}
