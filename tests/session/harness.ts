/**
 * A session on a virtual clock with scripted models, and everything that it tells.
 */
import assert from "node:assert/strict";
import { type VirtualClock, type VirtualRuntime, virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import type { ErrorCode } from "../../src/base/error.ts";
import { AgentError } from "../../src/base/error.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import type { PlayoutSink, TranscriptSink } from "../../src/io/playout.ts";
import type { TimedString } from "../../src/model/marks.ts";
import { Agent, type AgentOptions } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import type { SessionEvent, SessionEvents } from "../../src/session/events.ts";
import type { AgentSessionOptions } from "../../src/session/options.ts";
import { type ScriptedSTT, scriptedSTT, type ScriptedVAD, scriptedVAD } from "../../src/testing/scripted_ears.ts";
import { type ScriptedLLM, scriptedLLM, type ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { type ScriptedTTS, scriptedTTS, type TTSScript } from "../../src/testing/scripted_tts.ts";
import type { TraceRecord } from "../../src/trace/record.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface World {
  readonly runtime: VirtualRuntime;
  readonly clock: VirtualClock;
  readonly session: AgentSession;
  readonly agent: Agent;
  readonly llm: ScriptedLLM;
  readonly tts: ScriptedTTS;
  readonly stt: ScriptedSTT;
  readonly vad: ScriptedVAD;
  readonly events: SessionEvent[];
  readonly log: LogLine[];
  readonly captions: string[];
  readonly trace: TraceRecord[];
  start(agent?: Agent): Promise<void>;
  close(options?: { readonly deadline?: number }): Promise<void>;
  /** Runs until the promise settles. */
  until<T>(work: PromiseLike<T>): Promise<T>;
}

export interface WorldOptions {
  readonly runtime?: VirtualRuntime;
  readonly seed?: number;
  readonly llm?: readonly ScriptedReply[];
  /** Left out: no voice and no audio output. */
  readonly tts?: TTSScript;
  /** Default: a paced sink, when there is a voice. */
  readonly sink?: PlayoutSink | null;
  /** The user is heard. */
  readonly ears?: boolean;
  readonly microphone?: ReadableStream<AudioFrame>;
  readonly captions?: boolean;
  readonly agent?: Partial<AgentOptions>;
  readonly options?: Partial<AgentSessionOptions>;
  readonly trace?: boolean;
}

export const EVENT_NAMES: readonly SessionEvent["type"][] = Object.keys(
  {
    user_state_changed: 0,
    agent_state_changed: 0,
    user_input_transcribed: 0,
    user_transcription_timeout: 0,
    conversation_item_added: 0,
    agent_false_interruption: 0,
    eot_prediction: 0,
    function_tools_executed: 0,
    tool_execution_updated: 0,
    metrics_collected: 0,
    session_usage_updated: 0,
    speech_created: 0,
    user_turn_dropped: 0,
    overlapping_speech: 0,
    error: 0,
    close: 0,
  } satisfies Record<keyof SessionEvents, 0>,
) as SessionEvent["type"][];

export function world(o: WorldOptions = {}): World {
  const runtime = o.runtime ?? virtualRuntime({ seed: o.seed ?? 1 });
  const { clock } = runtime;
  const llm = scriptedLLM(o.llm ?? [{ text: "Hello there." }], { clock });
  const tts = scriptedTTS(o.tts ?? {}, { clock, sampleRate: 1_000 });
  const stt = scriptedSTT();
  const vad = scriptedVAD();
  const log: LogLine[] = [];
  const line = (level: string) => (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    log.push({ level, message, fields });
  };
  const trace: TraceRecord[] = [];
  const session = new AgentSession({
    runtime,
    llm,
    ...(o.tts && { tts }),
    ...(o.ears && { stt, vad }),
    logger: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
    ...(o.trace && {
      trace: new WritableStream<TraceRecord>({ write: (record) => void trace.push(record) }),
    }),
    ...o.options,
  });
  const events: SessionEvent[] = [];
  for (const name of EVENT_NAMES) session.on(name, (event) => void events.push(event as SessionEvent));
  const sink = o.sink === undefined ? (o.tts === undefined ? null : pacedSink(clock)) : o.sink;
  if (sink !== null) session.output.audio = sink;
  if (o.ears) session.input.audio = o.microphone ?? microphone(clock);
  const captions: string[] = [];
  if (o.captions) session.output.transcription = captionSink(captions);
  const agent = new Agent({ instructions: "Be brief.", ...o.agent });
  return {
    runtime,
    clock,
    session,
    agent,
    llm,
    tts,
    stt,
    vad,
    events,
    log,
    captions,
    trace,
    start: (other = agent) => clock.until(session.start({ agent: other })),
    close: (options) => clock.until(session.close(options)),
    until: (work) => clock.until(work),
  };
}

/** Ten frames a second, until it is cancelled. */
export function microphone(clock: VirtualClock): ReadableStream<AudioFrame> {
  let off = (): void => {};
  return new ReadableStream<AudioFrame>({
    start(controller) {
      const next = (at: number): void => {
        off = clock.schedule(at, () => {
          controller.enqueue(audioFrame(new Int16Array(100), 1_000));
          next(at + 100);
        });
      };
      next(clock.now() + 100);
    },
    cancel: () => off(),
  }, { highWaterMark: 1_000 });
}

/** Collects what was shown, a text for each segment. */
export function captionSink(into: string[]): TranscriptSink {
  return {
    open() {
      const place = into.push("") - 1;
      return new WritableStream<TimedString>({ write: ({ text }) => void (into[place] += text) });
    },
  };
}

/** A user who speaks from `from` to `until`, by the clock of the world. */
export function userSays(
  w: World,
  o: { readonly from: number; readonly until: number; readonly text: string; readonly interims?: boolean },
): void {
  const { clock, vad, stt } = w;
  const duration = o.until - o.from;
  const event = (
    type: "start_of_speech" | "inference_done" | "end_of_speech",
    speechMs: number,
    silenceMs: number,
  ) => ({
    type,
    timestampMs: clock.now(),
    speechDurationMs: speechMs,
    silenceDurationMs: silenceMs,
    rawSpeechMs: speechMs,
    rawSilenceMs: silenceMs,
    speaking: type !== "end_of_speech",
    probability: 1,
    inferenceDurationMs: 0,
  });
  const words = (type: "interim_transcript" | "final_transcript", text: string) => ({
    type,
    alternatives: [{ text, language: "en", startTimeMs: o.from, endTimeMs: o.until, confidence: 0.9 }] as const,
  });
  clock.schedule(o.from + 50, () => vad.push(event("start_of_speech", 50, 0)));
  for (let at = o.from + 100; at < o.until; at += 50) {
    clock.schedule(at, () => vad.push(event("inference_done", at - o.from, 0)));
  }
  if (o.interims !== false) {
    const parts = o.text.split(" ");
    parts.forEach((_, index) => {
      if (index === parts.length - 1) return;
      const at = o.from + ((index + 1) * duration) / parts.length;
      clock.schedule(at, () => stt.push(words("interim_transcript", parts.slice(0, index + 1).join(" "))));
    });
  }
  clock.schedule(o.until + 300, () => stt.push(words("final_transcript", o.text)));
  clock.schedule(o.until + 550, () => vad.push(event("end_of_speech", duration, 550)));
}

/** The history as `role: text` lines, calls and outputs included; an interrupted message ends with `/`. */
export function told(items: readonly ChatItem[]): string[] {
  return items.flatMap((item) => {
    switch (item.type) {
      case "message":
        return item.role === "system" ? [] : [`${item.role}: ${item.textContent ?? ""}${item.interrupted ? "/" : ""}`];
      case "function_call":
        return [`call ${item.name} ${item.callId} ${item.args}`];
      case "function_call_output":
        return [`output ${item.callId}${item.isError ? " error" : ""}: ${item.output}`];
      default:
        return [];
    }
  });
}

/** Names of events; metrics, usage and the lives of calls left out. */
export function names(events: readonly SessionEvent[]): string[] {
  return events.flatMap((event) => {
    switch (event.type) {
      case "metrics_collected":
      case "tool_execution_updated":
      case "session_usage_updated":
        return [];
      case "agent_state_changed":
      case "user_state_changed":
        return [`${event.type.slice(0, event.type.indexOf("_"))} ${event.oldState}>${event.newState}`];
      case "conversation_item_added":
        return [event.item.type === "message" ? `added ${event.item.role}` : "added handoff"];
      default:
        return [event.type];
    }
  });
}

/** Asserts that it throws or rejects with the code. */
export async function refusesWith(code: ErrorCode, call: () => unknown): Promise<void> {
  let caught: unknown;
  try {
    await call();
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof AgentError, `expected an AgentError, got ${String(caught)}`);
  assert.equal(caught.code, code);
  assert.match(caught.message, /^Cannot .+ as .+: /);
}

/** Whether it has settled, without waiting for it. */
export function watch(work: PromiseLike<unknown>): { settled: boolean; error?: unknown } {
  const state: { settled: boolean; error?: unknown } = { settled: false };
  work.then(() => void (state.settled = true), (error) => {
    state.settled = true;
    state.error = error;
  });
  return state;
}
