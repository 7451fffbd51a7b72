/**
 * One call of a page: joins a session to a connection that may break and come back.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import type { Runtime } from "../../src/base/runtime.ts";
import type { TimedString } from "../../src/model/marks.ts";
import type { AgentSession, SessionIO } from "../../src/session/agent_session.ts";
import { latencyReader } from "../../src/trace/latency.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import type { CloseReason } from "../../src/stage/state.ts";
import { fromPush, type Inlet } from "../../streams/from_push.ts";
import { tellEvents } from "./voice_events.ts";
import { voiceSink } from "./voice_sink.ts";
import {
  type CallMessage,
  type HelloMessage,
  type MicrophoneFrame,
  type PageMessage,
  type ServerMessage,
  speechFrame,
  VOICE_CLOSE_CODES,
  VOICE_WIRE_VERSION,
} from "./voice_wire.ts";

/** A connection to a page. None of these throws, whatever became of the socket. */
export interface VoiceConnection {
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code: number, reason: string): void;
  /** Bytes on their way; undefined where the place does not say. */
  bufferedBytes(): number | undefined;
}

/** How a call is held. */
export interface VoiceCallOptions {
  readonly runtime: Pick<Runtime, "clock" | "secret">;
  /** Samples per second of the agent's sound on the wire. */
  readonly sampleRate: number;
  /** How long the call waits for a page that is gone. */
  readonly graceMs: number;
  /** The call is over, and holds nothing any more. */
  readonly onOver: () => void;
}

/** A call. */
export interface VoiceCall {
  /** What gives the call back to its page. A secret. */
  readonly token: string;
  /** Joins the call's session to it. */
  readonly io: SessionIO;
  /** Samples per second of the microphone. */
  readonly inputRate: number;
  /** A page begins the call, or comes back to it; a connection that it had before is closed. */
  join(connection: VoiceConnection, hello: HelloMessage): void;
  /** The page sent sound. */
  sound(frame: MicrophoneFrame): void;
  /** The page sent a message that is no `hello`. */
  message(message: Exclude<PageMessage, HelloMessage>): void;
  /** A connection is gone. Another than the present one counts for nothing. */
  left(connection: VoiceConnection): void;
  /** Takes the session's records, for its latency accounts. */
  record(record: TraceRecord): void;
  /** Tells the page of something that it did wrong. */
  complain(error: AgentError): void;
  /** The session runs: it may be told what the user typed meanwhile. */
  begun(): void;
  /** It could not begin. */
  fail(code: ErrorCode, message: string): void;
  /** Ends the call, as when the server stops. Resolves when nothing of it is left. */
  close(reason: CloseReason): Promise<void>;
}

const MAX_UNSEEN = 256; // messages kept for a page that is away; chosen: some minutes of talk
const FRAME_MS = 20;
const MAX_FRAMES = 250; // of the microphone that the session has not read; chosen: 5 s, as much as a page keeps while away
const MAX_AHEAD_MS = 10_000; // sound that may come sooner than it can have been spoken; chosen: twice what a page keeps
const SILENT_MS = 30_000; // a connection that brings nothing for so long is gone; chosen: 15 pings
const MAX_TYPED = 16; // texts that wait for the session to begin
const MAX_BUFFERED_BYTES = 1024 * 1024; // on the way to a page that takes nothing

