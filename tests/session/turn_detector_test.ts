import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import type { VADEvent } from "../../src/model/vad.ts";
import { Agent } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import { scriptedVAD } from "../../src/testing/scripted_ears.ts";
import {
  type ScriptedPrediction,
  type ScriptedTurnDetector,
  scriptedTurnDetector,
} from "../../src/testing/scripted_turn_detector.ts";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { microphone, type World, world, type WorldOptions } from "./harness.ts";

type Talk = World & { readonly detector: ScriptedTurnDetector };

function talk(
  answers: readonly (ScriptedPrediction | undefined)[],
  o: WorldOptions & { threshold?: undefined } = {},
): Talk {
  const runtime = virtualRuntime({ seed: 1 });
  const detector = scriptedTurnDetector({
    clock: runtime.clock,
    answers,
    ...("threshold" in o && { threshold: undefined }),
  });
  const { options, ...rest } = o;
  const w = world({
    runtime,
    ears: true,
    tts: {},
    microphone: microphone(runtime.clock),
    ...rest,
    options: { ...options, turnHandling: { turnDetection: detector, ...options?.turnHandling } },
  });
  return Object.assign(w, { detector });
}

/** The voice from `from` to `to`, as a detector with 250 ms of silence tells of it. */
function speak(w: World, from: number, to: number, text?: string): void {
  const { clock } = w;
  const tell = (at: number, event: Partial<VADEvent> & Pick<VADEvent, "type">): void => {
    clock.schedule(at, () =>
      void w.vad.push({
        timestampMs: at,
        speechDurationMs: 0,
        silenceDurationMs: 0,
        rawSpeechMs: 0,
        rawSilenceMs: 0,
        probability: 1,
        speaking: true,
        inferenceDurationMs: 0,
        ...event,
      }));
  };
  tell(from + 50, { type: "start_of_speech", speechDurationMs: 50 });
  for (let at = from + 100; at < to + 250; at += 50) {
    const silence = Math.max(0, at - to);
    tell(at, {
      type: "inference_done",
      speechDurationMs: at - from,
      rawSpeechMs: silence === 0 ? at - from : 0,
      rawSilenceMs: silence,
    });
  }
  tell(to + 250, { type: "end_of_speech", speechDurationMs: to - from, silenceDurationMs: 250, speaking: false });
  if (text === undefined) return;
  const words = { text, language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 1 };
  clock.schedule(to + 220, () => void w.stt.push({ type: "final_transcript", alternatives: [words] }));
}

/** When the user's turn went into the history, on the clock of the session. */
function committedAt(w: World): number[] {
  return w.events.flatMap((event) =>
    event.type === "conversation_item_added" && event.item.type === "message" && event.item.role === "user"
      ? [event.createdAt - w.clock.wallOffset]
      : []
  );
}

test("it is asked in the pause, and an answer that is there delays nothing", async () => {
  const w = talk([{ probability: 0.8 }]);
  await w.start();
  speak(w, 500, 2_500, "How are you?");
  await w.clock.advance(4_000);
  assert.deepEqual(committedAt(w), [2_800]);
  assert.deepEqual(w.detector.asked, ["predict", "flush"]);
  assert.ok(w.detector.heardMs >= 2_500, "it hears the microphone");
  const [told] = w.events.filter(({ type }) => type === "eot_prediction");
  assert.ok(told?.type === "eot_prediction");
  assert.deepEqual([told.probability, told.threshold, told.inferenceDurationMs], [0.8, 0.5, 40]);
  await w.close();
  assert.deepEqual([w.detector.openCount, w.clock.armed], [0, 0]);
});

test("a user who is likely to go on gets the longer time", async () => {
  const w = talk([{ probability: 0.1 }]);
  await w.start();
  speak(w, 500, 2_500, "I would like");
  await w.clock.advance(6_000);
  assert.deepEqual(committedAt(w), [5_000]);
  await w.close();
});

test("graded, the wait is as long as the end is unlikely", async () => {
  for (const [probability, at] of [[0.6, 2_800], [0.4, 3_003], [0.2, 3_493], [0.001, 5_000]] as const) {
    const w = talk([{ probability }], { options: { turnHandling: { endpointing: { mode: "graded" } } } });
    await w.start();
    speak(w, 500, 2_500, "I would like");
    await w.clock.advance(6_000);
    assert.deepEqual(committedAt(w), [at]);
    await w.close();
  }
});

