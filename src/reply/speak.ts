/**
 * Says one text: forwards its sound to the sink and its words to the transcript, and knows what was heard.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import type { Clock } from "../base/runtime.ts";
import type { PlayoutSink, TranscriptSink } from "../io/playout.ts";
import type { TimedString } from "../model/marks.ts";
import type { TextBuffer } from "./text_buffer.ts";
import { type TranscriptPacer, transcriptPacer } from "./transcript_sync.ts";
import type { TtsStep } from "./tts_step.ts";

/** How long a cut-off sink may take to say how much was heard, before the clock's estimate counts. Design decision 9. */
export const CLEAR_LIMIT_MS = 200;

/** How long a sink may be silent beyond what it has to play, before it is given up. Chosen: as the reference's idle limit. */
export const STALL_LIMIT_MS = 10_000;

/** Where a speech goes. Read when it begins; changes count for the next one. */
export interface SpeechOutputs {
  readonly audio: PlayoutSink | null;
  readonly transcript: TranscriptSink | null;
  /** The transcript keeps pace with the sound, and the history holds what was heard. */
  readonly synchronised: boolean;
}

/** What became of a text. */
export interface Spoken {
  /** What counts as said: all of it, or what was heard before it was cut off. */
  readonly text: string;
  /** Clock time of the first sound, or of the first text without sound. */
  readonly startedAt: number | undefined;
  readonly endedAt: number;
  /** Milliseconds from the first frame's way to the sink until it was heard. */
  readonly playbackLatency: number | undefined;
  /** It was cut off by the sink itself: cleared by somebody else, failed, or given up. */
  readonly cut: boolean;
  /** What the sink failed with. */
  readonly error: unknown;
}

/** What is said, and how. */
export interface SpeakOptions {
  readonly clock: Clock;
  readonly segmentId: string;
  readonly text: TextBuffer;
  /** Replaces the words of the transcript and the history; null: as they are. */
  readonly transcription:
    | ((text: ReadableStream<string>) => Promise<AsyncIterable<string | TimedString> | null>)
    | null;
  /** Null: no sound. */
  readonly tts: TtsStep | null;
  readonly outputs: SpeechOutputs;
  readonly signal: AbortSignal;
  /** Without sound: the first text was written. */
  readonly onFirstText: () => void;
  /** A piece that counts as said, as it is forwarded. */
  readonly onForward: (text: string) => void;
}

/** A text being said. */
export interface Speaking {
  /** Settles when it was heard, or cut off and accounted for. Never rejects. */
  readonly done: Promise<Spoken>;
  /** Where it is heard; null: nowhere. */
  readonly sink: PlayoutSink | null;
  /** What the sink says of the segment. */
  ack(kind: "started" | "position" | "finished" | "cleared", positionMs: number, at: number): void;
  paused(at: number): void;
  resumed(at: number): void;
}

