/**
 * Puts the deltas of a chat completion together to chunks of ours.
 *
 * @module
 */
import { APIError, APIStatusError } from "../../src/model/error.ts";
import type { ChatChunk, CompletionUsage, FunctionToolCall } from "../../src/model/llm.ts";
import { type ThinkingFilter, thinkingFilter, type ThinkingTags } from "../../src/model/thinking.ts";

/** Reads one completion. */
export interface CompletionReader {
  /** The model has said that it is done. */
  readonly isFinished: boolean;
  /**
   * Takes the next delta, or a whole completion, as parsed JSON.
   *
   * @throws {APIError} `model.bad_response` when it has no such form, `model.status` when it tells a failure.
   */
  push(json: unknown): ChatChunk[];
  /** The end: what was held back. */
  end(): ChatChunk[];
}

interface CallInProgress {
  readonly index: number;
  callId: string;
  name: string;
  args: string;
  extra: Record<string, unknown> | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Makes a reader of one completion. A call is given out when it is whole: when the next one begins or the model is done. */
export function completionReader(tags: ThinkingTags | null): CompletionReader {
  const filter: ThinkingFilter | undefined = tags === null ? undefined : thinkingFilter(tags);
  let id = "";
  let isFinished = false;
  let open: CallInProgress | undefined;
  let callCount = 0;

  const closeCall = (): FunctionToolCall[] => {
    const call = open;
    open = undefined;
    if (call === undefined) return [];
    if (call.name === "") throw malformed("a call must have a name", "none");
    return [{
      type: "function",
      callId: call.callId === "" ? `call_${id}_${callCount}` : call.callId,
      name: call.name,
      args: call.args === "" ? "{}" : call.args,
      ...(call.extra === undefined ? {} : { extra: call.extra }),
    }];
  };

  const takeCall = (given: unknown, position: number): FunctionToolCall[] => {
    const call = record(given, "a tool call");
    const fields = call["function"] === undefined ? {} : record(call["function"], "the function of a tool call");
    const callId = text(call["id"]);
    const index = typeof call["index"] === "number"
      ? call["index"]
      : open !== undefined && callId === ""
      ? open.index
      : position;
    const name = text(fields["name"]);
    // Imitators that give no index or id begin a call by naming it.
    const isNext = open === undefined || open.index !== index ||
      (callId !== "" && open.callId !== "" && callId !== open.callId) ||
      (callId === "" && open.callId === "" && name !== "" && open.args !== "");
    const closed = isNext ? closeCall() : [];
    if (isNext) {
      callCount += 1;
      open = { index, callId: "", name: "", args: "", extra: undefined };
    }
    const current = open!;
    if (callId !== "") current.callId = callId;
    if (current.name === "") current.name = name;
    current.args += argumentText(fields["arguments"]);
    const extra = call["extra_content"];
    if (typeof extra === "object" && extra !== null) current.extra = { ...current.extra, ...extra };
    return closed;
  };

  const split = (content: string): { content: string; reasoning: string } =>
    filter === undefined ? { content, reasoning: "" } : filter.push(content);

  const chunk = (said: { content: string; reasoning: string }, toolCalls: readonly FunctionToolCall[]): ChatChunk[] => {
    const { content, reasoning } = said;
    if (content === "" && reasoning === "" && toolCalls.length === 0) return [];
    return [{
      id,
      delta: {
        role: "assistant",
        ...(content === "" ? {} : { content }),
        ...(reasoning === "" ? {} : { reasoning }),
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
      },
    }];
  };

  const flush = (): ChatChunk[] => {
    const toolCalls = closeCall();
    return chunk(filter === undefined ? { content: "", reasoning: "" } : filter.end(), toolCalls);
  };

  return {
    get isFinished() {
      return isFinished;
    },
    push(json) {
      const body = record(json, "a chunk");
      if (body["error"] !== undefined && body["error"] !== null) throw toldError(body["error"]);
      if (typeof body["id"] === "string" && body["id"] !== "") id = body["id"];
      const chunks: ChatChunk[] = [];
      const choices = body["choices"] ?? [];
      if (!Array.isArray(choices)) throw malformed("its choices must be a list", typeof choices);
      for (const given of choices) {
        const choice = record(given, "a choice");
        if (typeof choice["index"] === "number" && choice["index"] > 0) continue; // only one answer was asked for
        const delta = record(choice["delta"] ?? choice["message"] ?? {}, "a delta");
        const { content, reasoning } = split(contentText(delta["content"]) + text(delta["refusal"]));
        const thought = text(delta["reasoning_content"] ?? delta["reasoning"]);
        const calls = delta["tool_calls"] ?? [];
        if (!Array.isArray(calls)) throw malformed("its tool calls must be a list", typeof calls);
        const closed = calls.flatMap(takeCall);
        chunks.push(...chunk({ content, reasoning: thought + reasoning }, closed));
        if (typeof choice["finish_reason"] === "string") {
          isFinished = true;
          chunks.push(...flush());
        }
      }
      const usage = usageOf(body["usage"]);
      if (usage !== undefined) chunks.push({ id, usage });
      return chunks;
    },
    end: flush,
  };
}

/** Content comes as text; some imitators send a list of parts. */
function contentText(given: unknown): string {
  if (!Array.isArray(given)) return text(given);
  return given.map((part) => typeof part === "object" && part !== null ? text((part as Json)["text"]) : text(part))
    .join("");
}

/** Arguments come as text; some imitators send them as JSON. */
function argumentText(given: unknown): string {
  if (given === undefined || given === null) return "";
  return typeof given === "string" ? given : JSON.stringify(given);
}

function usageOf(given: unknown): CompletionUsage | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const usage = given as Json;
  const details = (usage["prompt_tokens_details"] ?? {}) as Json;
  const promptTokens = count(usage["prompt_tokens"]);
  const completionTokens = count(usage["completion_tokens"]);
  const cached = count(details["cached_tokens"]);
  return {
    promptTokens,
    completionTokens,
    totalTokens: usage["total_tokens"] === undefined ? promptTokens + completionTokens : count(usage["total_tokens"]),
    ...(cached === 0 ? {} : { promptCachedTokens: cached }),
  };
}

/** A failure that comes amid the stream, as JSON. */
function toldError(given: unknown): APIError {
  const error = typeof given === "object" && given !== null ? given as Json : {};
  const message = typeof given === "string" ? given : text(error["message"]);
  const status = [error["status"], error["code"]].map(Number).find((code) => code >= 400 && code < 600);
  const told = `The provider told of a failure amid its answer: ${message === "" ? "no reason given" : message}`;
  return status === undefined
    ? new APIError(told, { body: given })
    : new APIStatusError({ message: told, options: { statusCode: status, body: given } });
}

/** The error of an answer that has not the form it must have. */
export function malformed(rule: string, value: string, cause?: unknown): APIError {
  return new APIError(`Cannot read the answer as ${rule}: current value is ${value}`, {
    code: "model.bad_response",
    ...(cause === undefined ? {} : { cause }),
  });
}

function record(given: unknown, name: string): Json {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return given as Json;
  throw malformed(
    `${name} must be an object`,
    given === null ? "null" : Array.isArray(given) ? "a list" : typeof given,
  );
}

function text(given: unknown): string {
  return typeof given === "string" ? given : "";
}

function count(given: unknown): number {
  return typeof given === "number" && Number.isFinite(given) ? given : 0;
}
