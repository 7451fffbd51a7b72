import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import {
  bytesToInt16,
  deinterleave,
  downmix,
  float32ToInt16,
  int16ToBytes,
  int16ToFloat32,
  interleave,
} from "../../src/audio/pcm.ts";

const anySamples = fc.int16Array();
const isBadFrame = (error: unknown): boolean => error instanceof AgentError && error.code === "audio.bad_frame";

test("samples survive the way to floats and back", () => {
  fc.assert(fc.property(anySamples, (samples) => assert.deepEqual(float32ToInt16(int16ToFloat32(samples)), samples)));
  assert.deepEqual([...int16ToFloat32(Int16Array.of(-32768, 0, 16384))], [-1, 0, 0.5]);
});

test("floats saturate, round, and are silence when they are no number", () => {
  const floats = Float32Array.of(1, 2, -1, -7, 0.5, 1.4 / 32768, 1.6 / 32768, NaN, Infinity, -Infinity);
  assert.deepEqual(
    [...float32ToInt16(floats)],
    [32767, 32767, -32768, -32768, 16384, 1, 2, 0, 32767, -32768],
  );
});

test("samples survive the way to bytes and back, little end first, from any offset", () => {
  assert.deepEqual([...int16ToBytes(Int16Array.of(0x0102, -2))], [2, 1, 0xfe, 0xff]);
  fc.assert(fc.property(anySamples, fc.nat(3), (samples, offset) => {
    const bytes = new Uint8Array(samples.length * 2 + offset);
    bytes.set(int16ToBytes(samples), offset);
    assert.deepEqual(bytesToInt16(bytes.subarray(offset)), samples);
  }));
});

test("half a sample is refused", () => {
  assert.throws(() => bytesToInt16(new Uint8Array(3)), isBadFrame);
});

test("channels survive being woven and taken apart", () => {
  assert.deepEqual([...interleave([Int16Array.of(1, 2), Int16Array.of(-1, -2)])], [1, -1, 2, -2]);
  fc.assert(fc.property(anySamples, fc.integer({ min: 1, max: 4 }), (samples, channels) => {
    const woven = samples.subarray(0, samples.length - (samples.length % channels));
    assert.deepEqual(interleave(deinterleave(woven, channels)), Int16Array.from(woven));
  }));
});

test("channels of different lengths, none, and torn blocks are refused", () => {
  assert.throws(() => interleave([]), isBadFrame);
  assert.throws(() => interleave([new Int16Array(1), new Int16Array(2)]), isBadFrame);
  for (const channels of [2, 0, -1, 1.5, NaN]) {
    assert.throws(() => deinterleave(new Int16Array(3), channels), isBadFrame);
    assert.throws(() => downmix(new Int16Array(3), channels), isBadFrame);
  }
});

test("a downmix is the average, and one channel is itself", () => {
  assert.deepEqual([...downmix(Int16Array.of(10, 20, 32767, 32767, -32768, -32768, 1, -1), 2)], [15, 32767, -32768, 0]);
  const mono = Int16Array.of(1, 2, 3);
  assert.equal(downmix(mono, 1), mono);
});
