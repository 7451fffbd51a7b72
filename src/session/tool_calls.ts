/**
 * Calls of tools: runs them, keeps their journal, and lets those that report their progress work on in the background.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { ChatContext } from "../chat/context.ts";
import type { ChatItem, FunctionCall } from "../chat/item.ts";
import { mendToolCalls } from "../chat/render.ts";
import type { ReadyArguments } from "../reply/tool_step.ts";
import { cancellationTools } from "../tool/cancellation.ts";
import { argumentsKey, decideDuplicate } from "../tool/duplicate.ts";
import { ToolError } from "../tool/error.ts";
import {
  EMPTY_JOURNAL,
  findCall,
  type JournalCall,
  type JournalRecord,
  MAIN_BRANCH,
  record,
  runningCalls,
  stateOfCall,
  type ToolJournal,
} from "../tool/journal.ts";
import {
  cancelledOutcome,
  lateHandoffOutcome,
  mapToolFailure,
  mapToolResult,
  notEndedOutcome,
  outputText,
  type ToolOutcome,
} from "../tool/result.ts";
import { type AsyncTemplates, fillTemplate, pickTemplates, type ToolHandlingOptions } from "../tool/templates.ts";
import { toolsOf } from "../tool/toolset_life.ts";
import type { AnyFunctionTool, AnyTool, Toolset } from "../tool/tool.ts";
import { hasPendingWords, isSettled } from "../turn/query.ts";
import type { UpdateOptions } from "../tool/context.ts";
import { handleName } from "../stage/run.ts";
import type { Activity } from "./activity.ts";
import type { Agent } from "./agent.ts";
import { type CallScope, callScope, within } from "./call_scope.ts";
import type { SessionCore } from "./core.ts";
import type { ToolExecutionUpdate } from "./events.ts";
import type { Live } from "./live.ts";
import { runContext } from "./run_context.ts";
import { ToolNews } from "./tool_news.ts";

/** How long a call that replaces others waits for them to end, once they are called off. Chosen: as a speech that is cut off. */
const REPLACE_LIMIT_MS = 5_000;

/** A call at work. */
export interface RunningCall {
  readonly call: FunctionCall;
  readonly tool: AnyFunctionTool;
  readonly live: Live;
  /** The toolset that it outlives its agent by; undefined: it belongs to its activity. */
  readonly set: Toolset | undefined;
  readonly news: ToolNews;
  readonly controller: AbortController;
  readonly runId: number | undefined;
  /** On whose behalf it runs. */
  readonly scope: CallScope;
  readonly argumentsKey: string;
  /** Settles when it is known that its reply is heard; undefined: it is. */
  readonly committed: Promise<void> | undefined;
  readonly updates: unknown[];
  /** Told of each update. */
  readonly onUpdate: Set<() => void>;
  readonly steps: Map<string, Promise<unknown>>;
  phase: "foreground" | "background" | "over";
  /** Gives its first answer. */
  answer(outcome: ToolOutcome): void;
}

/** All calls of a session. */
export class ToolCalls {
  /** What was started, and how it ended. */
  journal: ToolJournal = EMPTY_JOURNAL;
  /** What runs in the place of a tool, where a test says so. */
  standIn: ((agent: Agent, tool: AnyFunctionTool) => AnyFunctionTool["execute"] | undefined) | undefined;
  readonly #core: SessionCore;
  readonly #running = new Map<string, RunningCall>();
  readonly #news = new Map<Activity | undefined, ToolNews>();
  /** Ids that calls had, so that no two of one history share one, whatever a model thinks up. */
  readonly #ids = new Set<string>();

