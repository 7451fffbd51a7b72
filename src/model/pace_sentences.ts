/**
 * Hands text to a voice no earlier than it is needed.
 *
 * @module
 */
import { frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import { type SentencesOptions, sentenceSplitter } from "../../streams/sentences.ts";
import { hostOf } from "./availability.ts";
import { DEFAULT_CONNECT_OPTIONS } from "./connect_options.ts";
import { FLUSH, type FlushMark, type TimedString } from "./marks.ts";
import { PACING_START, pacingHeard, type SentencePacing, stepPacing } from "./sentence_pacing.ts";
import type { SynthesizedAudio, TTS, TTSOptions, TTSStream } from "./tts.ts";
import { ttsAttempt } from "./tts_attempt.ts";
import { ttsStreamAdapter } from "./tts_stream_adapter.ts";

/** How to pace, and how to tell sentences apart. */
export interface PaceSentencesOptions extends Partial<SentencePacing>, SentencesOptions {}

/**
 * A voice that gets its text sentence by sentence: the first at once, and more, several together, only when it has made
 * what it has and little of that is left to hear. An interruption then wastes little, and the voice knows more of what
 * comes. What it says is one segment. A voice that speaks whole texts only is adapted. Retries and measurements are those of
 * the voice.
 *
 * @throws {AgentError} `model.bad_option` for a number below 0, or outside a session.
 *
 * @example
 * ```ts
 * const session = new AgentSession({ llm, tts: paceSentences(voice, { minRemainingAudio: 3_000 }) });
 * ```
 */
export function paceSentences(tts: TTS, options: PaceSentencesOptions = {}): TTS {
  const { minRemainingAudio = 5_000, maxTextLength = 300, ...sentences } = options;
  for (const [name, value] of Object.entries({ minRemainingAudio, maxTextLength })) {
    if (value >= 0) continue;
    throw new AgentError(
      "model.bad_option",
      `Cannot pace sentences as \`${name}\` must be at least 0: current value is ${value}`,
    );
  }
  const streaming = tts.stream === undefined ? ttsStreamAdapter(tts, sentences) : tts;
  return {
    kind: "tts",
    model: tts.model,
    provider: tts.provider,
    sampleRate: tts.sampleRate,
    channels: tts.channels,
    composite: true,
    capabilities: { ...streaming.capabilities, streaming: true },
    stream: (given) => openPaced(streaming, { minRemainingAudio, maxTextLength }, sentences, given),
    ...(tts.prewarm && { prewarm: () => tts.prewarm!() }),
  };
}

function openPaced(
  tts: TTS,
  pacing: SentencePacing,
  sentences: SentencesOptions,
  o: TTSOptions = {},
): TTSStream {
  const host = hostOf(o.host);
  const { clock } = host;
  const inner = ttsAttempt(tts, {
    ...host,
    connOptions: host.connOptions ?? DEFAULT_CONNECT_OPTIONS,
    ...(o.signal === undefined ? {} : { signal: o.signal }),
    ...(o.voice === undefined ? {} : { voice: o.voice }),
  });
  const writer = inner.writable.getWriter();
  writer.closed.catch(() => {}); // the reader tells
  const splitter = sentenceSplitter(sentences);
  let state = PACING_START;
  let off = (): void => {};
  let hasEnded = false;
  let isOver = false;
  let segment: string | undefined;
  let baseMs = 0; // where the present segment of the voice begins
  let into: WritableStreamDefaultController;

  const look = (voiceEnded = false): void => {
    off();
    off = () => {};
    if (isOver) return;
    const { state: next, batch, wakeAt } = stepPacing(state, clock.now(), pacing, voiceEnded);
    state = next;
    if (batch !== undefined) {
      writer.write(batch).catch(() => {}); // the reader tells
      writer.write(FLUSH).catch(() => {});
    }
    if (wakeAt !== undefined) off = clock.schedule(wakeAt, () => look());
    else if (hasEnded) writer.close().catch(() => {});
  };
  const hold = (found: readonly string[]): void => {
    if (found.length === 0) return;
    state = { ...state, held: [...state.held, ...found.map((sentence) => sentence.trim())] };
    look();
  };
  const leave = (reason: unknown): void => {
    if (isOver) return;
    isOver = true;
    off();
    into.error(reason);
  };

  const reader = inner.readable.getReader();
  const readable = new ReadableStream<SynthesizedAudio>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (isOver) return;
        if (done) {
          isOver = true;
          off();
          return controller.close();
        }
        const { final, segmentId, timedTranscript, ...rest } = value;
        if (segmentId !== segment) baseMs = state.producedMs;
        segment = segmentId;
        const shifted = timedTranscript?.map((word) => shift(word, baseMs));
        state = pacingHeard(state, frameDurationMs(value.frame), clock.now());
        if (final) baseMs = state.producedMs;
        controller.enqueue({ ...rest, ...(shifted && { timedTranscript: shifted }) });
        if (final) look(true);
      } catch (error) {
        leave(error);
        controller.error(error);
      }
    },
    async cancel(reason) {
      leave(reason);
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });

  const writable = new WritableStream<string | FlushMark>({
    start(controller) {
      into = controller;
    },
    write: (part) => hold(typeof part === "string" ? splitter.push(part) : splitter.flush()),
    close() {
      hasEnded = true;
      hold(splitter.flush());
      look();
    },
    async abort(reason) {
      isOver = true;
      off();
      await writer.abort(reason);
    },
  });
  return { readable, writable };
}

/** The times of a word, from the start of all that is said. */
function shift({ startMs, endMs, ...word }: TimedString, byMs: number): TimedString {
  return {
    ...word,
    ...(startMs === undefined ? {} : { startMs: startMs + byMs }),
    ...(endMs === undefined ? {} : { endMs: endMs + byMs }),
  };
}
