/**
 * The session: one conversation between a user and agents.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { EventGap, EventOf, ListenOptions } from "../base/emitter.ts";
import type { ChatContext } from "../chat/context.ts";
import type { ResolvedSessionConnectOptions } from "../model/connect_options.ts";
import type { LLM } from "../model/llm.ts";
import type { STT } from "../model/stt.ts";
import type { TTS } from "../model/tts.ts";
import type { VAD } from "../model/vad.ts";
import { CLOSE_LIMIT_MS, type CloseReason } from "../stage/state.ts";
import type { SessionUsage } from "../telemetry/usage.ts";
import type { StandardSchemaV1 } from "../tool/standard_schema.ts";
import type { AnyTool, ToolContext } from "../tool/tool.ts";
import type { AgentState, UserState } from "../turn/effect.ts";
import { currentSpeech } from "../turn/query.ts";
import { Agent } from "./agent.ts";
import { type Caller, PROGRAM, scopeHere } from "./call_scope.ts";
import { SessionCore } from "./core.ts";
import type { SessionEvent } from "./events.ts";
import { type FlatSessionOptions, unflattenSession } from "./flat_options.ts";
import type { AgentInput, AgentOutput } from "./io.ts";
import {
  type AgentSessionOptions,
  checkSessionOptions,
  checkUpdate,
  likelySeconds,
  type TurnHandlingOptions,
} from "./options.ts";
import { resolveActivity } from "./resolve.ts";
import { type ResolvedSessionOptions, resolveSession } from "./resolved_options.ts";
import { type AgentRegistry, resume, suspend, takeSnapshot } from "./resume.ts";
import { expectedOutput, type RunOptions, type RunOutput } from "./run_output.ts";
import type { RunResult, SettledRun } from "./run_result.ts";
import { untilQuiet } from "./quiet.ts";
import type { SessionSnapshot } from "./snapshot.ts";
import type { GenerateReplyOptions, SayOptions } from "./speech_options.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** What joins a session to a room, a page or a file. Disposed of when the session closes. */
export interface SessionIO {
  /** Joins the session, and gives what parts it again when the session closes. */
  attach(session: AgentSession): Promise<AsyncDisposable>;
}

/** How a session is started. */
export interface StartOptions {
  /** Who begins. */
  readonly agent: Agent;
  /** Joins the session to a room, a page or a file. */
  readonly io?: SessionIO;
  /** Collect all that `onEnter` does, as a run, and wait for its end. Nothing for a session that runs already. Default false. */
  readonly captureRun?: boolean;
}

/** How a session is resumed. */
export interface ResumeOptions<UserData = unknown> {
  /** Makes the agents that the snapshot names, by their ids. */
  readonly agents: AgentRegistry<UserData>;
  /** Joins the session to a room, a page or a file. */
  readonly io?: SessionIO;
}

/**
 * One conversation between a user and agents, by voice or text.
 *
 * Construct it with models, fill its slots where there is audio, `start` it with an agent, and listen to its events. It can
 * be started again after `close()`: the history stays.
 *
 * @example A conversation by text
 * ```ts
 * const session = new AgentSession({ llm });
 * await session.start({ agent: new Agent({ instructions: "Be brief." }) });
 * const result = await session.run({ userInput: "Hello!" });
 * console.log(result.events);
 * await session.close();
 * ```
 */
export class AgentSession<UserData = unknown> implements AsyncDisposable {
  /** @ignore */
  readonly "~core": SessionCore;
  /**
   * From where this face is used.
   *
   * @ignore
   */
  readonly "~caller": Caller = PROGRAM;