test("a user who goes on is asked about again, in the next pause", async () => {
  const w = talk([{ probability: 0.1 }, { probability: 0.9 }]);
  await w.start();
  speak(w, 500, 2_500, "I would like");
  speak(w, 3_200, 4_200, "a table for two.");
  await w.clock.advance(6_000);
  assert.deepEqual(committedAt(w), [4_500]);
  assert.deepEqual(w.detector.asked.filter((it) => it === "predict").length, 2);
  await w.close();
});

test("no answer costs a second, and no more", async () => {
  const w = talk([undefined]);
  await w.start();
  speak(w, 500, 2_500, "How are you?");
  await w.clock.advance(6_000);
  assert.deepEqual(committedAt(w), [3_750]);
  assert.deepEqual(w.detector.asked, ["predict", "cancel, timed out", "flush"]);
  await w.close();
});

test("a language that it cannot judge has no effect", async () => {
  const w = talk([{ probability: 0.1 }], { threshold: undefined });
  await w.start();
  speak(w, 500, 2_500, "Hur mår du?");
  await w.clock.advance(4_000);
  assert.deepEqual(committedAt(w), [2_800]);
  await w.close();
});

test("a detector that breaks is told of once, delays nothing, and is tried again at the next turn", async () => {
  const broken = new Error("no network");
  const w = talk([{ probability: 0, error: broken }, { probability: 0, error: broken }, { probability: 0.9 }]);
  await w.start();
  speak(w, 500, 2_500, "One.");
  await w.clock.advance(3_000);
  speak(w, 10_500, 12_500, "Two.");
  speak(w, 20_500, 22_500, "Three.");
  await w.clock.advance(27_000);
  assert.deepEqual(committedAt(w), [2_800, 12_800, 22_800]);
  const errors = w.events.filter((event) => event.type === "error");
  assert.equal(errors.length, 1);
  assert.equal(w.detector.asked.filter((it) => it === "predict").length, 3);
  await w.close();
  assert.deepEqual([w.detector.openCount, w.clock.armed], [0, 0]);
});

test("another detector may take over, and none", async () => {
  const w = talk([{ probability: 0.1 }]);
  const other = scriptedTurnDetector({ clock: w.clock });
  await w.start();
  w.session.updateOptions({ turnHandling: { turnDetection: other } });
  speak(w, 500, 2_500, "One.");
  await w.clock.advance(4_000);
  assert.deepEqual([w.detector.openCount, other.openCount, other.asked.length], [0, 1, 2]);
  w.session.updateOptions({ turnHandling: { turnDetection: null } });
  assert.equal(other.openCount, 0);
  speak(w, 10_500, 12_500, "Two.");
  await w.clock.advance(10_000);
  assert.deepEqual(committedAt(w), [2_800, 13_000]); // 500 ms of endpointing without a detector
  await w.close();
});

test("delays that the program gave stay, and the rest are those of the detector", async () => {
  const w = talk([{ probability: 0.9 }], { options: { turnHandling: { endpointing: { minDelay: 700 } } } });
  await w.start();
  speak(w, 500, 2_500, "One.");
  await w.clock.advance(5_000);
  assert.deepEqual(committedAt(w), [3_200]);
  await w.close();
});

test("without a VAD there is nobody to ask it, which is said once", async () => {
  const w = talk([{ probability: 0.1 }], { options: { vad: null } });
  await w.start();
  w.stt.push({
    type: "final_transcript",
    alternatives: [{ text: "Hello", language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 1 }],
  });
  await w.clock.advance(3_000);
  assert.equal(committedAt(w).length, 1);
  assert.equal(w.log.filter(({ message, fields }) => /without_vad/.test(message + JSON.stringify(fields))).length, 1);
  await w.close();
});

test("a VAD that calls 200 ms the end is refused beside it, before anything is opened", () => {
  const runtime = virtualRuntime();
  const detector = scriptedTurnDetector({ clock: runtime.clock });
  const vad = scriptedVAD({ capabilities: { updateIntervalMs: 32, minSilenceDurationMs: 200 } });
  const refused = (error: unknown): boolean =>
    error instanceof AgentError && error.code === "session.bad_option" && /at least 250 ms: .* 200/.test(error.message);
  assert.throws(() => new AgentSession({ runtime, vad, turnHandling: { turnDetection: detector } }), refused);
  assert.equal(detector.openCount, 0);
});

test("an agent may bring its own detector", async () => {
  const w = talk([{ probability: 0.1 }]);
  const own = scriptedTurnDetector({ clock: w.clock });
  await w.start(new Agent({ instructions: "", turnHandling: { turnDetection: own } }));
  speak(w, 500, 2_500, "One.");
  await w.clock.advance(4_000);
  assert.deepEqual([w.detector.asked.length, own.asked], [0, ["predict", "flush"]]);
  await w.close();
});
