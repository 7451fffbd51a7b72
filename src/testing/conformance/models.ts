/**
 * The scripted models of a conformance scenario: what they say and when is data, and what they were asked is observed.
 *
 * @module
 */
import { audioFrame } from "../../audio/frame.ts";
import type { Clock } from "../../base/runtime.ts";
import type { ChatContext } from "../../chat/context.ts";
import type { ChatItem } from "../../chat/item.ts";
import { APIConnectionError } from "../../model/error.ts";
import type { ChatChunk, ChatRequest, LLM } from "../../model/llm.ts";
import type { AudioInputPart, FlushMark } from "../../model/marks.ts";
import type { SpeechEvent, STT } from "../../model/stt.ts";
import type { SynthesizedAudio, TTS } from "../../model/tts.ts";
import type { TurnDetector } from "../../model/turn_detector.ts";
import type { VAD, VADEvent } from "../../model/vad.ts";

/** Takes what was observed: the event's name and its fields. */
export type Observe = (ev: string, fields?: Readonly<Record<string, unknown>>) => void;

/** What a scripted answer answers to. */
export interface When {
  /** The last item is a user message with this text. */
  readonly user?: string;
  /** The last user message, wherever it stands, has this text. */
  readonly lastUser?: string;
  /** The last item is a system message with this text. */
  readonly system?: string;
  /** The last item is a tool's output with this text. */
  readonly output?: string;
  /** The last item is a tool's output that is, or is not, an error. */
  readonly outputError?: boolean;
  /** The number of the request, from 0. */
  readonly request?: number;
}

/** One answer of the scripted LLM. */
export interface LLMEntry {
  /** Which requests it answers. */
  readonly when: When;
  /** From the request to the first chunk. */
  readonly ttftMs: number;
  /** All of the answer, in one chunk. */
  readonly text?: string;
  /** The answer in chunks, each after a pause. */
  readonly chunks?: readonly { readonly text: string; readonly afterMs?: number }[];
  /** Calls that are whole. */
  readonly toolCalls?: readonly { readonly name: string; readonly id: string; readonly args: unknown }[];
  /** The pause before the calls. */
  readonly toolCallsAfterMs?: number;
  /** How many requests it answers. Default 1. */
  readonly times?: number;
  /** It fails instead, or after some text. */
  readonly error?: { readonly attempts?: number; readonly retryable?: boolean; readonly afterText?: string };
}

/** What the scripted voice does. */
export interface TTSScript {
  /** From the text to its sound. */
  readonly ttfbMs: number;
  /** How long a character lasts. */
  readonly msPerChar: number;
  /** How long a text lasts, where not by its length. */
  readonly durations?: Readonly<Record<string, number>>;
  /** Texts that fail. */
  readonly errors?: readonly { readonly text: string; readonly attempts?: number; readonly retryable?: boolean }[];
}

/** What the scripted end-of-turn detector answers. */
export interface DetectorScript {
  /** The likelihood that the turn has ended, by what was said. */
  readonly answers: Readonly<Record<string, number>>;
  /** From which likelihood the turn ends early. */
  readonly threshold?: number;
  /** How long it takes to answer. */
  readonly delayMs?: number;
  /** What was said when it fails. */
  readonly fails?: readonly string[];
  /** Whether it knows the language. Default true. */
  readonly supported?: boolean;
}

/** Audio of the scripted voice is silence at this rate: its length is all that matters. */
const RATE = 1_000;

/** Waits on the session's clock; rejects when the signal is aborted. */
export function wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = clock.schedule(clock.now() + ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      off();
      reject(signal?.reason);
    };
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** An item as a scenario writes it; hand-offs and config updates are left out. */
export function contextItem(item: ChatItem): Readonly<Record<string, unknown>> | undefined {
  switch (item.type) {
    case "message":
      return { role: item.role, text: item.textContent ?? "", ...(item.interrupted && { interrupted: true }) };
    case "function_call":
      return { call: item.name, id: item.callId, args: parsed(item.args) };
    case "function_call_output":
      return { output: item.output, id: item.callId, ...(item.isError && { isError: true }) };
    default:
      return undefined;
  }
}

/** Arguments as parsed JSON; text that is none stays text. */
export function parsed(args: string): unknown {
  try {
    return JSON.parse(args === "" ? "{}" : args);
  } catch {
    return args;
  }
}

