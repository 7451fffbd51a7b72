/**
 * What goes wrong between us and a provider of models.
 *
 * @module
 */
import { AgentError, type ErrorCode } from "../base/error.ts";

/** The codes of failures of models. */
export type ModelErrorCode = Extract<ErrorCode, `model.${string}`>;

/** What an {@linkcode APIError} may carry. */
export interface APIErrorOptions {
  /** What the provider sent, as far as it could be read. Default `null`. */
  readonly body?: unknown;
  /** Whether the same request may succeed if it is made again. Default true. */
  readonly retryable?: boolean;
  /** Default `model.bad_response`. */
  readonly code?: ModelErrorCode;
  /** The failure behind it. */
  readonly cause?: unknown;
}

/** A request to a provider failed. */
export class APIError extends AgentError {
  /** The name that logs show. */
  override readonly name: string = "APIError";
  /** Tells this family apart where two copies of the library meet. */
  readonly "~api": true = true;
  /** What the provider sent, or `null`. */
  readonly body: unknown;
  /** Whether the same request may succeed if it is made again. */
  readonly retryable: boolean;

  /** Makes one. */
  constructor(message: string, options: APIErrorOptions = {}) {
    super(options.code ?? "model.bad_response", message, "cause" in options ? { cause: options.cause } : undefined);
    this.body = options.body ?? null;
    this.retryable = options.retryable ?? true;
  }
}

/** What an {@linkcode APIStatusError} is made of. */
export interface APIStatusErrorInit {
  /** Default: a sentence of its own. */
  readonly message?: string;
  /** What is known of the failure. */
  readonly options?: {
    /** Default -1: none is known. */
    readonly statusCode?: number;
    /** The provider's id of the request, to quote to its support. */
    readonly requestId?: string | null;
    readonly body?: unknown;
    /** `false` always holds. `true` holds except for 400 to 499, which fail again; 408, 429 and 499 are none of them. */
    readonly retryable?: boolean;
    readonly cause?: unknown;
  };
}

/** The provider answered with a status that means failure. */
export class APIStatusError extends APIError {
  /** The name that logs show. */
  override readonly name: string = "APIStatusError";
  /** The status of HTTP, or -1. */
  readonly statusCode: number;
  /** The provider's id of the request, or `null`. */
  readonly requestId: string | null;

  /** Makes one. */
  constructor({ message = "The provider refused the request", options = {} }: APIStatusErrorInit = {}) {
    const { statusCode = -1, requestId = null, body, retryable, cause } = options;
    super(message, {
      code: "model.status",
      body,
      retryable: isFinalStatus(statusCode) ? false : retryable ?? true,
      ...("cause" in options ? { cause } : {}),
    });
    this.statusCode = statusCode;
    this.requestId = requestId;
  }

  /** Message, status, whether to try again and, where there are some, the request's id and the body. */
  override toString(): string {
    const facts = [`status ${this.statusCode}`, this.retryable ? "retryable" : "not retryable"];
    if (this.requestId !== null) facts.push(`request ${this.requestId}`);
    if (this.body !== null) facts.push(`body ${plain(this.body)}`);
    return `${this.name}: ${this.message} (${facts.join(", ")})`;
  }
}

/** How a connection failed. */
export interface APIConnectionErrorInit {
  /** Default: a sentence of its own. */
  readonly message?: string;
  /** What is known of the failure. */
  readonly options?: { readonly retryable?: boolean; readonly cause?: unknown };
}

/** The provider could not be reached, or the connection broke. */
export class APIConnectionError extends APIError {
  /** The name that logs show. */
  override readonly name: string = "APIConnectionError";

  /** Makes one. */
  constructor(
    { message = "The connection to the provider failed", options = {} }: APIConnectionErrorInit = {},
    code: "model.connection" | "model.timeout" = "model.connection",
  ) {
    super(message, { ...options, code });
  }

  /** The message, and in parentheses what was at the root of it. */
  override toString(): string {
    const root = rootCause(this);
    return root === undefined ? `${this.name}: ${this.message}` : `${this.name}: ${this.message} (${describe(root)})`;
  }
}

