/**
 * A world of the machines alone: `step` of the stage over the floors, and a model of everything that the driver does for
 * them: timers, models that answer, a hook, tools, a sink that plays, pauses and forgets, and whoever calls.
 *
 * It performs the orders in the order in which they come, and what they cause comes back as facts, one after another.
 */
import type { RootEffect, RootEvent } from "../../src/stage/event.ts";
import { createRoot, type RootState } from "../../src/stage/state.ts";
import { step as stepOf } from "../../src/stage/step.ts";
import type { TurnConfig } from "../../src/turn/config.ts";
import type { TurnEvent } from "../../src/turn/event.ts";
import { Plans } from "./heap.ts";
import { type Act, type AgentKind, type Cue, draw, type Event, type Fault, type Script, type Setup } from "./script.ts";

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type Fact = DistributedOmit<RootEvent, "t">;
type FloorFact = DistributedOmit<TurnEvent, "t">;
/** A step of the stage; mutations put their own in its place. */
export type Step = typeof stepOf;

/** One turn of the agent. */
export interface Voice {
  readonly id: string;
  readonly n: number;
  readonly activityId: string;
  readonly kind: "say" | "reply";
  /** Made for words that may not be the last: not heard unless it is used. */
  readonly isPreemptive: boolean;
  /** It was asked for, or used. */
  isScheduled: boolean;
  isInterrupted: boolean;
  isDone: boolean;
  /** The machine let it speak. */
  mayPlay: boolean;
  /** It was let speak at least once. */
  wasPlayed: boolean;
  /** It has failed, and said so. */
  hasFailed: boolean;
  textAt: number;
  startedAt: number | null;
  playedMs: number;
  /** What it says in this step is over. */
  isSaid: boolean;
  step: number;
  toolsRunning: number;
  toolsBegan: boolean;
  /** Tools have ended whose results are not stored. */
  resultsOpen: number;
  handsOver: boolean;
  /** Its tool waits for this task. */
  task: string | null;
  /** Calls off what is planned for it. */
  plan: number;
}

/** A hook that waits for a task. */
interface HookOf {
  readonly hookOf: string;
  readonly hook: "enter" | "exit";
}

/** Something that somebody waits for. */
export interface Wait {
  readonly what: string;
  isSettled: boolean;
}

const SAID_MS = 1_200;

const NAME = { model: 1, tool: 2, hook: 3, detector: 4, sink: 5, agent: 6, toolset: 7, task: 9 };

/** Who watches a world. */
export interface Watcher {
  onFact(world: MachineWorld, fact: RootEvent, effects: readonly RootEffect[]): void;
}

/** Makes the configuration of a setup. */
export function configOf(setup: Setup): TurnConfig {
  return {
    compat: setup.compat,
    mode: setup.mode,
    detector: setup.detector,
    hasVad: setup.hasVad,
    hasUserVad: setup.hasVad,
    hasStt: setup.hasStt,
    llm: "pipeline",
    serverTurnDetection: false,
    realtimeTranscription: false,
    adaptive: setup.adaptive,
    endpointing: { mode: setup.dynamic ? "dynamic" : "fixed", minDelay: setup.minDelay, maxDelay: 3_000, alpha: 0.9 },
    interruption: {
      enabled: setup.enabled,
      discardAudioIfUninterruptible: true,
      minDuration: 500,
      minWords: setup.minWords,
      resumeFalseInterruption: setup.resume,
      falseInterruptionTimeout: setup.falseInterruptionTimeout,
      backchannelBoundary: [1_000, 1_000],
      backchannel: setup.backchannels && setup.compat === "fixed" ? "local" : "off",
    },
    preemptive: { enabled: setup.preemptive, preemptiveTts: false, maxSpeechDuration: 10_000, maxRetries: 3 },
    userTurnLimit: { maxWords: setup.maxWords, maxDuration: null },
    minConsecutiveSpeechDelay: setup.pauseBetween,
    userAwayTimeout: setup.userAwayTimeout,
    transcriptionTimeout: setup.transcriptionTimeout,
  };
}

