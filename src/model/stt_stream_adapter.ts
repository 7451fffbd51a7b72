/**
 * Makes a recogniser that streams of one that takes whole segments, with a voice activity detector in front.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { Clock } from "../base/runtime.ts";
import { labelOf } from "./attempt_policy.ts";
import { type APIConnectOptions, DEFAULT_CONNECT_OPTIONS } from "./connect_options.ts";
import type { ModelHost } from "./host.ts";
import { openInstantInbox } from "./instant_inbox.ts";
import { type AudioInputPart, isMark } from "./marks.ts";
import { type RecognitionLine, recognitionLine } from "./recognition_line.ts";
import {
  endSegment,
  SEGMENT_START,
  type SegmentOptions,
  segmentOptions,
  type SegmentState,
  type SegmentStep,
  stepSegment,
} from "./segment_decision.ts";
import { soundLine } from "./sound_line.ts";
import type { SpeechEvent, STT, STTOptions, STTStream } from "./stt.ts";
import type { VAD, VADEvent } from "./vad.ts";

export type { SegmentOptions } from "./segment_decision.ts";

/** How to make a streaming recogniser of one that is none. */
export interface STTStreamAdapterOptions extends SegmentOptions {
  /** For time-outs and retries. A session's own clock is used instead where a session opens the stream. */
  readonly clock: Clock;
  /** How patiently the recogniser is asked. Default: what the session says, or the usual. */
  readonly connOptions?: APIConnectOptions;
}

/** Events held for a slow reader before the detector is stopped. Chosen: some segments' worth. */
const MAX_HELD_EVENTS = 32;
/** Segments that may wait for the recogniser before the detector is stopped. Chosen: at most 100 s of speech. */
const MAX_WAITING_SEGMENTS = 4;
/** Sound kept for a detector that says nothing. Chosen: far more than any lags behind. */
const MAX_IDLE_MS = 10_000;

/**
 * Makes a recogniser that streams.
 *
 * The detector cuts the sound into segments, each with some sound from before its speech. While somebody speaks, what
 * was said so far is recognised again and again, if the recogniser's `capabilities.interimResults` say that it is meant
 * for that; a request that would overlap with another is dropped. A short silence asks for the words that may be the final
 * ones, so that these are there, or nearly, when the detector says that speech has ended.
 *
 * `start_of_speech` comes at once; the rest in the order of the segments: `end_of_speech`, then, if there are words, one
 * final transcript. Interim transcripts replace each other; one without alternatives takes them back, when nothing final
 * came of them. Times are on the time line of the stream. A flush or the end of the input ends the segment.
 *
 * Requests are timed out, retried, measured and reported as the session says. A segment whose retries are used up is lost,
 * and the stream goes on; any other failure, of the recogniser or of the detector, fails the stream. An abort of
 * `options.signal` ends it without a word, and ends the request that runs. Writing waits for the detector, which waits for
 * a reader that is 32 events behind, and for a recogniser that is four segments behind.
 *
 * @throws {AgentError} `model.bad_option` for an option that makes no sense; `model.no_capability` for a recogniser that
 * takes no segments.
 *
 * @example
 * ```ts
 * const stt = sttStreamAdapter(whisperSTT(), sileroVAD(), { clock });
 * for await (const event of microphone.pipeThrough(stt.stream())) {
 *   if (event.type === "final_transcript") console.log(event.alternatives[0]?.text);
 * }
 * ```
 */
export function sttStreamAdapter(
  stt: STT,
  vad: VAD,
  options: STTStreamAdapterOptions,
): STT & Required<Pick<STT, "stream" | "prewarm">> {
  const segments = segmentOptions(options);
  if (stt.recognize === undefined) {
    throw new AgentError(
      "model.no_capability",
      `Cannot make a stream of ${labelOf(stt)} as it must take whole segments: current value is none`,
    );
  }
  const { interimResults, alignedTranscript, keyterms, diarization } = stt.capabilities;
  let requestCount = 0;
  const ownHost: ModelHost = {
    clock: options.clock,
    report: { error: () => {}, metrics: () => {} },
    requestId: () => `segment_${++requestCount}`,
  };
  return {
    kind: "stt",
    model: stt.model,
    provider: stt.provider,
    composite: true,
    capabilities: {
      streaming: true,
      interimResults,
      ...(alignedTranscript === undefined ? {} : { alignedTranscript }),
      ...(keyterms === undefined ? {} : { keyterms }),
      ...(diarization === undefined ? {} : { diarization }),
    },
    stream: (given = {}) => {
      const host = given.host ?? ownHost;
      const connOptions = options.connOptions ?? host.connOptions ?? DEFAULT_CONNECT_OPTIONS;
      return openStream(stt, vad, { given, host, connOptions, segments });
    },
    recognize: (frames, given) => stt.recognize!(frames, given),
    prewarm: async () => {
      await Promise.all([stt.prewarm?.(), vad.prewarm?.()]);
    },
  };
}

interface StreamParts {
  readonly given: STTOptions;
  readonly host: ModelHost;
  readonly connOptions: APIConnectOptions;
  readonly segments: Required<SegmentOptions>;
}

/** What the detector hears between two flushes. A stream of its own, so that its times cannot be mistaken. */
interface Epoch {
  readonly offsetMs: number;
  readonly writer: WritableStreamDefaultWriter<AudioInputPart>;
  readonly reader: ReadableStreamDefaultReader<VADEvent>;
  /** Settles when all that the detector said is dealt with. Never rejects. */
  readonly over: Promise<void>;
}