  /**
   * Makes a session, which does nothing before `start()`. Options as they were before there was `turnHandling` are taken, with
   * a line in the log that names the new ones.
   *
   * @throws {AgentError} `session.bad_option` for an option that does not exist or does not fit.
   * @throws {AgentError} `runtime.missing` in an unknown place, unless `runtime` is given.
   */
  constructor(given: AgentSessionOptions<UserData> & FlatSessionOptions = {}) {
    const { options, moved } = unflattenSession<AgentSessionOptions>(given as AgentSessionOptions);
    checkSessionOptions(options);
    resolveActivity(options, { instructions: "" }); // what does not fit together is told now, not in a call
    const core = new SessionCore(this as AgentSession, options);
    this["~core"] = core;
    if (moved.length > 0) core.log("warn", "options have new names, and the old ones end", { area: "session", moved });
    const short = likelySeconds(options);
    if (short.length > 0) {
      core.log("warn", "options look like seconds, and are milliseconds", { area: "session", short });
    }
  }

  /** Where it listens. */
  get input(): AgentInput {
    return this["~core"].input;
  }

  /** Where it speaks and writes. */
  get output(): AgentOutput {
    return this["~core"].output;
  }

  /** Everything that was said and done, by all agents, without instructions. */
  get history(): ChatContext {
    return this["~core"].history;
  }

  /** What the user does, as far as is heard. */
  get userState(): UserState {
    return this["~core"].closeTold ? "listening" : this["~core"].root.shared.userState;
  }

  /** What the agent does. */
  get agentState(): AgentState {
    return this["~core"].closeTold ? "initializing" : this["~core"].root.shared.agentState;
  }

  /**
   * Who is on stage; after `updateAgent`, who is going to be.
   *
   * @throws {AgentError} `session.no_agent` before the first `start()`.
   */
  get currentAgent(): Agent<UserData> {
    const { agent } = this["~core"];
    if (agent === undefined) {
      throw new AgentError("session.no_agent", "Cannot name an agent as none was started: current value is none");
    }
    return agent as Agent<UserData>;
  }

  /** What the agent is saying, or is about to say; null between. */
  get currentSpeech(): SpeechHandle | null {
    const core = this["~core"];
    const floor = core.activity === undefined ? undefined : core.root.floors[core.activity.id];
    const id = floor === undefined ? null : currentSpeech(floor);
    return id === null ? null : core.speeches.byId(id)?.handle ?? null;
  }

  /**
   * The program's own data.
   *
   * @throws {AgentError} `session.no_user_data` while unset.
   */
  get userData(): UserData {
    const { userData } = this["~core"];
    if (userData === undefined) {
      throw new AgentError(
        "session.no_user_data",
        "Cannot read `userData` as it was not set: current value is undefined",
      );
    }
    return userData as UserData;
  }
  set userData(value: UserData) {
    this["~core"].userData = value;
  }

  /** Speech to text. `null`: none. */
  get stt(): STT | null {
    return this["~core"].options.stt ?? null;
  }
  /** The language model. `null`: none. */
  get llm(): LLM | null {
    return this["~core"].options.llm ?? null;
  }
  /** The voice. `null`: none. */
  get tts(): TTS | null {
    return this["~core"].options.tts ?? null;
  }
  /** Voice activity detection. `null`: none. */
  get vad(): VAD | null {
    return this["~core"].options.vad ?? null;
  }

  /** Tools of every agent. */
  get tools(): readonly AnyTool[] {
    return this["~core"].options.tools ?? [];
  }

  /**
   * What the next request to the model offers: the session's tools, and those of the agent on stage.
   *
   * @throws {AgentError} `session.not_running` before `start()` and after `close()`.
   */
  get toolCtx(): ToolContext {
    return this["~core"].current().toolCtx;
  }

  /** Who decides that the user's turn is over, as it was given. */
  get turnDetection(): NonNullable<TurnHandlingOptions["turnDetection"]> | null {
    return this["~core"].options.turnHandling?.turnDetection ?? null;
  }

  /** How interruptions are judged, as it was given; undefined: the best way there is. */
  get interruptionDetection(): "adaptive" | "vad" | undefined {
    return this["~core"].options.turnHandling?.interruption?.mode;
  }

