/** What must hold of sections 16 and 19: users who talk on, and speech without words. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { final, type Input, speech, world } from "./harness.ts";
import { commits, lengths, lines } from "./must_hold.ts";

const talk = (...finals: Input[]): Input[] => [...speech(500, 8_000), ...finals];

test("the limit of a user turn is off by default", () => {
  const w = world(talk(final(2_000, "one two three four five six seven eight nine ten")));
  w.run();
  assert.deepEqual(lines(w, /exceeded/), []);
});

test("three words and three with maxWords 5 in one speech: it fires at the second final", () => {
  const w = world(talk(final(2_000, "one two three"), final(4_000, "four five six")), {
    config: { userTurnLimit: { maxWords: 5 } },
  });
  w.run();
  assert.deepEqual(lines(w, /exceeded/), ['4000 exceeded "one two three four five six" 6 words 3500']);
});

test("the same with an audible reply between: never", () => {
  const w = world(
    [...speech(500, 1_500), final(1_700, "one two three"), ...speech(5_000, 6_000), final(6_200, "four five six")],
    { config: { userTurnLimit: { maxWords: 5 } } },
  );
  w.run();
  assert.deepEqual(lines(w, /exceeded/), []);
});

test("maxDuration counts from the first speech", () => {
  const w = world(talk(final(2_000, "one"), final(3_400, "two"), final(3_600, "three")), {
    config: { userTurnLimit: { maxDuration: 3_000 } },
  });
  w.run();
  assert.deepEqual(lines(w, /exceeded/), ['3600 exceeded "one two three" 3 words 3100']);
});

test("an exceeded turn whose regular reply begins to play is dropped", () => {
  const w = world([...speech(500, 1_500), final(2_100, "one two three four five six")], {
    config: { userTurnLimit: { maxWords: 5 } },
  });
  w.run();
  assert.deepEqual(lines(w, /exceeded/), []);
  assert.equal(w.turn.limits.exceeded.phase, "idle");
});

test("OURS-23: a hook that does not answer gives the words back to the turn", () => {
  const w = world(
    talk(final(4_000, "one two three four five"), [5_000, { type: "exceeded.hookDone", restore: true }]),
    {
      config: { userTurnLimit: { maxWords: 5 } },
    },
  );
  w.run();
  assert.deepEqual(commits(w), [[8_550, "one two three four five"]]);
});

test("speech without words is told once, after transcriptionTimeout from its end", () => {
  const w = world(speech(500, 2_500), { config: { transcriptionTimeout: 2_000 } });
  w.run();
  assert.deepEqual(lines(w, /no words/), ["4500 no words for 2000 ms since 500"]);
});

test("two segments without words are one turn: one event, with both durations", () => {
  const w = world([...speech(500, 1_500), ...speech(2_500, 3_500)], { config: { transcriptionTimeout: 2_000 } });
  w.run();
  assert.deepEqual(lines(w, /no words/), ["5500 no words for 2000 ms since 500"]);
});

test("words that come in time, and a cleared turn, leave nothing to tell", () => {
  for (const end of [final(3_000, "hi"), [3_200, { type: "api.clearUserTurn" }] as Input]) {
    const w = world([...speech(500, 2_500), end], { config: { transcriptionTimeout: 2_000 }, duration: lengths });
    w.run();
    assert.deepEqual(lines(w, /no words/), []);
    assert.equal(w.armed.has("transcription"), false);
  }
});

test("each turn's speech without words is counted by itself", () => {
  const w = world([...speech(500, 1_500), final(1_700, "hi"), ...speech(8_000, 9_000)], {
    config: { transcriptionTimeout: 2_000 },
    duration: lengths,
  });
  w.run();
  assert.deepEqual(lines(w, /no words/), ["11000 no words for 1000 ms since 8000"]);
});

test("after the agent was heard the words count anew, in number, text and time", () => {
  const w = world(
    [...speech(500, 1_500), final(1_700, "one two three"), ...speech(8_000, 12_000), final(9_000, "a b c d e")],
    { config: { userTurnLimit: { maxWords: 5 } } },
  );
  w.run();
  assert.deepEqual(lines(w, /exceeded/), ['9000 exceeded "a b c d e" 5 words 1000']);
});
