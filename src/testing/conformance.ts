/**
 * Plays a conformance scenario through a real session on a virtual clock, and records what happens.
 *
 * @module
 */
import { audioFrame } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import type { ChatItem } from "../chat/item.ts";
import { chatMessage } from "../chat/make.ts";
import { ChatContext } from "../chat/context.ts";
import { pacedSink } from "../io/paced_sink.ts";
import type { PlayoutSink, TranscriptSink } from "../io/playout.ts";
import { APIConnectionError } from "../model/error.ts";
import type { TimedString } from "../model/marks.ts";
import { Agent, type HookContext, type MutableMessage } from "../session/agent.ts";
import { AgentSession } from "../session/agent_session.ts";
import type { AgentSessionOptions, TurnHandlingOptions } from "../session/options.ts";
import type { RunResult } from "../session/run_result.ts";
import type { SpeechHandle } from "../session/speech_handle.ts";
import { tool as defineTool } from "../tool/define.ts";
import { StopResponse, ToolError } from "../tool/error.ts";
import { handoff } from "../tool/result.ts";
import type { RunContext } from "../tool/context.ts";
import type { AnyTool } from "../tool/tool.ts";
import type { VirtualRuntime } from "../../adapters/runtime/virtual.ts";
import {
  type DetectorScript,
  type LLMEntry,
  type Observe,
  parsed,
  scenarioDetector,
  scenarioLLM,
  scenarioSTT,
  scenarioTTS,
  scenarioVAD,
  type TTSScript,
  wait,
} from "./conformance_models.ts";

/** One thing that a scenario does. */
export interface Step {
  /** What is done, by name; the other fields belong to it. */
  readonly do: string;
  /** When, in virtual milliseconds. */
  readonly t?: number;
  /** What belongs to this kind. */
  readonly [field: string]: unknown;
}

/** Something that was observed. */
export interface Observed {
  /** When, in virtual milliseconds. */
  readonly t: number;
  /** What happened, by name. */
  readonly ev: string;
  /** What belongs to this kind. */
  readonly [field: string]: unknown;
}

/** What a scenario expects. */
export interface Expectation {
  /** What happens, in order. */
  readonly events: readonly Observed[];
  /** What the history holds at the end. */
  readonly history: readonly Readonly<Record<string, unknown>>[];
  /** States at the end. */
  readonly final: Readonly<Record<string, unknown>>;
}

/** A scenario, as its file says it. */
export interface Scenario {
  /** Names the scenario, uniquely. */
  readonly name: string;
  /** What it is filed under. */
  readonly topic: string;
  /** What it shows, in a sentence. */
  readonly about: string;
  /** Numbers of the deliberate differences that it touches. */
  readonly differs?: readonly string[];
  /** By voice or by text. */
  readonly mode: "audio" | "text";
  /** Kinds of models that the session has. */
  readonly models: readonly string[];
  /** What the place can do. */
  readonly io?: {
    readonly canPause?: boolean;
    readonly captions?: boolean;
    readonly sync?: boolean;
    readonly audioInput?: boolean;
  };
  /** Options of the session. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The agents, by id. */
  readonly agents: Readonly<Record<string, ScenarioAgent>>;
  /** The tools, by name. */
  readonly tools?: Readonly<
    Record<string, { readonly parameters?: Readonly<Record<string, string>>; readonly do: readonly Step[] }>
  >;
  /** What a listener calls off when tools have run. */
  readonly onToolsExecuted?: readonly string[];
  /** The agent it starts with. */
  readonly start: string;
  /** The result of `start` is observed too. */
  readonly captureRun?: boolean;
  /** What the models do. */
  readonly script: { readonly llm?: readonly LLMEntry[]; readonly tts?: TTSScript; readonly detector?: DetectorScript };
  /** What happens from outside, in order of time. */
  readonly input: readonly Step[];
  /** When it ends, in virtual milliseconds. */
  readonly end: number;
  /** What the reference did. */
  readonly expect: Expectation;
  /** What a later version of the reference did. */
  readonly expectLater?: Expectation & { readonly version: string };
  /** What must be and must not be seen where we differ on purpose. */
  readonly expectOurs?: {
    readonly include?: readonly Observed[];
    readonly exclude?: readonly Observed[];
    readonly history?: readonly Readonly<Record<string, unknown>>[];
    readonly historyEnds?: readonly Readonly<Record<string, unknown>>[];
  };
  /** By how many words a cut text may differ. Default 0. */
  readonly wordTolerance?: number;
}

