/**
 * Streaming speech recognition, with its time-outs, retries and measurements.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import {
  type AttemptOptions,
  finalError,
  idleLimit,
  labelOf,
  metadataOf,
  nap,
  reporter,
  retryDelayMs,
  timeoutError,
} from "./attempt_policy.ts";
import { APIConnectionError, isRetryable } from "./error.ts";
import type { AttemptEnd, ConnectionInfo } from "./host.ts";
import { type AudioInputPart, isMark } from "./marks.ts";
import type { STTMetrics } from "./metrics.ts";
import { later } from "./speech_time.ts";
import type { SpeechEvent, STT, STTOptions, STTStream } from "./stt.ts";

/** What a session says about one stream of a recogniser. */
export interface STTAttemptOptions extends AttemptOptions {
  readonly options?: STTOptions;
  /** Told how much sound was lost since the recogniser, or the gap between two connections, held too much of it. */
  readonly onDrop?: (droppedMs: number) => void;
}

const MAX_HELD_MS = 10_000; // chosen: longer than three retries, and 320 KB at 16 kHz

/**
 * Opens a stream of a recogniser, at once: audio and marks in, events out.
 *
 * After a retryable failure it is opened anew, and goes on: times continue where they were, and sound of the gap is kept,
 * up to 10,000 ms, the oldest dropped. What the failed connection had heard is not played again. A final transcript sets the
 * count of retries back, so that a long call bears any number of isolated failures. A connection that ends before its input
 * counts as failed. Writing never waits: a recogniser that is too slow loses its oldest sound. The limit of time runs from the
 * end of the input to the end of the events. Every report of usage is measured. An abort of the signal and a cancel end it
 * without a word. A composite recogniser does all of this itself.
 *
 * @throws {AgentError} `model.no_capability` when the recogniser takes whole segments only.
 */
