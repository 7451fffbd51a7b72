import assert from "node:assert/strict";
import { test } from "node:test";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import type { VADEvent } from "../../src/model/vad.ts";
import { vadOptions, vadStream, type WindowJudge } from "../../src/model/vad_stream.ts";

/** Says what the first sample of a window says, in percent: 4 samples at 8,000 Hz are a window of 0.5 ms. */
function loudJudge(heard: number[][] = []): WindowJudge {
  return {
    sampleRate: 8_000,
    windowSize: 4,
    judge(window) {
      heard.push([...window]);
      return { probability: window[0]! / 100, durationMs: 7 };
    },
    reset: () => void heard.push([]),
  };
}

async function run(judge: WindowJudge, frames: readonly AudioFrame[], options = vadOptions()): Promise<VADEvent[]> {
  const source = new ReadableStream<AudioFrame>({
    start(controller) {
      for (const frame of frames) controller.enqueue(frame);
      controller.close();
    },
  });
  const events: VADEvent[] = [];
  for await (const event of source.pipeThrough(vadStream(judge, { options: () => options }))) events.push(event);
  return events;
}

test("windows are whole, in order, and what is left over at the end is not judged", async () => {
  const heard: number[][] = [];
  await run(
    loudJudge(heard),
    [[1, 2, 3], [4, 5], [6, 7, 8, 9, 10]].map((data) => audioFrame(Int16Array.from(data), 8_000)),
  );
  assert.deepEqual(heard, [[1, 2, 3, 4], [5, 6, 7, 8]]);
});

test("probabilities are smoothed: the first as it is, then with a weight of 0.35 for the past", async () => {
  const events = await run(loudJudge(), [audioFrame(Int16Array.of(100, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0), 8_000)]);

  assert.deepEqual(events.map(({ probability }) => probability), [1, 0.35, 0.35 * 0.35 + 0.65]);
  assert.deepEqual(events.map(({ inferenceDurationMs }) => inferenceDurationMs), [7, 7, 7]);
});

test("windows of a rate that does not divide end on whole samples, and lose none", async () => {
  const frame = audioFrame(new Int16Array(11_025), 11_025);

  const events = await run(loudJudge(), [frame]);

  assert.equal(events.length, 2_000); // windows of 5.5125 samples
  const sizes = events.map(({ frames }) => frames![0]!.samplesPerChannel);
  assert.deepEqual([...new Set(sizes)].sort(), [5, 6]);
  assert.equal(sizes.reduce((sum, size) => sum + size), 11_025);
});

test("sound that changes its rate is heard through", async () => {
  const frames = [audioFrame(new Int16Array(800).fill(90), 8_000), audioFrame(new Int16Array(4_800).fill(90), 48_000)];

  const events = await run(loudJudge(), frames, vadOptions({ minSpeechDuration: 150 }));

  const inferences = events.filter(({ type }) => type === "inference_done");
  assert.equal(inferences.length, 400); // 200 ms in all
  assert.equal(inferences.at(-1)?.timestampMs, 200);
  const start = events.find(({ type }) => type === "start_of_speech");
  assert.equal(start?.timestampMs, 150);
  assert.equal(start?.frames?.[0]?.sampleRate, 48_000);
});

test("channels are mixed to their mean", async () => {
  const heard: number[][] = [];
  await run(loudJudge(heard), [audioFrame(Int16Array.of(10, 20, -5, 5, 32767, 32767, -32768, -32768), 8_000, 2)]);
  assert.deepEqual(heard, [[15, 0, 32767, -32768]]);
});

test("a frame that is changed after it was handed over is heard as it was", async () => {
  const data = Int16Array.of(50, 0, 0);
  const heard: number[][] = [];
  const { readable, writable } = vadStream(loudJudge(heard), { options: () => vadOptions() });
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const reading = reader.read();
  await writer.write(audioFrame(data, 8_000));
  data.fill(99);
  await Promise.all([reading, writer.write(audioFrame(Int16Array.of(1), 8_000))]);
  assert.deepEqual(heard, [[50, 0, 0, 1]]);
});

test("what the judge throws fails both ends", async () => {
  const reason = new Error("out of memory");
  const judge: WindowJudge = { ...loudJudge(), judge: () => Promise.reject(reason) };
  await assert.rejects(run(judge, [audioFrame(new Int16Array(4), 8_000)]), (error) => error === reason);
});
