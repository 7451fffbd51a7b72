/**
 * The microphone that a session reads, whichever it is just now, and the last second of it.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";

/** What a model that begins to listen is given of what was said before. Design decision 5. */
const PRE_ROLL_MS = 1_000;

/** Who is told what a microphone gives. */
export interface MicrophoneListener {
  /** A frame with sound in it. */
  heard(frame: AudioFrame): void;
  /** It broke, or gives frames that are none; the latter is told once for each microphone. */
  failed(message: string, error: unknown): void;
}

/** Reads one microphone at a time. */
export class Microphone {
  readonly #listener: MicrophoneListener;
  #reader: ReadableStreamDefaultReader<AudioFrame> | undefined;
  #badCount = 0;

  constructor(listener: MicrophoneListener) {
    this.#listener = listener;
  }

  /** Reads another microphone, or none. */
  listen(audio: ReadableStream<AudioFrame> | null): void {
    const old = this.#reader;
    this.#reader = undefined;
    this.#badCount = 0;
    if (old !== undefined) {
      void old.cancel().catch(() => {}); // a microphone that fails while it is left
      old.releaseLock();
    }
    if (audio !== null) void this.#read(audio);
  }

  async #read(audio: ReadableStream<AudioFrame>): Promise<void> {
    let reader: ReadableStreamDefaultReader<AudioFrame> | undefined;
    try {
      reader = audio.getReader();
      this.#reader = reader;
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#reader !== reader) return;
        if (done) break;
        this.#take(value);
      }
    } catch (error) {
      if (reader !== undefined && this.#reader !== reader) return; // it was left
      this.#listener.failed("the microphone failed", error);
    }
    if (reader === undefined) return;
    this.#reader = undefined;
    reader.releaseLock();
  }

  /** A frame that is none is left out, and told once: a source that is wrong is wrong fifty times a second. */
  #take(frame: AudioFrame): void {
    const problem = problemOf(frame);
    if (problem === undefined) return frame.samplesPerChannel === 0 ? undefined : this.#listener.heard(frame);
    if (this.#badCount++ > 0) return;
    const error = new AgentError("audio.bad_frame", `Cannot hear a frame of the microphone as ${problem}`);
    this.#listener.failed("frames of the microphone are left out", error);
  }
}

/** The last second that was heard, for those who begin to listen in the middle of a word. */
export class PreRoll {
  #frames: AudioFrame[] = [];
  #durationMs = 0;

  /** Adds a frame; what is older than a second goes. */
  push(frame: AudioFrame): void {
    this.#frames.push(frame);
    this.#durationMs += frameDurationMs(frame);
    while (this.#durationMs - frameDurationMs(this.#frames[0]!) >= PRE_ROLL_MS) {
      this.#durationMs -= frameDurationMs(this.#frames.shift()!);
    }
  }

  /** What is held, oldest first. */
  get frames(): readonly AudioFrame[] {
    return this.#frames;
  }

  /** How long that is. */
  get durationMs(): number {
    return this.#durationMs;
  }

  /** Forgets it. */
  clear(): void {
    this.#frames = [];
    this.#durationMs = 0;
  }
}

/** What is wrong with a frame, or undefined. */
function problemOf(frame: AudioFrame): string | undefined {
  if (typeof frame !== "object" || frame === null) return `it must be an AudioFrame: current value is ${typeof frame}`;
  const { data, sampleRate, channels, samplesPerChannel } = frame;
  if (!(data instanceof Int16Array)) return `\`data\` must be an Int16Array: current value is ${typeof data}`;
  if (!(sampleRate > 0 && sampleRate < Infinity)) {
    return `\`sampleRate\` must be positive: current value is ${sampleRate}`;
  }
  if (!(Number.isInteger(channels) && channels > 0)) {
    return `\`channels\` must be a count: current value is ${channels}`;
  }
  if (samplesPerChannel * channels === data.length) return undefined;
  return `\`data\` must hold ${samplesPerChannel} samples of ${channels} channels: current value is ${data.length}`;
}
