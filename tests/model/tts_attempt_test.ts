import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { audioFrame, frameDurationMs } from "../../src/audio/frame.ts";
import { pauseMeter, ttsAttempt, type TTSAttemptOptions } from "../../src/model/attempt.ts";
import { type APIConnectOptions, connectOptions } from "../../src/model/connect_options.ts";
import { APIConnectionError, APIError, APIStatusError, APITimeoutError } from "../../src/model/error.ts";
import { FLUSH, type FlushMark } from "../../src/model/marks.ts";
import type { TTSMetrics } from "../../src/model/metrics.ts";
import type { SynthesizedAudio, TTS } from "../../src/model/tts.ts";
import { scriptedTTS, type TTSScript } from "../../src/testing/scripted_tts.ts";
import { drain, recording } from "./recording.ts";

function world(script: TTSScript, conn: Partial<APIConnectOptions> = {}) {
  const clock = virtualClock();
  const report = recording();
  const o: TTSAttemptOptions = { clock, report, connOptions: connectOptions(conn), requestId: () => "own" };
  return { clock, report, o, tts: scriptedTTS(script, { clock }) };
}

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

function voice(stream: NonNullable<TTS["stream"]>): TTS {
  return {
    kind: "tts",
    model: "voice",
    provider: "test",
    sampleRate: 1_000,
    channels: 1,
    capabilities: { streaming: true },
    stream,
  };
}

