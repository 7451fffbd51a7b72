/**
 * A telephone line on a clock: a session hears a simulated user over it, and is heard, without any sound being made.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import { type PacedSink, pacedSink } from "../io/paced_sink.ts";
import type { TranscriptSink } from "../io/playout.ts";
import type { TimedString } from "../model/marks.ts";
import type { AgentSession, SessionIO } from "../session/agent_session.ts";
import { type ScriptedSTT, scriptedSTT, type ScriptedVAD, scriptedVAD } from "./scripted_ears.ts";
import { type ScriptedTTS, scriptedTTS } from "./scripted_tts.ts";

/** How the line behaves. Times are milliseconds. */
export interface PhoneLineOptions {
  /** The clock of the session. */
  readonly clock: Clock;
  /** How long a letter takes, for both sides. Default 60. */
  readonly msPerChar?: number;
  /** From the end of a text to its sound. Default 150. */
  readonly ttfbMs?: number;
  /** From the end of the user's words to their transcript. Default 300. */
  readonly transcriptDelayMs?: number;
}

/** A telephone line. Hand its `models` to the session, and the line itself to `start` as `io`. */
export interface PhoneLine extends SessionIO {
  /** What a session hears and speaks with. Leave one out to use another in its place. */
  readonly models: { readonly stt: ScriptedSTT; readonly vad: ScriptedVAD; readonly tts: ScriptedTTS };
  /** Where the session speaks. */
  readonly sink: PacedSink;
  /** The user speaks from now on. Resolves when the words are over; their transcript comes after that. */
  say(text: string): Promise<void>;
  /** A sound without words, such as a cough. Resolves when it is over. */
  noise(durationMs: number): Promise<void>;
}

/** How often a detector tells that speech goes on; as `scriptedVAD` says of itself. */
const VAD_INTERVAL_MS = 50;
/** How long a detector waits before it takes silence for the end of speech; Silero's default. */
const VAD_SILENCE_MS = 550;
const MIN_SPEECH_MS = 300;
/** Nobody listens: as few samples as there can be. */
const SAMPLE_RATE = 1_000;

/**
 * Opens a telephone line on a clock.
 *
 * @example
 * ```ts
 * const { clock } = runtime;
 * const line = phoneLine({ clock });
 * const session = new AgentSession({ runtime, llm, ...line.models });
 * await clock.until(session.start({ agent, io: line }));
 * await clock.until(line.say("Are you open on Sunday?"));
 * ```
 */
export function phoneLine(options: PhoneLineOptions): PhoneLine {
  const { clock, msPerChar = 60, ttfbMs = 150, transcriptDelayMs = 300 } = options;
  const stt = scriptedSTT();
  const vad = scriptedVAD();
  const tts = scriptedTTS({ ttfbMs, msPerChar }, { clock, sampleRate: SAMPLE_RATE });
  const sink = pacedSink(clock);
  const armed = new Set<() => void>();
  const at = (time: number, run: () => void): void => {
    const off = clock.schedule(time, () => {
      armed.delete(off);
      run();
    });
    armed.add(off);
  };

  const voice = (durationMs: number): void => {
    const from = clock.now();
    const event = (
      type: "start_of_speech" | "inference_done" | "end_of_speech",
      speechMs: number,
      silenceMs: number,
    ): void =>
      void vad.push({
        type,
        timestampMs: clock.now(),
        speechDurationMs: speechMs,
        silenceDurationMs: silenceMs,
        rawSpeechMs: speechMs,
        rawSilenceMs: silenceMs,
        speaking: type !== "end_of_speech",
        probability: type === "end_of_speech" ? 0 : 1,
        inferenceDurationMs: 0,
      });
    at(from + VAD_INTERVAL_MS, () => event("start_of_speech", VAD_INTERVAL_MS, 0));
    for (let ms = 2 * VAD_INTERVAL_MS; ms < durationMs; ms += VAD_INTERVAL_MS) {
      at(from + ms, () => event("inference_done", ms, 0));
    }
    at(from + durationMs + VAD_SILENCE_MS, () => event("end_of_speech", durationMs, VAD_SILENCE_MS));
  };

  const words = (text: string, from: number, durationMs: number): void => {
    const event = (type: "interim_transcript" | "final_transcript", part: string): void =>
      void stt.push({
        type,
        alternatives: [{
          text: part,
          language: "en",
          startTimeMs: from,
          endTimeMs: from + durationMs,
          confidence: 0.9,
        }],
      });
    const parts = text.split(" ");
    for (let count = 1; count < parts.length; count++) {
      const time = from + (count * durationMs) / parts.length;
      at(time, () => event("interim_transcript", parts.slice(0, count).join(" ")));
    }
    at(from + durationMs + transcriptDelayMs, () => event("final_transcript", text));
  };

  const pass = (ms: number): Promise<void> => new Promise((resolve) => at(clock.now() + ms, resolve));

  return {
    models: { stt, vad, tts },
    sink,
    say(text) {
      const durationMs = Math.max(MIN_SPEECH_MS, text.length * msPerChar);
      voice(durationMs);
      words(text, clock.now(), durationMs);
      return pass(durationMs);
    },
    noise(durationMs) {
      voice(durationMs);
      return pass(durationMs);
    },
    attach(session: AgentSession) {
      session.input.audio = silence();
      session.output.audio = sink;
      session.output.transcription = UNREAD; // with captions, the history holds what was heard
      return Promise.resolve({
        [Symbol.asyncDispose]: async () => {
          for (const off of armed) off();
          armed.clear();
          session.input.audio = null;
          session.output.audio = null;
          session.output.transcription = null;
        },
      });
    },
  };
}

/** A microphone that gives nothing: what the user says goes to the ears without it, and an idle line costs nothing. */
const silence = (): ReadableStream<AudioFrame> => new ReadableStream<AudioFrame>();

/** Captions that nobody reads. */
const UNREAD: TranscriptSink = { open: () => new WritableStream<TimedString>() };
