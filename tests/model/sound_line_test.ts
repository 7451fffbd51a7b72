import assert from "node:assert/strict";
import { test } from "node:test";
import { audioFrame } from "../../src/audio/frame.ts";
import { concatSamples } from "../../src/audio/frames.ts";
import { type SoundLine, soundLine } from "../../src/model/sound_line.ts";

const RATE = 8_000;

/** A line of so many milliseconds whose samples are their own number. */
function counted(ms: number, frameMs = 20): SoundLine {
  const line = soundLine();
  const size = (RATE * frameMs) / 1000;
  for (let at = 0; at < (RATE * ms) / 1000; at += size) {
    line.append(audioFrame(Int16Array.from({ length: size }, (_, index) => at + index), RATE));
  }
  return line;
}

function read(line: SoundLine, fromMs: number, toMs: number): number[] {
  return [...concatSamples(line.slice(fromMs, toMs).map(({ data }) => data))];
}

const from = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, at) => start + at);

test("a stretch is found by its time, to the sample", () => {
  const line = counted(200);
  assert.equal(line.endMs, 200);
  assert.deepEqual(read(line, 30, 95), from(240, 760));
  assert.deepEqual(read(line, 40, 60), from(320, 480));
});

test("two stretches that meet share no sample and lose none", () => {
  const line = counted(200);
  assert.deepEqual([...read(line, 0, 33.4), ...read(line, 33.4, 200)], from(0, 1_600));
});

test("beyond its ends there is nothing", () => {
  const line = counted(100);
  assert.deepEqual(read(line, -500, 10), from(0, 80));
  assert.deepEqual(read(line, 95, 1e9), from(760, 800));
  assert.deepEqual(read(line, 200, 300), []);
  assert.deepEqual(soundLine().slice(0, 100), []);
});

test("what is dropped is gone, whole frames at a time, and times stay as they were", () => {
  const line = counted(100);
  line.dropBefore(50);
  assert.equal(line.startMs, 40);
  assert.deepEqual(read(line, 0, 60), from(320, 480));
  line.dropBefore(1e9);
  assert.deepEqual([line.startMs, line.endMs], [100, 100]);
  line.append(audioFrame(new Int16Array(160), RATE));
  assert.deepEqual([line.startMs, line.endMs], [100, 120]);
});

test("frames of several rates and channels lie on one line", () => {
  const line = counted(20);
  line.append(audioFrame(Int16Array.from({ length: 960 }, (_, index) => index), 24_000, 2));
  assert.equal(line.endMs, 40);
  assert.deepEqual(
    line.slice(10, 30).map(({ sampleRate, channels, samplesPerChannel }) => [
      sampleRate,
      channels,
      samplesPerChannel,
    ]),
    [[RATE, 1, 80], [24_000, 2, 240]],
  );
});
