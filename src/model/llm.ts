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
  /** Tells this kind from the others. */
  readonly type: "function";
  /** Joins the call and its output. */
  readonly callId: string;
  /** The tool. */
  readonly name: string;
  /** JSON text, as the model wrote it. */
  readonly args: string;
  /** What the provider wants back with the call, such as a signature of its thought. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What a chunk adds to the reply. */
export interface ChoiceDelta {
  /** Whose words these are. */
  readonly role?: "assistant";
  /** Text that follows what came before. */
  readonly content?: string;
  /** What the model thinks aloud. It is neither spoken nor kept; `handle.parts()` shows it. */
  readonly reasoning?: string;
  /** Calls that are whole. */
  readonly toolCalls?: readonly FunctionToolCall[];
  /** What the provider wants back later. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What a request cost, in tokens. */
export interface CompletionUsage {
  /** Tokens of the request; 0 when the provider does not count. */
  readonly promptTokens: number;
  /** Tokens of the answer; 0 when the provider does not count. */
  readonly completionTokens: number;
  /** Tokens of request and answer together. */
  readonly totalTokens: number;
  /** Of the tokens of the request, those that the provider had in its cache. */
  readonly promptCachedTokens?: number;
  /** Of the tokens of the request, those that were written to the cache. */
  readonly cacheCreationTokens?: number;
}

/** A piece of a reply. */
export interface ChatChunk {
  /** The provider's id of the reply. */
  readonly id: string;
  /** What is new; absent in a chunk of usage alone. */
  readonly delta?: ChoiceDelta;
  /** What the request cost; once, near the end. */
  readonly usage?: CompletionUsage;
}

/** A request. `signal` stops it: the provider closes its connection and the stream ends or errors. */
export interface ChatRequest {
  /** The conversation so far. */
  readonly chatCtx: ChatContext;
  /** The tools that may be called. */
  readonly toolCtx?: ToolContext;
  /** Whether a tool may or must be called. Default `"auto"`. */
  readonly toolChoice?: ToolChoice;
  /** Whether several tools may be called at once. Default: what the provider does. */
  readonly parallelToolCalls?: boolean;
  /** A JSON Schema that the answer must fit, with a name. */
  readonly responseFormat?: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
  /** Further fields for the provider, as its own API names them. */
  readonly extraKwargs?: Readonly<Record<string, unknown>>;
  /** Aborting it stops the work. */
  readonly signal?: AbortSignal;
  /** How many attempts at this request came before. Default 0. */
  readonly retryCount?: number;
  /** What the session lends to models that are made of models; providers leave it alone. */
  readonly host?: ModelHost;
}

/** A language model. It makes one attempt for a request and knows no time: retries and time-outs are the session's. */
export interface LLM {
  /** Tells this contract from the others. */
  readonly kind: "llm";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** It is made of models and looks after them itself: no time-out, retry or measurement is added from outside. */
  readonly composite?: true;
  /** Starts a request. Failures travel in the stream. */
  chat(request: ChatRequest): ReadableStream<ChatChunk>;
  /** Loads or connects what is done lazily. Idempotent. */
  prewarm?(): Promise<void>;
}
