/**
 * The requests of one stream to a recogniser that takes whole segments: one at a time, finals in order, interims when there
 * is time for them.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { type AttemptOptions, safely } from "./attempt_policy.ts";
import type { APIConnectOptions } from "./connect_options.ts";
import { isAPIError, isRetryable } from "./error.ts";
import type { AttemptReport, ModelHost } from "./host.ts";
import type { ModelMetrics } from "./metrics.ts";
import { recognizeAttempt } from "./recognize_attempt.ts";
import type { FinalOrder, InterimOrder } from "./segment_decision.ts";
import type { SpeechData, SpeechEvent, STT, STTOptions } from "./stt.ts";

/** What a line needs. */
export interface RecognitionLineOptions {
  readonly host: ModelHost;
  readonly connOptions: APIConnectOptions;
  /** The sound of a stretch. Asked when a request is made, not when its turn comes. */
  readonly sound: (fromMs: number, toMs: number) => AudioFrame[];
  /** How the next request is to be recognised. */
  readonly options: () => STTOptions;
  readonly emit: (event: SpeechEvent) => void;
  /** The recogniser failed in a way that no later segment will mend. */
  readonly fail: (error: unknown) => void;
  /** Runs what follows from an answer: at once, or in the order that a virtual clock gives to an instant. */
  readonly post: (run: () => void) => void;
}

/** The requests of one stream. */
export interface RecognitionLine {
  /** How many segments wait for their final words. */
  readonly waiting: number;
  /** Asks for interim words; nothing comes of it while another request runs, unless they are settled. */
  interim(order: InterimOrder): void;
  /** What was settled is not. */
  resume(): void;
  /** Asks for the final words. Every one is answered, in order. */
  final(order: FinalOrder): void;
  /** Calls everything off. */
  stop(reason: unknown): void;
}

/** Words that came. */
interface Words {
  readonly event: SpeechEvent;
  /** What they cost, told when they become final. */
  readonly metrics: readonly ModelMetrics[];
}

interface Running {
  readonly segment: number;
  readonly abort: AbortController;
  readonly isFinal: boolean;
  isSettled: boolean;
}

interface Waiting {
  readonly order: FinalOrder;
  readonly frames: readonly AudioFrame[];
}

