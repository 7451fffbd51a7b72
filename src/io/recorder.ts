/**
 * Both sides of a call in one file, as they were really heard.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../audio/frame.ts";
import { interleave } from "../audio/pcm.ts";
import { wavWriter } from "../audio/wav.ts";
import { AgentError } from "../base/error.ts";
import type { Clock } from "../base/runtime.ts";
import { Track } from "./track.ts";

/** How a {@linkcode CallRecorder} records. */
export interface CallRecorderOptions {
  /** Samples per second of the file. Default: 48,000. */
  readonly sampleRate?: number;
  /** The clock's time at which the file begins. Default: now. */
  readonly startedAt?: number;
  /** Told once why recording stopped: the file could not be written. The call goes on. Default: only `close` tells. */
  readonly onError?: (reason: unknown) => void;
}

/** Records a call. Disposing it closes it. */
export interface CallRecorder extends AsyncDisposable {
  /** The clock's time at which the file begins. */
  readonly startedAt: number;
  /** Milliseconds of sound that were left out: they came more than a second late, or a minute early. */
  readonly droppedMs: number;
  /**
   * What the caller said. `at` is the time of the first sample; default: now. Frames that come up to 100 ms apart from where the last
   * one ended count as following it.
   */
  caller(frame: AudioFrame, at?: number): void;
  /** What was heard of the agent. Fits `onPlayed` of a paced sink. */
  agent(frame: AudioFrame, at: number): void;
  /** Records the caller from a stream on its way to the session. */
  tap(microphone: ReadableStream<AudioFrame>): ReadableStream<AudioFrame>;
  /** A header that says the exact length so far: the file itself says "unknown", so that it is complete at any moment. */
  header(): Uint8Array;
  /**
   * Writes what is left, up to now, and closes the file. Idempotent.
   *
   * @throws what writing failed with, if it did.
   */
  close(): Promise<void>;
}

const DEFAULT_RATE = 48_000; // spec 03 section 16.1
const SETTLE_MS = 1_000; // chosen: a sink tells what was played up to 200 ms later, and one that is late gets another 800
const WRITE_EVERY_MS = 100; // chosen: what a hard end of the process costs, beyond what is not settled
const JITTER_MS = 100; // chosen: frames of a network or a busy process come in bursts
const ROUNDING_MS = 1; // the sink's times are exact; this is for the rounding to samples
const MAX_HELD_MS = 60_000; // chosen: a source that is faster than time is held that far
const MAX_WAITING_BYTES = 64 * 1024 * 1024; // chosen: five minutes at 48,000 Hz, after which the file is given up

/**
 * Makes a recorder of a stereo WAV file: the caller left, the agent right, in true time. Pauses are silence as long as they lasted,
 * and what was never heard is not in it. The file is written as time passes, about a second behind, and is complete wherever it is cut off.
 *
 * @example
 * ```ts
 * await using recorder = callRecorder(runtime.clock, await runtime.files.write("call.wav"));
 * session.input.audio = recorder.tap(microphone);
 * session.output.audio = wrapSink(runtime.clock, speaker, { onPlayed: recorder.agent });
 * ```
 */
export function callRecorder(
  clock: Clock,
  file: WritableStream<Uint8Array>,
  { sampleRate = DEFAULT_RATE, startedAt = clock.now(), onError }: CallRecorderOptions = {},
): CallRecorder {
  const perMs = sampleRate / 1000;
  const wav = wavWriter({ sampleRate, channels: 2 });
  const writer = file.getWriter();
  const left = new Track(sampleRate, MAX_HELD_MS * perMs);
  const right = new Track(sampleRate, MAX_HELD_MS * perMs);
  let writtenCount = 0; // samples per channel
  let waitingBytes = 0;
  let failure: { readonly reason: unknown } | undefined;
  let closing: Promise<void> | undefined;

  const fail = (reason: unknown): void => {
    if (failure !== undefined) return;
    failure = { reason };
    onError?.(reason);
  };

  const put = (frame: AudioFrame): void => {
    for (const bytes of wav.push(frame)) {
      waitingBytes += bytes.length;
      writer.write(bytes).then(() => void (waitingBytes -= bytes.length), fail); // `close` waits for all of them
    }
    if (waitingBytes > MAX_WAITING_BYTES) {
      fail(
        new AgentError(
          "stream.overflow",
          `Cannot record as at most ${MAX_WAITING_BYTES} bytes may wait for the file: current value is ${waitingBytes}`,
        ),
      );
    }
  };

  const writeUntil = (index: number): void => {
    if (index <= writtenCount || failure !== undefined) return;
    writtenCount = index;
    put(audioFrame(interleave([left.take(index), right.take(index)]), sampleRate, 2));
  };

  const indexOf = (at: number): number => (at - startedAt) * perMs;

  const place = (track: Track, frame: AudioFrame, at: number, toleranceMs: number): void => {
    if (closing !== undefined || failure !== undefined || frame.samplesPerChannel === 0) return;
    track.place(frame, indexOf(at), toleranceMs * perMs);
    const settled = Math.floor(indexOf(clock.now() - SETTLE_MS));
    if (settled - writtenCount >= WRITE_EVERY_MS * perMs) writeUntil(settled);
  };

  const caller = (frame: AudioFrame, at: number = clock.now()): void => place(left, frame, at, JITTER_MS);

  const finish = async (): Promise<void> => {
    writeUntil(Math.max(left.end, right.end, Math.floor(indexOf(clock.now()))));
    if (failure === undefined) await writer.close().catch(fail);
    if (failure !== undefined) throw failure.reason;
  };

  put(audioFrame(new Int16Array(0), sampleRate, 2)); // the header, so that it is a file from the first moment

  return {
    startedAt,
    get droppedMs() {
      return (left.droppedSamples + right.droppedSamples) / perMs;
    },
    caller,
    agent: (frame, at) => place(right, frame, at, ROUNDING_MS),
    tap: (microphone) =>
      microphone.pipeThrough(
        new TransformStream<AudioFrame, AudioFrame>({
          transform(frame, controller) {
            caller(frame);
            controller.enqueue(frame);
          },
        }),
      ),
    header: () => wav.header(),
    close: () => closing ??= finish(),
    async [Symbol.asyncDispose]() {
      await (closing ??= finish());
    },
  };
}
