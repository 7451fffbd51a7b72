import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../src/base/random.ts";

const draw = (next: () => number, count: number) => Array.from({ length: count }, () => next());

test("the same seed gives the same numbers, everywhere", () => {
  assert.deepEqual(draw(seededRandom(1), 5), draw(seededRandom("1"), 5));
  assert.deepEqual(draw(seededRandom(42), 3).map((value) => Math.floor(value * 2 ** 32)), [
    946514682,
    2983611502,
    91275602,
  ]);
});

test("neighbouring seeds and names share no numbers", () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 200; seed += 1) {
    for (const value of draw(seededRandom(seed), 10)) seen.add(value);
    for (const value of draw(seededRandom(seed).fork("part"), 10)) seen.add(value);
  }
  assert.ok(seen.size > 3_990, `only ${seen.size} of 4,000 differ`);
});

test("a fork depends on names alone, not on what was drawn before", () => {
  const fresh = seededRandom(7);
  const used = seededRandom(7);
  draw(used, 100);
  used.fork("other");
  assert.deepEqual(draw(fresh.fork("stt").fork("jitter"), 4), draw(used.fork("stt").fork("jitter"), 4));
  assert.notDeepEqual(draw(fresh.fork("a").fork("b"), 4), draw(fresh.fork("a/b"), 4));
});

test("numbers are spread evenly over [0, 1)", () => {
  const random = seededRandom("spread");
  const buckets = new Array<number>(16).fill(0);
  for (let index = 0; index < 16_000; index += 1) {
    const value = random();
    assert.ok(value >= 0 && value < 1);
    buckets[Math.floor(value * 16)]! += 1;
  }
  // 1,000 each; chi squared with 15 degrees of freedom stays under 37.7 in 999 of 1,000 cases, and the seed is fixed.
  const chiSquared = buckets.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
  assert.ok(chiSquared < 37.7, `chi squared is ${chiSquared}`);
});

test("`below` gives every whole number under the limit, and no other", () => {
  const random = seededRandom(3);
  const seen = new Set(Array.from({ length: 200 }, () => random.below(6)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5]);
});
