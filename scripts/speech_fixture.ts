/**
 * Makes `tests/fixtures/speech_16k.wav` and `.json`: two sentences by two synthetic voices in faint noise, and where each
 * begins and ends. The same bytes on every run and runtime.
 *
 *     node scripts/speech_fixture.ts
 */
import { writeFile } from "node:fs/promises";
import { audioFrame } from "../src/audio/frame.ts";
import { writeWav } from "../src/audio/wav.ts";
import { fliteTTS, type FliteVoice } from "../adapters/flite/flite.ts";

const RATE = 16_000;
const LOUD = 400; // of 32,767: quieter samples at the ends of a sentence are not part of it
const NOISE = 24; // largest sample of the noise: about -67 dB of full scale
const SCRIPT: readonly (number | { readonly voice: FliteVoice; readonly text: string })[] = [
  800,
  { voice: "kal16", text: "I would like to book a table for two, please." },
  1_200,
  { voice: "slt", text: "Tomorrow evening at seven." },
  1_200,
];

await using tts = fliteTTS();
const parts: Int16Array[] = [];
const segments: { readonly text: string; readonly startMs: number; readonly endMs: number }[] = [];
let length = 0;
const add = (samples: Int16Array): void => {
  parts.push(samples);
  length += samples.length;
};
for (const part of SCRIPT) {
  if (typeof part === "number") {
    add(new Int16Array((part * RATE) / 1000));
    continue;
  }
  const startMs = (length * 1000) / RATE;
  add(await speech(part.text, part.voice));
  segments.push({ text: part.text, startMs, endMs: (length * 1000) / RATE });
}

const all = new Int16Array(length);
let at = 0;
for (const part of parts) {
  all.set(part, at);
  at += part.length;
}
let dice = 1;
for (let index = 0; index < length; index++) {
  dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0; // the generator of Numerical Recipes
  all[index] = Math.max(-32_768, Math.min(32_767, all[index]! + (dice >>> 16) % (2 * NOISE + 1) - NOISE));
}
const folder = new URL("../tests/fixtures/", import.meta.url);
await writeFile(new URL("speech_16k.wav", folder), writeWav(audioFrame(all, RATE)));
await writeFile(new URL("speech_16k.json", folder), JSON.stringify({ sampleRate: RATE, segments }, null, 2) + "\n");

async function speech(text: string, voice: FliteVoice): Promise<Int16Array> {
  const frames: number[] = [];
  for await (const { frame } of tts.synthesize(text, { voice })) frames.push(...frame.data);
  const isLoud = (sample: number): boolean => Math.abs(sample) >= LOUD;
  return Int16Array.from(frames.slice(frames.findIndex(isLoud), frames.findLastIndex(isLoud) + 1));
}
