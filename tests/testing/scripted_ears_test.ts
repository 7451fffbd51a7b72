import assert from "node:assert/strict";
import { test } from "node:test";
import { audioFrame } from "../../src/audio/frame.ts";
import { FLUSH } from "../../src/model/marks.ts";
import type { SpeechEvent } from "../../src/model/stt.ts";
import { scriptedSTT, scriptedVAD } from "../../src/testing/scripted_ears.ts";
import { drain } from "../model/recording.ts";

const final = (text: string): SpeechEvent => ({
  type: "final_transcript",
  alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs: 1, confidence: 0.9 }],
});

test("what is pushed comes out of the newest open stream", async () => {
  const stt = scriptedSTT();
  assert.equal(stt.push(final("nobody hears")), false);
  const old = stt.stream();
  const young = stt.stream({ language: "en" });
  assert.equal(stt.push(final("one")), true);
  await young.readable.getReader().cancel();
  stt.push(final("two"));
  await old.writable.getWriter().close();
  assert.deepEqual((await drain(old.readable)).parts, [final("two")]);
  assert.deepEqual(stt.options.map(({ language }) => language), [undefined, "en"]);
});

test("sound and marks that go in are counted", async () => {
  const vad = scriptedVAD();
  const { writable } = vad.stream();
  const writer = writable.getWriter();
  await writer.write(audioFrame(new Int16Array(1600), 16_000));
  await writer.write(FLUSH);
  assert.deepEqual([vad.streams[0]!.heardMs, vad.streams[0]!.marks], [100, [FLUSH]]);
});

test("the end of the input lets it say its last words", async () => {
  const stt = scriptedSTT({ onEnd: () => [final("bye")] });
  const { readable, writable } = stt.stream();
  await writable.getWriter().close();
  assert.deepEqual((await drain(readable)).parts, [final("bye")]);
  assert.equal(stt.streams[0]!.isOpen, false);
});

test("a failure comes behind what was pushed, and shows on both sides", async () => {
  const stt = scriptedSTT();
  const { readable, writable } = stt.stream();
  const error = new Error("line cut");
  stt.push(final("one"));
  stt.fail(error);
  const { parts, failure } = await drain(readable);
  assert.deepEqual([parts.length, failure], [1, error]);
  await assert.rejects(writable.getWriter().write(FLUSH));
  assert.equal(stt.fail(error), false);
});

test("an abort ends a stream", async () => {
  const stop = new AbortController();
  const vad = scriptedVAD();
  const { readable } = vad.stream({ signal: stop.signal });
  stop.abort();
  assert.equal((await drain(readable)).failure, stop.signal.reason);
  assert.equal(vad.streams[0]!.isOpen, false);
});
