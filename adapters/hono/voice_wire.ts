/**
 * The wire between a page and the voice route, version 1. `docs/voice_wire.md` tells it in words.
 *
 * @module
 */
import * as v from "valibot";
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import type { LatencyPart } from "../../src/trace/latency.ts";
import type { AgentState, UserState } from "../../src/turn/effect.ts";

/** The version of the wire. A page names the one it speaks; any other is refused. */
export const VOICE_WIRE_VERSION = 1;

/** What became of a segment of the agent's speech, as far as the page has played it. Samples count at the output rate. */
export interface PlayoutReport {
  /** Which segment; they count from 1. */
  readonly segment: number;
  /** `started` with its first sample, `position` on the way and on each pause, and one of the others at its end. */
  readonly event: "started" | "position" | "finished" | "cleared";
  /** Samples of the segment that were played. */
  readonly samples: number;
  /** How long what is played now takes to be audible, in milliseconds. */
  readonly latencyMs?: number;
}

/** Where a page stands that comes back. */
export interface ResumeState {
  /** What `welcome` gave. */
  readonly token: string;
  /** The last numbered message that it saw. */
  readonly seen: number;
  /** Samples received of each segment that has not ended. */
  readonly received: readonly { readonly segment: number; readonly samples: number }[];
  /** The latest report of each segment, of as many as it remembers; the oldest first. */
  readonly reports: readonly PlayoutReport[];
}

/** The first message of a page. */
export interface HelloMessage {
  readonly type: "hello";
  readonly version: number;
  /** Samples per second of the microphone: 8,000 to 48,000. */
  readonly sampleRate: number;
  /** Given to go on with a call. */
  readonly resume?: ResumeState;
}

/** What a page sends, beside sound. */
export type PageMessage =
  | HelloMessage
  | { readonly type: "played" } & PlayoutReport
  /** Sent every other second: the page is there, and has seen numbered messages up to `seen`. Answered by `pong`. */
  | { readonly type: "ping"; readonly id: number; readonly seen: number }
  /** The user typed something. */
  | { readonly type: "text"; readonly text: string }
  /** The microphone is switched off, or on again. */
  | { readonly type: "mute"; readonly muted: boolean }
  /** The user hangs up. */
  | { readonly type: "end" };

/** What the page must do with what it plays. Each may come twice. */
export type PlayoutMessage =
  /** No more sound comes for the segment: it ends with this sample. */
  | { readonly type: "segment"; readonly segment: number; readonly samples: number }
  /** What is not yet played of the segment is thrown away. */
  | { readonly type: "clear"; readonly segment: number }
  /** Silence at once, keeping the position; or on again. */
  | { readonly type: "pause"; readonly paused: boolean };

/** What happens in the call. Each has a number, and comes again to a page that did not see it. */
export type CallMessage =
  | { readonly type: "state"; readonly agent: AgentState; readonly user: UserState }
  /** What the user says, as it is understood; one that is not final is replaced by the next. */
  | { readonly type: "user_transcript"; readonly text: string; readonly isFinal: boolean }
  /** What the agent says, in step with the sound: words to add to those of the same speech. */
  | { readonly type: "agent_transcript"; readonly speech: string; readonly text: string }
  /** A message of the history: of the agent, what was heard. */
  | {
    readonly type: "message";
    readonly id: string;
    readonly role: "user" | "assistant";
    readonly text: string;
    /** It was cut off. */
    readonly interrupted: boolean;
  }
  /** The agent used a tool. */
  | { readonly type: "tool"; readonly name: string; readonly isError: boolean }
  /** The user cut in, or seemed to. `resumed`: it was nothing, and the agent goes on. */
  | { readonly type: "interruption"; readonly resumed: boolean }
  /** Where the time went between the user's last sound and the agent's first. */
  | {
    readonly type: "latency";
    readonly turn: number;
    readonly totalMs: number;
    readonly spans: readonly { readonly part: LatencyPart; readonly ms: number }[];
  }
  /** Something failed; the call goes on. */
  | { readonly type: "error"; readonly code: string; readonly message: string }
  /** So many messages were lost, since the page was away for too long or is too slow. */
  | { readonly type: "gap"; readonly count: number }
  /** The call is over; the connection closes. */
  | { readonly type: "end"; readonly reason: string };

