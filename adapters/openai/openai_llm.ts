/**
 * Language models behind the chat completions API of OpenAI, and behind all that imitate it, over `fetch` alone.
 *
 * @module
 */
import { toOpenAI } from "../../src/chat/format/openai.ts";
import { APIConnectionError, type APIStatusError, createAPIErrorFromHTTP } from "../../src/model/error.ts";
import type { ChatChunk, ChatRequest, LLM } from "../../src/model/llm.ts";
import { THINK_TAGS, type ThinkingTags } from "../../src/model/thinking.ts";
import { toOpenAIResponseFormat, toOpenAITools } from "../../src/tool/openai_tools.ts";
import type { ToolChoice } from "../../src/tool/tool.ts";
import { type CompletionReader, completionReader, malformed } from "./completion.ts";
import { type SSEParser, sseParser } from "./sse.ts";

/** What is used of `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Which model, where, and how it is asked. What is not given is not sent, so that the provider's own defaults hold. */
export interface OpenAILLMOptions {
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Sent as bearer token. Default: none is sent, as servers on one's own machine have it. */
  readonly apiKey?: string;
  /** Where the API is. Default `https://api.openai.com/v1`. */
  readonly baseURL?: string;
  /** Sent with each request, over those that are sent anyway. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to the address, as some gateways want it. */
  readonly query?: Readonly<Record<string, string>>;
  /** Default: that of the place. */
  readonly fetch?: Fetch;
  /** How errors, metrics and spans name the provider. Default `"openai"`. */
  readonly provider?: string;
  /** How freely words are chosen, from 0. Default: what the provider does. */
  readonly temperature?: number;
  /** Words are chosen from the likeliest that add up to this, from 0 to 1. */
  readonly topP?: number;
  /** The longest reply, in tokens. */
  readonly maxCompletionTokens?: number;
  /** Asks for the same reply to the same request, as far as the provider can. */
  readonly seed?: number;
  /** How hard a reasoning model thinks, such as `"low"`. */
  readonly reasoningEffort?: string;
  /** The class of service that is paid for. */
  readonly serviceTier?: string;
  /** Your own id of the user, for the provider's watch over abuse. */
  readonly user?: string;
  /** Where the request says nothing. */
  readonly toolChoice?: ToolChoice;
  /** Where the request says nothing. */
  readonly parallelToolCalls?: boolean;
  /** Hold the model to the schemas of tools. Default true. */
  readonly strictTools?: boolean;
  /** The role of instructions, which not all imitators know. Default: as the conversation has it. */
  readonly developerRole?: "developer" | "system";
  /** Ask for the counts of tokens. Default true; some imitators refuse. */
  readonly includeUsage?: boolean;
  /** Tags around thoughts amid the text, which are given as `reasoning`. `null` leaves the text as it is. Default `<think>`. */
  readonly thinkingTags?: ThinkingTags | null;
  /** Further fields of each request, as the API names them, over all others. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

const DEFAULT_BASE_URL = "https://api.openai.com/v1";
const DEFAULT_MODEL = "gpt-4.1-mini"; // chosen: quick and cheap enough to talk with
const MAX_ERROR_LENGTH = 16_384; // characters; chosen: error pages of proxies are longer, and say no more

/**
 * Makes a language model of one that speaks the chat completions API. One attempt per request: retries and time-outs are
 * the session's. An abort closes the connection.
 *
 * Failures are typed: a status becomes an `APIStatusError` with body and request id, a network failure and an answer that
 * is cut off an `APIConnectionError`, an answer that cannot be read an `APIError` with code `model.bad_response`.
 *
 * @example
 * ```ts
 * const llm = openaiLLM({ model: "llama3.2", baseURL: "http://localhost:11434/v1" });
 * const session = new AgentSession({ llm });
 * ```
 */
export function openaiLLM(options: OpenAILLMOptions): LLM {
  return {
    kind: "llm",
    model: options.model,
    provider: options.provider ?? "openai",
    chat: (request) => complete(options, request),
  };
}

/**
 * Makes a language model from the settings of a place: `OPENAI_API_KEY`, `OPENAI_BASE_URL` and `OPENAI_MODEL`.
 *
 * @param env Gives a setting, as `runtime.env` does.
 * @returns Nothing when neither a key nor an address is set.
 */
export function openaiFromEnv(
  env: (name: string) => string | undefined,
  options: Partial<OpenAILLMOptions> = {},
): LLM | undefined {
  const setting = (name: string): string | undefined => {
    const value = env(name)?.trim();
    return value === "" ? undefined : value;
  };
  const apiKey = options.apiKey ?? setting("OPENAI_API_KEY");
  const baseURL = options.baseURL ?? setting("OPENAI_BASE_URL");
  if (apiKey === undefined && baseURL === undefined) return undefined;
  return openaiLLM({
    ...options,
    model: options.model ?? setting("OPENAI_MODEL") ?? DEFAULT_MODEL,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseURL === undefined ? {} : { baseURL }),
  });
}

