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
import { Captions } from "./captions.ts";
import { Segment } from "./segment.ts";
import type { TextBuffer } from "./text_buffer.ts";
import { transcriptPacer } from "./transcript_sync.ts";
import type { TtsStep } from "./tts_step.ts";

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
    | ((text: ReadableStream<string | TimedString>) => Promise<AsyncIterable<string | TimedString> | null>)
    | null;
  /** What replaces the words is given those that come with the sound, with their times, where any do. */
  readonly usesTimedWords: boolean;
  /** Null: no sound. */
  readonly tts: TtsStep | null;
  readonly outputs: SpeechOutputs;
  readonly signal: AbortSignal;
  /** Without sound: the first text was written. */
  readonly onFirstText: () => void;
  /**
   * All of the sound is there: its length, and the text that it says. A sink may fail in the same instant; which of the two
   * comes first differs between runtimes, so that `isOver` is to be asked when the instant has come to rest.
   */
  readonly onLength?: (durationMs: number, text: string, isOver: () => boolean) => void;
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
  const timed = sound !== null && o.transcription !== null && o.usesTimedWords ? timedWords(o.text, o.signal) : null;
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
    } else await forwardNode(o, timed?.words ?? o.text.stream(), onWords);
    if (!o.signal.aborted) pacer?.endText(); // cut off text is not whole
    if (pacer === null) await Promise.race([captions.close(false), aborted.promise]);
    else captions.ended();
  };

  const forwardSound = async (): Promise<void> => {
    if (sound === null || o.tts === null) return;
    const { frames } = o.tts;
    let lengthMs = 0;
    frames.watch(({ frame, words }) => { // before the frame waits its turn: the length of what is coming sets the pace
      lengthMs += frameDurationMs(frame);
      for (const word of words ?? []) {
        if (timed === null) pacer?.pushTimed(word);
        else timed.push(word); // its times come back with what the node makes of it
      }
      pacer?.pushAudio(frame);
    }, () => {
      timed?.end(o.tts?.error !== undefined);
      if (o.tts?.error !== undefined || o.signal.aborted) return; // it was cut off: its length says nothing of the text
      o.onLength?.(lengthMs, o.text.text, () => state.isOver);
      if (pacer === null) return;
      pacer.endAudio();
      captions.poke();
    });
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

/**
 * The words that come with the sound, as they come. A voice that tells none has its text given, when its sound has ended: one
 * word is proof enough that it does tell them.
 */
function timedWords(text: TextBuffer, signal: AbortSignal): {
  readonly words: ReadableStream<string | TimedString>;
  push(word: TimedString): void;
  end(hasFailed: boolean): void;
} {
  let into: ReadableStreamDefaultController<string | TimedString> | undefined;
  let hasWords = false;
  const close = (): void => {
    into?.close();
    into = undefined;
    signal.removeEventListener("abort", close);
  };
  // No limit of its own: the voice is at most 10 s ahead of what is heard.
  const words = new ReadableStream<string | TimedString>({
    start: (controller) => void (into = controller),
    cancel: () => void (into = undefined),
  }, { highWaterMark: Infinity });
  if (signal.aborted) close();
  else signal.addEventListener("abort", close);
  return {
    words,
    push(word) {
      if (word.text === "") return;
      hasWords = true;
      into?.enqueue(word);
    },
    end(hasFailed) {
      if (hasWords || hasFailed || signal.aborted) return close();
      void (async () => {
        for await (const piece of text.stream()) into?.enqueue(piece);
      })().catch(() => {}).then(close); // text that fails is told by the reply
    },
  };
}

async function forwardNode(
  o: SpeakOptions,
  text: ReadableStream<string | TimedString>,
  onWords: (piece: string | TimedString) => Promise<void>,
): Promise<void> {
  const output = await o.transcription?.(text);
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
