/**
 * What an event of a run is asked to be, and in what it is not.
 *
 * @module
 */
import type { ChatRole } from "../chat/item.ts";
import type { Agent } from "../session/agent.ts";
import type { RunEvent } from "../session/run_result.ts";

/** Which messages fit. */
export interface MessageCriteria {
  /** Whose words. */
  readonly role?: ChatRole;
  /** The whole text, or a pattern that is in it. */
  readonly text?: string | RegExp;
  /** Whether it was cut off. */
  readonly interrupted?: boolean;
}

/** Which calls of tools fit. */
export interface FunctionCallCriteria {
  /** The tool. */
  readonly name?: string;
  /** Arguments that it must have, at any depth; it may have more. Lists must be as long. */
  readonly args?: Readonly<Record<string, unknown>>;
}

/** Which outputs of tools fit. */
export interface FunctionCallOutputCriteria {
  /** What the model reads, exactly, or a pattern that is in it. */
  readonly output?: string | RegExp;
  /** Whether the call failed. */
  readonly isError?: boolean;
  /** The tool. */
  readonly name?: string;
}

/** Which hand-offs fit. */
export interface AgentHandoffCriteria {
  /** The class of the agent that took over. */
  // deno-lint-ignore no-explicit-any -- the arguments of a constructor are contravariant, and here they do not matter
  readonly newAgentType?: abstract new (...args: any[]) => Agent<any>;
  /** The id of the agent that took over. */
  readonly newAgentId?: string;
}

/** The criteria of each kind of event. */
export interface CriteriaOf {
  /** See {@linkcode MessageCriteria}. */
  readonly message: MessageCriteria;
  /** See {@linkcode FunctionCallCriteria}. */
  readonly function_call: FunctionCallCriteria;
  /** See {@linkcode FunctionCallOutputCriteria}. */
  readonly function_call_output: FunctionCallOutputCriteria;
  /** See {@linkcode AgentHandoffCriteria}. */
  readonly agent_handoff: AgentHandoffCriteria;
}

/** A kind of event, with its criteria. */
export type Criteria = {
  [Type in keyof CriteriaOf]: { readonly type: Type } & CriteriaOf[Type];
}[keyof CriteriaOf];

const KINDS: Readonly<Record<RunEvent["type"], string>> = {
  message: "a message",
  function_call: "a function call",
  function_call_output: "a function call output",
  agent_handoff: "an agent hand-off",
};

/** What is wrong with an event, as a sentence goes on behind "it"; undefined when it fits. */
export function mismatch(event: RunEvent, wanted: Criteria): string | undefined {
  if (event.type !== wanted.type) return `is ${KINDS[event.type]}`;
  switch (wanted.type) {
    case "message": {
      const { item } = event as Extract<RunEvent, { type: "message" }>;
      return differs("role", item.role, wanted.role) ??
        differs("text", item.textContent ?? "", wanted.text) ??
        differs("`interrupted`", item.interrupted, wanted.interrupted);
    }
    case "function_call": {
      const { item } = event as Extract<RunEvent, { type: "function_call" }>;
      const wrong = differs("name", item.name, wanted.name);
      if (wrong !== undefined || wanted.args === undefined) return wrong;
      let args: unknown;
      try {
        args = item.args === "" ? {} : JSON.parse(item.args);
      } catch {
        return `has arguments that are no JSON: ${item.args}`;
      }
      return missing(args, wanted.args, "args");
    }
    case "function_call_output": {
      const { item } = event as Extract<RunEvent, { type: "function_call_output" }>;
      return differs("name", item.name, wanted.name) ??
        differs("output", item.output, wanted.output) ??
        differs("`isError`", item.isError, wanted.isError);
    }
    case "agent_handoff": {
      const { item, newAgent } = event as Extract<RunEvent, { type: "agent_handoff" }>;
      const wrong = differs("new agent", item.newAgentId, wanted.newAgentId);
      if (wrong !== undefined || wanted.newAgentType === undefined) return wrong;
      const { name } = newAgent.constructor;
      return newAgent instanceof wanted.newAgentType ? undefined : `has the new agent ${name}`;
    }
    default:
      return wanted satisfies never;
  }
}

/** The criteria, as a reader wants them. */
export function describeCriteria({ type, ...criteria }: Criteria): string {
  const parts = Object.entries(criteria).filter(([, value]) => value !== undefined).map(([name, value]) =>
    `${name} ${
      typeof value === "function" ? value.name : value instanceof RegExp ? String(value) : JSON.stringify(value)
    }`
  );
  return parts.length === 0 ? KINDS[type] : `${KINDS[type]} with ${parts.join(" and ")}`;
}

function differs(what: string, actual: unknown, wanted: unknown): string | undefined {
  if (wanted === undefined || actual === wanted) return undefined;
  if (wanted instanceof RegExp && typeof actual === "string") {
    wanted.lastIndex = 0; // a global pattern remembers where it was
    if (wanted.test(actual)) return undefined;
  }
  return `has the ${what} ${JSON.stringify(actual)}`;
}

/** Where a value lacks something; undefined when all that is wanted is there. */
function missing(actual: unknown, wanted: unknown, path: string): string | undefined {
  if (Object.is(actual, wanted)) return undefined;
  const isInside = typeof wanted === "object" && wanted !== null && typeof actual === "object" && actual !== null &&
    Array.isArray(wanted) === Array.isArray(actual) &&
    (!Array.isArray(wanted) || wanted.length === (actual as unknown[]).length);
  if (!isInside) return `has \`${path}\` ${JSON.stringify(actual) ?? "undefined"}`;
  for (const [key, value] of Object.entries(wanted as object)) {
    const inner = Object.hasOwn(actual, key) ? (actual as Record<string, unknown>)[key] : undefined;
    const wrong = missing(inner, value, Array.isArray(wanted) ? `${path}[${key}]` : `${path}.${key}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
