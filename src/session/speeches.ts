/**
 * The turns of the agent that are alive: makes them, lets them speak, cuts them off, and stores what was heard.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import type { ChatContext } from "../chat/context.ts";
import type { Instructions } from "../chat/instructions.ts";
import { renderInstructions } from "../chat/instructions.ts";
import { chatMessage } from "../chat/make.ts";
import { pairToolCalls } from "../chat/render.ts";
import type { ChatItem, ChatMessage, FunctionCall, MetricsReport } from "../chat/item.ts";
import { CLEAR_LIMIT_MS } from "../reply/segment.ts";
import type { PlayoutSink } from "../io/playout.ts";
import type { ToolStep } from "../reply/tool_step.ts";
import { type FollowUp, Reply, type ReplyHost, type ReplySource } from "../reply/reply.ts";
import { roundHandoff } from "../tool/result.ts";
import { equalToolContexts, withoutTools } from "../tool/tool_context.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import type { SpeechKind } from "../turn/event.ts";
import type { Activity } from "./activity.ts";
import { Agent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";
import { NodeSpans } from "./node_spans.ts";
import { runContext } from "./run_context.ts";
import { emitPart, markDone, markInterrupted, SPEECH_PRIORITY_NORMAL, SpeechHandle } from "./speech_handle.ts";
import type { UserTurn } from "./user_turns.ts";

/** What a tool says stands this much behind its call. Chosen: less than any clock shows. */
const AFTER_CALL_MS = 0.001;

/** How a reply is asked for. */
export interface GenerateReplyOptions {
  /** What the user says: stored as the user's message. An empty text is none. */
  readonly userInput?: string | ChatMessage;
  /** For this reply only. */
  readonly instructions?: string | Instructions;
  /** Whether a tool may or must be called. Default `"auto"`. */
  readonly toolChoice?: ToolChoice;
  /** Names of the tools that may be used; left out: all. */
  readonly tools?: readonly string[];
  /** Whether the user may cut in. Default: the setting of the agent. */
  readonly allowInterruptions?: boolean;
  /** What the reply is made from, in place of the agent's own context. Copied. */
  readonly chatCtx?: ChatContext;
  /** How the input came. Default `"text"`. */
  readonly inputModality?: "text" | "audio";
}

/** How a text is said. */
export interface SayOptions {
  /** The sound of it; nothing is synthesised then. */
  readonly audio?: ReadableStream<AudioFrame>;
  /** Whether the user may cut in. Default: the setting of the agent. */
  readonly allowInterruptions?: boolean;
  /** False: it leaves no trace in the history. Default true. */
  readonly addToChatCtx?: boolean;
}

/** A turn of the agent that is alive. */
export interface Live {
  readonly handle: SpeechHandle;
  readonly activity: Activity;
  readonly reply: Reply;
  readonly kind: "say" | "reply";
  readonly rank: number;
  readonly addToChatCtx: boolean;
  /** A tool asked for it: it stands behind the tool's call, even in the same instant. */
  readonly insideTool: boolean;
  /** Set when the reply is to a turn or to text: stored when the speech is scheduled. */
  userMessage: ChatMessage | undefined;
  userMetrics: MetricsReport | undefined;
  /** What the first step was asked with. */
  base: ChatContext | undefined;
  baseLength: number;
  readonly toolCtx: ToolContext;
  readonly toolChoice: ToolChoice | undefined;
  readonly extra: ChatMessage | undefined;
  /** Transcript of a preemptive reply. */
  readonly transcript: string | undefined;
  /** The step that is being played has been stored. */
  stored: boolean;
  interruptedAt: number | undefined;
  /** The tools whose results have been stored. */
  storedTools: ToolStep | undefined;
}

/** All turns of the agent that are alive. */
export class Speeches {
  readonly #core: SessionCore;
  readonly #live = new Map<string, Live>();
  /** Over for whoever waits for them, while their tools run on: what these come to is stored all the same. */
  readonly #lingering = new Map<string, Live>();
  #serial = 0;
  #waitingForStore: (() => void)[] = [];
  readonly #running = new Map<string, FunctionCall>();

