import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { vadMeter } from "../../src/model/attempt.ts";
import type { VADEvent } from "../../src/model/vad.ts";
import { scriptedVAD } from "../../src/testing/scripted_ears.ts";
import { recording } from "./recording.ts";

function window(type: VADEvent["type"], timestampMs: number, speaking = false): VADEvent {
  return {
    type,
    timestampMs,
    speaking,
    speechDurationMs: 0,
    silenceDurationMs: 0,
    rawSpeechMs: 0,
    rawSilenceMs: 0,
    probability: 0,
    inferenceDurationMs: 2,
  };
}

test("each second of audio is reported once, with the time since the last speech", () => {
  const report = recording();
  const observe = vadMeter(scriptedVAD(), { clock: virtualClock(), report });
  for (let at = 50; at <= 2_500; at += 50) {
    if (at === 300) observe(window("end_of_speech", 300));
    observe(window("inference_done", at, at < 300));
  }
  assert.deepEqual(
    report.measured.map((metrics) => {
      assert.ok(metrics.type === "vad_metrics");
      return [metrics.inferenceCount, metrics.inferenceDurationTotalMs, metrics.idleTimeMs];
    }),
    [[20, 40, 700], [20, 40, 1_700]],
  );
});
