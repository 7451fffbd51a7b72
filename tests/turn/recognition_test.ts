/** What must hold of sections 3, 8 and 9: voice, words, modes. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { final, interim, speech, world } from "./harness.ts";
import { commits, commitUserTurn, lines, update } from "./must_hold.ts";

test("user_state_changed carries the time of the speech, not of the event", () => {
  const w = world(speech(500, 2_500));
  w.run();
  assert.deepEqual(lines(w, /user/), ["550 user speaking @500", "3050 user listening @2500"]);
});

test("a voice inside the endpointing wait cancels the commit; no word is lost and both parts commit together", () => {
  const w = world([
    ...speech(500, 1_500),
    final(1_700, "I would like"),
    ...speech(2_600, 3_500),
    final(3_700, "a table"),
  ], { config: { endpointing: { minDelay: 2_000 } } });
  w.run();
  assert.deepEqual(commits(w), [[5_500, "I would like a table"]]);
});

test("energy without a segment never leaves the user speaking, and never blocks the next commit", () => {
  const spike = (t: number): [number, never] => [t, {
    type: "vad.inference",
    speechDuration: 30,
    silenceDuration: 0,
    rawSpeech: 30,
    rawSilence: 0,
    speaking: false,
  } as never];
  const w = world([spike(1_000), spike(1_500), final(2_000, "hello"), spike(2_200)]);
  w.run();
  assert.ok(!w.turn.recognition.speaking);
  assert.deepEqual(commits(w), [[2_000, "hello"]]);
});

test("when the VAD goes away during speech the user listens again", () => {
  const w = world([...speech(500, 5_000, { until: 1_500 }), [1_700, { type: "vad.closed" }]]);
  w.run();
  assert.deepEqual(lines(w, /user/), ["550 user speaking @500", "1700 user listening @1700"]);
  assert.ok(!w.turn.recognition.speaking);
});

test("two finals of one turn commit once, joined by a space", () => {
  const w = world([...speech(500, 2_500), final(1_500, "a"), final(2_700, "b")]);
  w.run();
  assert.deepEqual(commits(w), [[3_050, "a b"]]);
});

test("an empty final never commits and never changes the text, but releases commitUserTurn", () => {
  const w = world([...speech(500, 2_500), final(2_800, ""), commitUserTurn(4_000), final(4_600, "")]);
  w.run();
  assert.deepEqual(commits(w), []);
  assert.deepEqual(lines(w, /committed|heard/), ['4600 committed ""']);
});

test("a turn never commits twice, and no empty turn commits outside manual mode", () => {
  const w = world([
    ...speech(500, 1_500),
    final(1_700, "once"),
    commitUserTurn(1_800),
    ...speech(4_000, 5_000),
    commitUserTurn(6_000),
  ]);
  w.run();
  assert.deepEqual(commits(w).map(([, text]) => text), ["once"]);
});

test("with a voice and no recogniser a pipeline commits nothing", () => {
  const w = world(speech(500, 1_500), { config: { hasStt: false } });
  w.run();
  assert.deepEqual(commits(w), []);
});

test("a recogniser's start and end of speech change nothing unless the mode is stt", () => {
  for (const mode of [null, "vad", "manual"] as const) {
    const w = world([
      [600, { type: "stt.start", requestId: "", speechStartTime: null }],
      [2_800, { type: "stt.end", requestId: "" }],
    ], { config: { mode } });
    const { turn } = w;
    w.run();
    assert.equal(w.turn, turn, `${mode}`);
  }
});

test("changing the mode to or from manual cancels the open decision; any other change leaves it running", () => {
  const heard = [...speech(500, 1_500), final(1_700, "hello")];
  const slow = { config: { endpointing: { minDelay: 2_000 } } };

  const toManual = world([...heard, update(2_500, { mode: "manual" })], slow);
  toManual.run();
  const toVad = world([...heard, update(2_500, { mode: "vad" })], slow);
  toVad.run();

  assert.deepEqual(commits(toManual), []);
  assert.equal(toManual.armed.size, 0);
  assert.equal(toManual.turn.recognition.userTurnCommitted, false);
  assert.deepEqual(commits(toVad), [[3_500, "hello"]]);
});

test("OURS-24: a change to manual stops interruptions by sound at once; in the reference at the next restore", () => {
  for (const [compat, interrupts] of [["fixed", 0], ["reference", 1]] as const) {
    const w = world([[1_000, (x) => x.say("A")], update(2_000, { mode: "manual" }), interim(2_500, "stop")], {
      config: { compat, hasVad: false, hasUserVad: false },
      duration: () => 5_000,
    });
    w.run();
    assert.equal(w.turn.interruption.byAudio, interrupts === 1);
  }
});

test("a known language changes only for more than five characters, and never to auto", () => {
  const w = world([
    [1_000, { ...(final(0, "hi")[1] as object), language: "en" } as never],
    [1_100, { ...(final(0, "ja")[1] as object), language: "de" } as never],
    [1_200, { ...(final(0, "guten Tag")[1] as object), language: "auto" } as never],
  ]);
  w.run();
  assert.equal(w.turn.recognition.lastLanguage, "en");
});

test("OURS-6: an interim of a committed turn does not count in the next one", () => {
  for (const [compat, left] of [["fixed", ""], ["reference", "stale"]] as const) {
    const w = world([...speech(500, 1_500), final(1_700, "hello"), interim(1_800, "stale")], { config: { compat } });
    w.run();
    assert.equal(w.turn.recognition.interimText, left);
  }
});

test("a recogniser that breaks in the middle of a speech of its own ends the speech", () => {
  const w = world([
    [600, { type: "stt.start", requestId: "", speechStartTime: null }],
    [1_200, { type: "stt.closed" }],
  ], { config: { mode: "stt", hasVad: false, hasUserVad: false } });
  w.run();
  assert.deepEqual(lines(w, /user/), ["600 user speaking @600", "1200 user listening @1200"]);
});

test("in mode stt words that come after the end of speech are the turn that it ended", () => {
  const w = world([
    [600, { type: "stt.start", requestId: "", speechStartTime: null }],
    [2_800, { type: "stt.end", requestId: "" }],
    final(3_000, "hello"),
  ], { config: { mode: "stt", hasVad: false, hasUserVad: false } });
  w.run();
  assert.deepEqual(commits(w), [[3_500, "hello"]]);
});

test("the end of the voice, not its last window, is when the user stopped", () => {
  const w = world([...speech(500, 2_520), final(2_700, "hello")]);
  w.run();
  assert.deepEqual(lines(w, /commit 1/), ['3070 commit 1 "hello" [500..2520, words 180, end 550]']);
});

test("a word without a voice counts as said when the recogniser says it ended, and never in the future", () => {
  const near = world([final(2_000, "hello", [1_500, 1_800])]);
  near.run();
  const far = world([final(2_000, "hello", [1_500, 9_000])]);
  far.run();
  assert.deepEqual([commits(near)[0]?.[0], commits(far)[0]?.[0]], [2_300, 2_500]);
});

test("a speech that was cut off begins anew with its own start", () => {
  const w = world([...speech(500, 1_500), ...speech(3_000, 3_500), final(3_600, "hello")], {
    config: { preemptive: { maxSpeechDuration: 1_000 } },
  });
  w.run();
  assert.deepEqual(lines(w, /begin/), ['3600 begin a1 "hello"']);
});

test("a hum that no words followed is no part of a later turn; words that are only late belong to their own voice", () => {
  const later = world([...speech(500, 1_100), ...speech(6_000, 7_000), final(7_200, "hello")]);
  later.run();
  assert.deepEqual(lines(later, /commit/), ['7550 commit 1 "hello" [6000..7000, words 200, end 550]']);
  const soon = world([...speech(500, 1_100), ...speech(2_000, 3_000), final(3_200, "well, hello")]);
  soon.run();
  assert.deepEqual(lines(soon, /commit/), ['3550 commit 1 "well, hello" [500..3000, words 200, end 550]']);
});
