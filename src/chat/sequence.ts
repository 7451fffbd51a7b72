/**
 * A list that is cheap to copy and cheap to change near its end, which is where conversations change.
 *
 * @module
 */

/** At most this many items wait in the own tail before they join the frozen part. Chosen: a copy moves no more than these. */
const TAIL_LIMIT = 64;

/** Items that never change again, with an index by id that is made when it is first asked for. */
interface Block<T> {
  readonly items: readonly T[];
  index: ReadonlyMap<string, number> | undefined;
}

/** The first `count` items of a block, behind all items of `before`. Frozen, and shared by any number of lists. */
interface Segment<T> {
  readonly before: Segment<T> | undefined;
  /** Position in the list of the first item of this segment. */
  readonly start: number;
  readonly block: Block<T>;
  readonly count: number;
}

/**
 * A list of things with an id, in two parts: frozen segments that copies share, and a short tail of its own.
 *
 * A copy moves the tail alone (64 items or fewer, after plain appends). A change at a distance `d` from the end moves `d`
 * items. An append costs a constant; now and then segments of similar size are joined, so that there are never more than
 * about log2(n) of them, and each item is moved about log2(n / 64) times in its life.
 */
export class Sequence<T extends { readonly id: string }> {
  #base: Segment<T> | undefined;
  #tail: T[];
  /** How many items have been moved or looked at on behalf of this list, for tests of what operations cost. */
  work = 0;

  /** Takes a copy of the items. */
  constructor(items: Iterable<T> = []) {
    this.#tail = Array.from(items);
    this.#base = undefined;
    if (this.#tail.length > TAIL_LIMIT) this.#seal();
  }

  /** How many items there are. */
  get length(): number {
    return this.#baseLength + this.#tail.length;
  }

  get #baseLength(): number {
    return this.#base === undefined ? 0 : this.#base.start + this.#base.count;
  }

  /** Another list with the same items. They share what is frozen; what either changes later, the other does not see. */
  copy(): Sequence<T> {
    const copy = new Sequence<T>();
    copy.#base = this.#base;
    copy.#tail = this.#tail.slice();
    copy.work = this.#tail.length;
    return copy;
  }

  /** The item at a position; negative positions count from the end. */
  at(position: number): T | undefined {
    const index = position < 0 ? this.length + position : position;
    if (index < 0) return undefined;
    const baseLength = this.#baseLength;
    if (index >= baseLength) return this.#tail[index - baseLength];
    let segment = this.#base;
    while (segment !== undefined && index < segment.start) segment = segment.before;
    return segment?.block.items[index - segment.start];
  }

  /** Adds an item at the end. */
  push(item: T): void {
    this.#tail.push(item);
    this.work += 1;
    if (this.#tail.length > TAIL_LIMIT) this.#seal();
  }

  /** Takes out `removed` items at a position and puts others there. Costs the distance from the end. */
  splice(position: number, removed: number, ...items: T[]): void {
    this.#melt(position);
    const at = position - this.#baseLength;
    this.work += this.#tail.length - at + items.length;
    this.#tail.splice(at, removed, ...items);
    if (this.#tail.length > TAIL_LIMIT) this.#seal();
  }

  /** The position behind the last item that passes `test`, looked for from the end; 0 when none does. */
  positionAfterLast(test: (item: T) => boolean): number {
    let position = this.length;
    for (let index = this.#tail.length - 1; index >= 0; index--, position--) {
      this.work += 1;
      if (test(this.#tail[index]!)) return position;
    }
    for (let segment = this.#base; segment !== undefined; segment = segment.before) {
      for (let index = segment.count - 1; index >= 0; index--, position--) {
        this.work += 1;
        if (test(segment.block.items[index]!)) return position;
      }
    }
    return 0;
  }

  /** The position of the first item with an id, or -1. Costs the length of the tail and one look-up per segment. */
  indexOf(id: string): number {
    let found = -1;
    for (let segment = this.#base; segment !== undefined; segment = segment.before) {
      this.work += 1;
      const index = blockIndex(segment.block).get(id);
      if (index !== undefined && index < segment.count) found = segment.start + index;
    }
    if (found !== -1) return found;
    const index = this.#tail.findIndex((item) => item.id === id);
    this.work += index === -1 ? this.#tail.length : index + 1;
    return index === -1 ? -1 : this.#baseLength + index;
  }

  /** How many leading items are known to be the same objects as another list's, by the identity of what is frozen. */
  sharedWith(other: Sequence<T>): number {
    let mine = this.#base;
    let theirs = other.#base;
    while (mine !== undefined && theirs !== undefined) {
      this.work += 1;
      if (mine === theirs) return mine.start + mine.count;
      if (mine.block === theirs.block && mine.start === theirs.start && mine.before === theirs.before) {
        return mine.start + Math.min(mine.count, theirs.count);
      }
      if (mine.start >= theirs.start) mine = mine.before;
      else theirs = theirs.before;
    }
    return 0;
  }

  /** A new array of the items from a position on. */
  toArray(from = 0): T[] {
    const parts: (readonly T[])[] = [];
    const baseLength = this.#baseLength;
    parts.push(from <= baseLength ? this.#tail : this.#tail.slice(from - baseLength));
    for (let segment = this.#base; segment !== undefined; segment = segment.before) {
      const end = segment.start + segment.count;
      if (end <= from) break;
      const first = Math.max(0, from - segment.start);
      const { items } = segment.block;
      parts.push(first === 0 && segment.count === items.length ? items : items.slice(first, segment.count));
    }
    const result = new Array<T>().concat(...parts.reverse());
    this.work += result.length;
    return result;
  }

  /** Freezes the tail. Segments that are no longer than what comes behind them are joined with it. */
  #seal(): void {
    let items = this.#tail;
    let before = this.#base;
    while (before !== undefined && before.count <= items.length) {
      items = before.block.items.slice(0, before.count).concat(items);
      before = before.before;
    }
    this.work += items.length;
    this.#base = {
      before,
      start: before === undefined ? 0 : before.start + before.count,
      block: { items, index: undefined },
      count: items.length,
    };
    this.#tail = [];
  }

  /** Brings everything from a position on into the tail, where it can be changed. What is frozen stays as it is. */
  #melt(position: number): void {
    while (this.#base !== undefined && position < this.#base.start + this.#base.count) {
      const { before, start, block, count } = this.#base;
      const kept = Math.max(0, position - start);
      this.#tail = block.items.slice(kept, count).concat(this.#tail);
      this.work += this.#tail.length;
      this.#base = kept === 0 ? before : { before, start, block, count: kept };
    }
  }
}

/** The first position of each id in a block. */
function blockIndex<T extends { readonly id: string }>(block: Block<T>): ReadonlyMap<string, number> {
  if (block.index !== undefined) return block.index;
  const index = new Map<string, number>();
  for (let at = block.items.length - 1; at >= 0; at--) index.set(block.items[at]!.id, at);
  block.index = index;
  return index;
}
