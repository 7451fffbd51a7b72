import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import {
  endSegment,
  type FinalOrder,
  SEGMENT_START,
  segmentOptions,
  type SegmentOrder,
  stepSegment,
} from "../../src/model/segment_decision.ts";
import type { VADEvent } from "../../src/model/vad.ts";
import { stepVad, VAD_SILENCE, type VADState, vadThresholds } from "../../src/model/vad_decision.ts";

const WINDOW_MS = 32;

/** What a detector says of windows with these probabilities. */
function detect(probabilities: readonly number[]): VADEvent[] {
  const events: VADEvent[] = [];
  let state: VADState = VAD_SILENCE;
  for (const [index, probability] of probabilities.entries()) {
    const { next, inference, boundary } = stepVad(state, probability, WINDOW_MS, vadThresholds({}));
    const place = { timestampMs: (index + 1) * WINDOW_MS, probability, inferenceDurationMs: 0 };
    events.push({ type: "inference_done", ...place, ...inference });
    if (boundary !== undefined) events.push({ type: boundary.type, ...place, ...boundary.told });
    state = next;
  }
  return events;
}

/** What is ordered for them, and from where sound was kept at each event. */
function decide(probabilities: readonly number[], maxSegmentMs = 25_000) {
  const options = { ...segmentOptions({ maxSegmentMs }), windowMs: WINDOW_MS };
  const orders: SegmentOrder[] = [];
  let state = SEGMENT_START;
  let keptFromMs = 0;
  const take = (step: ReturnType<typeof endSegment>): void => {
    for (const order of step.orders) {
      if ("fromMs" in order) assert.ok(order.fromMs >= keptFromMs, `${order.type} needs sound that was dropped`);
      orders.push(order);
    }
    assert.ok(step.keepFromMs >= keptFromMs, "what was dropped does not come back");
    keptFromMs = step.keepFromMs;
    state = step.state;
  };
  for (const event of detect(probabilities)) take(stepSegment(state, event, options));
  take(endSegment(state, probabilities.length * WINDOW_MS));
  return { orders, finals: orders.filter((order): order is FinalOrder => order.type === "final") };
}

/** Runs of speech and silence, as probabilities. */
const conversation = fc.array(
  fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 120 })),
  { maxLength: 20 },
).map((runs) => runs.flatMap(([isSpeech, count]) => new Array<number>(count).fill(isSpeech ? 0.9 : 0.1)));

test("segments are in order, do not overlap, are no longer than the limit, and each is asked for once", () => {
  fc.assert(fc.property(conversation, (probabilities) => {
    const { finals } = decide(probabilities, 4_000);
    for (const [index, { segment, fromMs, toMs, onsetMs, speechEndMs }] of finals.entries()) {
      assert.equal(segment, index + 1);
      assert.ok(fromMs <= onsetMs && onsetMs <= speechEndMs && speechEndMs <= toMs);
      assert.ok(toMs - fromMs <= 4_000 + 600, `${toMs - fromMs} ms`);
      assert.ok(fromMs >= (finals[index - 1]?.speechEndMs ?? 0));
    }
  }));
});

test("all speech that the detector tells of lies in a segment", () => {
  fc.assert(fc.property(conversation, (probabilities) => {
    const { finals } = decide(probabilities);
    const isHeard = (ms: number): boolean => finals.some(({ fromMs, toMs }) => fromMs <= ms && ms < toMs);
    for (const [index, { type, timestampMs, speaking }] of detect(probabilities).entries()) {
      if (type === "inference_done" && speaking) {
        assert.ok(isHeard(timestampMs - WINDOW_MS / 2), `event ${index} at ${timestampMs} ms`);
      }
    }
  }));
});

test("interims are of the segment that runs, and none is longer than what was heard", () => {
  fc.assert(fc.property(conversation, (probabilities) => {
    let current = 0;
    let before = 0;
    for (const order of decide(probabilities).orders) {
      if (order.type === "start") current = order.segment;
      if (order.type === "interim") {
        assert.equal(order.segment, current);
        assert.ok(order.toMs > before && order.fromMs < order.toMs);
        before = order.toMs;
      }
      if (order.type === "final" && order.goesOn) current += 1;
    }
  }));
});

test("settled words are taken back before anything else when the speaker goes on", () => {
  fc.assert(fc.property(conversation, (probabilities) => {
    let isSettled = false;
    for (const order of decide(probabilities).orders) {
      if (order.type === "interim") {
        assert.ok(!isSettled, "nothing is asked for after settled words");
        isSettled = order.isSettled;
      } else {
        isSettled = false;
      }
    }
  }));
});

test("defaults are filled in", () => {
  assert.deepEqual(segmentOptions(), { preRollMs: 500, interimMs: 500, settleMs: 200, maxSegmentMs: 25_000 });
});
