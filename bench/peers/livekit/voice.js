/** The peer's side of `bench/instant_voice.ts`: the same models, ears and sink, by its own public classes. */
import { stt, tts, VAD, VADEventType, VADStream, voice } from "@livekit/agents";
import { AudioFrame } from "@livekit/rtc-node";
import { InstantLLM } from "./models.js";

const FRAME_MS = 20;
const IN_RATE_HZ = 16_000;
const OUT_RATE_HZ = 24_000;
const WINDOW_SAMPLES = 512;
const TYPES = {
  start_of_speech: VADEventType.START_OF_SPEECH,
  inference_done: VADEventType.INFERENCE_DONE,
  end_of_speech: VADEventType.END_OF_SPEECH,
};

function vadEvent(type, speechDuration) {
  return {
    type: TYPES[type],
    samplesIndex: 0,
    timestamp: Date.now(),
    speechDuration,
    silenceDuration: 0,
    frames: [],
    probability: speechDuration > 0 ? 1 : 0,
    inferenceDuration: 0,
    speaking: speechDuration > 0 && type !== "end_of_speech",
    rawAccumulatedSilence: 0,
    rawAccumulatedSpeech: speechDuration,
  };
}

class ToldVAD extends VAD {
  label = "bench.ToldVAD";
  constructor() {
    super({ updateInterval: 32 });
  }
  stream() {
    return (this.current = new ToldVADStream(this));
  }
}

class ToldVADStream extends VADStream {
  constructor(vad) {
    super(vad);
    void this.#count();
  }
  async #count() {
    for (let held = 0;;) {
      const { done, value } = await this.inputReader.read();
      if (done) return;
      if (typeof value === "symbol") continue;
      for (held += value.samplesPerChannel; held >= WINDOW_SAMPLES; held -= WINDOW_SAMPLES) {
        this.sendVADEvent(vadEvent("inference_done", 0));
      }
    }
  }
  tell(event) {
    this.sendVADEvent(event);
  }
}

class ToldSTT extends stt.STT {
  label = "bench.ToldSTT";
  constructor() {
    super({ streaming: true, interimResults: true });
  }
  async _recognize() {
    throw new Error("Cannot recognise a segment as this one streams");
  }
  stream() {
    return (this.current = new ToldSTTStream(this));
  }
}

class ToldSTTStream extends stt.SpeechStream {
  label = "bench.ToldSTTStream";
  async run() {
    for await (const _ of this.input);
  }
  tell(event) {
    this.queue.put(event);
  }
}

class InstantTTS extends tts.TTS {
  label = "bench.InstantTTS";
  constructor() {
    super(OUT_RATE_HZ, 1, { streaming: true });
  }
  synthesize() {
    throw new Error("Cannot speak a whole text as this one streams");
  }
  stream() {
    return new InstantTTSStream(this);
  }
}

class InstantTTSStream extends tts.SynthesizeStream {
  label = "bench.InstantTTSStream";
  async run() {
    for await (const part of this.input) {
      if (typeof part !== "string") continue;
      const samples = OUT_RATE_HZ * FRAME_MS / 1000;
      const frame = new AudioFrame(new Int16Array(samples), OUT_RATE_HZ, 1, samples);
      this.queue.put({ requestId: "r", segmentId: "s", frame, final: false });
    }
    this.queue.put(tts.SynthesizeStream.END_OF_STREAM);
  }
}

class Microphone extends voice.AudioInput {
  constructor() {
    super();
    this.multiStream.addInputStream(new ReadableStream({ start: (controller) => void (this.controller = controller) }));
  }
  push(frame) {
    this.controller.enqueue(frame);
  }
}

class InstantSink extends voice.AudioOutput {
  constructor({ onFrame, onClear, finishes = () => true }) {
    super(OUT_RATE_HZ, undefined, { pause: false });
    Object.assign(this, { onFrame, onClear, finishes, positionMs: 0 });
  }
  async captureFrame(frame) {
    this.onFrame?.();
    const before = this.capturedPlayoutSegments;
    await super.captureFrame(frame);
    if (this.capturedPlayoutSegments > before) this.onPlaybackStarted(Date.now());
    this.positionMs += FRAME_MS;
  }
  flush() {
    super.flush();
    if (this.finishes()) this.#end(false);
  }
  clearBuffer() {
    this.onClear?.();
    this.#end(true);
  }
  #end(interrupted) {
    if (this.pendingPlayoutSegments > 0) this.onPlaybackFinished({ playbackPosition: this.positionMs / 1000, interrupted });
    this.positionMs = 0;
  }
}

/** Opens a session by voice, and starts it; told and watched as `openVoice` of `bench/instant_voice.ts`. */
export async function openVoice(watch = {}) {
  const vad = new ToldVAD();
  const ears = new ToldSTT();
  const microphone = new Microphone();
  const session = new voice.AgentSession({
    llm: new InstantLLM(watch.onChat),
    vad,
    stt: ears,
    tts: new InstantTTS(),
    aecWarmupDuration: null,
    turnHandling: {
      turnDetection: "vad", // left out, it takes a detector of turns from its cloud
      endpointing: { minDelay: 0 },
      preemptiveGeneration: { enabled: false },
      interruption: { minDuration: 0, mode: "vad" },
    },
  });
  session.input.audio = microphone;
  session.output.audio = new InstantSink(watch);
  await session.start({ agent: new voice.Agent({ instructions: "Answer." }), record: false });
  const samples = IN_RATE_HZ * FRAME_MS / 1000;
  const frame = new AudioFrame(new Int16Array(samples), IN_RATE_HZ, 1, samples);
  return {
    session,
    hear: () => microphone.push(frame),
    speech: (type, speechDurationMs) => vad.current.tell(vadEvent(type, speechDurationMs)),
    final: (text) =>
      ears.current.tell({
        type: stt.SpeechEventType.FINAL_TRANSCRIPT,
        alternatives: [{ text, language: "en", startTime: 0, endTime: 0.4, confidence: 1 }],
      }),
  };
}
