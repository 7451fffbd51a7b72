/** Lines that a mutation run found to be shown by no other test: each of these fails without its line. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { violations } from "../../src/turn/invariants.ts";
import { hasPendingWords, isDrained, isTakingSpeech } from "../../src/turn/query.ts";
import { final, type Input, interim, preflight, speech, world } from "./harness.ts";
import { commits, commitUserTurn, lengths as duration, lines, STORY } from "./must_hold.ts";

const MANUAL = { config: { mode: "manual" } } as const;

test("a commit that is decided at once calls off the wait of the one before it", () => {
  const closing: Input = [1_300, { type: "session.closing" }];
  const w = world(
    [interim(1_000, "a"), commitUserTurn(1_200, { id: 1 }), closing, commitUserTurn(1_400, { id: 2 })],
    MANUAL,
  );
  w.run(1_500);

  assert.deepEqual(violations(w.turn, w.shared, w.config), []);
  assert.equal(w.armed.has("commitFinal"), false);
});

test("in the reference, too, an interim is promoted once", () => {
  const w = world(
    [
      ...speech(500, 2_500),
      interim(2_400, "turn the"),
      commitUserTurn(3_000, { id: 1 }),
      commitUserTurn(7_000, { id: 2 }),
    ],
    { config: { mode: "manual", compat: "reference" } },
  );
  w.run();

  assert.deepEqual(lines(w, /committed/), ['5000 committed "turn the"', '9000 committed ""']);
});

test("an activity that leaves does not begin again", () => {
  const w = world([[1_000, { type: "activity.drain" }], [1_100, { type: "activity.started" }]]);
  w.run();

  assert.equal(isTakingSpeech(w.turn), false);
});

test("an activity that takes speech is not drained, though it has none", () => {
  const w = world([]);
  w.run();

  assert.equal(isDrained(w.turn, new Set()), false);
});

test("a server that hears the user calls off a decision, and one that hears him stop says so to the machine", () => {
  const w = world(
    [final(1_000, "wait"), [1_200, { type: "rt.speechStarted" }], [2_000, {
      type: "rt.speechStopped",
      userTranscriptionEnabled: false,
    }]],
    { config: { llm: "realtime", hasVad: false, hasUserVad: false, serverTurnDetection: false } },
  );
  w.run(1_100);
  assert.equal(w.turn.decision.phase, "waiting");
  w.run(1_300);
  assert.deepEqual([w.turn.decision.phase, w.turn.recognition.speaking], ["none", true]);
  w.run(2_000);
  assert.equal(w.turn.recognition.speaking, false);
});

test("words that may still change count as words that came, and nothing is no words", () => {
  const w = world([...speech(500, 2_000), preflight(1_000, ""), preflight(1_500, "Hello")]);
  w.run(1_100);
  assert.equal(w.turn.recognition.lastFinalTime, undefined);
  w.run(1_600);
  assert.equal(w.turn.recognition.lastFinalTime, 1_500);
});

test("a recogniser that hears the user again calls off the end of the turn", () => {
  const mark = (t: number, type: "stt.start" | "stt.end"): Input =>
    type === "stt.start" ? [t, { type, requestId: "", speechStartTime: null }] : [t, { type, requestId: "" }];
  const w = world(
    [mark(500, "stt.start"), final(1_500, "I would"), mark(2_000, "stt.end"), mark(2_200, "stt.start")],
    { config: { mode: "stt", hasVad: false, hasUserVad: false } },
  );
  w.run(6_000);

  assert.deepEqual(commits(w), []);
});

test("a word that shows attention leaves no words behind, also none that may still change", () => {
  const w = world(
    [...STORY, ...speech(5_000, 5_200), interim(5_150, "okay"), final(5_400, "okay")],
    { duration, config: { interruption: { backchannel: "local" } } },
  );
  w.run(6_500);

  assert.equal(hasPendingWords(w.turn), false);
});

test("an agent that falls silent at once leaves no boundary of its speech behind", () => {
  const w = world(
    [...STORY, [3_500, { type: "api.interrupt", force: true }]],
    { duration, config: { adaptive: true, interruption: { backchannelBoundary: [1_000, 3_500] } } },
  );
  w.run(3_400);
  assert.equal(w.armed.has("backchannelBoundary"), true);
  w.run(3_600);
  assert.equal(w.armed.has("backchannelBoundary"), false);
});

test("a turn that the answering-machine detector takes over calls off the reply that was begun for it", () => {
  const w = world([...speech(500, 1_500), final(1_700, "hello"), [1_800, { type: "amd.verdict", takesOver: true }]]);
  w.run();

  assert.deepEqual(lines(w, /begin|abort/), ['1700 begin a1 "hello"', "2050 abort a1"]);
});

test("what the hook of a turn says when its time is over is not taken for what the next turn's says", () => {
  const w = world(
    [...speech(500, 1_500), final(1_700, "one"), ...speech(9_000, 9_500), final(9_700, "two")],
    { hook: { ms: 31_000 } },
  );
  w.run();

  assert.deepEqual(lines(w, /store|over/), [
    "32050 store 1 (hook_failed)",
    "62050 store 2 (hook_failed)",
  ]);
});
