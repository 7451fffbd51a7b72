/**
 * Defines tools.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { resolveParameters, type ToolArguments, type ToolParameters } from "./schema.ts";
import type { StandardSchemaV1 } from "./standard_schema.ts";
import type { FunctionTool, ProviderTool, ToolFlags, ToolOptions, Toolset } from "./tool.ts";

/** What {@linkcode tool} takes. */
export interface ToolDefinition<Parameters extends ToolParameters | undefined, Result, UserData> {
  /** What models call it: letters, digits, `_` and `-`, at most 64. May be left out where tools are given as an object. */
  readonly name?: string;
  /** What models are told about it. */
  readonly description: string;
  /** What describes the arguments. Absent: the tool takes none. */
  readonly parameters?: Parameters;
  /**
   * Does the work. What it returns goes to the model: a string as it is, `undefined` and `null` as no answer at all, anything
   * else as JSON. It may throw a `ToolError`, whose message the model reads.
   */
  readonly execute: (
    args: ToolArguments<Parameters>,
    options: ToolOptions<UserData>,
  ) => Result | Promise<Result>;
  /** Marks that the session reads. Default none. */
  readonly flags?: ToolFlags;
  /** What to do when the model calls it while a call of it is running. Default `"allow"`. */
  readonly onDuplicate?: FunctionTool["onDuplicate"];
  /** Which running calls count: those of the tool, or those with equal arguments. Default `"name"`. */
  readonly duplicateScope?: FunctionTool["duplicateScope"];
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const ON_DUPLICATE: ReadonlySet<string> = new Set(["allow", "reject", "replace", "confirm"]);

/**
 * Defines a tool: something that a model may call.
 *
 * @throws {AgentError} `tool.bad_definition` when the name, the parameters or another part is wrong; the message says which.
 *
 * @example With zod
 * ```ts
 * const weather = tool({
 *   name: "weather",
 *   description: "The weather in a city today.",
 *   parameters: z.object({ city: z.string() }),
 *   execute: async ({ city }) => await forecast(city),
 * });
 * ```
 *
 * @example Without parameters
 * ```ts
 * const hangUp = tool({ name: "hang_up", description: "Ends the call.", execute: (_args, { ctx }) => endCall(ctx) });
 * ```
 */
export function tool<
  const Parameters extends ToolParameters | undefined = undefined,
  Result = unknown,
  UserData = unknown,
>(
  definition: ToolDefinition<Parameters, Result, UserData>,
): FunctionTool<ToolArguments<Parameters>, Result, UserData> {
  const { name = "", description, execute, flags = {}, onDuplicate = "allow", duplicateScope = "name" } = definition;
  if (definition.name !== undefined) checkToolName(name);
  if (typeof description !== "string") throw bad(name, "`description` must be a text", typeof description);
  if (typeof execute !== "function") throw bad(name, "`execute` must be a function", typeof execute);
  if (!ON_DUPLICATE.has(onDuplicate)) {
    throw bad(name, "`onDuplicate` must be allow, reject, replace or confirm", String(onDuplicate));
  }
  if (duplicateScope !== "name" && duplicateScope !== "name_and_args") {
    throw bad(name, "`duplicateScope` must be name or name_and_args", String(duplicateScope));
  }
  const { jsonSchema, schema } = resolveParameters(name === "" ? "(anonymous)" : name, definition.parameters);
  return Object.freeze({
    type: "function",
    name,
    description,
    flags: Object.freeze({ ...flags }),
    jsonSchema,
    ...(schema === undefined ? {} : { schema: schema as StandardSchemaV1<unknown, ToolArguments<Parameters>> }),
    onDuplicate,
    duplicateScope,
    execute,
  });
}

/** Defines a tool that the provider runs itself. */
export function providerTool(
  definition: { readonly id: string; readonly config?: Readonly<Record<string, unknown>> },
): ProviderTool {
  if (typeof definition.id !== "string" || definition.id === "") {
    throw bad("(provider tool)", "`id` must be a text of some length", typeof definition.id);
  }
  return Object.freeze({ type: "provider", id: definition.id, config: Object.freeze({ ...definition.config }) });
}

/**
 * Defines tools that share a life: `setup` when an activity begins, `aclose` when nobody has them any more.
 *
 * @throws {AgentError} `tool.bad_definition` without an `id` or a list of tools.
 *
 * @example Tools that are known when a connection is open
 * ```ts
 * const desk = toolset({
 *   id: "desk",
 *   tools: [],
 *   setup: async ({ updateTools }) => updateTools(await desk.connect()),
 *   aclose: () => desk.disconnect(),
 * });
 * ```
 */
export function toolset(definition: Omit<Toolset, "type">): Toolset {
  if (typeof definition.id !== "string" || definition.id === "") {
    throw bad("(toolset)", "`id` must be a text of some length", typeof definition.id);
  }
  if (!Array.isArray(definition.tools)) throw bad(definition.id, "`tools` must be a list", typeof definition.tools);
  return Object.freeze({ ...definition, type: "toolset" });
}

/**
 * Defines tools whose calls go on while the conversation does, whoever is on stage: given to a session, they report to the
 * agent that is there when there is something to say. Given to an agent, they end with it like its other tools.
 *
 * @throws {AgentError} `tool.bad_definition` without an `id` or a list of tools.
 */
export function asyncToolset(definition: Omit<Toolset, "type" | "isAsync">): Toolset {
  return toolset({ ...definition, isAsync: true });
}

/**
 * Refuses what is no name for a tool.
 *
 * @throws {AgentError} `tool.bad_definition`
 */
export function checkToolName(name: unknown): asserts name is string {
  if (typeof name === "string" && NAME.test(name)) return;
  const value = typeof name === "string" ? JSON.stringify(name.slice(0, 80)) : typeof name;
  throw bad("", "`name` must be 1 to 64 letters, digits, _ and -", value);
}

function bad(name: string, rule: string, value: string): AgentError {
  return new AgentError(
    "tool.bad_definition",
    `Cannot define ${name === "" ? "a tool" : `tool ${name}`} as ${rule}: current value is ${value}`,
  );
}