/** A language model that answers by its script. */
export function scenarioLLM(entries: readonly LLMEntry[], clock: Clock, observe: Observe): LLM {
  let requestCount = 0;
  const uses = new Map<LLMEntry, number>();
  const numbers = new WeakMap<ChatContext, number>();
  const failures = new Map<LLMEntry, number>();
  return {
    kind: "llm",
    model: "scripted",
    provider: "scripted",
    chat(request) {
      const known = numbers.get(request.chatCtx);
      const n = known ?? requestCount++;
      numbers.set(request.chatCtx, n);
      if (known === undefined) observe("llm_request", requestFields(n, request));
      const entry = entries.find((one) =>
        (one.times ?? Infinity) > (uses.get(one) ?? 0) && matches(one.when, request.chatCtx, n)
      );
      const failed = entry === undefined ? 0 : failures.get(entry) ?? 0;
      const fails = entry?.error !== undefined && failed < (entry.error.attempts ?? Infinity);
      if (entry !== undefined && fails) failures.set(entry, failed + 1);
      if (entry !== undefined && !fails) uses.set(entry, (uses.get(entry) ?? 0) + 1);
      let isOver = false;
      const cancelled = (): void => {
        if (!isOver) observe("llm_cancelled", { n });
        isOver = true;
      };
      const stop = new AbortController();
      return new ReadableStream<ChatChunk>({
        start(controller) {
          request.signal?.addEventListener("abort", () => {
            cancelled();
            stop.abort();
          }, { once: true });
          void answer(entry, fails, clock, stop.signal, (delta) => controller.enqueue({ id: `r${n}`, delta })).then(
            () => {
              isOver = true;
              controller.close();
            },
            (error) => {
              if (!isOver) controller.error(error);
              isOver = true;
            },
          );
        },
        cancel() {
          cancelled();
          stop.abort();
        },
      });
    },
  };
}

async function answer(
  entry: LLMEntry | undefined,
  fails: boolean,
  clock: Clock,
  signal: AbortSignal,
  give: (delta: NonNullable<ChatChunk["delta"]>) => void,
): Promise<void> {
  if (entry === undefined) return;
  await wait(clock, entry.ttftMs, signal);
  if (fails) {
    if (entry.error?.afterText !== undefined) give({ content: entry.error.afterText });
    throw new APIConnectionError({
      message: "scripted failure",
      options: { retryable: entry.error?.retryable ?? true },
    });
  }
  if (entry.text !== undefined) give({ content: entry.text });
  for (const { text, afterMs } of entry.chunks ?? []) {
    if (afterMs !== undefined && afterMs > 0) await wait(clock, afterMs, signal);
    give({ content: text });
  }
  if (entry.toolCalls === undefined) return;
  if (entry.toolCallsAfterMs !== undefined && entry.toolCallsAfterMs > 0) {
    await wait(clock, entry.toolCallsAfterMs, signal);
  }
  give({
    toolCalls: entry.toolCalls.map(({ name, id, args }) => ({
      type: "function",
      callId: id,
      name,
      args: typeof args === "string" ? args : JSON.stringify(args),
    })),
  });
}

function requestFields(n: number, { chatCtx, toolCtx, toolChoice }: ChatRequest): Readonly<Record<string, unknown>> {
  const tools = [...(toolCtx?.functionTools.keys() ?? [])].sort();
  return {
    n,
    context: chatCtx.items.map(contextItem).filter((item) => item !== undefined),
    ...(tools.length > 0 && { tools }),
    ...(toolChoice !== undefined && toolChoice !== "auto" && { toolChoice }),
  };
}

function matches(when: When, chatCtx: ChatContext, n: number): boolean {
  const items = chatCtx.items.filter((item) => item.type !== "agent_handoff" && item.type !== "agent_config_update");
  const last = items.at(-1);
  const isLast = (role: string, text: string | undefined): boolean =>
    text === undefined || (last?.type === "message" && last.role === role && last.textContent === text);
  if (!isLast("user", when.user) || !isLast("system", when.system)) return false;
  if (when.lastUser !== undefined) {
    const user = items.findLast((item) => item.type === "message" && item.role === "user");
    if (user?.type !== "message" || user.textContent !== when.lastUser) return false;
  }
  if (when.output !== undefined && !(last?.type === "function_call_output" && last.output === when.output)) {
    return false;
  }
  if (when.outputError !== undefined && !(last?.type === "function_call_output" && last.isError === when.outputError)) {
    return false;
  }
  return when.request === undefined || when.request === n;
}

