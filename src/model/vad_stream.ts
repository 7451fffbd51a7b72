/**
 * Makes a voice activity detector's stream of a model that judges windows: frames of any rate, size and number of
 * channels become windows, probabilities become events.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { toMono } from "../audio/mono.ts";
import { type Resampler, resampler } from "../audio/resample.ts";
import { type AudioInputPart, isMark } from "./marks.ts";
import type { VADEvent, VADStream } from "./vad.ts";
import {
  checkDuration,
  endVad,
  stepVad,
  VAD_SILENCE,
  type VADState,
  type VADThresholds,
  vadThresholds,
} from "./vad_decision.ts";
import { speechBuffer } from "./speech_buffer.ts";

/** How a detector decides, and how much sound it keeps. Durations are milliseconds. */
export interface VADOptions extends VADThresholds {
  /** Sound kept from before the speech. Default: 500. */
  readonly prefixPaddingDuration?: number;
  /** Longest speech whose sound is kept; what comes later is detected, but not kept. Default: 60,000. */
  readonly maxBufferedSpeech?: number;
}

/** What a model says about one window. */
export interface WindowJudgement {
  /** Probability of speech, from 0 to 1. */
  readonly probability: number;
  /** How long the model took, in milliseconds. 0 where it is not measured. */
  readonly durationMs: number;
}

/** A model that judges windows one after the other. It belongs to one stream. */
export interface WindowJudge {
  /** Samples per second that it wants. */
  readonly sampleRate: number;
  /** Samples in a window. */
  readonly windowSize: number;
  /** Judges the next window. The samples are the judge's to keep. */
  judge(window: Int16Array): WindowJudgement | Promise<WindowJudgement>;
  /** Forgets all it heard. */
  reset(): void;
}

/** How to make a stream of a {@linkcode WindowJudge}. */
export interface VADStreamOptions {
  /** The settings, asked for at each window: they may change while the stream runs. */
  readonly options: () => Required<VADOptions>;
  /** Fails the stream with its reason, on both sides. */
  readonly signal?: AbortSignal;
}

/** Weight of the past in the smoothed probability. Specified (spec 04 section 11.3). */
const SMOOTHING = 0.35;

/**
 * Fills in the defaults.
 *
 * @throws {AgentError} `model.bad_option` for a number that makes no sense; the message names it.
 */
export function vadOptions(given: VADOptions = {}): Required<VADOptions> {
  const { prefixPaddingDuration = 500, maxBufferedSpeech = 60_000 } = given;
  checkDuration({ prefixPaddingDuration });
  checkDuration({ maxBufferedSpeech });
  return { ...vadThresholds(given), prefixPaddingDuration, maxBufferedSpeech };
}

/**
 * Makes the stream. The events are the same for any cutting of the same sound. It holds less than a window of sound, the
 * filter of the resampler, and the speech that `options` ask for; a slow reader stops it.
 *
 * Sound that changes its rate on the way is heard through; what was kept at the old rate is dropped.
 *
 * @throws {AgentError} In the stream: `audio.bad_rate` and `audio.bad_frame` for frames that are none, and what the judge
 * throws.
 */
