/**
 * A language model that says what a script says, when it says it.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";
import type { ChatItem } from "../chat/item.ts";
import { APIConnectionError } from "../model/error.ts";
import type { ChatChunk, ChatRequest, CompletionUsage, FunctionToolCall, LLM } from "../model/llm.ts";

/** Which requests an entry of a script answers. All that is given must fit; `{}` fits always. */
export interface ScriptedWhen {
  /** The last item is a user message with this text. */
  readonly user?: string;
  /** The last user message, wherever it stands, has this text. */
  readonly lastUser?: string;
  /** The last item is a system or developer message with this text. */
  readonly system?: string;
  /** The last item is a tool's output with this text. */
  readonly output?: string;
  /** The last item is a tool's output that is, or is not, an error. */
  readonly outputError?: boolean;
  /** The number of the request, from 0. A retry is no new request. */
  readonly request?: number;
}

/** A call that a script makes. */
export interface ScriptedToolCall {
  /** The tool. */
  readonly name: string;
  /** Its id of the call. */
  readonly id: string;
  /** JSON text as it is; anything else is written as JSON. */
  readonly args: unknown;
}

/** How an attempt fails. */
export interface ScriptedError {
  /** How many attempts of a request fail. Default: all. */
  readonly attempts?: number;
  /** Default true. */
  readonly retryable?: boolean;
  /** What comes out before it fails. */
  readonly afterText?: string;
  /** Default: an `APIConnectionError`. */
  readonly error?: unknown;
}

/** An entry of a script: which requests it answers, and how. Times are milliseconds. */
export interface ScriptedReply {
  /** Default `{}`. */
  readonly when?: ScriptedWhen;
  /** How many requests it may answer. Default: any number. */
  readonly times?: number;
  /** Before anything comes. Default 0. */
  readonly ttftMs?: number;
  /** It fails instead. */
  readonly error?: ScriptedError;
  /** Given in one piece. */
  readonly text?: string;
  /** Given piece by piece, each `afterMs` (default 0) after the one before. */
  readonly chunks?: readonly { readonly text: string; readonly afterMs?: number }[];
  /** Given together. */
  readonly toolCalls?: readonly ScriptedToolCall[];
  /** Between the text and the calls. Default 0. */
  readonly toolCallsAfterMs?: number;
  /** Given at the end. Default: none. */
  readonly usage?: CompletionUsage;
  /** The stream stays open behind all of this, as a provider that hangs. */
  readonly hangs?: boolean;
}

/** A request as a scripted model saw it. */
export interface ScriptedRequest {
  /** Its number, from 0. */
  readonly n: number;
  /** When it came, by the clock. */
  readonly at: number;
  /** The conversation it was asked with. */
  readonly items: readonly ChatItem[];
  /** The request itself. */
  readonly request: ChatRequest;
  /** Attempts so far. */
  attempts: number;
  /** It was stopped before its script had ended. */
  cancelled: boolean;
}

/** How a scripted model is made. */
export interface ScriptedLLMOptions {
  /** The clock it works by. */
  readonly clock: Clock;
  /** Default `"scripted"`. */
  readonly model?: string;
  /** Default `"repartee"`. */
  readonly provider?: string;
  /** Told each request once, whatever the number of its attempts. */
  readonly onRequest?: (request: ScriptedRequest) => void;
  /** Told a request that is stopped before its script has ended. */
  readonly onCancel?: (request: ScriptedRequest) => void;
}

/** A model that follows a script. */
export interface ScriptedLLM extends LLM {
  /** All requests so far. */
  readonly requests: readonly ScriptedRequest[];
}

interface Step {
  readonly afterMs: number;
  readonly chunk?: ChatChunk;
  readonly failure?: { readonly error: unknown };
}

/**
 * Makes a model that follows a script: the first entry that fits a request answers it; where none fits, the answer is empty.
 *
 * Everything comes by the clock, and at once where no time is asked for. It never looks at whether it is read.
 *
 * @example
 * ```ts
 * const clock = virtualClock();
 * const llm = scriptedLLM([
 *   { when: { user: "Weather?" }, ttftMs: 300, toolCalls: [{ name: "weather", id: "c1", args: { city: "Oslo" } }] },
 *   { when: { output: "sunny" }, text: "It is sunny in Oslo." },
 * ], { clock });
 * ```
 */
