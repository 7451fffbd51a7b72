/**
 * The text of a reply as it comes, for several readers that go at their own pace.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";

/** How long a reply may be. Chosen, design decision 10: a model that never stops must not fill the memory. */
export const TEXT_LIMIT_BYTES: number = 256 * 1024;

/** Text that is written once and read by any number of readers, each from the start. Nothing is dropped. */
export class TextBuffer {
  readonly #pieces: string[] = [];
  #length = 0;
  #phase: "open" | "ended" = "open";
  #error: unknown;
  #waiting: (() => void)[] = [];

  /** Adds a piece. Ignored after the end. Throws `reply.too_long` past the limit. */
  push(piece: string): void {
    if (this.#phase !== "open" || piece === "") return;
    this.#length += piece.length * 2;
    if (this.#length > TEXT_LIMIT_BYTES) {
      throw new AgentError(
        "reply.too_long",
        `Cannot take more text as a reply must not exceed ${TEXT_LIMIT_BYTES} bytes: current value is ${this.#length}`,
      );
    }
    this.#pieces.push(piece);
    this.#wake();
  }

  /** Ends the text; with an error, readers get what came before it and then the end. */
  end(error?: unknown): void {
    if (this.#phase !== "open") return;
    this.#phase = "ended";
    this.#error = error;
    this.#wake();
  }

  get ended(): boolean {
    return this.#phase === "ended";
  }

  /** What ended it early, or undefined. */
  get error(): unknown {
    return this.#error;
  }

  /** All of it so far. */
  get text(): string {
    return this.#pieces.join("");
  }

  /** Number of pieces so far. */
  get count(): number {
    return this.#pieces.length;
  }

  /** The piece at a place; undefined when it has not come yet. */
  at(index: number): string | undefined {
    return this.#pieces[index];
  }

  /** Resolves when there is a piece at this place, or the text has ended. */
  has(index: number): Promise<void> | undefined {
    if (index < this.#pieces.length || this.#phase === "ended") return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A reader of its own, from the start. */
  stream(): ReadableStream<string> {
    let index = 0;
    return new ReadableStream<string>({
      pull: async (controller) => {
        await this.has(index);
        const piece = this.#pieces[index];
        if (piece === undefined) return controller.close();
        index++;
        controller.enqueue(piece);
      },
    }, { highWaterMark: 0 });
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}
