/**
 * The parts of turns as the chunks of AI SDK's UI message stream, version 1. Pure: no clock, no stream, no dice.
 *
 * @module
 */
import type { FunctionCall, FunctionCallOutput } from "../../src/chat/item.ts";
import type { ReplyPart } from "../../src/reply/part.ts";

/** What a turn cost, over all its requests, in tokens. */
export interface ChatUsage {
  /** Of the requests. */
  readonly inputTokens: number;
  /** Of the answers. */
  readonly outputTokens: number;
  /** Of both. */
  readonly totalTokens: number;
  /** Of the requests, from the provider's cache. */
  readonly cachedInputTokens: number;
}

/** What the message of a turn says about itself, as `metadata`. */
export interface ChatMetadata {
  /** Who is on stage at its end. */
  readonly agent: string;
  /** What it cost; absent when no model counted. */
  readonly usage?: ChatUsage;
}

/** A failure as a client may see it. */
export interface PublicError {
  /** For programs. */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

/** What is sent, of the chunks that the protocol knows. */
export type ChatChunk =
  | { readonly type: "start"; readonly messageId: string }
  | { readonly type: "start-step" }
  | { readonly type: "finish-step" }
  | { readonly type: "text-start"; readonly id: string }
  | { readonly type: "text-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "text-end"; readonly id: string }
  | { readonly type: "reasoning-start"; readonly id: string }
  | { readonly type: "reasoning-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "reasoning-end"; readonly id: string }
  | {
    readonly type: "tool-input-available";
    readonly toolCallId: string;
    readonly toolName: string;
    readonly input: unknown;
  }
  | { readonly type: "tool-output-available"; readonly toolCallId: string; readonly output: unknown }
  | { readonly type: "tool-output-error"; readonly toolCallId: string; readonly errorText: string }
  | {
    readonly type: "data-agent-state";
    readonly data: { readonly state: "initializing" | "idle" | "listening" | "thinking" | "speaking" };
    readonly transient: true;
  }
  | { readonly type: "data-handoff"; readonly data: { readonly from: string | null; readonly to: string } }
  | { readonly type: "data-error"; readonly data: PublicError; readonly transient: true }
  | { readonly type: "error"; readonly errorText: string }
  | { readonly type: "abort"; readonly reason: string }
  | {
    readonly type: "finish";
    readonly finishReason: "stop" | "error";
    readonly messageMetadata: ChatMetadata;
  };

/** How a turn ended. */
export type ChatEnd =
  | { readonly kind: "finished"; readonly agent: string }
  | { readonly kind: "stopped"; readonly reason: string }
  | { readonly kind: "failed"; readonly agent: string; readonly error: PublicError };

/** Writes one message of the assistant: all that agents say and do until they wait for the user again. */
export class ChatMessageWriter {
  #block: { readonly kind: "text" | "reasoning"; readonly id: string } | undefined;
  #serial = 0;
  /** The request that is being answered, as the ids of its calls begin; undefined: none was seen yet. */
  #step: string | undefined;
  #isOpen = false;
  #hasResult = false;
  #state = "";
  #usage: ChatUsage | undefined;

  /** The chunks of one part. */
  write(part: ReplyPart): readonly ChatChunk[] {
    const chunks: ChatChunk[] = [];
    switch (part.type) {
      case "text":
      case "reasoning":
        this.#enterStep(chunks, undefined);
        if (this.#block?.kind !== part.type) this.#openBlock(chunks, part.type);
        chunks.push({ type: `${part.type}-delta`, id: this.#block?.id ?? "", delta: part.delta });
        return chunks;
      case "tool_call":
        this.#enterStep(chunks, stepOf(part.call));
        this.#closeBlock(chunks);
        chunks.push({
          type: "tool-input-available",
          toolCallId: part.call.callId,
          toolName: part.call.name,
          input: inputOf(part.call),
        });
        return chunks;
      case "tool_result":
        this.#hasResult = true;
        chunks.push(resultOf(part.output));
        return chunks;
      case "handoff":
        chunks.push({ type: "data-handoff", data: { from: part.oldAgentId, to: part.newAgentId } });
        return chunks;
      case "state":
        if (part.state === this.#state) return chunks; // several turns are alive, and each is told
        this.#state = part.state;
        chunks.push({ type: "data-agent-state", data: { state: part.state }, transient: true });
        return chunks;
      case "usage": {
        const { inputTokens, outputTokens, totalTokens, cachedInputTokens } = this.#usage ?? NO_USAGE;
        this.#usage = {
          inputTokens: inputTokens + part.usage.promptTokens,
          outputTokens: outputTokens + part.usage.completionTokens,
          totalTokens: totalTokens + part.usage.totalTokens,
          cachedInputTokens: cachedInputTokens + (part.usage.promptCachedTokens ?? 0),
        };
        return chunks;
      }
      case "error": // told once, at the end
      case "end":
        this.#closeBlock(chunks);
        return chunks;
      default:
        return part satisfies never;
    }
  }

  /** The chunks that end the message. */
  end(end: ChatEnd): readonly ChatChunk[] {
    const chunks: ChatChunk[] = [];
    this.#leaveStep(chunks);
    if (end.kind === "stopped") return [...chunks, { type: "abort", reason: end.reason }];
    const messageMetadata = { agent: end.agent, ...(this.#usage !== undefined && { usage: this.#usage }) };
    if (end.kind === "finished") return [...chunks, { type: "finish", finishReason: "stop", messageMetadata }];
    return [
      ...chunks,
      { type: "data-error", data: end.error, transient: true },
      { type: "error", errorText: end.error.message },
      { type: "finish", finishReason: "error", messageMetadata },
    ];
  }

  /** A step is one request to a model: another one has begun when words follow a result, or calls are of another answer. */
  #enterStep(chunks: ChatChunk[], step: string | undefined): void {
    const isNext = step === undefined ? this.#hasResult : this.#step !== undefined && this.#step !== step;
    if (isNext) this.#leaveStep(chunks);
    if (step !== undefined) this.#step = step;
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#hasResult = false;
    if (step === undefined) this.#step = undefined;
    chunks.push({ type: "start-step" });
  }

  #leaveStep(chunks: ChatChunk[]): void {
    this.#closeBlock(chunks);
    if (this.#isOpen) chunks.push({ type: "finish-step" });
    this.#isOpen = false;
  }

  #openBlock(chunks: ChatChunk[], kind: "text" | "reasoning"): void {
    this.#closeBlock(chunks);
    this.#block = { kind, id: `${kind}_${++this.#serial}` };
    chunks.push({ type: `${kind}-start`, id: this.#block.id });
  }

  #closeBlock(chunks: ChatChunk[]): void {
    if (this.#block !== undefined) chunks.push({ type: `${this.#block.kind}-end`, id: this.#block.id });
    this.#block = undefined;
  }
}

const NO_USAGE: ChatUsage = { inputTokens: 0, outputTokens: 0, totalTokens: 0, cachedInputTokens: 0 };

/** Calls of one answer have ids that begin with the id of its message. */
function stepOf(call: FunctionCall): string {
  return call.id.slice(0, call.id.lastIndexOf("/"));
}

/** What a call was made with: the arguments, or the model's own text where that is no JSON. */
export function inputOf(call: FunctionCall): unknown {
  try {
    return JSON.parse(call.args);
  } catch {
    return call.args; // the tool's output says what is wrong with it
  }
}

/** What a tool answered: the value, where it was one, or the text. */
export function outputOf({ output }: FunctionCallOutput): unknown {
  if (!/^\s*[[{]/.test(output)) return output;
  try {
    return JSON.parse(output);
  } catch {
    return output; // a text that only begins like JSON
  }
}

function resultOf(output: FunctionCallOutput): ChatChunk {
  const { callId: toolCallId } = output;
  return output.isError
    ? { type: "tool-output-error", toolCallId, errorText: output.output }
    : { type: "tool-output-available", toolCallId, output: outputOf(output) };
}
