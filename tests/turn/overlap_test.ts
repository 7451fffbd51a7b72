/** What must hold of section 12: overlaps that a detector judges. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { final, type Input, speech, world } from "./harness.ts";
import { commits, lengths as duration, lines, STORY } from "./must_hold.ts";

const config = { adaptive: true, interruption: { backchannelBoundary: [1_000, 1_000] as const } };
const verdict = (t: number, isInterruption: boolean, overlapStartedAt: number, agentEnded = false): Input => [t, {
  type: "overlap.verdict",
  isInterruption,
  agentEnded,
  overlapStartedAt,
  detectedAt: t,
}];

test("while the agent is heard no words go through, and none are shown until they are released", () => {
  const w = world([...STORY, ...speech(5_000, 6_000), final(6_200, "wait", [5_000, 6_000])], { duration, config });
  w.run(13_000);
  assert.deepEqual(lines(w, /heard|commit 2/), ['2700 heard "Tell me a story."']);
});

test("a verdict of interruption keeps the interrupting words, held or still to come", () => {
  const inputs = [...STORY, ...speech(5_000, 6_500), final(5_500, "wait", [5_050, 5_400]), verdict(5_600, true, 5_000)];
  const w = world([...inputs, final(6_700, "stop it", [5_500, 6_500])], { duration, config });
  w.run();
  assert.deepEqual(lines(w, /heard "(wait|stop)/), ['5600 heard "wait"', '6700 heard "stop it"']);
  assert.deepEqual(commits(w).at(-1), [7_050, "wait stop it"]);
});

test("a backchannel in the middle of agent speech: no pause, no words, no turn; the user's state still toggles", () => {
  const w = world(
    [...STORY, ...speech(6_000, 6_400), final(6_600, "uh-huh", [6_000, 6_400]), verdict(6_950, false, 6_000)],
    { duration, config },
  );
  w.run();
  assert.deepEqual(lines(w, /pause|commit 2|heard "uh/), []);
  assert.deepEqual(lines(w, /user/).slice(-2), ["6050 user speaking @6000", "6950 user listening @6400"]);
});

test("when the detector fails the held words are released, and sound interrupts from the next window on", () => {
  const w = world([
    ...STORY,
    ...speech(5_000, 7_000),
    final(5_300, "well", [5_000, 5_200]),
    [5_800, { type: "overlap.error", recoverable: false }],
  ], { duration, config });
  w.run(6_000);
  assert.deepEqual(lines(w, /heard "well|pause/), ['5800 heard "well"', "5800 pause"]);
});

test("a recoverable error changes nothing", () => {
  const w = world([...STORY, [5_000, { type: "overlap.error", recoverable: true }]], { duration, config });
  w.run(5_000);
  assert.ok(w.turn.overlap.detectionEnabled);
});

test("each overlap is ended once, and a resumed speech opens a new one if the user is talking", () => {
  const w = world([...STORY, ...speech(3_500, 4_100), ...speech(5_000, 5_200), ...speech(6_100, 9_000)], {
    duration,
    config: { ...config, interruption: { ...config.interruption, falseInterruptionTimeout: 300 } },
  });
  w.run();
  const begun = lines(w, /overlap from/).length;
  assert.equal(lines(w, /overlap ended/).length, begun);
  assert.ok(begun >= 2);
});

test("after the first second of agent speech sound alone does not interrupt", () => {
  const w = world([...STORY, ...speech(5_000, 8_000)], { duration, config });
  w.run();
  assert.deepEqual(lines(w, /pause/), []);
});

test("OURS-14: a backchannel whose words come after the agent stopped is still dropped; in the reference it is a turn", () => {
  const run = (compat: "fixed" | "reference"): string[] => {
    const w = world([
      ...STORY,
      ...speech(11_500, 11_800),
      verdict(12_350, false, 11_500),
      final(13_600, "uh-huh", [
        11_500,
        11_800,
      ]),
    ], { duration, config: { ...config, compat } });
    w.run();
    return lines(w, /discard|commit 2/);
  };
  assert.deepEqual(run("fixed"), ['13600 discard "uh-huh" (backchannel)']);
  assert.equal(run("reference").length, 1);
  assert.match(run("reference")[0] ?? "", /commit 2 "uh-huh"/);
});

test("OURS-14: an event without times is kept; in the reference it discards all that is held", () => {
  const run = (compat: "fixed" | "reference"): string[] => {
    const w = world([
      ...STORY,
      ...speech(5_000, 6_500),
      final(5_300, "please", [0, 0]),
      final(5_500, "stop", [5_300, 5_500]),
      verdict(5_600, true, 5_000),
    ], { duration, config: { ...config, compat } });
    w.run(6_000);
    return lines(w, /heard "(please|stop)/);
  };
  assert.deepEqual(run("fixed"), ['5600 heard "please"', '5600 heard "stop"']);
  assert.deepEqual(run("reference"), []);
});

test("a late verdict of interruption, after the user has stopped, does not leave the agent paused", () => {
  const w = world([...STORY, ...speech(5_000, 5_300), verdict(6_000, true, 5_000)], { duration, config });
  w.run();
  assert.ok(!w.sinkPaused);
  assert.equal(w.turn.interruption.paused, null);
});

test("what the overlaps of an utterance were is written on its span: a false never replaces a true", () => {
  const spans = (inputs: Input[]): unknown[] => {
    const w = world([...STORY, ...inputs], { duration, config });
    w.run();
    return w.effects.flatMap(({ effect }) =>
      effect.type === "span.end" && effect.span === "user_speaking" ? [effect.attributes?.["lk.is_interruption"]] : []
    );
  };
  assert.deepEqual(spans(speech(5_000, 5_400)), [undefined, "false"]);
  assert.deepEqual(spans([...speech(5_000, 6_000), verdict(5_400, true, 5_000)]), [undefined, "true"]);
});

test("a recogniser's start of speech and a new voice end the window in which words are dropped", () => {
  for (
    const opening of [speech(13_300, 13_900), [[13_300, {
      type: "stt.start",
      requestId: "",
      speechStartTime: null,
    }]]] as Input[][]
  ) {
    const w = world([...STORY, ...speech(11_500, 11_800), ...opening, final(14_000, "yes", [11_500, 11_800])], {
      duration,
      config,
    });
    w.run();
    assert.equal(lines(w, /heard "yes"/).length, 1);
  }
});

test("held marks before the words of an interruption are released with them, in their order", () => {
  const w = world([
    [1_000, (w) => w.say("A")],
    [5_000, { type: "stt.start", requestId: "", speechStartTime: 5_000 }],
    final(5_600, "wait", [5_000, 6_000]),
    [6_200, { type: "overlap.error", recoverable: false }],
    [6_300, { type: "stt.end", requestId: "" }],
  ], { duration: () => 10_000, config: { ...config, mode: "stt" } });
  w.run(6_300);
  assert.deepEqual(lines(w, /user|heard "wait/).slice(-3), [
    "6200 user speaking @5000",
    '6200 heard "wait"',
    "6300 user listening @6300",
  ]);
});
