/**
 * Makes a detector of interruptions of a model that judges a piece of sound: it keeps the sound, asks while an overlap lasts,
 * and gives each overlap its one verdict.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../audio/frame.ts";
import { toMono } from "../audio/mono.ts";
import { type FrameResampler, resampleFrames } from "../audio/resample.ts";
import { AgentError } from "../base/error.ts";
import type {
  InterruptionDetector,
  InterruptionInput,
  InterruptionStream,
  InterruptionVerdict,
  OverlapStartedMark,
} from "./interruption_detector.ts";

/** What a model makes of a piece of sound. */
export interface OverlapJudgement {
  /** That the user wants the floor, from 0 to 1. */
  readonly probability: number;
  /** Of each frame that was judged, where the model tells. */
  readonly probabilities?: readonly number[];
  /** How long the model worked, in milliseconds. */
  readonly durationMs?: number;
}

/**
 * Judges the sound of an overlap so far: what the microphone heard while the agent spoke, at most three seconds, one channel.
 * The samples are the judge's to keep.
 */
export type OverlapJudge = (samples: Int16Array, signal: AbortSignal) => OverlapJudgement | Promise<OverlapJudgement>;

/** How {@linkcode overlapDetector} is made. Durations are milliseconds. */
export interface OverlapDetectorOptions {
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** The model. */
  readonly judge: OverlapJudge;
  /** Samples per second that it wants. Default 16,000. */
  readonly sampleRate?: number;
  /** From this probability on it is an interruption. Default 0.5. */
  readonly threshold?: number;
  /** New sound between two questions. Default 100. */
  readonly interval?: number;
  /** Sound from before the user's voice that the first question of an agent's speech holds. Default 1,000. */
  readonly prefix?: number;
}

/** Sound that is kept. Specified: 02 section 12.2. */
const MAX_KEPT_MS = 3_000;
/** A question that so much new sound did not answer fails the detector. Specified: 02 section 12.2. */
const ANSWER_LIMIT_MS = 700;

/**
 * Makes a detector of interruptions of a model that judges sound.
 *
 * Sound is kept while the agent speaks, three seconds of it at most. While the user speaks over it the model is asked with each
 * 100 ms of new sound. The first answer at or over the threshold is the verdict; where none comes, the end of the overlap is
 * one of "no interruption". A judge that fails, or that 700 ms of sound have not answered, fails the stream.
 *
 * @throws {AgentError} `model.bad_option` for a number that makes no sense.
 *
 * @example
 * ```ts
 * const detector = overlapDetector({ model: "mine", provider: "me", judge: (samples) => classifier.run(samples) });
 * const session = new AgentSession({ stt, vad, llm, tts, turnHandling: { interruption: { detector } } });
 * ```
 */
export function overlapDetector(options: OverlapDetectorOptions): InterruptionDetector {
  const { model, provider, judge, sampleRate = 16_000, threshold = 0.5, interval = 100, prefix = 1_000 } = options;
  for (const [name, value] of Object.entries({ threshold, interval, prefix })) {
    if (!(Number.isFinite(value) && value >= 0)) {
      throw new AgentError(
        "model.bad_option",
        `Cannot judge overlaps as \`${name}\` must be 0 or more: current value is ${value}`,
      );
    }
  }
  return {
    kind: "interruption_detector",
    model,
    provider,
    stream: ({ signal } = {}) => open({ judge, sampleRate, threshold, interval, prefix }, signal),
  };
}

type Settings = Required<Omit<OverlapDetectorOptions, "model" | "provider">>;

/** An overlap that has no verdict yet. Times are those of the sound since it began. */
interface Overlap {
  readonly id: number;
  heardMs: number;
  askedAtMs: number;
  /** Questions under way: when each was asked. */
  readonly waiting: number[];
  requests: number;
  newest: OverlapJudgement | undefined;
  totalMs: number;
}