  constructor(core: SessionCore) {
    this.#core = core;
  }

  get live(): Iterable<Live> {
    return this.#live.values();
  }

  get count(): number {
    return this.#live.size;
  }

  byId(handleId: string): Live | undefined {
    return this.#live.get(handleId);
  }

  bySegment(segmentId: string): Live | undefined {
    return this.#live.get(segmentId.slice(0, segmentId.lastIndexOf("#")));
  }

  // --- asked for by the program -------------------------------------------------------------------------------------

  say(activity: Activity, text: string | ReadableStream<string>, o: SayOptions): SpeechHandle {
    const { audio } = this.#core.outputs();
    if (audio !== null && activity.speakTts === null && o.audio === undefined) {
      throw new AgentError(
        "session.no_tts",
        "Cannot say a text as there is audio output but no `tts`: current value is null",
      );
    }
    const live = this.#make(activity, {
      id: this.#core.newId("speech"),
      kind: "say",
      source: { kind: "say", text, audio: o.audio },
      allowInterruptions: o.allowInterruptions,
      addToChatCtx: o.addToChatCtx ?? true,
      modality: "text",
    });
    this.#announce(live, "say");
    live.reply.start();
    this.#schedule(live, "say");
    return live.handle;
  }

  generateReply(
    activity: Activity,
    o: GenerateReplyOptions,
    caller: { readonly insideTool: boolean; readonly onEnter: boolean },
  ): SpeechHandle {
    const core = this.#core;
    if (activity.resolved.llm === null && activity.agent.llmNode === Agent.prototype.llmNode) {
      throw new AgentError("session.no_llm", "Cannot make a reply as there is no `llm`: current value is null");
    }
    const message = typeof o.userInput === "string"
      ? o.userInput === "" ? undefined : core.items.message({ role: "user", content: [o.userInput] })
      : o.userInput;
    const live = this.#makeReply(activity, {
      id: core.newId("speech"),
      message,
      chatCtx: o.chatCtx,
      instructions: o.instructions,
      toolChoice: o.toolChoice ?? (caller.insideTool ? "none" : undefined),
      tools: o.tools,
      onEnter: caller.onEnter,
      insideTool: caller.insideTool,
      allowInterruptions: o.allowInterruptions,
      modality: o.inputModality ?? "text",
      transcript: undefined,
    });
    this.#announce(live, "generate_reply");
    live.reply.start();
    this.#storeUserMessage(live);
    live.reply.synthesise();
    this.#schedule(live, "reply");
    return live.handle;
  }

  // --- ordered by the machine ---------------------------------------------------------------------------------------

  startPreemptive(
    activity: Activity,
    handleId: string,
    transcript: string,
    confidence: number,
    withTts: boolean,
  ): void {
    const message = this.#core.items.message({
      role: "user",
      content: [transcript],
      ...(confidence > 0 && { transcriptConfidence: confidence }),
    });
    const live = this.#makeReply(activity, { id: handleId, message, modality: "audio", transcript });
    this.#announce(live, "generate_reply");
    live.reply.start();
    if (withTts) live.reply.synthesise();
  }

  cancelPreemptive(handleId: string): void {
    const live = this.#live.get(handleId);
    if (live !== undefined) this.#cut(live);
  }

  /** Whether the preemptive reply, if there is one, was made from this context and these tools. */
  preemptiveMatches(activity: Activity, chatCtx: ChatContext): boolean {
    for (const live of this.#live.values()) {
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

  usePreemptive(activity: Activity, handleId: string, turn: UserTurn): void {
    const live = this.#live.get(handleId);
    if (live === undefined) return;
    const finished = this.#core.turns.finished(turn);
    // The message keeps the id that the model has seen.
    live.userMessage = live.userMessage === undefined
      ? finished
      : chatMessage({ ...finished, id: live.userMessage.id });
    live.userMetrics = live.userMessage.metrics;
    live.handle["~"].scheduled = true;
    this.#storeUserMessage(live);
    live.reply.synthesise();
    void activity;
  }

  replyTo(activity: Activity, handleId: string, turn: UserTurn): void {
    const message = this.#core.turns.finished(turn);
    const live = this.#makeReply(activity, {
      id: handleId,
      message,
      modality: "audio",
      transcript: undefined,
      ...(turn.chatCtx && { chatCtx: turn.chatCtx, place: turn.place }),
    });
    live.userMetrics = message.metrics;
    live.handle["~"].scheduled = true;
    this.#announce(live, "generate_reply");
    live.reply.start();
    this.#storeUserMessage(live);
    live.reply.synthesise();
  }

  play(handleId: string): void {
    this.#live.get(handleId)?.reply.play();
  }

  /** Cuts a speech off: nothing of it is heard after this returns. */
  interrupt(handleId: string): void {
    const live = this.#live.get(handleId);
    if (live !== undefined) this.#cut(live);
  }

  abandon(handleId: string): void {
    const live = this.#live.get(handleId);
    if (live === undefined) return;
    this.#cut(live);
    this.#core.log("error", "speech abandoned, since it did not end in time", { area: "speech", speechId: handleId });
    if ((live.reply.tools?.runningCount ?? 0) > 0) this.#lingering.set(handleId, live);
    else this.commitTools(handleId, true); // what they came to may not be stored yet
    this.#finish(live);
  }

  /** A sink is gone: what it was playing is cut off. */
  sinkLost(sink: PlayoutSink): void {
    for (const live of [...this.#live.values()]) {
      if (live.reply.sink !== sink) continue;
      this.#core.floor(live.activity.id, {
        type: "speech.interruptCalled",
        t: 0,
        handleId: live.handle.id,
        force: true,
      });
    }
  }

  /** The activity is over: nothing of it is alive after this. */
  leave(activity: Activity): void {
    for (const live of [...this.#live.values(), ...this.#lingering.values()]) {
      if (live.activity !== activity) continue;
      this.#cut(live);
      live.reply.tools?.abandon();
      this.commitTools(live.handle.id, true);
      this.#lingering.delete(live.handle.id);
      this.#finish(live);
    }
  }

  abandonAll(): void {
    for (const live of [...this.#live.values()]) this.abandon(live.handle.id);
  }

  /** A sink answered. */
  ack(
    handleId: string,
    segmentId: string,
    kind: "started" | "position" | "finished" | "cleared",
    positionMs: number,
    at: number,
  ): void {
    this.#live.get(handleId)?.reply.ack(segmentId, kind, positionMs, at);
  }

  paused(at: number): void {
    for (const live of this.#live.values()) live.reply.paused(at);
  }

  resumed(at: number): void {
    for (const live of this.#live.values()) live.reply.resumed(at);
  }

  /** Stores what was heard of the step that a speech has just played. */
  commitMessage(handleId: string, text: string, interrupted: boolean): void {
    const live = this.#live.get(handleId);
    if (live === undefined) return;
    live.stored = true;
    const { outcome } = live.reply;
    if (text !== "" && live.addToChatCtx && outcome !== undefined) {
      const message = this.#core.items.message({
        role: "assistant",
        content: [text],
        interrupted,
        // A text that was said whole is stamped now; all else stands where it began, before what cut it off.
        ...(outcome.startedAt !== undefined && (live.kind === "reply" || interrupted) &&
          { createdAt: this.#core.wall(outcome.startedAt) + (live.insideTool ? AFTER_CALL_MS : 0) }),
        ...(outcome.llm && { id: outcome.llm.itemId, extra: outcome.llm.extra }),
        metrics: this.#messageMetrics(live),
      });
      const { e2eLatency } = message.metrics;
      if (e2eLatency !== undefined) {
        this.#core.telemetry.turnPlayed(handleId, { interrupted, text, e2eLatencyMs: e2eLatency });
      }
      this.#core.commitMessage(live.activity, message, live.handle);
      live.userMetrics = undefined;
    }
    const waiting = this.#waitingForStore;
    this.#waitingForStore = [];
    for (const go of waiting) go();
  }

  /** Stores the results of a round of tools, tells the listeners, and answers the reply that waits. */
  commitTools(handleId: string, isDraining: boolean): void {
    const live = this.#live.get(handleId) ?? this.#lingering.get(handleId);
    const tools = live?.reply.tools;
    if (live === undefined || tools === undefined || tools.results.length === 0 || live.storedTools === tools) return;
    live.storedTools = tools;
    this.#lingering.delete(handleId);
    const core = this.#core;
    const results = [...tools.results];
    const move = roundHandoff(results.map((result) => result.outcome));
    const interrupted = live.handle.interrupted;
    let wantsReply = !interrupted && results.some((result) => result.output.replyRequired);
    let wantsHandoff = !interrupted && move.type === "handoff";
    if (move.type === "conflict") {
      core.log("error", "two tools handed over in one round; neither does", { area: "tool" });
    }
    const functionCalls = results.map((result) => result.call);
    const functionCallOutputs = results.map((result) => result.output);
    core.emit({
      type: "function_tools_executed",
      createdAt: core.wall(),
      functionCalls,
      functionCallOutputs,
      get hasToolReply() {
        return wantsReply;
      },
      get hasAgentHandoff() {
        return wantsHandoff;
      },
      cancelToolReply: () => void (wantsReply = false),
      cancelAgentHandoff: () => void (wantsHandoff = false),
      zipped: () => results.map((result) => [result.call, result.output] as const),
    });
    const started = [...functionCalls].sort((a, b) => a.createdAt - b.createdAt || callIndex(a) - callIndex(b));
    for (const item of [...started, ...functionCallOutputs]) {
      live.activity.agent["~"].chatCtx.insert(item);
      core.history.insert(item);
    }
    let draining = isDraining;
    if (wantsHandoff && move.type === "handoff") {
      try {
        core.handOver(move.agent as Agent);
        draining = true;
      } catch (error) {
        core.partFailed("a hand-off failed", "handoff", error);
      }
    }
    if (wantsReply) core.telemetry.turnStarted(live.handle.id);
    live.reply.followUp(wantsReply ? this.#followUp(live, results, draining) : null);
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  #followUp(
    live: Live,
    results: readonly { readonly call: FunctionCall; readonly output: ChatItem }[],
    draining: boolean,
  ): FollowUp {
    const { maxToolSteps } = this.#core;
    const limitReached = live.handle.numSteps >= maxToolSteps + 1;
    if (limitReached) {
      this.#core.log("warn", "no more tools in this turn", { area: "tool", maxToolSteps, speechId: live.handle.id });
    }
    live.handle["~"].numSteps++;
    live.stored = false;
    return {
      toolCtx: live.toolCtx,
      toolChoice: limitReached || draining || live.toolChoice === "none" ? "none" : "auto",
      prompt: () => {
        const { chatCtx } = live.activity.agent["~"];
        const next = (live.base ?? chatCtx).copy();
        const round = new Set(results.flatMap(({ call, output }) => [call.id, output.id]));
        for (const item of chatCtx.since(live.baseLength)) {
          if (item.type === "agent_config_update" || round.has(item.id)) continue;
          if (next.getById(item.id) === undefined) next.insert(item);
        }
        for (const { call } of results) if (next.getById(call.id) === undefined) next.insert(call);
        for (const { output } of results) if (next.getById(output.id) === undefined) next.insert(output);
        live.base = next.copy();
        live.baseLength = chatCtx.length;
        this.#addRunningCalls(next);
        return live.activity.rendered(next, live.handle.inputDetails.modality);
      },
    };
  }

  #makeReply(activity: Activity, o: {
    readonly id: string;
    readonly message: ChatMessage | undefined;
    readonly modality: "text" | "audio";
    readonly transcript: string | undefined;
    readonly chatCtx?: ChatContext | undefined;
    /** Where the user's message stands in `chatCtx`; left out: by its time. */
    readonly place?: number;
    readonly instructions?: string | Instructions | undefined;
    readonly toolChoice?: ToolChoice | undefined;
    readonly tools?: readonly string[] | undefined;
    readonly onEnter?: boolean;
    readonly insideTool?: boolean;
    readonly allowInterruptions?: boolean | undefined;
  }): Live {
    const core = this.#core;
    const toolCtx = this.#selectTools(activity, o.tools, o.onEnter ?? false);
    const extra = o.instructions === undefined
      ? undefined
      : core.items.message({ role: "system", content: [renderInstructions(o.instructions, o.modality)] });
    const build = (): ChatContext => {
      const own = activity.agent["~"].chatCtx;
      const chatCtx = (o.chatCtx ?? own).copy();
      const { userMessage } = live;
      if (userMessage !== undefined && chatCtx.getById(userMessage.id) === undefined) {
        if (o.place === undefined) chatCtx.insert(userMessage);
        else chatCtx.insertAt(Math.min(o.place, chatCtx.length), userMessage);
      }
      live.base = chatCtx.copy();
      live.baseLength = own.length;
      this.#addRunningCalls(chatCtx);
      if (extra !== undefined) {
        chatCtx.append(extra);
        live.base.append(extra);
      }
      return activity.rendered(chatCtx, o.modality);
    };
    const live: Live = this.#make(activity, {
      id: o.id,
      kind: "reply",
      source: {
        kind: "reply",
        prompt: () => {
          const pending = this.#untilStored();
          return pending === undefined ? build() : pending.then(build);
        },
        toolCtx,
        toolChoice: o.toolChoice,
      },
      allowInterruptions: o.allowInterruptions,
      addToChatCtx: true,
      insideTool: o.insideTool ?? false,
      modality: o.modality,
      userMessage: o.message,
      toolCtx,
      toolChoice: o.toolChoice,
      extra,
      transcript: o.transcript,
    });
    return live;
  }

  #make(activity: Activity, o: {
    readonly id: string;
    readonly kind: "say" | "reply";
    readonly source: ReplySource;
    readonly allowInterruptions: boolean | undefined;
    readonly addToChatCtx: boolean;
    readonly insideTool?: boolean;
    readonly modality: "text" | "audio";
    readonly userMessage?: ChatMessage | undefined;
    readonly toolCtx?: ToolContext;
    readonly toolChoice?: ToolChoice | undefined;
    readonly extra?: ChatMessage | undefined;
    readonly transcript?: string | undefined;
  }): Live {
    const core = this.#core;
    const handle = new SpeechHandle(o.id, core.speechPort, {
      allowInterruptions: o.allowInterruptions ?? activity.resolved.config.interruption.enabled,
      modality: o.modality,
      priority: SPEECH_PRIORITY_NORMAL,
    });
    const rank = RANK.reply + this.#serial++;
    core.telemetry.turnStarted(
      o.id,
      o.userMessage?.textContent === undefined ? {} : { userInput: o.userMessage.textContent },
    );
    const live: Live = {
      handle,
      activity,
      reply: new Reply(o.id, o.source, this.#host(handle, activity, rank)),
      kind: o.kind,
      rank,
      addToChatCtx: o.addToChatCtx,
      insideTool: o.insideTool ?? false,
      userMessage: o.userMessage,
      userMetrics: undefined,
      base: undefined,
      baseLength: 0,
      toolCtx: o.toolCtx ?? activity.toolCtx,
      toolChoice: o.toolChoice,
      extra: o.extra,
      transcript: o.transcript,
      stored: false,
      interruptedAt: undefined,
      storedTools: undefined,
    };
    this.#live.set(o.id, live);
    core.inbox.call({ type: "run.watch", t: 0, name: `handle:${o.id}` });
    return live;
  }

  #host(handle: SpeechHandle, activity: Activity, rank: number): ReplyHost {
    const core = this.#core;
    const { telemetry } = core;
    const spans = new NodeSpans(telemetry, handle.id, activity);
    const get = (): Live => this.#live.get(handle.id) as Live;
    return {
      clock: core.clock,
      itemId: () => core.newId("item"),
      outputs: () => core.outputs(),
      askLlm: telemetry.isRecording ? (request) => spans.askLlm(request) : (request) => activity.askLlm(request),
      speakTts: telemetry.isRecording ? spans.speakTts : activity.speakTts,
      traced: telemetry.isRecording ? spans : undefined,
      transcribe: activity.transcribe,
      maxToolSteps: core.maxToolSteps,
      toolSignal: activity.toolAbort.signal,
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
      again: () => core.inbox.report(rank, () => this.#schedule(get(), "tool_reply")),
      over: () => core.inbox.report(rank, () => this.#end(get())),
      tools: {
        call: (call, id) =>
          core.items.functionCall({
            id,
            callId: call.callId,
            name: call.name,
            args: call.args,
            ...(call.extra && { extra: call.extra }),
          }),
        output: (call, outcome) =>
          core.items.functionCallOutput({
            callId: call.callId,
            name: call.name,
            output: outcome.output,
            isError: outcome.isError,
            replyRequired: outcome.replyRequired,
          }),
        context: (call, signal) => runContext(core, get(), call, signal),
        within: (call, body) => telemetry.tool(handle.id, call, body),
        started: (call) => {
          handle["~"].items.push(call);
          emitPart(handle, { type: "tool_call", call });
          this.#running.set(call.callId, call);
          core.toolsRunning(1);
          core.note("tool.start", { handleId: handle.id, callId: call.callId, name: call.name, args: call.args });
          core.onHandleItem(call);
        },
        ended: ({ call, output }) => {
          const { items } = handle["~"];
          const place = items.findIndex((item) => item.id === call.id);
          if (place >= 0) items[place] = call;
          items.push(output);
          emitPart(handle, { type: "tool_result", output });
          this.#running.delete(call.callId);
          core.toolsRunning(-1);
          core.note("tool.end", { handleId: handle.id, callId: call.callId, output: output.output });
          core.onHandleItem(output);
          if (this.#lingering.get(handle.id)?.reply.tools?.runningCount === 0) {
            core.inbox.report(rank, { type: "tools.ended", t: 0, activityId: activity.id, handleId: handle.id });
          }
        },
        log: (level, message, fields) => core.log(level, message, fields),
      },
    };
  }

  #announce(live: Live, source: "say" | "generate_reply"): void {
    this.#core.emit({
      type: "speech_created",
      createdAt: this.#core.wall(),
      speechHandle: live.handle,
      source,
      userInitiated: true,
    });
  }

  #schedule(live: Live, kind: SpeechKind): void {
    if (live === undefined) return;
    live.handle["~"].scheduled = true;
    this.#core.floor(live.activity.id, {
      type: "speech.scheduled",
      t: 0,
      handleId: live.handle.id,
      kind,
      priority: live.handle.priority,
      allowInterruptions: live.handle.allowInterruptions,
      force: kind === "tool_reply",
    });
  }

  #storeUserMessage(live: Live): void {
    if (live.userMessage !== undefined) this.#core.commitMessage(live.activity, live.userMessage, undefined);
  }

  #cut(live: Live): void {
    if (!markInterrupted(live.handle)) return;
    live.interruptedAt = this.#core.clock.now();
    if (live.reply.sink !== null) this.#core.playout.clear(live.reply.sink);
    live.reply.interrupt();
  }

  #end(live: Live | undefined): void {
    if (live === undefined || !this.#live.has(live.handle.id)) return;
    // What was cut off in the queue ends after what was cut off before it, once that is stored: at most 200 ms later.
    for (const other of this.#live.values()) {
      if (other.rank < live.rank && other.interruptedAt === live.interruptedAt && isBeingStored(other)) {
        if (live.interruptedAt !== undefined && this.#core.clock.now() < live.interruptedAt + CLEAR_LIMIT_MS) {
          return void this.#waitingForStore.push(() => this.#core.inbox.report(live.rank, () => this.#end(live)));
        }
      }
    }
    this.#finish(live);
  }

  #finish(live: Live): void {
    if (!this.#live.delete(live.handle.id)) return;
    this.#core.telemetry.turnEnded(live.handle.id, live.handle["~"].error);
    markDone(live.handle);
    this.#core.floor(live.activity.id, { type: "speech.done", t: 0, handleId: live.handle.id });
    this.#core.inbox.call({ type: "run.unwatch", t: 0, name: `handle:${live.handle.id}` });
  }

  /** A promise while something that was cut off is not yet stored: the next prompt must hold it. */
  #untilStored(): Promise<void> | undefined {
    const now = this.#core.clock.now();
    const isPending = (): boolean => {
      for (const live of this.#live.values()) {
        if (isBeingStored(live)) return true;
      }
      return false;
    };
    if (!isPending()) return undefined;
    return new Promise((resolve) => {
      const off = this.#core.clock.schedule(now + CLEAR_LIMIT_MS, resolve);
      const again = (): void => {
        if (isPending()) return void this.#waitingForStore.push(again);
        off();
        resolve();
      };
      this.#waitingForStore.push(again);
    });
  }

  /** A model is told of the calls that still run, so that it does not make them again. */
  #addRunningCalls(chatCtx: ChatContext): void {
    for (const call of this.#running.values()) {
      if (chatCtx.getById(call.id) !== undefined) continue;
      const pair = pairToolCalls([call], { stateOf: () => "running" });
      for (const item of pair) chatCtx.append(item);
    }
  }

  #selectTools(activity: Activity, names: readonly string[] | undefined, onEnter: boolean): ToolContext {
    const { toolCtx } = activity;
    if (names === undefined) {
      return onEnter ? withoutTools(toolCtx, (tool) => tool.flags.ignoreOnEnter === true) : toolCtx;
    }
    const known = new Set<string>(toolCtx.functionTools.keys());
    const sets = new Map(toolCtx.toolsets.map((set) => [set.id, set]));
    const wanted = new Set<string>();
    for (const name of names) {
      const set = sets.get(name);
      if (set !== undefined) { for (const one of set.tools) if (one.type === "function") wanted.add(one.name); }
      else if (known.has(name)) wanted.add(name);
      else {
        throw new AgentError(
          "tool.unknown",
          `Cannot make a reply as \`tools\` must name tools of the agent (${
            [...known].join(", ")
          }): current value is ${name}`,
        );
      }
    }
    return withoutTools(toolCtx, (tool) => !wanted.has(tool.name) || (onEnter && tool.flags.ignoreOnEnter === true));
  }

  #messageMetrics(live: Live): MetricsReport {
    const { outcome } = live.reply;
    if (outcome === undefined) return {};
    const { spoken, llm, tts } = outcome;
    const core = this.#core;
    const stopped = live.userMetrics?.stoppedSpeakingAt;
    const started = spoken.startedAt === undefined ? undefined : core.wall(spoken.startedAt);
    return {
      ...(started !== undefined && { startedSpeakingAt: started }),
      stoppedSpeakingAt: core.wall(spoken.endedAt),
      ...(llm?.ttft !== undefined && { llmNodeTtft: llm.ttft }),
      ...(tts?.ttfb !== undefined && { ttsNodeTtfb: tts.ttfb }),
      ...(spoken.playbackLatency !== undefined && { playbackLatency: spoken.playbackLatency }),
      ...(started !== undefined && stopped !== undefined && { e2eLatency: started - stopped }),
    };
  }
}

/** It was cut off while it was heard, and how much was heard is not known yet. */
function isBeingStored(live: Live): boolean {
  return live.interruptedAt !== undefined && !live.stored && live.handle.scheduled && live.reply.speaks;
}

/** The place of a call among those of its round: its id ends with it. */
function callIndex(call: FunctionCall): number {
  return Number(call.id.slice(call.id.lastIndexOf("_") + 1));
}
