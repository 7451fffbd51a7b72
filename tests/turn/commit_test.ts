/** What must hold of section 10: turns that the program ends or clears. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { final, interim, speech, world } from "./harness.ts";
import { commits, commitUserTurn, lines, orders } from "./must_hold.ts";

const MANUAL = { config: { mode: "manual" } } as const;

test("commitUserTurn 400 ms after a final decides at once and pushes no silence", () => {
  const w = world(
    [...speech(500, 1_500), final(1_700, "turn it on"), commitUserTurn(2_100, { isMuted: true })],
    MANUAL,
  );
  w.run();
  assert.deepEqual(lines(w, /committed|commit 1|silence/), [
    '2100 committed "turn it on"',
    '2100 commit 1 "turn it on" [500..1500, words 200, end 600]',
  ]);
});

test("with a slow recogniser and no interim the promise gives an empty text after transcriptTimeout", () => {
  const w = world([...speech(500, 1_500), commitUserTurn(2_000)], MANUAL);
  w.run();
  assert.deepEqual(lines(w, /committed/), ['4000 committed ""']);
});

test("a muted microphone gives the recogniser silence, in whole pieces of 200 ms", () => {
  const muted: Parameters<typeof world>[0][number] = [1_900, { type: "input.audioEnabled", enabled: false }];
  const w = world([...speech(500, 1_500), muted, commitUserTurn(2_000, { isMuted: true })], MANUAL);
  w.run();
  assert.deepEqual(lines(w, /silence/), ["2000 silence 2000"]);
});

test("skipReply stores a message only for words, never runs the hook, never replies", () => {
  const said = world([final(1_000, "note this"), commitUserTurn(1_200, { skipReply: true })], MANUAL);
  said.run();
  const silent = world([commitUserTurn(1_200, { skipReply: true })], MANUAL);
  silent.run();

  assert.deepEqual(lines(said, /store|drop|hook|reply/), ["1500 store 1 (skip_reply)"]);
  assert.deepEqual(lines(silent, /store|drop|hook|reply/), ["3700 drop 1 (empty)"]);
});

test("without a recogniser commitUserTurn gives an empty text and does nothing else", () => {
  const w = world([commitUserTurn(1_000)], { config: { mode: "manual", hasStt: false } });
  w.run();
  assert.deepEqual(lines(w, /./).slice(1), ['1000 committed ""']);
});

test("a new commit cancels a waiting one", () => {
  const w = world([commitUserTurn(1_000, { id: 1 }), commitUserTurn(1_500, { id: 2 })], MANUAL);
  w.run();
  assert.deepEqual(orders(w, "commit.cancel").map(({ t, effect }) => [t, effect.id]), [[1_500, 1]]);
  assert.deepEqual(orders(w, "commit.resolve").map(({ t, effect }) => [t, effect.id]), [[3_500, 2]]);
});

test("OURS-8: a cleared turn does not commit; in the reference it still does", () => {
  const inputs = [...speech(500, 1_500), final(1_700, "never mind")];
  const slow = { endpointing: { minDelay: 2_000 } };
  const clear: Parameters<typeof world>[0][number] = [2_500, { type: "api.clearUserTurn" }];

  const ours = world([...inputs, clear], { config: slow });
  ours.run();
  const reference = world([...inputs, clear], { config: { ...slow, compat: "reference" } });
  reference.run();

  assert.deepEqual(commits(ours), []);
  assert.deepEqual(lines(ours, /discard|abort|stt/), [
    '2500 discard "never mind" (cleared)',
    "2500 abort a1",
    "2500 stt.restart",
  ]);
  assert.deepEqual(commits(reference), [[3_500, ""]]);
  assert.equal(ours.armed.size, 0);
});

test("OURS-9: words after a promoted interim are kept when they do not repeat it, or come after five seconds", () => {
  const begin = [...speech(500, 1_500), interim(1_400, "turn the"), commitUserTurn(2_000)];

  const other = world([...begin, final(5_000, "louder please")], MANUAL);
  other.run();
  const late = world([...begin, final(9_500, "turn the page")], MANUAL);
  late.run();

  assert.equal(other.turn.recognition.finalText, "louder please");
  assert.equal(late.turn.recognition.finalText, "turn the page");
});

test("a clear forgets the whole turn: its words, times, requests, span, prediction and counts", () => {
  const w = world([
    ...speech(500, 6_000, { until: 3_000 }),
    [2_000, { ...(final(0, "one two")[1] as object), requestId: "r1" } as never],
    interim(2_500, "three"),
    [3_100, { type: "api.clearUserTurn" }],
  ], { config: { detector: "streaming", userTurnLimit: { maxWords: 9 }, transcriptionTimeout: 9_000 } });
  w.run(3_100);
  const { recognition: r, limits, transcription, streaming } = w.turn;
  assert.deepEqual(
    [r.finalText, r.interimText, r.preflightText, r.confidences, r.requestIds, r.lastFinalTime, r.speechStartTime],
    ["", "", "", [], [], undefined, undefined],
  );
  assert.deepEqual([r.lastSpeakingTime, r.userTurnStart, r.vadSpeechStarted, r.userTurnCommitted], [
    undefined,
    undefined,
    false,
    false,
  ]);
  assert.deepEqual([limits.words, limits.transcript, limits.startedAt], [0, "", undefined]);
  assert.deepEqual([transcription.turnSpeech, transcription.turnTranscribed], [0, false]);
  assert.deepEqual([streaming.prediction.phase, streaming.flushed], ["none", true]);
  assert.equal(orders(w, "span.end").filter(({ effect }) => effect.span === "user_turn").length, 1);
});

test("a clear cancels a commit that waits, and tells a realtime model to drop its audio", () => {
  const w = world([commitUserTurn(1_000, { id: 7 }), [1_500, { type: "api.clearUserTurn" }]], MANUAL);
  w.run();
  assert.deepEqual(orders(w, "commit.cancel").map(({ effect }) => effect.id), [7]);
  assert.deepEqual(lines(w, /committed|clearAudio/), []);
  assert.equal(w.turn.commit.phase, "none");

  const realtime = world([[1_500, { type: "api.clearUserTurn" }]], { config: { llm: "realtime" } });
  realtime.run();
  assert.deepEqual(lines(realtime, /clearAudio/), ["1500 rt.clearAudio"]);
});

test("a promoted interim is used once, and what was promised to be late is forgotten when the user speaks again", () => {
  const begin = [...speech(500, 1_500), interim(1_400, "turn the"), commitUserTurn(2_000)];
  const again = world([...begin, ...speech(5_000, 6_000), final(6_200, "turn the page")], MANUAL);
  again.run();
  const twice = world([...begin, final(5_000, "turn the lights"), final(5_100, "turn the page")], MANUAL);
  twice.run();

  assert.equal(again.turn.recognition.finalText, "turn the page");
  assert.equal(twice.turn.recognition.finalText, "turn the page");
  assert.equal(again.turn.recognition.interimText, "");
});
