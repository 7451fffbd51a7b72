/**
 * A small model of everything around the turn machine: timers, models that answer after a while, a hook, and a sink that plays,
 * pauses and forgets. It performs the orders as the driver does, and writes each down in a line.
 */
import type { TurnConfig } from "../../src/turn/config.ts";
import type { TurnEffect } from "../../src/turn/effect.ts";
import type { TurnEvent } from "../../src/turn/event.ts";
import { carry, createShared, createTurn, type SharedState, type TurnState } from "../../src/turn/state.ts";
import { stepTurn } from "../../src/turn/step.ts";

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A fact without its time. */
export type Fact = DistributedOmit<TurnEvent, "t">;
/** A fact of the script, at its time; or something to do then. */
export type Input = readonly [t: number, what: Fact | ((world: World) => void)];

/** The configuration of a voice session with 1.5.10's defaults, as section 24 of the specification assumes. */
export function config(patch: DeepPartial<TurnConfig> = {}): TurnConfig {
  const base: TurnConfig = {
    compat: "fixed",
    mode: null,
    detector: "none",
    hasVad: true,
    hasUserVad: true,
    hasStt: true,
    llm: "pipeline",
    serverTurnDetection: false,
    realtimeTranscription: false,
    adaptive: false,
    endpointing: { mode: "fixed", minDelay: 500, maxDelay: 3_000, alpha: 0.9 },
    interruption: {
      enabled: true,
      discardAudioIfUninterruptible: true,
      minDuration: 500,
      minWords: 0,
      resumeFalseInterruption: true,
      falseInterruptionTimeout: 2_000,
      backchannelBoundary: [1_000, 1_000],
      backchannel: "off",
    },
    preemptive: { enabled: true, preemptiveTts: false, maxSpeechDuration: 10_000, maxRetries: 3 },
    userTurnLimit: { maxWords: null, maxDuration: null },
    minConsecutiveSpeechDelay: 0,
    userAwayTimeout: null,
    transcriptionTimeout: null,
  };
  return merge<TurnConfig>(base, patch);
}

type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

function merge<T>(base: T, patch: DeepPartial<T>): T {
  const result = { ...base } as Record<string, unknown>;
  for (const [key, value] of Object.entries(patch as object)) {
    const old = result[key];
    const nested = typeof old === "object" && old !== null && !Array.isArray(old) && value !== null;
    result[key] = nested ? merge(old, value) : value;
  }
  return result as T;
}

/** U(a, b) of section 24: the facts of a VAD that hears speech from `a` to `b`. `until` cuts the sequence off. */
export function speech(
  a: number,
  b: number,
  { silence = 550, until = Infinity }: { silence?: number; until?: number } = {},
): Input[] {
  const at = (t: number, fact: Fact): Input => [t, fact];
  const inputs = [at(a + 50, { type: "vad.start", speechDuration: 50, inferenceDuration: 0 })];
  for (let x = a + 100; x < b + silence; x += 50) {
    const raw = x <= b ? { rawSpeech: x - a, rawSilence: 0 } : { rawSpeech: 0, rawSilence: x - b };
    inputs.push(
      at(x, { type: "vad.inference", speechDuration: x - a, silenceDuration: raw.rawSilence, speaking: true, ...raw }),
    );
  }
  inputs.push(
    at(b + silence, { type: "vad.end", speechDuration: b - a, silenceDuration: silence, inferenceDuration: 0 }),
  );
  return inputs.filter(([t]) => t <= until);
}

/** Words at a time; with their times in the stream where a test needs them. */
export type Words = (t: number, text: string, times?: readonly [start: number, end: number]) => Input;

const words = (type: "stt.interim" | "stt.preflight" | "stt.final"): Words => (t, text, [start, end] = [0, 0]) => [t, {
  type,
  requestId: "",
  text,
  language: "en",
  confidence: 0.9,
  startTime: start,
  endTime: end,
  speakerId: null,
}];
export const interim: Words = words("stt.interim");
export const preflight: Words = words("stt.preflight");
export const final: Words = words("stt.final");

/** An answer of the streaming detector, after `ms`. */
export interface Prediction {
  readonly probability: number;
  readonly threshold: number;
  readonly ms: number;
}

