/** What must hold of sections 17 and 18: the queue, who is heard, and the states that the public sees. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { currentSpeech, isDrained, isIdle, isInterruptible } from "../../src/turn/query.ts";
import { final, interim, speech, world } from "./harness.ts";
import { lengths, lines, orders, STORY } from "./must_hold.ts";

const NOBODY: ReadonlySet<string> = new Set();

test("a low speech queued first plays after a normal one queued later, unless it is current already", () => {
  const w = world([[1_000, (x) => {
    x.say("current", { priority: 0 });
    x.say("low", { priority: 0 });
    x.say("normal");
    x.say("high", { priority: 10 });
    x.say("normal too");
  }]]);
  w.run();
  assert.deepEqual(lines(w, /sounds/).map((line) => line.split("~ ")[1]), [
    "current sounds",
    "high sounds",
    "normal sounds",
    "normal too sounds",
    "low sounds",
  ]);
});

test("a speech interrupted while queued, delaying or waiting for silence is never heard and blocks nobody", () => {
  const stop = (handleId: string) => ({ type: "speech.interruptCalled", handleId, force: false }) as const;
  const queued = world([[1_000, (x) => {
    x.say("A");
    x.say("B");
    x.say("C");
    x.send(stop("B"));
  }]]);
  queued.run();
  const delaying = world([[1_000, (x) => {
    x.say("A");
    x.say("B");
    x.say("C");
  }], [2_400, stop("B")]], { config: { minConsecutiveSpeechDelay: 500 } });
  delaying.run();
  const waiting = world([...speech(500, 2_500), [1_010, (x) => x.say("B")], [1_020, stop("B")], [
    3_000,
    (x) => x.say("C"),
  ]]);
  waiting.run();

  for (const w of [queued, delaying, waiting]) {
    assert.deepEqual(lines(w, /B sounds/), []);
    assert.equal(lines(w, /C sounds/).length, 1);
    assert.equal(w.armed.size, 0);
    assert.ok(!w.sinkPaused);
  }
});

test("a teardown that takes more than five seconds is forced, and the next speech plays", () => {
  const w = world([[1_000, (x) => {
    x.say("stuck");
    x.say("next", { allowInterruptions: false });
  }], [1_500, { type: "speech.interruptCalled", handleId: "stuck", force: false }]], {
    stuck: (handleId) => handleId === "stuck",
    duration: () => 60_000,
  });
  w.run(8_000);
  assert.deepEqual(lines(w, /interrupt|abandon|play next/), [
    "1500 interrupt stuck",
    "6500 abandon stuck",
    "6500 play next",
  ]);
});

test("interrupt stops in the order of play, and quietly at the first protected speech", () => {
  const w = world([[1_000, (x) => {
    x.say("A");
    x.say("B", { allowInterruptions: false });
    x.say("C");
  }], [1_500, { type: "api.interrupt", force: false }]]);
  w.run();
  assert.deepEqual(lines(w, /interrupt|sounds/), [
    "1200 ~ A sounds",
    "1500 interrupt A",
    "1700 ~ B sounds",
    "2900 ~ C sounds",
  ]);

  const forced = world([[1_000, (x) => {
    x.say("A");
    x.say("B", { allowInterruptions: false });
  }], [1_500, { type: "api.interrupt", force: true }]]);
  forced.run();
  assert.deepEqual(lines(forced, /interrupt/), ["1500 interrupt A", "1500 interrupt B"]);
});

test("replies are held back while nobody may speak, and go out when they may", () => {
  const w = world([
    [500, { type: "api.authorization", allowed: false }],
    [1_000, (x) => x.say("A")],
    [3_000, { type: "api.authorization", allowed: true }],
  ]);
  w.run();
  assert.deepEqual(lines(w, /play/), ["3000 play A"]);
});

test("a speech that may be interrupted waits for the user's silence, a protected one does not", () => {
  const w = world([...speech(500, 4_000), [1_010, (x) => x.say("A", { allowInterruptions: false })], [
    2_500,
    (x) => x.say("B"),
  ]]);
  w.run();
  assert.deepEqual(lines(w, /play|sounds/), ["1010 play A", "1210 ~ A sounds", "4300 play B", "6550 ~ B sounds"]);
});

test("a leaving activity plays out, takes replies to tools, and refuses what is new", () => {
  const w = world([
    [1_000, (x) => {
      x.generate("tool");
      x.say("B");
    }],
    [1_600, { type: "activity.drain" }],
    [1_700, (x) => x.say("late")],
  ], {
    tools: (what) => what === "tool" ? { ms: 300, reply: true } : undefined,
  });
  w.run(2_600);
  const early = isDrained(w.turn, NOBODY);
  w.run();
  assert.deepEqual(lines(w, /refuse|sounds/), [
    "1500 ~ tool sounds",
    "1700 refuse late (scheduling_paused)",
    "2700 ~ B sounds",
    "3900 ~ tool sounds",
  ]);
  assert.deepEqual([early, isDrained(w.turn, NOBODY)], [false, true]);
});

test("draining does not wait for handles that wait for it", () => {
  const w = world([[1_000, (x) => x.generate("tool")], [2_600, { type: "activity.drain" }]], {
    tools: () => ({ ms: 5_000, reply: false }),
  });
  w.run(3_000);
  assert.ok(!isDrained(w.turn, NOBODY));
  assert.ok(isDrained(w.turn, new Set(["tool"])));
});

test("unknown handles and late facts are ignored", () => {
  const w = world([]);
  const { turn, shared } = w;
  for (
    const fact of [
      { type: "playout.started", handleId: "x", at: 0 },
      { type: "generation.done", handleId: "x", toolsStarted: true, toolsRunning: true },
      { type: "speech.done", handleId: "x" },
      { type: "speech.interruptCalled", handleId: "x", force: true },
      { type: "speech.allowInterruptions", handleId: "x", value: false },
      { type: "timer", name: "endpointing", gen: 99 },
      { type: "timer", name: "teardown", gen: 99, handleId: "x" },
      { type: "turn.hookDone", turnId: 9, outcome: "ok", text: "", unchanged: true },
      { type: "vad.inference", speechDuration: 0, silenceDuration: 0, rawSpeech: 0, rawSilence: 9, speaking: false },
    ] as const
  ) w.send(fact);
  assert.equal(w.turn, turn, "the same objects: nothing was copied");
  assert.equal(w.shared, shared);
});

test("while a tool of it runs the agent thinks, and listens when it is over without a reply", () => {
  const w = world([[1_000, (x) => x.generate("tool")]], { tools: () => ({ ms: 500, reply: false }) });
  w.run();
  assert.deepEqual(lines(w, /agent/).slice(1), [
    "1000 agent thinking",
    "1500 agent speaking",
    "2500 agent thinking",
    "3000 agent listening",
  ]);
});

test("a reply asked for while the agent is heard is thought about when that is over", () => {
  const w = world([[1_000, (x) => x.say("A")], [1_500, (x) => x.generate("B")]], { thinking: () => 3_000 });
  w.run();
  assert.deepEqual(lines(w, /agent/).slice(1), [
    "1200 agent speaking",
    "2200 agent thinking",
    "4700 agent speaking",
    "5700 agent listening",
  ]);
});

test("a reply queued before anything is heard is thought about at once", () => {
  const w = world([[1_000, (x) => x.say("A")], [1_100, (x) => x.generate("B")]]);
  w.run();
  assert.deepEqual(lines(w, /agent/).slice(1), [
    "1100 agent thinking",
    "1200 agent speaking",
    "2200 agent listening",
    "2400 agent speaking",
    "3400 agent listening",
  ]);
});

test("a resume restores exactly the state that was seen at the first pause", () => {
  const w = world([...STORY, ...speech(3_100, 4_000)], { thinking: () => 5_000, duration: lengths });
  w.run();
  assert.deepEqual(lines(w, /agent|false/).slice(1), [
    "3050 agent thinking",
    "3600 agent listening",
    "6550 agent thinking",
    "6550 false interruption, resumed",
    "7900 agent speaking",
    "17900 agent listening",
  ]);
});

test("nobody goes away while either side speaks or thinks, a tool runs, or nobody is there to hear", () => {
  const config = { userAwayTimeout: 1_000 };
  const away = (inputs: Parameters<typeof world>[0], tools?: () => { ms: number; reply: boolean }): string[] => {
    const w = world(inputs, { config, duration: () => 4_000, ...(tools ? { tools } : {}) });
    w.run();
    return lines(w, /away/);
  };
  assert.deepEqual(away([]), ["1000 user away @1000"]);
  assert.deepEqual(away([[500, (w) => w.say("A")]]), ["5700 user away @5700"]);
  assert.deepEqual(away(speech(500, 3_000)), ["4550 user away @4550"]);
  assert.deepEqual(away([[500, (w) => w.generate("A")]], () => ({ ms: 3_000, reply: false })), [
    "9000 user away @9000",
  ]);
  assert.deepEqual(
    away([[500, { type: "tools.changed", running: 1 }], [3_000, { type: "tools.changed", running: 0 }]]),
    [
      "4000 user away @4000",
    ],
  );
});

test("words bring an absent user back, and begin the time of an attentive one anew", () => {
  const w = world([final(800, "x"), final(2_000, "hi"), interim(2_100, "x")], {
    config: { userAwayTimeout: 1_000, mode: "manual" },
  });
  w.run();
  assert.deepEqual(lines(w, /user/), ["1800 user away @1800", "2000 user listening @2000", "3000 user away @3000"]);
});

test("a programmatic turn pins the user to speaking until the last of them ends", () => {
  const w = world([[500, { type: "claim.begin" }], [700, { type: "claim.begin" }], ...speech(800, 1_000), [
    2_000,
    { type: "claim.end" },
  ], [2_500, { type: "claim.end" }]]);
  w.run();
  assert.deepEqual(lines(w, /user/), ["500 user speaking @500", "2500 user listening @2500"]);
});

test("the queries say who speaks and who may be stopped", () => {
  const w = world([[1_000, (x) => x.say("A", { allowInterruptions: false })]]);
  const idle = isIdle(w.turn, w.shared);
  w.run(1_500);
  assert.deepEqual([idle, isIdle(w.turn, w.shared), currentSpeech(w.turn)], [true, false, "A"]);
  assert.ok(!isInterruptible(w.turn, "A"));
  w.send({ type: "speech.allowInterruptions", handleId: "A", value: true });
  assert.ok(isInterruptible(w.turn, "A"));
  assert.ok(!isInterruptible(w.turn, "B"));
  w.run();
  assert.ok(isIdle(w.turn, w.shared));
  assert.equal(orders(w, "speech.play").length, 1);
});

test("a speech that is interrupted while delaying leaves no timer behind", () => {
  const w = world([[1_000, (x) => {
    x.say("A");
    x.say("B");
  }], [2_300, { type: "speech.interruptCalled", handleId: "B", force: false }]], {
    config: { minConsecutiveSpeechDelay: 500 },
  });
  w.run(2_300);
  assert.equal(w.armed.has("consecutiveSpeech"), false);
  assert.equal(currentSpeech(w.turn), null);
});

test("interrupt takes back a reply that was begun early, by name or with all others", () => {
  for (
    const fact of [{ type: "api.interrupt", force: false }, {
      type: "speech.interruptCalled",
      handleId: "speech_a_1",
      force: false,
    }] as const
  ) {
    const w = world([...speech(500, 2_500), final(2_700, "Hello"), [2_800, fact]]);
    w.run();
    assert.deepEqual(lines(w, /abort|use |reply/), ["2800 abort a1", "3050 reply a2 for 1"]);
  }
});
