/**
 * The script of a simulated conversation: plain data, made from a seed, that a world plays and a shrinker cuts down.
 *
 * A world draws all else that it does (how long a model takes, what a tool does) from the seed and the name of the thing, so
 * that taking one event out of a script changes as little as possible of the rest.
 */
import { type SeededRandom, seededRandom } from "../../src/base/random.ts";

/** Something that happens from outside. */
export type Act =
  /**
   * The user speaks for `ms`; so many words are understood, `late` ms after the end. `lost`: no end is detected. `hum`: all
   * that was said is a word that shows attention.
   */
  | {
    readonly do: "speak";
    readonly ms: number;
    readonly words: number;
    readonly interims: number;
    readonly late: number;
    readonly lost: boolean;
    readonly hum?: boolean;
  }
  /** Words that no voice detector heard. */
  | { readonly do: "words"; readonly kind: "interim" | "preflight" | "final"; readonly words: number }
  /** A recogniser's own mark. */
  | { readonly do: "mark"; readonly kind: "start" | "end" }
  | { readonly do: "say"; readonly protect: boolean; readonly recorded: boolean }
  | { readonly do: "reply"; readonly protect: boolean }
  | { readonly do: "run" }
  | { readonly do: "interrupt"; readonly force: boolean }
  /** Interrupts the `n`th of the speeches that are alive. */
  | { readonly do: "cut"; readonly n: number; readonly force: boolean }
  | { readonly do: "protect"; readonly n: number; readonly value: boolean }
  | { readonly do: "commit"; readonly skipReply: boolean }
  | { readonly do: "clear" }
  | { readonly do: "agent"; readonly kind: AgentKind }
  | { readonly do: "drain" }
  | { readonly do: "close"; readonly drain: boolean; readonly deadline: number }
  | { readonly do: "restart" }
  | { readonly do: "options"; readonly minDuration: number; readonly mode: "vad" | "manual" | null }
  | { readonly do: "tools"; readonly count: number }
  | { readonly do: "mute"; readonly on: boolean }
  | { readonly do: "sound"; readonly on: boolean }
  | { readonly do: "sink" }
  | { readonly do: "fail"; readonly what: "stt" | "vad" | "sink" };

/** What an agent's hooks do. */
export type AgentKind = "plain" | "asks" | "greets" | "farewell" | "slow" | "stuckEnter" | "stuckExit" | "throws";

/** What an act may wait for, in place of a time. */
export type Cue =
  | "user speaks"
  | "turn commits"
  | "hook runs"
  | "agent thinks"
  | "agent speaks"
  | "output pauses"
  | "tool starts"
  | "tool ends"
  | "agent enters"
  | "agent leaves";

/** An act and its time: `t` of the clock, or `t` behind the `n`th time that a cue is given. */
export type Event = Act & { readonly t: number; readonly on?: Cue; readonly n?: number };

/** What may go wrong in a world, and what tools do beside their work. Each world has some of it. */
export const FAULTS = [
  "llm fails",
  "llm stalls",
  "llm is late",
  "llm is cut off",
  "tts fails",
  "tts is silent",
  "tool hangs",
  "tool fails",
  "tool speaks",
  "tool hands over",
  "tool asks",
  "hook hangs",
  "hook is slow",
  "hook throws",
  "hook stops",
  "detector hangs",
  "detector fails",
  "started is lost",
  "finished is lost",
  "cleared is lost",
  "teardown hangs",
  "toolset is slow",
  "timers come twice",
  "facts of the gone",
] as const;
export type Fault = (typeof FAULTS)[number];