/** What the models, the hook and the sink of a world are like. Milliseconds. */
export interface WorldOptions {
  config?: DeepPartial<TurnConfig>;
  /** From the beginning of a reply to its complete text, by the words replied to. Default 300. */
  thinking?: (text: string) => number;
  /** From the text, and leave to play, to the first frame. Default 200. */
  voicing?: number;
  /** How long a speech sounds, by handle or by the words replied to. Default 1,000. */
  duration?: (what: string) => number;
  /** The lengths of speeches are known as they begin; and whether this one ends with a question. */
  asks?: (what: string) => boolean;
  hook?: { ms: number; outcome?: "ok" | "stop" | "error"; unchanged?: boolean };
  /** Probability by text, against `threshold`; answers after `ms`. */
  detector?: { answers: Record<string, number>; threshold?: number; ms?: number };
  /** What the streaming detector says, or how it finds that out when it is asked; undefined: nothing. */
  eot?: Prediction | ((askedAt: number) => Prediction | undefined);
  sink?: { present?: boolean; canPause?: boolean };
  aecWarmup?: number | null;
  /** False: nobody is there to hear yet. */
  listener?: boolean;
  /** The speeches whose first step ends with tools that run so long, and whether they are replied to. */
  tools?: (what: string) => { ms: number; reply: boolean } | undefined;
  /** Teardowns that never end: handles whose end is not reported before they are abandoned. */
  stuck?: (handleId: string) => boolean;
}

interface Voice {
  handleId: string;
  what: string;
  textAt: number;
  isPlaying: boolean;
  startedAt: number | null;
  played: number;
  /** Bumped to call off what was planned. */
  plan: number;
  isOver: boolean;
  step: number;
}

interface Planned {
  readonly at: number;
  /** Among things of one instant: timers, then what the sink reports, then the script, then answers of hooks and models. */
  readonly rank: number;
  readonly seq: number;
  readonly run: () => void;
}

/** A world: a machine, and a model of what is around it. */
export interface World {
  readonly log: string[];
  readonly effects: { readonly t: number; readonly effect: TurnEffect }[];
  readonly now: number;
  turn: TurnState;
  shared: SharedState;
  config: TurnConfig;
  /** Names (and handles) of the timers that are armed. */
  readonly armed: ReadonlyMap<string, { gen: number; at: number }>;
  /** Sends a fact now; called from outside or from an input. */
  send(fact: Fact): void;
  say(handleId: string, options?: { allowInterruptions?: boolean; priority?: number }): void;
  /** `generateReply()` of the program. */
  generate(handleId: string, options?: { allowInterruptions?: boolean }): void;
  /** The server of a realtime model answers by itself. */
  serverGeneration(handleId: string): void;
  /** Replaces the machine by that of the next activity, as a hand-off does. */
  handoff(activityId: string, patch?: DeepPartial<TurnConfig>): void;
  /** Runs everything planned up to and including `t`. */
  run(until?: number): void;
  /** Checks after each step. */
  onStep: ((world: World, event: TurnEvent, effects: readonly TurnEffect[]) => void) | null;
  readonly sinkPaused: boolean;
}