/** The world. */
export class MachineWorld {
  readonly script: Script;
  readonly voices: Map<string, Voice> = new Map();
  readonly waits: Wait[] = [];
  /** Timers that are armed, by key. */
  readonly armed: Map<string, { readonly gen: number; readonly at: number }> = new Map();
  /** Texts of finals: words of their own, but for hums. */
  readonly finals: string[] = [];
  root: RootState;
  now = 0;
  /** When the last answer came from outside. */
  lastOutside = 0;
  stepCount = 0;
  isSinkPaused = false;
  /** Nobody does anything any more; what was begun goes on. */
  isLeftAlone = false;
  /** Keeps all orders as lines: for determinism and for reading. */
  log: string[] | null = null;
  /** Passes the state through this before each step: a snapshot, say. */
  through: ((root: RootState) => RootState) | null = null;
  readonly #step: Step;
  readonly #plans = new Plans();
  readonly #queue: Fact[] = [];
  readonly #faults: ReadonlySet<Fault>;
  readonly #watcher: Watcher;
  readonly #turnTexts = new Map<string, number>();
  readonly #kinds = new Map<string, AgentKind | "task">();
  /** Who waits for a task: a tool of a voice, or a hook. */
  readonly #tasks = new Map<string, Voice | HookOf>();
  readonly #cues: Event[];
  readonly #cueCounts = new Map<Cue, number>();
  #config: TurnConfig;
  #isPumping = false;
  #serial = 0;
  #made = 0;
  #drawn = 0;
  #words = 0;
  #isVadBusy = false;
  #isMuted = false;
  #isDeaf = false;
  #isSoundOn = true;
  #tools = 0;
  #commits = new Map<number, Wait>();
  #drains: Wait[] = [];
  #closes: Wait[] = [];
  #starts: Wait[] = [];
  #run: { readonly id: number; readonly wait: Wait } | undefined;

  constructor(script: Script, watcher: Watcher, step: Step = stepOf) {
    this.script = script;
    this.#watcher = watcher;
    this.#step = step;
    this.#faults = new Set(script.faults);
    this.#config = configOf(script.setup);
    this.#isSoundOn = script.setup.voice;
    this.root = createRoot({
      aecWarmupDuration: script.setup.aecWarmup,
      listenerPresent: true,
      maxUnrecoverableErrors: 3,
    });
    this.#cues = script.events.filter(({ on }) => on !== undefined);
    for (const event of script.events) {
      if (event.on === undefined) this.#plans.add(event.t, 3, () => this.#act(event));
    }
  }

  get plansLeft(): number {
    return this.#plans.size;
  }

  /** Starts a session. */
  start(kind: AgentKind = "plain"): void {
    const wait = this.#await("start");
    this.#starts.push(wait);
    this.#tell({ type: "session.start", arrival: this.#arrive(kind) });
  }

  /** Closes it, as the program does. */
  close(drain: boolean, deadline: number): void {
    if (this.root.stage.phase !== "running" && this.root.stage.phase !== "closing") return;
    this.#closes.push(this.#await("close"));
    this.#tell({ type: "session.close", reason: "user_initiated", drain, deadline, transcriptTimeout: 2_000 });
  }

  /** Runs what is planned up to and including `until`. */
  run(until: number): void {
    while (this.#plans.size > 0 && this.#plans.next <= until) {
      const { at, run } = this.#plans.take() as { at: number; run: () => void };
      if (at > this.now) this.now = at;
      run();
    }
    if (until !== Infinity && until > this.now) this.now = until;
  }

  // --- facts ---------------------------------------------------------------------------------------------------------

