/**
 * The driver of a session: holds the state, takes facts, and performs what the machines order. It never decides.
 *
 * @module
 */
import { type Emitter, emitter } from "../base/emitter.ts";
import { AgentError } from "../base/error.ts";
import type { Clock, Runtime } from "../base/runtime.ts";
import { ChatContext } from "../chat/context.ts";
import type { ChatItem, ChatMessage } from "../chat/item.ts";
import { type ItemFactory, itemFactory, randomHex12 } from "../chat/make.ts";
import type { AttemptReport } from "../model/attempt.ts";
import { type ResolvedSessionConnectOptions, sessionConnectOptions } from "../model/connect_options.ts";
import { isAPIError } from "../model/error.ts";
import type { ModelMetrics } from "../model/metrics.ts";
import type { SpeechOutputs } from "../reply/speak.ts";
import { resolveTextTransforms } from "../reply/text_transforms.ts";
import type { RootEffect, RootEvent } from "../stage/event.ts";
import { type CloseReason, createRoot, moveName, type RootState } from "../stage/state.ts";
import { step } from "../stage/step.ts";
import { type SessionTracer, sessionTracer } from "../telemetry/spans.ts";
import { UsageCollector } from "../telemetry/usage.ts";
import { environmentTrace } from "../trace/file.ts";
import { TRACE_VERSION, type TraceRecord, type TraceWriter, traceWriter } from "../trace/record.ts";
import type { TurnMetrics } from "../turn/effect.ts";
import type { TurnEvent } from "../turn/event.ts";
import type { TurnState } from "../turn/state.ts";
import type { Activity } from "./activity.ts";
import type { Agent, HookContext } from "./agent.ts";
import type { AgentSession } from "./agent_session.ts";
import { defaultRuntime } from "./default_runtime.ts";
import type { SessionEvent } from "./events.ts";
import { Inbox, RANK, type Stampable } from "./inbox.ts";
import { AgentInput, AgentOutput } from "./io.ts";
import { SessionLife } from "./life.ts";
import { Listening } from "./listening.ts";
import { Moves } from "./moves.ts";
import type { AgentSessionOptions } from "./options.ts";
import { Playout } from "./playout.ts";
import type { RunResult } from "./run_result.ts";
import { Speeches } from "./speeches.ts";
import { markInterrupted, type SpeechHandle, type SpeechPort } from "./speech_handle.ts";
import { TimerSet } from "./timers.ts";
import { toWall, UserTurns } from "./user_turns.ts";

/** How the program calls: from where it stands, some defaults follow. */
export interface Caller {
  readonly insideTool: boolean;
  readonly onEnter: boolean;
}

/** The driver of one session. */
export class SessionCore {
  readonly session: AgentSession;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Read once: a host's two clocks never agree twice to the microsecond, and the order of the history hangs on it. */
  readonly wallOffset: number;
  options: AgentSessionOptions;
  readonly maxToolSteps: number;
  readonly connect: ResolvedSessionConnectOptions;
  readonly emitter: Emitter<SessionEvent>;
  readonly items: ItemFactory;
  readonly history: ChatContext;
  readonly inbox: Inbox<RootEvent>;
  readonly timers: TimerSet<RootEvent>;
  readonly input: AgentInput;
  readonly output: AgentOutput;
  readonly speeches: Speeches;
  readonly turns: UserTurns;
  readonly listening: Listening;
  readonly life: SessionLife;
  readonly playout: Playout;
  readonly moves: Moves;
  readonly telemetry: SessionTracer;
  /** Aborted when the session has closed: ends what models do beside its calls. */
  closing: AbortController = new AbortController();
  readonly usage: UsageCollector = new UsageCollector();
  readonly speechPort: SpeechPort;
  root: RootState;
  userData: unknown;
  activity: Activity | undefined;
  agent: Agent | undefined;
  run: { readonly id: number; readonly result: RunResult } | undefined;
  /** The flight recorder, until the session closes. */
  trace: TraceWriter | undefined;
  #serial = 0;
  #tools = 0;
  #commits = new Map<number, { resolve(transcript: string): void; reject(error: unknown): void }>();
  #onActive: (() => void)[] = [];
  #onClosed: (() => void)[] = [];
  #onDrained: (() => void)[] = [];
  #lastError: unknown;
  #transforms: ReturnType<typeof resolveTextTransforms>;

