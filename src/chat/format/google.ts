/**
 * Conversations as the Gemini API of Google wants them.
 *
 * @module
 */
import type { ChatItem, FunctionCall, FunctionCallOutput, ImageContent } from "../item.ts";
import { addParts, argumentsOf, type FormatNote, partsOf, pictureOf, turnGroups, type TurnOptions } from "./turns.ts";

/** A part of a turn. Plain JSON, with the keys of the REST API. */
export type GooglePart = Readonly<Record<string, unknown>>;

/** How to write a conversation for Gemini. */
export interface GoogleOptions extends TurnOptions {
  /** Signatures of thoughts in base64, by the ids of the calls that they came with. Those in `extra.google` of a call are known. */
  readonly thoughtSignatures?: Readonly<Record<string, string>>;
}

/** A turn of a request. */
export interface GoogleContent {
  /** Whose turn it is. */
  readonly role: "user" | "model";
  /** What is in it; never empty. */
  readonly parts: readonly GooglePart[];
}

/** A conversation, written out. */
export interface GoogleConversation {
  /** For the field `systemInstruction` of a request, as the text of its part; undefined: there is none. */
  readonly system: string | undefined;
  /** For the field `contents` of a request. */
  readonly contents: readonly GoogleContent[];
  /** What had to be mended, for the log. */
  readonly notes: readonly FormatNote[];
}

/**
 * Writes a conversation for Gemini. Pure, and total but for pictures of an unknown kind.
 *
 * The first system message is the system instruction; later ones are said by the user, in an `<instructions>` element, where
 * they stand. The outputs of a turn's calls are a turn of their own, directly behind it. Sound is left out. The last turn is the
 * user's.
 *
 * @throws {AgentError} `chat.bad_item` for a `data:` URL of a picture that the API does not take.
 *
 * @example
 * ```ts
 * const { system, contents } = toGoogle(chatCtx.items);
 * const body = { contents, ...(system && { systemInstruction: { parts: [{ text: system }] } }) };
 * ```
 */
export function toGoogle(items: Iterable<ChatItem>, options: GoogleOptions = {}): GoogleConversation {
  const { system, groups, notes } = turnGroups(items, options);
  // Outputs are a role of their own while turns are joined, so that they never share a turn with words.
  const turns: { readonly role: "user" | "model" | "tool"; readonly parts: GooglePart[] }[] = [];
  for (const { message, calls, outputs, instructions } of groups) {
    if (message !== undefined) {
      const parts = partsOf(message, options.modality, instructions).map(writePart);
      addParts(turns, message.role === "assistant" ? "model" : "user", parts);
    }
    addParts(turns, "model", calls.map((call) => writeCall(call, options, notes)));
    addParts(turns, "tool", outputs.map((output, index) => writeOutput(output, calls[index] as FunctionCall)));
  }
  if ((options.injectDummyUserMessage ?? true) && (turns.at(-1)?.role ?? "model") === "model") {
    turns.push({ role: "user", parts: [{ text: "." }] });
  }
  return {
    system,
    contents: turns.map(({ role, parts }) => ({ role: role === "model" ? role : "user", parts })),
    notes,
  };
}

function writePart(part: string | ImageContent): GooglePart {
  if (typeof part === "string") return { text: part };
  const picture = pictureOf(part);
  return picture.kind === "address"
    ? { fileData: { fileUri: picture.url, mimeType: picture.mimeType ?? "image/jpeg" } }
    : { inlineData: { mimeType: picture.mimeType, data: picture.data } };
}

function writeCall(call: FunctionCall, { thoughtSignatures = {} }: GoogleOptions, notes: FormatNote[]): GooglePart {
  const google = call.extra["google"] as Readonly<Record<string, unknown>> | undefined;
  const signature = thoughtSignatures[call.callId] ?? google?.["thoughtSignature"] ?? google?.["thought_signature"];
  return {
    functionCall: { id: call.callId, name: call.name, args: argumentsOf(call, notes) },
    ...(typeof signature === "string" && { thoughtSignature: signature }),
  };
}

function writeOutput(output: FunctionCallOutput, call: FunctionCall): GooglePart {
  const response = output.isError ? { error: output.output } : { output: output.output };
  return { functionResponse: { id: call.callId, name: call.name, response } };
}
