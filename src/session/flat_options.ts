/**
 * Options as LiveKit Agents had them before there was `turnHandling`: taken, put where they belong, and told. Pure.
 *
 * @module
 */
import type { TurnHandlingOptions } from "./options.ts";

/** Options of an agent that `turnHandling` has taken the place of. Given beside it, they are left out. */
export interface FlatAgentOptions {
  /** @deprecated Write `turnHandling: { turnDetection }`. */
  readonly turnDetection?: TurnHandlingOptions["turnDetection"];
  /** @deprecated Write `turnHandling: { endpointing: { minDelay } }`. Milliseconds. */
  readonly minEndpointingDelay?: number;
  /** @deprecated Write `turnHandling: { endpointing: { maxDelay } }`. Milliseconds. */
  readonly maxEndpointingDelay?: number;
  /** @deprecated Write `turnHandling: { interruption: { enabled } }`. */
  readonly allowInterruptions?: boolean;
}

/** Options of a session that `turnHandling` has taken the place of. */
export interface FlatTurnOptions extends FlatAgentOptions {
  /** @deprecated Write `turnHandling: { interruption: { discardAudioIfUninterruptible } }`. */
  readonly discardAudioIfUninterruptible?: boolean;
  /** @deprecated Write `turnHandling: { interruption: { minDuration } }`. Milliseconds. */
  readonly minInterruptionDuration?: number;
  /** @deprecated Write `turnHandling: { interruption: { minWords } }`. */
  readonly minInterruptionWords?: number;
  /** @deprecated Write `turnHandling: { interruption: { falseInterruptionTimeout } }`. Milliseconds. */
  readonly falseInterruptionTimeout?: number | null;
  /** @deprecated Write `turnHandling: { interruption: { falseInterruptionTimeout } }`. Milliseconds. */
  readonly agentFalseInterruptionTimeout?: number | null;
  /** @deprecated Write `turnHandling: { interruption: { resumeFalseInterruption } }`. */
  readonly resumeFalseInterruption?: boolean;
  /** @deprecated Write `turnHandling: { preemptiveGeneration: { enabled } }`. */
  readonly preemptiveGeneration?: boolean | TurnHandlingOptions["preemptiveGeneration"];
}

/** Options of a session as they were. */
export interface FlatSessionOptions extends FlatTurnOptions {
  /** @deprecated Write each of them where it belongs: `maxToolSteps` and `userAwayTimeout` beside `turnHandling`. */
  readonly voiceOptions?: FlatTurnOptions & {
    readonly maxToolSteps?: number;
    readonly userAwayTimeout?: number | null;
  };
}

/** What became of options. */
export interface Unflattened<Options> {
  /** The same, with every option where it belongs. */
  readonly options: Options;
  /** What was moved or left out, as `old -> new`, for the log. */
  readonly moved: readonly string[];
}

/** Where each belongs; later ones win over earlier ones. */
const PLACES: Readonly<Record<keyof FlatTurnOptions, readonly [group: string, key: string] | "turnDetection">> = {
  turnDetection: "turnDetection",
  minEndpointingDelay: ["endpointing", "minDelay"],
  maxEndpointingDelay: ["endpointing", "maxDelay"],
  allowInterruptions: ["interruption", "enabled"],
  discardAudioIfUninterruptible: ["interruption", "discardAudioIfUninterruptible"],
  minInterruptionDuration: ["interruption", "minDuration"],
  minInterruptionWords: ["interruption", "minWords"],
  falseInterruptionTimeout: ["interruption", "falseInterruptionTimeout"],
  agentFalseInterruptionTimeout: ["interruption", "falseInterruptionTimeout"],
  resumeFalseInterruption: ["interruption", "resumeFalseInterruption"],
  preemptiveGeneration: ["preemptiveGeneration", "enabled"],
};

/** Options of an agent. Only its own flat ones are taken. */
const OF_AGENTS = ["turnDetection", "minEndpointingDelay", "maxEndpointingDelay", "allowInterruptions"] as const;

type Loose = Readonly<Record<string, unknown>>;

/** Puts the flat options of a session where they belong. */
export function unflattenSession<Options extends object>(given: Options): Unflattened<Options> {
  if (typeof given !== "object" || given === null) return { options: given, moved: [] };
  const flat = unflatten(given, Object.keys(PLACES), given as Loose, "");
  const { voiceOptions } = flat.options as { readonly voiceOptions?: Loose };
  if (voiceOptions === undefined) return flat as Unflattened<Options>;
  const { voiceOptions: _bag, ...rest } = flat.options as Loose;
  // Unlike the options beside it, `turnHandling` wins over the bag key by key.
  const bag = unflatten({}, Object.keys(PLACES), voiceOptions, "voiceOptions.");
  const merged: Record<string, unknown> = { ...rest };
  const moved = [...flat.moved, ...bag.moved];
  for (const key of ["maxToolSteps", "userAwayTimeout"]) {
    if (voiceOptions[key] === undefined) continue;
    moved.push(`voiceOptions.${key} -> ${key}`);
    merged[key] ??= voiceOptions[key];
  }
  const { turnHandling } = bag.options as { readonly turnHandling?: Loose };
  if (turnHandling !== undefined) {
    const explicit = (rest["turnHandling"] ?? {}) as Loose;
    const groups: Record<string, unknown> = { ...turnHandling, ...explicit };
    for (const name of ["endpointing", "interruption", "preemptiveGeneration"]) {
      if (turnHandling[name] === undefined) continue;
      groups[name] = { ...turnHandling[name] as Loose, ...explicit[name] as Loose | undefined };
    }
    merged["turnHandling"] = groups;
  }
  return { options: merged as Options, moved };
}

/** Puts the flat options of an agent where they belong. */
export function unflattenAgent<Options extends object>(given: Options): Unflattened<Options> {
  return unflatten(given, OF_AGENTS, given as Loose, "") as Unflattened<Options>;
}

/** Takes flat options out of `from`. Where there is a `turnHandling`, they are left out, and told all the same. */
function unflatten(
  options: object,
  names: readonly string[],
  from: Loose,
  prefix: string,
): { readonly options: Loose; readonly moved: readonly string[] } {
  const used = names.filter((name) => from[name] !== undefined);
  if (used.length === 0) return { options: options as Loose, moved: [] };
  const kept = Object.fromEntries(Object.entries(options).filter(([name]) => !used.includes(name)));
  const turnHandling: Record<string, unknown> = {};
  const moved: string[] = [];
  for (const name of used) {
    const place = PLACES[name as keyof FlatTurnOptions];
    const value = from[name];
    if (place === "turnDetection") {
      turnHandling[place] = value;
      moved.push(`${prefix}${name} -> turnHandling.${place}`);
      continue;
    }
    const [group, key] = place;
    moved.push(`${prefix}${name} -> turnHandling.${group}.${key}`);
    if (name === "allowInterruptions" && value !== false) continue; // they may interrupt anyway
    const isGroup = typeof value === "object" && value !== null; // all of the group at once
    turnHandling[group] = { ...turnHandling[group] as object | undefined, ...(isGroup ? value : { [key]: value }) };
  }
  if (kept["turnHandling"] !== undefined || Object.keys(turnHandling).length === 0) return { options: kept, moved };
  return { options: { ...kept, turnHandling }, moved };
}
