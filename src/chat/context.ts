/**
 * The context of a conversation: its items, in the order in which a model gets them.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { ChatItem, ChatMessage, ItemBase } from "./item.ts";
import { chatMessage, type ItemSource, type MessageFields, randomHex12 } from "./make.ts";
import { type ChatContextJSON, itemsFromJSON, itemsToJSON, type ToJSONOptions } from "./json.ts";
import { equivalentItems } from "./equal.ts";
import { Sequence } from "./sequence.ts";
import { truncateItems } from "./truncate.ts";

/** The names of the tools of a request, as `ToolContext` has them. */
export interface ToolNames {
  /** Function tools by name. */
  readonly functionTools: ReadonlyMap<string, unknown>;
  /** Provider tools, by their ids. */
  readonly providerTools: readonly { readonly id: string }[];
}

/** What a copy leaves out. Nothing by default. */
export interface CopyOptions {
  /** Calls and their outputs. */
  readonly excludeFunctionCall?: boolean;
  /** Messages of role `system` and `developer`. */
  readonly excludeInstructions?: boolean;
  /** Messages without any content; one that holds an empty text stays. */
  readonly excludeEmptyMessage?: boolean;
  /** Hand-offs between agents. */
  readonly excludeHandoff?: boolean;
  /** Changes of instructions and tools. */
  readonly excludeConfigUpdate?: boolean;
  /** Keeps only calls and outputs of these tools. An empty one drops them all; absent keeps them all. */
  readonly toolCtx?: ToolNames;
}

/** What a merge leaves out. */
export type MergeOptions = Pick<CopyOptions, "excludeFunctionCall" | "excludeInstructions" | "excludeConfigUpdate">;

/** How a context is made. */
export interface ChatContextOptions {
  /**
   * Where `addMessage` takes ids and times that are not given. A session's contexts take them from its runtime. Without a
   * source, ids are `item_1`, `item_2` ..., the first that is free, and the time is that of the last item, or 0.
   */
  readonly source?: ItemSource;
}

/**
 * The context of a conversation.
 *
 * Nothing sorts it: items stand in the order in which they were given, and `insert` keeps it by time. Copies share what
 * they have in common, so that a copy costs nothing and a change costs its distance from the end, however long the
 * conversation is. Items are frozen; where something changes, `upsert` puts a new item in the place of the old.
 *
 * @example
 * ```ts
 * const chatCtx = new ChatContext();
 * chatCtx.addMessage({ role: "system", content: "You are a waiter." });
 * chatCtx.addMessage({ role: "user", content: "A table for two, please." });
 * ```
 */
export class ChatContext {
  #items: Sequence<ChatItem>;
  #array: readonly ChatItem[] | undefined;
  readonly #source: ItemSource | undefined;
  #readonly = false;

  /** Wraps a copy of the items given. */
  constructor(items: Iterable<ChatItem> = [], options: ChatContextOptions = {}) {
    this.#items = new Sequence(items);
    this.#source = options.source;
  }

  /** A context without items. */
  static empty(options?: ChatContextOptions): ChatContext {
    return new ChatContext([], options);
  }

  /** All items, as a frozen array. It is made when it is asked for, so on a hot path prefer `at` and `since`. */
  get items(): readonly ChatItem[] {
    this.#array ??= Object.freeze(this.#items.toArray());
    return this.#array;
  }

  /** How many items there are. */
  get length(): number {
    return this.#items.length;
  }

  /** Whether every change throws. */
  get isReadonly(): boolean {
    return this.#readonly;
  }

  /** How many items were moved or looked at for the operations on this context. For tests of what they cost. */
  get "~work"(): number {
    return this.#items.work;
  }

  /** The item at a position; negative positions count from the end. */
  at(position: number): ChatItem | undefined {
    return this.#items.at(position);
  }

  /** The items from a position on. Costs as many as there are. */
  since(position: number): readonly ChatItem[] {
    return this.#items.toArray(position);
  }

