/**
 * Failures as clients see them: a code for programs, a sentence for people, and nothing of the inside.
 *
 * @module
 */
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import type { PublicError } from "./chat_chunks.ts";

/** Statuses of failures before anything was sent. What is not listed is the server's own fault. */
const STATUS: Readonly<Partial<Record<ErrorCode, 400 | 401 | 404 | 409 | 413>>> = {
  "http.bad_request": 400,
  "http.unauthorized": 401,
  "http.not_found": 404,
  "http.unknown_agent": 404,
  "http.too_large": 413,
  "store.conflict": 409,
};

/** What a client may know of failures of models and of the server; the messages of `http.*` are made for clients. */
const SENTENCE: Readonly<Partial<Record<ErrorCode, string>>> = {
  "model.connection": "The model could not be reached. Try again.",
  "model.timeout": "The model did not answer in time. Try again.",
  "model.status": "The model refused the request.",
  "model.bad_response": "The model's answer could not be read. Try again.",
  "reply.too_long": "The answer became too long and was cut off.",
  "http.timeout": "The answer took too long and was cut off.",
  "store.conflict": "The conversation went on elsewhere meanwhile. Load it again.",
};

/** A failure as a client may see it. */
export function publicError(error: unknown): PublicError {
  const code = codeOf(error);
  if (code === undefined) return { code: "http.failed", message: "Something failed. Try again." };
  const isForClients = code.startsWith("http.") && error instanceof AgentError;
  return {
    code,
    message: SENTENCE[code] ?? (isForClients ? (error as AgentError).message : "Something failed. Try again."),
  };
}

/** The status of a failure before anything was sent. */
export function statusOf(error: unknown): 400 | 401 | 404 | 409 | 413 | 500 {
  const code = codeOf(error);
  return (code === undefined ? undefined : STATUS[code]) ?? 500;
}

function codeOf(error: unknown): ErrorCode | undefined {
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" && /^[a-z]+\.[a-z_]+$/.test(code) ? code as ErrorCode : undefined;
}
