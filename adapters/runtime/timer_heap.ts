/**
 * The order of timers: by time, then by when they were made. Shared by the clocks of all places.
 *
 * @module
 */

/** One armed timer. */
export interface Timer {
  readonly at: number;
  /** Counts timers as they are made: ties go to the older one. */
  readonly serial: number;
  /** What to call; `undefined` once it was called or called off. */
  fire: (() => void) | undefined;
}

const COMPACT_FROM = 64; // entries; below that, dead ones cost less than looking for them

/** A binary heap of timers. Calling one off leaves it in place, marked, until it comes up or the dead outnumber the living. */
export class TimerHeap {
  #heap: Timer[] = [];
  #serial = 0;
  #armed = 0;

  /** How many timers are armed. */
  get armed(): number {
    return this.#armed;
  }

  /** How many entries are kept, called off or not. */
  get size(): number {
    return this.#heap.length;
  }

  /** Arms a timer. */
  add(at: number, fire: () => void): Timer {
    const timer: Timer = { at, serial: this.#serial++, fire };
    this.#armed += 1;
    this.#rise(this.#heap.push(timer) - 1, timer);
    return timer;
  }

  /** Takes what the timer calls, once; `undefined` if it was taken before. */
  take(timer: Timer): (() => void) | undefined {
    const { fire } = timer;
    if (fire === undefined) return undefined;
    timer.fire = undefined;
    this.#armed -= 1;
    return fire;
  }

  /** Calls the timer off. Idempotent. */
  cancel(timer: Timer): void {
    if (this.take(timer) === undefined) return;
    if (this.#heap.length >= COMPACT_FROM && this.#heap.length > 2 * this.#armed) this.#compact();
  }

  /** When the next armed timer is due, or `Infinity`. */
  next(): number {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.fire !== undefined) return top.at;
      this.#pop();
    }
    return Infinity;
  }

  /** Removes and gives all timers due at `now`, in order. They stay armed until each is taken, so that one can call off the next. */
  due(now: number): Timer[] {
    const batch: Timer[] = [];
    while (this.next() <= now) batch.push(this.#pop());
    return batch;
  }

  #pop(): Timer {
    const top = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) this.#sink(0, last);
    return top;
  }

  #rise(index: number, timer: Timer): void {
    const heap = this.#heap;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
  }

  #sink(index: number, timer: Timer): void {
    const heap = this.#heap;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, timer)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = timer;
  }

  #compact(): void {
    this.#heap = this.#heap.filter((timer) => timer.fire !== undefined).sort((a, b) =>
      a.at - b.at || a.serial - b.serial
    );
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.serial < b.serial);
}