function open(o: Settings, signal: AbortSignal | undefined): InterruptionStream {
  const ended = new AbortController();
  const resample: FrameResampler = resampleFrames(o.sampleRate);
  let kept = new Int16Array(0);
  let agentSpeaks = false;
  let isFirst = true;
  let overlap: Overlap | undefined;

  const samplesOf = (ms: number): number => Math.round((ms * o.sampleRate) / 1_000);
  const verdict = (of: Overlap, isInterruption: boolean): InterruptionVerdict => ({
    id: of.id,
    isInterruption,
    probability: of.newest?.probability ?? 0,
    ...(of.newest?.probabilities !== undefined && { probabilities: of.newest.probabilities }),
    totalDurationMs: of.totalMs,
    predictionDurationMs: of.newest?.durationMs ?? 0,
    detectionDelayMs: of.heardMs,
    numRequests: of.requests,
  });

  const reset = (speaks: boolean): void => {
    agentSpeaks = speaks;
    isFirst = true;
    overlap = undefined;
    kept = new Int16Array(0);
  };

  const begin = ({ id, speechDurationMs }: OverlapStartedMark): void => {
    if (isFirst) kept = kept.slice(Math.max(0, kept.length - samplesOf(speechDurationMs + o.prefix)));
    isFirst = false;
    overlap = { id, heardMs: 0, askedAtMs: 0, waiting: [], requests: 0, newest: undefined, totalMs: 0 };
  };

  const ask = (mine: Overlap, controller: TransformStreamDefaultController<InterruptionVerdict>): void => {
    const askedAt = mine.heardMs;
    mine.askedAtMs = askedAt;
    mine.waiting.push(askedAt);
    mine.requests += 1;
    const answer = async (): Promise<OverlapJudgement> => await o.judge(kept.slice(), ended.signal);
    answer().then((judgement) => {
      mine.waiting.splice(mine.waiting.indexOf(askedAt), 1);
      if (overlap !== mine || ended.signal.aborted) return;
      mine.newest = judgement;
      mine.totalMs = mine.heardMs - askedAt;
      if (!(judgement.probability >= o.threshold)) return;
      overlap = undefined;
      controller.enqueue(verdict(mine, true));
    }).catch((error: unknown) => fail(controller, error));
  };

  const fail = (controller: TransformStreamDefaultController<InterruptionVerdict>, reason: unknown): void => {
    if (ended.signal.aborted) return;
    ended.abort(reason);
    controller.error(reason);
  };

  const hear = (frame: AudioFrame, controller: TransformStreamDefaultController<InterruptionVerdict>): void => {
    if (!agentSpeaks) return;
    for (const { data } of resample.push(audioFrame(toMono(frame), frame.sampleRate))) {
      const joined = new Int16Array(kept.length + data.length);
      joined.set(kept);
      joined.set(data, kept.length);
      kept = joined.slice(Math.max(0, joined.length - samplesOf(MAX_KEPT_MS)));
      if (overlap !== undefined) overlap.heardMs += (data.length * 1_000) / o.sampleRate;
    }
    if (overlap === undefined) return;
    if (overlap.heardMs - (overlap.waiting[0] ?? overlap.heardMs) > ANSWER_LIMIT_MS) {
      fail(
        controller,
        new AgentError(
          "model.timeout",
          `Cannot wait for the judge of overlaps any longer as it must answer within ${ANSWER_LIMIT_MS} ms of sound: current value is ${
            Math.round(overlap.heardMs - (overlap.waiting[0] ?? 0))
          }`,
        ),
      );
    } else if (overlap.heardMs - overlap.askedAtMs >= o.interval) ask(overlap, controller);
  };

  const transformer: Transformer<InterruptionInput, InterruptionVerdict> & { cancel(): void } = {
    start(controller) {
      signal?.addEventListener("abort", () => fail(controller, signal.reason), { once: true });
    },
    transform(part, controller) {
      if (!("type" in part)) return hear(part, controller);
      switch (part.type) {
        case "agent_started":
        case "agent_ended":
          return reset(part.type === "agent_started");
        case "overlap_started":
          return begin(part);
        case "overlap_ended":
          if (overlap?.id === part.id) controller.enqueue(verdict(overlap, false));
          overlap = undefined;
          return;
        default:
          return part satisfies never;
      }
    },
    flush: () => ended.abort(),
    cancel: () => ended.abort(),
  };
  return new TransformStream(transformer, undefined, { highWaterMark: 1 });
}