/** An agent of a scenario. */
export interface ScenarioAgent {
  /** The system prompt. */
  readonly instructions: string;
  /** The tools, by name. */
  readonly tools?: readonly string[];
  /** What it knows from before. */
  readonly chatCtx?: readonly { readonly role: string; readonly text: string }[];
  /** Options of the session. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** It is a task, which completes. */
  readonly task?: true;
  /** What its hook does. */
  readonly onEnter?: readonly Step[];
  /** What its hook does. */
  readonly onExit?: readonly Step[];
  /** What its hook does. */
  readonly onUserTurnCompleted?: readonly Step[];
}

/** What a scenario did. */
export interface Played {
  /** What happens, in order. */
  readonly events: readonly Observed[];
  /** What the history holds at the end. */
  readonly history: readonly Readonly<Record<string, unknown>>[];
  /** States at the end. */
  readonly final: Readonly<Record<string, unknown>>;
  /** Nothing is left: no handle open, no timer armed. Known after the session was closed at the end. */
  readonly quiet: boolean;
}

/** The bounds of what this player can play. */
export class UnplayableError extends Error {}

/**
 * Plays a scenario.
 *
 * @param options `compat`: the session's mode; `runtime`: a fresh virtual one.
 * @throws {UnplayableError} for a step that the player does not know.
 */
export async function playScenario(
  scenario: Scenario,
  options: { readonly compat: "fixed" | "reference"; readonly runtime: VirtualRuntime },
): Promise<Played> {
  return await new Player(scenario, options.compat, options.runtime).play();
}

class Player {
  readonly #s: Scenario;
  readonly #runtime: VirtualRuntime;
  readonly #events: Observed[] = [];
  readonly #session: AgentSession;
  readonly #stt = scenarioSTT();
  readonly #vad = scenarioVAD();
  readonly #vars = new Map<string, unknown>();
  readonly #agents = new Map<string, Agent>();
  readonly #handles = new Set<SpeechHandle>();
  readonly #userData = new Map<string, unknown>();
  readonly #tasks: Promise<unknown>[] = [];

