/**
 * The timers of one session, over one appointment with the clock.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";

interface Armed<Fact> {
  readonly key: string;
  readonly at: number;
  readonly serial: number;
  readonly fact: Fact;
}

/** A handful of named timers. Each fires as a fact, all that are due in one batch, by time and then by age. */
export class TimerSet<Fact> {
  #armed: Armed<Fact>[] = [];
  #serial = 0;
  #appointment: { readonly at: number; readonly off: () => void } | undefined;
  readonly #clock: Clock;
  #wake: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whom to wake when a timer is due. */
  onDue(wake: () => void): void {
    this.#wake = wake;
  }

  /** Number of armed timers. */
  get size(): number {
    return this.#armed.length;
  }

  /** Arms a timer, in place of one of the same key. */
  set(key: string, at: number, fact: Fact): void {
    this.#remove(key);
    this.#armed.push({ key, at, serial: this.#serial++, fact });
    this.#arrange();
  }

  /** Calls a timer off, if it is armed. */
  cancel(key: string): void {
    if (this.#remove(key)) this.#arrange();
  }

  /** Calls all off. */
  clear(): void {
    this.#armed = [];
    this.#arrange();
  }

  /** Takes out what is due; undefined when nothing is, which is nearly always. */
  takeDue(t: number): Fact[] | undefined {
    if (this.#armed.length === 0) return undefined;
    let due: Armed<Fact>[] | undefined;
    for (const timer of this.#armed) if (timer.at <= t) (due ??= []).push(timer);
    if (due === undefined) return undefined;
    this.#armed = this.#armed.filter((timer) => timer.at > t);
    this.#arrange();
    due.sort((a, b) => a.at - b.at || a.serial - b.serial);
    return due.map((timer) => timer.fact);
  }

  #remove(key: string): boolean {
    const index = this.#armed.findIndex((timer) => timer.key === key);
    if (index < 0) return false;
    this.#armed.splice(index, 1);
    return true;
  }

  /** Keeps one appointment, at the earliest timer. One that is too early is left: it finds nothing due and asks again. */
  #arrange(): void {
    let next = Infinity;
    for (const timer of this.#armed) if (timer.at < next) next = timer.at;
    if (next === Infinity) {
      this.#appointment?.off();
      this.#appointment = undefined;
      return;
    }
    if (this.#appointment !== undefined && this.#appointment.at <= next) return;
    this.#appointment?.off();
    this.#appointment = {
      at: next,
      off: this.#clock.schedule(next, () => {
        this.#appointment = undefined;
        this.#arrange();
        this.#wake();
      }),
    };
  }
}
