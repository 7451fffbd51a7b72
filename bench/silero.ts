/**
 * Question: what does Silero cost per window of 32 ms, on the runtime that this runs on, at first and later?
 *
 * The whole way of a stream, from frame to event: 1,000 windows of speech and noise in frames of 20 ms, fifteen rounds
 * with a fresh stream each. Milliseconds of CPU time a window, median of the rounds; the first round apart, since engines
 * compile WebAssembly better while it runs, and that work counts. Beside it loading, and the energy VAD on the same sound.
 *
 *     node bench/silero.ts
 *     bun bench/silero.ts
 *     deno run -A bench/silero.ts
 */
import { readFile } from "node:fs/promises";
import { energyVAD } from "../adapters/energy_vad/energy_vad.ts";
import { sileroVAD } from "../adapters/silero/silero.ts";
import { type AudioFrame, audioFrame } from "../src/audio/frame.ts";
import { readWav } from "../src/audio/wav.ts";
import type { VAD } from "../src/model/vad.ts";
import { cpuSeconds, figure, interleave, report } from "./measure.ts";

const WINDOW_COUNT = 1_000;
const ROUNDS = 15;

/** What a round costs, in milliseconds a window. */
export interface VADCost {
  readonly loadMs: number;
  readonly firstMs: number;
  readonly silero: readonly number[];
  readonly energy: readonly number[];
}

/** Measures both detectors in turn. */
export async function measureVad(): Promise<VADCost> {
  const sound = await speech(WINDOW_COUNT * 512);
  await using silero = sileroVAD();
  const energy = energyVAD();
  const began = performance.now();
  await silero.prewarm?.();
  const loadMs = performance.now() - began;
  const firstMs = await msPerWindow(silero, sound);
  const rounds = await interleave({
    silero: () => msPerWindow(silero, sound),
    energy: () => msPerWindow(energy, sound),
  }, ROUNDS);
  return { loadMs, firstMs, silero: rounds["silero"]!, energy: rounds["energy"]! };
}

async function msPerWindow(vad: VAD, sound: Int16Array): Promise<number> {
  let at = 0;
  const source = new ReadableStream<AudioFrame>({
    pull(controller) {
      if (at >= sound.length) return controller.close();
      controller.enqueue(audioFrame(sound.slice(at, at + 320), 16_000));
      at += 320;
    },
  });
  let windows = 0;
  const seconds = await cpuSeconds(async () => {
    for await (const { type } of source.pipeThrough(vad.stream())) if (type === "inference_done") windows++;
  });
  return seconds * 1000 / windows;
}

/** The sound of the tests, over and over. */
async function speech(length: number): Promise<Int16Array> {
  const { data } = readWav(await readFile(new URL("../tests/fixtures/speech_16k.wav", import.meta.url)));
  return Int16Array.from({ length }, (_, index) => data[index % data.length]!);
}

if (import.meta.main) {
  await report(async () => {
    const { loadMs, firstMs, silero, energy } = await measureVad();
    return {
      silero_load: loadMs,
      silero_first: firstMs,
      silero_later: figure(silero).median,
      energy_later: figure(energy).median,
    };
  });
}
