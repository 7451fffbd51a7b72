/** What must hold of section 15: from a committed turn to its reply. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { final, type Input, preflight, speech, world } from "./harness.ts";
import { lengths as duration, lines, orders, STORY } from "./must_hold.ts";

const TWO_TURNS: Input[] = [
  ...speech(500, 2_000),
  final(2_200, "first"),
  ...speech(2_700, 3_300),
  final(3_500, "second"),
];

test("of two quick turns both are stored in order, the first reply is interrupted, and one reply plays", () => {
  const w = world(TWO_TURNS, { thinking: () => 2_000, sink: { canPause: false } });
  w.run();
  assert.deepEqual(lines(w, /use |reply|interrupt|sounds/), [
    "2550 use a1 for 1",
    "3200 interrupt a1",
    "3850 use a2 for 2",
    "5700 ~ a2 sounds",
  ]);
});

test("calls of the hook never overlap", () => {
  const w = world(TWO_TURNS, { hook: { ms: 3_000 } });
  w.run();
  assert.deepEqual(lines(w, /hook|over/), ["2550 hook 1", "5550 over 1", "5550 hook 2", "8550 over 2"]);
});

test("a turn committed while speech is protected has no reply, and OURS-13 stores it", () => {
  const w = world([
    [1_000, (x) => x.say("A", { allowInterruptions: false })],
    ...speech(2_000, 3_000),
    final(3_100, "hey"),
  ], {
    duration: () => 5_000,
  });
  w.run();
  assert.deepEqual(lines(w, /store|reply|use |hook/), ["3550 store 1 (uninterruptible)"]);
});

test("a final with the same words as the preflight makes one call of the model", () => {
  const w = world([...speech(500, 2_500), preflight(2_400, "Hello there"), final(2_700, "Hello there")]);
  w.run();
  assert.deepEqual(lines(w, /begin|abort|use |reply/), ['2400 begin a1 "Hello there"', "3050 use a1 for 1"]);
});

test("a context edited in the hook makes two calls, the first cancelled", () => {
  const w = world([...speech(500, 2_500), final(2_700, "Hello there")], { hook: { ms: 0, unchanged: false } });
  w.run();
  assert.deepEqual(lines(w, /begin|abort|use |reply/), [
    '2700 begin a1 "Hello there"',
    "3050 abort a1",
    "3050 reply a2 for 1",
  ]);
});

test("the fourth distinct final of a turn cancels the third reply and begins none; the commit makes one", () => {
  const w = world([...speech(500, 3_500), final(1_000, "a"), final(1_500, "b"), final(2_000, "c"), final(2_500, "d")]);
  w.run();
  assert.deepEqual(lines(w, /begin|abort|use |reply/), [
    '1000 begin a1 "a"',
    "1500 abort a1",
    '1500 begin a2 "a b"',
    "2000 abort a2",
    '2000 begin a3 "a b c"',
    "2500 abort a3",
    "4050 reply a4 for 1",
  ]);
});

test("no reply is begun early for a speech longer than maxSpeechDuration, nor while the agent speaks", () => {
  const long = world([...speech(500, 12_000), final(11_000, "so")]);
  long.run();
  const spoken = world([[1_000, (w) => w.say("A")], final(2_000, "hm")], {
    duration: () => 9_000,
    config: { interruption: { minWords: 2 } },
  });
  spoken.run(2_100);
  assert.deepEqual(lines(long, /begin/), []);
  assert.deepEqual(lines(spoken, /begin/), []);
});

test("a reply that failed before its turn came is made anew", () => {
  const w = world([...speech(500, 2_500), final(2_700, "Hello"), [2_900, {
    type: "speech.done",
    handleId: "speech_a_1",
  }]]);
  w.run();
  assert.deepEqual(lines(w, /begin|abort|use |reply/), ['2700 begin a1 "Hello"', "3050 reply a2 for 1"]);
});

test("a hook that stops the turn drops it, its early reply too; one that throws keeps the words (OURS-22)", () => {
  const run = (outcome: "stop" | "error", compat: "fixed" | "reference"): string[] => {
    const w = world([...speech(500, 2_500), final(2_700, "Hello")], { hook: { ms: 0, outcome }, config: { compat } });
    w.run();
    return lines(w, /drop|store|abort/);
  };
  assert.deepEqual(run("stop", "fixed"), ["3050 drop 1 (hook_stopped)", "3050 abort a1"]);
  assert.deepEqual(run("error", "fixed"), ["3050 store 1 (hook_failed)", "3050 abort a1"]);
  assert.deepEqual(run("error", "reference"), ["3050 drop 1 (hook_failed)", "3050 abort a1"]);
});

test("a hook that does not return within thirty seconds counts as one that threw", () => {
  const w = world([...speech(500, 2_500), final(2_700, "Hello")], { hook: { ms: 60_000 } });
  w.run();
  assert.deepEqual(lines(w, /store|drop|reply/), ["33050 store 1 (hook_failed)"]);
});

test("a committed turn stops what works in the background, and waits for its end", () => {
  const w = world([[1_000, (x) => x.generate("tool")], ...speech(2_500, 3_000), final(3_100, "stop")], {
    tools: (what) => what === "tool" ? { ms: 4_000, reply: true } : undefined,
    config: { preemptive: { enabled: false } },
  });
  w.run();
  assert.deepEqual(lines(w, /commit|interrupt|hook|sounds/), [
    "1500 ~ tool sounds",
    '3550 commit 1 "stop" [2500..3000, words 100, end 550]',
    "3550 interrupt tool",
    "6500 hook 1",
    "7000 ~ a1 sounds",
  ]);
});

test("a hand-off during the hook gives the words to the next agent", () => {
  const w = world([...speech(500, 2_500), final(2_700, "Hello"), [3_100, { type: "handoff.begin" }], [3_600, (x) => {
    x.send({ type: "activity.drain" });
    x.handoff("b");
  }]], { hook: { ms: 400 } });
  w.run();
  assert.deepEqual(lines(w, /commit|hook|drop|reply|use /), [
    '3050 commit 1 "Hello" [500..2500, words 200, end 550]',
    "3050 hook 1",
    "3450 drop 1 (scheduling_paused)",
    '3600 commit 1 "Hello"',
    "3600 hook 1",
    "4000 reply b1 for 1",
  ]);
});

test("a turn that the answering-machine detector takes over is stored and not answered", () => {
  const w = world([[100, { type: "amd.verdict", takesOver: true }], ...speech(500, 2_500), final(2_700, "Hello")]);
  w.run();
  assert.deepEqual(lines(w, /hook|use |store|reply/), ["3050 store 1 (skip_reply)"]);
});

test("a turn of a session without a model ends with its reason", () => {
  const w = world([...speech(500, 2_500), final(2_700, "Hello")], { config: { llm: "none" } });
  w.run();
  assert.deepEqual(lines(w, /hook|use |drop|reply/), ["3050 hook 1", "3050 drop 1 (no_llm)"]);
});

test("within one step a change of the user's state precedes the turn that it causes", () => {
  const w = world(STORY, { duration });
  w.run(3_050);
  const at = w.effects.filter(({ t }) => t === 3_050).map(({ effect }) =>
    effect.type === "emit" ? effect.event : effect.type
  );
  assert.ok(at.indexOf("user_state_changed") < at.indexOf("turn.commit"));
  assert.ok(at.indexOf("gen.usePreemptive") < at.indexOf("agent_state_changed"));
  assert.equal(orders(w, "turn.commit").length, 1);
});

test("in the reference a turn refused at a hand-off is lost, and its early reply with it", () => {
  const w = world([...speech(500, 2_500), final(2_700, "Hello"), [2_800, { type: "handoff.begin" }]], {
    config: { compat: "reference" },
  });
  w.run();
  assert.deepEqual(lines(w, /abort|discard|commit/), ["3050 abort a1", '3050 discard "Hello" (scheduling_paused)']);
});

test("too few words take back the reply that was begun for them", () => {
  const w = world([...speech(500, 2_500, { until: 2_600 }), final(2_650, "uh"), [2_700, (x) => x.say("A")], [
    3_050,
    speech(500, 2_500).at(-1)?.[1] as never,
  ]], { config: { interruption: { minWords: 2 } } });
  w.run();
  assert.deepEqual(lines(w, /begin|abort|refused/), [
    '2650 begin a1 "uh"',
    "3050 abort a1",
    "3050 refused (too_few_words)",
  ]);
});

test("in the reference the attempts of a turn count until its pipeline begins", () => {
  const run = (compat: "fixed" | "reference"): number => {
    const w = world([
      ...speech(500, 2_000),
      final(800, "a"),
      final(1_200, "b"),
      final(2_200, "c"),
      ...speech(2_700, 3_300),
      final(3_500, "d"),
    ], {
      hook: { ms: 3_000 },
      config: { compat },
    });
    w.run(3_600);
    return lines(w, /begin/).length;
  };
  assert.deepEqual([run("fixed"), run("reference")], [4, 4]);
});