  #cancellation: readonly AnyFunctionTool[] | undefined;

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** The tools by which a model sees what runs, and calls it off. */
  get cancellation(): readonly AnyFunctionTool[] {
    return this.#cancellation ??= cancellationTools({
      running: () => this.running().map(({ call }) => call),
      cancel: (callId) => this.cancel(callId),
    });
  }

  // --- ids and history ----------------------------------------------------------------------------------------------

  /** The id of a new call: the model's own, unless it has used that before. */
  newCallId(given: string): string {
    if (this.#ids.size === 0) this.know(this.#core.history.items); // of a session that was resumed
    const id = given === "" || this.#ids.has(given) ? this.#core.newId("call") : given;
    this.#ids.add(id);
    return id;
  }

  /** A conversation that was given from outside: its ids are known from now on, and each of its calls has one output. */
  adopt(chatCtx: ChatContext): void {
    this.know(chatCtx.items);
    const mended = mendToolCalls(chatCtx, (call) => stateOfCall(this.journal, call.callId));
    if (mended.length > 0) {
      this.#core.log("warn", "calls and outputs of a given conversation do not pair, and were mended", {
        area: "tool",
        mended: mended.map(({ type, callId }) => `${type} ${callId}`),
      });
    }
  }

  /** Calls that an agent knows from before. */
  know(items: Iterable<ChatItem>): void {
    for (const item of items) if (item.type === "function_call") this.#ids.add(item.callId);
  }

  /** The calls that a model must be told of, since they are at work. */
  running(): readonly JournalCall[] {
    return runningCalls(this.journal, { branch: MAIN_BRANCH });
  }

  /** Whether a call works on behind its first answer. */
  isInBackground(callId: string): boolean {
    return this.#running.get(callId)?.phase === "background";
  }

  // --- the life of a call -------------------------------------------------------------------------------------------

  /** A call begins, as far as anybody is told. */
  begin(live: Live, call: FunctionCall): void {
    const core = this.#core;
    const isNew = this.#record({ type: "call.started", t: core.clock.now(), call });
    if (!isNew) this.#record({ type: "branch.merged", branch: live.handle.id });
    core.toolsRunning(1);
    this.#tell(live, { type: "tool_call_started", functionCall: call });
  }

  /** A call has given its first answer. Unless it works on, it is over: also for a tool that was waited for no longer. */
  answered(live: Live, call: FunctionCall, outcome: ToolOutcome): void {
    const entry = this.#running.get(call.callId);
    if (entry?.phase === "background") return;
    if (entry !== undefined) this.#giveUp(entry);
    this.#close(live, call, call.callId, outcome);
  }

  /** Call and output are in the history. */
  stored(callId: string): void {
    this.#record({ type: "call.committed", callId });
  }

  /** The reply that these calls were made for will not be heard. */
  dropped(handleId: string): void {
    for (const entry of [...this.#running.values()]) {
      if (entry.committed === undefined || entry.live.handle.id !== handleId) continue;
      this.#giveUp(entry);
    }
    this.#record({ type: "branch.dropped", branch: handleId });
  }

  /** Runs a call. Settles with its first answer; never rejects. */
  async run(
    live: Live,
    tool: AnyFunctionTool,
    ready: ReadyArguments,
    call: FunctionCall,
    committed: Promise<void> | undefined,
  ): Promise<ToolOutcome> {
    const core = this.#core;
    const { activity } = live;
    const branch = committed === undefined ? MAIN_BRANCH : live.handle.id;
    if (committed !== undefined) this.#record({ type: "call.started", t: core.clock.now(), call, branch });
    const set = asyncSetOf(core.options.tools ?? [], tool);
    const key = tool.duplicateScope === "name" ? "" : argumentsKey(ready.args);
    const decision = decideDuplicate(this.journal, tool, {
      callId: call.callId,
      branch,
      confirmed: ready.confirmed,
      hasSameArguments: ({ call: other }) => this.#running.get(other.callId)?.argumentsKey === key,
      templates: this.templates(activity, set),
    });
    if (decision.type === "refuse") return decision.outcome;

    const entry: RunningCall = {
      call,
      tool,
      live,
      set,
      news: this.#newsOf(set === undefined ? activity : undefined),
      controller: new AbortController(),
      runId: core.runs.currentId,
      scope: callScope({
        activity,
        caller: { insideTool: true, onEnter: false },
        waiter: handleName(live.handle.id),
        handle: live.handle,
        isInBackground: () => entry.phase === "background",
      }),
      argumentsKey: key,
      committed,
      updates: [],
      onUpdate: new Set(),
      steps: new Map(),
      phase: "foreground",
      answer: () => {},
    };
    this.#running.set(call.callId, entry);
    const { signal } = activity.toolAbort;
    if (set === undefined && signal.aborted) return this.#refuse(entry);
    const answer = new Promise<ToolOutcome>((resolve) => (entry.answer = resolve));
    if (decision.type === "replace") {
      const ending = decision.calls.map(({ call: other }) => this.#end(other.callId, "Another call replaced it."));
      await core.calls.within("replaced call", REPLACE_LIMIT_MS, () => Promise.all(ending).then(() => {}));
    }
    if (tool.flags.terminal === true && !(await this.#mayEnd(live))) {
      this.#running.delete(call.callId);
      return notEndedOutcome();
    }
    const phase: RunningCall["phase"] = entry.phase; // it may have been called off while it waited
    if (phase === "over") return cancelledOutcome();
    const work = within(core.runtime, entry.scope, () =>
      core.telemetry.tool(live.handle.id, call, async () => {
        try {
          const ctx = runContext(core, this, entry);
          const abortSignal = entry.controller.signal;
          const execute = this.standIn?.(activity.agent, tool) ?? tool.execute;
          return mapToolResult(await execute(ready.args, { ctx, toolCallId: call.callId, abortSignal }));
        } catch (error) {
          return mapToolFailure(error);
        }
      }));
    this.#ending.set(entry, work.then(() => {}));
    void work.then((outcome) => this.#over(entry, outcome));
    return await answer;
  }

  // --- while it runs ------------------------------------------------------------------------------------------------

  /** What the tool says of its progress. */
  async update(entry: RunningCall, message: unknown, { template }: UpdateOptions): Promise<void> {
    const { call, live } = entry;
    this.#refuseOver(entry, "tell of its progress");
    if (entry.committed !== undefined) await entry.committed; // till then nobody is told of the call
    this.#refuseOver(entry, "tell of its progress");
    const values = { functionName: call.name, callId: call.callId, message: String(message) };
    const text = typeof message === "string"
      ? fillTemplate(template ?? this.templates(live.activity, entry.set).updateTemplate, values)
      : outputText(message);
    if (text === undefined) {
      throw new AgentError(
        "tool.bad_result",
        `Cannot tell of the progress of ${call.name} as it must be plain data: current value is ${typeof message}`,
      );
    }
    const count = entry.updates.push(message);
    for (const told of [...entry.onUpdate]) told();
    const id = count === 1 ? call.callId : `${call.callId}_update_${count - 1}`;
    this.#tell(live, { type: "tool_call_updated", id, callId: call.callId, message });
    if (entry.phase === "foreground") {
      entry.phase = "background";
      entry.answer({ output: text, isError: false, replyRequired: true, nonBlocking: true });
      this.#backgroundChanged(entry);
    } else this.#addNews(entry, id, { output: text, isError: false, replyRequired: true });
  }

  /** Runs something while nobody else may speak of calls. */
  async foreground<T>(entry: RunningCall, body: () => T | PromiseLike<T>): Promise<T> {
    this.#refuseOver(entry, "take the floor");
    const core = this.#core;
    const { signal } = entry.controller;
    const name = `foreground:${entry.call.callId}`;
    const isWatched = entry.runId !== undefined && entry.runId === core.runs.currentId;
    if (isWatched) core.inbox.call({ type: "run.watch", t: 0, name });
    let letGo = (): void => {};
    try {
      await entry.news.told();
      await new Promise<void>((resolve, reject) => {
        const off = core.idle.when(() => {
          letGo = core.idle.hold();
          resolve();
        }, reject);
        signal.addEventListener("abort", () => {
          off();
          reject(signal.reason);
        }, { once: true });
      });
      return await body();
    } finally {
      letGo();
      if (isWatched) core.inbox.call({ type: "run.unwatch", t: 0, name });
    }
  }

  /** Does a part of a call's work once. */
  step<T>(entry: RunningCall, name: string, body: () => T | PromiseLike<T>): Promise<T> {
    const { callId } = entry.call;
    const done = findCall(this.journal, callId)?.steps;
    if (done !== undefined && Object.hasOwn(done, name)) return Promise.resolve(done[name] as T);
    const known = entry.steps.get(name) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const work = (async () => {
      const value = await body();
      this.#record({ type: "call.step", callId, name, value });
      return value;
    })();
    entry.steps.set(name, work);
    work.catch(() => entry.steps.delete(name)); // what failed may be tried again
    return work;
  }

  // --- calling off --------------------------------------------------------------------------------------------------

  /** What a model asks for. False: there is no such call. */
  cancel(callId: string): boolean {
    const entry = this.#running.get(callId);
    if (entry === undefined) return false;
    if (entry.tool.flags.cancellable !== true) throw new ToolError(`The call ${callId} cannot be called off.`);
    if (!entry.live.handle.allowInterruptions && !entry.live.handle.done()) {
      throw new ToolError(`The call ${callId} cannot be called off while what is said must not be interrupted.`);
    }
    void this.#end(callId, "The call was called off.");
    return true;
  }

  /** The activity leaves: calls that may be called off are, at once; all of them when `isAll`. */
  leave(activity: Activity, isAll: boolean): void {
    for (const { call, live, set, tool, phase } of [...this.#running.values()]) {
      if (live.activity !== activity || set !== undefined) continue;
      if (isAll || (phase === "background" && tool.flags.cancellable === true)) void this.#end(call.callId);
    }
    if (!isAll) return;
    this.#news.get(activity)?.close();
    this.#news.delete(activity);
  }

  /** The session closes: no call is left. */
  close(): void {
    for (const callId of [...this.#running.keys()]) void this.#end(callId);
    for (const news of this.#news.values()) news.close();
    this.#news.clear();
  }

  /** How many calls of an activity work in the background. */
  backgroundCount(activity: Activity): number {
    let count = 0;
    for (const { live, set, phase } of this.#running.values()) {
      if (live.activity === activity && set === undefined && phase === "background") count++;
    }
    return count;
  }

  /** What models read about calls that go on: the toolset's word over the agent's over the session's. */
  templates(activity: Activity, set?: Toolset): Required<AsyncTemplates> {
    const own: ToolHandlingOptions | undefined = set === undefined ? activity.agent.options.toolHandling : undefined;
    return pickTemplates(set?.toolHandling, own, this.#core.options.toolHandling);
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  readonly #ending = new WeakMap<RunningCall, Promise<void>>();

  /** Calls one off. Resolves when its tool has ended, which may be late. */
  #end(callId: string, reason?: string): Promise<void> {
    const entry = this.#running.get(callId);
    if (entry === undefined) return Promise.resolve();
    entry.controller.abort(
      new AgentError(
        "task.cancelled",
        `Cannot go on with ${entry.call.name} as the call was called off: current value is ${callId}`,
      ),
    );
    this.#over(entry, cancelledOutcome(reason));
    return this.#ending.get(entry) ?? Promise.resolve();
  }

  /** Nobody waits for a call any more: what it still says is refused. */
  #giveUp(entry: RunningCall): void {
    this.#running.delete(entry.call.callId);
    entry.phase = "over";
    this.#core.tasks.scopeOver(entry.scope);
    entry.controller.abort(
      new AgentError("tool.over", "Cannot go on as the reply was given up: current value is dropped"),
    );
  }

  #refuse(entry: RunningCall): ToolOutcome {
    this.#running.delete(entry.call.callId);
    entry.phase = "over";
    return cancelledOutcome();
  }

  /** The work of a call has ended, or is called off. What comes after that is refused. */
  #over(entry: RunningCall, outcome: ToolOutcome): void {
    const { call, live, phase } = entry;
    if (phase === "over") return;
    entry.phase = "over";
    this.#running.delete(call.callId);
    this.#core.tasks.scopeOver(entry.scope);
    if (phase === "foreground") return entry.answer(outcome);
    const last = outcome.agent === undefined ? outcome : lateHandoffOutcome();
    if (last.cause !== undefined) {
      this.#core.log("warn", "tool failed", { area: "tool", name: call.name, error: last.cause });
    }
    const id = `${call.callId}_final`;
    if (last.output !== "") this.#addNews(entry, id, last);
    this.#close(live, call, id, last);
    this.stored(call.callId);
    this.#backgroundChanged(entry);
  }

  /** The one end of a call, for the journal and whoever listens. */
  #close(live: Live, call: FunctionCall, id: string, outcome: ToolOutcome): void {
    const core = this.#core;
    this.#running.delete(call.callId);
    const isCancelled = outcome.isCancelled === true;
    this.#record({
      type: isCancelled ? "call.cancelled" : "call.ended",
      t: core.clock.now(),
      callId: call.callId,
      outcome,
    });
    core.toolsRunning(-1);
    this.#tell(live, {
      type: "tool_call_ended",
      id,
      callId: call.callId,
      message: outcome.output === "" ? null : outcome.output,
      status: isCancelled ? "cancelled" : outcome.isError ? "error" : "done",
    });
  }

  #addNews(entry: RunningCall, callId: string, outcome: ToolOutcome): void {
    const { output, isError, replyRequired } = outcome;
    this.#core.inbox.follow(
      entry.live.rank,
      () => entry.news.add({ callId, call: entry.call, output, isError, isWorthTelling: replyRequired }),
    );
  }

  #tell(live: Live, update: ToolExecutionUpdate): void {
    const core = this.#core;
    core.inbox.follow(live.rank, () => core.emit({ type: "tool_execution_updated", createdAt: core.wall(), update }));
  }

  /** A leaving agent waits for what works in the background. */
  #backgroundChanged({ live, set }: RunningCall): void {
    if (set !== undefined) return;
    const { activity } = live;
    this.#core.inbox.follow(live.rank, {
      type: "tools.background",
      t: 0,
      activityId: activity.id,
      running: this.backgroundCount(activity),
    });
  }

  /** Whether the conversation may end here: all was heard, and the user says no more. */
  async #mayEnd(live: Live): Promise<boolean> {
    await live.reply.playedStep();
    const { shared, floors } = this.#core.root;
    const floor = floors[live.activity.id];
    if (live.handle.interrupted || shared.userState === "speaking") return false;
    return floor === undefined || (isSettled(floor) && !hasPendingWords(floor));
  }

  #newsOf(owner: Activity | undefined): ToolNews {
    const news = this.#news.get(owner) ?? new ToolNews(this.#core, owner);
    this.#news.set(owner, news);
    return news;
  }

  #refuseOver(entry: RunningCall, action: string): void {
    if (entry.phase !== "over") return;
    throw new AgentError(
      "tool.over",
      `Cannot ${action} as the call has ended: current value is ${entry.call.callId} of ${entry.call.name}`,
    );
  }

  #record(entry: JournalRecord): boolean {
    const { accepted, journal } = record(this.journal, entry);
    this.journal = journal;
    return accepted;
  }
}

/** The innermost toolset around a tool whose calls outlive their agent. */
function asyncSetOf(tools: readonly AnyTool[], tool: AnyFunctionTool): Toolset | undefined {
  for (const one of tools) {
    if (one.type !== "toolset") continue;
    const inside = toolsOf(one);
    const found = asyncSetOf(inside, tool);
    if (found !== undefined) return found;
    if (one.isAsync === true && inside.includes(tool)) return one;
  }
  return undefined;
}
