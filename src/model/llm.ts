/**
 * The contract of language models.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import type { ModelHost } from "./host.ts";

/** One call of a function, as a model asks for it. */
export interface FunctionToolCall {
  readonly type: "function";
  readonly callId: string;
  readonly name: string;
  /** JSON text, as the model wrote it. */
  readonly args: string;
  /** What the provider wants back with the call, such as a signature of its thought. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What a chunk adds to the reply. */
export interface ChoiceDelta {
  readonly role?: "assistant";
  readonly content?: string;
  /** What the model thinks aloud. It is neither spoken nor kept. */
  readonly reasoning?: string;
  readonly toolCalls?: readonly FunctionToolCall[];
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What a request cost, in tokens. */
export interface CompletionUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly promptCachedTokens?: number;
  readonly cacheCreationTokens?: number;
}

/** A piece of a reply. */
export interface ChatChunk {
  readonly id: string;
  readonly delta?: ChoiceDelta;
  readonly usage?: CompletionUsage;
}

/** A request. `signal` stops it: the provider closes its connection and the stream ends or errors. */
export interface ChatRequest {
  readonly chatCtx: ChatContext;
  readonly toolCtx?: ToolContext;
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  /** A JSON Schema that the answer must fit, with a name. */
  readonly responseFormat?: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
  /** Further fields for the provider, as its own API names them. */
  readonly extraKwargs?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  /** How many attempts at this request came before. Default 0. */
  readonly retryCount?: number;
  /** What the session lends to models that are made of models; providers leave it alone. */
  readonly host?: ModelHost;
}

/** A language model. It makes one attempt for a request and knows no time: retries and time-outs are the session's. */
export interface LLM {
  readonly kind: "llm";
  readonly model: string;
  readonly provider: string;
  /** It is made of models and looks after them itself: no time-out, retry or measurement is added from outside. */
  readonly composite?: true;
  /** Starts a request. Failures travel in the stream. */
  chat(request: ChatRequest): ReadableStream<ChatChunk>;
  /** Loads or connects what is done lazily. Idempotent. */
  prewarm?(): Promise<void>;
}
