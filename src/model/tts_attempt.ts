/**
 * Streaming speech synthesis, with its time-outs, retries and measurements.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import {
  type AttemptOptions,
  finalError,
  idleLimit,
  judge,
  labelOf,
  nap,
  reporter,
  retryDelayMs,
  timeoutError,
} from "./attempt_policy.ts";
import { APIConnectionError, APIError } from "./error.ts";
import type { AttemptEnd } from "./host.ts";
import type { FlushMark } from "./marks.ts";
import type { SynthesizedAudio, TTS, TTSStream } from "./tts.ts";
import { ttsMeter } from "./tts_meter.ts";

/** What a session says about one synthesis. */
export interface TTSAttemptOptions extends AttemptOptions {
  readonly signal?: AbortSignal;
  readonly voice?: string;
}

const SPEAKABLE = /[\p{L}\p{N}]/u; // dots and smileys may stay silent: only letters and digits must sound

/**
 * Opens a synthesis, at once: text and flushes in, audio out.
 *
 * As long as no audio came out, a retryable failure is tried again with the whole text, that which came meanwhile included;
 * after that a failure is final. The limit of time runs while a reader waits and the voice owes something: after a flush
 * until audio comes, and after the end of the text until the end of the audio, so that slow text is no fault of the voice.
 * Speakable text without any audio, and an end before that of the text, count as failures. Each segment is measured at its
 * final frame, and what was cut off is measured as cancelled. Status 499, an abort of the signal and a cancel end it without a
 * word; text that fails fails the audio. A composite voice does all of this itself.
 *
 * @throws {AgentError} `model.no_capability` when the voice takes whole texts only.
 */