  /** What holds for the session now, with every default filled in. An agent's own settings come before it. */
  get sessionOptions(): ResolvedSessionOptions {
    return resolveSession(this["~core"].options, this["~core"].connect);
  }

  /** Retries and time-outs of the models, with every default filled in. */
  get connOptions(): ResolvedSessionConnectOptions {
    return this["~core"].connect;
  }

  /** A copy of the history. */
  get chatCtx(): ChatContext {
    return this["~core"].history.copy();
  }

  /** When it was last started, in milliseconds since 1970; 0 before the first start. */
  get startedAt(): number {
    return this["~core"].startedAt;
  }

  /** Tokens, characters and audio used so far, by model. */
  get usage(): SessionUsage {
    return this["~core"].usage.snapshot();
  }

  /** It takes speech and hears. */
  get isRunning(): boolean {
    return this["~core"].isRunning;
  }

  /** Calls back for every event of a name, in order, at once. Returns the function that ends it. */
  on<Name extends SessionEvent["type"]>(
    name: Name,
    listener: (event: EventOf<SessionEvent, Name>) => unknown,
    options?: ListenOptions,
  ): () => void {
    return this["~core"].emitter.on(name, listener, options);
  }

  /** Calls back for the next event of a name. */
  once<Name extends SessionEvent["type"]>(
    name: Name,
    listener: (event: EventOf<SessionEvent, Name>) => unknown,
    options?: ListenOptions,
  ): () => void {
    return this["~core"].emitter.once(name, listener, options);
  }

  /** Ends what `on` began. */
  off<Name extends SessionEvent["type"]>(name: Name, listener: (event: EventOf<SessionEvent, Name>) => unknown): void {
    this["~core"].emitter.off(name, listener);
  }

  /** All events from now on, as a stream. Holds at most 1,024 for a slow reader, then drops the oldest and says how many. */
  events(): ReadableStream<SessionEvent | EventGap> {
    return this["~core"].emitter.events();
  }

  /**
   * Puts the first agent on stage. Resolves when it hears and may speak; `onEnter` runs then. Does nothing while running;
   * while it closes, it waits for the close and starts then.
   *
   * @throws {AgentError} `session.no_agent` without an agent; `agent.already_running` for one that is on another stage;
   *   `session.bad_option` for a `room`, which comes as `io`; `session.start_failed` when `io` cannot be attached, after all
   *   was rolled back; `run.active` for a start that is to be captured while a run is under way.
   */
  start(options: StartOptions & { readonly captureRun: true }): Promise<SettledRun | undefined>;
  /** The same, without a run: resolves when the agent hears and may speak. */
  start(options: StartOptions): Promise<void>;
  async start(options: StartOptions): Promise<SettledRun | undefined | void> {
    const { agent, io, captureRun = false }: Partial<StartOptions> = options ?? {};
    checkAgent(agent, "start a session");
    refuseRoom(options);
    const core = this["~core"];
    const start = (): Promise<void> => core.life.start(agent, io);
    if (captureRun && !core.life.isStarted) return await core.runs.capture(start);
    await start();
  }

  /**
   * Speaks a text as one turn of the agent. Waits its place in the queue; interrupts nobody.
   *
   * What was really heard goes into the history: an interrupted turn is recorded as far as it was played.
   *
   * @param text What to say, whole or as it comes. A stream is cancelled when the turn is interrupted.
   * @returns The handle of the turn, at once. After an interruption it is done within 5,000 ms.
   * @throws {AgentError} `session.not_running` before `start()` and after `close()`; `session.closing` while the agent
   *   leaves; `session.no_tts` when there is audio output but no voice.
   *
   * @example Say goodbye, then hang up
   * ```ts
   * await session.say("Goodbye!", { allowInterruptions: false });
   * await session.close();
   * ```
   */
  say(text: string | ReadableStream<string>, options: SayOptions = {}): SpeechHandle {
    const core = this["~core"];
    return core.speeches.say(core.acceptingSpeech("say a text"), text, options);
  }

