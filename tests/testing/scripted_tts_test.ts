import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { frameDurationMs } from "../../src/audio/frame.ts";
import { FLUSH, type FlushMark } from "../../src/model/marks.ts";
import type { SynthesizedAudio } from "../../src/model/tts.ts";
import { scriptedTTS } from "../../src/testing/scripted_tts.ts";
import { drain } from "../model/recording.ts";

function input(...parts: (string | FlushMark)[]): ReadableStream<string | FlushMark> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

const lengthMs = (parts: readonly SynthesizedAudio[]): number =>
  parts.reduce((sum, { frame }) => sum + frameDurationMs(frame), 0);

test("all the sound comes after the end of the text, as long as the script says, its last frame final", async () => {
  const clock = virtualClock();
  const tts = scriptedTTS({ ttfbMs: 200, durations: { "Hi there": 250 } }, { clock });
  const { parts } = await clock.until(drain(input("Hi ", "there").pipeThrough(tts.stream!())));
  assert.equal(clock.now(), 200);
  assert.equal(lengthMs(parts), 250);
  assert.deepEqual(parts.map(({ final }) => final ?? false), [false, false, true]);
  assert.deepEqual(tts.requests.map(({ text }) => text), ["Hi there"]);
});

test("each flush ends a segment, which follows the one before", async () => {
  const clock = virtualClock();
  const tts = scriptedTTS({ ttfbMs: 100, msPerChar: 10 }, { clock });
  const { parts } = await clock.until(drain(input("One", FLUSH, " ", "Two", FLUSH).pipeThrough(tts.stream!())));
  assert.equal(clock.now(), 200);
  assert.deepEqual(parts.map(({ segmentId, final }) => [segmentId, final]), [["tts_0", true], ["tts_1", true]]);
});

test("blank text gives no sound", async () => {
  const clock = virtualClock();
  const tts = scriptedTTS({}, { clock });
  assert.deepEqual(await clock.until(drain(input(" ", FLUSH).pipeThrough(tts.stream!()))), { parts: [] });
});

test("a text fails as often as it should, behind the sound that comes before", async () => {
  const clock = virtualClock();
  const tts = scriptedTTS({ errors: [{ text: "A", attempts: 1, afterAudioMs: 150 }] }, { clock });
  const first = await clock.until(drain(tts.synthesize!("A")));
  assert.equal(lengthMs(first.parts), 150);
  assert.ok(first.failure instanceof Error);
  const second = await clock.until(drain(tts.synthesize!("A")));
  assert.equal(second.failure, undefined);
});

test("a stop before the sound came is told", async () => {
  const clock = virtualClock();
  const stop = new AbortController();
  const tts = scriptedTTS({ hangs: ["A"] }, { clock });
  const reading = drain(tts.synthesize!("A", { signal: stop.signal }));
  await clock.advance(1_000);
  stop.abort();
  assert.equal((await reading).failure, stop.signal.reason);
  assert.equal(tts.requests[0]!.cancelled, true);
  assert.equal(clock.armed, 0);
});

test("words carry their times when asked to", async () => {
  const clock = virtualClock();
  const tts = scriptedTTS({ msPerChar: 50 }, { clock, alignedTranscript: true });
  const { parts } = await clock.until(drain(tts.synthesize!("To be or")));
  assert.deepEqual(parts.flatMap(({ timedTranscript }) => timedTranscript ?? []), [
    { text: "To ", startMs: 0, endMs: 150 },
    { text: "be ", startMs: 150, endMs: 300 },
    { text: "or", startMs: 300, endMs: 400 },
  ]);
});
