/**
 * One segment of speech at the sink.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { Clock } from "../base/runtime.ts";

/** How long a cut-off sink may take to say how much was heard, before the clock's estimate counts. Design decision 9. */
export const CLEAR_LIMIT_MS = 200;

/** How long a sink may be silent beyond what it has to play, before it is given up. Chosen: as the reference's idle limit. */
export const STALL_LIMIT_MS = 10_000;

/** What the sink has said of one segment, and how long it is waited for. */
export class Segment {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #overAt: Promise<void>;
  #end: () => void = () => {};
  #phase: "unopened" | "open" | "over" = "unopened";
  #openedAt = 0;
  #writtenMs = 0;
  /** The sink has something to do: to take a frame, or to play the rest. */
  #isAsked = false;
  #deadline = Infinity;
  #off: (() => void) | undefined;
  #cutAt: number | undefined;
  #pausedAt: number | undefined;
  #pausedMs = 0;
  startedAt: number | undefined;
  positionMs = 0;
  latency: number | undefined;
  /** The sink itself ended it early. */
  wasCut = false;
  error: unknown;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#overAt = new Promise((resolve) => (this.#end = resolve));
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#phase === "over";
  }

  open(): void {
    if (this.#phase !== "unopened") return;
    this.#phase = "open";
    this.#openedAt = this.#clock.now();
  }

  /** A frame is on its way. */
  written(durationMs: number): void {
    this.#writtenMs += durationMs;
  }

  /** Waits for a write, but no longer than for the segment. False: it is over. */
  async unlessOver(write: Promise<void>): Promise<boolean> {
    this.#ask(true);
    await Promise.race([write, this.#overAt]);
    write.catch(() => {}); // when it fails behind the end, nobody minds
    this.#ask(false);
    return this.#phase !== "over";
  }

  /** All was written: the rest must play. */
  closed(closing: Promise<void>): void {
    closing.catch((error: unknown) => {
      if (this.#signal.aborted) return;
      this.fail(
        new AgentError("sink.failed", "Cannot play the speech as its sink failed: see the cause", { cause: error }),
      );
    });
    this.#ask(true);
  }

  fail(error: unknown): void {
    if (this.#phase === "over") return;
    this.error = error;
    this.wasCut = true;
    this.positionMs = this.#heardBy(this.#clock.now());
    this.#finish();
  }

  ack(kind: "started" | "position" | "finished" | "cleared", positionMs: number, at: number): void {
    if (this.#phase === "over") return;
    this.positionMs = Math.max(this.positionMs, positionMs);
    if (kind === "started" && this.startedAt === undefined) {
      this.startedAt = at;
      this.latency = Math.max(0, at - this.#openedAt);
    }
    if (kind === "finished" || kind === "cleared") {
      if (positionMs > 0) this.startedAt ??= at - positionMs;
      if (kind === "cleared" && !this.#signal.aborted) this.wasCut = true;
      this.#finish();
    } else if (this.#isAsked) this.#ask(true);
  }

  paused(at: number): void {
    this.#pausedAt ??= at;
    this.#deadline = Infinity;
  }

  resumed(at: number): void {
    if (this.#pausedAt === undefined) return;
    this.#pausedMs += Math.max(0, at - Math.max(this.#pausedAt, this.startedAt ?? at));
    this.#pausedAt = undefined;
    if (this.#isAsked) this.#ask(true);
  }

  /** Waits for the segment's end: as long as it plays, but not long once it was cut off. */
  over(): Promise<void> {
    return this.#phase === "open" ? this.#overAt : Promise.resolve();
  }

  /** Lets go of the clock and the signal. */
  forget(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#off?.();
    this.#off = undefined;
  }

  readonly #onAbort = (): void => {
    this.#cutAt = this.#clock.now();
    if (this.#phase === "unopened") this.#finish();
    if (this.#phase === "over") return;
    this.#off?.();
    this.#off = this.#clock.schedule(this.#cutAt + CLEAR_LIMIT_MS, () => {
      this.#off = undefined;
      this.positionMs = this.#heardBy(this.#cutAt ?? 0);
      this.#finish();
    });
  };

  /** What must have been heard by this time, when the sink does not say. */
  #heardBy(t: number): number {
    if (this.startedAt === undefined) return this.positionMs;
    const elapsed = Math.min(t, this.#pausedAt ?? t) - this.startedAt - this.#pausedMs;
    return Math.max(this.positionMs, Math.min(this.#writtenMs, elapsed));
  }

  #ask(isAsked: boolean): void {
    this.#isAsked = isAsked;
    if (!isAsked || this.#pausedAt !== undefined) return void (this.#deadline = Infinity);
    this.#deadline = this.#clock.now() + Math.max(0, this.#writtenMs - this.positionMs) + STALL_LIMIT_MS;
    this.#arm();
  }

  /** One appointment at a time: it looks at the deadline of then, since that moves with every frame. */
  #arm(): void {
    if (this.#off !== undefined || this.#phase === "over" || this.#cutAt !== undefined || this.#deadline === Infinity) {
      return;
    }
    this.#off = this.#clock.schedule(this.#deadline, () => {
      this.#off = undefined;
      if (this.#clock.now() < this.#deadline) return this.#arm();
      this.fail(
        new AgentError(
          "sink.stalled",
          `Cannot go on playing as the sink must take or acknowledge something within ${STALL_LIMIT_MS} ms of its sound: current value is nothing`,
        ),
      );
    });
  }

  #finish(): void {
    this.#phase = "over";
    this.forget();
    this.#end();
  }
}