  /**
   * Has the model make a reply, as one turn of the agent. The model is asked at once; the turn waits its place in the queue.
   *
   * @returns The handle of the turn, at once.
   * @throws {AgentError} `session.not_running`, `session.closing`, `session.no_llm`; `tool.unknown` for a name in `tools`
   *   that is none.
   */
  generateReply(options: GenerateReplyOptions = {}): SpeechHandle {
    const core = this["~core"];
    return core.speeches.generateReply(core.acceptingSpeech("make a reply"), options, callerOf(this));
  }

  /**
   * Gives the agent an input by text, and collects everything that happens because of it.
   *
   * With an `outputType` it ends with a value of that type: what a task of it completes with. A model that gives none is reminded;
   * the run rejects with `UnexpectedModelBehavior` when it still gives none, or one that does not fit.
   *
   * @returns The run, at once; await it for its end.
   * @throws {AgentError} `run.active` while another run is under way; `session.bad_option` for an `outputType` that is no schema; what
   *   `generateReply` throws.
   */
  run<const Schema extends StandardSchemaV1 | undefined = undefined>(
    options: RunOptions<Schema>,
  ): RunResult<RunOutput<Schema>> {
    const core = this["~core"];
    const { outputType: _type, outputOptions: _options, ...reply } = options ?? {};
    const result = core.runs.run(() => {
      const activity = core.acceptingSpeech("start a run");
      core.speeches.generateReply(activity, { inputModality: "text", ...reply }, callerOf(this));
    }, expectedOutput((options ?? {}) as RunOptions<StandardSchemaV1>));
    return result as RunResult<RunOutput<Schema>>;
  }

