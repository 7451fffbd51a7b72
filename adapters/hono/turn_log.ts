/**
 * What a turn has sent so far, for everybody who reads it: each reader gets all of it, from the beginning, at its own pace.
 *
 * Whoever waits is woken by a function that the waiting side made: in a worker each request has promises of its own, and
 * one may not settle for another.
 *
 * @module
 */

import type { Clock } from "../../src/base/runtime.ts";
import { awake } from "./awake.ts";

const ENCODER = new TextEncoder();

/** The frames of a turn, in the form in which they are sent. */
export class TurnLog {
  readonly #frames: string[] = [];
  readonly #readers = new Set<{ next: number; wake: (() => void) | undefined }>();
  #isOver = false;
  #taken: (() => void) | undefined;
  readonly #onLeft: () => void;

  /** `onLeft` is called when the last reader has gone before the end. */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  /** Nothing follows. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** How many frames there are. */
  get frameCount(): number {
    return this.#frames.length;
  }

  push(frame: string): void {
    if (this.#isOver) return;
    this.#frames.push(frame);
    for (const reader of this.#readers) wake(reader);
  }

  end(): void {
    this.#isOver = true;
    for (const reader of this.#readers) wake(reader);
    this.#taken?.();
  }

  /** Undefined when the fastest reader has pulled all but a few frames; a promise of that otherwise. */
  whenTaken(fewFrames: number): Promise<void> | undefined {
    if (this.#isOver || this.#untaken() <= fewFrames) return undefined;
    return new Promise((resolve) => (this.#taken = resolve));
  }

  /**
   * Everything from the beginning, as bytes. Frames that come at once go out together: a write to a socket for each word was
   * a third of what a turn costs.
   *
   * @param clock Of the request that reads.
   * @param isVisitor The turn belongs to another request.
   */
  stream(clock: Clock, isVisitor = false): ReadableStream<Uint8Array> {
    const reader = { next: 0, wake: undefined as (() => void) | undefined };
    this.#readers.add(reader);
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        if (reader.next >= this.#frames.length && !this.#isOver) {
          const woken = new Promise<void>((resolve) => (reader.wake = resolve));
          await (isVisitor ? awake(clock, woken) : woken);
        }
        if (!this.#isOver) await new Promise<void>((resolve) => void clock.schedule(clock.now(), resolve));
        if (reader.next < this.#frames.length) {
          const frames = this.#frames.slice(reader.next);
          reader.next = this.#frames.length;
          controller.enqueue(ENCODER.encode(frames.join("")));
          this.#taken?.();
        }
        if (!this.#isOver || reader.next < this.#frames.length) return;
        this.#readers.delete(reader);
        controller.close();
      },
      cancel: () => this.#leave(reader),
    }, { highWaterMark: 0 });
  }

  #leave(reader: { next: number; wake: (() => void) | undefined }): void {
    if (!this.#readers.delete(reader) || this.#isOver) return;
    this.#taken?.();
    if (this.#readers.size === 0) this.#onLeft();
  }

  #untaken(): number {
    let untaken = 0;
    let isFirst = true;
    for (const { next } of this.#readers) {
      const waiting = this.#frames.length - next;
      untaken = isFirst ? waiting : Math.min(untaken, waiting);
      isFirst = false;
    }
    return untaken;
  }
}

function wake(reader: { wake: (() => void) | undefined }): void {
  reader.wake?.();
  reader.wake = undefined;
}