/** Makes a line of requests. */
export function recognitionLine(stt: STT, o: RecognitionLineOptions): RecognitionLine {
  let running: Running | undefined;
  let wanted: { readonly order: InterimOrder; readonly frames: readonly AudioFrame[] } | undefined;
  let settled: { readonly segment: number; readonly words: Words } | undefined;
  let last: { readonly segment: number; readonly text: string } | undefined; // the interim words that came last
  let finals: Waiting[] = [];
  let head: Waiting | undefined; // the one whose speech was told to have ended
  let isStopped = false;

  const ask = async (
    frames: readonly AudioFrame[],
    { segment, signal, isFinal }: { readonly segment: number; readonly signal: AbortSignal; readonly isFinal: boolean },
  ): Promise<Words> => {
    const metrics: ModelMetrics[] = [];
    const report: AttemptReport = isFinal ? o.host.report : { error: () => {}, metrics: (it) => void metrics.push(it) };
    const attempt: AttemptOptions = {
      ...o.host,
      report,
      connOptions: isFinal ? o.connOptions : { ...o.connOptions, maxRetry: 0 }, // the next interim is the retry
    };
    const previous = last?.segment === segment && last.text !== "" ? { previous: last.text } : {};
    const event = await recognizeAttempt(stt, frames, { ...attempt, options: { ...o.options(), ...previous, signal } });
    return { event, metrics };
  };

  const start = (
    segment: number,
    frames: readonly AudioFrame[],
    { isFinal, isSettled = false, then, otherwise }: {
      readonly isFinal: boolean;
      readonly isSettled?: boolean;
      readonly then: (words: Words) => void;
      readonly otherwise: (error: unknown) => void;
    },
  ): void => {
    const mine: Running = { segment, abort: new AbortController(), isFinal, isSettled };
    running = mine;
    const done = (run: () => void): void =>
      o.post(() => {
        if (running !== mine || isStopped) return; // called off while it was on its way
        running = undefined;
        run();
        next();
      });
    ask(frames, { segment, signal: mine.abort.signal, isFinal }).then(
      (words) =>
        done(() => {
          if (mine.isSettled) settled = { segment, words };
          then(words);
        }),
      (error) => done(() => otherwise(error)),
    );
  };

  const startInterim = (order: InterimOrder, frames: readonly AudioFrame[]): void => {
    start(order.segment, frames, {
      isFinal: false,
      isSettled: order.isSettled,
      then: ({ event }) => show(order, event),
      otherwise: () => {}, // a later one replaces it, and the final one tells what is wrong
    });
  };

  const show = ({ segment, fromMs, toMs }: InterimOrder, event: SpeechEvent): void => {
    const best = bestOf(event);
    const text = best?.text ?? "";
    if (text === (last?.segment === segment ? last.text : "")) return;
    last = { segment, text };
    o.emit({
      type: "interim_transcript",
      ...idOf(event),
      alternatives: best === undefined ? [] : [placed(best, { fromMs, onsetMs: fromMs, endMs: toMs })],
    });
  };

  const finish = ({ event }: Words): void => {
    const { order } = finals.shift()!;
    head = undefined;
    const best = bestOf(event);
    if (best === undefined || best.text === "") return takeBack(order.segment);
    last = undefined;
    const { fromMs, onsetMs, speechEndMs: endMs } = order;
    const alternatives = [placed(best, { fromMs, onsetMs, endMs })];
    o.emit({ type: "final_transcript", ...idOf(event), alternatives });
  };

  const giveUp = (error: unknown): void => {
    if (!isExhausted(error)) return o.fail(error);
    const { order } = finals.shift()!;
    head = undefined;
    takeBack(order.segment);
  };

  /** Nothing final comes of the words that were shown: they must not stand. */
  const takeBack = (segment: number): void => {
    const isShown = last?.segment === segment && last.text !== "";
    last = undefined;
    if (isShown) o.emit({ type: "interim_transcript", alternatives: [] });
  };

  const next = (): void => {
    const first = finals[0];
    if (first === undefined) {
      const late = wanted;
      wanted = undefined;
      if (late !== undefined && running === undefined) startInterim(late.order, late.frames);
      return;
    }
    const { order, frames } = first;
    if (head !== first) {
      head = first;
      if (!order.goesOn) o.emit({ type: "end_of_speech" });
    }
    if (running !== undefined) {
      if (running.isFinal || (running.isSettled && running.segment === order.segment)) return;
      running.abort.abort(new DOMException("The final words are asked for instead", "AbortError"));
      running = undefined;
    }
    const ready = settled?.segment === order.segment ? settled.words : undefined;
    settled = undefined;
    if (ready !== undefined) {
      for (const metrics of ready.metrics) safely(() => o.host.report.metrics(metrics));
      finish(ready);
      return next();
    }
    if (frames.length === 0) {
      finish({ event: { type: "final_transcript", alternatives: [] }, metrics: [] });
      return next();
    }
    start(order.segment, frames, { isFinal: true, then: finish, otherwise: giveUp });
  };

  return {
    get waiting() {
      return finals.length;
    },
    interim(order) {
      const isBusy = running !== undefined || finals.length > 0;
      if (isBusy && !order.isSettled) return;
      const frames = o.sound(order.fromMs, order.toMs);
      if (frames.length === 0) return;
      if (isBusy) wanted = { order, frames };
      else startInterim(order, frames);
    },
    resume() {
      wanted = undefined;
      settled = undefined;
      if (running !== undefined) running.isSettled = false;
    },
    final(order) {
      if (wanted?.order.segment === order.segment) wanted = undefined;
      finals.push({ order, frames: o.sound(order.fromMs, order.toMs) });
      next();
    },
    stop(reason) {
      isStopped = true;
      finals = [];
      wanted = settled = head = undefined;
      running?.abort.abort(reason);
      running = undefined;
    },
  };
}

/** True when the recogniser may well understand the next segment: it was only tried too often for this one. */
function isExhausted(error: unknown): boolean {
  return isRetryable(error) || (isAPIError(error) && isRetryable(error.cause));
}

function idOf({ requestId }: SpeechEvent): { readonly requestId?: string } {
  return requestId === undefined ? {} : { requestId };
}

function bestOf(event: SpeechEvent): SpeechData | undefined {
  return "alternatives" in event ? event.alternatives[0] : undefined;
}

/** What a recogniser said of a segment, on the time line of the stream. One that tells no times gets the segment's. */
function placed(
  data: SpeechData,
  { fromMs, onsetMs, endMs }: { readonly fromMs: number; readonly onsetMs: number; readonly endMs: number },
): SpeechData {
  const isTimed = data.endTimeMs > 0;
  return {
    ...data,
    startTimeMs: isTimed ? fromMs + data.startTimeMs : onsetMs,
    endTimeMs: isTimed ? fromMs + data.endTimeMs : endMs,
    ...(data.words && {
      words: data.words.map((word) => ({
        ...word,
        ...(word.startMs === undefined ? {} : { startMs: fromMs + word.startMs }),
        ...(word.endMs === undefined ? {} : { endMs: fromMs + word.endMs }),
      })),
    }),
  };
}
