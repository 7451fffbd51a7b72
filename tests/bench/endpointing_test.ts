import assert from "node:assert/strict";
import { test } from "node:test";
import { generatePauses } from "../../bench/endpointing/generate.ts";
import { readPauses, writePauses } from "../../bench/endpointing/pauses.ts";
import { playPolicy, playSweep } from "../../bench/endpointing/replay.ts";

const SEED = 11;

test("pauses are read as they were written", () => {
  const [one, two] = generatePauses(SEED);
  const [first, second] = readPauses(writePauses([one!, two!]));
  assert.deepEqual(
    first!.map(({ startMs, isEnd, lengthMs }) => [startMs, isEnd, lengthMs]),
    one!.map(({ startMs, isEnd, lengthMs }) => [startMs, isEnd, lengthMs]),
  );
  assert.equal(second!.length, two!.length);
  assert.ok(Math.abs(first![0]!.scores[0]!.probability - one![0]!.scores[0]!.probability) < 1e-4);
});

test("columns may stand in any order, and lines that do not fit are named", () => {
  const [[span] = []] = readPauses(
    "label,id,probability,span_start_ms,since_silence_ms\n0,a,0.25,100,200\n0,a,0.5,100,340\n",
  );
  assert.deepEqual(span, {
    startMs: 100,
    isEnd: false,
    lengthMs: 340,
    scores: [{ sinceMs: 200, probability: 0.25 }, { sinceMs: 340, probability: 0.5 }],
  });
  assert.throws(() => readPauses("start,label\n1,0\n"), /must name span_start_ms/);
  assert.throws(
    () => readPauses("span_start_ms,since_silence_ms,probability,label\n1,200,1.5,0\n"),
    /line 2 must hold/,
  );
});

test("a policy that always waits long cuts nobody off, and one that never waits cuts off most", () => {
  const pauses = generatePauses(SEED).slice(0, 6);
  const patient = playPolicy(pauses, { endpointing: { minDelay: 3_000, maxDelay: 3_000 } });
  assert.deepEqual(patient, { cutOff: 0, delayMs: 3_000, delayP90Ms: 3_000 });
  const hasty = playPolicy(pauses, { endpointing: { minDelay: 0, maxDelay: 0 } });
  assert.equal(hasty.delayMs, 250); // when the VAD calls it the end
  assert.ok(hasty.cutOff > 0.5);
});

test(`graded waits end turns no later than the plain threshold that cuts off as many (seed ${SEED})`, () => {
  const pauses = generatePauses(SEED);
  for (const threshold of [0.8, 0.9, 0.95]) {
    const endpointing = { mode: "graded", minDelay: 250, maxDelay: 2_500 } as const;
    const graded = playPolicy(pauses, { endpointing, threshold });
    const rivals = Array.from({ length: 95 }, (_, index) => playSweep(pauses, (index + 1) / 100, 2_500));
    const best = Math.min(...rivals.filter(({ cutOff }) => cutOff <= graded.cutOff).map(({ delayMs }) => delayMs));
    assert.ok(graded.delayMs < best, `${threshold}: ${graded.delayMs} ms, and the threshold takes ${best}`);
  }
});
