/**
 * What a client of a chat posts, read once, at the border.
 *
 * @module
 */
import type { HonoRequest } from "hono";
import * as v from "valibot";
import { AgentError } from "../../src/base/error.ts";
import type { ChatContent } from "../../src/chat/item.ts";

/** The longest id that a client may choose, in characters. Chosen: a UUID with a word before it fits three times. */
const MAX_ID_LENGTH = 128;

/** What a client posts, as far as it is used: the history is ours. */
export interface ChatRequestBody {
  /** Of the conversation. */
  readonly id: string;
  /** Who begins a new conversation, of several agents. */
  readonly agent: string | undefined;
  /** What the user said last; undefined: nothing. */
  readonly message: { readonly id: string; readonly content: readonly ChatContent[] } | undefined;
  /** The last answer is to be made anew. */
  readonly isRegenerating: boolean;
}

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_ID_LENGTH));

const bodySchema = v.object({
  id,
  agent: v.optional(v.string()),
  trigger: v.optional(v.picklist(["submit-message", "regenerate-message"])),
  messages: v.array(v.looseObject({ role: v.string() })),
});

const userMessageSchema = v.object({ id, parts: v.array(v.looseObject({ type: v.string() })) });
const textSchema = v.object({ text: v.string() });
const fileSchema = v.object({
  mediaType: v.pipe(v.string(), v.startsWith("image/")),
  url: v.pipe(v.string(), v.regex(/^(?:data:|https?:)/)),
});

/**
 * Reads what was posted. Of the messages, only the last one of the user is looked at.
 *
 * @throws {AgentError} `http.bad_request` naming the part that is wrong.
 */
export function parseChatRequest(body: unknown): ChatRequestBody {
  const { id, agent, messages, trigger } = check(bodySchema, body, "the body");
  const last = messages.findLast(({ role }) => role === "user");
  return {
    id,
    agent,
    message: last === undefined ? undefined : readMessage(last),
    isRegenerating: trigger === "regenerate-message",
  };
}

/**
 * Reads the id of a conversation from an address.
 *
 * @throws {AgentError} `http.bad_request`.
 */
export function parseId(value: unknown): string {
  return check(id, value, "the id");
}

function readMessage(message: unknown): NonNullable<ChatRequestBody["message"]> {
  const { id, parts } = check(userMessageSchema, message, "the last message of the user");
  const content: ChatContent[] = [];
  for (const part of parts) {
    if (part.type === "text") content.push(check(textSchema, part, "a text").text);
    if (part.type === "file") {
      const { mediaType, url } = check(fileSchema, part, "a file");
      content.push({
        type: "image_content",
        id: `${id}/${content.length}`,
        image: url,
        inferenceDetail: "auto",
        mimeType: mediaType,
      });
    }
  }
  const isEmpty = content.every((part) => typeof part === "string" && part.trim() === "");
  if (isEmpty) throw badRequest("the last message of the user must have a text or a picture", "neither");
  return { id, content };
}

function check<Schema extends v.GenericSchema>(schema: Schema, value: unknown, what: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue);
  // Only the kind of the value is named, since the value itself may be what a person said.
  const current = issue.received.startsWith('"') ? "another text" : issue.received;
  throw badRequest(`${path === null ? what : `\`${path}\` of ${what}`} must be ${issue.expected ?? "valid"}`, current);
}

/** An error that says what is wrong with a request. */
export function badRequest(rule: string, current: string): AgentError {
  return new AgentError("http.bad_request", `Cannot read the request as ${rule}: current value is ${current}`);
}

/**
 * Reads a body as JSON.
 *
 * @throws {AgentError} `http.too_large` before more than the limit was read; `http.bad_request` for something else than JSON.
 */
export async function readBody(request: HonoRequest, limitBytes: number): Promise<unknown> {
  const length = request.header("content-length");
  if (Number(length) > limitBytes) throw tooLarge(limitBytes);
  let text: string;
  try {
    text = length === undefined ? await readUpTo(request.raw.body, limitBytes) : await request.text();
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw badRequest("its body must come whole", "one that broke off");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("its body must be JSON", "something else");
  }
}

/** Reads a body whose length is not known beforehand. */
async function readUpTo(body: ReadableStream<Uint8Array> | null, limitBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let byteCount = 0;
  for await (const chunk of body ?? []) {
    byteCount += chunk.length;
    if (byteCount > limitBytes) throw tooLarge(limitBytes);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(limitBytes: number): AgentError {
  return new AgentError(
    "http.too_large",
    `Cannot read the request as its body must not exceed ${limitBytes} bytes: current value is more`,
  );
}
