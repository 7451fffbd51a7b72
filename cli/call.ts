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
import type { TraceRecord } from "../src/trace/record.ts";
import { CallRecording, RECORDING_RATE } from "./recording.ts";

/** A frame of the microphone. */
const FRAME_MS = 20;
/** After the caller's last sound: how long both must be silent for the call to be over, and how long we wait for that. */
const QUIET_MS = 2_500;
const PATIENCE_MS = 45_000;

/** What came of a call. */
export interface CallResult {
  readonly recording: CallRecording;
  readonly records: readonly TraceRecord[];
  readonly session: AgentSession;
}

/** How a call is held. */
export interface CallOptions {
  readonly runtime: Runtime;
  readonly caller: AudioFrame;
  readonly agent: Agent;
  readonly session: Pick<AgentSessionOptions, "llm" | "stt" | "tts" | "vad" | "logger">;
  /** Told every record as it is made. */
  readonly onRecord?: (record: TraceRecord) => void;
  /** The session is about to start. */
  readonly onSession?: (session: AgentSession, recording: CallRecording) => void;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
}

/** Holds a call, to its end. */
export async function holdCall(o: CallOptions): Promise<CallResult> {
  const { clock } = o.runtime;
  const startedAt = clock.now();
  const records: TraceRecord[] = [];
  const recording = new CallRecording(startedAt);
  const session = new Session({
    ...o.session,
    runtime: o.runtime,
    aecWarmupDuration: null, // the caller's line carries no echo of ours
    trace: new WritableStream<TraceRecord>({
      write(record) {
        records.push(record);
        o.onRecord?.(record);
      },
    }, { highWaterMark: 1_024 }),
  });
  const line = microphone(o.runtime, o.caller, recording, startedAt);
  const sink = pacedSink(clock, { onPlayed: (frame, at) => recording.agent(frame, at) });
  session.input.audio = line.audio;
  session.output.audio = sink;
  session.output.transcription = { open: () => new WritableStream() };
  o.onSession?.(session, recording);
  const closed = new Promise<void>((resolve) => void session.once("close", () => resolve()));
  await session.start({ agent: o.agent });
  await Promise.race([line.over.then(() => silence(o.runtime, session)), closed, aborted(o.signal)]);
  await session.close({ deadline: 5_000 });
  line.stop();
  sink[Symbol.dispose]();
  return { recording, records, session };
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
      const isQuiet = session.agentState === "listening" && session.userState !== "speaking" && session.currentSpeech === null;
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
  recording: CallRecording,
  startedAt: number,
): { readonly audio: ReadableStream<AudioFrame>; readonly over: Promise<void>; stop(): void } {
  const mono = monoFrame(caller);
  const convert = resampler({ from: mono.sampleRate, to: RECORDING_RATE });
  const head = convert.push(mono.data);
  const tail = convert.flush();
  const samples = new Int16Array(head.length + tail.length);
  samples.set(head);
  samples.set(tail, head.length);
  const size = (RECORDING_RATE * FRAME_MS) / 1000;
  let index = 0;
  let isStopped = false;
  let off = (): void => {};
  let finish = (): void => {};
  const over = new Promise<void>((resolve) => (finish = resolve));
  const audio = new ReadableStream<AudioFrame>({
    async pull(controller) {
      const from = startedAt + index * FRAME_MS;
      await new Promise<void>((resolve) => (off = clock.schedule(from + FRAME_MS, resolve)));
      if (isStopped) return;
      const data = new Int16Array(size);
      data.set(samples.subarray(index * size, (index + 1) * size));
      const frame = audioFrame(data, RECORDING_RATE);
      recording.caller(audioFrame(data.slice(), RECORDING_RATE), from);
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
