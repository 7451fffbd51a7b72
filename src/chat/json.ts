/**
 * Conversations as JSON, and back.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { AudioFrame } from "../audio/frame.ts";
import { Instructions, isInstructions } from "./instructions.ts";
import type { AudioContent, ChatContent, ChatItem, ChatRole, ImageContent, ItemBase, MetricsReport } from "./item.ts";
import { agentConfigUpdate, agentHandoff, chatMessage, functionCall, functionCallOutput } from "./make.ts";

/** A conversation as plain JSON. */
export interface ChatContextJSON {
  /** The items in their order. */
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

/** What to leave out. */
export interface ToJSONOptions {
  /** Default true. */
  readonly excludeImage?: boolean;
  /** Default true. */
  readonly excludeAudio?: boolean;
  /** Default true. */
  readonly excludeTimestamp?: boolean;
  /** Calls and outputs. Default false. */
  readonly excludeFunctionCall?: boolean;
  /** Default false. */
  readonly excludeMetrics?: boolean;
  /** Default false. */
  readonly excludeConfigUpdate?: boolean;
}

/** Times below this are seconds: as milliseconds they would lie in the first three years after 1970. */
const SECONDS_BELOW = 1e11;

/** Times below this under a key of ours are milliseconds of a virtual clock, which may begin at 0: a day, and a bit. */
const VIRTUAL_BELOW = 1e8;

type Plain = Readonly<Record<string, unknown>>;

/** Items as plain JSON. Empty `metrics` and `extra` are left out. */
export function itemsToJSON(items: readonly ChatItem[], options: ToJSONOptions = {}): Record<string, unknown>[] {
  const result: Record<string, unknown>[] = [];
  for (const item of items) {
    const isTool = item.type === "function_call" || item.type === "function_call_output";
    if (isTool && options.excludeFunctionCall) continue;
    if (item.type === "agent_config_update" && options.excludeConfigUpdate) continue;
    result.push(itemToJSON(item, options));
  }
  return result;
}

function itemToJSON(item: ChatItem, options: ToJSONOptions): Record<string, unknown> {
  const { id, type, createdAt, ...rest } = item;
  const json: Record<string, unknown> = { id, type, ...rest };
  if (options.excludeTimestamp === false) json["createdAt"] = createdAt;
  if ("extra" in json && isEmpty(json["extra"])) delete json["extra"];
  if (item.type === "message") {
    delete json["textContent"];
    if (options.excludeMetrics || isEmpty(item.metrics)) delete json["metrics"];
    json["content"] = item.content.flatMap((part) => partToJSON(part, options));
  }
  return json;
}

function partToJSON(part: ChatContent, options: ToJSONOptions): unknown[] {
  if (typeof part === "string") return [part];
  if (isInstructions(part)) {
    const hasText = part.text !== undefined && part.text !== part.audio;
    return [{ type: part.type, audio: part.audio, ...(hasText ? { text: part.text } : {}) }];
  }
  if (part.type === "image_content") return options.excludeImage === false ? [{ ...part }] : [];
  if (options.excludeAudio !== false) return [];
  return [{ ...part, frame: part.frame.map((frame) => ({ ...frame, data: samplesToBase64(frame.data) })) }];
}

/** Where ids and times come from that JSON lacks. */
export interface MissingFields {
  /** The id for the item at a position. */
  id(position: number): string;
  /** The time for an item, given that of the one before it; 0 for the first. */
  now(previous: number): number;
}

/**
 * Reads items from JSON: `{ items: [...] }` or the list alone.
 *
 * @throws {AgentError} `chat.bad_item` when an item cannot be read.
 */
export function itemsFromJSON(value: unknown, missing: MissingFields): ChatItem[] {
  const list = Array.isArray(value) ? value : isPlain(value) ? value["items"] : undefined;
  if (!Array.isArray(list)) {
    throw new AgentError(
      "chat.bad_item",
      `Cannot read a conversation as it must be an object with a list \`items\`: current value is ${kindOf(value)}`,
    );
  }
  const items: ChatItem[] = [];
  let previous = 0;
  for (const [position, entry] of list.entries()) {
    const reader = new ItemReader(entry, position);
    const createdAt = reader.time("createdAt") ?? missing.now(previous);
    previous = createdAt;
    items.push(reader.read({ id: reader.text("id") ?? missing.id(position), createdAt }));
  }
  return items;
}

/** Reads one item, with keys in either style. */
class ItemReader {
  readonly #json: Plain;
  readonly #position: number;

