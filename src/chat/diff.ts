/**
 * What has to be done to one conversation so that it becomes another.
 *
 * @module
 */
import type { ChatContext } from "./context.ts";
import type { ChatItem } from "./item.ts";

/** An item by its id, and the id of the one before it; `null` when it comes first. */
export type ItemPlace = readonly [previousId: string | null, id: string];

/** Removals, then creations, then updates, each in this order, turn the old conversation into the new. */
export interface ChatContextDiff {
  /** Ids in the order of the old conversation. */
  readonly toRemove: readonly string[];
  /** Each behind its predecessor in the new conversation. What was moved is removed and created. */
  readonly toCreate: readonly ItemPlace[];
  /** Messages whose text differs. Nothing else of an item is compared. */
  readonly toUpdate: readonly ItemPlace[];
}

/**
 * Compares two conversations by the ids of their items. What they share at their beginning and end costs next to nothing, and
 * the rest n log n.
 *
 * @example
 * ```ts
 * computeChatCtxDiff(itemsOneTwo, itemsOneTwoThree); // { toRemove: [], toCreate: [["2", "3"]], toUpdate: [] }
 * ```
 */
export function computeChatCtxDiff(old: ChatContext, next: ChatContext): ChatContextDiff {
  const shared = next["~sharedWith"](old);
  const before = shared === 0 ? null : next.at(shared - 1)!.id;
  const oldItems = old.since(shared);
  const newItems = next.since(shared);
  const kept = keptIds(oldItems, newItems);
  const oldById = new Map(oldItems.map((item) => [item.id, item]));
  const toCreate: ItemPlace[] = [];
  const toUpdate: ItemPlace[] = [];
  for (const [index, item] of newItems.entries()) {
    const place: ItemPlace = [newItems[index - 1]?.id ?? before, item.id];
    if (!kept.has(item.id)) toCreate.push(place);
    else if (textDiffers(oldById.get(item.id)!, item)) toUpdate.push(place);
  }
  return { toRemove: oldItems.filter((item) => !kept.has(item.id)).map((item) => item.id), toCreate, toUpdate };
}

function textDiffers(a: ChatItem, b: ChatItem): boolean {
  return a !== b && a.type === "message" && b.type === "message" && a.textContent !== b.textContent;
}

/** The ids of a longest common subsequence. */
function keptIds(old: readonly ChatItem[], next: readonly ChatItem[]): ReadonlySet<string> {
  const kept = new Set<string>();
  let start = 0;
  while (start < old.length && start < next.length && old[start]!.id === next[start]!.id) kept.add(old[start++]!.id);
  let oldEnd = old.length;
  let newEnd = next.length;
  while (oldEnd > start && newEnd > start && old[oldEnd - 1]!.id === next[newEnd - 1]!.id) {
    kept.add(old[--oldEnd]!.id);
    newEnd -= 1;
  }
  // Ids occur once, so that a common subsequence is a rising sequence of the old positions.
  const oldPositions = new Map(old.slice(start, oldEnd).map((item, position) => [item.id, position]));
  const common = next.slice(start, newEnd).filter((item) => oldPositions.has(item.id));
  for (const index of longestRising(common.map((item) => oldPositions.get(item.id)!))) kept.add(common[index]!.id);
  return kept;
}

/** The indices of a longest strictly rising subsequence. */
function longestRising(values: readonly number[]): number[] {
  const previous: number[] = [];
  const ends: number[] = []; // ends[n]: index of the smallest value that ends a rising sequence of length n + 1
  for (const [index, value] of values.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[ends[middle]!]! < value) low = middle + 1;
      else high = middle;
    }
    previous.push(low === 0 ? -1 : ends[low - 1]!);
    ends[low] = index;
  }
  const indices: number[] = [];
  for (let index = ends.at(-1) ?? -1; index !== -1; index = previous[index]!) indices.push(index);
  return indices.reverse();
}
