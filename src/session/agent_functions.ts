/**
 * Agents made from functions, in place of a class.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { ChatContext } from "../chat/context.ts";
import type { ChatChunk } from "../model/llm.ts";
import type { AudioInputPart, FlushMark, TimedString } from "../model/marks.ts";
import type { SpeechEvent } from "../model/stt.ts";
import type { ToolContext } from "../tool/tool.ts";
import type { HookContext, ModelSettings, MutableMessage, NodeResult, UserTurnExceededEvent } from "./agent.ts";

/**
 * Hooks and nodes as functions. Each takes the place of the method of its name, and is given the agent first: its `session`,
 * `chatCtx`, `instructions` and, for a task, `complete`.
 */
export interface AgentFunctions<Self, UserData = unknown> {
  /** See `Agent.onEnter`. */
  onEnter?(agent: Self, ctx: HookContext<UserData>): void | Promise<void>;
  /** See `Agent.onExit`. */
  onExit?(agent: Self, ctx: HookContext<UserData>): void | Promise<void>;
  /** See `Agent.onUserTurnCompleted`. */
  onUserTurnCompleted?(
    agent: Self,
    turnCtx: ChatContext,
    newMessage: MutableMessage,
    ctx: HookContext<UserData>,
  ): void | Promise<void>;
  /** See `Agent.onUserTurnExceeded`. */
  onUserTurnExceeded?(agent: Self, event: UserTurnExceededEvent, ctx: HookContext<UserData>): Promise<void>;
  /** See `Agent.sttNode`. */
  sttNode?(agent: Self, audio: ReadableStream<AudioInputPart>, settings: ModelSettings): NodeResult<SpeechEvent>;
  /** See `Agent.llmNode`. */
  llmNode?(
    agent: Self,
    chatCtx: ChatContext,
    toolCtx: ToolContext,
    settings: ModelSettings,
  ): NodeResult<ChatChunk | string | FlushMark>;
  /** See `Agent.transcriptionNode`. */
  transcriptionNode?(
    agent: Self,
    text: ReadableStream<string | TimedString>,
    settings: ModelSettings,
  ): NodeResult<string | TimedString>;
  /** See `Agent.ttsNode`. */
  ttsNode?(agent: Self, text: ReadableStream<string>, settings: ModelSettings): NodeResult<AudioFrame>;
}

const NAMES: readonly (keyof AgentFunctions<unknown>)[] = [
  "onEnter",
  "onExit",
  "onUserTurnCompleted",
  "onUserTurnExceeded",
  "sttNode",
  "llmNode",
  "transcriptionNode",
  "ttsNode",
];

/** Parts options from functions. */
export function splitFunctions<T extends object>(given: T): { readonly options: T; readonly functions: Partial<T> } {
  const isFunction = ([name]: readonly [string, unknown]): boolean => (NAMES as readonly string[]).includes(name);
  const entries = Object.entries(given);
  return {
    options: Object.fromEntries(entries.filter((entry) => !isFunction(entry))) as T,
    functions: Object.fromEntries(entries.filter(isFunction)) as Partial<T>,
  };
}

/** Puts functions in the place of an agent's methods. What is left out stays as it was. */
export function giveFunctions<Self extends object>(agent: Self, functions: object): Self {
  for (const [name, body] of Object.entries(functions)) {
    if (typeof body !== "function") continue;
    Object.defineProperty(agent, name, { value: (...args: readonly unknown[]) => body(agent, ...args) });
  }
  return agent;
}
