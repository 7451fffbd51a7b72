import assert from "node:assert/strict";
import { test } from "node:test";
import { figure, percentiles, quantile } from "../../bench/measure.ts";
import { makeRow, page } from "../../bench/results.ts";

const spec = { key: "turn", figure: "a turn", unit: "ms", budget: 2 };
const row = { question: "How long?", runtime: "node", peerName: "peer 1.0", why: null };

test("the median is of the sorted values, and the spread is their ends", () => {
  assert.deepEqual(figure([9, 1, 5]), { median: 5, min: 1, max: 9 });
});

test("a quantile stays within the values", () => {
  assert.equal(quantile([1, 2, 3, 4], 0.99), 4);
  assert.equal(quantile([1, 2, 3, 4], 1), 4);
  assert.deepEqual(percentiles("x", [3, 1, 2]), { x_p50: 2, x_p99: 3 });
});

test("less is better: the ratio says how many times less than the peer", () => {
  const made = makeRow({ ...row, spec, ours: [1, 2, 1.5], peer: [6, 3, 3] });
  assert.equal(made.ours, 1.5);
  assert.deepEqual(made.oursSpread, [1, 2]);
  assert.equal(made.ratio, 2);
  assert.equal(made.met, true);
});

test("more is better: the ratio turns round, and so does the budget", () => {
  const made = makeRow({ ...row, spec: { ...spec, budget: 100, atLeast: true }, ours: [90], peer: [30] });
  assert.equal(made.ratio, 3);
  assert.equal(made.met, false);
});

test("a side that was not asked leaves null, and the row says why", () => {
  const made = makeRow({ ...row, spec: { ...spec, whyNoPeer: "it cannot" }, ours: [1], peer: [] });
  assert.equal(made.peer, null);
  assert.equal(made.peerName, null);
  assert.equal(made.ratio, null);
  assert.equal(made.why, "it cannot");
});

test("a figure that failed neither meets nor misses its budget", () => {
  assert.equal(makeRow({ ...row, spec, ours: [], peer: [1] }).met, null);
});

test("the page names command, machine and versions, and marks what was missed", () => {
  const rows = [makeRow({ ...row, spec, ours: [3, 4], peer: [9] })];
  const text = page({ date: "2026-01-02", machine: "M, 2 cores", versions: { node: "24.0.0" }, rows }, "npm run bench");
  assert.match(text, /`npm run bench` on 2026-01-02/);
  assert.match(text, /M, 2 cores/);
  assert.match(text, /node 24\.0\.0/);
  assert.match(text, /\| a turn \| node \| 4 ms \(3 to 4\) \| 9 ms \| 2\.3 x \| <= 2 ms \| \*\*no\*\* \|/);
});