export function sttAttempt(stt: STT, o: STTAttemptOptions): STTStream {
  const label = labelOf(stt);
  if (stt.stream === undefined) {
    throw new AgentError(
      "model.no_capability",
      `Cannot stream sound to ${label} as it must be able to stream: current value is streaming ${stt.capabilities.streaming}`,
    );
  }
  const { clock, connOptions } = o;
  const given = { ...o.options, host: o };
  if (stt.composite) return stt.stream(given);
  const outer = o.options?.signal;

  const report = reporter("stt_error", label, clock, o.report);
  const rest = nap(clock);
  let phase: "open" | "stopped" | "over" = "open"; // stopped: from outside, and what is left is to close
  let isCancelled = false;
  let broken: { readonly reason: unknown } | undefined; // the input itself failed
  let retryCount = 0; // since the start or the last final
  let attemptCount = 0;
  let attempt: Attempt | undefined;
  let failedOpen: { readonly error: unknown } | undefined;

  let keyterms = o.options?.keyterms; // a connection that is opened anew knows the newest
  let held: AudioInputPart[] = []; // what no connection has taken
  let heldMs = 0;
  let takenMs = 0; // sound that connections have taken, or that was dropped
  let hasEnded = false;
  let into: WritableStreamDefaultController;

  const limit = idleLimit(clock, connOptions.timeoutMs, () => {
    const error = timeoutError(label, connOptions.timeoutMs);
    if (attempt !== undefined) attempt.failure = { error };
    dropAttempt(error);
  }, o.pause);

  /** Lets go of the connection. A read that waits ends at once, whatever the provider does. */
  const dropAttempt = (reason: unknown): void => {
    const old = attempt;
    if (old === undefined) return;
    old.isOver = true;
    old.abort.abort(reason);
    old.reader.cancel(reason).catch(() => {}); // what fails here belongs to a connection that nobody wants any more
    old.writer.abort(reason).catch(() => {});
  };

  /** A connection costs nothing of what is counted: a measurement with no sound in it tells how it was got. */
  const connected = (signal: AbortSignal, { acquireTimeMs, reused }: ConnectionInfo): void => {
    if (phase !== "open" || signal.aborted) return;
    measure("", { audioDurationMs: 0, acquireTimeMs, connectionReused: reused });
  };

  const measure = (
    requestId: string,
    what: Pick<STTMetrics, "audioDurationMs"> & Partial<STTMetrics>,
  ): void =>
    report.metrics({
      type: "stt_metrics",
      timestamp: clock.now(),
      label,
      metadata: metadataOf(stt),
      requestId: requestId === "" ? o.requestId() : requestId,
      durationMs: 0,
      inputTokens: 0,
      outputTokens: 0,
      streamed: true,
      ...what,
    });

  const openAttempt = (): void => {
    const end = report.attempt(attemptCount);
    attemptCount += 1;
    const abort = new AbortController();
    let stream: STTStream;
    try {
      stream = stt.stream!({
        ...given,
        ...(keyterms !== undefined && { keyterms }),
        signal: abort.signal,
        onConnected: (how) => connected(abort.signal, how),
      });
    } catch (error) {
      end({ error, requestIds: [] });
      throw error;
    }
    const writer = stream.writable.getWriter();
    attempt = {
      abort,
      end,
      reader: stream.readable.getReader(),
      writer,
      ids: [],
      isOver: false,
      isWaiting: false,
      isClosing: false,
      offsetMs: takenMs,
    };
    writer.closed.catch(() => {}); // the reader tells
    feed(attempt);
  };

  /** Hands over what the connection has room for. */
  const feed = (mine: Attempt): void => {
    if (mine.isOver || mine.isWaiting || mine.isClosing) return;
    const fail = (error: unknown): void => {
      if (mine.isOver) return;
      mine.failure ??= { error };
      mine.reader.cancel(error).catch(() => {}); // so that the read that waits sees the failure
    };
    while (held.length > 0) {
      if ((mine.writer.desiredSize ?? 0) <= 0) {
        mine.isWaiting = true;
        mine.writer.ready.then(() => {
          mine.isWaiting = false;
          feed(mine);
        }, fail);
        return;
      }
      const part = held.shift()!;
      if (!isMark(part)) {
        const ms = frameDurationMs(part);
        heldMs -= ms;
        takenMs += ms;
      }
      mine.writer.write(part).catch(fail);
    }
    if (!hasEnded) return;
    mine.isClosing = true;
    mine.writer.close().catch(fail);
    limit.begin();
  };

  const hold = (part: AudioInputPart): void => {
    held.push(part);
    if (isMark(part)) {
      if (part.type === "context") keyterms = part.keyterms ?? keyterms;
      return;
    }
    heldMs += frameDurationMs(part);
    let droppedMs = 0;
    while (heldMs > MAX_HELD_MS) {
      const index = held.findIndex((other) => !isMark(other)); // marks are few, and still mean something
      const ms = frameDurationMs(held.splice(index, 1)[0] as AudioFrame);
      heldMs -= ms;
      takenMs += ms;
      droppedMs += ms;
    }
    if (droppedMs > 0) o.onDrop?.(droppedMs);
  };

  const read = async (): Promise<SpeechEvent | undefined> => {
    if (failedOpen !== undefined) {
      const { error } = failedOpen;
      failedOpen = undefined;
      throw error;
    }
    if (attempt === undefined) openAttempt();
    const mine = attempt!;
    const { done, value } = await mine.reader.read();
    if (phase !== "open") return undefined;
    if (mine.failure !== undefined) throw mine.failure.error;
    if (!done) return value;
    if (!mine.isClosing) throw new APIConnectionError({ message: `${label} ended before its input did` });
    return undefined;
  };

  const note = (event: SpeechEvent): void => {
    const mine = attempt!;
    const { requestId = "" } = event;
    if (requestId !== "" && !mine.ids.includes(requestId)) mine.ids.push(requestId);
    if (event.type === "final_transcript") retryCount = 0;
    if (event.type === "recognition_usage") {
      const { audioDurationMs, inputTokens = 0, outputTokens = 0 } = event;
      measure(requestId, { audioDurationMs, inputTokens, outputTokens });
    }
  };

  const leave = (): void => {
    phase = "over";
    held = [];
    limit.dispose();
    outer?.removeEventListener("abort", onAbort);
  };

  /** Ended from outside: by the signal, by a reader that leaves, or by a writer that gives up. */
  const stop = (reason: unknown): void => {
    if (phase !== "open") return;
    leave();
    phase = "stopped";
    dropAttempt(reason);
    attempt?.end({ requestIds: attempt.ids });
    report.close();
    rest.wake();
    into.error(reason);
  };
  const onAbort = (): void => stop(outer?.reason);

  const readable = new ReadableStream<SpeechEvent>({
    async pull(controller) {
      while (phase === "open") {
        try {
          const event = await read();
          if (phase !== "open") break;
          if (event !== undefined) {
            note(event);
            controller.enqueue(later(event, attempt!.offsetMs));
            return;
          }
          leave();
          attempt!.end({ requestIds: attempt!.ids });
          report.close();
        } catch (error) {
          if (phase !== "open") break;
          dropAttempt(error);
          attempt?.end({ requestIds: attempt.ids, error });
          attempt = undefined;
          limit.end();
          if (isRetryable(error) && retryCount < connOptions.maxRetry) {
            report.error(error, true);
            if (phase !== "open") break; // whoever was told has stopped it
            await rest.sleep(retryDelayMs(retryCount, connOptions));
            retryCount += 1;
          } else {
            leave();
            const reason = finalError(label, { error, retryCount, maxRetry: connOptions.maxRetry, hasOutput: false });
            report.error(reason, false);
            report.close();
            into.error(reason);
            controller.error(reason);
            return;
          }
        }
      }
      if (broken !== undefined) controller.error(broken.reason);
      else if (!isCancelled) controller.close();
    },
    cancel(reason) {
      isCancelled = true;
      stop(reason);
    },
  }, { highWaterMark: 0 });

  const writable = new WritableStream<AudioInputPart>({
    start(controller) {
      into = controller;
    },
    write(part) {
      if (phase !== "open") return;
      hold(part);
      if (attempt !== undefined) feed(attempt);
    },
    close() {
      hasEnded = true;
      if (attempt !== undefined) feed(attempt);
    },
    abort(reason) {
      broken = { reason };
      stop(reason);
    },
  });

  if (outer?.aborted) {
    stop(outer.reason);
  } else {
    outer?.addEventListener("abort", onAbort);
    try {
      openAttempt();
    } catch (error) {
      failedOpen = { error };
    }
  }
  return { readable, writable };
}

/** One connection to a recogniser. */
interface Attempt {
  readonly abort: AbortController;
  readonly end: (end: AttemptEnd) => void;
  readonly reader: ReadableStreamDefaultReader<SpeechEvent>;
  readonly writer: WritableStreamDefaultWriter<AudioInputPart>;
  readonly ids: string[];
  isOver: boolean;
  /** It has no room, and will say when it has. */
  isWaiting: boolean;
  isClosing: boolean;
  /** How much sound went before its first. */
  readonly offsetMs: number;
  failure?: { readonly error: unknown };
}