/** The provider did not answer in time. */
export class APITimeoutError extends APIConnectionError {
  /** The name that logs show. */
  override readonly name: string = "APITimeoutError";

  /** Makes one. */
  constructor({ message = "The provider did not answer in time", options = {} }: APIConnectionErrorInit = {}) {
    super({ message, options }, "model.timeout");
  }
}

/** A realtime model refused a request, or did not answer it in time. */
export class RealtimeError extends AgentError {
  /** The name that logs show. */
  override readonly name: string = "RealtimeError";
  /** What the provider calls this failure, or `null`. */
  readonly providerCode: string | null;

  /** Makes one. */
  constructor(message: string, options: { readonly providerCode?: string | null; readonly cause?: unknown } = {}) {
    super("model.realtime", message, "cause" in options ? { cause: options.cause } : undefined);
    this.providerCode = options.providerCode ?? null;
  }
}

/** A model does what no retry mends, such as never giving the structure that was asked for. */
export class UnexpectedModelBehavior extends AgentError {
  /** The name that logs show. */
  override readonly name: string = "UnexpectedModelBehavior";

  /** Makes one. */
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super("model.unexpected", message, options);
  }
}

/** True for every member of the {@linkcode APIError} family, whichever copy of the library made it. */
export function isAPIError(error: unknown): error is APIError {
  return error instanceof APIError || (error instanceof Error && "~api" in error && error["~api"] === true);
}

/** True when the error says that the same request may succeed. What is no {@linkcode APIError} never says so. */
export function isRetryable(error: unknown): boolean {
  return isAPIError(error) && error.retryable;
}

/** True for status 499: the request was closed on our side, which is no failure. */
export function isClosedRequest(error: unknown): boolean {
  return isAPIError(error) && "statusCode" in error && error.statusCode === 499;
}

/** What is known of an answer of HTTP. */
export interface HTTPFailure {
  /** The status of HTTP. */
  readonly status: number;
  /** The provider's id of the request. */
  readonly requestId?: string | null;
  /** What the provider sent, as far as it could be read. */
  readonly body?: unknown;
}

/**
 * Makes the error of an answer of HTTP. Its text is what the status means, and the message behind it where that adds
 * something.
 *
 * @example
 * ```ts
 * createAPIErrorFromHTTP("No such model", { status: 404 }).message; // "Not Found (404): No such model"
 * ```
 */
export function createAPIErrorFromHTTP(message: string, { status, requestId, body }: HTTPFailure): APIStatusError {
  const phrase = REASONS[status];
  const head = phrase === undefined ? `HTTP ${status}` : `${phrase} (${status})`;
  const text = message.trim();
  const adds = text !== "" && text.toLowerCase() !== phrase?.toLowerCase();
  return new APIStatusError({
    message: adds ? `${head}: ${text}` : head,
    options: { statusCode: status, requestId: requestId ?? null, body },
  });
}

/** A status whose request fails again however often it is made. */
function isFinalStatus(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429 && status !== 499;
}

const MAX_CAUSES = 10; // specified: 04 section 1.1

/** The last of the chain of causes. It may bite its own tail. */
function rootCause(error: Error): unknown {
  const seen = new Set<unknown>([error]);
  let root: unknown = error.cause;
  if (root === undefined || root === null || seen.has(root)) return undefined;
  for (;;) {
    seen.add(root);
    const next: unknown = root instanceof Error ? root.cause : undefined;
    if (next === undefined || next === null || seen.has(next) || seen.size > MAX_CAUSES) return root;
    root = next;
  }
}

function describe(root: unknown): string {
  if (root instanceof APIConnectionError) return root.message;
  const type = root instanceof Error ? root.name : typeof root;
  try {
    const text = root instanceof Error ? root.message : String(root);
    return text === "" ? type : `${type}: ${text}`;
  } catch {
    return type; // its own conversion to a string throws: the type is all there is to say
  }
}

function plain(body: unknown): string {
  if (typeof body === "string") return body;
  try {
    return JSON.stringify(body) ?? String(body);
  } catch {
    return "that cannot be shown"; // a cycle, or a `toJSON` that throws
  }
}

/** RFC 9110, section 15, and RFC 6585; 499 and 529 as proxies and providers use them. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  529: "Overloaded",
};