function complete(options: OpenAILLMOptions, request: ChatRequest): ReadableStream<ChatChunk> {
  const outer = request.signal;
  const abort = new AbortController();
  const onAbort = (): void => abort.abort(outer?.reason);
  const held: ChatChunk[] = [];
  let source: Source | undefined;
  let opening: Promise<Source> | undefined;
  let failed: { readonly error: unknown } | undefined;

  const leave = (): void => outer?.removeEventListener("abort", onAbort);

  return new ReadableStream<ChatChunk>({
    start() {
      if (outer?.aborted) return onAbort();
      outer?.addEventListener("abort", onAbort);
      opening = open(options, request, abort.signal);
      opening.catch(() => {}); // told to whoever reads
    },
    async pull(controller) {
      while (held.length === 0) {
        let hasEnded = false;
        try {
          if (failed !== undefined) throw failed.error;
          if (outer?.aborted) throw outer.reason;
          source ??= await opening!;
          hasEnded = !(await source.read(held));
        } catch (error) {
          if (held.length > 0) { // a part of the block could be read
            failed = { error };
            break;
          }
          leave();
          abort.abort(error);
          controller.error(outer?.aborted ? outer.reason : error);
          return;
        }
        if (hasEnded && held.length === 0) {
          leave();
          controller.close();
          return;
        }
      }
      controller.enqueue(held.shift()!);
    },
    cancel(reason) {
      leave();
      abort.abort(reason);
      source?.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** An answer that is being read. */
interface Source {
  /** Reads the next block into `held`. False at the end, once all is read. */
  read(held: ChatChunk[]): Promise<boolean>;
  cancel(reason: unknown): void;
}

async function open(options: OpenAILLMOptions, request: ChatRequest, signal: AbortSignal): Promise<Source> {
  const send: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const body = JSON.stringify(bodyOf(options, request));
  let response: Response;
  try {
    response = await send(addressOf(options), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "accept": "text/event-stream",
        ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
        ...options.headers,
      },
      body,
      signal,
    });
  } catch (error) {
    throw new APIConnectionError({
      message: "The provider could not be reached",
      options: { cause: error },
    });
  }
  if (!response.ok) throw await statusError(response);
  if (response.body === null) throw malformed("it must have a body", "none");
  const completion = completionReader(options.thinkingTags === undefined ? THINK_TAGS : options.thinkingTags);
  const type = response.headers.get("content-type") ?? "";
  return type.includes("application/json")
    ? wholeSource(response, completion)
    : eventSource(response.body.getReader(), sseParser(), completion);
}

/** An answer as server-sent events. */
function eventSource(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  parser: SSEParser,
  completion: CompletionReader,
): Source {
  let isDone = false;
  return {
    async read(held) {
      if (isDone) return false;
      const { done, value } = await reader.read().catch(broken);
      for (const { data } of done ? parser.end() : parser.push(value)) {
        if (data === "[DONE]") {
          isDone = true;
          held.push(...completion.end());
          void finish(reader);
          return held.length > 0;
        }
        held.push(...completion.push(parse(data)));
      }
      if (!done) return true;
      isDone = true;
      if (!completion.isFinished) {
        throw new APIConnectionError({ message: "The provider's answer was cut off before its end" });
      }
      held.push(...completion.end());
      return held.length > 0;
    },
    cancel: (reason) => void reader.cancel(reason).catch(() => {}),
  };
}

/** An answer in one piece, as those give it who do not stream. */
function wholeSource(response: Response, completion: CompletionReader): Source {
  let isDone = false;
  return {
    async read(held) {
      if (isDone) return false;
      isDone = true;
      held.push(...completion.push(parse(await response.text().catch(broken))), ...completion.end());
      return held.length > 0;
    },
    cancel: () => {}, // the abort of the request ends it
  };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw malformed("each event must be JSON", `${data.length} characters that are none`, error);
  }
}

function addressOf({ baseURL = DEFAULT_BASE_URL, query }: OpenAILLMOptions): string {
  const address = `${baseURL.replace(/\/+$/, "")}/chat/completions`;
  return query === undefined ? address : `${address}?${new URLSearchParams(query)}`;
}

function bodyOf(options: OpenAILLMOptions, request: ChatRequest): Readonly<Record<string, unknown>> {
  const { developerRole } = options;
  const { messages } = toOpenAI(request.chatCtx, developerRole === undefined ? {} : { developerRole });
  const tools = request.toolCtx === undefined
    ? []
    : toOpenAITools(request.toolCtx, { strict: options.strictTools ?? true });
  const settings: Record<string, unknown> = {
    temperature: options.temperature,
    top_p: options.topP,
    max_completion_tokens: options.maxCompletionTokens,
    seed: options.seed,
    reasoning_effort: options.reasoningEffort,
    service_tier: options.serviceTier,
    user: options.user,
    ...(tools.length === 0 ? {} : {
      tools,
      tool_choice: request.toolChoice ?? options.toolChoice,
      parallel_tool_calls: request.parallelToolCalls ?? options.parallelToolCalls,
    }),
    ...(request.responseFormat === undefined
      ? {}
      : { response_format: toOpenAIResponseFormat(request.responseFormat) }),
  };
  return { // what is undefined is left out of the JSON
    model: options.model,
    messages,
    stream: true,
    ...(options.includeUsage === false ? {} : { stream_options: { include_usage: true } }),
    ...settings,
    ...options.extraBody,
    ...request.extraKwargs,
  };
}

async function statusError(response: Response): Promise<APIStatusError> {
  let body: unknown = null;
  try {
    const text = (await response.text()).slice(0, MAX_ERROR_LENGTH);
    body = text === "" ? null : text;
    body = JSON.parse(text);
  } catch {
    // A body that is no JSON, or breaks off, is told as far as it came: the status is what counts.
  }
  const { headers, status } = response;
  return createAPIErrorFromHTTP(messageOf(body), {
    status,
    requestId: headers.get("x-request-id") ?? headers.get("request-id"),
    body,
  });
}

/** What the provider says in its error, in the forms that there are. */
function messageOf(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const { error, message, detail } = body as Readonly<Record<string, unknown>>;
  if (typeof error === "string") return error;
  if (typeof error === "object" && error !== null && "message" in error && typeof error.message === "string") {
    return error.message;
  }
  return typeof message === "string" ? message : typeof detail === "string" ? detail : "";
}

/** What a read of the connection throws is the place's own, and means that it broke. */
function broken(error: unknown): never {
  throw new APIConnectionError({ message: "The connection broke amid the answer", options: { cause: error } });
}

/** Lets the answer end by itself, so that its connection can be used again. Nothing that still comes means anything. */
async function finish(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    const { done } = await reader.read();
    if (!done) await reader.cancel();
  } catch {
    // The answer was whole already.
  }
}