  constructor(scenario: Scenario, compat: "fixed" | "reference", runtime: VirtualRuntime) {
    this.#s = scenario;
    this.#runtime = runtime;
    const observe = this.#observe;
    const has = (model: string): boolean => scenario.models.includes(model);
    const { clock } = runtime;
    this.#session = new AgentSession({
      ...sessionOptions(scenario, () => scenarioDetector(scenario.script.detector ?? { answers: {} }, clock, observe)),
      compat,
      runtime,
      ...(has("llm") && { llm: scenarioLLM(scenario.script.llm ?? [], clock, observe) }),
      ...(has("tts") && { tts: scenarioTTS(scenario.script.tts ?? { ttfbMs: 0, msPerChar: 50 }, clock, observe) }),
      ...(has("stt") && { stt: this.#stt.stt }),
      ...(has("vad") && { vad: this.#vad.vad }),
      tools: ((scenario.options?.["tools"] ?? []) as string[]).map((name) => this.#tool(name)),
      userData: this.#userData,
      logger: {
        debug() {},
        info() {},
        warn() {},
        error: (message, fields) => void this.#errors.push(`${message} ${String(fields?.["error"])}`),
      },
    });
    this.#listen();
  }

  readonly #errors: string[] = [];
  #unplayable: UnplayableError | undefined;

  readonly #observe: Observe = (ev, fields = {}) => {
    this.#events.push({ t: Math.round(this.#runtime.clock.now()), ev, ...fields });
  };

  async play(): Promise<Played> {
    const { clock } = this.#runtime;
    const s = this.#s;
    if (s.mode === "audio") {
      if (s.io?.audioInput !== false) this.#session.input.audio = this.#microphone();
      this.#session.output.audio = this.#sink(s.io?.canPause ?? true);
    }
    if (s.io?.captions || s.io?.sync) this.#session.output.transcription = this.#captions();
    this.#session.output.syncTranscription = s.io?.sync ?? false;
    const agent = this.#agent(s.start);
    if (s.captureRun) throw new UnplayableError("captureRun");
    this.#tasks.push(this.#session.start({ agent }));
    for (const step of s.input) {
      clock.schedule(step.t ?? 0, () => void this.#task(step));
    }
    await clock.runUntil(s.end);
    if (this.#unplayable !== undefined) throw this.#unplayable;
    const history = this.#session.history.items.map(historyItem).filter((item) => item !== undefined);
    const final = {
      agent: this.#session.currentAgent.id,
      agentState: this.#session.agentState,
      userState: this.#session.userState,
    };
    const events = this.#events.filter(({ t }) => t <= s.end);
    let isClosed = false;
    void this.#session.close().then(() => void (isClosed = true));
    await clock.runUntil(s.end + 120_000);
    const open = [...this.#handles].filter((handle) => !handle.done()).length;
    return { events, history, final, quiet: isClosed && open === 0 };
  }

  // --- inputs -------------------------------------------------------------------------------------------------------

  #microphone(): ReadableStream<ReturnType<typeof audioFrame>> {
    const { clock } = this.#runtime;
    let off = (): void => {};
    return new ReadableStream({
      start: (controller) => {
        const next = (at: number): void => {
          off = clock.schedule(at, () => {
            controller.enqueue(audioFrame(new Int16Array(100), 1_000));
            if (at < this.#s.end) next(at + 100);
          });
        };
        next(100);
      },
      cancel: () => off(),
    }, { highWaterMark: 1_000 });
  }

  async #task(step: Step): Promise<void> {
    try {
      await this.#do(step, undefined);
    } catch (error) {
      if (error instanceof UnplayableError) this.#unplayable ??= error;
      this.#observe("step_failed", { do: step.do });
    }
  }

  async #do(step: Step, ctx: Scope | undefined): Promise<void> {
    const session = ctx?.session ?? this.#session;
    const { clock } = this.#runtime;
    const name = step["as"] as string | undefined;
    switch (step.do) {
      case "speech":
        return this.#speech(step.t ?? 0, step["until"] as number, (step["vadSilence"] as number | undefined) ?? 550);
      case "vad":
        return this.#vad.told.tell({
          type: ({ start: "start_of_speech", inference: "inference_done", end: "end_of_speech" } as const)[
            step["kind"] as "start"
          ],
          timestampMs: clock.now(),
          speechDurationMs: (step["speechMs"] as number | undefined) ?? 0,
          silenceDurationMs: (step["silenceMs"] as number | undefined) ?? 0,
          rawSpeechMs: (step["rawSpeechMs"] as number | undefined) ?? 0,
          rawSilenceMs: (step["rawSilenceMs"] as number | undefined) ?? 0,
          speaking: (step["speaking"] as boolean | undefined) ?? true,
          probability: 1,
          inferenceDurationMs: 0,
        });
      case "stt":
        return this.#sttEvent(step);
      case "sttError":
        return this.#stt.told.fail(new APIConnectionError({ message: "scripted failure" }));
      case "say": {
        const handle = session.say(step["text"] as string, {
          ...(step["allowInterruptions"] !== undefined &&
            { allowInterruptions: step["allowInterruptions"] as boolean }),
          ...(step["addToChatCtx"] !== undefined && { addToChatCtx: step["addToChatCtx"] as boolean }),
        });
        this.#watch(handle, name);
        if (step["await"] === true) await handle;
        return;
      }
      case "generateReply": {
        const { userInput, instructions, toolChoice, tools, allowInterruptions } = step as Record<string, unknown>;
        const handle = session.generateReply({
          ...(userInput !== undefined && { userInput: userInput as string }),
          ...(instructions !== undefined && { instructions: instructions as string }),
          ...(toolChoice !== undefined && { toolChoice: toolChoice as "auto" }),
          ...(tools !== undefined && { tools: tools as string[] }),
          ...(allowInterruptions !== undefined && { allowInterruptions: allowInterruptions as boolean }),
        });
        this.#watch(handle, name);
        if (step["await"] === true) await handle;
        return;
      }
      case "run": {
        const result = session.run({ userInput: step["text"] as string });
        this.#tasks.push(this.#runDone(name ?? "run", result));
        return;
      }
      case "interrupt":
        await session.interrupt({ force: step["force"] === true });
        if (name !== undefined) this.#observe("interrupt_done", { interrupt: name });
        return;
      case "interruptHandle":
        return void this.#handle(step["handle"], ctx).interrupt({ force: step["force"] === true });
      case "setAllowInterruptions":
        this.#handle(step["handle"], ctx).allowInterruptions = step["value"] as boolean;
        return;
      case "waitForPlayout":
        return await this.#handle(step["handle"], ctx).waitForPlayout();
      case "waitIfNotInterrupted":
        return await this.#handle(step["handle"], ctx).waitIfNotInterrupted([wait(clock, step["ms"] as number)]);
      case "commitUserTurn": {
        const text = await session.commitUserTurn({
          ...(step["transcriptTimeoutMs"] !== undefined &&
            { transcriptTimeout: step["transcriptTimeoutMs"] as number }),
          ...(step["sttFlushMs"] !== undefined && { sttFlushDuration: step["sttFlushMs"] as number }),
          ...(step["skipReply"] !== undefined && { skipReply: step["skipReply"] as boolean }),
        });
        if (name !== undefined) this.#observe("commit_done", { commit: name, text });
        return;
      }
      case "clearUserTurn":
        return session.clearUserTurn();
      case "updateAgent":
        return session.updateAgent(this.#agent(step["agent"] as string));
      case "updateOptions":
        return session.updateOptions({
          turnHandling: turnHandling(step as TurnHandlingOptions, () => this.#detector()),
        });
      case "updateInstructions":
        return this.#agent(step["agent"] as string).updateInstructions(step["text"] as string);
      case "updateTools":
        return this.#agent(step["agent"] as string).updateTools(
          (step["tools"] as string[]).map((tool) => this.#tool(tool)),
        );
      case "updateChatCtx":
        return this.#agent(step["agent"] as string).updateChatCtx(
          chatCtxOf(step["items"] as { role: string; text: string }[]),
        );
      case "close":
        await session.close();
        if (name !== undefined) this.#observe("close_done", { close: name });
        return;
      case "shutdown":
        return session.shutdown({ drain: step["drain"] !== false });
      case "drain":
        await session.drain();
        return this.#observe("drain_done");
      case "setAudioInput":
        return session.input.setAudioEnabled(step["enabled"] as boolean);
      case "setAudioOutput":
        return session.output.setAudioEnabled(step["enabled"] as boolean);
      case "setUserData":
        return void this.#userData.set(step["key"] as string, this.#value(step["value"], ctx));
      case "note":
        return this.#observe("note", { label: step["label"] });
      case "sleep":
        return await wait(clock, step["ms"] as number);
      case "disallowInterruptions":
        return ctx?.run?.disallowInterruptions();
      case "waitForToolPlayout":
        return await ctx?.run?.waitForPlayout();
      case "throw": {
        const message = (step["message"] as string | undefined) ?? "";
        if (step["kind"] === "tool") throw new ToolError(message);
        if (step["kind"] === "stop") throw new StopResponse();
        throw new Error(message);
      }
      case "editMessage":
        if (ctx?.message !== undefined) ctx.message.content = [step["text"] as string];
        return;
      case "addContext":
        ctx?.turnCtx?.addMessage({
          role: step["role"] as "user",
          content: [step["text"] as string],
          createdAt: this.#wall(),
        });
        return;
      default:
        throw new UnplayableError(`the player has no step ${step.do}`);
    }
  }

  #detector() {
    return scenarioDetector(this.#s.script.detector ?? { answers: {} }, this.#runtime.clock, this.#observe);
  }

  #wall(): number {
    return this.#runtime.clock.wallOffset + this.#runtime.clock.now();
  }

  /** The sequence of a voice activity detector for speech from `from` to `until`. */
  #speech(from: number, until: number, silence: number): void {
    const { clock } = this.#runtime;
    const at = (
      t: number,
      type: "start_of_speech" | "inference_done" | "end_of_speech",
      raw: readonly [number, number],
      speech: number,
      quiet: number,
    ): void =>
      void clock.schedule(t, () =>
        this.#vad.told.tell({
          type,
          timestampMs: t,
          speechDurationMs: speech,
          silenceDurationMs: quiet,
          rawSpeechMs: raw[0],
          rawSilenceMs: raw[1],
          speaking: type !== "end_of_speech",
          probability: 1,
          inferenceDurationMs: 0,
        }));
    at(from + 50, "start_of_speech", [50, 0], 50, 0);
    for (let x = from + 100; x < until + silence; x += 50) {
      at(x, "inference_done", x <= until ? [x - from, 0] : [0, x - until], x - from, x <= until ? 0 : x - until);
    }
    at(until + silence, "end_of_speech", [0, silence], until - from, silence);
  }

  #sttEvent(step: Step): void {
    const kind = step["kind"] as string;
    if (kind === "start") return this.#stt.told.tell({ type: "start_of_speech" });
    if (kind === "end") return this.#stt.told.tell({ type: "end_of_speech" });
    this.#stt.told.tell({
      type: `${kind}_transcript` as "final_transcript",
      alternatives: [{ text: step["text"] as string, language: "en", confidence: 0.9, startTimeMs: 0, endTimeMs: 0 }],
    });
  }

  // --- agents and tools ---------------------------------------------------------------------------------------------

  #agent(id: string): Agent {
    const known = this.#agents.get(id);
    if (known !== undefined) return known;
    const spec = this.#s.agents[id] as ScenarioAgent;
    if (spec.task) throw new UnplayableError("tasks");
    const agent = new ScriptedAgent(id, spec, {
      tools: (spec.tools ?? []).map((name) => this.#tool(name)),
      options: spec.options as TurnHandlingOptions | undefined,
      detector: () => this.#detector(),
      play: (hook, steps, scope) => {
        this.#observe("hook", { agent: id, hook, ...(scope.message && { text: scope.message.textContent ?? "" }) });
        return this.#steps(steps, scope);
      },
    });
    this.#agents.set(id, agent);
    return agent;
  }

  #tool(name: string): AnyTool {
    const spec = this.#s.tools?.[name] ?? { do: [] };
    const properties: Record<string, unknown> = {};
    const required: string[] = [];
    const types = spec.parameters ?? {};
    for (const [key, type] of Object.entries(types)) {
      const base = type.replace("?", "");
      properties[key] = type.endsWith("?") ? { type: [base, "null"], default: null } : { type: base };
      if (!type.endsWith("?")) required.push(key);
    }
    const jsonSchema = { type: "object", properties, required };
    return defineTool({
      name,
      description: name,
      parameters: { jsonSchema, schema: checked(types) },
      execute: (args, { ctx }) =>
        this.#steps(spec.do, {
          run: ctx as RunContext,
          session: ctx.session as AgentSession,
          args: args as Record<string, unknown>,
        }),
    });
  }

  async #steps(steps: readonly Step[], scope: Scope): Promise<unknown> {
    for (const step of steps) {
      if (step.do === "return") {
        const agent = step["agent"] === undefined ? undefined : this.#agent(step["agent"] as string);
        const value = "value" in step ? this.#value(step["value"], scope) : undefined;
        if (agent === undefined) return value;
        return handoff({ agent, ...(value !== undefined && { returns: value }) } as Parameters<typeof handoff>[0]);
      }
      await this.#do(step, scope);
    }
    return undefined;
  }

  #value(value: unknown, scope: Scope | undefined): unknown {
    if (typeof value !== "object" || value === null) return value;
    const v = value as Record<string, unknown>;
    if ("arg" in v) return scope?.args?.[v["arg"] as string];
    if ("var" in v) return this.#vars.get(v["var"] as string);
    if ("userData" in v) return this.#userData.get(v["userData"] as string);
    if ("join" in v) return (v["join"] as unknown[]).map((part) => String(this.#value(part, scope))).join("");
    return value;
  }

  // --- observing ----------------------------------------------------------------------------------------------------

  #watch(handle: SpeechHandle, name: string | undefined): void {
    this.#handles.add(handle);
    if (name === undefined) return;
    this.#vars.set(name, handle);
    handle.addDoneCallback(() => this.#observe("handle_done", { handle: name, interrupted: handle.interrupted }));
  }

  #handle(name: unknown, ctx: Scope | undefined): SpeechHandle {
    return name === "$speech" ? ctx?.run?.speechHandle as SpeechHandle : this.#vars.get(name as string) as SpeechHandle;
  }

  async #runDone(run: string, result: RunResult): Promise<void> {
    try {
      await result;
      let finalOutput: { finalOutput?: unknown } = {};
      try {
        finalOutput = { finalOutput: result.finalOutput };
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
      }
      this.#observe("run_done", { run, events: result.events.map(({ item }) => historyItem(item)), ...finalOutput });
    } catch {
      this.#observe("run_failed", { run });
    }
  }

  #listen(): void {
    const session = this.#session;
    const { wallOffset } = this.#runtime.clock;
    for (const name of ["user_state_changed", "agent_state_changed"] as const) {
      session.on(name, (event) => {
        const at = Math.round(event.createdAt - wallOffset);
        const now = Math.round(this.#runtime.clock.now());
        this.#observe(name, {
          from: event.oldState,
          to: event.newState,
          ...(name === "user_state_changed" && at !== now && { at }),
        });
      });
    }
    session.on("agent_false_interruption", ({ resumed }) => this.#observe("agent_false_interruption", { resumed }));
    session.on(
      "user_input_transcribed",
      ({ transcript, isFinal }) => this.#observe("user_input_transcribed", { text: transcript, isFinal }),
    );
    session.on("conversation_item_added", ({ item }) => {
      const metrics = item.type === "message" ? item.metrics : {};
      const told: Record<string, number> = {};
      for (
        const key of [
          "startedSpeakingAt",
          "stoppedSpeakingAt",
          "transcriptionDelay",
          "endOfTurnDelay",
          "e2eLatency",
        ] as const
      ) {
        const value = metrics[key];
        if (value !== undefined) told[key] = Math.round(key.endsWith("At") ? value - wallOffset : value);
      }
      this.#observe("conversation_item_added", {
        item: historyItem(item),
        ...(Object.keys(told).length > 0 && { metrics: told }),
      });
    });
    session.on("function_tools_executed", (event) => {
      for (const method of this.#s.onToolsExecuted ?? []) event[method as "cancelToolReply"]();
      const calls = event.zipped().map(([call, output]) => ({
        name: call.name,
        id: call.callId,
        output: output.output,
        isError: output.isError,
      }));
      calls.sort((a, b) => a.id < b.id ? -1 : 1);
      this.#observe("function_tools_executed", { calls });
    });
    session.on("speech_created", ({ source, userInitiated, speechHandle }) => {
      this.#handles.add(speechHandle);
      this.#observe("speech_created", { source, userInitiated });
    });
    session.on("error", ({ error }) => {
      if (error.type !== "session_error") {
        this.#observe("error", { source: error.type, recoverable: error.recoverable });
      }
    });
    session.on("close", ({ reason, error }) => {
      this.#observe("close", { reason, ...(error !== undefined && { error: true }) });
    });
  }

  #sink(canPause: boolean): PlayoutSink {
    const sink = pacedSink(this.#runtime.clock, { aheadMs: Infinity });
    const observe = this.#observe;
    let isPaused = false;
    const open = new Set<string>();
    let cutCount = 0;
    let isResumeLate = false;
    const acks = sink.acks.pipeThrough(
      new TransformStream({
        transform(ack, controller) {
          if (ack.type === "started") observe("playout_started");
          if (ack.type === "finished" || ack.type === "cleared") {
            const isCut = ack.type === "cleared";
            open.delete(ack.segmentId);
            observe("playout_finished", { positionMs: Math.round(ack.positionMs), interrupted: isCut });
            if (isCut && cutCount > 0 && --cutCount === 0 && isResumeLate) {
              isResumeLate = false;
              observe("playout_resumed");
            }
          }
          controller.enqueue(ack);
        },
      }),
    );
    return {
      capabilities: { pause: canPause },
      acks,
      open(id) {
        open.add(id);
        return sink.open(id);
      },
      pause() {
        if (!isPaused) observe("playout_paused");
        isPaused = true;
        sink.pause();
      },
      resume() {
        // The sink answers a clear a moment later; what comes after it is told after the answer.
        if (isPaused && cutCount > 0) isResumeLate = true;
        else if (isPaused) observe("playout_resumed");
        isPaused = false;
        sink.resume();
      },
      clear() {
        if (open.size > 0) observe("playout_cleared");
        cutCount += open.size;
        open.clear();
        sink.clear();
      },
    };
  }

  #captions(): TranscriptSink {
    return {
      open: () => {
        let text = "";
        return new WritableStream<TimedString>({
          write: (word) => void (text += word.text),
          close: () => this.#observe("captions", { text }),
        });
      },
    };
  }
}