function openStream(stt: STT, vad: VAD, { given, host, connOptions, segments }: StreamParts): STTStream {
  const { signal: outer } = given;
  const settings = { ...segments, windowMs: vad.capabilities.updateIntervalMs };
  const isInterim = stt.capabilities.interimResults;
  const sound = soundLine();
  const abort = new AbortController();
  let phase: "open" | "over" = "open";
  let state: SegmentState = SEGMENT_START;
  let keyterms = given.keyterms;
  let epoch: Epoch | undefined;
  let hasEnded = false; // the input, and all that the detector says of it
  let isCancelled = false;
  let held: SpeechEvent[] = [];
  let roomWaiters: (() => void)[] = [];
  let wakeReader = (): void => {};
  let out: ReadableStreamDefaultController<SpeechEvent>;
  let into: WritableStreamDefaultController;

  const isFull = (): boolean =>
    phase === "open" &&
    (held.length >= MAX_HELD_EVENTS || inbox.size >= MAX_HELD_EVENTS || line.waiting >= MAX_WAITING_SEGMENTS);

  const wake = (): void => {
    wakeReader();
    if (isFull()) return;
    const all = roomWaiters;
    roomWaiters = [];
    for (const go of all) go();
  };

  const emit = (event: SpeechEvent): void => {
    // Nobody wants an interim that another one replaces.
    if (event.type === "interim_transcript" && held.at(-1)?.type === event.type) held.pop();
    held.push(event);
  };

  const inbox = openInstantInbox(host.clock, wake);

  const line: RecognitionLine = recognitionLine(stt, {
    host,
    connOptions,
    sound: sound.slice,
    options: () => ({ ...given, host, ...(keyterms === undefined ? {} : { keyterms }) }),
    emit,
    fail: (error) => stop({ error }),
    post: (run) => inbox.post(1, run),
  });

  /** Ends it from within or from outside; without an error it ends without a word. */
  const stop = (how: { readonly error: unknown } | undefined, reason: unknown = how?.error): void => {
    if (phase === "over") return;
    phase = "over";
    outer?.removeEventListener("abort", onAbort);
    held = [];
    line.stop(reason);
    abort.abort(reason);
    epoch?.reader.cancel(reason).catch(() => {}); // it fails with the reason that it was given
    epoch?.writer.abort(reason).catch(() => {});
    if (!hasEnded && !into.signal.aborted) into.error(reason);
    if (how !== undefined) out.error(how.error);
    else if (!isCancelled) out.close();
    wake();
  };
  const onAbort = (): void => stop(undefined, outer?.reason);

  const obey = ({ state: next, orders, keepFromMs }: SegmentStep): void => {
    if (phase === "over") return;
    state = next;
    for (const order of orders) {
      switch (order.type) {
        case "start":
          emit({ type: "start_of_speech", speechStartTimeMs: order.onsetMs });
          break;
        case "interim":
          if (isInterim) line.interim(order);
          break;
        case "resumed":
          line.resume();
          break;
        case "final":
          line.final(order);
          break;
        default:
          order satisfies never;
      }
    }
    sound.dropBefore(keepFromMs);
  };

  const hear = async (reader: ReadableStreamDefaultReader<VADEvent>, offsetMs: number): Promise<void> => {
    for (;;) {
      while (isFull()) await new Promise<void>((go) => roomWaiters.push(go));
      const { done, value } = await reader.read();
      if (done || phase === "over") break;
      const event = { ...value, timestampMs: offsetMs + value.timestampMs };
      inbox.post(0, () => obey(stepSegment(state, event, settings)));
    }
    const { endMs } = sound; // no sound comes until this epoch is over
    inbox.post(0, () => obey(endSegment(state, endMs)));
  };

  const openEpoch = (): Epoch => {
    const stream = vad.stream({ signal: abort.signal });
    const offsetMs = sound.endMs;
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    writer.closed.catch(() => {}); // the reader tells
    const over = hear(reader, offsetMs).catch((error) => stop({ error }));
    return { offsetMs, writer, reader, over };
  };

  const endEpoch = async (): Promise<void> => {
    const old = epoch;
    if (old === undefined) return;
    await old.writer.close().catch(() => {});
    await old.over; // the next one's events come after this one's
    epoch = undefined;
  };

  const readable = new ReadableStream<SpeechEvent>({
    start(controller) {
      out = controller;
    },
    async pull(controller) {
      for (;;) {
        if (phase === "over") return;
        const event = held.shift();
        if (event !== undefined) {
          wake();
          return controller.enqueue(event);
        }
        if (hasEnded && line.waiting === 0) return stop(undefined);
        await new Promise<void>((go) => (wakeReader = go));
      }
    },
    cancel(reason) {
      isCancelled = true;
      stop(undefined, reason);
    },
  }, { highWaterMark: 0 });

  const writable = new WritableStream<AudioInputPart>({
    start(controller) {
      into = controller;
      const { signal } = controller; // told at once; `abort` is called when the write under way has ended
      signal.addEventListener("abort", () => stop({ error: signal.reason }), { once: true });
    },
    async write(part) {
      if (phase === "over") return;
      if (isMark(part)) {
        if (part.type === "flush") await endEpoch();
        else if (part.keyterms !== undefined) keyterms = part.keyterms;
        return;
      }
      try {
        epoch ??= openEpoch();
      } catch (error) {
        return stop({ error });
      }
      sound.append(part);
      if (state.phase === "silence") sound.dropBefore(sound.endMs - MAX_IDLE_MS);
      await epoch.writer.write(part).catch(() => {}); // the reader tells
    },
    async close() {
      await endEpoch();
      inbox.post(0, () => (hasEnded = true));
    },
  });
  if (outer?.aborted) onAbort();
  else outer?.addEventListener("abort", onAbort);
  return { readable, writable };
}