/** Makes a call. It begins with the first `join`. */
export function voiceCall({ runtime, sampleRate, graceMs, onOver }: VoiceCallOptions, hello: HelloMessage): VoiceCall {
  const { clock } = runtime;
  const inputRate = hello.sampleRate;
  const frameSize = Math.floor((inputRate * FRAME_MS) / 1000);
  const token = tokenOf(runtime.secret(24));
  const readLatency = latencyReader();
  const unseen: (CallMessage & { readonly seq: number })[] = [];
  let seq = 0;
  let connection: VoiceConnection | undefined;
  let session: AgentSession | undefined;
  let microphone: Inlet<AudioFrame> | undefined;
  let received = 0; // samples of the microphone
  let taken = 0; // the same, without those that came too soon; never modulo
  const beganAt = clock.now();
  let heardAt = 0;
  let isTooFast = false;
  let isMuted = false;
  let phase: "open" | "over" = "open";
  let offGrace = (): void => {};
  let offSilence = (): void => {};

  const send = (message: ServerMessage): void => connection?.send(JSON.stringify(message));

  const tell = (message: CallMessage): void => {
    if (phase === "over") return;
    const numbered = { ...message, seq: ++seq };
    unseen.push(numbered);
    if (unseen.length > MAX_UNSEEN) unseen.shift();
    send(numbered);
    dropIfSlow();
  };

  const drop = (code: number, reason: string): void => {
    const dropped = connection;
    if (dropped === undefined) return;
    left(dropped);
    dropped.close(code, reason);
  };

  const dropIfSlow = (): void => {
    if ((connection?.bufferedBytes() ?? 0) > MAX_BUFFERED_BYTES) drop(VOICE_CLOSE_CODES.tooSlow, "too slow");
  };

  const sink = voiceSink(clock, {
    sampleRate,
    line: {
      sound(segment, index, samples) {
        connection?.send(speechFrame(segment, index, samples));
        dropIfSlow();
      },
      control: send,
    },
  });

  const left = (gone: VoiceConnection): void => {
    if (gone !== connection) return;
    connection = undefined;
    sink.disconnected();
    offSilence();
    if (phase === "over") return;
    if (graceMs === 0) return hangUp("participant_disconnected");
    offGrace = clock.schedule(clock.now() + graceMs, () => hangUp("participant_disconnected"));
  };

  const hangUp = (reason: CloseReason): void => {
    if (session === undefined) finish(reason);
    else session.shutdown({ drain: false, reason });
  };

  /** Lets go of everything. */
  const finish = (reason: string): void => {
    if (phase === "over") return;
    tell({ type: "end", reason });
    phase = "over";
    offGrace();
    offSilence();
    microphone?.end();
    sink[Symbol.dispose]();
    unseen.length = 0;
    const last = connection;
    connection = undefined;
    last?.close(1000, reason);
    onOver();
  };

  const watch = (): void => {
    offSilence();
    offSilence = clock.schedule(heardAt + SILENT_MS, () => {
      if (clock.now() - heardAt >= SILENT_MS) drop(VOICE_CLOSE_CODES.silent, "silent");
      else watch();
    });
  };

  const typed: string[] = []; // before the session runs
  let isBegun = false;

  const type = (text: string): void => {
    if (session === undefined || !isBegun) {
      if (typed.length < MAX_TYPED) typed.push(text);
      return;
    }
    try {
      session.interrupt().catch(() => {}); // what it says may be protected: then the answer waits its turn
    } catch {
      // as above
    }
    try {
      session.generateReply({ userInput: text, inputModality: "text" });
    } catch (error) {
      complain(error instanceof AgentError ? error : notRunning());
    }
  };

  const complain = (error: AgentError): void => tell({ type: "error", code: error.code, message: error.message });

  const attach = (joined: AgentSession): void => {
    session = joined;
    joined.input.audio = fromPush<AudioFrame>((inlet) => {
      microphone = inlet;
      return () => (microphone = undefined);
    }, { limit: MAX_FRAMES, onDrop: () => {} });
    joined.input.setAudioEnabled(!isMuted);
    joined.output.audio = sink;
    joined.output.transcription = {
      open: (speech) =>
        new WritableStream<TimedString>({ write: ({ text }) => tell({ type: "agent_transcript", speech, text }) }),
    };
    tellEvents(joined, tell);
    joined.once("close", ({ reason }) => finish(reason));
  };

  return {
    token,
    inputRate,
    io: {
      attach(joined) {
        if (phase === "over") return Promise.reject(new Error("the page has left"));
        attach(joined);
        return Promise.resolve({
          // One that could not start is told of by `fail`.
          [Symbol.asyncDispose]: async () => {
            if (isBegun) finish("error");
          },
        });
      },
    },
    join(next, { resume }) {
      const before = connection;
      connection = undefined; // so that its closing counts for nothing
      before?.close(VOICE_CLOSE_CODES.replaced, "replaced");
      offGrace();
      connection = next;
      heardAt = clock.now();
      watch();
      send({
        type: "welcome",
        version: VOICE_WIRE_VERSION,
        resumed: resume !== undefined,
        token,
        graceMs,
        sampleRate,
        received,
      });
      const seen = resume?.seen ?? 0;
      const again = unseen.filter((message) => message.seq > seen);
      const missing = (again[0]?.seq ?? seq + 1) - seen - 1;
      if (missing > 0) send({ type: "gap", count: missing, seq: seen + missing });
      for (const message of again) send(message);
      sink.connected(resume);
    },
    sound({ index, samples }) {
      heardAt = clock.now();
      const late = (received - index) | 0; // the indices are modulo 2^32
      if (late >= samples.length) return;
      const fresh = late > 0 ? samples.subarray(late) : samples;
      received = (index + samples.length) >>> 0;
      if (microphone === undefined || isMuted) return;
      const most = ((clock.now() - beganAt + MAX_AHEAD_MS) * inputRate) / 1000;
      if (taken + fresh.length > most) {
        if (!isTooFast) {
          complain(
            new AgentError(
              "voice.bad_message",
              `Cannot hear sound as it must not come sooner than it is spoken: current value is ${MAX_AHEAD_MS} ms ahead`,
            ),
          );
        }
        isTooFast = true;
        return;
      }
      isTooFast = false;
      taken += fresh.length;
      for (let at = 0; at < fresh.length; at += frameSize) {
        microphone.push(audioFrame(fresh.slice(at, at + frameSize), inputRate));
      }
    },
    message(message) {
      heardAt = clock.now();
      switch (message.type) {
        case "played":
          return sink.reported(message);
        case "ping":
          while (unseen[0] !== undefined && unseen[0].seq <= message.seen) unseen.shift();
          return send({ type: "pong", id: message.id });
        case "text":
          return type(message.text);
        case "mute":
          isMuted = message.muted;
          return session?.input.setAudioEnabled(!isMuted);
        case "end":
          return hangUp("participant_disconnected");
        default:
          return message satisfies never;
      }
    },
    left,
    record(record) {
      const account = readLatency(record);
      if (account === undefined) return;
      tell({
        type: "latency",
        turn: account.turnId,
        totalMs: account.totalMs,
        spans: account.spans.map(({ part, from, to }) => ({ part, ms: to - from })),
      });
    },
    complain,
    begun() {
      isBegun = true;
      for (const text of typed.splice(0)) type(text);
    },
    fail(code, message) {
      tell({ type: "error", code, message });
      finish("error");
    },
    async close(reason) {
      if (session === undefined) return finish(reason);
      session.shutdown({ drain: false, reason });
      await session.close();
      finish(reason);
    },
  };
}

function notRunning(): AgentError {
  return new AgentError("session.not_running", "Cannot answer as the call must have begun: current value is beginning");
}

/** 32 characters that stand for 24 bytes. */
function tokenOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
