/**
 * Question: how long does Smart Turn think about a pause, on the runtime that this runs on?
 *
 * From the question to the answer through a stream that has heard 8 s of speech, in a worker as a session has it, and in the
 * calling thread: wall clock, median of 20 questions each, in turn. Beside it loading, and the part that is the spectrogram.
 *
 *     node bench/smart_turn.ts
 *     bun bench/smart_turn.ts
 *     deno run -A bench/smart_turn.ts
 */
import { readFile } from "node:fs/promises";
import { logMel } from "../adapters/smart_turn/features.ts";
import { smartTurn, type SmartTurnDetector } from "../adapters/smart_turn/smart_turn.ts";
import { audioFrame } from "../src/audio/frame.ts";
import { readWav } from "../src/audio/wav.ts";
import { figure, interleave, report } from "./measure.ts";

const QUESTIONS = 20;

/** Asks questions through one stream, and gives how long each took. */
function asker(detector: SmartTurnDetector, sound: Int16Array): () => Promise<number> {
  const { readable, writable } = detector.stream();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  let id = 0;
  let heard: Promise<void> | undefined = undefined;
  return async () => {
    await (heard ??= writer.write(audioFrame(sound, 16_000)));
    const began = performance.now();
    await writer.write({ type: "predict", id: ++id });
    await reader.read();
    return performance.now() - began;
  };
}

await report(async () => {
  const { data } = readWav(await readFile(new URL("../tests/fixtures/speech_16k.wav", import.meta.url)));
  const sound = Int16Array.from({ length: 128_000 }, (_, index) => data[index % data.length]!);
  const samples = Float32Array.from(sound, (sample) => sample / 32_768);
  await using inWorker = smartTurn();
  await using inThread = smartTurn({ worker: false });
  const began = performance.now();
  await inWorker.prewarm();
  const loadMs = performance.now() - began;
  await inThread.prewarm();
  const features = logMel();
  const rounds = await interleave({
    worker: asker(inWorker, sound),
    thread: asker(inThread, sound),
    features: () => {
      const from = performance.now();
      features(samples);
      return performance.now() - from;
    },
  }, QUESTIONS);
  return {
    smart_turn_load: loadMs,
    smart_turn_worker: figure(rounds["worker"]!).median,
    smart_turn_thread: figure(rounds["thread"]!).median,
    smart_turn_features: figure(rounds["features"]!).median,
  };
});
