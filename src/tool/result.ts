/**
 * What a tool's result means: for the model, for the reply and for who is on stage.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { StopResponse, ToolError } from "./error.ts";

/** Under this key, agents carry `true`, so that they are known without importing what they are. */
export const AGENT_BRAND: unique symbol = Symbol.for("repartee.agent");

/** Anything that carries the brand of agents. */
export interface AgentLike {
  /** The id of the agent. */
  readonly id: string;
}

/** Another agent takes over, made by {@linkcode handoff}. */
export interface Handoff {
  /** Tells it from other values. */
  readonly type: "handoff";
  /** Who takes over. */
  readonly agent: AgentLike;
  /** What the model is told before the agent leaves. Absent: it says nothing more. */
  readonly returns?: unknown;
}

/** What becomes of a call. */
export interface ToolOutcome {
  /** For the model. Empty: nothing. */
  readonly output: string;
  /** Whether the model is told that the call failed. */
  readonly isError: boolean;
  /** Whether the model is to answer. */
  readonly replyRequired: boolean;
  /** Who takes over. */
  readonly agent?: AgentLike;
  /** It is what the tool says of its progress: it works on. */
  readonly nonBlocking?: boolean;
  /** It was called off. */
  readonly isCancelled?: boolean;
  /** The model's arguments did not fit. */
  readonly isBadCall?: boolean;
  /** What is for the log and never for the model. */
  readonly cause?: unknown;
}

/** What the model reads of an error that is not meant for it. */
const INTERNAL_ERROR = "An internal error occurred while the tool was running.";
const INVALID_RESULT = "The tool ran, but its result cannot be shown.";
const TWO_AGENTS = "The tool handed over to more than one agent. No hand-off was made.";

/**
 * Hands over to another agent from within a tool.
 *
 * @param options `returns` is told to the model, and the agent that leaves speaks about it first. Without it, the agent leaves
 * in silence.
 * @throws {AgentError} `tool.bad_definition` when `agent` is none.
 *
 * @example
 * ```ts
 * execute: () => handoff({ agent: new Billing(), returns: "Billing takes over." }),
 * ```
 */
export function handoff(options: { readonly agent: AgentLike; readonly returns?: unknown }): Handoff {
  if (!isAgent(options.agent)) {
    throw new AgentError(
      "tool.bad_definition",
      `Cannot hand over as \`agent\` must be an Agent: current value is ${typeof options.agent}`,
    );
  }
  return { type: "handoff", agent: options.agent, ...("returns" in options ? { returns: options.returns } : {}) };
}

/** Whether a value is an agent. */
export function isAgent(value: unknown): value is AgentLike {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[AGENT_BRAND] === true;
}

/**
 * What a value means that a tool returned.
 *
 * | returned | output | reply | agent |
 * |---|---|---|---|
 * | a string | as it is | yes | |
 * | `undefined`, `null` | empty | no | |
 * | an agent, or `handoff({ agent })` | empty | no | yes |
 * | a list of one agent and other values, or `handoff({ agent, returns })` | the one value, or the list of them | if there are any | yes |
 * | more than one agent | an error text | yes | |
 * | an error | as if it was thrown | | |
 * | anything else | JSON | yes | |
 * | what JSON cannot say | an error text | yes | |
 */
export function mapToolResult(value: unknown): ToolOutcome {
  if (value instanceof Error) return mapToolFailure(value);
  if (isAgent(value)) return { ...silent, agent: value };
  if (isHandoff(value)) return withAgent(value.agent, value.returns);
  if (Array.isArray(value) || value instanceof Set) {
    const entries: readonly unknown[] = [...value];
    const agents = entries.flatMap((entry) => isAgent(entry) ? [entry] : isHandoff(entry) ? [entry.agent] : []);
    const [agent] = agents;
    if (new Set(agents).size > 1) return { ...failed(TWO_AGENTS), cause: "two agents in one result" };
    if (agent !== undefined) {
      const others = entries
        .flatMap((entry) => isAgent(entry) ? [] : isHandoff(entry) ? [entry.returns] : [entry])
        .filter((entry) => entry !== undefined && entry !== null);
      return withAgent(agent, others.length > 1 ? others : others[0]);
    }
  }
  return plainOutcome(value);
}

/** What a value means that a tool threw. Only the message of a `ToolError` is for the model. */
export function mapToolFailure(error: unknown): ToolOutcome {
  if (isNamed(error, StopResponse, "StopResponse")) return silent;
  if (isNamed(error, ToolError, "ToolError")) return { ...failed((error as Error).message), cause: error };
  return { ...failed(INTERNAL_ERROR), cause: error };
}

/** What becomes of a call of a tool that there is not. */
export function unknownToolOutcome(name: string, available: Iterable<string>): ToolOutcome {
  const names = [...available];
  const list = names.length === 0 ? "There are no tools." : `The tools are: ${names.join(", ")}.`;
  return { ...failed(`There is no tool named ${name}. ${list}`), isBadCall: true };
}

