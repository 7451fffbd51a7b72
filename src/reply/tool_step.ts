/**
 * The tools of one step of a reply: each call starts as it arrives, they run side by side, and each ends in one output.
 *
 * @module
 */
import type { FunctionCall, FunctionCallOutput } from "../chat/item.ts";
import type { FunctionToolCall } from "../model/llm.ts";
import { prepareArguments } from "../tool/arguments.ts";
import {
  cancelledOutcome,
  mapToolFailure,
  mapToolResult,
  type ToolOutcome,
  unknownToolOutcome,
} from "../tool/result.ts";
import type { RunContext } from "../tool/context.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import type { CallBuffer } from "./llm_step.ts";

/** One call and what came of it. */
export interface ToolResult {
  readonly call: FunctionCall;
  readonly output: FunctionCallOutput;
  readonly outcome: ToolOutcome;
}

/** What tools need of the session. */
export interface ToolHost {
  /** Makes the item of a call that begins now. */
  call(call: FunctionToolCall, id: string): FunctionCall;
  /** Makes the item of an output that is known now. */
  output(call: FunctionCall, outcome: ToolOutcome): FunctionCallOutput;
  context(call: FunctionCall, signal: AbortSignal): RunContext;
  /** Runs the body under the span and the ambient values of the call. */
  within(call: FunctionCall, body: () => Promise<ToolOutcome>): Promise<ToolOutcome>;
  started(call: FunctionCall): void;
  ended(result: ToolResult): void;
  log(level: "warn" | "error", message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** The tools of a step, at work. */
export interface ToolStep {
  /** Calls begun so far. */
  readonly count: number;
  /** Results so far, in the order in which they came. */
  readonly results: readonly ToolResult[];
  /** Settles when no call is left. Never rejects. */
  readonly over: Promise<void>;
  /** Calls that have not ended. */
  readonly runningCount: number;
  /** Takes no more calls; those that run go on. */
  stop(): void;
  /** Ends every call that runs, now: its output says that it was called off, whatever it does after that. */
  abandon(): void;
}

/** Takes calls until there are no more. `cancel` calls off those that run: their output says so. */
export function startToolStep(o: {
  readonly itemId: string;
  readonly calls: CallBuffer;
  readonly toolCtx: ToolContext;
  readonly toolChoice: ToolChoice | undefined;
  readonly host: ToolHost;
  readonly cancel: AbortSignal;
}): ToolStep {
  const results: ToolResult[] = [];
  const running: Promise<void>[] = [];
  const open = new Set<(outcome: ToolOutcome) => void>();
  let stopped = false;
  let wake = (): void => {};
  const stop = new Promise<undefined>((resolve) => (wake = () => resolve(undefined)));

  const take = async (): Promise<void> => {
    for (let index = 0;; index++) {
      const wait = o.calls.count > index ? o.calls.at(index) : Promise.race([o.calls.at(index), stop]);
      const call = await wait;
      if (call === undefined || stopped) break;
      if (o.toolChoice === "none") {
        o.host.log("error", "tool call dropped, since this reply may call none", { area: "tool", name: call.name });
        continue;
      }
      running.push(runCall(o.host.call(call, `${o.itemId}/fnc_${index}`), o, open, (result) => {
        results.push(result);
        o.host.ended(result);
      }));
    }
    await Promise.all(running);
  };

  const step = {
    get count() {
      return running.length;
    },
    get runningCount() {
      return open.size;
    },
    results,
    over: take(),
    stop() {
      stopped = true;
      wake();
    },
    abandon() {
      step.stop();
      for (const end of [...open]) end(cancelledOutcome());
    },
  };
  return step;
}

async function runCall(
  call: FunctionCall,
  o: Parameters<typeof startToolStep>[0],
  open: Set<(outcome: ToolOutcome) => void>,
  done: (result: ToolResult) => void,
): Promise<void> {
  const { host } = o;
  let item = call;
  const end = (outcome: ToolOutcome): void => {
    if (open.delete(end)) done({ call: item, output: host.output(item, outcome), outcome });
  };
  open.add(end);
  host.started(call);
  const tool = o.toolCtx.functionTools.get(call.name);
  let outcome: ToolOutcome;
  if (tool === undefined) outcome = unknownToolOutcome(call.name, o.toolCtx.functionTools.keys());
  else {
    try {
      const prepared = prepareArguments(tool, call.args);
      const ready = prepared instanceof Promise ? await prepared : prepared;
      if (ready.canonical !== call.args) item = { ...call, args: ready.canonical };
      outcome = ready.ok
        ? await host.within(item, () => execute(tool, ready.args, item, o))
        : { output: ready.message, isError: true, replyRequired: true };
    } catch (error) {
      outcome = mapToolFailure(error);
    }
  }
  if (outcome.cause !== undefined) {
    host.log(outcome.isError ? "warn" : "error", "tool failed", {
      area: "tool",
      name: call.name,
      error: outcome.cause,
    });
  }
  end(outcome);
}

/** Runs one call until it ends or is called off; what it does after that is its own. */
async function execute(
  tool: NonNullable<ReturnType<ToolContext["functionTools"]["get"]>>,
  args: unknown,
  call: FunctionCall,
  o: Parameters<typeof startToolStep>[0],
): Promise<ToolOutcome> {
  if (o.cancel.aborted) return cancelledOutcome();
  let off = (): void => {};
  const cancelled = new Promise<ToolOutcome>((resolve) => {
    off = () => resolve(cancelledOutcome());
    o.cancel.addEventListener("abort", off, { once: true });
  });
  try {
    const ctx = o.host.context(call, o.cancel);
    const work = (async () =>
      mapToolResult(await tool.execute(args, { ctx, toolCallId: call.callId, abortSignal: o.cancel })))();
    return await Promise.race([work, cancelled]);
  } finally {
    o.cancel.removeEventListener("abort", off);
  }
}