  #tell(fact: Fact): void {
    this.#queue.push(fact);
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let head = 0; head < this.#queue.length; head++) this.#take(this.#queue[head] as Fact);
    this.#queue.length = 0;
    this.#isPumping = false;
  }

  #floor(fact: FloorFact, activityId: string | null = null): void {
    this.#tell({ type: "floor", activityId, event: fact as TurnEvent });
  }

  #take(fact: Fact): void {
    const event = fact as RootEvent;
    (event as { t: number }).t = this.now;
    if (event.type === "floor") (event.event as { t: number }).t = this.now;
    if (this.through !== null) this.root = this.through(this.root);
    const { root, effects } = this.#step(this.root, event);
    this.root = root;
    this.stepCount += 1;
    if (this.log !== null) { for (const effect of effects) this.log.push(`${this.now} ${JSON.stringify(effect)}`); }
    for (const effect of effects) this.#perform(effect);
    this.#watcher.onFact(this, event, effects);
  }

  /** A fact from outside: what the machine owes is counted from here. */
  #outside(): void {
    this.lastOutside = this.now;
  }

  #has(fault: Fault): boolean {
    return this.#faults.has(fault);
  }

  /** A number for a thing that has a kind and a number of its own. */
  #draw(name: number, index = this.#drawn++): number {
    return draw(this.script.seed, name, index);
  }

  #later(ms: number, run: () => void): void {
    this.#plans.add(this.now + ms, 4, run);
  }

  #await(what: string): Wait {
    const wait = { what: `${what} at ${this.now}`, isSettled: false };
    this.waits.push(wait);
    return wait;
  }

  #cue(cue: Cue): void {
    if (this.#cues.length === 0) return;
    const count = (this.#cueCounts.get(cue) ?? 0) + 1;
    this.#cueCounts.set(cue, count);
    for (const event of this.#cues) {
      if (event.on === cue && event.n === count) this.#plans.add(this.now + event.t, 3, () => this.#act(event));
    }
  }

  // --- what happens from outside -------------------------------------------------------------------------------------

  #act(act: Act): void {
    if (this.isLeftAlone) return;
    this.#outside();
    switch (act.do) {
      case "speak":
        return this.#speak(act);
      case "words":
        return this.#say(act.kind, act.words);
      case "mark":
        return this.#floor(
          act.kind === "start"
            ? { type: "stt.start", requestId: "", speechStartTime: null }
            : { type: "stt.end", requestId: "" },
        );
      case "say":
        return void this.#make("say", { protect: act.protect });
      case "reply":
        return void this.#make("reply", { protect: act.protect });
      case "run":
        return this.#runCall();
      case "interrupt":
        return this.#floor({ type: "api.interrupt", force: act.force });
      case "cut":
      case "protect": {
        const alive = [...this.voices.values()].filter((voice) => !voice.isDone && voice.isScheduled);
        const voice = alive[act.n % Math.max(1, alive.length)];
        if (voice === undefined) return;
        const { id, activityId } = voice;
        return act.do === "cut"
          ? this.#floor({ type: "speech.interruptCalled", handleId: id, force: act.force }, activityId)
          : this.#floor({ type: "speech.allowInterruptions", handleId: id, value: act.value }, activityId);
      }
      case "commit": {
        if (this.root.stage.current === null) return;
        const id = ++this.#serial;
        this.#commits.set(id, this.#await("commitUserTurn"));
        return this.#floor({
          type: "api.commitUserTurn",
          id,
          transcriptTimeout: 1_500,
          sttFlushDuration: 1_000,
          skipReply: act.skipReply,
          audioDetached: this.#isMuted,
          atClose: false,
        });
      }
      case "clear":
        return this.#floor({ type: "api.clearUserTurn" });
      case "agent":
        return this.#tell({ type: "agent.update", arrival: this.#arrive(act.kind) });
      case "drain":
        if (this.root.stage.phase !== "running") return;
        this.#drains.push(this.#await("drain"));
        return this.#tell({ type: "session.drain" });
      case "close":
        return this.close(act.drain, act.deadline);
      case "restart":
        if (this.root.stage.phase !== "closed") return;
        return this.start();
      case "options": {
        const { current } = this.root.stage;
        if (current === null) return;
        const { interruption } = current.config;
        const mode = this.script.setup.mode === null ? act.mode : current.config.mode;
        const config = { ...current.config, mode, interruption: { ...interruption, minDuration: act.minDuration } };
        return this.#tell({ type: "activity.config", activityId: current.id, config });
      }
      case "tools":
        return;
      case "mute":
        this.#isMuted = act.on;
        return this.#floor({ type: "input.audioEnabled", enabled: !act.on });
      case "sound":
        this.#isSoundOn = act.on && this.script.setup.voice;
        return this.#tellOutput();
      case "sink":
        for (const voice of this.voices.values()) {
          if (voice.mayPlay && !voice.isDone && !voice.isSaid) {
            this.#floor({ type: "speech.interruptCalled", handleId: voice.id, force: true }, voice.activityId);
          }
        }
        return;
      case "fail":
        if (act.what === "stt") this.#floor({ type: "stt.closed" });
        else if (act.what === "vad") this.#floor({ type: "vad.closed" });
        else if (this.#isSoundOn) {
          this.#isSoundOn = false;
          this.#act({ do: "sink" });
          this.#tellOutput();
        }
        return;
      default:
        return act satisfies never;
    }
  }

  #tellOutput(): void {
    const { voice, canPause } = this.script.setup;
    this.#floor({ type: "output.audioChanged", present: voice, enabled: this.#isSoundOn, canPause });
  }

  /** A final or an interim, with words that nobody else says, but for a hum. */
  #say(kind: "interim" | "preflight" | "final", count: number, isHum = false): void {
    if (!this.script.setup.hasStt || this.#isDeaf || count === 0) return;
    this.#outside();
    const words: string[] = [];
    for (let index = 0; index < count; index++) words.push(kind === "final" ? `w${++this.#words}` : "hm");
    const text = !isHum ? words.join(" ") : kind === "final" ? "okay" : "mhm";
    if (kind === "final" && this.root.stage.current !== null) this.finals.push(text);
    this.#floor({
      type: `stt.${kind}`,
      requestId: "",
      text,
      language: "en",
      confidence: 0.8,
      startTime: 0,
      endTime: 0,
      speakerId: null,
    });
  }

  #speak(act: Extract<Act, { do: "speak" }>): void {
    const { hasVad } = this.script.setup;
    const from = this.now;
    const isMarked = this.script.setup.mode === "stt" && this.script.setup.hasStt;
    const at = (t: number, run: () => void): void => this.#plans.add(t, 3, run);
    if (hasVad && !this.#isVadBusy && !this.#isMuted) {
      this.#isVadBusy = true;
      at(from + 50, () => {
        this.#outside();
        this.#floor({ type: "vad.start", speechDuration: 50, inferenceDuration: 0 });
      });
      const until = from + act.ms;
      const over = until + 550;
      for (let x = from + 100; x < over; x += 100) {
        at(x, () => {
          if (this.#isMuted) return;
          this.#floor({
            type: "vad.inference",
            speechDuration: x - from,
            silenceDuration: Math.max(0, x - until),
            rawSpeech: x <= until ? x - from : 0,
            rawSilence: x <= until ? 0 : x - until,
            speaking: true,
          });
        });
      }
      at(over, () => {
        this.#isVadBusy = false;
        if (act.lost || this.#isMuted) return;
        this.#outside();
        this.#floor({ type: "vad.end", speechDuration: act.ms, silenceDuration: 550, inferenceDuration: 0 });
      });
    }
    if (isMarked) {
      at(from + 100, () => this.#floor({ type: "stt.start", requestId: "", speechStartTime: null }));
      at(from + act.ms + Math.max(600, act.late + 100), () => this.#floor({ type: "stt.end", requestId: "" }));
    }
    for (let index = 1; index <= act.interims; index++) {
      at(from + (act.ms * index) / (act.interims + 1), () => this.#say("interim", 1, act.hum));
    }
    if (act.words > 0) at(from + act.ms + act.late, () => this.#say("final", act.words, act.hum));
  }

  #runCall(): void {
    if (this.#run !== undefined || this.#isRefused()) return;
    const id = ++this.#serial;
    this.#run = { id, wait: this.#await("run") };
    this.#tell({ type: "run.start", runId: id, alive: ["call"] });
    this.#floor({ type: "api.interrupt", force: false });
    this.#make("reply", {});
    this.#tell({ type: "run.unwatch", name: "call" });
  }

  // --- agents --------------------------------------------------------------------------------------------------------

  #arrive(kind: AgentKind | "task") {
    const activityId = `a${++this.#serial}`;
    this.#kinds.set(activityId, kind);
    return { activityId, agentId: activityId, config: this.#config };
  }

  #prepare(activityId: string): void {
    this.#tellOutput();
    const slow = this.#has("toolset is slow") ? this.#draw(NAME.toolset) : 0;
    const ready = (): void => this.#tell({ type: "activity.ready", activityId });
    if (slow === 0) return ready();
    if (slow < 0.7) this.#later(slow * 9_000, ready);
  }

  #runHook(activityId: string, hook: "enter" | "exit"): void {
    if (hook === "enter") { for (const wait of this.#starts.splice(0)) wait.isSettled = true; }
    this.#cue(hook === "enter" ? "agent enters" : "agent leaves");
    const kind = this.#kinds.get(activityId);
    const done = (): void => this.#tell({ type: "hook.done", activityId, hook });
    if (kind === (hook === "enter" ? "stuckEnter" : "stuckExit")) return;
    if (kind === (hook === "enter" ? "greets" : "farewell")) this.#make("say", {});
    if (kind === "asks") return this.#ask({ hookOf: activityId, hook }, activityId, `hook:${activityId}:${hook}`);
    if (hook === "enter" && kind === "task") {
      const luck = this.#draw(NAME.task);
      if (luck < 0.7) this.#make("say", {});
      if (!this.#has("tool hangs") || luck > 0.3) {
        this.#later(luck < 0.4 ? 0 : 1_800, () => this.#complete(activityId));
      }
    }
    if (kind === "slow") this.#later(2_500, done);
    else this.#later(0, done);
  }

  /** A tool or a hook waits for a task. */
  #ask(who: Voice | HookOf, parentId: string, waiter: string): void {
    const arrival = this.#arrive("task");
    this.#tasks.set(arrival.activityId, who);
    if ("id" in who) who.task = arrival.activityId;
    this.waits.push({ what: `task ${arrival.activityId} at ${this.now}`, isSettled: false });
    this.#tell({ type: "task.requested", arrival, parentId, waiter });
  }

  #complete(taskId: string): void {
    if (!this.#tasks.has(taskId)) return;
    this.#outside();
    this.#tell({ type: "task.completed", taskId });
  }

  /** A task is over, whatever it came to: whoever waited goes on. */
  #settleTask(taskId: string): void {
    const who = this.#tasks.get(taskId);
    this.#tasks.delete(taskId);
    const wait = this.waits.find(({ what }) => what.startsWith(`task ${taskId} `));
    if (wait !== undefined) wait.isSettled = true;
    if (who === undefined) return;
    if ("id" in who) {
      who.task = null;
      this.#tools += 1;
      this.#floor({ type: "tools.changed", running: this.#tools });
      this.#later(0, () => this.#endTools(who));
    } else this.#later(0, () => this.#tell({ type: "hook.done", activityId: who.hookOf, hook: who.hook }));
  }

  #leave(activityId: string): void {
    for (const voice of this.voices.values()) {
      if (voice.activityId !== activityId || voice.isDone) continue;
      this.#cut(voice);
      this.#endTools(voice);
      this.#finish(voice);
    }
    if (!this.#has("facts of the gone")) return;
    this.#later(40, () => {
      this.#floor({ type: "vad.start", speechDuration: 50, inferenceDuration: 0 }, activityId);
      this.#floor({ type: "speech.done", handleId: "h1" }, activityId);
      this.#floor({ type: "detector.answer", id: 1, outcome: { kind: "error" } }, activityId);
      this.#tell({ type: "hook.done", activityId, hook: "exit" });
      this.#tell({ type: "activity.ready", activityId });
    });
  }

  // --- what the agent says -------------------------------------------------------------------------------------------

  /** The activity that is on stage takes no speech: the face refuses. */
  #isRefused(): boolean {
    const { current } = this.root.stage;
    const life = current === null ? undefined : this.root.floors[current.id]?.life;
    return life === undefined || life === "draining" || life === "closed";
  }

  #make(kind: "say" | "reply", o: { readonly protect?: boolean }): Voice | undefined {
    if (this.#isRefused()) return undefined;
    const activityId = this.root.stage.current?.id as string;
    const voice = this.#voice(`h${++this.#serial}`, kind, activityId, false);
    voice.isScheduled = true;
    this.#tell({ type: "run.watch", name: `handle:${voice.id}` });
    this.#floor({
      type: "speech.scheduled",
      handleId: voice.id,
      kind,
      priority: 5,
      allowInterruptions: this.script.setup.enabled && o.protect !== true,
      force: false,
    }, activityId);
    return voice;
  }

  #voice(id: string, kind: "say" | "reply", activityId: string, isPreemptive: boolean): Voice {
    const voice: Voice = {
      id,
      n: this.#made++,
      activityId,
      kind,
      isPreemptive,
      isScheduled: false,
      isInterrupted: false,
      isDone: false,
      mayPlay: false,
      wasPlayed: false,
      hasFailed: false,
      textAt: 0,
      startedAt: null,
      playedMs: 0,
      isSaid: false,
      step: 0,
      toolsRunning: 0,
      toolsBegan: false,
      resultsOpen: 0,
      handsOver: false,
      task: null,
      plan: 0,
    };
    this.voices.set(id, voice);
    this.#think(voice);
    return voice;
  }

  /** Draws what the model does in this step. */
  #think(voice: Voice): void {
    const luck = draw(this.script.seed, NAME.model, voice.n * 8 + voice.step);
    voice.hasFailed = false;
    voice.textAt = this.now + (voice.kind === "say" ? 0 : Math.floor(luck * 400) + 50);
    if (voice.kind === "say") return;
    if (this.#has("llm is late") && luck < 0.4) voice.textAt = this.now + 6_000;
    else if ((this.#has("llm fails") && luck < 0.5) || (this.#has("llm is cut off") && luck > 0.6)) {
      voice.hasFailed = true;
    } else if (this.#has("llm stalls") && luck < 0.5) {
      voice.hasFailed = true;
      voice.textAt = this.now + 12_000; // then the attempts give up
    }
  }

  #play(voice: Voice): void {
    voice.mayPlay = true;
    voice.wasPlayed = true;
    this.#planVoice(voice);
  }

  /** Plans the next thing that happens to what is said, if nothing holds it. */
  #planVoice(voice: Voice): void {
    const mine = ++voice.plan;
    if (!voice.mayPlay || voice.isSaid || voice.isInterrupted) return;
    const when = (at: number, run: () => void): void =>
      this.#plans.add(at, 2, () => {
        if (voice.plan === mine) run();
      });
    if (voice.startedAt === null) {
      if (voice.hasFailed || (this.#has("tts fails") && this.#draw(NAME.model, voice.n + 99) < 0.5)) {
        when(Math.max(this.now, voice.textAt), () => {
          this.#outside();
          voice.hasFailed = true;
          this.#tell({ type: "model.error", kind: "llm", recoverable: false });
          if (!voice.isInterrupted) this.#said(voice, "");
        });
        return;
      }
      if (!this.#isSoundOn) {
        return when(Math.max(this.now, voice.textAt), () => {
          this.#outside();
          this.#floor({ type: "playout.started", handleId: voice.id, at: this.now }, voice.activityId);
          if (!voice.isInterrupted) this.#said(voice, "all");
        });
      }
      if (this.isSinkPaused) return;
      const silent = this.#has("tts is silent") && this.#draw(NAME.model, voice.n + 77) < 0.5;
      return when(Math.max(this.now, voice.textAt) + 150, () => {
        this.#outside();
        this.#beginTools(voice);
        if (silent) return this.#said(voice, "");
        voice.startedAt = this.now;
        this.#planVoice(voice);
        if (!(this.#has("started is lost") && this.#draw(NAME.sink, voice.n) < 0.5)) this.#ack(voice, "started", 0);
      });
    }
    if (this.isSinkPaused) return;
    voice.startedAt = this.now - voice.playedMs;
    const lost = this.#has("finished is lost") && this.#draw(NAME.sink, voice.n + 55) < 0.5;
    when(this.now + SAID_MS - voice.playedMs + (lost ? 10_000 : 0), () => {
      this.#outside();
      voice.playedMs = SAID_MS;
      if (!lost) this.#ack(voice, "finished", SAID_MS);
      if (!voice.isInterrupted) this.#said(voice, "all");
    });
  }

  #ack(voice: Voice, ack: "started" | "finished" | "cleared", positionMs: number): void {
    this.#tell({
      type: "playout.ack",
      activityId: voice.activityId,
      handleId: voice.id,
      segmentId: `${voice.id}#${voice.step}`,
      ack,
      positionMs,
      at: this.now,
      first: ack === "started",
    });
  }

  /** This step was played, or torn down. */
  #said(voice: Voice, text: string): void {
    voice.plan += 1;
    voice.isSaid = true;
    if (!voice.isInterrupted) this.#beginTools(voice);
    this.#tell({
      type: "reply.played",
      activityId: voice.activityId,
      handleId: voice.id,
      text,
      interrupted: voice.isInterrupted,
      toolsStarted: voice.toolsBegan,
      toolsRunning: voice.toolsBegan,
    });
    this.#afterStep(voice);
  }

  /** What comes when a step is said and its tools are over. */
  #afterStep(voice: Voice): void {
    if (voice.isDone || !voice.isSaid || voice.toolsRunning > 0) return;
    if (voice.resultsOpen > 0) {
      return this.#tell({ type: "tools.ended", activityId: voice.activityId, handleId: voice.id });
    }
    this.#later(0, () => this.#finish(voice));
  }

  #finish(voice: Voice): void {
    if (voice.isDone) return;
    voice.isDone = true;
    voice.plan += 1;
    this.#floor({ type: "speech.done", handleId: voice.id }, voice.activityId);
    this.#tell({ type: "run.unwatch", name: `handle:${voice.id}` });
  }

  /** Nothing of it is heard after this. */
  #cut(voice: Voice): void {
    if (voice.isInterrupted || voice.isDone) return;
    voice.isInterrupted = true;
    voice.plan += 1;
    const heard = voice.startedAt !== null && !voice.isSaid;
    if (heard && !this.isSinkPaused) voice.playedMs = this.now - (voice.startedAt ?? this.now);
    if (voice.wasPlayed && this.#has("teardown hangs") && this.#draw(NAME.sink, voice.n + 33) < 0.5) return;
    const wait = heard && this.#has("cleared is lost") ? 200 : 0;
    this.#plans.add(this.now + wait, 1, () => {
      if (voice.isDone) return;
      if (!voice.isSaid) this.#said(voice, heard ? "part" : "");
      else this.#afterStep(voice);
    });
  }

  // --- tools ---------------------------------------------------------------------------------------------------------

  /** Calls of the model begin once it may be heard. */
  #beginTools(voice: Voice): void {
    if (voice.kind === "say" || voice.toolsBegan || voice.isInterrupted || voice.step >= 3 || voice.hasFailed) return;
    const luck = draw(this.script.seed, NAME.tool, voice.n * 8 + voice.step);
    if (luck > 0.35) return;
    voice.toolsBegan = true;
    const ms = luck < 0.1 ? 3_000 : Math.floor(luck * 1_500);
    const hangs = this.#has("tool hangs") && luck < 0.2;
    voice.toolsRunning = 1;
    this.#tools += 1;
    this.#floor({ type: "tools.changed", running: this.#tools });
    this.#cue("tool starts");
    if (this.#has("tool speaks") && luck < 0.3) this.#make("say", {});
    voice.handsOver = this.#has("tool hands over") && luck > 0.2;
    if (this.#has("tool asks") && luck > 0.15) {
      this.#tools -= 1; // who waits for the user does no work
      this.#floor({ type: "tools.changed", running: this.#tools });
      return this.#ask(voice, voice.activityId, `handle:${voice.id}`);
    }
    if (!hangs) this.#later(ms, () => this.#endTools(voice));
  }

  #endTools(voice: Voice): void {
    if (voice.toolsRunning === 0) return;
    this.#outside();
    if (voice.task !== null) { // nobody waits for it any more
      const taskId = voice.task;
      this.#later(0, () => this.#complete(taskId));
      this.#tools += 1;
      voice.task = null;
      this.#tasks.set(taskId, { hookOf: "", hook: "enter" });
    }
    voice.toolsRunning = 0;
    voice.resultsOpen = 1;
    this.#tools -= 1;
    this.#floor({ type: "tools.changed", running: this.#tools });
    this.#cue("tool ends");
    if (voice.isDone) {
      return this.#tell({ type: "tools.ended", activityId: voice.activityId, handleId: voice.id });
    }
    this.#afterStep(voice);
  }

  #commitTools(voice: Voice, draining: boolean): void {
    voice.resultsOpen = 0;
    if (voice.isDone) return;
    let isLeaving = draining;
    if (voice.handsOver && !voice.isInterrupted) {
      voice.handsOver = false;
      const arrival = this.#arrive("greets");
      this.#tell({ type: "run.watch", name: `move:${arrival.activityId}` });
      this.#later(0, () => this.#tell({ type: "agent.update", arrival }));
      isLeaving = true;
    }
    if (voice.isInterrupted || isLeaving) return this.#afterStep(voice);
    Object.assign(voice, { step: voice.step + 1, mayPlay: false, isSaid: false, startedAt: null, playedMs: 0 });
    voice.toolsBegan = false;
    this.#think(voice);
    this.#floor({
      type: "speech.scheduled",
      handleId: voice.id,
      kind: "tool_reply",
      priority: 5,
      allowInterruptions: this.script.setup.enabled,
      force: true,
    }, voice.activityId);
  }

  // --- orders --------------------------------------------------------------------------------------------------------

  #perform(effect: RootEffect): void {
    switch (effect.type) {
      case "timer.set": {
        const { name, gen, at, activityId, handleId } = effect;
        const key = timerKey(effect);
        this.armed.set(key, { gen, at });
        const event = { type: "timer", name, gen, ...(handleId !== undefined && { handleId }) } as const;
        const fire = (): void => {
          if (this.armed.get(key)?.gen !== gen) return;
          this.armed.delete(key);
          this.#floor(event, activityId);
        };
        this.#plans.add(at, 0, fire);
        if (this.#has("timers come twice")) this.#plans.add(at + 30, 5, () => this.#floor({ ...event }, activityId));
        return;
      }
      case "timer.cancel":
        return void this.armed.delete(timerKey(effect));
      case "stage.timer.set": {
        const { name, gen, at } = effect;
        this.armed.set(name, { gen, at });
        this.#plans.add(at, 0, () => {
          if (this.armed.get(name)?.gen !== gen) return;
          this.armed.delete(name);
          this.#tell({ type: "stage.timer", name, gen });
        });
        if (this.#has("timers come twice")) {
          this.#plans.add(at + 30, 5, () => this.#tell({ type: "stage.timer", name, gen }));
        }
        return;
      }
      case "stage.timer.cancel":
        return void this.armed.delete(effect.name);

      case "playout.pause":
        return this.#setSink(true);
      case "playout.resume":
        return this.#setSink(false);
      case "speech.play": {
        const voice = this.voices.get(effect.handleId);
        return voice === undefined ? undefined : this.#play(voice);
      }
      case "speech.interrupt":
      case "speech.refused":
      case "gen.cancelPreemptive": {
        const voice = this.voices.get(effect.handleId);
        return voice === undefined ? undefined : this.#cut(voice);
      }
      case "speech.abandon": {
        const voice = this.voices.get(effect.handleId);
        if (voice === undefined) return;
        this.#cut(voice);
        if (voice.task !== null) this.#endTools(voice);
        return this.#finish(voice);
      }
      case "tools.commit": {
        const voice = this.voices.get(effect.handleId);
        return voice === undefined ? undefined : this.#commitTools(voice, effect.draining);
      }
      case "gen.startPreemptive":
        return void this.#voice(effect.handleId, "reply", effect.activityId, true);
      case "gen.usePreemptive": {
        const voice = this.voices.get(effect.handleId);
        if (voice !== undefined) voice.isScheduled = true;
        return;
      }
      case "gen.reply":
        this.#voice(effect.handleId, "reply", effect.activityId, false).isScheduled = true;
        return;
      case "turn.commit":
        return this.#cue("turn commits");
      case "turn.runHook":
        return this.#runTurnHook(effect.activityId, effect.turnId);
      case "detector.ask":
        return this.#askDetector(effect.activityId, effect.id);
      case "eot.predict":
        return this.#predict(effect.activityId, effect.id);
      case "exceeded.runHook":
        return this.#later(300, () => {
          this.#outside();
          this.#floor({ type: "exceeded.hookDone", restore: false }, effect.activityId);
        });
      case "overlap.started":
        return this.#later(400, () => {
          this.#outside();
          const isInterruption = this.#draw(NAME.detector) < 0.5;
          const overlapStartedAt = effect.startedAt;
          this.#floor({
            type: "overlap.verdict",
            isInterruption,
            agentEnded: false,
            overlapStartedAt,
            detectedAt: this.now,
          }, effect.activityId);
        });
      case "commit.resolve":
      case "commit.cancel": {
        const wait = this.#commits.get(effect.id);
        if (wait !== undefined) wait.isSettled = true;
        return;
      }

      case "activity.prepare":
        return this.#prepare(effect.activityId);
      case "hook.run":
        return this.#runHook(effect.activityId, effect.hook);
      case "activity.resume":
        return this.#tellOutput();
      case "task.settle":
        return this.#settleTask(effect.taskId);
      case "activity.leave":
        return this.#leave(effect.activityId);
      case "tools.abort":
        for (const voice of this.voices.values()) {
          if (voice.activityId === effect.activityId) this.#endTools(voice);
        }
        return;
      case "session.abandon":
        for (const voice of this.voices.values()) {
          if (voice.isDone) continue;
          this.#cut(voice);
          this.#finish(voice);
        }
        return;
      case "session.detach":
        this.#isDeaf = true;
        return;
      case "session.release":
        return this.#later(this.#has("toolset is slow") ? 30_000 : 0, () => this.#tell({ type: "session.released" }));
      case "session.closed":
        this.#isDeaf = false;
        for (const wait of [...this.#starts, ...this.#drains, ...this.#closes, ...this.#commits.values()]) {
          wait.isSettled = true;
        }
        if (this.#run !== undefined) this.#run.wait.isSettled = true;
        this.#run = undefined;
        this.#starts = [];
        this.#drains = [];
        this.#closes = [];
        this.#commits.clear();
        return;
      case "session.drained":
        for (const wait of this.#drains.splice(0)) wait.isSettled = true;
        return;
      case "run.settle":
        if (this.#run?.id !== effect.runId) return;
        this.#run.wait.isSettled = true;
        this.#run = undefined;
        return;
      case "emit":
        if (effect.event === "user_state_changed" && effect.newState === "speaking") this.#cue("user speaks");
        if (effect.event === "agent_state_changed" && effect.newState === "thinking") this.#cue("agent thinks");
        if (effect.event === "agent_state_changed" && effect.newState === "speaking") this.#cue("agent speaks");
        return;
      default: // what is only told, or stored
    }
  }

  /** The sink stops or goes on; what sounds remembers how far it is. */
  #setSink(isPaused: boolean): void {
    if (isPaused) this.#cue("output pauses");
    for (const voice of this.voices.values()) {
      if (voice.startedAt !== null && !voice.isSaid && !voice.isInterrupted && isPaused && !this.isSinkPaused) {
        voice.playedMs = this.now - voice.startedAt;
      }
    }
    this.isSinkPaused = isPaused;
    for (const voice of this.voices.values()) if (!voice.isDone) this.#planVoice(voice);
  }

  #runTurnHook(activityId: string, turnId: number): void {
    this.#cue("hook runs");
    const hangs = this.#has("hook hangs") && this.#draw(NAME.hook) < 0.6;
    if (hangs && this.#draw(NAME.hook) < 0.5) return;
    // One that hangs may answer all the same, when nobody waits for it any more.
    const ms = hangs ? 31_000 : this.#has("hook is slow") ? Math.floor(this.#draw(NAME.hook) * 4_000) : 0;
    const outcome = this.#has("hook throws") && this.#draw(NAME.hook) < 0.5
      ? "error"
      : this.#has("hook stops") && this.#draw(NAME.hook) < 0.5
      ? "stop"
      : "ok";
    this.#later(ms, () => {
      this.#outside();
      this.#floor({ type: "turn.hookDone", turnId, outcome, text: "words", unchanged: true }, activityId);
    });
  }

  #askDetector(activityId: string, id: number): void {
    const luck = this.#draw(NAME.detector);
    if (this.#has("detector hangs") && luck < 0.6) return;
    const outcome = this.#has("detector fails") && luck < 0.5
      ? { kind: "error" } as const
      : luck > 0.9
      ? { kind: "unsupported" } as const
      : { kind: "probability", probability: luck, threshold: 0.4 } as const;
    this.#later(Math.floor(luck * 300), () => {
      this.#outside();
      this.#floor({ type: "detector.answer", id, outcome }, activityId);
    });
  }

  #predict(activityId: string, id: number): void {
    const luck = this.#draw(NAME.detector);
    if (this.#has("detector hangs") && luck < 0.6) return;
    this.#later(Math.floor(luck * 120), () => {
      this.#outside();
      this.#floor({
        type: "eot.answer",
        id,
        probability: luck,
        threshold: 0.4,
        backchannelProbability: null,
        inferenceDuration: 20,
      }, activityId);
    });
  }
}

function timerKey(effect: { readonly activityId: string; readonly name: string; readonly handleId?: string }): string {
  const isShared = effect.name === "aecWarmup" || effect.name === "userAway";
  return `${isShared ? "" : effect.activityId}:${effect.name}:${effect.handleId ?? ""}`;
}
