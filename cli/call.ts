/**
 * One call: a caller's sound played in true time into a session, and everything that comes of it.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../src/audio/frame.ts";
import { monoFrame } from "../src/audio/frames.ts";
import { resampler } from "../src/audio/resample.ts";
import { pacedSink } from "../src/io/paced_sink.ts";
import type { Agent, AgentSession, AgentSessionOptions, Runtime } from "../mod.ts";
import { AgentSession as Session } from "../mod.ts";
import { traceFile } from "../src/trace/file.ts";
import type { TraceRecord } from "../src/trace/record.ts";
import { type CallRecorder, callRecorder } from "../src/io/recorder.ts";

/** Rate of the recording. Chosen: that of the models. */
const RATE = 16_000;
/** A frame of the microphone. */
const FRAME_MS = 20;
/** After the caller's last sound: how long both must be silent for the call to be over, and how long we wait for that. */
const QUIET_MS = 2_500;
const PATIENCE_MS = 45_000;

/** What came of a call. */
export interface CallResult {
  readonly records: readonly TraceRecord[];
  readonly session: AgentSession;
  /** The clock's time at which the recording begins. */
  readonly startedAt: number;
  /** What the head of the recording should say, now that its length is known. */
  readonly wavHeader: Uint8Array;
}

/** Where a call is written to while it goes on. */
export interface CallFiles {
  /** Both sides in true time, as WAV: caller left, agent right. */
  readonly recording: WritableStream<Uint8Array>;
  readonly trace: WritableStream<Uint8Array>;
}

/** How a call is held. */
export interface CallOptions {
  readonly runtime: Runtime;
  readonly caller: AudioFrame;
  readonly agent: Agent;
  readonly session: Pick<AgentSessionOptions, "llm" | "stt" | "tts" | "vad" | "turnHandling" | "logger">;
  readonly files: CallFiles;
  /** Told every record as it is made. */
  readonly onRecord?: (record: TraceRecord) => void;
  /** The session is about to start. */
  readonly onSession?: (session: AgentSession) => void;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
}

/** Holds a call, to its end. */
export async function holdCall(o: CallOptions): Promise<CallResult> {
  const { clock } = o.runtime;
  const records: TraceRecord[] = [];
  const file = traceFile(o.files.trace).getWriter();
  await using recorder = callRecorder(clock, o.files.recording, { sampleRate: RATE });
  const session = new Session({
    ...o.session,
    runtime: o.runtime,
    aecWarmupDuration: null, // the caller's line carries no echo of ours
    trace: new WritableStream<TraceRecord>({
      async write(record) {
        records.push(record);
        o.onRecord?.(record);
        await file.write(record);
      },
      close: () => file.close(),
    }, { highWaterMark: 1_024 }),
  });
  const line = microphone(o.runtime, o.caller, recorder);
  const sink = pacedSink(clock, { onPlayed: recorder.agent });
  session.input.audio = line.audio;
  session.output.audio = sink;
  session.output.transcription = { open: () => new WritableStream() };
  o.onSession?.(session);
  const closed = new Promise<void>((resolve) => void session.once("close", () => resolve()));
  await session.start({ agent: o.agent });
  await Promise.race([line.over.then(() => silence(o.runtime, session)), closed, aborted(o.signal)]);
  await session.close({ deadline: 5_000 });
  line.stop();
  sink[Symbol.dispose]();
  await recorder.close();
  return { records, session, startedAt: recorder.startedAt, wavHeader: recorder.header() };
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Resolves when both have been silent for a while, or patience is at an end. */
function silence({ clock }: Runtime, session: AgentSession): Promise<void> {
  const limit = clock.now() + PATIENCE_MS;
  return new Promise((resolve) => {
    let since = clock.now();
    const look = (): void => {
      const isQuiet = session.agentState === "listening" && session.userState !== "speaking" &&
        session.currentSpeech === null;
      if (!isQuiet) since = clock.now();
      if (clock.now() - since >= QUIET_MS || clock.now() >= limit || !session.isRunning) return resolve();
      clock.schedule(clock.now() + 100, look);
    };
    look();
  });
}

/** The caller's line: frames in true time, then silence until it is stopped. */
function microphone(
  { clock }: Runtime,
  caller: AudioFrame,
  recorder: CallRecorder,
): { readonly audio: ReadableStream<AudioFrame>; readonly over: Promise<void>; stop(): void } {
  const mono = monoFrame(caller);
  const convert = resampler({ from: mono.sampleRate, to: RATE });
  const head = convert.push(mono.data);
  const tail = convert.flush();
  const samples = new Int16Array(head.length + tail.length);
  samples.set(head);
  samples.set(tail, head.length);
  const size = (RATE * FRAME_MS) / 1000;
  let index = 0;
  let isStopped = false;
  let off = (): void => {};
  let finish = (): void => {};
  const over = new Promise<void>((resolve) => (finish = resolve));
  const audio = new ReadableStream<AudioFrame>({
    async pull(controller) {
      const from = recorder.startedAt + index * FRAME_MS;
      await new Promise<void>((resolve) => (off = clock.schedule(from + FRAME_MS, resolve)));
      if (isStopped) return;
      const data = new Int16Array(size);
      data.set(samples.subarray(index * size, (index + 1) * size));
      const frame = audioFrame(data, RATE);
      recorder.caller(frame, from);
      index++;
      if (index * size >= samples.length) finish();
      controller.enqueue(frame);
    },
    cancel() {
      isStopped = true;
      off();
    },
  }, { highWaterMark: 0 });
  return {
    audio,
    over,
    stop() {
      isStopped = true;
      off();
      finish();
    },
  };
}