/** A voice that waits for the whole text, and then gives all the audio at once. */
export function scenarioTTS(script: TTSScript, clock: Clock, observe: Observe): TTS {
  const failures = new Map<string, number>();
  return {
    kind: "tts",
    model: "scripted",
    provider: "scripted",
    sampleRate: RATE,
    channels: 1,
    capabilities: { streaming: true },
    stream({ signal } = {}) {
      let text = "";
      return new TransformStream<string | FlushMark, SynthesizedAudio>({
        transform(piece) {
          if (typeof piece === "string") text += piece;
        },
        async flush(controller) {
          if (text.trim() === "" || signal?.aborted) return;
          observe("tts_request", { text });
          try {
            await wait(clock, script.ttfbMs, signal);
          } catch {
            return; // cut off before the first sound
          }
          const failure = script.errors?.find((one) => one.text === text);
          const failed = failures.get(text) ?? 0;
          if (failure !== undefined && failed < (failure.attempts ?? Infinity)) {
            failures.set(text, failed + 1);
            throw new APIConnectionError({
              message: "scripted failure",
              options: { retryable: failure.retryable ?? true },
            });
          }
          const durationMs = script.durations?.[text] ?? text.length * script.msPerChar;
          controller.enqueue({ frame: audioFrame(new Int16Array((durationMs * RATE) / 1000), RATE), final: true });
        },
      });
    },
  };
}

/** A model that says what it is told to say, whatever it hears. */
export interface Told<Event> {
  /** Speaks through the stream that was opened last. */
  tell(event: Event): void;
  /** Fails that stream. */
  fail(error: unknown): void;
}

function toldStream<Event>(): {
  readonly told: Told<Event>;
  open(): { readonly readable: ReadableStream<Event>; readonly writable: WritableStream<AudioInputPart> };
} {
  let newest: ReadableStreamDefaultController<Event> | undefined;
  return {
    told: {
      tell: (event) => newest?.enqueue(event),
      fail: (error) => {
        newest?.error(error);
        newest = undefined;
      },
    },
    open() {
      let own: ReadableStreamDefaultController<Event> | undefined;
      const end = (): void => {
        if (newest === own) newest = undefined;
        own?.close();
        own = undefined;
      };
      const readable = new ReadableStream<Event>({
        start(controller) {
          own = newest = controller;
        },
        cancel() {
          if (newest === own) newest = undefined;
          own = undefined;
        },
      }, { highWaterMark: 256 });
      return { readable, writable: new WritableStream<AudioInputPart>({ close: end, abort: end }) };
    },
  };
}

/** A recogniser that says what it is told. */
export function scenarioSTT(): { readonly stt: STT; readonly told: Told<SpeechEvent> } {
  const { told, open } = toldStream<SpeechEvent>();
  return {
    told,
    stt: {
      kind: "stt",
      model: "scripted",
      provider: "scripted",
      capabilities: { streaming: true, interimResults: true },
      stream: open,
    },
  };
}

/** A voice activity detector that says what it is told. */
export function scenarioVAD(): { readonly vad: VAD; readonly told: Told<VADEvent> } {
  const { told, open } = toldStream<VADEvent>();
  return {
    told,
    vad: { kind: "vad", model: "scripted", provider: "scripted", capabilities: { updateIntervalMs: 50 }, stream: open },
  };
}

/** An end-of-turn detector that answers by its script. */
export function scenarioDetector(script: DetectorScript, clock: Clock, observe: Observe): TurnDetector {
  return {
    kind: "turn_detector",
    model: "scripted",
    provider: "scripted",
    unlikelyThreshold: () => script.threshold ?? 0.5,
    supportsLanguage: () => script.supported ?? true,
    async predictEndOfTurn(chatCtx) {
      const last = chatCtx.items.at(-1);
      const text = last?.type === "message" ? last.textContent ?? "" : "";
      observe("detector_asked", { text });
      if (script.delayMs !== undefined && script.delayMs > 0) await wait(clock, script.delayMs);
      if (script.fails?.includes(text)) throw new APIConnectionError({ message: "scripted failure" });
      return script.answers[text] ?? 1;
    },
  };
}
