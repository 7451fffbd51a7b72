/**
 * Makes a voice that takes text as it comes out of one that speaks whole texts.
 *
 * @module
 */
import { type AudioFrame, audioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import { type SentencesOptions, sentenceSplitter } from "../../streams/sentences.ts";
import type { FlushMark, TimedString } from "./marks.ts";
import type { SynthesizedAudio, TTS, TTSOptions, TTSStream } from "./tts.ts";

/** So many sentences may wait to be spoken before the writer of the text waits. Chosen: one to make ahead, one behind it. */
const WAITING_LIMIT = 2;

/** The last sound of a sentence is held back until its end is known. Specified (04, section 10.5). */
const TAIL_MS = 10;

const SPEAKABLE = /[\p{L}\p{N}\p{S}]/u;

/**
 * A streaming voice over one that only has `synthesize`: sentence by sentence, in order, the next being made while the last
 * is read. Each sentence comes with its text and the times of its beginning and end, unless the voice tells the times of
 * its words itself: an end is an empty timed string.
 *
 * A flush ends a segment: what is held is spoken, and times begin anew. The writer waits while two sentences wait to be
 * spoken. Cancelling, aborting and the signal stop what is being made; a sentence that fails fails the stream, after all
 * sound before it. Nothing is tried twice here. Sentences without a letter, digit or symbol are not spoken.
 *
 * @throws {AgentError} `model.no_capability` when the voice has no `synthesize`.
 *
 * @example
 * ```ts
 * const voice = ttsStreamAdapter(flite());
 * const audio = text.pipeThrough(voice.stream!());
 * ```
 */
export function ttsStreamAdapter(tts: TTS, options: SentencesOptions = {}): TTS {
  if (tts.synthesize === undefined) {
    throw new AgentError(
      "model.no_capability",
      `Cannot speak sentence by sentence as the voice must have \`synthesize\`: current value is ${tts.provider}/${tts.model}`,
    );
  }
  return {
    kind: "tts",
    model: tts.model,
    provider: tts.provider,
    sampleRate: tts.sampleRate,
    channels: tts.channels,
    capabilities: { ...tts.capabilities, streaming: true, alignedTranscript: true },
    ...(tts.composite && { composite: true }),
    stream: (given) => openStream(tts, options, given),
    synthesize: (text, given) => tts.synthesize!(text, given),
    ...(tts.prewarm && { prewarm: () => tts.prewarm!() }),
  };
}

/** What waits to be spoken. */
type Job = Sentence | { readonly type: "end" };

interface Sentence {
  readonly type: "sentence";
  readonly text: string;
  /** Its sound, once it is being made, and the first read of it, which has it made ahead. */
  reader?: ReadableStreamDefaultReader<SynthesizedAudio>;
  ahead?: Promise<ReadableStreamReadResult<SynthesizedAudio>>;
}

function openStream(tts: TTS, options: SentencesOptions, { signal: outer, ...given }: TTSOptions = {}): TTSStream {
  const splitter = sentenceSplitter(options);
  const abort = new AbortController();
  const jobs: Job[] = [];
  let current: Sentence | undefined;
  let hasText = false; // since the last flush
  let hasEnded = false;
  let isOver = false;
  let segment = new Segment(1, tts);
  let onRoom = (): void => {};
  let onJob = (): void => {};
  let into: WritableStreamDefaultController;
  let out: ReadableStreamDefaultController<SynthesizedAudio>;

  /** Has the head of the queue made, one ahead of what is read. */
  const makeNext = (): void => {
    const [next] = jobs;
    if (next?.type !== "sentence" || next.ahead !== undefined || !SPEAKABLE.test(next.text)) return;
    try {
      next.reader = tts.synthesize!(next.text.trim(), { ...given, signal: abort.signal }).getReader();
      next.ahead = next.reader.read();
    } catch (error) {
      next.ahead = Promise.reject(error);
    }
    next.ahead.catch(() => {}); // it is awaited when its turn comes
  };

  const speak = (texts: readonly string[]): void => {
    for (const text of texts) jobs.push({ type: "sentence", text });
    if (texts.length > 0) hasText = true;
    makeNext();
    onJob();
  };

  const endSegment = (): void => {
    const rest = splitter.flush();
    if (rest.length > 0 || hasText) {
      speak(rest);
      jobs.push({ type: "end" });
    }
    hasText = false;
    onJob();
  };

  const room = (): Promise<void> | undefined =>
    jobs.filter(({ type }) => type === "sentence").length > WAITING_LIMIT && !isOver
      ? new Promise<void>((go) => (onRoom = go)).then(room)
      : undefined;

  /** Ends all that is under way. Idempotent. */
  const leave = (reason: unknown): void => {
    if (isOver) return;
    isOver = true;
    outer?.removeEventListener("abort", onAbort);
    abort.abort(reason);
    for (const job of [current, ...jobs.splice(0)]) {
      if (job?.type === "sentence") job.reader?.cancel(reason).catch(() => {}); // nobody is left to hear of it
    }
    onRoom();
    onJob();
  };

  const onAbort = (): void => {
    leave(outer?.reason);
    into.error(outer?.reason);
    out.error(outer?.reason);
  };

  /** Gives the next piece of sound; false when there will be none. */
  const step = async (): Promise<boolean> => {
    for (;;) {
      if (isOver) return false;
      if (current === undefined) {
        const job = jobs.shift();
        if (job === undefined) {
          if (hasEnded) return false;
          await new Promise<void>((go) => (onJob = go));
          continue;
        }
        onRoom();
        if (job.type === "end") {
          const last = segment.close();
          segment = new Segment(segment.index + 1, tts);
          if (last !== undefined) {
            out.enqueue(last);
            return true;
          }
          continue;
        }
        segment.begin(job.text);
        if (!SPEAKABLE.test(job.text)) continue;
        if (job.ahead === undefined) {
          jobs.unshift(job);
          makeNext();
          jobs.shift();
        }
        current = job;
        makeNext();
      }
      const reading: Promise<ReadableStreamReadResult<SynthesizedAudio>> = current.ahead ?? current.reader!.read();
      delete current.ahead;
      const { done, value } = await reading;
      if (isOver) return false;
      const piece = done ? segment.end(jobs[0]?.type === "end") : segment.add(value);
      if (done) current = undefined;
      if (piece !== undefined) {
        out.enqueue(piece);
        return true;
      }
    }
  };

  const readable = new ReadableStream<SynthesizedAudio>({
    start(controller) {
      out = controller;
    },
    async pull() {
      try {
        if (await step() || isOver) return;
        leave(undefined);
        out.close();
      } catch (error) {
        if (isOver) return;
        leave(error);
        into.error(error);
        out.error(error);
      }
    },
    cancel(reason) {
      leave(reason);
      into.error(reason);
    },
  }, { highWaterMark: 0 });

  const writable = new WritableStream<string | FlushMark>({
    start(controller) {
      into = controller;
    },
    write(part) {
      if (typeof part === "string") speak(splitter.push(part));
      else endSegment();
      return room();
    },
    close() {
      endSegment();
      hasEnded = true;
      onJob();
    },
    abort(reason) {
      if (isOver) return;
      leave(reason);
      out.error(reason);
    },
  });

  if (outer?.aborted) onAbort();
  else outer?.addEventListener("abort", onAbort);
  return { readable, writable };
}

/** The sound of one segment: counts its time, marks its sentences, and knows its last frame. */
class Segment {
  readonly index: number;
  readonly #id: string;
  readonly #isAligned: boolean;
  readonly #format: { readonly sampleRate: number; readonly channels: number };
  #ms = 0; // handed in so far, the tail included
  #sentenceMs = 0; // when the present sentence began
  #times: TimedString[] = []; // for the next frame
  #tail: SynthesizedAudio | undefined;
  #hasSound = false;
  #isFinal = false;

  constructor(index: number, tts: TTS) {
    this.index = index;
    this.#id = `segment_${index}`;
    this.#isAligned = tts.capabilities.alignedTranscript === true;
    this.#format = tts;
  }

  begin(text: string): void {
    this.#sentenceMs = this.#ms;
    if (!this.#isAligned || !SPEAKABLE.test(text)) this.#times.push({ text, startMs: this.#ms });
  }

  /** Takes a frame of the present sentence; gives what can be told not to be its end. */
  add(audio: SynthesizedAudio): SynthesizedAudio | undefined {
    this.#ms += frameDurationMs(audio.frame);
    if (this.#isAligned) {
      for (const { text, startMs, endMs } of audio.timedTranscript ?? []) {
        this.#times.push({
          text,
          ...(startMs === undefined ? {} : { startMs: startMs + this.#sentenceMs }),
          ...(endMs === undefined ? {} : { endMs: endMs + this.#sentenceMs }),
        });
      }
    }
    const joined = this.#tail === undefined ? audio.frame : join(this.#tail.frame, audio.frame);
    const tailLength = Math.ceil((joined.sampleRate * TAIL_MS) / 1000);
    const kept = Math.max(0, joined.samplesPerChannel - tailLength) * joined.channels;
    this.#tail = { ...audio, frame: audioFrame(joined.data.subarray(kept), joined.sampleRate, joined.channels) };
    return kept === 0 ? undefined : this.#piece(
      { ...audio, frame: audioFrame(joined.data.subarray(0, kept), joined.sampleRate, joined.channels) },
      false,
    );
  }

  /** The present sentence has no more sound. `isLast`: it is known to be the last one. */
  end(isLast: boolean): SynthesizedAudio | undefined {
    const tail = this.#tail;
    this.#tail = undefined;
    if (!this.#isAligned && this.#ms > this.#sentenceMs) {
      this.#times.push({ text: "", startMs: this.#ms, endMs: this.#ms });
    }
    return tail === undefined ? undefined : this.#piece(tail, isLast);
  }

  /** A moment of silence as the last frame, where none was known to be the last; nothing where there was no sound. */
  close(): SynthesizedAudio | undefined {
    if (!this.#hasSound || this.#isFinal) return undefined;
    const { sampleRate, channels } = this.#format;
    const silence = new Int16Array(Math.ceil((sampleRate * TAIL_MS) / 1000) * channels);
    return this.#piece({ frame: audioFrame(silence, sampleRate, channels) }, true);
  }

  #piece({ frame, requestId }: SynthesizedAudio, isFinal: boolean): SynthesizedAudio {
    this.#hasSound = true;
    this.#isFinal ||= isFinal;
    const timedTranscript = this.#times;
    this.#times = [];
    return {
      frame,
      segmentId: this.#id,
      ...(requestId === undefined ? {} : { requestId }),
      ...(isFinal ? { final: true } : {}),
      ...(timedTranscript.length === 0 ? {} : { timedTranscript }),
    };
  }
}

/** One frame of two of a kind. */
function join(first: AudioFrame, second: AudioFrame): AudioFrame {
  const data = new Int16Array(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return audioFrame(data, second.sampleRate, second.channels);
}