export function ttsAttempt(tts: TTS, o: TTSAttemptOptions): TTSStream {
  const label = labelOf(tts);
  if (tts.stream === undefined) {
    throw new AgentError(
      "model.no_capability",
      `Cannot stream text to ${label} as it must be able to stream: current value is streaming ${tts.capabilities.streaming}`,
    );
  }
  const { clock, connOptions, signal: outer } = o;
  const given = { ...(o.voice === undefined ? {} : { voice: o.voice }), host: o };
  if (tts.composite) return tts.stream({ ...given, ...(outer === undefined ? {} : { signal: outer }) });

  const report = reporter("tts_error", label, clock, o.report);
  const rest = nap(clock);
  const meter = ttsMeter(tts, label, o, report);

  let phase: "open" | "stopped" | "over" = "open"; // stopped: from outside, and what is left is to close
  let isCancelled = false;
  let broken: { readonly reason: unknown } | undefined; // the text itself failed
  let retryCount = 0;
  let attempt: Attempt | undefined;
  let failedOpen: { readonly error: unknown } | undefined;

  // Text: kept from the start until audio comes out, then only until it is handed over.
  let log: (string | FlushMark)[] = [];
  let hasEnded = false;
  let isSpeakable = false;
  let hasAudio = false;
  let onTaken = (): void => {}; // lets the writer of the last part go on
  let into: WritableStreamDefaultController;

  let isReading = false;
  let owes: "nothing" | "audio" | "end" = "nothing";
  const limit = idleLimit(clock, connOptions.timeoutMs, () => {
    const error = timeoutError(label, connOptions.timeoutMs);
    if (attempt !== undefined) attempt.failure = { error };
    dropAttempt(error);
  }, o.pause);
  const weigh = (): void => isReading && owes !== "nothing" ? limit.begin() : limit.end();

  /** Lets go of the connection. A read that waits ends at once, whatever the provider does. */
  const dropAttempt = (reason: unknown): void => {
    const old = attempt;
    if (old === undefined) return;
    old.isOver = true;
    old.wake();
    old.abort.abort(reason);
    old.reader.cancel(reason).catch(() => {}); // what fails here belongs to an attempt that nobody wants any more
    old.writer.abort(reason).catch(() => {});
  };

  const openAttempt = (): void => {
    const end = report.attempt(retryCount);
    const abort = new AbortController();
    let stream: TTSStream;
    try {
      stream = tts.stream!({
        ...given,
        signal: abort.signal,
        onConnected: (how) => abort.signal.aborted ? undefined : meter.connected(how),
      });
    } catch (error) {
      end({ error, requestIds: [] });
      throw error;
    }
    attempt = {
      abort,
      end,
      reader: stream.readable.getReader(),
      writer: stream.writable.getWriter(),
      ids: [],
      isOver: false,
      fed: 0,
      wake: () => {},
    };
    attempt.writer.closed.catch(() => {}); // the reader tells
    owes = "nothing";
    void feed(attempt);
  };

  /** Hands the text over, part by part, as it comes. Never rejects. */
  const feed = async (mine: Attempt): Promise<void> => {
    try {
      for (;;) {
        while (mine.fed >= log.length && !hasEnded && !mine.isOver) await new Promise<void>((go) => (mine.wake = go));
        if (mine.isOver) return;
        if (mine.fed >= log.length) {
          const closing = mine.writer.close();
          owes = "end";
          weigh();
          await closing;
          return;
        }
        const part = log[mine.fed]!;
        if (typeof part === "string") meter.text(part);
        else meter.flush();
        const writing = mine.writer.write(part);
        if (typeof part !== "string" && owes === "nothing" && meter.awaitsAudio()) {
          owes = "audio";
          weigh();
        }
        await writing;
        if (mine.isOver) return;
        mine.fed += 1;
        if (hasAudio) forget(mine);
        if (mine.fed >= log.length) onTaken();
      }
    } catch (error) {
      if (mine.isOver) return;
      mine.failure ??= { error };
      mine.reader.cancel(error).catch(() => {}); // so that the read that waits sees the failure
    }
  };

  /** No attempt will want the text again that was handed over. */
  const forget = (mine: Attempt): void => {
    log = log.slice(mine.fed);
    mine.fed = 0;
  };

  const read = async (): Promise<SynthesizedAudio | undefined> => {
    if (failedOpen !== undefined) {
      const { error } = failedOpen;
      failedOpen = undefined;
      throw error;
    }
    if (attempt === undefined) openAttempt();
    const mine = attempt!;
    isReading = true;
    weigh();
    try {
      const { done, value } = await mine.reader.read();
      if (phase !== "open") return undefined;
      if (mine.failure !== undefined) throw mine.failure.error;
      if (!done) return value;
      if (!hasEnded || mine.fed < log.length) {
        throw new APIConnectionError({ message: `${label} ended before its text did` });
      }
      if (isSpeakable && !hasAudio) throw new APIError(`${label} gave no audio for its text`);
      return undefined;
    } finally {
      isReading = false;
      limit.end();
    }
  };

  const note = (audio: SynthesizedAudio): void => {
    const mine = attempt!;
    if (!hasAudio) {
      hasAudio = true;
      forget(mine);
    }
    if (owes === "audio") owes = "nothing";
    const { requestId } = audio;
    if (requestId !== undefined && !mine.ids.includes(requestId)) mine.ids.push(requestId);
    meter.audio(audio);
  };

  const leave = (): void => {
    phase = "over";
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
    meter.end(true);
    report.close();
    onTaken();
    rest.wake();
    into.error(reason);
  };
  const onAbort = (): void => stop(outer?.reason);

  const readable = new ReadableStream<SynthesizedAudio>({
    async pull(controller) {
      while (phase === "open") {
        try {
          const audio = await read();
          if (phase !== "open") break;
          if (audio !== undefined) {
            note(audio);
            controller.enqueue(audio);
            return;
          }
          leave();
          attempt!.end({ requestIds: attempt!.ids });
          meter.end(false);
          report.close();
        } catch (error) {
          if (phase !== "open") break;
          const failed = { error, retryCount, maxRetry: connOptions.maxRetry, hasOutput: hasAudio };
          const verdict = judge(failed);
          dropAttempt(error);
          attempt?.end({ requestIds: attempt.ids, ...(verdict === "quiet" ? {} : { error }) });
          attempt = undefined;
          if (verdict === "retry") {
            report.error(error, true);
            if (phase !== "open") break; // whoever was told has stopped it
            meter.restart();
            onTaken(); // the text is kept: its writer need not wait for the next attempt
            await rest.sleep(retryDelayMs(retryCount, connOptions));
            retryCount += 1;
          } else {
            leave();
            const reason = verdict === "quiet" ? closedQuietly(label) : finalError(label, failed);
            if (verdict === "quiet") meter.end(true);
            else report.error(reason, false);
            report.close();
            onTaken();
            into.error(reason);
            if (verdict === "quiet") break;
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

  const writable = new WritableStream<string | FlushMark>({
    start(controller) {
      into = controller;
    },
    write(part) {
      if (phase !== "open") return;
      if (part === "") return;
      log.push(part);
      if (!isSpeakable && typeof part === "string" && SPEAKABLE.test(part)) isSpeakable = true;
      if (attempt === undefined) return; // between two attempts, or before the first
      attempt.wake();
      return new Promise<void>((go) => (onTaken = go));
    },
    close() {
      hasEnded = true;
      attempt?.wake();
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
      openAttempt(); // before any text: connecting takes its time
    } catch (error) {
      failedOpen = { error };
    }
  }
  return { readable, writable };
}

/** One connection to a voice. */
interface Attempt {
  readonly abort: AbortController;
  readonly end: (end: AttemptEnd) => void;
  readonly reader: ReadableStreamDefaultReader<SynthesizedAudio>;
  readonly writer: WritableStreamDefaultWriter<string | FlushMark>;
  readonly ids: string[];
  isOver: boolean;
  /** How many parts of the text it has taken. */
  fed: number;
  wake: () => void;
  failure?: { readonly error: unknown };
}

function closedQuietly(label: string): APIConnectionError {
  return new APIConnectionError({ message: `${label} closed the request`, options: { retryable: false } });
}