export function vadStream(judge: WindowJudge, { options, signal }: VADStreamOptions): VADStream {
  const windowMs = (judge.windowSize * 1000) / judge.sampleRate;
  const kept = speechBuffer();
  let state: VADState = VAD_SILENCE;
  let smoothed: number | undefined;
  let windowCount = 0;
  let current: { readonly convert: Resampler; readonly perWindow: number } | undefined;
  let pending = new Int16Array(0); // at the judge's rate, less than a window after each frame
  let raw: Int16Array[] = []; // as it came, mixed to one channel: what the windows are made of
  let rawStart = 0; // samples of raw[0] that are used up
  let rawWindows = 0; // windows since the rate changed

  const renew = (): void => {
    judge.reset();
    kept.clear();
    state = VAD_SILENCE;
    smoothed = undefined;
    windowCount = 0;
    current = undefined;
    pending = new Int16Array(0);
    raw = [];
    rawStart = rawWindows = 0;
  };

  const event = (
    type: VADEvent["type"],
    told: VADState,
    inferenceDurationMs: number,
    frames: readonly AudioFrame[],
  ): VADEvent => ({
    type,
    timestampMs: windowCount * windowMs,
    ...told,
    probability: smoothed ?? 0,
    inferenceDurationMs,
    ...(frames.length > 0 ? { frames } : {}),
  });

  /** Takes the next `count` samples that came in; fewer, where a resampler has made up the last ones. */
  const takeRaw = (count: number): Int16Array => {
    const taken = new Int16Array(count);
    let at = 0;
    while (at < count && raw.length > 0) {
      const part = raw[0]!.subarray(rawStart, rawStart + count - at);
      taken.set(part, at);
      at += part.length;
      rawStart += part.length;
      if (rawStart === raw[0]!.length) {
        raw.shift();
        rawStart = 0;
      }
    }
    return at === count ? taken : taken.subarray(0, at);
  };

  /** Judges all whole windows of `pending`. */
  const judgeWindows = async (controller: TransformStreamDefaultController<VADEvent>): Promise<void> => {
    const { windowSize } = judge;
    let at = 0;
    for (; pending.length - at >= windowSize; at += windowSize) {
      const answer = judge.judge(pending.slice(at, at + windowSize));
      const { probability, durationMs } = answer instanceof Promise ? await answer : answer;
      if (signal?.aborted) return;
      const { prefixPaddingDuration, maxBufferedSpeech, ...thresholds } = options();
      const { perWindow, convert } = current!;
      // Windows end on whole samples of the input; what a window has too little, a later one has more.
      const sound = takeRaw(Math.floor((rawWindows + 1) * perWindow) - Math.floor(rawWindows * perWindow));
      rawWindows++;
      windowCount++;
      kept.limit(convert.from, prefixPaddingDuration, maxBufferedSpeech);
      kept.append(sound.slice()); // the event hands out the other one
      smoothed = smoothed === undefined ? probability : SMOOTHING * smoothed + (1 - SMOOTHING) * probability;
      const { next, inference, boundary } = stepVad(state, smoothed, windowMs, thresholds);
      state = next;
      controller.enqueue(event("inference_done", inference, durationMs, frameOf(sound, convert.from)));
      if (boundary !== undefined) controller.enqueue(event(boundary.type, boundary.told, 0, kept.frames()));
      if (!state.speaking && state.rawSpeechMs === 0) kept.slide();
    }
    pending = pending.slice(at);
  };

  const accept = (samples: Int16Array): void => {
    if (samples.length === 0) return;
    const joined = new Int16Array(pending.length + samples.length);
    joined.set(pending);
    joined.set(samples, pending.length);
    pending = joined;
  };

  const hear = async (frame: AudioFrame, controller: TransformStreamDefaultController<VADEvent>): Promise<void> => {
    if (frame.samplesPerChannel === 0) return;
    if (current !== undefined && current.convert.from !== frame.sampleRate) {
      accept(current.convert.flush());
      await judgeWindows(controller);
      current = undefined;
    }
    if (current === undefined) {
      const convert = resampler({ from: frame.sampleRate, to: judge.sampleRate });
      current = { convert, perWindow: (judge.windowSize * frame.sampleRate) / judge.sampleRate };
      raw = [];
      rawStart = rawWindows = 0;
      kept.clear();
    }
    const mono = toMono(frame);
    raw.push(mono);
    accept(current.convert.push(mono));
    await judgeWindows(controller);
  };

  let stopListening = (): void => {};
  const transformer: Transformer<AudioInputPart, VADEvent> & { cancel(): void } = {
    start(controller) {
      const fail = (): void => controller.error(signal?.reason);
      if (signal?.aborted) return fail();
      signal?.addEventListener("abort", fail, { once: true });
      stopListening = () => signal?.removeEventListener("abort", fail);
    },
    async transform(part, controller) {
      if (!isMark(part)) return await hear(part, controller);
      if (part.type !== "flush") return;
      const { boundary } = endVad(state);
      if (boundary !== undefined) controller.enqueue(event(boundary.type, boundary.told, 0, kept.frames()));
      renew();
    },
    async flush(controller) {
      if (current !== undefined) accept(current.convert.flush());
      await judgeWindows(controller);
      stopListening();
    },
    cancel: () => stopListening(),
  };
  return new TransformStream(transformer);
}

function frameOf(data: Int16Array, sampleRate: number): AudioFrame[] {
  return data.length === 0 ? [] : [{ data, sampleRate, channels: 1, samplesPerChannel: data.length }];
}
