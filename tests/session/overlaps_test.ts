/** A detector of interruptions in a whole session: what it hears and is told, and what its verdicts do. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { scriptedSTT } from "../../src/testing/scripted_ears.ts";
import {
  type ScriptedInterruptionDetector,
  scriptedInterruptionDetector,
  type ScriptedOverlap,
} from "../../src/testing/scripted_interruption_detector.ts";
import type { TurnHandlingOptions } from "../../src/session/options.ts";
import { replay } from "../../src/trace/replay.ts";
import { told, userSays, type World, world } from "./harness.ts";

const STORY = "Once upon a time there was a shop with a great many books, and nobody knew how many.";

/** The agent tells a story from 2,000 on for five seconds, and the user says something over it. */
async function overlap(
  overlaps: readonly ScriptedOverlap[],
  says: { readonly from: number; readonly until: number; readonly text: string },
  interruption: TurnHandlingOptions["interruption"] = {},
): Promise<{ readonly w: World; readonly detector: ScriptedInterruptionDetector }> {
  const runtime = virtualRuntime({ seed: 1 });
  const detector = scriptedInterruptionDetector({ clock: runtime.clock, overlaps });
  const stt = scriptedSTT({ capabilities: { streaming: true, interimResults: true, alignedTranscript: "word" } });
  const w = world({
    runtime,
    tts: { ttfbMs: 100, msPerChar: 60 },
    ears: true,
    trace: true,
    llm: [{ ttftMs: 100, text: "Yes?" }],
    options: { stt, turnHandling: { interruption: { detector, ...interruption } }, aecWarmupDuration: null },
  });
  await w.start();
  await w.clock.runUntil(2_000);
  w.session.say(STORY);
  userSays({ ...w, stt }, says);
  await w.clock.runUntil(12_000);
  await w.close();
  assert.equal(detector.openCount, 0);
  assert.equal(w.clock.armed, 0);
  assert.equal(replay(w.trace).difference, undefined);
  return { w, detector };
}

const verdicts = (w: World) =>
  w.events.flatMap((e) => e.type === "overlapping_speech" ? [[e.isInterruption, e.agentEnded] as const] : []);

test("an overlap that is no interruption: no pause, no words shown, no turn, and one verdict", async () => {
  const { w, detector } = await overlap([], { from: 4_500, until: 5_300, text: "No way, stop" });
  assert.deepEqual(detector.marks, ["agent_started", "overlap_started", "overlap_ended", "agent_ended"]);
  assert.ok(detector.heardMs > 8_000, "it hears the microphone all the time");
  assert.deepEqual(verdicts(w), [[false, false]]);
  assert.deepEqual(told(w.session.history.items), [`assistant: ${STORY}`]);
  assert.ok(!w.events.some((e) => e.type === "user_input_transcribed"));
  const metrics = w.events.flatMap((e) =>
    e.type === "metrics_collected" && e.metrics.type === "interruption_metrics" ? [e.metrics] : []
  );
  assert.deepEqual(metrics.map(({ numInterruptions, numBackchannels }) => [numInterruptions, numBackchannels]), [[
    0,
    1,
  ]]);
});

test("a verdict of interruption pauses at once, and its words interrupt and are a turn", async () => {
  const { w } = await overlap([{ isInterruption: true, delayMs: 200 }], {
    from: 4_500,
    until: 6_000,
    text: "wait please",
  });
  assert.deepEqual(verdicts(w), [[true, false]]);
  const listening = w.events.find((e) => e.type === "agent_state_changed" && e.oldState === "speaking");
  assert.equal((listening?.createdAt ?? 0) - w.clock.wallOffset, 4_750);
  assert.match(told(w.session.history.items).join("\n"), /\/\nuser: wait please\nassistant: Yes\?/);
});

test("a detector that fails is told once; words are let go and sound interrupts again", async () => {
  const { w } = await overlap([{ isInterruption: false, delayMs: 100, error: new Error("gone") }], {
    from: 4_500,
    until: 6_000,
    text: "wait please",
  });
  assert.equal(w.events.filter((e) => e.type === "error" && e.source === "interruption_detector").length, 1);
  assert.ok(told(w.session.history.items).includes("user: wait please"));
});

test("an agent that ends under the user ends the overlap, and the words over its end are a turn", async () => {
  const end = 2_100 + STORY.length * 60;
  const { w } = await overlap([], { from: end - 400, until: end + 900, text: "okay thanks" });
  assert.deepEqual(verdicts(w), [[false, true]]);
  assert.ok(told(w.session.history.items).includes("user: okay thanks"));
});

test("mode vad leaves the detector alone, and the local policy judges", async () => {
  const { w, detector } = await overlap([], { from: 4_500, until: 5_300, text: "okay" }, { mode: "vad" });
  assert.deepEqual(detector.marks, []);
  assert.deepEqual(told(w.session.history.items), [`assistant: ${STORY}`]);
});

test("a detector that cannot be used is told in the log, and so is a mode without one", async () => {
  const { clock } = virtualRuntime({ seed: 1 });
  const cases: NonNullable<TurnHandlingOptions["interruption"]>[] = [
    { detector: scriptedInterruptionDetector({ clock }) }, // the recogniser of the world gives no times
    { mode: "adaptive" },
  ];
  for (const interruption of cases) {
    const w = world({ ears: true, options: { turnHandling: { interruption } } });
    await w.start();
    assert.ok(w.log.some(({ level, message }) => level === "warn" && message === "interruption.adaptive_unavailable"));
    await w.close();
  }
});

test("options that switch to mode vad at run time close the detector", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const detector = scriptedInterruptionDetector({ clock: runtime.clock });
  const stt = scriptedSTT({ capabilities: { streaming: true, interimResults: true, alignedTranscript: "chunk" } });
  const w = world({ runtime, ears: true, options: { stt, turnHandling: { interruption: { detector } } } });
  await w.start();
  await w.clock.runUntil(500);
  assert.equal(detector.openCount, 1);
  w.session.updateOptions({ turnHandling: { interruption: { mode: "vad" } } });
  await w.clock.runUntil(1_000);
  assert.equal(detector.openCount, 0);
  await w.close();
});