/** What becomes of a call that was called off. */
export function cancelledOutcome(reason = "The call was cancelled before it finished."): ToolOutcome {
  return { output: reason, isError: true, replyRequired: false, isCancelled: true };
}

/** What becomes of a call whose arguments do not fit. The model is told why, so that it can mend them. */
export function badCallOutcome(message: string): ToolOutcome {
  return { ...failed(message), isBadCall: true };
}

/** What becomes of a call that would have ended the conversation, had the user not gone on with it. */
export function notEndedOutcome(): ToolOutcome {
  return { output: "The call was not made, as the user goes on speaking.", isError: true, replyRequired: false };
}

/** What becomes of a hand-off by a tool that works in the background. */
export function lateHandoffOutcome(): ToolOutcome {
  return failed("No hand-off was made: a tool that has reported its progress can make none.");
}

/** What a round of parallel calls means for who is on stage. */
export type RoundHandoff =
  | { readonly type: "none" }
  | { readonly type: "handoff"; readonly agent: AgentLike }
  /** More than one: none takes over, and each of these calls ends in {@linkcode conflictOutcome}. */
  | { readonly type: "conflict"; readonly agents: readonly AgentLike[] };

/**
 * Who takes over after a round of parallel calls. All outcomes are looked at first, so that a slower call without an agent
 * takes nothing from one with.
 */
export function roundHandoff(outcomes: Iterable<ToolOutcome>): RoundHandoff {
  const agents = new Set<AgentLike>();
  for (const { agent } of outcomes) if (agent !== undefined) agents.add(agent);
  const [agent] = agents;
  if (agent === undefined) return { type: "none" };
  return agents.size === 1 ? { type: "handoff", agent } : { type: "conflict", agents: [...agents] };
}

/** What becomes of a call whose hand-off was not made, since another call of its round made one too. */
export function conflictOutcome(): ToolOutcome {
  return failed(TWO_AGENTS);
}

/** What becomes of a call whose hand-off was not made, since the user cut in. */
export function handoffNotAppliedOutcome(): ToolOutcome {
  return { output: "The hand-off was not made, as the user interrupted.", isError: true, replyRequired: false };
}

/**
 * The text that a model reads of a value: strings as they are, `undefined` and `null` as nothing, anything else as JSON. Sets
 * and maps become lists and objects, big integers their digits, numbers that JSON lacks their name.
 *
 * @returns `undefined` when the value cannot be written: functions, symbols, promises, streams, bytes, circles.
 */
export function outputText(value: unknown): string | undefined {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value === "bigint") return String(value);
  try {
    return JSON.stringify(plain(value, []));
  } catch {
    return undefined; // the only failures are the refusals below and a `toJSON` that throws
  }
}

const silent: ToolOutcome = { output: "", isError: false, replyRequired: false };

function failed(output: string): ToolOutcome {
  return { output, isError: true, replyRequired: true };
}

function withAgent(agent: AgentLike, returns: unknown): ToolOutcome {
  return { ...plainOutcome(returns), agent };
}

function plainOutcome(value: unknown): ToolOutcome {
  if (value === undefined || value === null) return silent;
  const output = outputText(value);
  if (output === undefined) return { ...failed(INVALID_RESULT), cause: "a result that is no plain data" };
  return { output, isError: false, replyRequired: true };
}

function plain(value: unknown, path: readonly unknown[]): unknown {
  switch (typeof value) {
    case "function":
    case "symbol":
      throw new TypeError("no plain data");
    case "bigint":
      return String(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (path.includes(value) || isAgent(value)) throw new TypeError("no plain data");
  const inside = [...path, value];
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, (entry) => plain(entry, inside));
  const entries = value instanceof Map ? [...value] : undefined;
  if (entries === undefined && "toJSON" in value && typeof value.toJSON === "function") {
    return plain(value.toJSON(), inside);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) throw new TypeError("no plain data");
  const own = entries ?? Object.entries(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  // A stream, a response or a promise shows nothing of itself: better an error than an empty object.
  if (entries === undefined && own.length === 0 && prototype !== Object.prototype && prototype !== null) {
    throw new TypeError("no plain data");
  }
  return Object.fromEntries(own.map(([key, inner]) => [String(key), plain(inner, inside)]));
}

function isHandoff(value: unknown): value is Handoff {
  return typeof value === "object" && value !== null && (value as { type?: unknown }).type === "handoff" &&
    isAgent((value as { agent?: unknown }).agent);
}

/** Two copies of the library may meet in one program, so the name counts as well. */
function isNamed(error: unknown, type: new (...args: never[]) => Error, name: string): boolean {
  return error instanceof type || (error instanceof Error && error.name === name);
}
