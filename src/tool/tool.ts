/**
 * What a tool is: something a model may call.
 *
 * @module
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { RunContext } from "./context.ts";

/** Whether and which tool a model must call. Absent: as the provider has it. */
export type ToolChoice =
  | "auto"
  | "required"
  | "none"
  | { readonly type: "function"; readonly function: { readonly name: string } };

/** A JSON Schema of an object. */
export type JSONSchema = Readonly<Record<string, unknown>>;

/** What a tool is told beside its arguments. */
export interface ToolOptions<UserData = unknown> {
  readonly ctx: RunContext<UserData>;
  readonly toolCallId: string;
  /** Aborted when the call is called off: the session closes, or the agent leaves and time is up. */
  readonly abortSignal: AbortSignal;
}

/** Marks of a tool. */
export interface ToolFlags {
  /** Hidden from replies that are made inside `onEnter`. */
  readonly ignoreOnEnter?: boolean;
  /** A running call may be called off, by the model or when its agent leaves. */
  readonly cancellable?: boolean;
  /** `"safe"`: it may run for a reply that is not yet committed, since it changes nothing. */
  readonly speculative?: "safe";
}

/** A tool that runs here. Made by `tool()`. */
export interface FunctionTool<Args = unknown, Result = unknown, UserData = unknown> {
  readonly type: "function";
  readonly name: string;
  readonly description: string;
  readonly flags: ToolFlags;
  /** What models are told about the arguments. */
  readonly jsonSchema: JSONSchema;
  /** What checks the arguments; absent for plain JSON Schema, whose arguments pass as they are. */
  readonly schema?: StandardSchemaV1<unknown, Args>;
  readonly onDuplicate: "allow" | "reject" | "replace" | "confirm";
  readonly execute: (args: Args, options: ToolOptions<UserData>) => Result | Promise<Result>;
}

/** A tool that the provider runs itself. */
export interface ProviderTool {
  readonly type: "provider";
  readonly id: string;
  /** What the provider's API wants to hear about it. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Tools with a life of their own. */
export interface Toolset {
  readonly type: "toolset";
  readonly id: string;
  readonly tools: readonly AnyTool[];
  /** Runs at the start of every activity that has it; must bear being called again. */
  setup?(): Promise<void> | void;
  aclose?(): Promise<void> | void;
}

// deno-lint-ignore no-explicit-any -- a list of tools holds tools of any arguments, and a function's parameter is contravariant
export type AnyFunctionTool = FunctionTool<any, unknown, any>;

/** Anything that may stand in a list of tools. */
export type AnyTool = AnyFunctionTool | ProviderTool | Toolset;

/** The tools of a request, by name. */
export interface ToolContext {
  readonly functionTools: ReadonlyMap<string, AnyFunctionTool>;
  readonly providerTools: readonly ProviderTool[];
  readonly toolsets: readonly Toolset[];
}