/** Makes a world and plans its inputs. The first activity starts at 0. */
export function world(inputs: readonly Input[], options: WorldOptions = {}): World {
  const cfg = config(options.config);
  const thinking = options.thinking ?? (() => 300);
  const duration = options.duration ?? (() => 1_000);
  const sink = { present: true, canPause: true, ...options.sink };
  const plans: Planned[] = [];
  const voices = new Map<string, Voice>();
  const armed = new Map<string, { gen: number; at: number }>();
  const turnTexts = new Map<number, string>();
  let now = 0;
  let seq = 0;
  let sinkPaused = false;
  let runningTools = 0;

  const plan = (at: number, rank: number, run: () => void): void => {
    plans.push({ at, rank, seq: seq += 1, run });
  };

  const w: World = {
    log: [],
    effects: [],
    get now() {
      return now;
    },
    get sinkPaused() {
      return sinkPaused;
    },
    turn: createTurn("a", cfg),
    shared: createShared({ aecWarmupDuration: options.aecWarmup ?? null, listenerPresent: options.listener ?? true }),
    config: cfg,
    armed,
    onStep: null,
    send(fact) {
      const event = { t: now, ...fact } as TurnEvent;
      const step = stepTurn(w.turn, w.shared, event, w.config);
      w.turn = step.turn;
      w.shared = step.shared;
      for (const effect of step.effects) {
        w.effects.push({ t: now, effect });
        const line = describe(effect);
        if (line !== null) w.log.push(`${now} ${line}`);
        perform(effect);
      }
      w.onStep?.(w, event, step.effects);
    },
    say(handleId, { allowInterruptions = w.config.interruption.enabled, priority = 5 } = {}) {
      addVoice(handleId, handleId, now);
      w.send({ type: "speech.scheduled", handleId, kind: "say", priority, allowInterruptions, force: false });
    },
    generate(handleId, { allowInterruptions = w.config.interruption.enabled } = {}) {
      addVoice(handleId, handleId, now + thinking(handleId));
      w.send({ type: "speech.scheduled", handleId, kind: "reply", priority: 5, allowInterruptions, force: false });
    },
    serverGeneration(handleId) {
      addVoice(handleId, handleId, now);
      w.send({ type: "rt.generation", handleId, responseId: handleId });
    },
    handoff(activityId, patch = {}) {
      w.send({ type: "activity.close" });
      const carried = carry(w.turn);
      w.config = merge<TurnConfig>(w.config, patch);
      w.turn = createTurn(activityId, w.config, carried);
      w.send({ type: "activity.started" });
    },
    run(until = Infinity) {
      for (;;) {
        let next: Planned | undefined;
        for (const other of plans) {
          if (other.at > until) continue;
          if (next === undefined || other.at < next.at || (other.at === next.at && before(other, next))) next = other;
        }
        if (next === undefined) break;
        plans.splice(plans.indexOf(next), 1);
        now = Math.max(now, next.at);
        next.run();
      }
      if (until !== Infinity) now = Math.max(now, until);
    },
  };

  function addVoice(handleId: string, what: string, textAt: number): void {
    voices.set(handleId, {
      handleId,
      what,
      textAt,
      isPlaying: false,
      startedAt: null,
      played: 0,
      plan: 0,
      isOver: false,
      step: 0,
    });
  }

  /** Plans the next thing that happens to a voice, if nothing holds it. */
  function planVoice(voice: Voice): void {
    voice.plan += 1;
    const mine = voice.plan;
    if (!voice.isPlaying || sinkPaused || voice.isOver) return;
    const still = (run: () => void) => () => {
      if (voice.plan === mine) run();
    };
    if (voice.startedAt === null) {
      plan(
        Math.max(now, voice.textAt),
        2,
        still(() => {
          voice.startedAt = now;
          w.log.push(`${now} ~ ${short(voice.handleId)} sounds`);
          planVoice(voice);
          w.send({ type: "playout.started", handleId: voice.handleId, at: now });
          const isQuestion = options.asks?.(voice.what);
          if (isQuestion !== undefined) {
            w.send({ type: "speech.length", handleId: voice.handleId, durationMs: duration(voice.what), isQuestion });
          }
        }),
      );
    } else {
      const resumedAt = now;
      const before = voice.played;
      voice.startedAt = resumedAt - before;
      plan(now + duration(voice.what) - before, 2, still(() => endVoice(voice)));
    }
  }

  function endVoice(voice: Voice): void {
    const sounded = voice.startedAt !== null;
    voice.isOver = true;
    voice.isPlaying = false;
    voice.plan += 1;
    w.log.push(`${now} ~ ${short(voice.handleId)} ends${sounded ? "" : " unheard"}`);
    const tools = options.tools?.(voice.what);
    const usesTools = tools !== undefined && voice.step === 0;
    const { handleId } = voice;
    w.send({ type: "generation.done", handleId, toolsStarted: usesTools, toolsRunning: usesTools });
    if (!usesTools) {
      voices.delete(handleId);
      w.send({ type: "speech.done", handleId });
      return;
    }
    runningTools += 1;
    w.send({ type: "tools.changed", running: runningTools });
    plan(now + tools.ms, 2, () => {
      runningTools -= 1;
      w.send({ type: "tools.changed", running: runningTools });
      if (voices.get(handleId) !== voice) return;
      if (!tools.reply || voice.plan === -1) {
        voices.delete(handleId);
        w.send({ type: "speech.done", handleId });
        return;
      }
      Object.assign(voice, { step: 1, textAt: now + thinking(voice.what), startedAt: null, played: 0, isOver: false });
      w.send({
        type: "speech.scheduled",
        handleId,
        kind: "tool_reply",
        priority: 5,
        allowInterruptions: w.config.interruption.enabled,
        force: true,
      });
    });
  }

  /** The sink stops or goes on: what sounds remembers how far it is. */
  function setSink(paused: boolean): void {
    for (const voice of voices.values()) {
      if (paused && voice.startedAt !== null && voice.isPlaying) voice.played = now - voice.startedAt;
    }
    sinkPaused = paused;
    for (const voice of voices.values()) planVoice(voice);
  }

  function perform(effect: TurnEffect): void {
    switch (effect.type) {
      case "timer.set": {
        const key = effect.handleId ? `${effect.name} ${effect.handleId}` : effect.name;
        const { name, gen, handleId } = effect;
        armed.set(key, { gen, at: effect.at });
        plan(effect.at, 0, () => {
          if (armed.get(key)?.gen !== gen) return;
          armed.delete(key);
          w.send(handleId === undefined ? { type: "timer", name, gen } : { type: "timer", name, gen, handleId });
        });
        return;
      }
      case "timer.cancel":
        armed.delete(effect.handleId ? `${effect.name} ${effect.handleId}` : effect.name);
        return;
      case "playout.pause":
        return setSink(true);
      case "playout.resume":
        return setSink(false);
      case "speech.play": {
        const voice = voices.get(effect.handleId);
        if (voice === undefined) return;
        voice.isPlaying = true;
        voice.textAt = Math.max(now, voice.textAt) + (options.voicing ?? 200);
        return planVoice(voice);
      }
      case "speech.interrupt":
      case "speech.refused": {
        const voice = voices.get(effect.handleId);
        if (voice === undefined || options.stuck?.(effect.handleId)) return;
        const { handleId } = effect;
        const sounded = voice.startedAt !== null && !voice.isOver;
        if (sounded) {
          const position = sinkPaused ? voice.played : now - (voice.startedAt ?? now);
          w.log.push(`${now} ~ ${short(handleId)} cleared at ${position}`);
        }
        const background = voice.isOver;
        voice.isOver = true;
        voice.plan = background ? -1 : voice.plan + 1;
        if (background) return; // its tool ends first
        plan(now, 1, () => {
          voices.delete(handleId);
          w.send({ type: "generation.done", handleId, toolsStarted: false, toolsRunning: false });
          w.send({ type: "speech.done", handleId });
        });
        return;
      }
      case "speech.abandon":
        voices.delete(effect.handleId);
        return;
      case "gen.startPreemptive":
        return addVoice(effect.handleId, effect.transcript, now + thinking(effect.transcript));
      case "gen.cancelPreemptive":
        voices.delete(effect.handleId);
        return;
      case "gen.reply": {
        const text = turnTexts.get(effect.turnId) ?? "";
        return addVoice(effect.handleId, text, now + thinking(text));
      }
      case "turn.commit":
        turnTexts.set(effect.turnId, effect.info.transcript);
        return;
      case "turn.runHook": {
        const { turnId } = effect;
        const { ms = 0, outcome = "ok", unchanged = true } = options.hook ?? {};
        const text = turnTexts.get(turnId) ?? "";
        plan(now + ms, 4, () => w.send({ type: "turn.hookDone", turnId, outcome, text, unchanged }));
        return;
      }
      case "detector.ask": {
        const { id } = effect;
        const probability = options.detector?.answers[effect.transcript];
        const threshold = options.detector?.threshold ?? 0.5;
        if (probability === undefined) return;
        const outcome = { kind: "probability", probability, threshold } as const;
        plan(now + (options.detector?.ms ?? 0), 4, () => w.send({ type: "detector.answer", id, outcome }));
        return;
      }
      case "eot.predict": {
        const { id } = effect;
        const eot = typeof options.eot === "function" ? options.eot(now) : options.eot;
        if (eot === undefined) return;
        plan(now + eot.ms, 4, () =>
          w.send({
            type: "eot.answer",
            id,
            probability: eot.probability,
            threshold: eot.threshold,
            backchannelProbability: null,
            inferenceDuration: eot.ms,
          }));
        return;
      }
      default:
    }
  }

  w.send({ type: "output.audioChanged", present: sink.present, enabled: true, canPause: sink.canPause });
  w.send({ type: "audio.began", durationMs: 0, sampleRate: 16_000 });
  w.send({ type: "activity.started" });
  for (const [t, what] of inputs.toSorted((a, b) => a[0] - b[0])) {
    plan(t, 3, () => typeof what === "function" ? what(w) : w.send(what));
  }
  return w;
}

