/** What is planned, in order of time, then of rank, then of its making. */
export interface Planned {
  readonly at: number;
  readonly rank: number;
  readonly seq: number;
  readonly run: () => void;
}

/** A binary heap. */
export class Plans {
  readonly #heap: Planned[] = [];
  #seq = 0;

  get size(): number {
    return this.#heap.length;
  }

  get next(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  add(at: number, rank: number, run: () => void): void {
    const heap = this.#heap;
    const item = { at, rank, seq: this.#seq++, run };
    let index = heap.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(item, heap[parent] as Planned)) break;
      heap[index] = heap[parent] as Planned;
      index = parent;
    }
    heap[index] = item;
  }

  take(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Planned, heap[child] as Planned)) child++;
      if (!isBefore(heap[child] as Planned, last)) break;
      heap[index] = heap[child] as Planned;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.rank !== b.rank ? a.rank < b.rank : a.seq < b.seq;
}