/** How a session of the world is set up. */
export interface Setup {
  readonly compat: "fixed" | "reference";
  readonly mode: "vad" | "stt" | "manual" | null;
  readonly detector: "none" | "text" | "streaming";
  readonly hasVad: boolean;
  readonly hasStt: boolean;
  readonly adaptive: boolean;
  readonly backchannels: boolean;
  readonly dynamic: boolean;
  readonly minDelay: number;
  readonly enabled: boolean;
  readonly minWords: number;
  readonly falseInterruptionTimeout: number | null;
  readonly resume: boolean;
  readonly preemptive: boolean;
  readonly maxWords: number | null;
  readonly pauseBetween: number;
  readonly aecWarmup: number | null;
  readonly userAwayTimeout: number | null;
  readonly transcriptionTimeout: number | null;
  readonly canPause: boolean;
  /** Voice, or text alone. */
  readonly voice: boolean;
  readonly captions: boolean;
}

/** All that makes a world. */
export interface Script {
  readonly seed: number;
  readonly setup: Setup;
  readonly faults: readonly Fault[];
  readonly events: readonly Event[];
  /** Milliseconds that its last close may take. */
  readonly deadline: number;
}

/** From here on nothing happens from outside but the last close. Milliseconds. */
export const SPAN_MS = 14_000;

const AGENTS: readonly AgentKind[] = [
  "plain",
  "plain",
  "greets",
  "asks",
  "farewell",
  "slow",
  "stuckEnter",
  "stuckExit",
  "throws",
];
const CUES: readonly Cue[] = [
  "user speaks",
  "turn commits",
  "hook runs",
  "agent thinks",
  "agent speaks",
  "output pauses",
  "tool starts",
  "tool ends",
  "agent enters",
  "agent leaves",
];
const BEHIND = [0, 0, 0, 1, 20, 60, 200, 700] as const;

/** Makes the script of a seed. */
export function scriptOf(seed: number): Script {
  const dice = seededRandom(seed);
  const one = <T>(...values: readonly T[]): T => values[dice.below(values.length)] as T;
  const setup = setupOf(dice);
  // Half of the worlds are sound; the others have one to four faults, so that each is seen alone and with others.
  const faults: Fault[] = [];
  if (dice() < 0.6) {
    for (let count = 1 + dice.below(4); count > 0; count--) {
      const fault = FAULTS[dice.below(FAULTS.length)] as Fault;
      if (!faults.includes(fault)) faults.push(fault);
    }
  }
  const events: Event[] = [];
  const count = 4 + dice.below(12);
  let at = 200 + dice.below(600);
  for (let index = 0; index < count; index++) {
    const act = actOf(dice, one);
    if (dice() < 0.35) events.push({ ...act, t: one(...BEHIND), on: one(...CUES), n: 1 + dice.below(2) } as Event);
    else {
      events.push({ ...act, t: Math.min(at, SPAN_MS) } as Event);
      at += one(0, 10, 300, 900, 1_500, 2_500);
    }
  }
  return { seed, setup, faults, events, deadline: one(0, 300, 5_000, 20_000) };
}

function setupOf(dice: SeededRandom): Setup {
  const one = <T>(...values: readonly T[]): T => values[dice.below(values.length)] as T;
  const voice = dice() < 0.85;
  const detector = one("none", "none", "none", "text", "streaming");
  return {
    compat: dice() < 0.2 ? "reference" : "fixed",
    mode: detector !== "none" ? null : one(null, null, null, "vad", "stt", "manual"),
    detector,
    hasVad: voice && dice() < 0.9,
    hasStt: voice && dice() < 0.9,
    adaptive: dice() < 0.12,
    backchannels: dice() < 0.7,
    dynamic: dice() < 0.3,
    minDelay: one(0, 300, 500, 500, 1_200),
    enabled: dice() < 0.85,
    minWords: one(0, 0, 0, 2),
    falseInterruptionTimeout: one(2_000, 2_000, 0, 600, null),
    resume: dice() < 0.85,
    preemptive: dice() < 0.7,
    maxWords: dice() < 0.1 ? 4 : null,
    pauseBetween: one(0, 0, 300),
    aecWarmup: one(null, null, 1_000),
    userAwayTimeout: one(null, 4_000, 15_000),
    transcriptionTimeout: one(null, null, 1_000),
    canPause: dice() < 0.8,
    voice,
    captions: dice() < 0.5,
  };
}

