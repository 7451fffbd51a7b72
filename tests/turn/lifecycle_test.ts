/** What must hold of sections 21 and 22: mute, hand-off, close, and servers that take the turns. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { createTurn } from "../../src/turn/state.ts";
import { hasPendingWords, isTakingSpeech } from "../../src/turn/query.ts";
import { config, final, type Input, interim, speech, world } from "./harness.ts";
import { commits, lengths as duration, lines, STORY, update } from "./must_hold.ts";

const close = (t: number): Input => [t, (w) => {
  w.send({ type: "session.closing" });
  w.send({ type: "activity.drain" });
  w.send({
    type: "api.commitUserTurn",
    id: t,
    transcriptTimeout: 2_000,
    sttFlushDuration: 0,
    skipReply: false,
    audioDetached: true,
    atClose: true,
  });
}];

test("a close with words pending stores them once; with none it stores nothing and does not wait", () => {
  const pending = world([...speech(500, 1_500), final(1_700, "hello"), close(1_800)]);
  pending.run();
  const silent = world([close(1_800)]);
  silent.run();

  assert.deepEqual(lines(pending, /store|committed/), ['1800 committed "hello"', "1800 store 1 (scheduling_paused)"]);
  assert.deepEqual(lines(silent, /store|committed/), ['1800 committed ""']);
});

test("OURS-5: a close in manual mode stores no empty message; in the reference it does", () => {
  for (const [compat, stored] of [["fixed", 0], ["reference", 1]] as const) {
    const w = world([...speech(500, 1_500), close(4_000)], { config: { mode: "manual", compat } });
    w.run();
    assert.equal(lines(w, /store/).length, stored);
  }
});

test("a turn in its hook is stored when the session closes, and is not answered", () => {
  const w = world([...speech(500, 2_500), final(2_700, "hello"), close(3_100)], { hook: { ms: 1_000 } });
  w.run();
  assert.deepEqual(lines(w, /hook|store|use |reply/), ["3050 hook 1", "4050 store 1 (scheduling_paused)"]);
});

test("after a hand-off no fact of the old activity changes anything", () => {
  const w = world([...speech(500, 2_500, { until: 1_500 }), [2_000, { type: "activity.close" }]]);
  w.run();
  const { turn, shared } = w;
  w.send({ type: "vad.start", speechDuration: 50, inferenceDuration: 0 });
  w.send({ type: "timer", name: "endpointing", gen: 1 });
  w.send(final(0, "late")[1] as never);
  assert.equal(w.turn, turn);
  assert.equal(w.shared, shared);
});

test("a hand-off never leaves the user speaking or the output paused", () => {
  const w = world([...STORY, ...speech(5_000, 9_000, { until: 6_000 }), [6_000, (x) => x.handoff("b")]], { duration });
  w.run(6_100);
  assert.equal(w.shared.userState, "listening");
  assert.ok(!w.sinkPaused);
  assert.equal(w.armed.size, 0);
});

test("an activity takes neither speech nor turns before it is started, and no turns once a hand-off began", () => {
  const turn = createTurn("a", config());
  assert.ok(!isTakingSpeech(turn));

  const w = world([...speech(500, 1_500), final(1_700, "hello"), [1_800, { type: "handoff.begin" }]]);
  w.run();
  assert.deepEqual(lines(w, /refused|hook/), ["2050 refused (scheduling_paused)"]);
  assert.ok(hasPendingWords(w.turn));
});

test("mute ends a speech, and the words that come after it are a turn", () => {
  const w = world([
    ...speech(500, 2_500, { until: 1_500 }),
    [1_600, { type: "input.audioEnabled", enabled: false }],
    final(1_900, "hello"),
  ]);
  w.run();
  assert.deepEqual(commits(w), [[2_000, "hello"]]);
});

const SERVER = { llm: "realtime", serverTurnDetection: true, realtimeTranscription: true } as const;

test("with server turns no signal of ours commits, interrupts by sound, or stores words", () => {
  const w = world([
    [1_000, (x) => x.serverGeneration("r1")],
    ...speech(2_000, 4_000),
    interim(3_000, "a"),
    final(4_200, "b"),
  ], {
    config: { ...SERVER },
    duration: () => 6_000,
  });
  w.run();
  assert.deepEqual(lines(w, /pause|interrupt|commit \d|drop|store|rt\.commit|heard/), [
    '4550 commit 1 "b" [2000..4000, words 200, end 550]',
    "4550 drop 1 (server_turn)",
  ]);
});

test("an answer of the server during a hand-off is refused, not queued", () => {
  const w = world([[1_000, { type: "handoff.begin" }], [1_100, (x) => x.serverGeneration("r1")]], {
    config: { ...SERVER },
  });
  w.run();
  assert.deepEqual(lines(w, /refuse|play/), ["1100 refuse r1 (scheduling_paused)"]);
});

test("with turns of ours a realtime model gets the audio committed, then is asked", () => {
  const w = world([...speech(500, 1_500)], { config: { llm: "realtime", hasStt: false } });
  w.run();
  assert.deepEqual(lines(w, /rt\.|hook|reply|play/), [
    "1000 rt.startUserActivity",
    "2050 rt.commitAudio",
    "2050 hook 1",
    "2050 reply a1 for 1",
    "2050 play a1",
  ]);
});

test("OURS-26: words that come while the server hears the user are decided upon at its end", () => {
  const w = world([[1_000, { type: "rt.speechStarted" }], final(1_500, "hello"), [2_000, {
    type: "rt.speechStopped",
    userTranscriptionEnabled: false,
  }]], { config: { llm: "realtime", hasVad: false, hasUserVad: false } });
  w.run();
  assert.deepEqual(commits(w), [[2_000, "hello"]]);
});

test("options that change take effect: delays, the time to go away, the detector of overlaps", () => {
  const w = world([
    update(500, { userAwayTimeout: 800 }),
    update(600, { endpointing: { mode: "dynamic", minDelay: 700, maxDelay: 900, alpha: 0.5 } }),
    update(700, { adaptive: false }),
  ], { config: { userAwayTimeout: 9_000, adaptive: true } });
  w.run();
  assert.deepEqual(lines(w, /away/), ["1300 user away @1300"]);
  assert.deepEqual([w.turn.endpointing.mode, w.turn.endpointing.learned], ["dynamic", 700]);
  assert.equal(w.turn.overlap.detectionEnabled, false);
});

test("somebody who comes later can go away", () => {
  const w = world([[500, { type: "listener.present" }]], { config: { userAwayTimeout: 1_000 }, listener: false });
  w.run();
  assert.deepEqual(lines(w, /away/), ["1500 user away @1500"]);
});

test("a closing session ends claims, the warm-up and the waiting for the user", () => {
  const w = world(
    [[1_000, { type: "claim.begin" }], [1_000, (x) => x.say("A")], [1_500, { type: "session.closing" }]],
    {
      aecWarmup: 3_000,
      config: { userAwayTimeout: 5_000 },
    },
  );
  w.run(1_500);
  assert.deepEqual(lines(w, /user/), ["1000 user speaking @1000", "1500 user listening @1500"]);
  assert.equal(w.armed.size, 0);

  const quiet = world([[1_500, { type: "session.closing" }]], { config: { userAwayTimeout: 5_000 } });
  quiet.run(1_500);
  assert.equal(quiet.armed.size, 0);
});

test("words of a turn that the old agent had not finished come first in the next one's", () => {
  const w = world([...speech(500, 1_500), final(1_700, "one"), ...speech(2_300, 2_900), final(3_000, "two"), [3_200, {
    type: "handoff.begin",
  }], [3_300, (x) => x.handoff("b")]], { hook: { ms: 5_000 } });
  w.run(4_000);
  assert.deepEqual(commits(w).at(-1)?.[1], "one two");
});

test("a server's speech teaches and overlaps as a voice of ours does, and its words bring an absent user back", () => {
  const w = world([[1_000, (x) => x.serverGeneration("r1")], [2_000, { type: "rt.speechStarted" }], [3_000, {
    type: "rt.speechStopped",
    userTranscriptionEnabled: false,
  }], [9_000, { type: "rt.transcription", itemId: "i", text: "hi", isFinal: true, turnStartedAt: null }]], {
    config: { ...SERVER, hasVad: false, hasUserVad: false, adaptive: true, userAwayTimeout: 2_000 },
    duration: () => 9_000,
  });
  w.run(2_000);
  assert.deepEqual([w.turn.endpointing.userStart, w.turn.endpointing.bargedInOn], [2_000, 1_200]);
  assert.deepEqual(lines(w, /overlap from/), ["2000 overlap from 2000"]);
  w.run();
  assert.equal(w.turn.endpointing.userEnd, 3_000);
  assert.deepEqual(lines(w, /user/).slice(-3), [
    "5000 user away @5000",
    "9000 user listening @9000",
    "11000 user away @11000",
  ]);
});

test("a hand-off without a drain takes back the reply that was begun early", () => {
  const w = world([...speech(500, 2_500), final(2_700, "hello"), [2_800, (x) => x.handoff("b")]]);
  w.run();
  assert.deepEqual(lines(w, /begin|abort|use |reply/), [
    '2700 begin a1 "hello"',
    "2800 abort a1",
    "3000 reply b1 for 1",
  ]);
});
