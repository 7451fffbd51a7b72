/** Speech and noise to recognise, made here: nothing recorded by others is needed. */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { concatFrames } from "../../src/audio/frames.ts";
import { seededRandom } from "../../src/base/random.ts";
import { fliteTTS, type FliteVoice } from "../../adapters/flite/flite.ts";

/** Samples per second of all of it. */
export const SPEECH_RATE = 16_000;

/** What a caller may say. */
export const SENTENCES: readonly string[] = [
  "What time does the train to Paris leave tomorrow morning?",
  "I would like to book a table for four people on Friday evening.",
  "Can you tell me the weather in Berlin for the next three days?",
  "Please cancel my order, I found a better price somewhere else.",
  "My phone number is on the invoice that you sent me last week.",
  "The delivery was late again, and two of the boxes were open.",
  "Could you repeat that more slowly, please?",
  "Yes, that works for me, thank you very much.",
  "I am looking for a quiet hotel close to the station.",
  "How much does it cost to change the date of my flight?",
  "Turn on the lights in the kitchen and close the garage door.",
  "There is a problem with my account, I cannot sign in any more.",
  "We need twenty five chairs and six tables for the meeting.",
  "Who is the manager of the office in London?",
];

/** Speaks texts with one voice: mono, 16 kHz. */
export async function speak(texts: readonly string[], voice: FliteVoice = "kal16"): Promise<AudioFrame[]> {
  await using tts = fliteTTS({ voice });
  const spoken: AudioFrame[] = [];
  for (const text of texts) {
    const frames: AudioFrame[] = [];
    for await (const { frame } of tts.synthesize(text)) frames.push(frame);
    spoken.push(concatFrames(frames));
  }
  return spoken;
}

/** Noise whose loudest sample is `level`, the same for the same seed. */
export function noise(ms: number, level: number, seed: number): Int16Array {
  const random = seededRandom(seed);
  return Int16Array.from({ length: (SPEECH_RATE * ms) / 1000 }, () => Math.round((2 * random() - 1) * level));
}

/** A low hum, as of a mains cable. */
export function hum(ms: number, level: number): Int16Array {
  return Int16Array.from(
    { length: (SPEECH_RATE * ms) / 1000 },
    (_, index) => Math.round(Math.sin((2 * Math.PI * 100 * index) / SPEECH_RATE) * level),
  );
}