  /**
   * The items whose ids another context, such as an earlier copy of this one, does not have, wherever they stand. Costs the
   * distance from where the two part.
   */
  addedTo(before: ChatContext): readonly ChatItem[] {
    return this.since(this.#items.sharedWith(before.#items)).filter(({ id }) => before.#items.indexOf(id) === -1);
  }

  /** Goes over the items in order. */
  [Symbol.iterator](): Iterator<ChatItem> {
    return this.items[Symbol.iterator]();
  }

  /**
   * Builds a message and adds it: with `createdAt` after the last item that is not younger, without it at the end, whatever
   * the times of the others are.
   *
   * @param source Where a missing id and time come from; default: the source of the context.
   * @returns The message.
   * @throws {AgentError} `chat.readonly` on a read-only view, `chat.bad_item` when a field is wrong.
   */
  addMessage(fields: MessageFields & Partial<ItemBase>, source: ItemSource | undefined = this.#source): ChatMessage {
    this.#check("add a message");
    const message = chatMessage({
      ...fields,
      id: fields.id ?? (source === undefined ? this.#freeId() : `item_${randomHex12(source.random)}`),
      createdAt: fields.createdAt ?? source?.now() ?? this.at(-1)?.createdAt ?? 0,
    });
    if (fields.createdAt === undefined) this.append(message);
    else this.insert(message);
    return message;
  }

  /**
   * Adds each item after the last one that is not younger than it, looked for from the end; first, when all are younger.
   * Does not look for duplicates.
   *
   * @throws {AgentError} `chat.readonly` on a read-only view.
   */
  insert(items: ChatItem | readonly ChatItem[]): void {
    this.#check("insert");
    for (const item of isList(items) ? items : [items]) {
      const position = this.#items.positionAfterLast((other) => other.createdAt <= item.createdAt);
      if (position === this.#items.length) this.#items.push(item);
      else this.#items.splice(position, 0, item);
    }
    this.#array = undefined;
  }

  /**
   * Adds items at the end, whatever their times are.
   *
   * @throws {AgentError} `chat.readonly` on a read-only view.
   */
  append(items: ChatItem | readonly ChatItem[]): void {
    this.#check("append");
    for (const item of isList(items) ? items : [items]) this.#items.push(item);
    this.#array = undefined;
  }

  /**
   * Puts an item at a position, whatever its time is.
   *
   * @throws {AgentError} `chat.readonly` on a read-only view.
   */
  insertAt(position: number, item: ChatItem): void {
    this.#check("insert");
    this.#items.splice(Math.min(Math.max(position, 0), this.length), 0, item);
    this.#array = undefined;
  }

  /**
   * Puts an item in the place of the one with the same id; where there is none, at the end.
   *
   * @param options `allowTypeMismatch` lets a message take the place of a call, and so on. Default false.
   * @throws {AgentError} `chat.readonly` on a read-only view, `chat.bad_item` when the other one is of another type.
   */
  upsert(item: ChatItem, options: { readonly allowTypeMismatch?: boolean } = {}): void {
    this.#check("upsert");
    const position = this.#items.indexOf(item.id);
    this.#array = undefined;
    if (position === -1) return this.#items.push(item);
    const old = this.#items.at(position)!;
    if (old.type !== item.type && options.allowTypeMismatch !== true) {
      throw new AgentError(
        "chat.bad_item",
        `Cannot replace item ${item.id} as the new one must be of type ${old.type}: current value is ${item.type}`,
      );
    }
    this.#items.splice(position, 1, item);
  }

  /**
   * Removes the first item with an id.
   *
   * @returns The item removed.
   * @throws {AgentError} `chat.readonly` on a read-only view, `chat.bad_item` when there is no such item.
   */
  remove(item: string | { readonly id: string }): ChatItem {
    this.#check("remove");
    const id = typeof item === "string" ? item : item.id;
    const position = this.#items.indexOf(id);
    const removed = position === -1 ? undefined : this.#items.at(position);
    if (removed === undefined) {
      throw new AgentError(
        "chat.bad_item",
        `Cannot remove an item as its id must be in the context: current value is ${id}`,
      );
    }
    this.#items.splice(position, 1);
    this.#array = undefined;
    return removed;
  }

  /** The first item with an id. */
  getById(id: string): ChatItem | undefined {
    const position = this.#items.indexOf(id);
    return position === -1 ? undefined : this.#items.at(position);
  }

  /** The position of the first item with an id. */
  indexById(id: string): number | undefined {
    const position = this.#items.indexOf(id);
    return position === -1 ? undefined : position;
  }

  /** The messages alone. */
  messages(): ChatMessage[] {
    return this.items.filter((item) => item.type === "message");
  }

  /**
   * Another context with the same items, which can be changed even if this one cannot. Costs nothing without options, and
   * the length of the conversation with them.
   */
  copy(options: CopyOptions = {}): ChatContext {
    const copy = new ChatContext([], this.#source === undefined ? {} : { source: this.#source });
    if (keepsAll(options)) {
      copy.#items = this.#items.copy();
      copy.#array = this.#array;
    } else {
      copy.#items = new Sequence(this.items.filter((item) => keeps(item, options)));
    }
    return copy;
  }

  /** The items as they are now, in a context whose every change throws. `copy()` of it can be changed. */
  readonly(): ChatContext {
    const view = this.copy();
    view.#readonly = true;
    return view;
  }

  /**
   * Keeps the last `maxItems` items, without calls and outputs at their front, and the first message of role `system` or
   * `developer`. Does nothing when there are no more than that. 0 keeps that message alone.
   *
   * @returns This context.
   * @throws {AgentError} `chat.readonly` on a read-only view, `chat.bad_item` when `maxItems` is no whole number.
   */
  truncate(maxItems: number): this {
    this.#check("truncate");
    const kept = truncateItems(this.items, maxItems);
    if (kept !== this.items) this["~replaceAll"](kept);
    return this;
  }

  /**
   * Adds the items of another context whose ids are not here, each after the last item that is not younger. An item whose id
   * is here stays as it is.
   *
   * @returns This context.
   * @throws {AgentError} `chat.readonly` on a read-only view.
   */
  merge(other: ChatContext, options: MergeOptions = {}): this {
    this.#check("merge");
    const foreign = other.#items.toArray(this.#items.sharedWith(other.#items));
    for (const item of foreign) {
      if (keeps(item, options) && this.#items.indexOf(item.id) === -1) this.insert(item);
    }
    return this;
  }

  /**
   * Whether both hold the same: as many items, pairwise of the same id and type, and with the same words, calls and outputs.
   * Times, metrics and extras do not count.
   */
  isEquivalent(other: ChatContext): boolean {
    if (this === other) return true;
    if (this.length !== other.length) return false;
    const shared = this.#items.sharedWith(other.#items);
    if (shared === this.length) return true;
    const mine = this.since(shared);
    const theirs = other.since(shared);
    return mine.every((item, index) => equivalentItems(item, theirs[index]!));
  }

  /**
   * A plain value for `JSON.stringify`. Pictures, sound and times are left out unless asked for.
   *
   * @example Everything, as a session store wants it
   * ```ts
   * chatCtx.toJSON({ excludeImage: false, excludeAudio: false, excludeTimestamp: false });
   * ```
   */
  toJSON(options?: ToJSONOptions | string): ChatContextJSON {
    // JSON.stringify calls this with the key under which it found the context.
    return { items: itemsToJSON(this.items, typeof options === "object" ? options : {}) };
  }

  /**
   * Reads what `toJSON` wrote, and what LiveKit's Python and TypeScript libraries write: keys in either style, and times in
   * seconds (below 1e11) or milliseconds. What has no id or time gets one as `addMessage` gives it.
   *
   * @throws {AgentError} `chat.bad_item` when an item cannot be read; the message names it and the field.
   */
  static fromJSON(value: unknown, options: ChatContextOptions = {}): ChatContext {
    const chatCtx = new ChatContext([], options);
    const { source } = options;
    chatCtx.append(itemsFromJSON(value, {
      id: (position) => source === undefined ? `item_${position + 1}` : `item_${randomHex12(source.random)}`,
      now: (previous) => source?.now() ?? previous,
    }));
    return chatCtx;
  }

  /** How many leading items are the same objects as another context's, as far as that is known without looking at them. */
  "~sharedWith"(other: ChatContext): number {
    return this.#items.sharedWith(other.#items);
  }

  /** Puts other items in the place of all. */
  "~replaceAll"(items: readonly ChatItem[]): void {
    this.#check("replace the items");
    this.#items = new Sequence(items);
    this.#array = undefined;
  }

  #freeId(): string {
    let number = this.length + 1;
    while (this.#items.indexOf(`item_${number}`) !== -1) number += 1;
    return `item_${number}`;
  }

  #check(action: string): void {
    if (!this.#readonly) return;
    throw new AgentError(
      "chat.readonly",
      `Cannot ${action} as a read-only view must not change: current value has ${this.length} items`,
    );
  }
}

function isList(items: ChatItem | readonly ChatItem[]): items is readonly ChatItem[] {
  return Array.isArray(items);
}

function keepsAll(options: CopyOptions): boolean {
  return options.toolCtx === undefined && Object.values(options).every((value) => value !== true);
}

function keeps(item: ChatItem, options: CopyOptions): boolean {
  switch (item.type) {
    case "message":
      if (options.excludeInstructions && (item.role === "system" || item.role === "developer")) return false;
      return !(options.excludeEmptyMessage && item.content.length === 0);
    case "function_call":
    case "function_call_output":
      if (options.excludeFunctionCall) return false;
      return options.toolCtx === undefined || names(options.toolCtx, item.name);
    case "agent_handoff":
      return !options.excludeHandoff;
    case "agent_config_update":
      return !options.excludeConfigUpdate;
    default:
      return item satisfies never;
  }
}

function names(toolCtx: ToolNames, name: string): boolean {
  if (name === "") return false;
  return toolCtx.functionTools.has(name) || toolCtx.providerTools.some((tool) => tool.id === name);
}
