/**
 * What a tool is: something a model may call.
 *
 * @module
 */
import type { RunContext } from "./context.ts";
import type { ToolHandlingOptions } from "./templates.ts";
import type { StandardSchemaV1 } from "./standard_schema.ts";

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
  /** What the call can see and do. */
  readonly ctx: RunContext<UserData>;
  /** The id that the model gave the call. */
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
  /**
   * It ends the conversation, such as hanging up: it runs only when all that was said before it was heard, and when the user
   * neither cut in nor has begun to say more. Otherwise the model is told that it was not made.
   */
  readonly terminal?: boolean;
}

/** A tool that runs here. Made by `tool()`. */
export interface FunctionTool<Args = unknown, Result = unknown, UserData = unknown> {
  /** Tells it from other kinds of tools. */
  readonly type: "function";
  /** What models call it. Empty for one that is named by the key under which it is given. */
  readonly name: string;
  /** What models are told about it. */
  readonly description: string;
  /** Marks that the session reads. */
  readonly flags: ToolFlags;
  /** What models are told about the arguments. */
  readonly jsonSchema: JSONSchema;
  /** What checks the arguments; absent for plain JSON Schema, whose arguments pass as they are. */
  readonly schema?: StandardSchemaV1<unknown, Args>;
  /** What to do when it is called while a call of it is running. */
  readonly onDuplicate: "allow" | "reject" | "replace" | "confirm";
  /** Which calls count as the same: all of the tool, or those with equal arguments. */
  readonly duplicateScope: "name" | "name_and_args";
  /** Does the work. */
  readonly execute: (args: Args, options: ToolOptions<UserData>) => Result | Promise<Result>;
}

/** A tool that the provider runs itself. */
export interface ProviderTool {
  /** Tells it from other kinds of tools. */
  readonly type: "provider";
  /** What the provider calls it. */
  readonly id: string;
  /** What the provider's API wants to hear about it. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Tools with a life of their own. */
export interface Toolset {
  /** Tells it from other kinds of tools. */
  readonly type: "toolset";
  /** A name for the log. Two toolsets may share one. */
  readonly id: string;
  /** What it holds; toolsets may hold toolsets. */
  readonly tools: readonly AnyTool[];
  /** Its calls outlive the agent that made them, and report to whoever is on stage; only in the tools of a session. */
  readonly isAsync?: boolean;
  /** How its calls tell of their progress, in place of what agent and session say. */
  readonly toolHandling?: ToolHandlingOptions;
  /** Runs at the start of every activity that has it; must bear being called again. Agents that come do not wait over 5,000 ms. */
  setup?(ctx: ToolsetContext): Promise<void> | void;
  /** Runs when nobody has it any more: the last activity or session that did has ended. */
  aclose?(): Promise<void> | void;
}

/** What a toolset is given when it is set up. */
export interface ToolsetContext {
  /** Replaces what it holds, now or later; models are told with their next request. */
  updateTools(tools: readonly AnyTool[]): void;
}

/** A tool of any arguments and results, as it stands in a list. */
// deno-lint-ignore no-explicit-any -- a list of tools holds tools of any arguments, and a function's parameter is contravariant
export type AnyFunctionTool = FunctionTool<any, unknown, any>;

/** Anything that may stand in a list of tools. */
export type AnyTool = AnyFunctionTool | ProviderTool | Toolset;

/** The tools of a request, by name. */
export interface ToolContext {
  /** Tools that run here, by name, in the order given. */
  readonly functionTools: ReadonlyMap<string, AnyFunctionTool>;
  /** Tools that the provider runs. */
  readonly providerTools: readonly ProviderTool[];
  /** The toolsets that some of the tools came from. */
  readonly toolsets: readonly Toolset[];
}
