/** What must hold of section 11: interruption by sound and words, pause and resume. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { audioRoute } from "../../src/turn/query.ts";
import { final, interim, speech, world } from "./harness.ts";
import { commits, lengths as duration, lines, STORY, update } from "./must_hold.ts";

test("the agent is paused exactly when the user has spoken for minDuration", () => {
  const w = world([...STORY, ...speech(5_000, 6_000)], { duration });
  w.run();
  assert.deepEqual(lines(w, /pause/), ["5500 pause"]);
});

test("after a pause and two seconds of silence there is one resume, and the agent is what it was", () => {
  const w = world([...STORY, ...speech(5_000, 6_000)], { duration });
  w.run();
  assert.deepEqual(lines(w, /pause|resume|false/), ["5500 pause", "8550 resume", "8550 false interruption, resumed"]);
  assert.deepEqual(lines(w, /agent/).slice(-4), [
    "3250 agent speaking",
    "5500 agent listening",
    "8550 agent speaking",
    "16300 agent listening",
  ]);
});

test("a user who starts again while paused stops the resume; the pause lasts to the next end of speech", () => {
  const w = world([...STORY, ...speech(5_000, 6_000), ...speech(7_000, 7_300)], { duration });
  w.run();
  assert.deepEqual(lines(w, /pause|resume/), ["5500 pause", "9850 resume", "9850 false interruption, resumed"]);
});

test("a reply that the user talks over while the agent thinks is not heard before the pause is over", () => {
  const w = world([...STORY, ...speech(3_100, 4_800)], { duration, thinking: () => 600 });
  w.run();
  assert.deepEqual(lines(w, /pause|resume|sounds/), [
    "3150 pause",
    "7350 resume",
    "7350 false interruption, resumed",
    "7350 ~ a1 sounds",
  ]);
});

test("the buffer is cleared before the output goes on when a paused speech is interrupted", () => {
  const w = world([...STORY, ...speech(5_000, 6_000), final(6_200, "Stop!")], { duration });
  w.run();
  assert.deepEqual(lines(w, /^6200 (interrupt|~|resume)/), [
    "6200 interrupt a1",
    "6200 ~ a1 cleared at 2250",
    "6200 resume",
  ]);
});

test("OURS-10: noise shorter than minDuration does not interrupt, however long its silence; in the reference it does", () => {
  const run = (compat: "fixed" | "reference"): string[] => {
    const w = world([...STORY, ...speech(5_000, 5_300)], { duration, config: { compat } });
    w.run();
    return lines(w, /pause/);
  };
  assert.deepEqual(run("fixed"), []);
  assert.deepEqual(run("reference"), ["5500 pause"]);
});

test("OURS-11: a pause of a speech that is no longer current leaves the output running", () => {
  for (const compat of ["fixed", "reference"] as const) {
    const w = world([...STORY, ...speech(5_000, 5_600), [6_000, { type: "api.interrupt", force: true }], [
      6_000,
      (x) => x.say("B"),
    ]], { duration, config: { compat } });
    w.run();
    assert.ok(!w.sinkPaused);
    assert.equal(lines(w, /B sounds/).length, 1);
  }
});

test("a false-interruption time of zero or null: resumed in the same step, or interrupted at once", () => {
  const timed = (falseInterruptionTimeout: number | null): string[] => {
    const w = world([...STORY, ...speech(5_000, 6_000)], {
      duration,
      config: { interruption: { falseInterruptionTimeout } },
    });
    w.run();
    return lines(w, /pause|resume|interrupt a1/);
  };
  assert.deepEqual(timed(0), ["5500 pause", "6550 resume", "6550 false interruption, resumed"]);
  assert.deepEqual(timed(null), ["5500 interrupt a1"]);
});

test("a turn that commits at the end of the voice wins over a resume of the same moment", () => {
  const w = world([...STORY, ...speech(5_000, 6_000), final(5_200, "stop")], {
    duration,
    config: { interruption: { falseInterruptionTimeout: 0 } },
  });
  w.run();
  assert.deepEqual(commits(w).at(-1), [6_550, "stop"]);
  assert.deepEqual(lines(w, /false/), []);
});

test("without a VAD an interim pauses, and silence after it resumes: no pause waits for words that never come", () => {
  const w = world([[1_000, (x) => x.say("A")], interim(2_000, "uh")], {
    duration: () => 5_000,
    config: { hasVad: false, hasUserVad: false },
  });
  w.run();
  assert.deepEqual(lines(w, /pause|resume/), ["2000 pause", "4000 resume", "4000 false interruption, resumed"]);
});

test("an output that loses its pause lets the paused speech go on", () => {
  const w = world([...STORY, ...speech(5_000, 9_000), [6_000, {
    type: "output.audioChanged",
    present: true,
    enabled: true,
    canPause: false,
  }]], { duration });
  w.run(6_000);
  assert.ok(!w.sinkPaused);
  assert.equal(w.turn.interruption.paused, null);
});

test("a change to manual during a pause does not leave the output paused", () => {
  const w = world([...STORY, ...speech(5_000, 5_600), update(7_000, { mode: "manual" })], { duration });
  w.run();
  assert.ok(!w.sinkPaused);
  assert.deepEqual(lines(w, /resume/), ["7000 resume", "7000 false interruption, resumed"]);
});

test("the recogniser gets silence while a protected speech is heard, and while the echo canceller warms up", () => {
  const route = (w: ReturnType<typeof world>): string => audioRoute(w.turn, w.shared, w.config).stt;

  const guarded = world([[1_000, (x) => x.say("A", { allowInterruptions: false })]]);
  guarded.run(1_500);
  const open = world([[1_000, (x) => x.say("A")]]);
  open.run(1_500);
  const warming = world([[1_000, (x) => x.say("A")]], { aecWarmup: 3_000 });
  warming.run(1_500);
  const heard = route(warming);
  warming.run(5_000);

  assert.deepEqual([route(guarded), route(open), heard, route(warming)], ["silence", "frame", "silence", "frame"]);
});

test("an outbound call needs no warm-up; another participant gets one of three seconds", () => {
  const phone = world([[100, { type: "participant.linked", isOutboundSip: true }], [1_000, (x) => x.say("A")]], {
    aecWarmup: 3_000,
  });
  phone.run(1_500);
  const room = world([[100, { type: "participant.linked", isOutboundSip: false }], [1_000, (x) => x.say("A")]]);
  room.run(1_500);

  assert.equal(phone.armed.has("aecWarmup"), false);
  assert.equal(room.armed.get("aecWarmup")?.at, 4_200);
});

test("a user who goes on for long while paused is not talked over: the resume counts from the new silence", () => {
  const w = world([...STORY, ...speech(5_000, 6_000), ...speech(7_000, 12_000)], { duration });
  w.run();
  assert.deepEqual(lines(w, /resume/), ["14550 resume", "14550 false interruption, resumed"]);
});

test("in mode stt the silence after the recogniser's end of speech does not interrupt the reply", () => {
  const w = world([
    ...speech(500, 2_500),
    final(2_600, "Hello"),
    [2_650, { type: "stt.end", requestId: "" }],
    [2_660, (x) => x.say("A")],
  ], { config: { mode: "stt", compat: "reference", endpointing: { minDelay: 3_000 } }, voicing: 0 });
  w.run(3_000);
  assert.deepEqual(lines(w, /pause/), []);
  assert.equal(w.turn.interruption.sttEosReceived, true);
});

test("an utterance over the agent teaches the dynamic delays through the machine, too", () => {
  const w = world([...STORY, ...speech(5_000, 6_000)], { duration, config: { endpointing: { mode: "dynamic" } } });
  w.run(4_000);
  assert.equal(w.turn.endpointing.agentStart, 3_250);
  w.run(5_100);
  assert.deepEqual([w.turn.endpointing.userStart, w.turn.endpointing.overlapping], [5_000, true]);
  assert.equal(w.turn.endpointing.bargedInOn, 3_250);
  w.run(5_500);
  assert.equal(w.turn.endpointing.agentEnd, 5_500);
  w.run(7_000);
  assert.deepEqual([w.turn.endpointing.userEnd, w.turn.endpointing.agentStart], [6_000, undefined]);
});

test("a realtime answer that comes while the user speaks begins paused, and sounds at the user's end", () => {
  const w = world([...speech(500, 2_500), [1_000, (x) => x.serverGeneration("r1")]], {
    config: { llm: "realtime", serverTurnDetection: true, hasStt: false, interruption: { minDuration: 5_000 } },
  });
  w.run(3_300);
  assert.deepEqual(lines(w, /play|pause|resume|r1 sounds/), [
    "1000 pause",
    "1000 play r1",
    "3050 resume",
    "3050 false interruption, resumed",
    "3050 ~ r1 sounds",
  ]);
});

test("a voice that begins just before the resume holds the pause", () => {
  const w = world([...STORY, ...speech(5_000, 6_000), ...speech(8_100, 8_400)], { duration });
  w.run();
  assert.deepEqual(lines(w, /resume/), ["10950 resume", "10950 false interruption, resumed"]);
});

test("a paused speech that the program interrupts frees the output at once", () => {
  const w = world([...STORY, ...speech(5_000, 9_000), [6_000, { type: "api.interrupt", force: true }]], { duration });
  w.run(6_000);
  assert.ok(!w.sinkPaused);
  assert.equal(w.turn.interruption.paused, null);
});
