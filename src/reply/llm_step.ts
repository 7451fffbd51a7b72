/**
 * One request to a language model, read as fast as it comes.
 *
 * The text and the calls go into buffers, so that neither playout nor a pause delays a tool call or makes a provider
 * give up.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import type { Clock } from "../base/runtime.ts";
import type { ChatChunk, CompletionUsage, FunctionToolCall } from "../model/llm.ts";
import type { FlushMark } from "../model/marks.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import { TextBuffer } from "./text_buffer.ts";

/** What a model node gives, once promises are resolved. */
export type LlmOutput =
  | ReadableStream<ChatChunk | string | FlushMark>
  | AsyncIterable<ChatChunk | string | FlushMark>
  | null;

/** A request. */
export interface LlmRequest {
  readonly chatCtx: ChatContext;
  readonly toolCtx: ToolContext;
  readonly toolChoice: ToolChoice | undefined;
  readonly signal: AbortSignal;
}

/** A request under way. */
export interface LlmStep {
  /** Id of the message that it makes. */
  readonly itemId: string;
  readonly text: TextBuffer;
  readonly calls: CallBuffer;
  /** Settles when the model has ended, however. Never rejects. */
  readonly over: Promise<void>;
  readonly startedAt: number;
  /** Milliseconds to the first content or call; undefined until then. */
  ttft: number | undefined;
  /** Clock times of the first and the last text. */
  textFrom: number | undefined;
  textUntil: number | undefined;
  usage: CompletionUsage | undefined;
  extra: Record<string, unknown>;
  /** What failed it, or undefined. */
  error: unknown;
}

/** The calls of a reply, in the order in which the model made them. */
export class CallBuffer {
  readonly #calls: FunctionToolCall[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(call: FunctionToolCall): void {
    this.#calls.push(call);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  get count(): number {
    return this.#calls.length;
  }

  /** Those that have come so far. */
  get all(): readonly FunctionToolCall[] {
    return this.#calls;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The call at a place; undefined when there is none and none will come. */
  async at(index: number): Promise<FunctionToolCall | undefined> {
    while (index >= this.#calls.length && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#calls[index];
  }
}

/** Starts a request at once. `ask` calls the model node. */
export function startLlmStep(
  itemId: string,
  o: {
    readonly clock: Clock;
    readonly ask: () => LlmOutput | Promise<LlmOutput>;
    readonly signal: AbortSignal;
    readonly onUsage: (usage: CompletionUsage) => void;
    /** What the model thinks aloud. */
    readonly onReasoning: (delta: string) => void;
    /** The first content or call has come. */
    readonly onFirst: () => void;
  },
): LlmStep {
  const step: LlmStep = {
    itemId,
    text: new TextBuffer(),
    calls: new CallBuffer(),
    over: Promise.resolve(),
    startedAt: o.clock.now(),
    ttft: undefined,
    textFrom: undefined,
    textUntil: undefined,
    usage: undefined,
    extra: {},
    error: undefined,
  };
  let output: LlmOutput | Promise<LlmOutput>;
  try {
    output = o.ask();
  } catch (error) {
    output = Promise.reject(error);
  }
  (step as { over: Promise<void> }).over = read(step, output, o);
  return step;
}

async function read(
  step: LlmStep,
  output: LlmOutput | Promise<LlmOutput>,
  o: Parameters<typeof startLlmStep>[1],
): Promise<void> {
  const { signal } = o;
  try {
    const source = output instanceof Promise ? await output : output;
    if (source !== null) {
      if (typeof source === "string") take(step, source, o);
      else if ("getReader" in source) await readStream(step, source, o);
      else {for await (const part of source) {
          if (signal.aborted) break;
          else take(step, part, o);
        }}
    }
    step.text.end();
  } catch (error) {
    if (!signal.aborted) step.error = error;
    step.text.end(step.error);
  } finally {
    step.calls.end();
  }
}

async function readStream(
  step: LlmStep,
  source: ReadableStream<ChatChunk | string | FlushMark>,
  o: Parameters<typeof startLlmStep>[1],
): Promise<void> {
  const { signal } = o;
  const reader = source.getReader();
  const stop = (): void => void reader.cancel(signal.reason).catch(() => {}); // a model that errors while it is being stopped
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      take(step, value, o);
    }
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function take(step: LlmStep, part: ChatChunk | string | FlushMark, o: Parameters<typeof startLlmStep>[1]): void {
  if (typeof part === "string") {
    if (part !== "") firstSign(step, o);
    return step.text.push(part);
  }
  if ("type" in part) return; // a flush mark: the voice cuts at sentences by itself
  if (part.usage !== undefined) {
    step.usage = part.usage;
    o.onUsage(part.usage);
  }
  const { delta } = part;
  if (delta === undefined) return;
  if (delta.extra !== undefined) Object.assign(step.extra, delta.extra);
  if (delta.reasoning !== undefined && delta.reasoning !== "") o.onReasoning(delta.reasoning);
  if (delta.toolCalls !== undefined) {
    for (const call of delta.toolCalls) {
      firstSign(step, o);
      step.calls.push(call);
    }
  }
  if (delta.content !== undefined && delta.content !== "") {
    firstSign(step, o);
    step.textUntil = o.clock.now();
    step.textFrom ??= step.textUntil;
    step.text.push(delta.content);
  }
}

function firstSign(step: LlmStep, o: Parameters<typeof startLlmStep>[1]): void {
  if (step.ttft !== undefined) return;
  step.ttft = o.clock.now() - step.startedAt;
  o.onFirst();
}