function actOf(dice: SeededRandom, one: <T>(...values: readonly T[]) => T): Act {
  const roll = dice.below(100);
  if (roll < 34) {
    return {
      do: "speak",
      ms: one(80, 250, 600, 900, 1_500, 2_400),
      words: one(0, 1, 1, 2, 3),
      interims: dice.below(3),
      late: one(0, 150, 300, 700, 2_600),
      lost: dice() < 0.04,
      hum: dice() < 0.2,
    };
  }
  if (roll < 38) return { do: "words", kind: one("final", "final", "interim", "preflight"), words: 1 + dice.below(2) };
  if (roll < 40) return { do: "mark", kind: one("start", "end") };
  if (roll < 48) return { do: "say", protect: dice() < 0.3, recorded: dice() < 0.9 };
  if (roll < 57) return { do: "reply", protect: dice() < 0.2 };
  if (roll < 62) return { do: "run" };
  if (roll < 67) return { do: "interrupt", force: dice() < 0.4 };
  if (roll < 71) return { do: "cut", n: dice.below(3), force: dice() < 0.3 };
  if (roll < 73) return { do: "protect", n: dice.below(3), value: dice() < 0.5 };
  if (roll < 76) return { do: "commit", skipReply: dice() < 0.3 };
  if (roll < 78) return { do: "clear" };
  if (roll < 85) return { do: "agent", kind: one(...AGENTS) };
  if (roll < 87) return { do: "drain" };
  if (roll < 89) return { do: "close", drain: dice() < 0.5, deadline: one(0, 500, 20_000) };
  if (roll < 90) return { do: "restart" };
  if (roll < 92) return { do: "options", minDuration: one(200, 500, 900), mode: one(null, null, "vad", "manual") };
  if (roll < 93) return { do: "tools", count: dice.below(4) };
  if (roll < 95) return { do: "mute", on: dice() < 0.6 };
  if (roll < 97) return { do: "sound", on: dice() < 0.5 };
  if (roll < 98) return { do: "sink" };
  return { do: "fail", what: one("stt", "vad", "sink") };
}

/** Dice by name: the same name gives the same number, whatever else was drawn. In [0, 1). */
export function draw(seed: number, name: number, index: number): number {
  let word = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(name + 0x7f4a7c15, 0xc2b2ae35) ^
    Math.imul(index + 1, 0x27d4eb2f);
  word = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b);
  return ((word ^ (word >>> 16)) >>> 0) / 2 ** 32;
}

/** A script as a short text that can be pasted into a test. */
export function show({ seed, setup, faults, events, deadline }: Script): string {
  const lines = events.map(({ t, on, n, ...act }) =>
    `  ${on === undefined ? `at ${t}` : `${t} ms behind "${on}" ${n}`}: ${JSON.stringify(act)}`
  );
  const different = Object.entries(setup).filter(([key, value]) => value !== PLAIN[key as keyof Setup]);
  return [
    `seed ${seed}, last close within ${deadline} ms`,
    `setup, where it is not plain: ${JSON.stringify(Object.fromEntries(different))}`,
    `faults: ${faults.join(", ") || "none"}`,
    ...lines,
  ].join("\n");
}

/** The setup that a shrinker goes back to. */
export const PLAIN: Setup = {
  compat: "fixed",
  mode: null,
  detector: "none",
  hasVad: true,
  hasStt: true,
  adaptive: false,
  backchannels: false,
  dynamic: false,
  minDelay: 500,
  enabled: true,
  minWords: 0,
  falseInterruptionTimeout: 2_000,
  resume: true,
  preemptive: true,
  maxWords: null,
  pauseBetween: 0,
  aecWarmup: null,
  userAwayTimeout: null,
  transcriptionTimeout: null,
  canPause: true,
  voice: true,
  captions: false,
};