  constructor(json: unknown, position: number) {
    this.#position = position;
    this.#json = isPlain(json) ? json : this.#fail("the item", "an object", json);
  }

  read(base: ItemBase): ChatItem {
    const type = this.#get("type");
    switch (type) {
      case "message":
        return chatMessage({
          ...base,
          role: this.#role(),
          content: this.#content(),
          interrupted: this.#flag("interrupted") ?? false,
          ...given("transcriptConfidence", this.#number("transcriptConfidence")),
          ...given("metrics", this.#metrics()),
          ...given("extra", this.#record("extra")),
        });
      case "function_call":
        return functionCall({
          ...base,
          callId: this.#must("callId"),
          name: this.#must("name"),
          args: this.text("args") ?? this.text("arguments") ?? "{}",
          ...given("extra", this.#record("extra")),
          ...given("groupId", this.text("groupId")),
        });
      case "function_call_output":
        return functionCallOutput({
          ...base,
          callId: this.#must("callId"),
          name: this.text("name") ?? "",
          output: this.text("output") ?? "",
          isError: this.#flag("isError") ?? false,
          replyRequired: this.#flag("replyRequired") ?? true,
        });
      case "agent_handoff":
        return agentHandoff({
          ...base,
          oldAgentId: this.text("oldAgentId") ?? null,
          newAgentId: this.#must("newAgentId"),
        });
      case "agent_config_update":
        return agentConfigUpdate({
          ...base,
          ...given("instructions", this.text("instructions")),
          ...given("toolsAdded", this.#texts("toolsAdded")),
          ...given("toolsRemoved", this.#texts("toolsRemoved")),
        });
      default:
        return this.#fail(
          "`type`",
          "message, function_call, function_call_output, agent_handoff or agent_config_update",
          type,
        );
    }
  }

  /** A text, or `undefined` when it is absent or null. */
  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined || value === null) return undefined;
    return typeof value === "string" ? value : this.#fail(`\`${key}\``, "a text", value);
  }

  /** A time in milliseconds since 1970. */
  time(key: string): number | undefined {
    const value = this.#number(key);
    return value === undefined ? undefined : toMilliseconds(value, this.#json[key] === undefined);
  }

  #get(key: string): unknown {
    return this.#json[key] ?? this.#json[toSnake(key)];
  }

  #must(key: string): string {
    return this.text(key) ?? this.#fail(`\`${key}\``, "a text", undefined);
  }

  #role(): ChatRole {
    const role = this.#get("role");
    if (role === "developer" || role === "system" || role === "user" || role === "assistant") return role;
    return this.#fail("`role`", "developer, system, user or assistant", role);
  }

  #number(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined || value === null) return undefined;
    return typeof value === "number" && Number.isFinite(value) ? value : this.#fail(`\`${key}\``, "a number", value);
  }

  #flag(key: string): boolean | undefined {
    const value = this.#get(key);
    if (value === undefined || value === null) return undefined;
    return typeof value === "boolean" ? value : this.#fail(`\`${key}\``, "true or false", value);
  }

