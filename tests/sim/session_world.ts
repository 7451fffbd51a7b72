/**
 * A world of one whole session on the virtual runtime: scripted models, tools, agents and a sink, with the faults of the
 * script. What the user says comes as events of a detector and a recogniser; no sound is made for it.
 */
import { type VirtualClock, virtualRuntime } from "../../adapters/runtime/virtual.ts";
import type { AudioFrame } from "../../src/audio/frame.ts";
import { AgentError } from "../../src/base/error.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import type { PlayoutAck, PlayoutSink, TranscriptSink } from "../../src/io/playout.ts";
import type { TurnDetector } from "../../src/model/turn_detector.ts";
import { Agent, type HookContext, type MutableMessage } from "../../src/session/agent.ts";
import { AgentTask } from "../../src/session/agent_task.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import type { AgentSessionOptions } from "../../src/session/options.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import { type ScriptedSTT, scriptedSTT, type ScriptedVAD, scriptedVAD } from "../../src/testing/scripted_ears.ts";
import { type ScriptedLLM, scriptedLLM, type ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { scriptedTTS } from "../../src/testing/scripted_tts.ts";
import { tool } from "../../src/tool/define.ts";
import { StopResponse, ToolError } from "../../src/tool/error.ts";
import type { AnyTool } from "../../src/tool/tool.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import type { Wait } from "./machine_world.ts";
import { type Act, type AgentKind, type Cue, draw, type Event, type Fault, type Script } from "./script.ts";

/** Milliseconds of sound that a character takes. */
export const MS_PER_CHAR = 20;
const NAME = { model: 1, tool: 2, hook: 3, detector: 4, sink: 5, toolset: 7, voice: 8, task: 9 };
/** Requests of a world that have a script of their own. Those behind them answer at once. */
const REQUESTS = 24;
/** All that the agents of a world say. */
export const SAYINGS = [
  "That is how it is with these things, I am afraid.",
  "One moment.",
  "Yes. The shop opens at ten, and closes at four in the afternoon.",
  "I am here now.",
  "Goodbye then.",
  "This may not be interrupted.",
  "Something that takes a while to say.",
  "Said within a tool.",
] as const;

/** What a segment at the sink came to, as it truly was. */
export interface Segment {
  readonly id: string;
  startedAt: number | undefined;
  heardMs: number;
  /** When it was over. */
  endedAt: number | undefined;
  /** Why: it was heard to its end, or cut. */
  end: "finished" | "cleared" | undefined;
}

/** A call of a tool that has begun. */
export interface Call {
  readonly id: string;
  readonly name: string;
  result: string | undefined;
  endedAt: number | undefined;
}

/** The world. */
export class SessionWorld {
  readonly script: Script;
  readonly clock: VirtualClock;
  readonly session: AgentSession;
  readonly llm: ScriptedLLM;
  /** Told every line of the flight recorder. */
  onRecord: (record: TraceRecord) => void = () => {};
  readonly waits: Wait[] = [];
  readonly handles: Set<SpeechHandle> = new Set();
  /** Texts of finals: words of their own, but for hums. */
  readonly finals: string[] = [];
  readonly segments: Map<string, Segment> = new Map();
  /** Some task's people never answer: whoever waits for it may wait for ever. */
  hasEndlessTask = false;
  readonly calls: Map<string, Call> = new Map();
  /** What must not be: what a call threw that is no refusal, and orders that failed. */
  readonly broken: string[] = [];
  readonly events: string[] = [];
  isLeftAlone = false;
  readonly #stt: ScriptedSTT = scriptedSTT();
  readonly #vad: ScriptedVAD = scriptedVAD();
  readonly #faults: ReadonlySet<Fault>;
  readonly #cues: Event[];
  readonly #cueCounts = new Map<Cue, number>();
  #sink: ReturnType<typeof pacedSink>;
  #serial = 0;
  #words = 0;
  #isVadBusy = false;

  constructor(script: Script) {
    const { setup, seed, events } = script;
    this.script = script;
    this.#faults = new Set(script.faults);
    this.#cues = events.filter(({ on }) => on !== undefined);
    const runtime = virtualRuntime({ seed });
    this.clock = runtime.clock;
    const { clock } = this;
    this.llm = scriptedLLM(this.#replies(), { clock });
    const hangs = this.#has("tts is silent") ? [SAYINGS[0], SAYINGS[6]] : [];
    const errors = this.#has("tts fails") ? [{ text: SAYINGS[2], retryable: false }] : [];
    const tts = scriptedTTS({ ttfbMs: 120, msPerChar: MS_PER_CHAR, hangs, errors }, {
      clock,
      sampleRate: 1_000,
      frameMs: 400,
    });
    this.session = new AgentSession({
      runtime,
      llm: this.llm,
      tts: setup.voice ? tts : null,
      stt: setup.hasStt ? this.#stt : null,
      vad: setup.hasVad ? this.#vad : null,
      ...this.#options(),
      trace: new WritableStream<TraceRecord>({ write: (record) => this.onRecord(record) }),
      logger: {
        debug() {},
        info() {},
        warn() {},
        error: (message, fields) => {
          if (message === "an order failed" || message === "a listener failed") {
            this.broken.push(
              `${message}: ${String(fields?.["error"])} ${(fields?.["error"] as Error)?.stack?.split("\n")[1]}`,
            );
          }
        },
      },
    });
    this.#sink = pacedSink(clock);
    if (setup.voice) {
      this.session.output.audio = this.#observed();
      this.session.input.audio = new ReadableStream<AudioFrame>(); // nobody says anything: what is heard comes as events
    }
    if (setup.captions) this.session.output.transcription = captions();
    this.#listen();
    for (const event of events) {
      if (event.on === undefined) clock.schedule(event.t, () => this.#act(event));
    }
  }

  /** Starts the session. */
  async start(kind: AgentKind = "plain"): Promise<void> {
    await this.clock.until(this.session.start({ agent: this.#agent(kind) }));
  }

  /** Goes on with a session that was put down elsewhere. */
  async resume(snapshot: { readonly agents: readonly { readonly id: string }[] }): Promise<void> {
    const agents: Record<string, () => Agent> = {};
    for (const { id } of snapshot.agents) agents[id] = () => this.#agent("plain", id);
    await this.clock.until(this.session.resume(snapshot, { agents }));
  }

  /** Something that must settle. */
  watched(what: string, work: PromiseLike<unknown>): Wait {
    const wait = { what: `${what} at ${this.clock.now()}`, isSettled: false };
    this.waits.push(wait);
    work.then(() => void (wait.isSettled = true), () => void (wait.isSettled = true));
    return wait;
  }

  /** How many streams of detectors and recognisers are open. */
  get earsOpen(): number {
    return this.#stt.streams.filter(({ isOpen }) => isOpen).length +
      this.#vad.streams.filter(({ isOpen }) => isOpen).length;
  }

  #has(fault: Fault): boolean {
    return this.#faults.has(fault);
  }

  #draw(name: number, index: number): number {
    return draw(this.script.seed, name, index);
  }

  #later(ms: number): Promise<void> {
    return new Promise((go) => void this.clock.schedule(this.clock.now() + ms, go));
  }

  // --- models ----------------------------------------------------------------------------------------------------------

  #options(): Partial<AgentSessionOptions> {
    const { setup } = this.script;
    return {
      compat: setup.compat,
      aecWarmupDuration: setup.aecWarmup,
      userAwayTimeout: setup.userAwayTimeout,
      transcriptionTimeout: setup.transcriptionTimeout,
      minConsecutiveSpeechDelay: setup.pauseBetween,
      turnHandling: {
        ...(setup.detector === "text"
          ? { turnDetection: this.#detector() }
          : canDetect(setup) && { turnDetection: setup.mode }),
        endpointing: { mode: setup.dynamic ? "dynamic" : "fixed", minDelay: setup.minDelay, maxDelay: 3_000 },
        interruption: {
          enabled: setup.enabled,
          minWords: setup.minWords,
          falseInterruptionTimeout: setup.falseInterruptionTimeout,
          resumeFalseInterruption: setup.resume,
        },
        preemptiveGeneration: { enabled: setup.preemptive },
        userTurnLimit: { maxWords: setup.maxWords },
      },
    };
  }

  #replies(): ScriptedReply[] {
    const replies: ScriptedReply[] = [];
    for (let n = 0; n < REQUESTS; n++) {
      const luck = this.#draw(NAME.model, n);
      const which = this.#draw(NAME.voice, n);
      const when = { request: n };
      const ttftMs = 40 + Math.floor(luck * 300);
      const text = SAYINGS[Math.floor(which * 3)] as string;
      if (this.#has("llm fails") && luck < 0.4) replies.push({ when, ttftMs, error: { retryable: luck < 0.2 } });
      else if (this.#has("llm is cut off") && luck > 0.6) {
        replies.push({ when, ttftMs, error: { retryable: false, afterText: text.slice(0, 12) } });
      } else if (this.#has("llm stalls") && luck < 0.5) {
        replies.push({ when, ttftMs, hangs: true, ...(luck < 0.25 && { text }) });
      } else if (this.#has("llm is late") && luck < 0.5) replies.push({ when, ttftMs: 7_000, text });
      else if (which < 0.3) {
        const calls = [{ name: this.#toolFor(n), id: `call${n}a`, args: {} }];
        if (luck < 0.3) calls.push({ name: "quick", id: `call${n}b`, args: {} });
        replies.push({ when, ttftMs, ...(which < 0.2 && { text: SAYINGS[1] }), toolCalls: calls });
      } else replies.push({ when, ttftMs, chunks: [{ text: text.slice(0, 9) }, { text: text.slice(9), afterMs: 30 }] });
    }
    replies.push({ text: SAYINGS[0] });
    return replies;
  }

  #toolFor(n: number): string {
    const luck = this.#draw(NAME.tool, n);
    if (this.#has("tool hangs") && luck < 0.4) return "hangs";
    if (this.#has("tool fails") && luck < 0.5) return "fails";
    if (this.#has("tool speaks") && luck < 0.6) return "speaks";
    if (this.#has("tool hands over") && luck < 0.7) return "moves";
    if (this.#has("tool asks") && luck < 0.8) return "asks";
    return luck < 0.75 ? "quick" : "slow";
  }

  #detector(): TurnDetector {
    let asked = 0;
    return {
      kind: "turn_detector",
      model: "sim",
      provider: "sim",
      supportsLanguage: () => true,
      unlikelyThreshold: () => 0.4,
      predictEndOfTurn: async (_context, { signal }) => {
        const luck = this.#draw(NAME.detector, asked++);
        if (this.#has("detector hangs") && luck < 0.6) return await new Promise<number>(() => {});
        await this.#later(Math.floor(luck * 300));
        signal.throwIfAborted();
        if (this.#has("detector fails") && luck < 0.5) throw new Error("the detector failed");
        return luck;
      },
    };
  }

  // --- agents and tools ------------------------------------------------------------------------------------------------

  #agent(kind: AgentKind, id = `agent${++this.#serial}`): Agent {
    return new SimAgent(id, kind, {
      tools: this.#tools(),
      later: (ms) => this.#later(ms),
      turnHook: () => this.#turnHook(),
      task: () => this.#task(1),
    });
  }

  /** A dialogue that somebody waits for. Some of them ask for another one first, some fail, and some never end. */
  #task(depth: number): AgentTask<string> {
    const n = ++this.#serial;
    const luck = this.#draw(NAME.task, n);
    return new SimTask(`task${n}`, this.#tools(), {
      says: luck < 0.7,
      nested: depth > 0 && luck > 0.6 ? () => this.#task(depth - 1) : undefined,
      ends: async (task) => {
        if (this.#has("tool hangs") && luck < 0.3) {
          this.hasEndlessTask = true;
          return;
        }
        await this.#later(luck < 0.4 ? 0 : 1_800);
        if (!task.done) task.complete(luck > 0.9 ? new ToolError("nobody knows") : `answer ${n}`);
      },
    });
  }

  async #turnHook(): Promise<void> {
    this.#cue("hook runs");
    const n = ++this.#serial;
    const luck = this.#draw(NAME.hook, n);
    if (this.#has("hook hangs") && luck < 0.5) return await new Promise<void>(() => {});
    if (this.#has("hook is slow")) await this.#later(Math.floor(luck * 4_000));
    if (this.#has("hook throws") && luck < 0.5) throw new Error("the hook failed");
    if (this.#has("hook stops") && luck > 0.5) throw new StopResponse();
  }

  #tools(): AnyTool[] {
    interface Ctx {
      readonly session: AgentSession;
      run<T>(task: AgentTask<T>): Promise<T>;
    }
    const make = (name: string, run: (ctx: Ctx) => Promise<unknown>): AnyTool =>
      tool(
        {
          name,
          description: name,
          execute: async (_args: unknown, { ctx, toolCallId }: { ctx: Ctx; toolCallId: string }) => {
            const call: Call = { id: toolCallId, name, result: undefined, endedAt: undefined };
            this.calls.set(toolCallId, call);
            this.#cue("tool starts");
            try {
              const value = await run(ctx);
              call.result = typeof value === "string" ? value : "";
              return value;
            } finally {
              this.#cue("tool ends");
            }
          },
        } as Parameters<typeof tool>[0],
      ) as AnyTool;
    const all: AnyTool[] = [
      make("quick", () => Promise.resolve(`result ${++this.#serial}`)),
      make("slow", async () => {
        await this.#later(2_500);
        return `result ${++this.#serial}`;
      }),
      make("hangs", () => new Promise(() => {})),
      make("fails", async () => {
        await this.#later(100);
        throw new ToolError("it failed");
      }),
      make("asks", async (ctx) => {
        const answer = await ctx.run(this.#task(1));
        return `result ${++this.#serial} ${answer}`;
      }),
      make("speaks", async ({ session }) => {
        session.say(SAYINGS[7]);
        await this.#later(400);
        return `result ${++this.#serial}`;
      }),
      make("moves", async () => {
        await this.#later(50);
        return this.#agent("greets");
      }),
    ];
    return all;
  }

  // --- what happens from outside ---------------------------------------------------------------------------------------

  #cue(cue: Cue): void {
    if (this.#cues.length === 0) return;
    const count = (this.#cueCounts.get(cue) ?? 0) + 1;
    this.#cueCounts.set(cue, count);
    for (const event of this.#cues) {
      if (event.on === cue && event.n === count) {
        this.clock.schedule(this.clock.now() + event.t, () => this.#act(event));
      }
    }
  }

  #act(act: Act): void {
    if (this.isLeftAlone) return;
    try {
      this.#do(act);
    } catch (error) {
      // What is refused is refused with a code.
      if (!(error instanceof AgentError)) this.broken.push(`${act.do} threw ${String(error)}`);
    }
  }

  #do(act: Act): void {
    const { session, clock } = this;
    switch (act.do) {
      case "speak":
        return this.#speak(act);
      case "words":
        return this.#tell(act.kind, act.words);
      case "mark":
        return void this.#stt.push({ type: act.kind === "start" ? "start_of_speech" : "end_of_speech" });
      case "say":
        return void session.say(act.protect ? SAYINGS[5] : SAYINGS[6], {
          addToChatCtx: act.recorded,
          ...(act.protect && { allowInterruptions: false }),
        });
      case "reply":
        return void session.generateReply({
          userInput: "Tell me.",
          ...(act.protect && { allowInterruptions: false }),
        });
      case "run":
        return void this.watched("run", session.run({ userInput: "Hello?" }));
      case "interrupt":
        return void this.watched("interrupt", session.interrupt({ force: act.force }));
      case "cut":
      case "protect": {
        const alive = [...this.handles].filter((handle) => !handle.done());
        const handle = alive[act.n % Math.max(1, alive.length)];
        if (handle === undefined) return;
        if (act.do === "cut") handle.interrupt({ force: act.force });
        else handle.allowInterruptions = act.value;
        return;
      }
      case "commit":
        return void this.watched(
          "commitUserTurn",
          session.commitUserTurn({ skipReply: act.skipReply, transcriptTimeout: 1_500, sttFlushDuration: 1_000 }),
        );
      case "clear":
        return session.clearUserTurn();
      case "agent":
        return session.updateAgent(this.#agent(act.kind));
      case "drain":
        return void this.watched("drain", session.drain());
      case "close":
        return void this.watched(
          "close",
          act.drain ? closed(session, act.deadline) : session.close({ deadline: act.deadline }),
        );
      case "restart":
        if (session.isRunning) return;
        return void this.watched("start", session.start({ agent: this.#agent("plain") }));
      case "options":
        return session.updateOptions({
          turnHandling: {
            interruption: { minDuration: act.minDuration },
            ...(this.script.setup.mode === null && this.script.setup.detector === "none" &&
              (act.mode !== "vad" || this.script.setup.hasVad) && { turnDetection: act.mode }),
          },
        });
      case "tools":
        void session.currentAgent.updateTools(this.#tools().slice(0, act.count + 3));
        return;
      case "mute":
        return session.input.setAudioEnabled(!act.on);
      case "sound":
        return session.output.setAudioEnabled(act.on);
      case "sink":
        if (!this.script.setup.voice) return;
        this.#sink = pacedSink(clock);
        session.output.audio = this.#observed();
        return;
      case "fail":
        if (act.what === "stt") this.#stt.fail(new Error("the recogniser failed"));
        else if (act.what === "vad") this.#vad.fail(new Error("the detector of voice failed"));
        else this.#sink.fail(new Error("the sink failed"));
        return;
      default:
        return act satisfies never;
    }
  }

  #tell(kind: "interim" | "preflight" | "final", count: number, isHum = false): void {
    if (count === 0) return;
    const words: string[] = [];
    for (let index = 0; index < count; index++) words.push(kind === "final" ? `w${++this.#words}` : "hm");
    const text = !isHum ? words.join(" ") : kind === "final" ? "okay" : "mhm";
    const type = `${kind}_transcript` as "final_transcript";
    // A recogniser that nobody listens to has nobody to tell.
    const isHeard = this.#stt.push({
      type,
      alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 0.8 }],
    });
    if (kind === "final" && isHeard) this.finals.push(text);
  }

  #speak(act: Extract<Act, { do: "speak" }>): void {
    const { clock } = this;
    const { hasVad, mode, hasStt } = this.script.setup;
    const from = clock.now();
    const until = from + act.ms;
    const event = (
      type: "start_of_speech" | "inference_done" | "end_of_speech",
      speechMs: number,
      silenceMs: number,
    ) => ({
      type,
      timestampMs: clock.now(),
      speechDurationMs: speechMs,
      silenceDurationMs: silenceMs,
      rawSpeechMs: silenceMs > 0 ? 0 : speechMs,
      rawSilenceMs: silenceMs,
      speaking: type !== "end_of_speech",
      probability: 1,
      inferenceDurationMs: 0,
    });
    if (hasVad && !this.#isVadBusy) {
      this.#isVadBusy = true;
      clock.schedule(from + 50, () => void this.#vad.push(event("start_of_speech", 50, 0)));
      for (let x = from + 150; x < until + 550; x += 150) {
        clock.schedule(x, () => void this.#vad.push(event("inference_done", x - from, Math.max(0, x - until))));
      }
      clock.schedule(until + 550, () => {
        this.#isVadBusy = false;
        if (!act.lost) this.#vad.push(event("end_of_speech", act.ms, 550));
      });
    }
    if (mode === "stt" && hasStt) {
      clock.schedule(from + 100, () => void this.#stt.push({ type: "start_of_speech" }));
      clock.schedule(until + Math.max(600, act.late + 100), () => void this.#stt.push({ type: "end_of_speech" }));
    }
    for (let index = 1; index <= act.interims; index++) {
      const at = Math.round(from + (act.ms * index) / (act.interims + 1));
      clock.schedule(at, () => this.#tell("interim", 1, act.hum));
    }
    if (act.words > 0) clock.schedule(until + act.late, () => this.#tell("final", act.words, act.hum));
  }

  // --- what is observed ------------------------------------------------------------------------------------------------

  #listen(): void {
    const { session } = this;
    session.on("speech_created", ({ speechHandle }) => void this.handles.add(speechHandle));
    session.on("user_state_changed", ({ newState }) => newState === "speaking" && this.#cue("user speaks"));
    session.on("agent_state_changed", ({ newState }) => {
      if (newState === "thinking") this.#cue("agent thinks");
      if (newState === "speaking") this.#cue("agent speaks");
    });
    session.on("conversation_item_added", ({ item }) => {
      if (item.type === "message" && item.role === "user") this.#cue("turn commits");
      if (item.type === "agent_handoff") this.#cue("agent enters");
    });
    session.on("close", () => void this.events.push("close"));
  }

  /** The sink, with what it truly played written down, and acknowledgements that may be lost on their way. */
  #observed(): PlayoutSink {
    const sink = this.#sink;
    const { canPause } = this.script.setup;
    const mine: Segment[] = [];
    const lost = (ack: PlayoutAck): boolean => {
      if (ack.type === "position") return false;
      if (!this.#has(`${ack.type} is lost`)) return false;
      return this.#draw(NAME.sink, hashOf(ack.segmentId)) < 0.5;
    };
    const acks = sink.acks.pipeThrough(
      new TransformStream<PlayoutAck, PlayoutAck>({
        transform: (ack, controller) => {
          const segment = this.segments.get(ack.segmentId);
          if (segment !== undefined) this.#note(segment, ack);
          if (!lost(ack)) controller.enqueue(ack);
        },
      }),
    );
    return {
      capabilities: { pause: canPause },
      acks,
      open: (id, options) => {
        const segment = { id, startedAt: undefined, heardMs: 0, endedAt: undefined, end: undefined };
        mine.push(segment);
        this.segments.set(id, segment);
        return sink.open(id, options);
      },
      pause: () => {
        this.#cue("output pauses");
        sink.pause();
      },
      resume: () => sink.resume(),
      clear: () => {
        // Nobody may be left to read the answer of a sink that was replaced.
        for (const segment of mine) segment.endedAt ??= this.clock.now();
        sink.clear();
      },
    };
  }

  #note(segment: Segment, ack: PlayoutAck): void {
    const now = this.clock.now();
    if (ack.type === "started") {
      for (const other of this.segments.values()) {
        if (other !== segment && other.startedAt !== undefined && other.endedAt === undefined) {
          this.broken.push(`S7: ${segment.id} sounds while ${other.id} does`);
        }
      }
      segment.startedAt = ack.at;
      return;
    }
    segment.heardMs = ack.positionMs;
    if (ack.type === "position") return;
    segment.endedAt = now;
    segment.end = ack.type;
  }
}

/** What the hooks of an agent may use of the world. */
interface Around {
  later(ms: number): Promise<void>;
  turnHook(): Promise<void>;
  task(): AgentTask<string>;
}

/** A dialogue that somebody waits for. */
class SimTask extends AgentTask<string> {
  readonly #o: {
    readonly says: boolean;
    readonly nested: (() => AgentTask<string>) | undefined;
    ends(task: SimTask): Promise<void>;
  };

  constructor(
    id: string,
    tools: readonly AnyTool[],
    o: {
      readonly says: boolean;
      readonly nested: (() => AgentTask<string>) | undefined;
      ends(task: SimTask): Promise<void>;
    },
  ) {
    super({ id, instructions: `You are ${id}.`, tools });
    this.#o = o;
  }

  override async onEnter(ctx: HookContext): Promise<void> {
    const { says, nested, ends } = this.#o;
    if (says) ctx.session.say(SAYINGS[3]);
    if (nested !== undefined) await ctx.run(nested()).catch(() => {}); // it is told why, and goes on
    void ends(this);
  }
}

/** An agent whose hooks do what its kind says. */
class SimAgent extends Agent {
  readonly #kind: AgentKind;
  readonly #world: Around;

  constructor(
    id: string,
    kind: AgentKind,
    world: Around & { readonly tools: readonly AnyTool[] },
  ) {
    super({ id, instructions: `You are ${id}.`, tools: world.tools });
    this.#kind = kind;
    this.#world = world;
  }

  override async onEnter(ctx: HookContext): Promise<void> {
    const { session } = ctx;
    if (this.#kind === "greets") session.say(SAYINGS[3]);
    if (this.#kind === "asks") await ctx.run(this.#world.task()).catch(() => {}); // it is told why, and goes on
    if (this.#kind === "slow") await this.#world.later(2_500);
    if (this.#kind === "stuckEnter") await new Promise<void>(() => {});
    if (this.#kind === "throws") throw new Error("onEnter failed");
  }

  override async onExit(ctx: HookContext): Promise<void> {
    const { session } = ctx;
    if (this.#kind === "asks") await ctx.run(this.#world.task()).catch(() => {}); // as above
    if (this.#kind === "farewell") await session.say(SAYINGS[4]);
    if (this.#kind === "slow") await this.#world.later(2_500);
    if (this.#kind === "stuckExit") await new Promise<void>(() => {});
  }

  override async onUserTurnCompleted(_context: unknown, _message: MutableMessage): Promise<void> {
    await this.#world.turnHook();
  }
}

async function closed(session: AgentSession, _deadline: number): Promise<void> {
  session.shutdown({ drain: true });
  await session.close({ deadline: 20_000 });
}

/** A mode needs what it listens to. */
function canDetect({ mode, hasVad, hasStt }: Script["setup"]): boolean {
  if (mode === "vad") return hasVad;
  if (mode === "stt") return hasStt;
  return true;
}

function captions(): TranscriptSink {
  return { open: () => new WritableStream() };
}

function hashOf(text: string): number {
  let word = 0;
  for (let index = 0; index < text.length; index++) word = (Math.imul(word, 31) + text.charCodeAt(index)) | 0;
  return word >>> 0;
}