export function scriptedLLM(script: readonly ScriptedReply[], options: ScriptedLLMOptions): ScriptedLLM {
  const requests: ScriptedRequest[] = [];
  const uses = new Map<ScriptedReply, number>();
  const answers = new WeakMap<ScriptedRequest, ScriptedReply>();

  const enter = (request: ChatRequest): ScriptedRequest => {
    const before = (request.retryCount ?? 0) > 0
      ? requests.findLast(({ request: { chatCtx } }) => chatCtx === request.chatCtx)
      : undefined;
    if (before !== undefined) return before;
    const entry: ScriptedRequest = {
      n: requests.length,
      at: options.clock.now(),
      items: request.chatCtx.items,
      request,
      attempts: 0,
      cancelled: false,
    };
    requests.push(entry);
    const reply = script.find((candidate) =>
      (uses.get(candidate) ?? 0) < (candidate.times ?? Infinity) && fits(candidate.when ?? {}, entry)
    );
    if (reply !== undefined) {
      uses.set(reply, (uses.get(reply) ?? 0) + 1);
      answers.set(entry, reply);
    }
    options.onRequest?.(entry);
    return entry;
  };

  return {
    kind: "llm",
    model: options.model ?? "scripted",
    provider: options.provider ?? "repartee",
    requests,
    chat(request) {
      const entry = enter(request);
      const attempt = entry.attempts;
      entry.attempts += 1;
      const reply = answers.get(entry) ?? {};
      return play(plan(reply, `chat_${entry.n}`, attempt), reply.hangs ?? false, request.signal, options.clock, () => {
        entry.cancelled = true;
        options.onCancel?.(entry);
      });
    },
  };
}

/** What one attempt does, in order. */
function plan(reply: ScriptedReply, id: string, attempt: number): Step[] {
  const steps: Step[] = [];
  let wait = reply.ttftMs ?? 0;
  const add = (afterMs: number, step: Omit<Step, "afterMs">): void => {
    steps.push({ afterMs: wait + afterMs, ...step });
    wait = 0;
  };
  const text = (content: string): ChatChunk => ({ id, delta: { role: "assistant", content } });

  const { error } = reply;
  if (error !== undefined && attempt < (error.attempts ?? Infinity)) {
    if (error.afterText !== undefined) add(0, { chunk: text(error.afterText) });
    const made = error.error ?? new APIConnectionError({
      message: "The scripted model failed as its script says",
      options: { retryable: error.retryable ?? true },
    });
    add(0, { failure: { error: made } });
    return steps;
  }
  if (reply.text !== undefined) add(0, { chunk: text(reply.text) });
  for (const chunk of reply.chunks ?? []) add(chunk.afterMs ?? 0, { chunk: text(chunk.text) });
  if (reply.toolCalls !== undefined && reply.toolCalls.length > 0) {
    const toolCalls: FunctionToolCall[] = reply.toolCalls.map((call) => ({
      type: "function",
      callId: call.id,
      name: call.name,
      args: typeof call.args === "string" ? call.args : JSON.stringify(call.args ?? {}),
    }));
    add(reply.toolCallsAfterMs ?? 0, { chunk: { id, delta: { role: "assistant", toolCalls } } });
  }
  if (reply.usage !== undefined) add(0, { chunk: { id, usage: reply.usage } });
  if (wait > 0) add(0, {}); // nothing is said, after a while
  return steps;
}

function play(
  steps: readonly Step[],
  hangs: boolean,
  signal: AbortSignal | undefined,
  clock: Clock,
  onCancel: () => void,
): ReadableStream<ChatChunk> {
  let next = 0;
  let isOver = false;
  let failed: { readonly error: unknown } | undefined;
  let off = (): void => {};
  const leave = (): void => {
    isOver = true;
    off();
    signal?.removeEventListener("abort", cut);
  };
  let cut = (): void => {};
  return new ReadableStream<ChatChunk>({
    start(controller) {
      const run = (isDue: boolean): void => {
        for (let due = isDue; !isOver && next < steps.length; due = false) {
          const { afterMs, chunk, failure } = steps[next]!;
          if (afterMs > 0 && !due) {
            off = clock.schedule(clock.now() + afterMs, () => run(true));
            return;
          }
          next += 1;
          if (chunk !== undefined) controller.enqueue(chunk);
          if (failure !== undefined) {
            leave();
            failed = failure;
            if (controller.desiredSize === 0) controller.error(failure.error); // else `pull`, behind what is queued
          }
        }
        if (isOver || hangs) return;
        leave();
        controller.close();
      };
      cut = () => {
        if (isOver) return;
        leave();
        onCancel();
        controller.error(signal?.reason);
      };
      if (signal?.aborted) return cut();
      signal?.addEventListener("abort", cut);
      run(false);
    },
    pull(controller) {
      if (failed !== undefined) controller.error(failed.error);
    },
    cancel() {
      if (isOver) return;
      leave();
      onCancel();
    },
  }, { highWaterMark: 0 });
}

function fits(when: ScriptedWhen, { n, items }: ScriptedRequest): boolean {
  if (when.request !== undefined && when.request !== n) return false;
  const last = items.findLast(({ type }) => type !== "agent_handoff" && type !== "agent_config_update");
  if (when.user !== undefined && !says(last, ["user"], when.user)) return false;
  if (when.system !== undefined && !says(last, ["system", "developer"], when.system)) return false;
  if (when.lastUser !== undefined) {
    const user = items.findLast((item) => item.type === "message" && item.role === "user");
    if (!says(user, ["user"], when.lastUser)) return false;
  }
  const output = last?.type === "function_call_output" ? last : undefined;
  if (when.output !== undefined && output?.output !== when.output) return false;
  return when.outputError === undefined || output?.isError === when.outputError;
}

function says(item: ChatItem | undefined, roles: readonly string[], text: string): boolean {
  return item?.type === "message" && roles.includes(item.role) && item.textContent === text;
}