  constructor(session: AgentSession, options: AgentSessionOptions) {
    this.session = session;
    this.options = options;
    this.runtime = options.runtime ?? defaultRuntime();
    this.clock = this.runtime.clock;
    this.wallOffset = this.clock.wallOffset;
    this.userData = options.userData;
    this.maxToolSteps = options.maxToolSteps ?? 3;
    this.connect = sessionConnectOptions(options.connOptions);
    this.#transforms = resolveTextTransforms(
      options.ttsTextTransforms === undefined ? ["filter_markdown", "filter_emoji"] : options.ttsTextTransforms,
    );
    this.items = itemFactory({ now: () => this.wall(), random: () => this.runtime.random() });
    this.history = new ChatContext([], { source: { now: () => this.wall(), random: () => this.runtime.random() } });
    this.emitter = emitter<SessionEvent>({
      onError: (error, event) => this.log("error", "a listener failed", { area: "event", event: event.type, error }),
    });
    this.timers = new TimerSet(this.clock);
    this.inbox = new Inbox<RootEvent>({
      clock: this.clock,
      timers: this.timers,
      take: (fact) => this.#take(fact),
      failed: (error) => this.log("error", "an order failed", { area: "session", error }),
    });
    this.timers.onDue(() => this.inbox.pump());
    this.root = createRoot(this.#rootOptions());
    const trace = options.trace ?? environmentTrace(this.runtime);
    if (trace !== undefined) this.#record(trace);
    this.telemetry = sessionTracer({ clock: this.clock });
    this.speeches = new Speeches(this);
    this.turns = new UserTurns(this);
    this.listening = new Listening(this);
    this.life = new SessionLife(this);
    this.playout = new Playout(this);
    this.moves = new Moves(this);
    this.input = new AgentInput((what) => this.#inputChanged(what));
    this.output = new AgentOutput(() => this.playout.changed());
    this.speechPort = {
      failed: (error) => this.log("error", "done callback failed", { area: "speech", error }),
      interrupt: (handle, force) => this.#interruptHandle(handle, force),
      allowInterruptions: (handle, value) => {
        const live = this.speeches.byId(handle.id);
        if (live === undefined) return;
        this.floor(live.activity.id, { type: "speech.allowInterruptions", t: 0, handleId: handle.id, value });
      },
    };
  }

  // --- faces --------------------------------------------------------------------------------------------------------

  get isRunning(): boolean {
    return this.root.stage.phase === "running" || this.root.stage.phase === "closing";
  }

  get isClosing(): boolean {
    return this.root.stage.phase !== "running";
  }

  /** The activity that takes speech now. */
  accepting(action: string): Activity {
    if (this.activity === undefined) {
      throw new AgentError(
        "session.not_running",
        `Cannot ${action} as the session is not running: current value is ${this.root.stage.phase}`,
      );
    }
    if (isLeaving(this.root.floors[this.activity.id])) {
      throw new AgentError(
        "session.closing",
        `Cannot ${action} as the agent is leaving: current value is ${this.activity.agent.id}`,
      );
    }
    return this.activity;
  }

  start(agent: Agent): Promise<void> {
    const activity = this.moves.arrive(agent);
    return new Promise((resolve) => {
      this.#onActive.push(resolve);
      if (this.closing.signal.aborted) this.closing = new AbortController();
      this.telemetry.sessionStarted(agent.id);
      this.inbox.call({ type: "session.start", t: 0, arrival: arrivalOf(activity) });
    });
  }

  updateAgent(agent: Agent): void {
    const arrival = arrivalOf(this.moves.arrive(agent)); // first, since it may refuse
    this.agent = agent;
    this.inbox.call({ type: "agent.update", t: 0, arrival });
  }

  /** A tool handed over: the agent goes when the turn that it was called in has ended. */
  handOver(agent: Agent): void {
    const arrival = arrivalOf(this.moves.arrive(agent)); // first, since it may refuse
    this.agent = agent;
    this.inbox.call({ type: "run.watch", t: 0, name: moveName(arrival.activityId) });
    this.inbox.report(RANK.move, { type: "agent.update", t: 0, arrival });
  }

  close(
    reason: CloseReason,
    o: { readonly drain: boolean; readonly deadline: number; readonly error?: unknown },
  ): Promise<void> {
    if (!this.isRunning) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onClosed.push(resolve);
      if (o.error !== undefined) this.#lastError = o.error;
      this.inbox.call({
        type: "session.close",
        t: 0,
        reason,
        drain: o.drain,
        deadline: o.deadline,
        transcriptTimeout: this.options.sessionCloseTranscriptTimeout ?? 2_000,
      });
    });
  }

  /** Resolves at the next close. */
  whenClosed(): Promise<void> {
    return new Promise((resolve) => void this.#onClosed.push(resolve));
  }

  /** Waits for work of the program that ends something, but no longer than this. Never rejects. */
  async within(what: string, limitMs: number, work: () => PromiseLike<void> | void): Promise<void> {
    let off = (): void => {};
    const limit = new Promise<void>((resolve) => {
      off = this.clock.schedule(this.clock.now() + limitMs, () => {
        this.log("error", "something did not end in time", { area: "session", what });
        resolve();
      });
    });
    const ending = (async () => await work())().catch((error: unknown) => this.hookFailed(what, error));
    await Promise.race([ending, limit]);
    off();
  }

  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained.push(resolve);
      this.inbox.call({ type: "session.drain", t: 0 });
    });
  }

  commitUserTurn(
    o: { readonly transcriptTimeout: number; readonly sttFlushDuration: number; readonly skipReply: boolean },
  ): Promise<string> {
    const id = this.nextSerial();
    return new Promise((resolve, reject) => {
      this.#commits.set(id, { resolve, reject });
      this.floor(null, {
        type: "api.commitUserTurn",
        t: 0,
        id,
        ...o,
        audioDetached: !this.input.audioEnabled,
        atClose: false,
      });
    });
  }

  /** Interrupts all that may be interrupted, and resolves when that is over. */
  interrupt(force: boolean): Promise<void> {
    const before = [...this.speeches.live].map((live) => live.handle).filter((handle) => !handle.interrupted);
    return new Promise((resolve) => {
      this.floor(null, { type: "api.interrupt", t: 0, force });
      this.inbox.call(() => {
        const cut = before.filter((handle) => handle.interrupted && !handle.done());
        resolve(Promise.all(cut.map((handle) => handle.waitForPlayout())).then(() => {}));
      });
    });
  }

  startRun(result: RunResult): number {
    const id = this.nextSerial();
    this.run = { id, result };
    this.inbox.call({ type: "run.start", t: 0, runId: id, alive: ["call"] });
    return id;
  }

  /** What the run waited for to begin with has happened. */
  runBegan(): void {
    this.inbox.call({ type: "run.unwatch", t: 0, name: "call" });
  }

  // --- what parts use -----------------------------------------------------------------------------------------------

  /** A point of the session's clock as milliseconds since 1970; now, when left out. */
  wall(t: number = this.clock.now()): number {
    return this.wallOffset + t;
  }

  wallMetrics(metrics: TurnMetrics): ReturnType<typeof toWall> {
    return toWall(metrics, (t) => this.wall(t));
  }

  newId(prefix: string): string {
    return `${prefix}_${randomHex12(() => this.runtime.random())}`;
  }

  emit(event: SessionEvent): void {
    if (this.closeTold) return; // `close` is the last event, whatever a model still reports
    this.emitter.emit(event);
  }

  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>): void {
    try {
      this.options.logger?.[level](message, fields);
    } catch {
      // Whoever is told about failures has failed, so that nobody is left to be told.
    }
  }

  /** A line in the trace, for whoever reads it. */
  note(name: string, fields: Readonly<Record<string, unknown>>): void {
    this.trace?.write({ kind: "note", t: this.clock.now(), name, fields });
  }

  /** A fact for a floor, from a call or a performed order. */
  floor(activityId: string | null, event: TurnEvent): void {
    this.inbox.call({ type: "floor", t: 0, activityId, event });
  }

  /** A fact from a stream. */
  report(rank: number, fact: RootEvent): void;
  /** Where a model reports its errors and metrics. */
  report(source: object): AttemptReport;
  report(what: number | object, fact?: RootEvent): void | AttemptReport {
    if (typeof what === "number") return this.inbox.report(what, fact as RootEvent);
    return {
      error: (error) =>
        this.inbox.report(RANK.life, () => {
          this.emit({ type: "error", createdAt: this.wall(), error, source: what });
          if (!error.recoverable) this.#lastError = error;
          const kind = error.type === "realtime_model_error"
            ? "realtime"
            : error.type.slice(0, 3) as "llm" | "tts" | "stt";
          this.inbox.next({ type: "model.error", t: 0, kind, recoverable: error.recoverable });
        }),
      metrics: (metrics) => this.inbox.report(RANK.life, () => this.collectMetrics(metrics)),
    };
  }

  collectMetrics(metrics: ModelMetrics): void {
    this.emit({ type: "metrics_collected", createdAt: this.wall(), metrics });
    if (this.usage.collect(metrics)) {
      this.emit({ type: "session_usage_updated", createdAt: this.wall(), usage: this.usage.snapshot() });
    }
  }

  outputs(): SpeechOutputs {
    const { output } = this;
    return {
      audio: output.audioEnabled ? output.audio : null,
      transcript: output.transcriptionEnabled ? output.transcription : null,
      synchronised: output.syncTranscription && output.transcriptionEnabled && output.transcription !== null,
    };
  }

  transformText(text: ReadableStream<string>): ReadableStream<string> {
    let transformed = text;
    for (const transform of this.#transforms) transformed = transform(transformed);
    return transformed;
  }

  /** Stores a message in the agent's context and the history, and tells it. */
  commitMessage(activity: Activity, message: ChatMessage, handle: SpeechHandle | undefined): void {
    activity.agent["~"].chatCtx.insert(message);
    this.history.insert(message);
    if (handle !== undefined) {
      handle["~"].items.push(message);
      this.onHandleItem(message);
    }
    const { startedSpeakingAt, stoppedSpeakingAt } = message.metrics;
    this.note("message", {
      role: message.role,
      text: message.textContent,
      interrupted: message.interrupted,
      ...(startedSpeakingAt !== undefined && { startedAt: startedSpeakingAt - this.wallOffset }),
      ...(stoppedSpeakingAt !== undefined && { endedAt: stoppedSpeakingAt - this.wallOffset }),
    });
    this.emit({ type: "conversation_item_added", createdAt: this.wall(), item: message });
  }

  onHandleItem(item: ChatItem): void {
    this.run?.result["~record"](item);
  }

  toolsRunning(change: number): void {
    this.#tools += change;
    this.inbox.report(RANK.life, {
      type: "floor",
      t: 0,
      activityId: null,
      event: { type: "tools.changed", t: 0, running: this.#tools },
    });
  }

  hookContext(activity: Activity): HookContext {
    return {
      session: this.sessionFor({ insideTool: false, onEnter: false }),
      userData: this.userData,
      signal: activity.toolAbort.signal,
    };
  }

  /** The session as it is seen from a tool or a hook. */
  sessionFor(caller: Caller): AgentSession {
    return Object.create(this.session, { "~caller": { value: caller } });
  }

  hookFailed(hook: string, error: unknown): void {
    this.partFailed("a hook failed", hook, error);
  }

  /** Something that is no model failed; the session goes on. */
  partFailed(message: string, part: string, error: unknown): void {
    this.log("error", message, { area: "session", part, error });
    this.emit({
      type: "error",
      createdAt: this.wall(),
      error: { type: "session_error", error, recoverable: true },
      source: part,
    });
  }

  /** A reply failed; what a model failed with was told by its attempt already. */
  replyFailed(where: "llm" | "tts" | "reply", error: unknown, activity: Activity): void {
    if (isAPIError(error)) return;
    this.log("error", "a reply failed", { area: "reply", where, error });
    this.inbox.report(RANK.life, () =>
      this.emit({
        type: "error",
        createdAt: this.wall(),
        error: { type: "session_error", error, recoverable: true },
        source: activity.agent,
      }));
  }

  // --- the loop -----------------------------------------------------------------------------------------------------

  #take(fact: RootEvent): void {
    if (fact.type === "floor") (fact.event as Stampable).t = fact.t;
    const before = this.root;
    const { root, effects } = step(before, fact);
    this.root = root;
    this.trace?.write({ kind: "step", t: fact.t, fact, effects });
    for (const effect of effects) {
      try {
        this.#perform(effect, fact.t);
      } catch (error) {
        this.log("error", "an order failed", { area: "session", order: effect.type, error });
      }
    }
  }

  #perform(effect: RootEffect, t: number): void {
    switch (effect.type) {
      case "emit": {
        const { type: _type, activityId: _id, event, ...payload } = effect;
        return this.emit({ type: event, ...payload, createdAt: this.wall(effect.createdAt) } as SessionEvent);
      }
      case "timer.set": {
        const { name, gen, at, activityId, handleId } = effect;
        return this.timers.set(timerKey(effect), at, {
          type: "floor",
          t: 0,
          activityId,
          event: { type: "timer", t: 0, name, gen, ...(handleId !== undefined && { handleId }) },
        });
      }
      case "timer.cancel":
        return this.timers.cancel(timerKey(effect));
      case "stage.timer.set":
        return this.timers.set(effect.name, effect.at, {
          type: "stage.timer",
          t: 0,
          name: effect.name,
          gen: effect.gen,
        });
      case "stage.timer.cancel":
        return this.timers.cancel(effect.name);

      case "playout.pause":
        this.playout.pause();
        return this.speeches.paused(t);
      case "playout.resume":
        this.playout.resume();
        return this.speeches.resumed(t);
      case "speech.interrupt":
        return this.speeches.interrupt(effect.handleId);
      case "speech.play":
        return this.speeches.play(effect.handleId);
      case "speech.refused":
        return this.speeches.interrupt(effect.handleId);
      case "speech.abandon":
        return this.speeches.abandon(effect.handleId);
      case "reply.ack":
        return this.speeches.ack(effect.handleId, effect.segmentId, effect.ack, effect.positionMs, effect.at);
      case "message.commit":
        return this.speeches.commitMessage(effect.handleId, effect.text, effect.interrupted);
      case "tools.commit":
        return this.speeches.commitTools(effect.handleId, effect.draining);

      case "gen.startPreemptive":
        return this.speeches.startPreemptive(
          this.current(),
          effect.handleId,
          effect.transcript,
          effect.confidence,
          effect.withTts,
        );
      case "gen.cancelPreemptive":
        return this.speeches.cancelPreemptive(effect.handleId);
      case "gen.usePreemptive":
      case "gen.reply": {
        const turn = this.turns.get(effect.turnId);
        if (turn === undefined) return;
        return effect.type === "gen.reply"
          ? this.speeches.replyTo(this.current(), effect.handleId, turn)
          : this.speeches.usePreemptive(this.current(), effect.handleId, turn);
      }

      case "turn.commit":
        return this.turns.commit(effect.turnId, effect.info);
      case "turn.runHook":
        return this.turns.runHook(this.current(), effect.turnId);
      case "turn.store":
        return this.turns.store(this.current(), effect.turnId, effect.reason);
      case "turn.drop":
        return this.turns.drop(effect.turnId, effect.reason);
      case "turn.over":
        return this.turns.over(this.current(), effect.turnId, effect.handleId);
      case "turn.refused":
      case "transcript.discarded":
        return this.log("debug", effect.type, { area: "turn", reason: effect.reason });
      case "commit.resolve":
        this.#commits.get(effect.id)?.resolve(effect.transcript);
        return void this.#commits.delete(effect.id);
      case "commit.cancel":
        this.#commits.get(effect.id)?.reject(
          new AgentError(
            "task.cancelled",
            "Cannot commit the turn as a newer commit replaced it: current value is cancelled",
          ),
        );
        return void this.#commits.delete(effect.id);

      case "stt.pushSilence":
        return this.listening.pushSilence(effect.durationMs);
      case "stt.restart":
        return this.listening.restartStt();
      case "vad.flush":
        return this.listening.flushVad();
      case "detector.ask":
        return this.#askDetector(effect.activityId, effect.id, effect.transcript, effect.language);
      case "detector.cancel":
        return;

      case "activity.enter":
        return this.moves.enter(effect.activityId, effect.oldAgentId);
      case "activity.prepare":
        return this.moves.prepare(effect.activityId);
      case "activity.unready":
        this.hookFailed(
          "toolset.setup",
          new AgentError(
            "tool.timeout",
            "Cannot wait for toolsets any longer as they must be ready within 5,000 ms: current value is not ready",
          ),
        );
        return this.moves.bind(this.current());
      case "hook.timeout":
        return this.moves.hookTimedOut(effect.activityId);
      case "hook.run":
        return this.moves.runHook(effect.activityId, effect.hook);
      case "activity.leave":
        return this.moves.leave(effect.activityId);
      case "tools.abort":
        return this.activity?.toolAbort.abort();
      case "session.detach":
        return this.#detach();
      case "session.release":
        return void this.#release();
      case "session.abandon":
        this.speeches.abandonAll();
        return this.#detach();
      case "session.closed":
        return this.#closed(effect.reason);
      case "session.drained":
        for (const resolve of this.#onDrained.splice(0)) resolve();
        return;
      case "run.settle":
        return this.#settleRun(effect.runId);

      case "span.start":
        return this.telemetry.start(effect.span, effect.at);
      case "span.end":
        return this.telemetry.end(effect.span, effect.at, effect.attributes);
      case "log":
        return this.log(effect.level, effect.code, { area: "turn" });

      // Parts of later stages: adaptive interruption, streaming detectors, turn limits and realtime models are not
      // configured by `resolveActivity`, so that the machine never gives these orders.
      case "eot.predict":
      case "eot.cancel":
      case "eot.flush":
      case "overlap.agentStarted":
      case "overlap.agentEnded":
      case "overlap.started":
      case "overlap.ended":
      case "rt.startUserActivity":
      case "rt.interrupt":
      case "rt.commitAudio":
      case "rt.clearAudio":
      case "exceeded.runHook":
        return this.log("debug", "an order has nobody to perform it", { area: "session", order: effect.type });
      default:
        return effect satisfies never;
    }
  }

  /** Numbers agents on stage and runs, in one row. */
  nextSerial(): number {
    return ++this.#serial;
  }

  /** Who is on stage. */
  current(): Activity {
    if (this.activity === undefined) {
      throw new AgentError("session.not_running", "Cannot go on as nobody is on stage: current value is none");
    }
    return this.activity;
  }

  /** The first agent is there: starts that wait are over. */
  becameActive(): void {
    for (const resolve of this.#onActive.splice(0)) resolve();
  }

  // --- life ---------------------------------------------------------------------------------------------------------

  #detach(): void {
    this.input.audio = null;
    this.output.transcription = null;
  }

  async #release(): Promise<void> {
    const closing = (this.options.tools ?? []).map(async (tool) => {
      if (tool.type === "toolset") await tool.aclose?.();
    });
    for (const result of await Promise.allSettled(closing)) {
      if (result.status === "rejected") this.hookFailed("toolset.aclose", result.reason);
    }
    this.inbox.report(RANK.life, { type: "session.released", t: 0 });
  }

  #closed(reason: CloseReason): void {
    this.timers.clear();
    this.output.audio = null;
    this.listening.listen(null);
    const error = reason === "error" ? this.#lastError : undefined;
    for (const { reject } of this.#commits.values()) {
      reject(
        new AgentError("session.closing", "Cannot commit the turn as the session closed: current value is closed"),
      );
    }
    this.#commits.clear();
    if (this.run !== undefined) {
      this.run.result["~settle"](
        new AgentError("run.closed", `Cannot finish the run as the session closed: current value is ${reason}`, {
          cause: error,
        }),
      );
      this.run = undefined;
    }
    this.closing.abort();
    this.telemetry.sessionEnded(
      typeof error === "object" && error !== null && "recoverable" in error && "error" in error ? error.error : error,
    );
    this.emit({ type: "close", createdAt: this.wall(), reason, error });
    this.closeTold = true;
    this.emitter.endStreams();
    this.moves.clear();
    void this.trace?.close();
    this.trace = undefined;
    for (const resolve of [...this.#onActive.splice(0), ...this.#onDrained.splice(0), ...this.#onClosed.splice(0)]) {
      resolve();
    }
  }

  /** The `close` event has gone out: states read as before the start. */
  closeTold = false;

  #settleRun(runId: number): void {
    if (this.run?.id !== runId) return;
    const { result } = this.run;
    this.run = undefined;
    result["~settle"]();
  }

  #record(sink: WritableStream<TraceRecord>): void {
    if (typeof sink?.getWriter !== "function" || sink.locked) {
      throw new AgentError(
        "session.bad_option",
        `Cannot make a session as \`trace\` must be a WritableStream that nobody writes to: current value is ${
          sink?.locked === true ? "locked" : typeof sink
        }`,
      );
    }
    this.trace = traceWriter(sink, (error) => {
      this.trace = undefined;
      this.log("error", "the trace is given up", { area: "trace", error });
    });
    this.trace.write({
      kind: "header",
      version: TRACE_VERSION,
      wallOffset: this.wallOffset,
      root: this.#rootOptions(),
    });
  }

  #rootOptions(): Parameters<typeof createRoot>[0] {
    const { aecWarmupDuration } = this.options;
    return {
      aecWarmupDuration: aecWarmupDuration === undefined ? 3_000 : aecWarmupDuration,
      listenerPresent: true,
      maxUnrecoverableErrors: this.connect.maxUnrecoverableErrors,
    };
  }

  #inputChanged(what: "audio" | "audioEnabled"): void {
    if (what === "audio") return this.listening.listen(this.input.audio);
    this.floor(null, { type: "input.audioEnabled", t: 0, enabled: this.input.audioEnabled });
  }

  #interruptHandle(handle: SpeechHandle, force: boolean): void {
    const live = this.speeches.byId(handle.id);
    if (live === undefined) return void markInterrupted(handle);
    this.floor(live.activity.id, { type: "speech.interruptCalled", t: 0, handleId: handle.id, force });
    if (!handle.interrupted) this.speeches.interrupt(handle.id); // not in the queue yet: there is nothing to decide
  }

  #askDetector(activityId: string, id: number, transcript: string, language: string): void {
    const activity = this.current();
    const { detector } = activity.resolved;
    const answer = (outcome: Extract<TurnEvent, { type: "detector.answer" }>["outcome"]): void =>
      this.report(RANK.detector, {
        type: "floor",
        t: 0,
        activityId,
        event: { type: "detector.answer", t: 0, id, outcome },
      });
    if (detector === null) return answer({ kind: "unsupported" });
    void (async () => {
      if (!(await detector.supportsLanguage(language))) return answer({ kind: "unsupported" });
      const chatCtx = activity.agent["~"].chatCtx.copy().truncate(6);
      chatCtx.append(this.items.message({ role: "user", content: [transcript] }));
      const threshold = await detector.unlikelyThreshold(language);
      const probability = await detector.predictEndOfTurn(chatCtx, { signal: activity.toolAbort.signal });
      answer({ kind: "probability", probability, threshold: threshold ?? null });
    })().catch((error: unknown) => {
      this.log("warn", "the turn detector failed", { area: "turn", error });
      answer({ kind: "error" });
    });
  }
}

function arrivalOf(activity: Activity) {
  return { activityId: activity.id, agentId: activity.agent.id, config: activity.resolved.config };
}

function isLeaving(floor: TurnState | undefined): boolean {
  return floor?.life === "draining" || floor?.life === "closed";
}

function timerKey(effect: { readonly activityId: string; readonly name: string; readonly handleId?: string }): string {
  const shared = effect.name === "aecWarmup" || effect.name === "userAway";
  return `${shared ? "" : effect.activityId}:${effect.name}:${effect.handleId ?? ""}`;
}
