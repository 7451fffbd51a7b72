/**
 * A session between turns as a plain value: written as JSON, kept anywhere, and read again by any process.
 *
 * @module
 */
import * as v from "valibot";
import { AgentError } from "../base/error.ts";
import type { ModelUsage } from "../telemetry/usage.ts";
import { type TurnHandlingOptions, turnHandlingSchema } from "./options.ts";
import type { ContextPiece, ItemJSON } from "./snapshot_items.ts";

/** The version that is written. One that is read must be the same. */
export const SNAPSHOT_VERSION = 1;

/** One agent of the stack. Its models, tools and hooks come from the program, by its id. */
export interface AgentSnapshot {
  /** Names the agent in the registry that `resume` is given. */
  readonly id: string;
  /** Its instructions, where they were changed at run time. */
  readonly instructions?: string | { readonly audio: string; readonly text?: string };
  /** What its model sees: pieces of the history, and items of its own. */
  readonly context: readonly ContextPiece[];
}

/** Everything of a session but its history: it does not grow with the conversation. */
export interface SnapshotHead {
  /** Of the format. */
  readonly version: 1;
  /** The agents, outermost first: the last one is on stage. */
  readonly agents: readonly AgentSnapshot[];
  /** The program's own data. Absent when there is none. */
  readonly userData?: unknown;
  /** What was changed by `updateOptions`. */
  readonly options: { readonly turnHandling?: TurnHandlingOptions };
  /** What the models have used. */
  readonly usage: readonly ModelUsage[];
}

/** A session at a quiet point: plain JSON. */
export interface SessionSnapshot extends SnapshotHead {
  /** Everything that was said and done, oldest first. */
  readonly history: readonly ItemJSON[];
}

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
const itemSchema = v.custom<ItemJSON>(isRecord, "an item must be an object"); // keeps its identity: see `snapshot_items.ts`
const count = v.pipe(v.number(), v.integer(), v.minValue(1));

const headEntries = {
  version: v.literal(SNAPSHOT_VERSION),
  agents: v.pipe(
    v.array(v.object({
      id: v.string(),
      instructions: v.optional(v.union([v.string(), v.object({ audio: v.string(), text: v.optional(v.string()) })])),
      context: v.array(v.union([v.object({ from: v.string(), count }), v.object({ item: itemSchema })])),
    })),
    v.minLength(1),
  ),
  userData: v.optional(v.unknown()),
  options: v.object({ turnHandling: v.optional(turnHandlingSchema) }),
  usage: v.array(v.objectWithRest({
    type: v.picklist(["llm_usage", "tts_usage", "stt_usage", "interruption_usage", "eot_usage"]),
    provider: v.string(),
    model: v.string(),
  }, v.number())),
};

const snapshotSchema = v.object({ ...headEntries, history: v.array(itemSchema) });

/** Snapshots that this process made itself, or has read before. They are frozen and need no second look. */
const trusted = new WeakSet<object>();

/** Marks a snapshot as one of ours, and freezes it. */
export function trust(snapshot: SessionSnapshot): SessionSnapshot {
  trusted.add(snapshot);
  return Object.freeze(snapshot);
}

/**
 * Reads a snapshot that was kept somewhere.
 *
 * @throws {AgentError} `snapshot.bad_value` when it is none, or of another version.
 */
export function parseSnapshot(value: unknown): SessionSnapshot {
  if (typeof value === "object" && value !== null && trusted.has(value)) return value as SessionSnapshot;
  const result = v.safeParse(snapshotSchema, value);
  if (result.success) return result.output as unknown as SessionSnapshot;
  const issue = result.issues[0];
  throw badSnapshot(
    `\`${v.getDotPath(issue) ?? "it"}\` must be ${issue.expected ?? "valid"}`,
    issue.received, // the kind of the value, never the value
  );
}

/** An error that says what is wrong with a snapshot. */
export function badSnapshot(rule: string, current: string, cause?: unknown): AgentError {
  return new AgentError(
    "snapshot.bad_value",
    `Cannot resume a session from this snapshot as ${rule}: current value is ${current}`,
    ...(cause === undefined ? [] : [{ cause }]),
  );
}
