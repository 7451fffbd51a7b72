/**
 * The items of a session as plain values, and what each agent's model sees of them.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import type { ChatItem } from "../chat/item.ts";
import { itemsFromJSON, itemsToJSON } from "../chat/json.ts";

/** An item as plain JSON. Frozen where this library made it. */
export type ItemJSON = Readonly<Record<string, unknown>>;

/** Items of an agent's context: some that follow each other in the history, from an id on, or one of its own. */
export type ContextPiece = { readonly from: string; readonly count: number } | { readonly item: ItemJSON };

// A store that keeps values as they are gets and gives the same objects turn after turn: each item is written and read once.
const written = new WeakMap<ChatItem, ItemJSON>();
const known = new WeakMap<ItemJSON, ChatItem>();

/** How far a context may skip items of the history before they are looked up by position. Chosen: a hand-off skips two. */
const LOOK_AHEAD = 8;

/** An item as plain JSON, with its time, pictures and sound. */
export function writeItem(item: ChatItem): ItemJSON {
  let json = written.get(item);
  if (json === undefined) {
    const [made] = itemsToJSON([item], { excludeTimestamp: false, excludeImage: false, excludeAudio: false });
    json = Object.freeze(made as ItemJSON);
    written.set(item, json);
    known.set(json, item);
  }
  return json;
}

/** Reads an item that `writeItem` wrote, here or elsewhere. Throws `chat.bad_item`. */
export function readItem(json: ItemJSON): ChatItem {
  const item = known.get(json);
  if (item !== undefined) return item;
  const [read] = itemsFromJSON([json], { id: () => "", now: () => 0 });
  return read as ChatItem;
}

/** Writes a context as runs of the history, and the items that are not in it. `leaveOut` names an item that is made anew. */
export function writeContext(chatCtx: ChatContext, history: readonly ChatItem[], leaveOut: string): ContextPiece[] {
  const pieces: ContextPiece[] = [];
  let places: Map<ChatItem, number> | undefined;
  let next = 0; // where the item after the last one would stand
  let run: { from: string; count: number } | undefined;
  for (const item of chatCtx) {
    if (item.id === leaveOut) continue;
    let place = -1;
    for (let at = next; at < Math.min(next + LOOK_AHEAD, history.length) && place < 0; at++) {
      if (history[at] === item) place = at;
    }
    if (place < 0) {
      places ??= new Map(history.map((other, index) => [other, index]));
      place = places.get(item) ?? -1;
    }
    if (place >= 0 && place === next && run !== undefined) run.count++;
    else if (place >= 0) pieces.push(run = { from: item.id, count: 1 });
    else {
      pieces.push({ item: writeItem(item) });
      run = undefined;
    }
    if (place >= 0) next = place + 1;
  }
  return pieces;
}

/** Reads a context. Undefined when a run points nowhere; throws `chat.bad_item`. */
export function readContext(pieces: readonly ContextPiece[], history: readonly ChatItem[]): ChatItem[] | undefined {
  const items: ChatItem[] = [];
  let places: Map<string, number> | undefined;
  for (const piece of pieces) {
    if ("item" in piece) items.push(readItem(piece.item));
    else {
      places ??= new Map(history.map(({ id }, index) => [id, index]));
      const from = places.get(piece.from);
      if (from === undefined || from + piece.count > history.length) return undefined;
      items.push(...history.slice(from, from + piece.count));
    }
  }
  return items;
}
