import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { decibels, levelOf, peak, rms } from "../../src/audio/level.ts";

const sine = Int16Array.from(
  { length: 48_000 },
  (_, n) => Math.round(32_767 * Math.sin((2 * Math.PI * 440 * n) / 48_000)),
);

test("a square wave of full scale is 0 dB, a sine 3 dB less", () => {
  assert.equal(decibels(rms(new Int16Array(100).fill(-32_768))), 0);
  assert.ok(Math.abs(decibels(rms(sine)) + 3.01) < 0.01);
  assert.ok(Math.abs(decibels(peak(sine))) < 0.01);
});

test("silence and no sound at all have level 0", () => {
  for (const samples of [new Int16Array(10), new Int16Array(0)]) {
    assert.equal(rms(samples), 0);
    assert.equal(peak(samples), 0);
  }
  assert.equal(decibels(0), -Infinity);
});

test("the peak is the furthest sample on either side, and the RMS never beyond it", () => {
  assert.equal(peak(Int16Array.of(3, -32_768, 5)), 1);
  assert.equal(peak(Int16Array.of(3, -2, 16_384)), 0.5);
  fc.assert(fc.property(fc.int16Array(), (samples) => assert.ok(rms(samples) <= peak(samples) + 1e-12)));
});

test("levels and decibels are each other's inverse", () => {
  for (const levelDb of [-90, -40, -6, 0, 3]) assert.ok(Math.abs(decibels(levelOf(levelDb)) - levelDb) < 1e-5);
});
