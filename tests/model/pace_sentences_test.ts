import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock, virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { frameDurationMs } from "../../src/audio/frame.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import { ttsAttempt } from "../../src/model/attempt.ts";
import { connectOptions } from "../../src/model/connect_options.ts";
import { paceSentences } from "../../src/model/pace_sentences.ts";
import { scriptedTTS } from "../../src/testing/scripted_tts.ts";
import { world } from "../session/harness.ts";
import { drain, recording } from "./recording.ts";

const TEXT = "The first sentence is this one. The second sentence comes behind it. The third sentence is the last.";

function speak(o: { readonly streaming?: boolean; readonly msPerChar?: number } = {}) {
  const clock = virtualClock();
  const report = recording();
  const { streaming = true, msPerChar = 100 } = o;
  const voice = scriptedTTS({ msPerChar }, { clock, streaming, alignedTranscript: true });
  const { readable, writable } = ttsAttempt(paceSentences(voice), {
    clock,
    report,
    connOptions: connectOptions(),
    requestId: () => "own",
  });
  const writer = writable.getWriter();
  void writer.write(TEXT).then(() => writer.close());
  return { clock, report, voice, readable };
}

for (const streaming of [true, false]) {
  test(`a voice that streams (${streaming}) gets the rest when 5 s are left to hear, and all of it`, async () => {
    const { clock, voice, readable, report } = speak({ streaming });
    const { parts } = await clock.until(drain(readable));
    assert.equal(voice.requests.map(({ text }) => text.trim()).join(" "), TEXT);
    assert.deepEqual(voice.requests[0]?.text, "The first sentence is this one.");
    // 31 characters of 100 ms are less than 5 s, so the rest follows at once, as one batch.
    assert.equal(voice.requests[1]?.at, 0);
    const words = parts.flatMap(({ timedTranscript }) => timedTranscript ?? []);
    const starts = words.flatMap(({ startMs }) => startMs ?? []);
    assert.deepEqual(starts, starts.toSorted((a, b) => a - b)); // one time line
    const totalMs = parts.reduce((sum, { frame }) => sum + frameDurationMs(frame), 0);
    assert.ok(totalMs >= 100 * (TEXT.length - 2) && totalMs < 100 * TEXT.length + 100, String(totalMs));
    assert.deepEqual(report.errors, []);
    assert.equal(clock.armed, 0);
  });
}

test("a slow listener keeps text back, and what is sent is bounded by what plays", async () => {
  const { clock, voice, readable } = speak({ msPerChar: 1_000 });
  const reading = clock.until(drain(readable));
  await reading;
  assert.deepEqual(voice.requests.map(({ at }) => at), [0, 26_000]);
  assert.equal(voice.requests[0]?.text, "The first sentence is this one.");
});

test("a session that is interrupted has sent the voice no more than it had to", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const voice = scriptedTTS({ msPerChar: 300 }, { clock: runtime.clock, sampleRate: 1_000 });
  const w = world({
    runtime,
    llm: [{ text: TEXT }],
    sink: pacedSink(runtime.clock),
    options: { tts: paceSentences(voice) },
  });
  await w.start();
  w.session.generateReply({ userInput: "Tell me" });
  await w.clock.advance(2_000);
  await w.until(w.session.interrupt());
  assert.deepEqual(voice.requests.map(({ text }) => text), ["The first sentence is this one."]);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("numbers below 0, and a stream outside a session, are refused", () => {
  const voice = scriptedTTS({}, { clock: virtualClock() });
  assert.throws(() => paceSentences(voice, { maxTextLength: -1 }), { code: "model.bad_option" });
  assert.throws(() => paceSentences(voice, { minRemainingAudio: NaN }), { code: "model.bad_option" });
  assert.throws(() => paceSentences(voice).stream!(), { code: "model.bad_option" });
});