test("text becomes audio, and each segment is measured at its final frame", async () => {
  const { clock, report, o, tts } = world({ ttfbMs: 200, durations: { "One.": 300, "Two.": 400 } });
  const text = input("One", ".", FLUSH, "Two.", FLUSH, "\n");
  const { parts, failure } = await clock.until(drain(text.pipeThrough(ttsAttempt(tts, { ...o, speechId: "s1" }))));
  assert.equal(failure, undefined);
  assert.equal(lengthMs(parts), 700);
  assert.deepEqual(report.measured[0], {
    type: "tts_metrics",
    timestamp: 200,
    label: "repartee/scripted",
    metadata: { modelName: "scripted", modelProvider: "repartee" },
    requestId: "tts_0",
    ttfbMs: 200,
    durationMs: 200,
    audioDurationMs: 300,
    cancelled: false,
    charactersCount: 4,
    inputTokens: 0,
    outputTokens: 0,
    streamed: true,
    segmentId: "tts_0",
    speechId: "s1",
  });
  assert.deepEqual(report.measured.slice(1).map((m) => (m as TTSMetrics).audioDurationMs), [400]);
  assert.deepEqual(report.attempts, [{ retryCount: 0, end: { requestIds: ["tts_0", "tts_1"] } }]);
  assert.deepEqual(report.errors, []);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("a failure before any audio is tried again with the whole text", async () => {
  const { clock, report, o, tts } = world({ ttfbMs: 200, msPerChar: 10, errors: [{ text: "One. Two.", attempts: 1 }] });
  const { parts, failure } = await clock.until(drain(input("One.", " Two.").pipeThrough(ttsAttempt(tts, o))));
  assert.equal(failure, undefined);
  assert.equal(lengthMs(parts), 90);
  assert.deepEqual(tts.requests.map(({ at, text }) => [at, text]), [[0, "One. Two."], [300, "One. Two."]]);
  assert.deepEqual(report.errors.map(({ type, timestamp, recoverable }) => [type, timestamp, recoverable]), [
    ["tts_error", 200, true],
  ]);
  assert.deepEqual(report.measured.map((m) => [(m as TTSMetrics).charactersCount, (m as TTSMetrics).ttfbMs]), [
    [9, 200],
  ]);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("text that comes while a retry is awaited is spoken once", async () => {
  const { clock, o, tts } = world({ ttfbMs: 0, msPerChar: 10, errors: [{ text: "One.", attempts: 1 }] });
  const { readable, writable } = ttsAttempt(tts, o);
  const reading = drain(readable);
  const writer = writable.getWriter();
  await clock.until(writer.write("One."));
  await clock.until(writer.write(FLUSH));
  await clock.advance(50);
  await clock.until(writer.write("Two."));
  await clock.until(writer.close());
  const { failure } = await clock.until(reading);
  assert.equal(failure, undefined);
  assert.deepEqual(tts.requests.map(({ text }) => text), ["One.", "One.", "Two."]);
});

test("a failure after audio came out is final", async () => {
  const { clock, report, o, tts } = world({ errors: [{ text: "One.", afterAudioMs: 150 }] });
  const { parts, failure } = await clock.until(drain(input("One.").pipeThrough(ttsAttempt(tts, o))));
  assert.equal(lengthMs(parts), 150);
  assert.ok(failure instanceof APIConnectionError);
  assert.equal(failure.retryable, false);
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [false]);
  assert.equal(tts.requests.length, 1);
});

test("retries end, and the last failure is told once as final", async () => {
  const { clock, report, o, tts } = world({ errors: [{ text: "One." }] }, { maxRetry: 2, retryIntervalMs: 500 });
  const { failure } = await clock.until(drain(input("One.").pipeThrough(ttsAttempt(tts, o))));
  assert.deepEqual(report.errors.map(({ timestamp, recoverable }) => [timestamp, recoverable]), [
    [0, true],
    [100, true],
    [600, false],
  ]);
  assert.equal(report.errors[2]!.error, failure);
  assert.deepEqual(report.measured, []);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("a bug of the provider is reported too", async () => {
  const { clock, report, o, tts } = world({ errors: [{ text: "One.", error: new TypeError("oops") }] });
  const { failure } = await clock.until(drain(input("One.").pipeThrough(ttsAttempt(tts, o))));
  assert.ok(failure instanceof TypeError);
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [false]);
});

test("status 499 ends the audio without a word, and the text is let go", async () => {
  const { clock, report, o, tts } = world({
    errors: [{ text: "One.", error: new APIStatusError({ options: { statusCode: 499 } }) }],
  });
  const { readable, writable } = ttsAttempt(tts, o);
  const reading = drain(readable);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  await clock.until(writer.write("One."));
  await clock.until(writer.write(FLUSH));
  assert.deepEqual(await clock.until(reading), { parts: [] });
  assert.deepEqual(report.errors, []);
  await assert.rejects(writer.write("Two."));
});

test("speakable text without audio is a failure, blank text and dots are not", async () => {
  const mute = voice(() => new TransformStream({ transform: () => {} }));
  for (const [text, fails] of [["Hello", true], [" \n", false], ["...", false]] as const) {
    const { clock, report, o } = world({}, { maxRetry: 1 });
    const { failure } = await clock.until(drain(input(text).pipeThrough(ttsAttempt(mute, o))));
    assert.equal(failure instanceof APIError, fails, text);
    assert.equal(report.errors.length, fails ? 2 : 0, text);
  }
});

test("a voice that ends before its text has failed", async () => {
  const short = voice(() => ({
    readable: new ReadableStream({ start: (controller) => controller.close() }),
    writable: new WritableStream(),
  }));
  const { clock, o } = world({}, { maxRetry: 0 });
  const { readable, writable } = ttsAttempt(short, o);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const { failure } = await clock.until(drain(readable));
  assert.ok(failure instanceof APIConnectionError);
});

test("a voice that takes no text has failed, whatever its other side does", async () => {
  const stuffed = voice(() => ({
    readable: new ReadableStream(),
    writable: new WritableStream({
      write() {
        throw new APIConnectionError({ message: "Broken pipe" });
      },
    }),
  }));
  const { clock, report, o } = world({}, { maxRetry: 1 });
  const { failure } = await clock.until(drain(input("Hello").pipeThrough(ttsAttempt(stuffed, o))));
  assert.ok(failure instanceof APIConnectionError);
  assert.equal(report.errors.length, 2);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("slow text is no fault of the voice, silence behind a flush or the end is", async () => {
  for (const mark of ["flush", "end"] as const) {
    const { clock, report, o, tts } = world({ hangs: ["Hello there"] }, { maxRetry: 0, timeoutMs: 1_000 });
    const { readable, writable } = ttsAttempt(tts, o);
    const reading = drain(readable);
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    await clock.until(writer.write("Hello "));
    await clock.advance(60_000);
    await clock.until(writer.write("there"));
    await clock.advance(60_000);
    if (mark === "flush") void writer.write(FLUSH);
    else void writer.close();
    const { failure } = await clock.until(reading);
    assert.ok(failure instanceof APITimeoutError);
    assert.deepEqual(report.errors.map(({ timestamp }) => timestamp), [121_000]);
    assert.equal(clock.armed, 0);
  }
});

test("a reader that does not read, and a pause, hold up the limit", async () => {
  const { clock, report, o, tts } = world({ hangs: ["Hello"] }, { maxRetry: 0, timeoutMs: 1_000 });
  const pause = pauseMeter(clock);
  const { readable, writable } = ttsAttempt(tts, { ...o, pause });
  const writer = writable.getWriter();
  writer.write("Hello").catch(() => {});
  writer.close().catch(() => {});
  await clock.advance(5_000);
  pause.pauseNow();
  const reading = drain(readable);
  await clock.advance(5_000);
  pause.resumeNow();
  await clock.until(reading);
  assert.deepEqual(report.errors.map(({ timestamp }) => timestamp), [11_000]);
});

test("an abort ends the audio at once and without a word, lets the text go, and is measured", async () => {
  const { clock, report, o } = world({});
  const stop = new AbortController();
  let cancelled: unknown;
  const endless = voice(() => ({
    readable: new ReadableStream({
      start: (controller) => controller.enqueue({ frame: audioFrame(new Int16Array(100), 1_000) }),
      cancel: (reason) => void (cancelled = reason),
    }),
    writable: new WritableStream(),
  }));
  const { readable, writable } = ttsAttempt(endless, { ...o, signal: stop.signal });
  const reading = drain(readable);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  await clock.until(writer.write("Hello"));
  await clock.advance(500);
  stop.abort();
  const { parts, failure } = await clock.until(reading);
  assert.deepEqual([parts.length, failure], [1, undefined]);
  assert.equal(cancelled, stop.signal.reason);
  assert.deepEqual(report.errors, []);
  assert.deepEqual(
    report.measured.map((m) => {
      const { cancelled, charactersCount, audioDurationMs } = m as TTSMetrics;
      return { cancelled, charactersCount, audioDurationMs };
    }),
    [{ cancelled: true, charactersCount: 5, audioDurationMs: 100 }],
  );
  await assert.rejects(writer.write("more"));
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("a reader that cancels cancels the text too", async () => {
  const { clock, o, tts } = world({ hangs: ["Hello"] });
  let cancelled = false;
  const text = new ReadableStream<string>({
    start: (controller) => controller.enqueue("Hello"),
    cancel: () => void (cancelled = true),
  });
  const reader = text.pipeThrough(ttsAttempt(tts, o)).getReader();
  void reader.read();
  await clock.advance(100);
  await reader.cancel();
  await clock.advance(0);
  assert.equal(cancelled, true);
  assert.equal(clock.armed, 0);
});

test("text that fails fails the audio, and no voice is blamed", async () => {
  const { clock, report, o, tts } = world({});
  const error = new Error("The LLM failed");
  const text = new ReadableStream<string>({ pull: (controller) => controller.error(error) });
  const { failure } = await clock.until(drain(text.pipeThrough(ttsAttempt(tts, o))));
  assert.equal(failure, error);
  assert.deepEqual(report.errors, []);
});

test("a voice for whole texts is refused", () => {
  const { clock, o } = world({});
  assert.throws(() => ttsAttempt(scriptedTTS({}, { clock, streaming: false }), o), { code: "model.no_capability" });
});
