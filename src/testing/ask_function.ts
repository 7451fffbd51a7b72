/**
 * Asks a model a question that it answers by calling a function, as judges and simulated users do.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";
import { ChatContext } from "../chat/context.ts";
import { connectOptions } from "../model/connect_options.ts";
import type { FunctionToolCall, LLM } from "../model/llm.ts";
import { llmAttempt } from "../model/attempt.ts";
import { defaultRuntime } from "../session/default_runtime.ts";
import { prepareArguments } from "../tool/arguments.ts";
import { tool } from "../tool/define.ts";
import type { JSONSchema, ToolChoice } from "../tool/tool.ts";
import { toolContext } from "../tool/tool_context.ts";

/** How patiently a model is asked, and by which clock. */
export interface AskOptions {
  /** Measures the limits of time. Default: the clock of the place. Give the virtual one when the model is a scripted one. */
  readonly clock?: Clock;
  /** How long to wait for each part of the answer, in milliseconds. Default 90,000. */
  readonly timeoutMs?: number;
  /** Attempts after the first. Default 3. */
  readonly maxRetry?: number;
  /** Stops the question. */
  readonly signal?: AbortSignal;
}

/** A question. */
export interface Question {
  /** What the model is to be. */
  readonly system: string;
  /** The conversation so far, by turns; the last is the question. */
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: string }[];
  /** The functions by which it may answer. */
  readonly functions: readonly {
    readonly name: string;
    readonly description: string;
    readonly parameters: JSONSchema;
  }[];
  /** Whether it must call one. Default `"required"`. */
  readonly toolChoice?: ToolChoice;
  /** Whether the answer is the likeliest one, each time. Default true. */
  readonly deterministic?: boolean;
}

/** What a model answered. */
export interface Answer {
  /** Its words. */
  readonly text: string;
  /** The first function that it called, with arguments that fit the schema as far as they could be mended. */
  readonly call: { readonly name: string; readonly args: Readonly<Record<string, unknown>> } | undefined;
}

/** Half a minute longer than the slowest answers of thinking models (spec 01 section 12). */
const ASK_TIMEOUT_MS = 90_000;

/** Asks. Rejects with the model's error when all attempts fail, and with the reason of the signal when it is aborted. */
export async function askFunction(llm: LLM, question: Question, options: AskOptions = {}): Promise<Answer> {
  const { clock = defaultRuntime().clock, timeoutMs = ASK_TIMEOUT_MS, maxRetry, signal } = options;
  const chatCtx = new ChatContext();
  chatCtx.addMessage({ role: "system", content: question.system });
  for (const { role, content } of question.messages) chatCtx.addMessage({ role, content });
  const tools = question.functions.map((definition) => tool({ ...definition, execute: () => undefined }));
  const chunks = llmAttempt(llm, {
    chatCtx,
    toolCtx: toolContext(tools),
    toolChoice: question.toolChoice ?? "required",
    // Models of this family refuse any temperature but their own.
    ...((question.deterministic ?? true) && !llm.model.includes("gpt-5") && { extraKwargs: { temperature: 0 } }),
    ...(signal && { signal }),
  }, {
    clock,
    connOptions: connectOptions({ timeoutMs, ...(maxRetry !== undefined && { maxRetry }) }),
    report: { error() {}, metrics() {} },
    requestId: () => "",
  });
  let text = "";
  let call: FunctionToolCall | undefined;
  for await (const { delta } of chunks) {
    text += delta?.content ?? "";
    call ??= delta?.toolCalls?.[0];
  }
  signal?.throwIfAborted();
  return { text, call: call === undefined ? undefined : await readCall(call, tools) };
}

async function readCall(call: FunctionToolCall, tools: readonly ReturnType<typeof tool>[]): Promise<Answer["call"]> {
  const called = tools.find(({ name }) => name === call.name);
  if (called === undefined) return undefined;
  const prepared = await prepareArguments(called, call.args);
  return prepared.ok ? { name: call.name, args: prepared.args as Readonly<Record<string, unknown>> } : undefined;
}