  #record(key: string): Plain | undefined {
    const value = this.#get(key);
    if (value === undefined || value === null) return undefined;
    return isPlain(value) ? value : this.#fail(`\`${key}\``, "an object", value);
  }

  #texts(key: string): readonly string[] | undefined {
    const value = this.#get(key);
    if (value === undefined || value === null) return undefined;
    return Array.isArray(value) && value.every((entry) => typeof entry === "string")
      ? value
      : this.#fail(`\`${key}\``, "a list of texts", value);
  }

  #metrics(): MetricsReport | undefined {
    const metrics = this.#record("metrics");
    if (metrics === undefined) return undefined;
    return Object.fromEntries(
      Object.entries(metrics)
        .filter(([, value]) => value !== null)
        .map(([key, value]) => readMetric(key, value)),
    );
  }

  #content(): ChatContent[] {
    const content = this.#get("content");
    if (typeof content === "string") return [content];
    if (!Array.isArray(content)) return this.#fail("`content`", "a text or a list", content);
    return content.map((part) => this.#part(part));
  }

  #part(part: unknown): ChatContent {
    if (typeof part === "string") return part;
    if (isPlain(part)) {
      const { type, audio, text } = part;
      if (type === "instructions" && typeof audio === "string") {
        return new Instructions({ audio, ...(typeof text === "string" ? { text } : {}) });
      }
      if (type === "image_content" && typeof part["image"] === "string") return this.#image(part, part["image"]);
      if (type === "audio_content" && Array.isArray(part["frame"])) return this.#audio(part, part["frame"]);
    }
    return this.#fail("`content`", "texts, images, sound and instructions", part);
  }

  #image(part: Plain, image: string): ImageContent {
    const id = part["id"];
    const detail = part["inferenceDetail"] ?? part["inference_detail"];
    const mimeType = part["mimeType"] ?? part["mime_type"];
    return Object.freeze({
      type: "image_content",
      id: typeof id === "string" ? id : `img_${this.#position}`,
      image,
      inferenceDetail: detail === "high" || detail === "low" ? detail : "auto",
      ...(typeof mimeType === "string" ? { mimeType } : {}),
    });
  }

  #audio(part: Plain, frames: readonly unknown[]): AudioContent {
    const transcript = part["transcript"];
    return Object.freeze({
      type: "audio_content",
      frame: frames.map((frame) => this.#frame(frame)),
      ...(typeof transcript === "string" ? { transcript } : {}),
    });
  }

  #frame(frame: unknown): AudioFrame {
    if (isPlain(frame)) {
      const { data, sampleRate, channels } = frame;
      if (typeof data === "string" && typeof sampleRate === "number" && typeof channels === "number") {
        const samples = base64ToSamples(data) ?? this.#fail("`frame`", "16-bit samples in base64", data);
        return { data: samples, sampleRate, channels, samplesPerChannel: samples.length / channels };
      }
    }
    return this.#fail("`frame`", "an object of data, sampleRate and channels", frame);
  }

  #fail(field: string, rule: string, value: unknown): never {
    // Only the kind of the value is named, since the value itself may be what a person said.
    throw new AgentError(
      "chat.bad_item",
      `Cannot read item ${this.#position} of a conversation as ${field} must be ${rule}: current value is ${
        kindOf(value)
      }`,
    );
  }
}

/** Metrics in Python's style are in seconds, ours in milliseconds. */
function readMetric(key: string, value: unknown): [string, unknown] {
  const name = key.replace(/_([a-z])/g, (_whole, letter: string) => letter.toUpperCase());
  if (typeof value !== "number") return [name, isPlain(value) ? readMetadata(value) : value];
  if (name.endsWith("At")) return [name, toMilliseconds(value, name !== key)];
  const isDuration = key.includes("_") && name !== "llmNodeTps";
  return [name, isDuration ? value * 1000 : value];
}

function readMetadata(value: Plain): Plain {
  return {
    modelName: value["modelName"] ?? value["model_name"],
    modelProvider: value["modelProvider"] ?? value["model_provider"],
  };
}

/** `foreign`: the key is in Python's style, so that a small number cannot be a virtual clock of ours. */
function toMilliseconds(time: number, foreign: boolean): number {
  const isSeconds = time < SECONDS_BELOW && (foreign || time >= VIRTUAL_BELOW);
  return isSeconds ? time * 1000 : time;
}

function toSnake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value };
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value;
}

function samplesToBase64(samples: Int16Array): string {
  const view = new DataView(new ArrayBuffer(samples.length * 2));
  for (const [index, sample] of samples.entries()) view.setInt16(index * 2, sample, true);
  let text = "";
  for (const byte of new Uint8Array(view.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}

function base64ToSamples(text: string): Int16Array | undefined {
  let bytes: string;
  try {
    bytes = atob(text);
  } catch {
    return undefined; // not base64: the caller names the field
  }
  const samples = new Int16Array(bytes.length >> 1);
  for (const index of samples.keys()) {
    samples[index] = bytes.charCodeAt(index * 2) | (bytes.charCodeAt(index * 2 + 1) << 8);
  }
  return samples;
}
