import { test } from "node:test";
import assert from "node:assert/strict";
import {
  agentSpeechEnded,
  agentSpeechStarted,
  createEndpointing,
  type EndpointingState,
  minDelay,
  unlikelyDelay,
  updateEndpointing,
  userSpeechEnded,
  userSpeechStarted,
} from "../../src/turn/endpointing.ts";

type Options = Parameters<typeof createEndpointing>[0];
type Call = (e: EndpointingState) => EndpointingState;

const user = (from: number, over = false): Call => (e) => userSpeechStarted(e, from, over);
const agent = (from: number): Call => (e) => agentSpeechStarted(e, from);
const silent = (at: number): Call => (e) => agentSpeechEnded(e, at);
const end = (options: Options, remember: boolean) => (at: number, ignore = false): Call => (e) =>
  userSpeechEnded(e, at, ignore, options, remember);

// The vector of section 13: calls and the delay learned after each row, with 1.7's rules.
for (const remember of [true, false]) {
  for (
    const [alpha, min, max, learned] of [
      [0.9, 500, 3_000, [500, 520, 520, 528, 528, 528, 535.2, 535.2]],
      [0.5, 300, 1_000, [300, 500, 500, 550, 550, 550, 575, 575]],
    ] as const
  ) {
    test(`dynamic delays follow the vector of section 13: alpha ${alpha}, barge-ins teach: ${remember}`, () => {
      const options: Options = { mode: "dynamic", alpha, minDelay: min, maxDelay: max };
      const over = end(options, remember);
      const rows: Call[][] = [
        [user(10_000), over(11_000)],
        [user(11_700), over(12_500)],
        [agent(13_100), silent(15_000), user(15_600), over(16_500)],
        [agent(16_900), user(17_100, true), over(17_300)],
        [agent(17_900), user(19_000, true), over(19_300, true)],
        [silent(20_000), user(20_800), over(21_500)],
        [user(22_100), over(22_600)],
        [agent(23_500), user(24_700, true), silent(25_200), over(25_900)],
      ];
      let e = createEndpointing(options);
      rows.forEach((calls, i) => {
        e = calls.reduce((state, call) => call(state), e);
        assert.ok(Math.abs(minDelay(e, options) - (learned[i] ?? 0)) < 1e-9, `row ${i}: ${minDelay(e, options)}`);
        assert.equal(unlikelyDelay(e, options, 0.1, 0.5), max);
      });
    });
  }
}

const DYNAMIC: Options = { mode: "dynamic", alpha: 0.5, minDelay: 300, maxDelay: 1_000 };

/** Pauses inside a turn, of `gap` each, with the agent silent. */
function pauses(gap: number, count: number, options: Options): EndpointingState {
  let e = createEndpointing(options);
  for (let i = 0, t = 1_000; i < count; i += 1, t += 500 + gap) {
    e = userSpeechEnded(userSpeechStarted(e, t, false), t + 500, false, options, true);
  }
  return e;
}

test("the effective minDelay stays within the configured bounds, and never exceeds maxDelay", () => {
  for (const gap of [1, 200, 700, 5_000]) {
    for (let count = 0; count < 12; count += 1) {
      const delay = minDelay(pauses(gap, count, DYNAMIC), DYNAMIC);
      assert.ok(delay >= 300 && delay <= 1_000, `${delay}`);
    }
  }
});

test("fixed mode never changes, and alpha 1 never learns", () => {
  const fixed: Options = { ...DYNAMIC, mode: "fixed" };
  assert.equal(minDelay(pauses(700, 5, fixed), fixed), 300);
  const stubborn: Options = { ...DYNAMIC, alpha: 1 };
  assert.equal(minDelay(pauses(700, 5, stubborn), stubborn), 300);
});

test("lowering maxDelay below a learned minDelay lowers the effective minDelay at once", () => {
  const learned = pauses(900, 6, DYNAMIC);
  const lower: Options = { ...DYNAMIC, maxDelay: 400 };

  const after = updateEndpointing(learned, lower, DYNAMIC, true);

  assert.ok(minDelay(learned, DYNAMIC) > 700);
  assert.equal(minDelay(after, lower), 400);
});

test("an ignored backchannel changes no delay, and the utterance after it teaches nothing", () => {
  const over = end(DYNAMIC, true);
  const calls = [user(1_000), over(1_500), agent(2_000), user(3_000, true), over(3_300, true), silent(4_000)];
  const ignored = calls.reduce((e, call) => call(e), createEndpointing(DYNAMIC));

  const next = [user(4_700), over(5_000)].reduce((e, call) => call(e), ignored);

  assert.equal(minDelay(ignored, DYNAMIC), 300);
  assert.equal(minDelay(next, DYNAMIC), 300);
});

test("OURS-16: a real barge-in teaches that the agent cut in too early; in the reference it does not", () => {
  // The agent starts 400 ms after the user's pause began, the user goes on 100 ms later and stops it.
  const delays = [true, false].map((remember) => {
    const over = end(DYNAMIC, remember);
    const calls = [user(1_000), over(2_000), agent(2_400), user(2_500, true), silent(3_000), over(4_000)];
    return minDelay(calls.reduce((e, call) => call(e), createEndpointing(DYNAMIC)), DYNAMIC);
  });

  assert.deepEqual(delays, [400, 300]);
});

test("OURS-15: what was learned survives new options and the hand-off to the next activity", () => {
  const learned = pauses(900, 3, DYNAMIC);
  const delay = minDelay(learned, DYNAMIC);

  const options = { ...DYNAMIC, alpha: 0.7 };
  assert.equal(minDelay(updateEndpointing(learned, options, DYNAMIC, true), options), delay);
  assert.equal(minDelay(createEndpointing(DYNAMIC, learned), DYNAMIC), delay);
  assert.equal(minDelay(updateEndpointing(learned, options, DYNAMIC, false), options), 300, "the reference forgets");
  assert.equal(createEndpointing({ ...DYNAMIC, mode: "fixed" }, learned).mode, "fixed");
});

const GRADED: Options = { mode: "graded", alpha: 0.9, minDelay: 300, maxDelay: 2_500 };

test("a graded delay is the least one at the threshold, and grows with the odds against", () => {
  const e = createEndpointing(GRADED);
  assert.equal(minDelay(e, GRADED), 300);
  assert.equal(unlikelyDelay(e, GRADED, 0.5, 0.5), 300);
  // By hand: 300 + 500 * (ln(threshold odds) - ln(odds)).
  for (
    const [probability, threshold, delay] of [
      [0.4, 0.5, 503],
      [0.2, 0.5, 993],
      [0.1, 0.36, 1_111],
      [0.01, 0.5, 2_500],
      [0, 0.5, 2_500],
      [0, 0, 300],
      [0.9, 1, 2_500],
    ] as const
  ) {
    assert.equal(unlikelyDelay(e, GRADED, probability, threshold), delay, `${probability} against ${threshold}`);
  }
  let before = Infinity;
  for (let probability = 0; probability <= 0.5; probability += 0.001) {
    const delay = unlikelyDelay(e, GRADED, probability, 0.5);
    assert.ok(delay <= before && delay >= 300 && delay <= 2_500, `${probability}`);
    before = delay;
  }
});
