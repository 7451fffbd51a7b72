/**
 * A copy of the conversation that a provider keeps, changed as its events come in.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { ChatContext, type ChatContextOptions } from "./context.ts";
import type { ChatItem } from "./item.ts";

interface Node {
  item: ChatItem;
  previous: Node | undefined;
  next: Node | undefined;
}

/** An item of a remote conversation with its neighbours. */
export interface RemoteItem {
  /** The item. */
  readonly item: ChatItem;
  /** The one before it; `null` when it is the first. */
  readonly previousId: string | null;
  /** The one behind it; `null` when it is the last. */
  readonly nextId: string | null;
}

/**
 * The conversation as a provider has it: a list in which each item is named after the one before it. Every operation but
 * `toChatCtx` costs the same, however long it is.
 */
export class RemoteChatContext {
  readonly #nodes = new Map<string, Node>();
  #head: Node | undefined;

  /** How many items there are. */
  get length(): number {
    return this.#nodes.size;
  }

  /**
   * Puts an item behind another.
   *
   * @param previousId `null` and the empty text put it first.
   * @throws {AgentError} `chat.bad_item` when the other one is unknown, or this one is known.
   */
  insert(previousId: string | null, item: ChatItem): void {
    if (this.#nodes.has(item.id)) {
      throw new AgentError("chat.bad_item", `Cannot insert an item as its id must be new: current value is ${item.id}`);
    }
    const isFirst = previousId === null || previousId === "";
    const previous = isFirst ? undefined : this.#find("insert behind an item", previousId);
    const next = previous === undefined ? this.#head : previous.next;
    const node: Node = { item, previous, next };
    if (previous === undefined) this.#head = node;
    else previous.next = node;
    if (next !== undefined) next.previous = node;
    this.#nodes.set(item.id, node);
  }

  /**
   * Takes an item out.
   *
   * @throws {AgentError} `chat.bad_item` when it is unknown.
   */
  delete(id: string): void {
    const { previous, next } = this.#find("delete an item", id);
    if (previous === undefined) this.#head = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    this.#nodes.delete(id);
  }

  /**
   * Puts an item in the place of the one with the same id.
   *
   * @throws {AgentError} `chat.bad_item` when there is none.
   */
  update(item: ChatItem): void {
    this.#find("update an item", item.id).item = item;
  }

  /** An item with its neighbours. */
  get(id: string): RemoteItem | undefined {
    const node = this.#nodes.get(id);
    if (node === undefined) return undefined;
    return { item: node.item, previousId: node.previous?.item.id ?? null, nextId: node.next?.item.id ?? null };
  }

  /** A context with the items in their order. */
  toChatCtx(options?: ChatContextOptions): ChatContext {
    const items: ChatItem[] = [];
    for (let node = this.#head; node !== undefined; node = node.next) items.push(node.item);
    return new ChatContext(items, options);
  }

  #find(action: string, id: string): Node {
    const node = this.#nodes.get(id);
    if (node !== undefined) return node;
    throw new AgentError("chat.bad_item", `Cannot ${action} as its id must be known: current value is ${id}`);
  }
}
