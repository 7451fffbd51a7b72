import assert from "node:assert/strict";
import { test } from "node:test";
import { cutQuietly, samplesOf } from "../../../adapters/whisper/sound.ts";
import { audioFrame } from "../../../src/audio/frame.ts";
import { AgentError } from "../../../src/base/error.ts";

const RATE = 16_000;

function loud(seconds: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: seconds * RATE }, (_, index) => index % 2 === 0 ? 0.5 : -0.5);
}

test("frames of any rate and number of channels become one run at 16 kHz, from -1 to 1", () => {
  const frames = [
    audioFrame(new Int16Array(1_600).fill(16_384), RATE),
    audioFrame(new Int16Array(2 * 4_800).fill(-16_384), 48_000, 2),
    audioFrame(new Int16Array(800).fill(16_384), 8_000),
  ];
  const samples = samplesOf(frames);
  assert.equal(samples.length, 4_800);
  assert.equal(samples[800], 0.5);
  for (const [at, value] of [[2_400, -0.5], [4_000, 0.5]] as const) {
    assert.ok(Math.abs(samples[at]! - value) < 0.01, `${samples[at]} at ${at}`);
  }
});

test("no frames are no sound, and a frame with an impossible rate is refused", () => {
  assert.equal(samplesOf([]).length, 0);
  assert.throws(
    () => samplesOf([audioFrame(new Int16Array(10), 1_000)]),
    (error) => error instanceof AgentError && error.code === "audio.bad_rate",
  );
});

test("short sound stays whole", () => {
  const samples = loud(3);
  assert.deepEqual(cutQuietly(samples, 5 * RATE), [samples]);
  assert.deepEqual(cutQuietly(samples, 3 * RATE), [samples]);
});

test("long sound is cut in its pauses, and the pieces are all of it", () => {
  const samples = loud(25);
  samples.fill(0.001, 9 * RATE, 9.4 * RATE);
  samples.fill(0.001, 18 * RATE, 18.4 * RATE);
  const pieces = cutQuietly(samples, 10 * RATE);
  assert.equal(pieces.length, 3);
  for (const [index, endSeconds] of [9.2, 18.2].entries()) {
    const end = pieces.slice(0, index + 1).reduce((sum, { length }) => sum + length, 0) / RATE;
    assert.ok(Math.abs(end - endSeconds) <= 0.2, `cut at ${end} s`);
  }
  assert.deepEqual(Float32Array.from(pieces.flatMap((piece) => [...piece])), samples);
});

test("sound without a pause is cut all the same", () => {
  const pieces = cutQuietly(loud(21), 5 * RATE);
  assert.ok(pieces.every(({ length }) => length > 0 && length <= 5 * RATE));
  assert.equal(pieces.reduce((sum, { length }) => sum + length, 0), 21 * RATE);
});