/** Begins to say a text: the caller has the floor. */
export function speak(o: SpeakOptions): Speaking {
  const sound = o.tts !== null && o.outputs.audio !== null ? o.outputs.audio : null;
  const pacer = sound !== null && o.outputs.synchronised ? transcriptPacer() : null;
  const captions = new Captions(o.clock, o.outputs.transcript, o.segmentId, pacer);
  const state = new Segment(o.clock, o.signal);
  const aborted = whenAborted(o.signal);
  let forwarded = "";
  let firstTextAt: number | undefined;

  const onWords = async (piece: string | TimedString): Promise<void> => {
    const text = typeof piece === "string" ? piece : piece.text;
    if (text === "") return;
    if (o.signal.aborted) return;
    const written = captions.push(piece, text);
    if (written !== undefined) await Promise.race([written, aborted.promise]);
    if (sound === null && o.signal.aborted) return;
    forwarded += text;
    o.onForward(text);
    if (sound === null && firstTextAt === undefined) {
      firstTextAt = o.clock.now();
      o.onFirstText();
    }
  };

  const forwardText = async (): Promise<void> => {
    if (o.transcription === null) {
      for (let index = 0;; index++) {
        const wait = o.text.has(index);
        if (wait !== undefined) await wait;
        const piece = o.text.at(index);
        if (piece === undefined || o.signal.aborted) break;
        await onWords(piece);
      }
    } else await forwardNode(o, onWords);
    if (!o.signal.aborted) pacer?.endText(); // cut off text is not whole
    if (pacer === null) await Promise.race([captions.close(false), aborted.promise]);
    else captions.ended();
  };

  const forwardSound = async (): Promise<void> => {
    if (sound === null || o.tts === null) return;
    const { frames } = o.tts;
    if (pacer !== null) {
      frames.watch(({ frame, words }) => { // before the frame waits its turn: the length of what is coming sets the pace
        for (const word of words ?? []) pacer.pushTimed(word);
        pacer.pushAudio(frame);
      }, () => {
        if (o.tts?.error !== undefined || o.signal.aborted) return; // it was cut off: its length says nothing of the text
        pacer.endAudio();
        captions.poke();
      });
    }
    let writer: WritableStreamDefaultWriter<AudioFrame> | undefined;
    try {
      for (;;) {
        const audio = await frames.next();
        if (audio === undefined || o.signal.aborted) break;
        if (writer === undefined) {
          writer = sound.open(o.segmentId).getWriter();
          writer.closed.catch(() => {}); // its failure shows in the writes
          state.open();
        }
        state.written(frameDurationMs(audio.frame));
        if (!(await state.unlessOver(writer.write(audio.frame)))) break;
      }
      if (writer !== undefined && !o.signal.aborted && !state.isOver) state.closed(writer.close());
    } catch (error) {
      // Cleared under a write that waited: what was heard is in its acknowledgements. Anything else is a failure.
      if (!o.signal.aborted) {
        state.fail(
          new AgentError("sink.failed", "Cannot play the speech as its sink failed: see the cause", { cause: error }),
        );
      }
    }
    if (o.signal.aborted || state.isOver) void writer?.abort(o.signal.reason).catch(() => {}); // it may be over already
    if (!o.signal.aborted) frames.clear(); // nobody plays what still comes
  };

  const run = async (): Promise<Spoken> => {
    if (o.tts !== null && sound !== null) await o.tts.ready;
    const text = forwardText().catch((error) => {
      if (!o.signal.aborted) throw error;
    });
    await Promise.all([text, forwardSound()]);
    await state.over();
    const cut = o.signal.aborted || state.wasCut;
    const silentVoice = sound !== null && o.tts?.silent === true;
    if (sound === null || silentVoice) {
      await Promise.race([captions.close(!cut), aborted.promise]); // with nothing to keep pace with, the words come at once
      return {
        text: forwarded,
        startedAt: firstTextAt,
        endedAt: o.clock.now(),
        playbackLatency: undefined,
        cut: false,
        error: undefined,
      };
    }
    const failed = o.tts?.error !== undefined;
    let said = forwarded;
    if (cut || failed) {
      said = state.startedAt === undefined ? "" : pacer === null ? forwarded : pacer.heardAt(state.positionMs);
    }
    void captions.close(!cut && !failed); // a reader that takes its time does not hold up the next speech
    return {
      text: said,
      startedAt: state.startedAt,
      endedAt: o.clock.now(),
      playbackLatency: state.latency,
      cut: state.wasCut,
      error: state.error,
    };
  };

  return {
    sink: sound,
    done: run().catch((error: unknown) => ({
      text: state.startedAt === undefined && firstTextAt === undefined ? "" : forwarded,
      startedAt: state.startedAt ?? firstTextAt,
      endedAt: o.clock.now(),
      playbackLatency: state.latency,
      cut: false,
      error,
    })).finally(() => {
      state.forget();
      aborted.off();
    }),
    ack(kind, positionMs, at) {
      state.ack(kind, positionMs, at);
      if (kind === "started") captions.started(at);
      if (kind === "position") pacer?.position(at, positionMs);
    },
    paused(at) {
      state.paused(at);
      captions.paused(at);
    },
    resumed(at) {
      state.resumed(at);
      captions.resumed(at);
    },
  };
}

/** A promise that a reader which never answers can be raced against. */
function whenAborted(signal: AbortSignal): { readonly promise: Promise<void>; off(): void } {
  let off = (): void => {};
  const promise = new Promise<void>((resolve) => {
    const go = (): void => resolve();
    signal.addEventListener("abort", go, { once: true });
    off = () => signal.removeEventListener("abort", go);
  });
  return { promise, off };
}

async function forwardNode(o: SpeakOptions, onWords: (piece: string | TimedString) => Promise<void>): Promise<void> {
  const output = await o.transcription?.(o.text.stream());
  if (output === null || output === undefined) return;
  const iterator = output[Symbol.asyncIterator]();
  const stop = (): void => void Promise.resolve(iterator.return?.()).catch(() => {}); // it may fail while it is stopped
  o.signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done || o.signal.aborted) return;
      await onWords(value);
    }
  } finally {
    o.signal.removeEventListener("abort", stop);
  }
}

/** What the sink has said of one segment, and how long it is waited for. */
class Segment {
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

/** The words on their way to the transcript: at the pace of the sound, or as they come. */
class Captions {
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
