/** What holds for an activity: sections 2 and 3 of the turn-taking specification, for models that are no realtime models. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { Agent } from "../../src/session/agent.ts";
import type { AgentSessionOptions, TurnHandlingOptions } from "../../src/session/options.ts";
import { resolveActivity } from "../../src/session/resolve.ts";
import { scriptedSTT, scriptedVAD } from "../../src/testing/scripted_ears.ts";
import { scriptedInterruptionDetector } from "../../src/testing/scripted_interruption_detector.ts";
import { scriptedTurnDetector } from "../../src/testing/scripted_turn_detector.ts";
import { refusesWith, world } from "./harness.ts";

const { clock } = virtualRuntime({ seed: 1 });
const EARS: AgentSessionOptions = { stt: scriptedSTT(), vad: scriptedVAD() };
const detector = scriptedTurnDetector({ clock });

const resolve = (session: AgentSessionOptions, turnHandling?: TurnHandlingOptions) =>
  resolveActivity(session, { instructions: "", ...(turnHandling && { turnHandling }) });
const delays = (turnHandling: TurnHandlingOptions, agent?: TurnHandlingOptions): number[] => {
  const { minDelay, maxDelay } = resolve({ ...EARS, turnHandling }, agent).config.endpointing;
  return [minDelay, maxDelay];
};

test("minDelay 700 with a streaming detector is 700 and 2500, with none 700 and 3000; nothing given is 300 or 500", () => {
  const endpointing = { minDelay: 700 };
  assert.deepEqual(delays({ turnDetection: detector, endpointing }), [700, 2_500]);
  assert.deepEqual(delays({ endpointing }), [700, 3_000]);
  assert.deepEqual(delays({ turnDetection: detector }), [300, 2_500]);
  assert.deepEqual(delays({}), [500, 3_000]);
});

test("the base of the delays follows the detector that holds for the agent", () => {
  assert.deepEqual(delays({ turnDetection: detector }, { turnDetection: null }), [500, 3_000]);
  assert.deepEqual(delays({ endpointing: { maxDelay: 4_000 } }, { turnDetection: detector }), [300, 4_000]);
});

test("backchannelBoundary 0 and [0, 0] are as null, one number is both, and a negative one is refused", async () => {
  const boundary = (backchannelBoundary: number | readonly [number, number] | null) =>
    resolve({ turnHandling: { interruption: { backchannelBoundary } } }).config.interruption.backchannelBoundary;
  for (const none of [0, [0, 0], null] as const) assert.equal(boundary(none), null);
  assert.deepEqual(boundary(700), [700, 700]);
  assert.deepEqual(boundary([500, 2_000]), [500, 2_000]);
  assert.deepEqual(resolve({}).config.interruption.backchannelBoundary, [1_000, 1_000]);
  for (const wrong of [[-1, 0], -1, [1], [1, 2, 3]]) {
    const turnHandling = { interruption: { backchannelBoundary: wrong as never } };
    await refusesWith("session.bad_option", () => world({ options: { turnHandling } }));
    await refusesWith("session.bad_option", () => new Agent({ instructions: "", turnHandling }));
  }
});

test("an agent that forbids interruptions under a session that allows them makes protected speech", async () => {
  const w = world({
    tts: {},
    agent: { turnHandling: { interruption: { enabled: false } } },
    options: { turnHandling: { interruption: { enabled: true } } },
  });
  await w.start();
  assert.equal(w.session.say("Hello").allowInterruptions, false);
  assert.equal(w.session.generateReply({ userInput: "Hi" }).allowInterruptions, false);
  await w.close();
});

test("a mode whose model is not there behaves as null, with one warning", async () => {
  const cases: [AgentSessionOptions, "vad" | "stt" | "realtime_llm"][] = [
    [{ stt: scriptedSTT() }, "vad"],
    [{ vad: scriptedVAD() }, "stt"],
    [EARS, "realtime_llm"],
  ];
  for (const [models, turnDetection] of cases) {
    const { config, warnings } = resolve({ ...models, turnHandling: { turnDetection } });
    assert.equal(config.mode, null);
    assert.deepEqual(warnings, [`turn_detection.${turnDetection}_unavailable`]);
  }
  const w = world({ ears: true, options: { vad: null, turnHandling: { turnDetection: "vad" } } });
  await w.start();
  assert.equal(w.log.filter(({ message }) => message === "turn_detection.vad_unavailable").length, 1);
  await w.close();
});

test("an explicit null of the agent takes the session's mode and models away", () => {
  const session = { ...EARS, turnHandling: { turnDetection: "manual" as const } };
  assert.equal(resolve(session).config.mode, "manual");
  assert.equal(resolve(session, { turnDetection: null }).config.mode, null);
  const { config } = resolveActivity(session, { instructions: "", stt: null });
  assert.deepEqual([config.hasStt, config.hasVad], [false, true]);
});

test("a streaming detector without a VAD is left out, with a warning", () => {
  const { config, warnings } = resolve({ stt: scriptedSTT(), turnHandling: { turnDetection: detector } });
  assert.deepEqual([config.mode, config.detector], [null, "none"]);
  assert.deepEqual(warnings, ["turn_detection.streaming_detector_without_vad"]);
});

test("every key resolves by itself, the agent's before the session's, undefined is not given", () => {
  const config = resolve(
    {
      turnHandling: {
        endpointing: { minDelay: 100, alpha: 0.5 },
        interruption: { minWords: 2, falseInterruptionTimeout: null },
        preemptiveGeneration: { maxRetries: 1 },
        userTurnLimit: { maxWords: 50 },
      },
    },
    {
      endpointing: { minDelay: 200 },
      interruption: { minDuration: 300, minWords: undefined as never },
      preemptiveGeneration: { enabled: false },
      userTurnLimit: { maxDuration: 60_000 },
    },
  ).config;
  assert.deepEqual([config.endpointing.minDelay, config.endpointing.alpha], [200, 0.5]);
  const { minWords, minDuration, falseInterruptionTimeout } = config.interruption;
  assert.deepEqual([minWords, minDuration, falseInterruptionTimeout], [2, 300, null]);
  assert.deepEqual([config.preemptive.enabled, config.preemptive.maxRetries], [false, 1]);
  assert.deepEqual(config.userTurnLimit, { maxWords: 50, maxDuration: 60_000 });
});

test("a detector of interruptions holds with a VAD and a recogniser that streams and gives times, and nowhere else", () => {
  const judge = scriptedInterruptionDetector({ clock });
  const timed = scriptedSTT({ capabilities: { streaming: true, interimResults: true, alignedTranscript: "word" } });
  const ears = { vad: scriptedVAD(), stt: timed };
  const adaptive = (models: AgentSessionOptions, more: TurnHandlingOptions = {}): [boolean, number] => {
    const { config, warnings } = resolve({
      ...models,
      turnHandling: { ...more, interruption: { detector: judge, ...more.interruption } },
    });
    return [config.adaptive, warnings.length];
  };
  assert.deepEqual(adaptive(ears), [true, 0]);
  assert.deepEqual(adaptive({ ...ears, vad: null }), [false, 1]);
  assert.deepEqual(adaptive({ ...ears, stt: scriptedSTT() }), [false, 1]);
  assert.deepEqual(adaptive(ears, { turnDetection: "manual" }), [false, 1]);
  assert.deepEqual(adaptive(ears, { interruption: { enabled: false } }), [false, 1]);
  assert.deepEqual(adaptive(ears, { interruption: { mode: "vad" } }), [false, 0]);
  assert.deepEqual(resolve({ ...ears, turnHandling: { interruption: { mode: "adaptive" } } }).warnings.length, 1);
});
