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
import type { RootEvent } from "../stage/event.ts";
import { acceptingActivity } from "../stage/query.ts";
import { createRoot, type RootOptions, type RootState } from "../stage/state.ts";
import { step } from "../stage/step.ts";
import { type SessionTracer, sessionTracer } from "../telemetry/spans.ts";
import { UsageCollector } from "../telemetry/usage.ts";
import { environmentTrace } from "../trace/file.ts";
import type { TraceWriter } from "../trace/record.ts";
import type { TurnMetrics } from "../turn/effect.ts";
import type { TurnEvent } from "../turn/event.ts";
import type { TurnState } from "../turn/state.ts";
import type { Activity } from "./activity.ts";
import type { Agent, HookContext } from "./agent.ts";
import { askBackchannelPolicy } from "./backchannel_policy.ts";
import type { AgentSession } from "./agent_session.ts";
import type { AgentTask } from "./agent_task.ts";
import { type Caller, type CallScope, scopeHere } from "./call_scope.ts";
import { Calls } from "./calls.ts";
import { defaultRuntime } from "./default_runtime.ts";
import type { SessionEvent } from "./events.ts";
import { openTrace } from "./flight_recorder.ts";
import { Idle } from "./idle.ts";
import { Inbox, RANK, type Stampable } from "./inbox.ts";
import { AgentInput, AgentOutput } from "./io.ts";
import { SessionLife } from "./life.ts";
import { Keyterms } from "./keyterms.ts";
import { Listening } from "./listening.ts";
import { Moves } from "./moves.ts";
import type { AgentSessionOptions, TurnHandlingOptions } from "./options.ts";
import { Playout } from "./playout.ts";
import { perform } from "./perform.ts";
import { busyWith } from "./quiet.ts";
import { DEFAULT_TEXT_TRANSFORMS } from "./resolved_options.ts";
import { Runs } from "./runs.ts";
import { Speeches } from "./speeches.ts";
import type { SpeechHandle, SpeechPort } from "./speech_handle.ts";
import { Storing } from "./storing.ts";
import { Tasks } from "./tasks.ts";
import { TimerSet } from "./timers.ts";
import { ToolCalls } from "./tool_calls.ts";
import { toWall, UserTurns } from "./user_turns.ts";
import { Waiting } from "./waiting.ts";