function before(a: Planned, b: Planned): boolean {
  return a.rank !== b.rank ? a.rank < b.rank : a.seq < b.seq;
}

const short = (handleId: string): string => handleId.replace(/^speech_(.+)_(\d+)$/, "$1$2");

/** An order in a few words; null for those that tables leave out: timers, spans, logs. */
export function describe(effect: TurnEffect): string | null {
  switch (effect.type) {
    case "emit":
      switch (effect.event) {
        case "user_state_changed":
          return `user ${effect.newState} @${effect.createdAt}`;
        case "agent_state_changed":
          return `agent ${effect.newState}`;
        case "user_input_transcribed":
          return `${effect.isFinal ? "heard" : "hearing"} "${effect.transcript}"`;
        case "agent_false_interruption":
          return `false interruption${effect.resumed ? ", resumed" : ""}`;
        case "user_transcription_timeout":
          return `no words for ${effect.speechDuration} ms since ${effect.vadSpeechStartedAt}`;
        case "eot_prediction":
          return `prediction ${effect.probability} after ${effect.delayMs}`;
        default:
          return effect satisfies never;
      }
    case "timer.set":
    case "timer.cancel":
    case "span.start":
    case "span.end":
    case "log":
      return null;
    case "turn.commit": {
      const { transcript, metrics: m } = effect.info;
      const times = m.startedSpeakingAt === undefined
        ? ""
        : ` [${m.startedSpeakingAt}..${m.stoppedSpeakingAt}, words ${m.transcriptionDelay}, end ${m.endOfTurnDelay}]`;
      return `commit ${effect.turnId} "${transcript}"${times}`;
    }
    case "turn.runHook":
      return `hook ${effect.turnId}`;
    case "turn.over":
      return `over ${effect.turnId}`;
    case "turn.store":
      return `store ${effect.turnId} (${effect.reason})`;
    case "turn.drop":
      return `drop ${effect.turnId} (${effect.reason})`;
    case "gen.startPreemptive":
      return `begin ${short(effect.handleId)} "${effect.transcript}"`;
    case "gen.cancelPreemptive":
      return `abort ${short(effect.handleId)}`;
    case "gen.usePreemptive":
      return `use ${short(effect.handleId)} for ${effect.turnId}`;
    case "gen.reply":
      return `reply ${short(effect.handleId)} for ${effect.turnId}`;
    case "speech.play":
      return `play ${short(effect.handleId)}`;
    case "speech.interrupt":
      return `interrupt ${short(effect.handleId)}`;
    case "speech.refused":
      return `refuse ${short(effect.handleId)} (${effect.reason})`;
    case "speech.abandon":
      return `abandon ${short(effect.handleId)}`;
    case "playout.pause":
      return "pause";
    case "playout.resume":
      return "resume";
    case "commit.resolve":
      return `committed "${effect.transcript}"`;
    case "detector.ask":
      return `ask "${effect.transcript}"`;
    case "backchannel.judged":
      return `"${effect.text}" ${effect.takesFloor ? "takes" : "leaves"} the floor (${effect.reason})`;
    case "transcript.discarded":
      return `discard "${effect.text}" (${effect.reason})`;
    case "turn.refused":
      return `refused (${effect.reason})`;
    case "stt.pushSilence":
      return `silence ${effect.durationMs}`;
    case "overlap.started":
      return `overlap from ${effect.startedAt}`;
    case "overlap.ended":
      return `overlap ended${effect.agentEnded ? " by agent" : ""}`;
    case "exceeded.runHook":
      return `exceeded "${effect.transcript}" ${effect.accumulatedWordCount} words ${effect.duration}`;
    case "eot.cancel":
      return effect.timedOut ? "eot.cancel, timed out" : "eot.cancel";
    default:
      return effect.type;
  }
}

/** What the machine has learned of the user's pauses. */
export function endpointingOf(w: World): World["turn"]["endpointing"] {
  return w.turn.endpointing;
}