/** What steps can reach from where they run. */
interface Scope {
  readonly session?: AgentSession;
  readonly run?: RunContext;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly turnCtx?: ChatContext;
  readonly message?: MutableMessage;
}

interface Scripts {
  readonly tools: readonly AnyTool[];
  readonly options: TurnHandlingOptions | undefined;
  readonly detector: () => ReturnType<typeof scenarioDetector>;
  readonly play: (hook: string, steps: readonly Step[], scope: Scope) => Promise<unknown>;
}

class ScriptedAgent extends Agent {
  readonly #spec: ScenarioAgent;
  readonly #scripts: Scripts;

  constructor(id: string, spec: ScenarioAgent, scripts: Scripts) {
    const raw = (spec.options ?? {}) as Record<string, unknown>;
    const { turnHandling: turn, ...rest } = raw;
    super({
      id,
      instructions: spec.instructions,
      tools: scripts.tools,
      ...(spec.chatCtx && { chatCtx: chatCtxOf(spec.chatCtx) }),
      ...rest,
      ...(turn !== undefined && { turnHandling: turnHandling(turn as TurnHandlingOptions, scripts.detector) }),
    });
    this.#spec = spec;
    this.#scripts = scripts;
  }

  override async onEnter({ session }: HookContext): Promise<void> {
    if (this.#spec.onEnter !== undefined) await this.#scripts.play("onEnter", this.#spec.onEnter, { session });
  }

  override async onExit({ session }: HookContext): Promise<void> {
    if (this.#spec.onExit !== undefined) await this.#scripts.play("onExit", this.#spec.onExit, { session });
  }

  override async onUserTurnCompleted(
    turnCtx: ChatContext,
    message: MutableMessage,
    { session }: HookContext,
  ): Promise<void> {
    if (this.#spec.onUserTurnCompleted === undefined) return;
    await this.#scripts.play("onUserTurnCompleted", this.#spec.onUserTurnCompleted, { session, turnCtx, message });
  }
}

function chatCtxOf(lines: readonly { readonly role: string; readonly text: string }[]): ChatContext {
  return new ChatContext(
    lines.map(({ role, text }, index) =>
      chatMessage({ id: `given_${index}`, createdAt: 0, role: role as "user", content: [text] })
    ),
  );
}

function sessionOptions(scenario: Scenario, detector: () => ReturnType<typeof scenarioDetector>): AgentSessionOptions {
  const { turnHandling: turn, tools: _tools, connOptions, ...rest } = (scenario.options ?? {}) as Record<
    string,
    unknown
  >;
  const conn = connOptions as Record<string, Record<string, number>> | undefined;
  const one = (kind: string) => {
    const o = conn?.[kind];
    return o === undefined ? {} : {
      [`${kind}ConnOptions`]: {
        ...(o["maxRetry"] !== undefined && { maxRetry: o["maxRetry"] }),
        ...(o["retryInterval"] !== undefined && { retryIntervalMs: o["retryInterval"] }),
        ...(o["timeout"] !== undefined && { timeoutMs: o["timeout"] }),
      },
    };
  };
  return {
    aecWarmupDuration: null,
    ...rest,
    ...(turn !== undefined && { turnHandling: turnHandling(turn as TurnHandlingOptions, detector) }),
    ...(conn !== undefined && {
      connOptions: {
        ...one("llm"),
        ...one("stt"),
        ...one("tts"),
        ...(typeof conn["maxUnrecoverableErrors"] === "number" &&
          { maxUnrecoverableErrors: conn["maxUnrecoverableErrors"] }),
      },
    }),
  };
}

function turnHandling(
  options: TurnHandlingOptions,
  detector: () => ReturnType<typeof scenarioDetector>,
): TurnHandlingOptions {
  const { turnDetection, endpointing, interruption, preemptiveGeneration } = options as Record<string, unknown>;
  return {
    ...(turnDetection !== undefined && { turnDetection: turnDetection === "detector" ? detector() : turnDetection }),
    ...(endpointing !== undefined && { endpointing }),
    ...(interruption !== undefined && { interruption }),
    ...(preemptiveGeneration !== undefined && { preemptiveGeneration }),
  } as TurnHandlingOptions;
}

/** A Standard Schema of a scenario's simple types. */
function checked(types: Readonly<Record<string, string>>) {
  return {
    "~standard": {
      version: 1 as const,
      vendor: "scenario",
      validate: (value: unknown) => {
        const input = value as Record<string, unknown>;
        const out: Record<string, unknown> = {};
        const issues: { message: string; path: string[] }[] = [];
        for (const [key, type] of Object.entries(types)) {
          const base = type.replace("?", "");
          const given = input[key];
          if (given === undefined || given === null) {
            if (type.endsWith("?")) out[key] = null;
            else issues.push({ message: "is missing", path: [key] });
          } else if (base === "integer" ? !Number.isInteger(given) : String(typeof given) !== base) {
            issues.push({ message: `must be of type ${base}`, path: [key] });
          } else out[key] = given;
        }
        return issues.length > 0 ? { issues } : { value: out };
      },
    },
  };
}

/** An item as a scenario's history writes it. */
export function historyItem(item: ChatItem): Readonly<Record<string, unknown>> | undefined {
  switch (item.type) {
    case "message":
      return {
        type: "message",
        role: item.role,
        text: item.textContent ?? "",
        ...(item.interrupted && { interrupted: true }),
      };
    case "function_call":
      return { type: "function_call", name: item.name, id: item.callId, args: parsed(item.args) };
    case "function_call_output":
      return {
        type: "function_call_output",
        name: item.name,
        id: item.callId,
        output: item.output,
        isError: item.isError,
      };
    case "agent_handoff":
      return { type: "agent_handoff", from: item.oldAgentId, to: item.newAgentId };
    default:
      return undefined;
  }
}
