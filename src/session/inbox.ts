/**
 * The one place where a session's facts meet, and the one loop that takes them.
 *
 * Facts of streams are gathered under a virtual clock until nothing else can run in the instant, and then sorted by the
 * rank of their source: the order in which streams deliver differs between runtimes, the order of ranks does not. On a
 * real clock a fact is taken when it comes. Calls of the program are taken at once, before the call returns, unless the
 * loop is running already: then they wait their turn behind what is being done.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";
import type { TimerSet } from "./timers.ts";

/** A fact before it is taken: its `t` is written by the loop. */
export interface Stampable {
  t: number;
}

/** A source's place among facts of one instant: lower comes first. */
export type Rank = number;

/** Ranks of the session's own sources; replies come after them, in the order of their making; moves come last. */
export const RANK = {
  vad: 1,
  stt: 2,
  detector: 3,
  playout: 4,
  realtime: 5,
  hook: 6,
  life: 7,
  reply: 100,
  move: 1e9,
} as const;

/** Facts in, one at a time, in an order that does not depend on the runtime. */
export class Inbox<Fact extends Stampable> {
  #queue: (Fact | (() => void))[] = [];
  #head = 0;
  #gathered: { readonly rank: Rank; readonly fact: Fact | (() => void) }[] = [];
  #pumping = false;
  #lastT = -Infinity;
  readonly #clock: Clock;
  readonly #timers: TimerSet<Fact>;
  readonly #take: (fact: Fact) => void;
  readonly #failed: (error: unknown) => void;
  readonly #emptied: () => void;

  constructor(o: {
    readonly clock: Clock;
    readonly timers: TimerSet<Fact>;
    readonly take: (fact: Fact) => void;
    readonly failed: (error: unknown) => void;
    /** All facts have been taken. */
    readonly emptied: () => void;
  }) {
    this.#clock = o.clock;
    this.#timers = o.timers;
    this.#take = o.take;
    this.#failed = o.failed;
    this.#emptied = o.emptied;
  }

  /** No fact waits to be taken. */
  get isEmpty(): boolean {
    return this.#head >= this.#queue.length && this.#gathered.length === 0;
  }

  /** A fact, or work that belongs in order with facts, from a stream or a task. */
  report(rank: Rank, fact: Fact | (() => void)): void {
    const { gather } = this.#clock;
    if (gather === undefined) return this.call(fact);
    this.#gathered.push({ rank, fact });
    if (this.#gathered.length === 1) gather(() => this.#release());
  }

  /** The same, from what may be the consequence of a fact that is being taken: then it comes right behind what that led to. */
  follow(rank: Rank, fact: Fact | (() => void)): void {
    if (this.#pumping) this.#queue.push(fact);
    else this.report(rank, fact);
  }

  /** A fact from a call of the program: taken before this returns, or after what is being done. */
  call(fact: Fact | (() => void)): void {
    this.#queue.push(fact);
    this.pump();
  }

  /** A fact that belongs right behind the one that is being taken. */
  next(fact: Fact | (() => void)): void {
    this.#queue.splice(this.#head, 0, fact);
    this.pump();
  }

  /** Takes all there is: due timers first, as one batch, then one fact, and again. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (;;) {
      const t = Math.max(this.#lastT, this.#clock.now());
      this.#lastT = t;
      const due = this.#timers.takeDue(t);
      if (due !== undefined) { for (const fact of due) this.#one(fact, t); }
      if (this.#head >= this.#queue.length) {
        if (due !== undefined) continue;
        break;
      }
      this.#one(this.#queue[this.#head++] as Fact | (() => void), t);
      if (this.#head > 64) {
        this.#queue.splice(0, this.#head);
        this.#head = 0;
      }
    }
    this.#queue.length = 0;
    this.#head = 0;
    this.#pumping = false;
    if (this.#gathered.length === 0) this.#emptied();
  }

  #one(fact: Fact | (() => void), t: number): void {
    try {
      if (typeof fact === "function") return fact();
      fact.t = t;
      this.#take(fact);
    } catch (error) {
      this.#failed(error); // one bad effect must not stop the session
    }
  }

  #release(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    gathered.sort((a, b) => a.rank - b.rank); // stable: within a source, the order of its facts stays
    for (const { fact } of gathered) this.#queue.push(fact);
    this.pump();
  }
}