  /**
   * Cuts off what the agent says and is about to say, and resolves when that is over, within 5,000 ms. Speech that does not
   * allow interruptions stays, and so does all behind it, unless `force`.
   *
   * @throws {AgentError} `session.not_running`; `speech.not_interruptible` when what is being said is protected.
   */
  interrupt({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    const core = this["~core"];
    core.onStage("interrupt");
    const current = this.currentSpeech;
    if (!force && current !== null && !current.allowInterruptions && !current.interrupted) {
      throw new AgentError(
        "speech.not_interruptible",
        `Cannot interrupt the session as what it says does not allow it: current value is ${current.id}`,
      );
    }
    return core.calls.interrupt(force);
  }

  /**
   * Ends the user's turn now. Resolves with its transcript, when the end is decided.
   *
   * @throws {AgentError} `session.not_running`; `session.bad_option` for a duration that is none; rejects with
   *   `task.cancelled` when a newer commit replaces it, and with `session.closing` when the session closes first.
   */
  commitUserTurn(
    { transcriptTimeout = 2_000, sttFlushDuration = 2_000, skipReply = false }: {
      readonly transcriptTimeout?: number;
      readonly sttFlushDuration?: number;
      readonly skipReply?: boolean;
    } = {},
  ): Promise<string> {
    const action = "commit the user's turn";
    this["~core"].accepting(action);
    checkDuration(action, "transcriptTimeout", transcriptTimeout);
    checkDuration(action, "sttFlushDuration", sttFlushDuration);
    return this["~core"].calls.commitUserTurn({ transcriptTimeout, sttFlushDuration, skipReply });
  }

  /** Forgets what the user has said and that was not answered. Throws like `interrupt`. */
  clearUserTurn(): void {
    const core = this["~core"];
    core.accepting("clear the user's turn");
    core.floor(null, { type: "api.clearUserTurn", t: 0 });
  }

  /** While paused no reply starts to be heard; replies are made all the same. Throws like `interrupt`. */
  pauseReplyAuthorization(): void {
    this["~core"].accepting("pause replies");
    this["~core"].floor(null, { type: "api.authorization", t: 0, allowed: false });
  }
  /** Lets replies be heard again. Throws like `interrupt`. */
  resumeReplyAuthorization(): void {
    this["~core"].accepting("resume replies");
    this["~core"].floor(null, { type: "api.authorization", t: 0, allowed: true });
  }

  /**
   * Changes how turns are taken, or the words that the recogniser is told to listen for, from now on. An agent's own settings
   * of turn taking still come first.
   *
   * @throws {AgentError} `session.bad_option` for an option that does not exist or does not fit; nothing changes then.
   */
  updateOptions(
    options: { readonly turnHandling?: TurnHandlingOptions; readonly keyterms?: readonly string[] },
  ): void {
    checkUpdate(options);
    const { turnHandling, keyterms } = options;
    const core = this["~core"];
    if (turnHandling !== undefined) core.calls.changeTurnHandling(turnHandling);
    if (keyterms !== undefined) core.keyterms.replace(keyterms);
  }

  /**
   * Has another agent take over: the one on stage says what it has to say and leaves. `currentAgent` is the new one at once.
   *
   * @throws {AgentError} `session.no_agent` for something that is no agent; `agent.already_running` for one that is on
   *   another stage.
   */
  updateAgent(agent: Agent): void {
    checkAgent(agent, "hand over");
    const core = this["~core"];
    if (!core.isRunning) core.agent = agent;
    else core.calls.updateAgent(agent);
  }

  /**
   * Resolves when nobody speaks: nothing is said or waits to be said, the user is silent, and no turn is being decided. Tools
   * in the background may be at work.
   *
   * @throws {AgentError} `session.not_running`; rejects with `session.closing` when the session closes first, and with the
   *   signal's reason.
   */
  waitForIdle({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const core = this["~core"];
    core.accepting("wait for silence");
    return core.idle.wait(this["~caller"].holdsFloor === true, signal);
  }

  /** As {@linkcode AgentSession.waitForIdle}, but a session that is not running, or closes, counts as silent. */
  async waitForInactive(): Promise<void> {
    const core = this["~core"];
    if (core.isClosing) return;
    await core.idle.wait(this["~caller"].holdsFloor === true).catch(() => {}); // it can only have closed
  }

  /** Has the agent say what it has to say, and then nothing more. The session stays open. Rejects when it is not running. */
  async drain(): Promise<void> {
    this["~core"].accepting("drain");
    await this["~core"].calls.drain();
  }

  /**
   * Resolves when nothing is said, asked, decided or run any more, whoever is on stage by then.
   *
   * @throws {AgentError} `session.not_running` before `start()` and when it closes meanwhile.
   */
  async waitForQuiet(): Promise<void> {
    const core = this["~core"];
    core.accepting("wait for a quiet session");
    await untilQuiet(core);
    core.accepting("wait for a quiet session");
  }

  /**
   * The session as a plain value: history, agents by id, user data, options changed at run time, usage. Only at a quiet
   * point, or after the close. Models and tools are not in it: they come with the agents.
   *
   * @throws {AgentError} `session.not_running` before `start()`; `snapshot.not_quiet` while something is at work: see
   *   `waitForQuiet()`; `snapshot.bad_user_data` for user data that is not plain JSON.
   *
   * @example Put a conversation down, and pick it up in another process
   * ```ts
   * await session.waitForQuiet();
   * const saved = JSON.stringify(session.snapshot());
   * // elsewhere
   * const next = new AgentSession({ llm });
   * await next.resume(JSON.parse(saved), { agents: { host: () => new Host() } });
   * ```
   */
  snapshot(): SessionSnapshot {
    return takeSnapshot(this["~core"]);
  }

  /**
   * Starts this session where another one was put down. Nobody enters: `onEnter` ran before. Items that are added from now
   * on are younger than those of the snapshot, whatever the clocks say.
   *
   * @param snapshot What `snapshot()` or `suspend()` gave, also after a way through JSON.
   * @throws {AgentError} `session.already_running` when it was started before; `snapshot.bad_value` for something that is
   *   no snapshot of this version; `snapshot.unknown_agent` for an agent that `agents` does not make;
   *   `session.start_failed` when `io` cannot be attached.
   */
  async resume(snapshot: unknown, options: ResumeOptions<UserData>): Promise<void> {
    const { agents, io }: Partial<ResumeOptions<UserData>> = options ?? {};
    const core = this["~core"];
    const { agent, apply } = resume(core, snapshot, (agents ?? {}) as AgentRegistry);
    await core.life.start(agent, io, apply);
  }

  /**
   * Puts the session down: waits until it is quiet, gives its value, and lets everything go as `close()` does. Nobody
   * leaves: `onExit` does not run, and the `close` event says `"suspended"`.
   *
   * @param options `deadline`: milliseconds after which what is still at work is cut off, and goes into the value as such.
   *   Default 20,000.
   * @throws {AgentError} `session.not_running` before `start()`; `snapshot.bad_user_data`.
   */
  suspend({ deadline = CLOSE_LIMIT_MS }: { readonly deadline?: number } = {}): Promise<SessionSnapshot> {
    return suspend(this["~core"], checkDuration("suspend the session", "deadline", deadline));
  }

  /** Closes in the background: after what is to be said, unless `drain` is false. */
  shutdown(
    { drain = true, reason = "user_initiated" }: { readonly drain?: boolean; readonly reason?: CloseReason } = {},
  ): void {
    void this["~close"](reason, drain, CLOSE_LIMIT_MS);
  }

  /**
   * Ends the conversation, and resolves when everything of it is over: no timer, stream or task is left. What the user said
   * last goes into the history. Idempotent.
   *
   * @param options `deadline`: milliseconds after which whatever is still alive is cut off. Default 20,000.
   */
  close({ deadline = CLOSE_LIMIT_MS }: { readonly deadline?: number } = {}): Promise<void> {
    return this["~close"]("user_initiated", false, deadline);
  }

  /**
   * The user takes a turn otherwise than by voice, such as a message that is being handled: until the function that is returned is
   * called, the user counts as speaking, and nobody who waits for silence goes on. Claims are counted.
   *
   * @ignore
   */
  "~claimUserTurn"(): () => void {
    const core = this["~core"];
    let isOpen = true;
    core.floor(null, { type: "claim.begin", t: 0 });
    return () => {
      if (isOpen) core.floor(null, { type: "claim.end", t: 0 });
      isOpen = false;
    };
  }

  /** @ignore */
  "~close"(reason: CloseReason, drain: boolean, deadline: number): Promise<void> {
    return this["~core"].life.close(reason, drain, checkDuration("close the session", "deadline", deadline));
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** From where a face is used: as it was handed out, or as the code that calls it runs. */
function callerOf(session: AgentSession): Caller {
  if (session["~caller"] !== PROGRAM) return session["~caller"];
  const scope = scopeHere();
  return scope?.activity.core === session["~core"] ? scope.caller : PROGRAM;
}

function checkAgent(agent: unknown, action: string): asserts agent is Agent {
  if (agent instanceof Agent) return;
  throw new AgentError(
    "session.no_agent",
    `Cannot ${action} as \`agent\` must be an Agent: current value is ${agent === null ? "null" : typeof agent}`,
  );
}

/** Programs that come from elsewhere hand over a room. */
function refuseRoom(options: StartOptions): void {
  if (!("room" in options)) return;
  throw new AgentError(
    "session.bad_option",
    "Cannot start in a `room` as it must be joined by `io: roomIO(room)`, from `@repartee/agents/livekit`: current value is a `room`",
  );
}

function checkDuration(action: string, name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new AgentError(
    "session.bad_option",
    `Cannot ${action} as \`${name}\` must be milliseconds of 0 or more: current value is ${value}`,
  );
}
