/**
 * What the formats of several providers share: turns that alternate, instructions in the middle, arguments and pictures.
 *
 * @module
 */
import { AgentError } from "../../base/error.ts";
import { isInstructions, type Modality, renderInstructions } from "../instructions.ts";
import type { ChatItem, ChatMessage, FunctionCall, ImageContent } from "../item.ts";
import { groupItems, type ItemGroup, type PairNote, type PairOptions } from "../render.ts";

/** How to write a conversation in turns. */
export interface TurnOptions extends PairOptions {
  /** Which variant of instructions to send. Default: the one that they show. */
  readonly modality?: Modality;
  /** Adds a message of the user where the provider demands one and there is none. Default true. */
  readonly injectDummyUserMessage?: boolean;
}

/** Something that had to be mended. */
export type FormatNote = PairNote | {
  /** The arguments of a call were no JSON object, and are sent as empty ones. */
  readonly type: "unreadable_arguments";
  /** The call it is about. */
  readonly callId: string;
  /** The item of the call. */
  readonly itemId: string;
};

/** A group of items, and whose turn it belongs to. */
export interface TurnGroup extends ItemGroup {
  /** Text of instructions that stand where they are, as the user's. */
  readonly instructions: boolean;
}

/** A conversation, cut into its preamble and its groups. */
export interface TurnGroups {
  /** The base instructions, where there are any. */
  readonly system: string | undefined;
  readonly groups: readonly TurnGroup[];
  readonly notes: FormatNote[];
}

/**
 * Takes the first message of role `system` or `developer` as the preamble, and marks every later one as instructions that are
 * sent where they stand. A preamble of role `developer` stays in place as a message of the user, as these providers know no
 * such role.
 */
export function turnGroups(items: Iterable<ChatItem>, options: TurnOptions): TurnGroups {
  const { groups, notes } = groupItems(items, options);
  let system: string | undefined;
  let hasPreamble = false;
  const kept: TurnGroup[] = [];
  for (const group of groups) {
    const { message } = group;
    const isInstruction = message?.role === "system" || message?.role === "developer";
    if (isInstruction && !hasPreamble) {
      hasPreamble = true;
      if (message.role === "system") {
        const text = textsOf(message, options.modality).join("\n");
        if (text !== "") system = text;
        continue;
      }
      kept.push({ ...group, instructions: false });
    } else kept.push({ ...group, instructions: isInstruction });
  }
  return { system, groups: kept, notes: [...notes] };
}

/** The texts of a message that are not empty. Those of instructions in the middle come in one element. */
export function textsOf(message: ChatMessage, modality: Modality | undefined, instructions = false): string[] {
  const texts: string[] = [];
  for (const part of message.content) {
    const text = typeof part === "string" ? part : isInstructions(part) ? renderInstructions(part, modality) : "";
    if (text !== "") texts.push(text);
  }
  return instructions && texts.length > 0 ? [`<instructions>\n${texts.join("\n")}\n</instructions>`] : texts;
}

/** The parts of a message in their order: texts that are not empty, and pictures. Sound is left out. */
export function partsOf(
  message: ChatMessage,
  modality: Modality | undefined,
  instructions: boolean,
): readonly (string | ImageContent)[] {
  if (instructions) return textsOf(message, modality, true);
  return message.content.flatMap((part): readonly (string | ImageContent)[] => {
    if (typeof part === "string") return part === "" ? [] : [part];
    if (isInstructions(part)) return textsOf({ ...message, content: [part] }, modality);
    return part.type === "image_content" ? [part] : [];
  });
}

/** Adds parts to the last turn when it is of the same role, and as a turn of their own when it is not. */
export function addParts<Role extends string, Part>(
  turns: { readonly role: Role; readonly parts: Part[] }[],
  role: Role,
  parts: readonly Part[],
): void {
  if (parts.length === 0) return;
  const last = turns.at(-1);
  if (last?.role === role) last.parts.push(...parts);
  else turns.push({ role, parts: [...parts] });
}

/** The arguments of a call as a value. What is no JSON object becomes an empty one, with a note. */
export function argumentsOf(call: FunctionCall, notes: FormatNote[]): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(call.args);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // No JSON: said below.
  }
  notes.push({ type: "unreadable_arguments", callId: call.callId, itemId: call.id });
  return {};
}

/** A picture, taken apart: its bytes in base64, or where it is. */
export type Picture =
  | { readonly kind: "data"; readonly mimeType: string; readonly data: string }
  | { readonly kind: "address"; readonly mimeType: string | undefined; readonly url: string };

const PICTURE_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);

/**
 * Takes a picture apart. `mimeType` of the content comes before what a `data:` URL says.
 *
 * @throws {AgentError} `chat.bad_item` for a `data:` URL that is not base64 of a JPEG, PNG, WebP or GIF.
 */
export function pictureOf(content: ImageContent): Picture {
  if (!content.image.startsWith("data:")) {
    return { kind: "address", mimeType: content.mimeType, url: content.image };
  }
  const match = /^data:([^;,]*)(?:;[^;,]*)*;base64,(.*)$/s.exec(content.image);
  const mimeType = content.mimeType ?? match?.[1] ?? "";
  if (match === null || !PICTURE_TYPES.has(mimeType)) {
    throw new AgentError(
      "chat.bad_item",
      `Cannot send picture ${content.id} as a data: URL must be base64 of image/jpeg, image/png, image/webp or image/gif: ` +
        `current value is ${match === null ? "another kind of URL" : mimeType || "untyped"}`,
    );
  }
  return { kind: "data", mimeType, data: match[2] as string };
}