/** The driver of one session. */
export class SessionCore {
  readonly session: AgentSession;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /**
   * Read once: a host's two clocks never agree twice to the microsecond, and the order of the history hangs on it. Raised
   * once more when a session goes on whose items are from a clock that was ahead.
   */
  wallOffset: number;
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
  readonly storing: Storing;
  readonly turns: UserTurns;
  readonly listening: Listening;
  readonly life: SessionLife;
  readonly playout: Playout;
  readonly keyterms: Keyterms;
  readonly moves: Moves;
  readonly runs: Runs;
  readonly tasks: Tasks;
  readonly calls: Calls;
  readonly toolCalls: ToolCalls;
  readonly idle: Idle;
  readonly waiting: Waiting = new Waiting();
  readonly telemetry: SessionTracer;
  /** Aborted when the session has closed: ends what models do beside its calls. */
  closing: AbortController = new AbortController();
  readonly usage: UsageCollector = new UsageCollector();
  readonly speechPort: SpeechPort;
  root: RootState;
  userData: unknown;
  activity: Activity | undefined;
  agent: Agent | undefined;
  /** What `updateOptions` has changed so far. */
  changedTurnHandling: TurnHandlingOptions | undefined;
  /** The flight recorder, until the session closes. */
  trace: TraceWriter | undefined;
  #serial = 0;
  #tools = 0;
  /** When the session was last started, in milliseconds since 1970. */
  startedAt = 0;
  /** What the session last failed with. */
  lastError: unknown;
  /** The `close` event has gone out: states read as before the start. */
  closeTold = false;
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
      options.ttsTextTransforms === undefined ? DEFAULT_TEXT_TRANSFORMS : options.ttsTextTransforms,
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
      emptied: () => {
        if (this.waiting.wantsQuiet && busyWith(this) === null) this.waiting.quiet();
      },
    });
    this.timers.onDue(() => this.inbox.pump());
    this.root = createRoot(this.#rootOptions());
    this.#record(undefined);
    this.telemetry = sessionTracer({ clock: this.clock });
    this.speeches = new Speeches(this);
    this.storing = new Storing(this);
    this.turns = new UserTurns(this);
    this.listening = new Listening(this);
    this.life = new SessionLife(this);
    this.playout = new Playout(this);
    this.keyterms = new Keyterms(this, options.keytermsOptions ?? {});
    this.moves = new Moves(this);
    this.runs = new Runs(this);
    this.tasks = new Tasks(this);
    this.calls = new Calls(this);
    this.toolCalls = new ToolCalls(this);
    this.idle = new Idle(this);
    this.input = new AgentInput((what) => this.#inputChanged(what));
    this.output = new AgentOutput(() => this.playout.changed());
    this.speechPort = {
      failed: (error) => this.log("error", "done callback failed", { area: "speech", error }),
      interrupt: (handle, force) => this.calls.interruptHandle(handle, force),
      allowInterruptions: (handle, value) => {
        const live = this.speeches.byId(handle.id);
        if (live === undefined) return;
        this.floor(live.activity.id, { type: "speech.allowInterruptions", t: 0, handleId: handle.id, value });
      },
      isOwnTool: (handle) => {
        const scope = scopeHere();
        return scope?.handle === handle && !scope.isInBackground();
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

  /** The activity that takes speech that is asked for now: whoever is on stage, or who comes next. */
  acceptingSpeech(action: string): Activity {
    const id = acceptingActivity(this.root);
    const activity = id === null ? undefined : this.moves.byId(id);
    return activity ?? this.accepting(action); // which says why not
  }

  /** Whoever is on stage, though it may be leaving. */
  onStage(action: string): Activity {
    if (this.activity !== undefined) return this.activity;
    throw new AgentError(
      "session.not_running",
      `Cannot ${action} as the session is not running: current value is ${this.root.stage.phase}`,
    );
  }

  /** Whoever is on stage, unless it leaves. */
  accepting(action: string): Activity {
    const activity = this.onStage(action);
    if (isLeaving(this.root.floors[activity.id])) {
      throw new AgentError(
        "session.closing",
        `Cannot ${action} as the agent is leaving: current value is ${activity.agent.id}`,
      );
    }
    return activity;
  }

  // --- what parts use -----------------------------------------------------------------------------------------------

  /** A point of the session's clock as milliseconds since 1970; now, when left out. */
  wall(t: number = this.clock.now()): number {
    return this.wallOffset + t;
  }

  /** From now on items are younger than this. */
  raiseWall(newest: number): void {
    const behind = newest - this.wall();
    if (behind >= 0) this.wallOffset += behind + 1;
  }

  wallMetrics(metrics: TurnMetrics): ReturnType<typeof toWall> {
    return toWall(metrics, (t) => this.wall(t));
  }

  newId(prefix: string): string {
    return `${prefix}_${randomHex12(() => this.runtime.random())}`;
  }

  emit(event: SessionEvent): void {
    if (this.closeTold) return; // `close` is the last event, whatever a model still reports
    if (event.type === "agent_state_changed") this.speeches.tell({ type: "state", state: event.newState });
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
          if (!error.recoverable) this.lastError = error;
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
    this.keyterms.added(message);
  }

  onHandleItem(item: ChatItem): void {
    this.runs.record(item);
  }

  toolsRunning(change: number): void {
    this.#tools += change;
    this.inbox.report(RANK.life, {
      type: "floor",
      t: 0,
      activityId: null,
      event: { type: "tools.changed", t: 0, running: Math.max(0, this.#tools) },
    });
  }

  /** What a hook is given. */
  hookContext(scope: CallScope, signal: AbortSignal): HookContext {
    return {
      session: this.sessionFor(scope.caller),
      userData: this.userData,
      signal,
      run: <Result>(task: AgentTask<Result>) => this.tasks.run(scope, task) as Promise<Result>,
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
    if (fact.type === "floor") {
      (fact.event as Stampable).t = fact.t;
      askBackchannelPolicy(this, fact.event);
    }
    const before = this.root;
    const { root, effects } = step(before, fact);
    this.root = root;
    this.trace?.write({ kind: "step", t: fact.t, fact, effects });
    for (const effect of effects) {
      try {
        perform(this, effect, fact.t);
      } catch (error) {
        this.log("error", "an order failed", { area: "session", order: effect.type, error });
      }
    }
    this.idle.check();
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

  /** A session that was closed is started again: it is recorded as another one, from the state that it has. */
  recordAgain(): void {
    const { trace } = this.options;
    if (this.trace !== undefined) return;
    if (trace === undefined || typeof trace === "function") return this.#record(this.root);
    this.log("warn", "a session that is started again is recorded where `trace` is a function", { area: "trace" });
  }

  #record(state: RootState | undefined): void {
    const { trace } = this.options;
    const sink = typeof trace === "function" ? trace() : trace ?? environmentTrace(this.runtime);
    if (sink === undefined) return;
    const header = { wallOffset: this.wallOffset, root: this.#rootOptions(), ...(state && { state }) };
    this.trace = openTrace(sink, header, (error) => {
      this.trace = undefined;
      this.log("error", "the trace is given up", { area: "trace", error });
    });
  }

  #rootOptions(): RootOptions {
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
}

function isLeaving(floor: TurnState | undefined): boolean {
  return floor?.life === "draining" || floor?.life === "closed";
}
