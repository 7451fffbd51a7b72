/**
 * A voice session whose models cost nothing: a recogniser and a detector that say what they are told, a voice that gives a
 * frame for every piece of text, and a sink that acknowledges at once. What is left is the session itself.
 *
 * @module
 */
import {
  Agent,
  AgentSession,
  type AudioFrame,
  audioFrame,
  type PlayoutAck,
  type PlayoutSink,
  type SpeechEvent,
  type STT,
  type TTS,
  type VAD,
  type VADEvent,
} from "../mod.ts";
import { instantLLM } from "./instant_llm.ts";
import { FRAME_MS, type VoiceBench, type VoiceWatch } from "./voice_bench.ts";

const IN_RATE_HZ = 16_000;
const OUT_RATE_HZ = 24_000;
const WINDOW_SAMPLES = 512; // 32 ms, as Silero's

/** Opens a session by voice, and starts it. */
export async function openVoice(watch: VoiceWatch = {}): Promise<VoiceBench> {
  let detect: (event: VADEvent) => void = () => {};
  let recognise: (event: SpeechEvent) => void = () => {};
  let microphone: ReadableStreamDefaultController<AudioFrame> | undefined;
  const session = new AgentSession({
    llm: instantLLM(watch.onChat),
    vad: toldVAD((push) => (detect = push)),
    stt: toldSTT((push) => (recognise = push)),
    tts: instantTTS(),
    aecWarmupDuration: null,
    turnHandling: {
      endpointing: { minDelay: 0 },
      preemptiveGeneration: { enabled: false },
      interruption: { minDuration: 0 },
    },
  });
  session.input.audio = new ReadableStream<AudioFrame>({ start: (controller) => void (microphone = controller) });
  session.output.audio = instantSink(watch);
  await session.start({ agent: new Agent({ instructions: "Answer." }) });
  const frame = audioFrame(new Int16Array(IN_RATE_HZ * FRAME_MS / 1000), IN_RATE_HZ);
  return {
    session,
    hear: () => microphone?.enqueue(frame),
    speech: (type, speechDurationMs) => detect(vadEvent(type, speechDurationMs)),
    final: (text) =>
      recognise({
        type: "final_transcript",
        alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs: 400, confidence: 1 }],
      }),
  };
}

function vadEvent(type: VADEvent["type"], speechDurationMs: number): VADEvent {
  return {
    type,
    timestampMs: 0,
    speechDurationMs,
    silenceDurationMs: 0,
    rawSpeechMs: speechDurationMs,
    rawSilenceMs: 0,
    speaking: speechDurationMs > 0 && type !== "end_of_speech",
    probability: speechDurationMs > 0 ? 1 : 0,
    inferenceDurationMs: 0,
  };
}

/** Counts windows as Silero would, and says what it is told. */
function toldVAD(connect: (push: (event: VADEvent) => void) => void): VAD {
  return {
    kind: "vad",
    model: "told",
    provider: "bench",
    capabilities: { updateIntervalMs: 32 },
    stream() {
      let held = 0;
      return new TransformStream({
        start: (controller) => connect((event) => controller.enqueue(event)),
        transform(part, controller) {
          if (!("data" in part)) return;
          for (held += part.data.length; held >= WINDOW_SAMPLES; held -= WINDOW_SAMPLES) {
            controller.enqueue(vadEvent("inference_done", 0));
          }
        },
      });
    },
  };
}

function toldSTT(connect: (push: (event: SpeechEvent) => void) => void): STT {
  return {
    kind: "stt",
    model: "told",
    provider: "bench",
    capabilities: { streaming: true, interimResults: true },
    stream: () =>
      new TransformStream({
        start: (controller) => connect((event) => controller.enqueue(event)),
        transform() {},
      }),
  };
}

/** A frame for every piece of text. */
function instantTTS(): TTS {
  return {
    kind: "tts",
    model: "instant",
    provider: "bench",
    sampleRate: OUT_RATE_HZ,
    channels: 1,
    capabilities: { streaming: true },
    stream: () =>
      new TransformStream({
        transform(part, controller) {
          if (typeof part !== "string") return;
          controller.enqueue({ frame: audioFrame(new Int16Array(OUT_RATE_HZ * FRAME_MS / 1000), OUT_RATE_HZ) });
        },
      }),
  };
}

/** Takes everything at once, and says at once that it was heard. */
function instantSink({ onFrame, onClear, finishes = () => true }: VoiceWatch): PlayoutSink {
  let acks: ReadableStreamDefaultController<PlayoutAck> | undefined;
  let playing: { readonly segmentId: string; positionMs: number } | undefined;
  const end = (type: "finished" | "cleared"): void => {
    if (playing !== undefined) acks?.enqueue({ type, ...playing });
    playing = undefined;
  };
  return {
    capabilities: { pause: false },
    acks: new ReadableStream<PlayoutAck>({ start: (controller) => void (acks = controller) }),
    open(segmentId, { signal } = {}) {
      const mine = { segmentId, positionMs: 0 };
      signal?.addEventListener("abort", () => playing === mine && end("cleared"), { once: true });
      return new WritableStream<AudioFrame>({
        write() {
          onFrame?.();
          if (playing !== mine) {
            playing = mine;
            acks?.enqueue({ type: "started", segmentId, at: performance.now() });
          }
          mine.positionMs += FRAME_MS;
        },
        close() {
          if (playing !== mine) acks?.enqueue({ type: "finished", segmentId, positionMs: 0 });
          else if (finishes()) end("finished");
        },
        abort: () => playing === mine ? end("cleared") : undefined,
      });
    },
    pause() {},
    resume() {},
    clear() {
      onClear?.();
      end("cleared");
    },
  };
}