/** What the server sends, beside sound. */
export type ServerMessage =
  /** The answer to `hello`. */
  | {
    readonly type: "welcome";
    readonly version: number;
    /** The call goes on; false: it begins. */
    readonly resumed: boolean;
    /** Gives the call back to whoever lost the connection, for so long. 0: not at all. */
    readonly token: string;
    readonly graceMs: number;
    /** Samples per second of the agent's sound. */
    readonly sampleRate: number;
    /** Samples of the microphone that have arrived: sound from here on may be sent again. */
    readonly received: number;
  }
  | { readonly type: "pong"; readonly id: number }
  /** The connection is refused, and closes. */
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string }
  | PlayoutMessage
  | CallMessage & { readonly seq: number };

/** Why a connection closes, beside 1000: as RFC 6455 leaves 4000 to 4999 to programs. */
export const VOICE_CLOSE_CODES: Readonly<
  Record<"badHello" | "unknownCall" | "silent" | "replaced" | "tooSlow" | "tooMany", number>
> = {
  badHello: 4400,
  unknownCall: 4404,
  silent: 4408,
  replaced: 4409,
  tooSlow: 4413,
  tooMany: 4429,
};

/** A message of text holds at most so many characters; a frame of sound at most so many bytes. Chosen: 2 s at 16 kHz. */
export const MAX_MESSAGE_SIZE = 65_536;
/** What a user may type at once. */
export const MAX_TEXT_LENGTH = 4_000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const segment = v.pipe(v.number(), v.integer(), v.minValue(1));
const report = {
  segment,
  event: v.picklist(["started", "position", "finished", "cleared"]),
  samples: count,
  latencyMs: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(5_000))),
};
const schema = v.variant("type", [
  v.object({
    type: v.literal("hello"),
    version: v.number(),
    sampleRate: v.pipe(v.number(), v.integer(), v.minValue(8_000), v.maxValue(48_000)),
    resume: v.optional(v.object({
      token: v.pipe(v.string(), v.maxLength(100)),
      seen: count,
      received: v.pipe(v.array(v.object({ segment, samples: count })), v.maxLength(64)),
      reports: v.pipe(v.array(v.object(report)), v.maxLength(64)),
    })),
  }),
  v.object({ type: v.literal("played"), ...report }),
  v.object({ type: v.literal("ping"), id: count, seen: count }),
  v.object({
    type: v.literal("text"),
    text: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_TEXT_LENGTH)),
  }),
  v.object({ type: v.literal("mute"), muted: v.boolean() }),
  v.object({ type: v.literal("end") }),
]);

function bad(rule: string, value: unknown): AgentError {
  return new AgentError("voice.bad_message", `Cannot read a message as ${rule}: current value is ${value}`);
}

/**
 * Reads a message of a page.
 *
 * @throws {AgentError} `voice.bad_message`, naming the part that does not fit.
 */
export function parsePageMessage(text: string): PageMessage {
  if (text.length > MAX_MESSAGE_SIZE) throw bad(`it must have at most ${MAX_MESSAGE_SIZE} characters`, text.length);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad("it must be JSON", `${text.length} characters that are not`);
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output as PageMessage;
  const [issue] = result.issues;
  throw bad(`\`${v.getDotPath(issue) ?? "message"}\` must be ${issue.expected ?? "shorter"}`, issue.received);
}

/** Sound of the microphone. */
export interface MicrophoneFrame {
  /** Samples of the microphone before these, modulo 2^32. */
  readonly index: number;
  readonly samples: Int16Array;
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function samplesOf(view: DataView, from: number): Int16Array {
  const samples = new Int16Array((view.byteLength - from) / 2);
  for (let at = 0; at < samples.length; at++) samples[at] = view.getInt16(from + at * 2, true);
  return samples;
}

/**
 * Reads a frame of the microphone: four bytes of index, then samples of 16 bits; all of it little-endian.
 *
 * @throws {AgentError} `voice.bad_message` for a frame that is too long, torn or empty.
 */
export function parseMicrophoneFrame(bytes: Uint8Array): MicrophoneFrame {
  if (bytes.length > MAX_MESSAGE_SIZE) throw bad(`a frame must have at most ${MAX_MESSAGE_SIZE} bytes`, bytes.length);
  if (bytes.length < 6 || bytes.length % 2 !== 0) {
    throw bad("a frame must have an index of 4 bytes and whole samples of 2", `${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { index: view.getUint32(0, true), samples: samplesOf(view, 4) };
}

/** Writes a frame of the agent's sound: the segment, the index of its first sample there, and the samples. */
export function speechFrame(segment: number, index: number, samples: Int16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, segment, true);
  view.setUint32(4, index, true);
  if (isLittleEndian) new Int16Array(bytes.buffer, 8).set(samples);
  else for (let at = 0; at < samples.length; at++) view.setInt16(8 + at * 2, samples[at]!, true);
  return bytes;
}
