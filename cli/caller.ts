/**
 * The caller of the demo: what is said and when, spoken by a synthetic voice, so that nothing recorded by others is needed.
 *
 * @module
 */
import { fliteTTS, type FliteVoice } from "../adapters/flite/flite.ts";
import { type AudioFrame, audioFrame } from "../src/audio/frame.ts";
import { concatSamples } from "../src/audio/frames.ts";
import { mixInto } from "../src/audio/mix.ts";

/** Rate of the caller's sound. */
export const CALLER_RATE = 16_000;

/** Something that the caller does. Times are milliseconds from the start of the call. */
export type CallerAct =
  | { readonly at: number; readonly kind: "say"; readonly text: string }
  /** A noise of the throat: short, and no words. */
  | { readonly at: number; readonly kind: "cough"; readonly durationMs: number }
  /** A voice without words. */
  | { readonly at: number; readonly kind: "hum"; readonly durationMs: number };

/** The call. */
export const CALL: readonly CallerAct[] = [
  { at: 6_500, kind: "say", text: "Hello. When do you open on Sunday?" },
  { at: 18_000, kind: "say", text: "Thank you. Please tell me about the history of the shop." },
  { at: 26_500, kind: "cough", durationMs: 250 },
  { at: 32_000, kind: "say", text: "Stop, please. Where are the cooking books?" },
  { at: 39_500, kind: "hum", durationMs: 1_100 },
  { at: 53_000, kind: "say", text: "No, I meant the books about travel." },
  { at: 64_000, kind: "say", text: "Thank you very much. Goodbye." },
];

/** Silence after the last act. */
const TAIL_MS = 1_500;

/** Makes the sound of a call. */
export async function speakCall(acts: readonly CallerAct[], voice: FliteVoice): Promise<AudioFrame> {
  await using tts = fliteTTS({ voice });
  const parts: { readonly at: number; readonly samples: Int16Array }[] = [];
  for (const act of acts) {
    const at = Math.round((act.at * CALLER_RATE) / 1000);
    if (act.kind === "cough") parts.push({ at, samples: cough(act.durationMs) });
    else if (act.kind === "hum") parts.push({ at, samples: hum(act.durationMs) });
    else {
      const blocks: Int16Array[] = [];
      for await (const { frame } of tts.synthesize(act.text)) blocks.push(frame.data);
      parts.push({ at, samples: concatSamples(blocks) });
    }
  }
  const end = Math.max(...parts.map(({ at, samples }) => at + samples.length));
  const call = new Int16Array(end + (CALLER_RATE * TAIL_MS) / 1000);
  for (const { at, samples } of parts) mixInto(call, { samples, at });
  return audioFrame(call, CALLER_RATE);
}

/** A burst of noise with a sharp beginning, the same each time. */
function cough(durationMs: number): Int16Array {
  const samples = new Int16Array(Math.round((durationMs * CALLER_RATE) / 1000));
  let seed = 12_345;
  let low = 0;
  for (let index = 0; index < samples.length; index++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    low += 0.35 * ((seed / 0x3fffffff - 1) - low);
    samples[index] = Math.round(low * 16_000 * Math.exp((-4 * index) / samples.length));
  }
  return samples;
}

/** A hummed tone with the formants of a closed mouth, as in "mmm". */
function hum(durationMs: number): Int16Array {
  const samples = new Int16Array(Math.round((durationMs * CALLER_RATE) / 1000));
  for (let index = 0; index < samples.length; index++) {
    const t = index / CALLER_RATE;
    const pitch = 118 + 6 * Math.sin(2 * Math.PI * 3 * t);
    let value = 0;
    for (let harmonic = 1; harmonic <= 24; harmonic++) {
      const hz = harmonic * pitch;
      const weight = Math.exp(-(((hz - 250) / 140) ** 2)) + 0.35 * Math.exp(-(((hz - 1_150) / 220) ** 2)) +
        0.2 * Math.exp(-(((hz - 2_300) / 320) ** 2));
      value += weight * Math.sin(2 * Math.PI * hz * t);
    }
    const edge = Math.min(1, index / 800, (samples.length - index) / 800);
    samples[index] = Math.round(value * 5_000 * edge);
  }
  return samples;
}
