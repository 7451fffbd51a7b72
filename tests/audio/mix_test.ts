import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { amplify, mix, mixInto } from "../../src/audio/mix.ts";

const isBadFrame = (error: unknown): boolean => error instanceof AgentError && error.code === "audio.bad_frame";

test("sounds add up, each with its gain and from its place on", () => {
  const mixed = mix([
    { samples: Int16Array.of(100, 200, 300) },
    { samples: Int16Array.of(10, 20), gain: 0.5, at: 2 },
  ]);
  assert.deepEqual([...mixed], [100, 200, 305, 10]);
});

test("nothing mixed is no sound", () => {
  assert.equal(mix([]).length, 0);
  assert.deepEqual([...mix([{ samples: new Int16Array(0), at: 2 }])], [0, 0]);
});

test("the sum saturates and does not wrap around", () => {
  const loud = { samples: Int16Array.of(30_000, -30_000) };
  assert.deepEqual([...mix([loud, loud])], [32_767, -32_768]);
  assert.deepEqual([...amplify(loud.samples, 3)], [32_767, -32_768]);
});

test("it saturates once, at the end: the order of the inputs makes no difference", () => {
  const input = fc.record({ samples: fc.int16Array(), at: fc.nat(5) });
  fc.assert(fc.property(fc.array(input), (inputs) => assert.deepEqual(mix(inputs), mix([...inputs].reverse()))));
});

test("mixing in place gives what mixing gives, and leaves out what reaches beyond", () => {
  fc.assert(fc.property(fc.int16Array(), fc.int16Array(), fc.nat(6), (target, samples, at) => {
    const expected = mix([{ samples: target }, { samples, at }]).subarray(0, target.length);
    const mixed = target.slice();
    mixInto(mixed, { samples, at });
    assert.deepEqual(mixed, Int16Array.from(expected));
  }));
});

test("a gain changes the level and nothing else; silence is 0, never -0 or NaN", () => {
  assert.deepEqual([...amplify(Int16Array.of(100, -100, 3), 0.5)], [50, -50, 2]);
  assert.deepEqual([...amplify(Int16Array.of(100, -100), 0)], [0, 0]);
});

test("a bad gain or place is refused", () => {
  const samples = Int16Array.of(1);
  for (const gain of [NaN, Infinity]) {
    assert.throws(() => mix([{ samples, gain }]), isBadFrame);
    assert.throws(() => amplify(samples, gain), isBadFrame);
  }
  for (const at of [-1, 0.5, NaN, Infinity]) {
    assert.throws(() => mix([{ samples, at }]), isBadFrame);
    assert.throws(() => mixInto(samples, { samples, at }), isBadFrame);
  }
});
