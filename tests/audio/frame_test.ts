import { test } from "node:test";
import assert from "node:assert/strict";
import { audioFrame, frameDurationMs } from "../../src/audio/frame.ts";
import { AgentError } from "../../src/base/error.ts";

test("a frame counts its samples per channel and knows how long it lasts", () => {
  const frame = audioFrame(new Int16Array(1_920), 48_000, 2);
  assert.equal(frame.samplesPerChannel, 960);
  assert.equal(frameDurationMs(frame), 20);
});

test("a frame is a plain value that can be cloned", () => {
  const frame = audioFrame(Int16Array.of(1, 2), 8_000);
  assert.deepEqual(structuredClone(frame), frame);
});

test("samples that do not divide into the channels are refused", () => {
  assert.throws(
    () => audioFrame(new Int16Array(3), 8_000, 2),
    (error) => error instanceof AgentError && error.code === "audio.bad_frame",
  );
});
