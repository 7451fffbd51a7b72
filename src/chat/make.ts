/**
 * Makes the items of a conversation: frozen values with an id and a time.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type {
  AgentConfigUpdate,
  AgentHandoffItem,
  ChatContent,
  ChatItem,
  ChatMessage,
  ChatRole,
  FunctionCall,
  FunctionCallOutput,
  ImageContent,
  ItemBase,
  MetricsReport,
} from "./item.ts";
import { isInstructions, renderInstructions } from "./instructions.ts";

/** Where ids and times of new items come from. */
export interface ItemSource {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Fields of a message. One string stands for a list of one. */
export interface MessageFields {
  /** Who speaks. */
  readonly role: ChatRole;
  /** What is said. */
  readonly content: ChatContent | readonly ChatContent[];
  /** Whether the speech was cut off. Default false. */
  readonly interrupted?: boolean;
  /** How sure the transcription is, from 0 to 1. */
  readonly transcriptConfidence?: number;
  /** What was measured. Default nothing. */
  readonly metrics?: MetricsReport;
  /** What providers and the session keep with it. Default nothing. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Fields of a call. */
export interface FunctionCallFields {
  /** The id that the model gave the call. */
  readonly callId: string;
  /** The tool. */
  readonly name: string;
  /** JSON text. Empty means `{}`. */
  readonly args: string;
  /** What providers and the session keep with it. Default nothing. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Joins calls that were made at once. Default: the part of the id before the first `/`. */
  readonly groupId?: string;
}

/** Fields of an output. */
export interface FunctionCallOutputFields {
  /** The call that it answers. */
  readonly callId: string;
  /** The tool. Default empty. */
  readonly name?: string;
  /** What the model reads. */
  readonly output: string;
  /** Default false. */
  readonly isError?: boolean;
  /** Default true. */
  readonly replyRequired?: boolean;
}

/** Fields of a hand-off. */
export interface AgentHandoffFields {
  /** Who leaves. Default `null`: nobody was there. */
  readonly oldAgentId?: string | null;
  /** Who takes over. */
  readonly newAgentId: string;
}

/** Fields of a configuration update. */
export interface AgentConfigUpdateFields {
  /** The new instructions. */
  readonly instructions?: string;
  /** Names of tools that came. */
  readonly toolsAdded?: readonly string[];
  /** Names of tools that went. */
  readonly toolsRemoved?: readonly string[];
}

const ROLES: ReadonlySet<string> = new Set(["developer", "system", "user", "assistant"]);
const NOTHING: Readonly<Record<string, never>> = Object.freeze({});

/** The text of content: strings and instructions, joined by line breaks; `undefined` when there is neither. */
export function textOf(content: readonly ChatContent[]): string | undefined {
  if (content.length === 1 && typeof content[0] === "string") return content[0];
  const texts: string[] = [];
  for (const part of content) {
    if (typeof part === "string") texts.push(part);
    else if (isInstructions(part)) texts.push(renderInstructions(part));
  }
  return texts.length === 0 ? undefined : texts.join("\n");
}

/**
 * Makes a message.
 *
 * @throws {AgentError} `chat.bad_item` when the id, the time or the role is none.
 */
export function chatMessage(fields: MessageFields & ItemBase): ChatMessage {
  checkBase(fields, "message");
  if (!ROLES.has(fields.role)) {
    throw new AgentError(
      "chat.bad_item",
      `Cannot make a message as \`role\` must be developer, system, user or assistant: current value is ${fields.role}`,
    );
  }
  const content = Object.freeze(
    Array.isArray(fields.content) ? fields.content.slice() : [fields.content as ChatContent],
  ) as readonly ChatContent[];
  return Object.freeze({
    id: fields.id,
    type: "message",
    role: fields.role,
    content,
    textContent: textOf(content),
    interrupted: fields.interrupted ?? false,
    createdAt: fields.createdAt,
    ...(fields.transcriptConfidence === undefined ? {} : { transcriptConfidence: fields.transcriptConfidence }),
    metrics: fields.metrics ?? NOTHING,
    extra: fields.extra ?? NOTHING,
  });
}

/**
 * Makes a call.
 *
 * @throws {AgentError} `chat.bad_item` when the id or the time is none.
 */
export function functionCall(fields: FunctionCallFields & ItemBase): FunctionCall {
  checkBase(fields, "function call");
  return Object.freeze({
    id: fields.id,
    type: "function_call",
    callId: fields.callId,
    name: fields.name,
    args: fields.args === "" ? "{}" : fields.args,
    createdAt: fields.createdAt,
    extra: fields.extra ?? NOTHING,
    ...(fields.groupId === undefined ? {} : { groupId: fields.groupId }),
  });
}

/**
 * Makes an output.
 *
 * @throws {AgentError} `chat.bad_item` when the id or the time is none.
 */
export function functionCallOutput(fields: FunctionCallOutputFields & ItemBase): FunctionCallOutput {
  checkBase(fields, "function call output");
  return Object.freeze({
    id: fields.id,
    type: "function_call_output",
    callId: fields.callId,
    name: fields.name ?? "",
    output: fields.output,
    isError: fields.isError ?? false,
    replyRequired: fields.replyRequired ?? true,
    createdAt: fields.createdAt,
  });
}

/**
 * Makes a hand-off.
 *
 * @throws {AgentError} `chat.bad_item` when the id or the time is none.
 */
export function agentHandoff(fields: AgentHandoffFields & ItemBase): AgentHandoffItem {
  checkBase(fields, "hand-off");
  return Object.freeze({
    id: fields.id,
    type: "agent_handoff",
    oldAgentId: fields.oldAgentId ?? null,
    newAgentId: fields.newAgentId,
    createdAt: fields.createdAt,
  });
}

/**
 * Makes a configuration update.
 *
 * @throws {AgentError} `chat.bad_item` when the id or the time is none.
 */
export function agentConfigUpdate(fields: AgentConfigUpdateFields & ItemBase): AgentConfigUpdate {
  checkBase(fields, "configuration update");
  return Object.freeze({
    id: fields.id,
    type: "agent_config_update",
    createdAt: fields.createdAt,
    ...(fields.instructions === undefined ? {} : { instructions: fields.instructions }),
    ...(fields.toolsAdded === undefined ? {} : { toolsAdded: fields.toolsAdded }),
    ...(fields.toolsRemoved === undefined ? {} : { toolsRemoved: fields.toolsRemoved }),
  });
}

/**
 * An item like another, with some fields changed: the way to change what is frozen. The text of a message follows its
 * content.
 */
export function changeItem<Item extends ChatItem>(
  item: Item,
  changes: Partial<Omit<Item, "type" | "textContent">>,
): Item {
  const changed = { ...item, ...changes };
  if (changed.type !== "message") return Object.freeze(changed);
  return chatMessage(changed) as Item;
}

/** Makes items whose ids and times are filled in. */
export interface ItemFactory {
  /** A new id: the prefix and 12 hexadecimal characters. */
  id(prefix: string): string;
  /** A message. */
  message(fields: MessageFields & Partial<ItemBase>): ChatMessage;
  /** A call. */
  functionCall(fields: FunctionCallFields & Partial<ItemBase>): FunctionCall;
  /** An output. */
  functionCallOutput(fields: FunctionCallOutputFields & Partial<ItemBase>): FunctionCallOutput;
  /** A hand-off. */
  agentHandoff(fields: AgentHandoffFields & Partial<ItemBase>): AgentHandoffItem;
  /** A configuration update. */
  agentConfigUpdate(fields: AgentConfigUpdateFields & Partial<ItemBase>): AgentConfigUpdate;
  /** A picture: a `data:` URL or an address. */
  image(fields: Pick<ImageContent, "image"> & Partial<ImageContent>): ImageContent;
}

/** Twelve hexadecimal characters. Two throws of 24 bits, since the dice of a test may have no more than 32. */
export function randomHex12(random: () => number): string {
  const half = (): string => Math.floor(random() * 0x1000000).toString(16).padStart(6, "0");
  return half() + half();
}

/**
 * A maker of items that takes ids from `random` and times from `now`, where they are not given.
 *
 * @example
 * ```ts
 * const make = itemFactory({ now: () => clock.now() + clock.wallOffset, random: runtime.random });
 * const message = make.message({ role: "user", content: "Hello" });
 * ```
 */
export function itemFactory({ now, random }: ItemSource): ItemFactory {
  const id = (prefix: string): string => prefix + randomHex12(random);
  const base = (given: Partial<ItemBase>): ItemBase => ({
    id: given.id ?? id("item_"),
    createdAt: given.createdAt ?? now(),
  });
  return {
    id,
    message: (fields) => chatMessage({ ...fields, ...base(fields) }),
    functionCall: (fields) => functionCall({ ...fields, ...base(fields) }),
    functionCallOutput: (fields) => functionCallOutput({ ...fields, ...base(fields) }),
    agentHandoff: (fields) => agentHandoff({ ...fields, ...base(fields) }),
    agentConfigUpdate: (fields) => agentConfigUpdate({ ...fields, ...base(fields) }),
    image: (fields) =>
      Object.freeze({
        inferenceDetail: "auto",
        ...fields,
        type: "image_content",
        id: fields.id ?? id("img_"),
      }),
  };
}

function checkBase({ id, createdAt }: ItemBase, what: string): void {
  if (typeof id !== "string" || id === "") {
    throw new AgentError(
      "chat.bad_item",
      `Cannot make a ${what} as \`id\` must be a text of some length: current value is ${
        id === "" ? "empty" : typeof id
      }`,
    );
  }
  if (!Number.isFinite(createdAt)) {
    throw new AgentError(
      "chat.bad_item",
      `Cannot make a ${what} as \`createdAt\` must be milliseconds since 1970: current value is ${createdAt}`,
    );
  }
}
