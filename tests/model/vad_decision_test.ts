import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import {
  endVad,
  stepVad,
  VAD_SILENCE,
  type VADState,
  type VADStep,
  vadThresholds,
} from "../../src/model/vad_decision.ts";

const WINDOW_MS = 32;
const defaults = vadThresholds();

/** Every step over the probabilities, from silence. */
function steps(probabilities: readonly number[], thresholds = defaults): VADStep[] {
  let state: VADState = VAD_SILENCE;
  return probabilities.map((probability) => {
    const step = stepVad(state, probability, WINDOW_MS, thresholds);
    state = step.next;
    return step;
  });
}

const times = (count: number, probability: number): number[] => new Array<number>(count).fill(probability);

/** Which windows, counted from 1, begin or end something. */
const boundaries = (all: readonly VADStep[]): [string, number][] =>
  all.flatMap(({ boundary }, index) => boundary === undefined ? [] : [[boundary.type, index + 1] as [string, number]]);

test("speech begins with the second window of speech, and ends with the eighteenth of silence", () => {
  const all = steps([...times(5, 0), ...times(10, 0.9), ...times(20, 0)]);

  assert.deepEqual(boundaries(all), [["start_of_speech", 7], ["end_of_speech", 33]]);
  assert.deepEqual(all[6]!.boundary!.told, {
    speaking: true,
    rawSpeechMs: 64,
    rawSilenceMs: 0,
    speechDurationMs: 64,
    silenceDurationMs: 0,
  });
  assert.deepEqual(all[32]!.boundary!.told, {
    speaking: false,
    rawSpeechMs: 0,
    rawSilenceMs: 576,
    speechDurationMs: 320,
    silenceDurationMs: 576,
  });
  assert.equal(all[32]!.next.speechDurationMs, 0);
});

test("a window is told of as it was before it, but for the durations", () => {
  const all = steps([0, 0.9, 0.9, 0.9, 0]);

  assert.deepEqual(all.map(({ inference }) => inference), [
    { speaking: false, rawSpeechMs: 0, rawSilenceMs: 0, speechDurationMs: 0, silenceDurationMs: 32 },
    { speaking: false, rawSpeechMs: 0, rawSilenceMs: 32, speechDurationMs: 0, silenceDurationMs: 64 },
    { speaking: false, rawSpeechMs: 32, rawSilenceMs: 0, speechDurationMs: 0, silenceDurationMs: 96 },
    { speaking: true, rawSpeechMs: 64, rawSilenceMs: 0, speechDurationMs: 96, silenceDurationMs: 0 },
    { speaking: true, rawSpeechMs: 96, rawSilenceMs: 0, speechDurationMs: 128, silenceDurationMs: 0 },
  ]);
});

test("one silent window makes speech that has not begun start over", () => {
  assert.deepEqual(boundaries(steps([0.9, 0, 0.9, 0, 0.9, 0.9])), [["start_of_speech", 6]]);
});

test("a silence that is too short ends nothing", () => {
  assert.deepEqual(boundaries(steps([0.9, 0.9, ...times(17, 0), 0.9, ...times(17, 0)])), [["start_of_speech", 2]]);
});

test("the thresholds themselves: activation is speech, deactivation is silence", () => {
  assert.deepEqual(boundaries(steps([0.5, 0.5, ...times(17, 0.35)])), [["start_of_speech", 2]]);
  assert.deepEqual(boundaries(steps([0.5, 0.5, ...times(18, 0.35)])), [["start_of_speech", 2], ["end_of_speech", 20]]);
});

test("no minimum means the first window decides", () => {
  const thresholds = vadThresholds({ minSpeechDuration: 0, minSilenceDuration: 0 });
  assert.deepEqual(boundaries(steps([0.9, 0, 0.9], thresholds)), [
    ["start_of_speech", 1],
    ["end_of_speech", 2],
    ["start_of_speech", 3],
  ]);
});

test("the deactivation threshold follows the other one, and stays above 0", () => {
  assert.equal(vadThresholds({ activationThreshold: 0.8 }).deactivationThreshold, 0.8 - 0.15);
  assert.equal(vadThresholds({ activationThreshold: 0.1 }).deactivationThreshold, 0.01);
});

test("a probability between the thresholds never begins and never ends speech", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 }),
    fc.double({ min: 0.351, max: 0.499, noNaN: true }),
    (heard, between) => {
      const { speaking } = steps(heard).at(-1)?.next ?? VAD_SILENCE;
      const all = steps([...heard, ...times(100, between)]).slice(heard.length);
      assert.deepEqual(boundaries(all), []);
      assert.equal(all.at(-1)!.next.speaking, speaking);
    },
  ));
});

test("starts and ends take turns, and never come sooner than the minimums allow", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 300 }),
    fc.record({
      minSpeechDuration: fc.integer({ min: 0, max: 300 }),
      minSilenceDuration: fc.integer({ min: 0, max: 300 }),
    }),
    (heard, options) => {
      let last: [string, number] = ["end_of_speech", 0];
      for (const boundary of boundaries(steps(heard, vadThresholds(options)))) {
        assert.notEqual(boundary[0], last[0]);
        const least = boundary[0] === "start_of_speech" ? options.minSpeechDuration : options.minSilenceDuration;
        assert.ok((boundary[1] - last[1]) * WINDOW_MS >= least);
        last = boundary;
      }
    },
  ));
});

test("speech can be ended from outside, once it has begun", () => {
  const speaking = steps([0.9, 0.9, 0.9, 0]).at(-1)!.next;

  assert.deepEqual(endVad(speaking).boundary, {
    type: "end_of_speech",
    told: { speaking: false, rawSpeechMs: 0, rawSilenceMs: 32, speechDurationMs: 96, silenceDurationMs: 32 },
  });
  assert.deepEqual(endVad(steps([0.9]).at(-1)!.next), {});
});

test("thresholds that make no sense are refused", () => {
  for (const options of [{ activationThreshold: 1.1 }, { deactivationThreshold: 2 }, { minSpeechDuration: Infinity }]) {
    assert.throws(
      () => vadThresholds(options),
      (error) => error instanceof AgentError && error.code === "model.bad_option",
    );
  }
});
