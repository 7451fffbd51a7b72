/**
 * What tests of segmented recognition share: sound whose words are told by their loudness, a detector that hears it by the
 * real machinery, and a recogniser that reads it from the samples that it is given, and from nothing else.
 */
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { concatSamples } from "../../src/audio/frames.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type { SpeechEvent, STT, STTOptions } from "../../src/model/stt.ts";
import type { VAD } from "../../src/model/vad.ts";
import { vadOptions, vadStream } from "../../src/model/vad_stream.ts";

export const RATE = 8_000;
export const WINDOW_MS = 32;

/** A piece of sound: silence, or a word, which is a number from 1 to 30. */
export interface Piece {
  readonly word?: number;
  readonly ms: number;
}

export const silent = (ms: number): Piece => ({ ms });
export const word = (number: number, ms: number): Piece => ({ word: number, ms });

/** Makes the sound. */
export function sound(...pieces: readonly Piece[]): Int16Array {
  return concatSamples(
    pieces.map(({ word: number = 0, ms }) => new Int16Array((RATE * ms) / 1000).fill(1_000 * number)),
  );
}

/** Cuts it into frames; the sizes are taken in turn. */
export function cut(samples: Int16Array, sizes: readonly number[] = [160]): AudioFrame[] {
  const frames: AudioFrame[] = [];
  for (let at = 0, turn = 0; at < samples.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    frames.push(audioFrame(samples.slice(at, at + size), RATE));
    at += size;
  }
  return frames;
}

/** What a recogniser reads in samples: each word once, as often as it is begun. */
export function read(samples: Int16Array): string {
  const words: number[] = [];
  let before = 0;
  for (const sample of samples) {
    if (sample !== 0 && sample !== before) words.push(sample / 1_000);
    before = sample;
  }
  return words.join(" ");
}

/** Tells any sound from silence, in windows of 32 ms. */
export function loudnessVAD(onOpen: (signal: AbortSignal | undefined) => void = () => {}): VAD {
  return {
    kind: "vad",
    model: "loudness",
    provider: "test",
    capabilities: { updateIntervalMs: WINDOW_MS },
    stream({ signal } = {}) {
      onOpen(signal);
      const judge = {
        sampleRate: RATE,
        windowSize: (RATE * WINDOW_MS) / 1000,
        judge: (window: Int16Array) => ({
          probability: window.reduce((most, sample) => Math.max(most, sample), 0) / 1_000 >= 1 ? 1 : 0,
          durationMs: 0,
        }),
        reset: () => {},
      };
      return vadStream(judge, { options: () => vadOptions({}), ...(signal && { signal }) });
    },
  };
}

/** One request to a {@linkcode readingSTT}. */
export interface Request {
  readonly at: number;
  readonly samples: Int16Array;
  readonly text: string;
  readonly previous: string | undefined;
  readonly options: STTOptions;
  /** Whether it was called off before it was answered. */
  isCalledOff: boolean;
}

/** A recogniser of whole segments, and what it was asked. */
export interface ReadingSTT extends STT {
  readonly requests: readonly Request[];
}

/** Reads what was said from the samples, in so much time of the clock. */
export function readingSTT(
  clock: Clock,
  { delayMs = 0, interimResults = true, answer = (text: string) => text }: {
    readonly delayMs?: number;
    readonly interimResults?: boolean;
    /** What becomes of the text; what it throws fails the request. Told which request it is, from 0 on. */
    readonly answer?: (text: string, index: number) => string;
  } = {},
): ReadingSTT {
  const requests: Request[] = [];
  return {
    kind: "stt",
    model: "reading",
    provider: "test",
    capabilities: { streaming: false, interimResults },
    requests,
    recognize(frames, options = {}) {
      const samples = concatSamples(frames.map(({ data }) => data));
      const { previous, ...rest } = options;
      const text = read(samples);
      const index = requests.length;
      const request: Request = { at: clock.now(), samples, text, previous, options: rest, isCalledOff: false };
      requests.push(request);
      return new Promise<SpeechEvent>((resolve, reject) => {
        const off = clock.schedule(clock.now() + delayMs, () => {
          options.signal?.removeEventListener("abort", cancel);
          try {
            const said = answer(text, index);
            resolve({
              type: "final_transcript",
              requestId: `r${index}`,
              alternatives: said === "" ? [] : [dataOf(said)],
            });
          } catch (error) {
            reject(error);
          }
        });
        const cancel = (): void => {
          request.isCalledOff = true;
          off();
          reject(options.signal?.reason);
        };
        options.signal?.addEventListener("abort", cancel, { once: true });
      });
    },
  };
}

function dataOf(text: string) {
  return { text, language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 1 };
}
