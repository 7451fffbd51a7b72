/**
 * The tools of one step of a reply: each call starts as it arrives, they run side by side, and each ends in one output.
 *
 * @module
 */
import type { FunctionCall, FunctionCallOutput } from "../chat/item.ts";
import type { FunctionToolCall } from "../model/llm.ts";
import { type ArgumentsResult, prepareArguments } from "../tool/arguments.ts";
import {
  badCallOutcome,
  cancelledOutcome,
  mapToolFailure,
  type ToolOutcome,
  unknownToolOutcome,
} from "../tool/result.ts";
import type { AnyFunctionTool, ToolChoice, ToolContext } from "../tool/tool.ts";
import type { CallBuffer } from "./llm_step.ts";

/** One call and what came of it. */
export interface ToolResult {
  readonly call: FunctionCall;
  readonly output: FunctionCallOutput;
  readonly outcome: ToolOutcome;
}

/** Arguments that fit. */
export type ReadyArguments = Extract<ArgumentsResult, { readonly ok: true }>;

/** What tools need of the session. */
export interface ToolHost {
  /** Makes the item of a call that begins now. */
  call(call: FunctionToolCall, id: string): FunctionCall;
  /** The item of a call that counts from now on. */
  stamped(call: FunctionCall): FunctionCall;
  /** Makes the item of an output that is known now. */
  output(call: FunctionCall, outcome: ToolOutcome): FunctionCallOutput;
  /**
   * Runs a call. Gives what its reply is told: what it came to, or what it first says of its progress. `committed` is there
   * while nobody knows whether the reply will be heard, and settles when it is going to be.
   */
  run(
    tool: AnyFunctionTool,
    ready: ReadyArguments,
    call: FunctionCall,
    committed: Promise<void> | undefined,
  ): Promise<ToolOutcome>;
  started(call: FunctionCall): void;
  ended(result: ToolResult): void;
  /** The reply will not be heard: what ran for it is called off, and forgotten. */
  dropped(): void;
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
  /** The reply is going to be heard: calls that waited for that begin, and those that did not are told. */
  open(): void;
  /** Takes no more calls; those that run go on. What was not opened is dropped. */
  stop(): void;
  /** Ends every call that runs, now: its output says that it was called off, whatever it does after that. */
  abandon(): void;
}

/** A call that waits for its reply to be heard. */
interface Held {
  readonly call: FunctionCall;
  /** It runs already, since it may. */
  readonly early: Promise<Made> | undefined;
}

/** What a call came to, with its arguments as they are stored. */
interface Made {
  readonly call: FunctionCall;
  readonly outcome: ToolOutcome;
}

/**
 * Takes calls until there are no more. `isHeld`: the reply may never be heard, so that calls wait for {@linkcode
 * ToolStep.open}, but for those that are safe to run for nothing.
 */
export function startToolStep(o: {
  readonly itemId: string;
  readonly calls: CallBuffer;
  readonly toolCtx: ToolContext;
  readonly toolChoice: ToolChoice | undefined;
  readonly host: ToolHost;
  readonly isHeld?: boolean;
}): ToolStep {
  const results: ToolResult[] = [];
  const running: Promise<void>[] = [];
  const open = new Set<(outcome: ToolOutcome) => void>();
  const held: Held[] = [];
  let isOpen = o.isHeld !== true;
  let stopped = false;
  let wake = (): void => {};
  const stop = new Promise<undefined>((resolve) => (wake = () => resolve(undefined)));
  let commit = (): void => {};
  const committed = new Promise<void>((resolve) => (commit = resolve));

  const begin = (call: FunctionCall, early?: Promise<Made>): void => {
    running.push(runCall(call, early, o, open, (result) => {
      results.push(result);
      o.host.ended(result);
    }));
  };

  // Behind what the reply does when it has the floor, as calls that come later are.
  const begun = committed.then(() => {
    for (const { call, early } of held.splice(0)) if (!stopped) begin(o.host.stamped(call), early);
  });

  const take = async (): Promise<void> => {
    for (let index = 0;; index++) {
      const wait = o.calls.count > index ? o.calls.at(index) : Promise.race([o.calls.at(index), stop]);
      const call = await wait;
      if (call === undefined || stopped) break;
      if (o.toolChoice === "none") {
        o.host.log("error", "tool call dropped, since this reply may call none", { area: "tool", name: call.name });
        continue;
      }
      const item = o.host.call(call, `${o.itemId}/fnc_${index}`);
      if (isOpen && held.length === 0) begin(item);
      else held.push({ call: item, early: isSafe(o.toolCtx, call.name) ? make(item, o, committed) : undefined });
    }
    if (o.isHeld === true) await Promise.race([begun, stop]);
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
    open() {
      if (isOpen || stopped) return;
      isOpen = true;
      commit();
    },
    stop() {
      if (!isOpen && !stopped) o.host.dropped();
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

/** Whether some of the tools may run for a reply that nobody may ever hear. */
export function hasSafeTools({ functionTools }: ToolContext): boolean {
  for (const { flags } of functionTools.values()) if (flags.speculative === "safe") return true;
  return false;
}

function isSafe({ functionTools }: ToolContext, name: string): boolean {
  return functionTools.get(name)?.flags.speculative === "safe";
}

async function runCall(
  call: FunctionCall,
  early: Promise<Made> | undefined,
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
  const made = await (early ?? make(call, o, undefined));
  item = { ...made.call, createdAt: call.createdAt };
  const { outcome } = made;
  if (outcome.nonBlocking === true) item = { ...item, extra: { ...item.extra, [NON_BLOCKING]: true } };
  if (outcome.cause !== undefined) {
    host.log(outcome.isError ? "warn" : "error", "tool failed", {
      area: "tool",
      name: call.name,
      error: outcome.cause,
    });
  }
  end(outcome);
}

/** Marks a call whose tool works on after its first answer. Specified (01 section 10.3). */
const NON_BLOCKING = "__livekit_agents_tool_non_blocking";

/** Reads the arguments, and runs the tool. Never rejects. */
async function make(
  call: FunctionCall,
  { toolCtx, host }: Parameters<typeof startToolStep>[0],
  committed: Promise<void> | undefined,
): Promise<Made> {
  const tool = toolCtx.functionTools.get(call.name);
  if (tool === undefined) return { call, outcome: unknownToolOutcome(call.name, toolCtx.functionTools.keys()) };
  let item = call;
  try {
    const prepared = prepareArguments(tool, call.args);
    const ready = prepared instanceof Promise ? await prepared : prepared;
    if (ready.canonical !== call.args) item = { ...call, args: ready.canonical };
    return {
      call: item,
      outcome: ready.ok ? await host.run(tool, ready, item, committed) : badCallOutcome(ready.message),
    };
  } catch (error) {
    return { call: item, outcome: mapToolFailure(error) };
  }
}
