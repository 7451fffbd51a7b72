/**
 * Captions of what the agent says.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";
import type { TranscriptSink } from "../io/playout.ts";
import type { TimedString } from "../model/marks.ts";
import type { TranscriptPacer } from "./transcript_sync.ts";

/** The words on their way to the transcript: at the pace of the sound, or as they come. */
export class Captions {
  readonly #clock: Clock;
  #sink: TranscriptSink | null;
  readonly #segmentId: string;
  readonly #pacer: TranscriptPacer | null;
  #writer: WritableStreamDefaultWriter<TimedString> | undefined;
  #off: (() => void) | undefined;
  #running = false;
  #isEnded = false;
  #waitingLength = 0;

  constructor(clock: Clock, sink: TranscriptSink | null, segmentId: string, pacer: TranscriptPacer | null) {
    this.#clock = clock;
    this.#sink = sink;
    this.#segmentId = segmentId;
    this.#pacer = pacer;
  }

  push(piece: string | TimedString, text: string): Promise<void> | undefined {
    if (this.#pacer === null) return this.#write(typeof piece === "string" ? { text } : piece);
    this.#waitingLength += text.length;
    if (typeof piece === "string") this.#pacer.pushText(piece);
    else {
      this.#pacer.pushText(piece.text);
      this.#pacer.pushTimed(piece);
    }
    this.poke();
    return undefined;
  }

  /** There is no more text: the segment ends with its last word. */
  ended(): void {
    this.#isEnded = true;
    this.poke();
  }

  started(at: number): void {
    this.#pacer?.start(at);
    this.#running = true;
    this.poke();
  }

  paused(at: number): void {
    this.#pacer?.pause(at);
    this.#running = false;
    this.#off?.();
    this.#off = undefined;
  }

  resumed(at: number): void {
    this.#pacer?.resume(at);
    this.#running = true;
    this.poke();
  }

  /** Shows what is due, and makes an appointment for the next word. */
  poke(): void {
    if (this.#pacer === null || !this.#running || this.#off !== undefined) return;
    const { words, nextAt } = this.#pacer.take(this.#clock.now());
    for (const word of words) {
      this.#waitingLength -= word.text.length;
      void this.#write(word);
    }
    if (this.#isEnded && this.#waitingLength === 0) return void this.close(false);
    if (nextAt === undefined) return;
    // At least a millisecond ahead: a time that is rounded down to now would be asked for without end.
    this.#off = this.#clock.schedule(Math.max(nextAt, this.#clock.now() + 1), () => {
      this.#off = undefined;
      this.poke();
    });
  }

  /** Ends the segment of the transcript; `whole` shows what is left of it. */
  async close(whole: boolean): Promise<void> {
    this.#off?.();
    this.#off = undefined;
    this.#running = false;
    if (whole && this.#pacer !== null) { for (const word of this.#pacer.finish()) void this.#write(word); }
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch(() => {}); // a reader of captions that is gone must not fail the speech
  }

  #write(word: TimedString): Promise<void> | undefined {
    if (this.#sink === null) return undefined;
    if (this.#writer === undefined) {
      try {
        this.#writer = this.#sink.open(this.#segmentId).getWriter();
      } catch {
        this.#sink = null; // as above
        return undefined;
      }
      this.#writer.closed.catch(() => {}); // as above
    }
    return this.#writer.write(word).catch(() => {});
  }
}
