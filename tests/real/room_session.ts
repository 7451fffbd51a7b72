/**
 * A session in a room of a real server, with scripted models, and everything that it tells.
 */
import { randomUUID } from "node:crypto";
import { energyVAD } from "../../adapters/energy_vad/mod.ts";
import { type RoomAddress, type RoomIO, roomIO, type RoomIOOptions, type RtcRoom } from "../../adapters/livekit/mod.ts";
import { detectRuntime } from "../../adapters/runtime/detect.ts";
import type { LiveKitServer } from "../../scripts/livekit_server.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { Agent, AgentSession, type CloseEvent, type Runtime, type SessionEvent, type TraceRecord } from "../../mod.ts";
import {
  type ScriptedLLM,
  scriptedLLM,
  type ScriptedReply,
  type ScriptedSTT,
  scriptedSTT,
} from "../../src/testing/mod.ts";
import type { LogLine } from "../session/harness.ts";

export const runtime: Runtime = detectRuntime();
/** The rate of the sound that is played in these tests. */
const RATE = 24_000;

export interface RoomSession extends AsyncDisposable {
  readonly session: AgentSession;
  readonly io: RoomIO;
  readonly llm: ScriptedLLM;
  readonly stt: ScriptedSTT;
  readonly log: LogLine[];
  readonly trace: TraceRecord[];
  /** What the caller does, as the session has it: `speaking`, `listening`... */
  readonly userStates: string[];
  readonly closed: Promise<CloseEvent>;
  readonly closes: CloseEvent[];
  readonly errors: SessionEvent[];
}

export const newRoom = (): string => `room-${randomUUID().slice(0, 8)}`;

export interface RoomSessionOptions {
  readonly room: string;
  readonly options?: RoomIOOptions;
  readonly llm?: readonly ScriptedReply[];
  /** Default: an address on the server. */
  readonly at?: RtcRoom | RoomAddress;
}

/** Starts a session in a room. */
export async function startSession(server: LiveKitServer, o: RoomSessionOptions): Promise<RoomSession> {
  const llm = scriptedLLM(o.llm ?? [{ text: "Yes." }], { clock: runtime.clock });
  const stt = scriptedSTT();
  const log: LogLine[] = [];
  const line = (level: string) => (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
    void log.push({ level, message, fields });
  const trace: TraceRecord[] = [];
  const session = new AgentSession({
    runtime,
    llm,
    stt,
    vad: energyVAD({ minSilenceDuration: 550 }),
    aecWarmupDuration: null,
    logger: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
    trace: new WritableStream<TraceRecord>({ write: (record) => void trace.push(record) }),
  });
  const userStates: string[] = [];
  const errors: SessionEvent[] = [];
  const closes: CloseEvent[] = [];
  session.on("user_state_changed", ({ newState }) => void userStates.push(newState));
  session.on("error", (event) => void errors.push(event));
  const closed = new Promise<CloseEvent>((resolve) => {
    session.on("close", (event) => {
      closes.push(event);
      resolve(event);
    });
  });
  const at = o.at ?? { url: server.url, token: await server.token({ identity: "agent", room: o.room, kind: "agent" }) };
  const io = roomIO(at, o.options);
  await session.start({ agent: new Agent({ instructions: "Be brief." }), io });
  return {
    session,
    io,
    llm,
    stt,
    log,
    trace,
    userStates,
    closed,
    closes,
    errors,
    [Symbol.asyncDispose]: () => session.close(),
  };
}

/** A tone, loud enough to be told from everything else. */
export function tone(ms: number, o: { readonly hz?: number; readonly rate?: number } = {}): AudioFrame {
  const { hz = 440, rate = RATE } = o;
  const count = Math.round((rate * ms) / 1000);
  return audioFrame(
    Int16Array.from({ length: count }, (_, index) => Math.round(8_000 * Math.sin((2 * Math.PI * hz * index) / rate))),
    rate,
  );
}

/** A stream of one frame, as `say` takes it. */
export function soundOf(frame: AudioFrame): ReadableStream<AudioFrame> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(frame);
      controller.close();
    },
  });
}

/** How strong a frequency is in a frame, as the root mean square of that tone alone. */
export function strengthOf({ data, sampleRate }: AudioFrame, hz: number): number {
  let re = 0;
  let im = 0;
  data.forEach((value, index) => {
    re += value * Math.cos((2 * Math.PI * hz * index) / sampleRate);
    im += value * Math.sin((2 * Math.PI * hz * index) / sampleRate);
  });
  return (Math.SQRT2 * Math.hypot(re, im)) / Math.max(1, data.length);
}

/** The most of it in any 50 ms: where a jitter buffer stretched the sound, its phase jumps, and over a longer time it cancels out. */
export function mostOf({ data, sampleRate }: AudioFrame, hz: number): number {
  const size = sampleRate / 20;
  let most = 0;
  for (let at = 0; at + size <= data.length; at += size) {
    most = Math.max(most, strengthOf(audioFrame(data.slice(at, at + size), sampleRate), hz));
  }
  return most;
}

/** What the sink acknowledged, with the session's clock. */
export function acksOf(
  trace: readonly TraceRecord[],
): { readonly ack: string; readonly positionMs: number; readonly t: number }[] {
  return trace.flatMap((record) =>
    record.kind === "step" && record.fact.type === "playout.ack"
      ? [{ ack: record.fact.ack, positionMs: record.fact.positionMs, t: record.t }]
      : []
  );
}
