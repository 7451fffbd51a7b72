import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { sttAttempt, ttsAttempt } from "../../src/model/attempt.ts";
import { connectOptions } from "../../src/model/connect_options.ts";
import { scriptedSTT } from "../../src/testing/scripted_ears.ts";
import { scriptedTTS } from "../../src/testing/scripted_tts.ts";
import { drain, recording } from "./recording.ts";

function o() {
  const clock = virtualClock();
  return { clock, report: recording(), connOptions: connectOptions(), requestId: () => "own" };
}

test("the connection of a recogniser is measured by itself, and adds no sound to the usage", async () => {
  const host = o();
  const stt = scriptedSTT();
  const connected: typeof stt = {
    ...stt,
    stream(options) {
      options?.onConnected?.({ acquireTimeMs: 120, reused: false });
      return stt.stream!(options);
    },
  };
  const { readable, writable } = sttAttempt(connected, host);
  const reading = drain(readable);
  await writable.close();
  await host.clock.until(reading);
  assert.deepEqual(
    host.report.measured.map((metrics) =>
      metrics.type === "stt_metrics" &&
      [metrics.acquireTimeMs, metrics.connectionReused, metrics.audioDurationMs, metrics.inputTokens]
    ),
    [[120, false, 0, 0]],
  );
});

test("the connection of a voice is told with the next segment only, and forgotten when the attempt failed", async () => {
  const host = o();
  const tts = scriptedTTS({ errors: [{ text: "Hello.", attempts: 1 }] }, { clock: host.clock });
  let attemptCount = 0;
  const connected: typeof tts = {
    ...tts,
    stream(options) {
      attemptCount += 1;
      if (attemptCount === 1) options?.onConnected?.({ acquireTimeMs: 900, reused: false });
      else options?.onConnected?.({ acquireTimeMs: 3, reused: true });
      return tts.stream!(options);
    },
  };
  const { readable, writable } = ttsAttempt(connected, host);
  const reading = drain(readable);
  const writer = writable.getWriter();
  void writer.write("Hello.").then(() => writer.write({ type: "flush" })).then(() => writer.write("Bye."))
    .then(() => writer.close());
  await host.clock.until(reading);
  assert.deepEqual(
    host.report.measured.map((metrics) =>
      metrics.type === "tts_metrics" && [metrics.charactersCount, metrics.acquireTimeMs, metrics.connectionReused]
    ),
    [[6, 3, true], [4, undefined, undefined]],
  );
});
