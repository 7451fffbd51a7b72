import assert from "node:assert/strict";
import { test } from "node:test";
import { COLUMN_COUNT, logMel, MEL_COUNT, WINDOW_SIZE } from "../../../adapters/smart_turn/features.ts";
import { soundMemory } from "../../../adapters/smart_turn/memory.ts";
import { BIN_COUNT, FRAME_SIZE, powerSpectrum } from "../../../adapters/smart_turn/spectrum.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { audioFrame } from "../../../src/audio/frame.ts";
import { speechFixture } from "../../contracts/vad.ts";
import { referenceOf } from "./reference.ts";

const reference = await referenceOf();

test("the spectrum of a frame is that of the definition", () => {
  const random = seededRandom(7);
  const samples = Float64Array.from({ length: FRAME_SIZE + 3 }, () => random() * 2 - 1);
  const power = new Float64Array(BIN_COUNT);
  powerSpectrum()(samples, 3, power);
  for (let bin = 0; bin < BIN_COUNT; bin++) {
    let re = 0;
    let im = 0;
    for (let at = 0; at < FRAME_SIZE; at++) {
      const weighted = samples[at + 3]! * Math.sin((Math.PI * at) / FRAME_SIZE) ** 2;
      re += weighted * Math.cos((2 * Math.PI * bin * at) / FRAME_SIZE);
      im -= weighted * Math.sin((2 * Math.PI * bin * at) / FRAME_SIZE);
    }
    assert.ok(Math.abs(power[bin]! - (re * re + im * im)) < 1e-9, `bin ${bin}`);
  }
});

test("features are those of the reference, wherever the sound ends", async () => {
  const { samples } = await speechFixture();
  const features = logMel();
  for (const { endMs, features: expected } of reference.found) {
    const found = features(Float32Array.from(samples.subarray(0, endMs * 16), (sample) => sample / 32_768));
    for (const [index, [band, column]] of reference.places.entries()) {
      const value = found[band! * COLUMN_COUNT + column!]!;
      assert.ok(Math.abs(value - expected[index]!) < 2e-4, `${endMs} ms, ${band}/${column}: ${value}`);
    }
  }
});

test("silence, and no sound at all, have features that are numbers", () => {
  const features = logMel();
  for (const samples of [new Float32Array(0), new Float32Array(WINDOW_SIZE)]) {
    const found = features(samples);
    assert.equal(found.length, MEL_COUNT * COLUMN_COUNT);
    assert.ok(found.every(Number.isFinite));
  }
});

test("how loud somebody speaks makes no difference", async () => {
  const { samples } = await speechFixture();
  const features = logMel();
  const loud = features(Float32Array.from(samples, (sample) => sample / 32_768));
  const quiet = features(Float32Array.from(samples, (sample) => sample / 32_768 / 8));
  for (let at = 0; at < loud.length; at += 97) assert.ok(Math.abs(loud[at]! - quiet[at]!) < 1e-2, `${at}`);
});

test("the memory holds the last 8 s, oldest first, however the frames are cut", () => {
  const memory = soundMemory();
  const total = WINDOW_SIZE + 5_000;
  for (let at = 0; at < total;) {
    const size = Math.min(total - at, 1 + ((at * 31) % 700));
    memory.push(audioFrame(Int16Array.from({ length: size }, (_, index) => (at + index) % 30_000), 16_000));
    at += size;
  }
  const held = memory.take();
  assert.equal(held.length, WINDOW_SIZE);
  for (const at of [0, 1, 777, WINDOW_SIZE - 1]) assert.equal(held[at]! * 32_768, (at + 5_000) % 30_000);

  memory.clear();
  assert.equal(memory.take().length, 0);
});

test("a frame longer than the memory leaves its end", () => {
  const memory = soundMemory();
  memory.push(audioFrame(Int16Array.from({ length: WINDOW_SIZE + 10 }, (_, index) => index % 1_000), 16_000));
  assert.equal(memory.take()[0]! * 32_768, 10);
});

test("sound of other rates and of two channels is remembered as one at 16 kHz", () => {
  const memory = soundMemory();
  for (let count = 0; count < 50; count++) memory.push(audioFrame(new Int16Array(2 * 960).fill(8_192), 48_000, 2));
  const held = memory.take();
  assert.ok(Math.abs(held.length - 16_000) < 50, `${held.length}`);
  assert.ok(Math.abs(held[8_000]! - 0.25) < 0.01);
});
