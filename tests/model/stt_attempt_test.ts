import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { recognizeAttempt, sttAttempt, type STTAttemptOptions } from "../../src/model/attempt.ts";
import { type APIConnectOptions, connectOptions } from "../../src/model/connect_options.ts";
import { APIConnectionError, APIStatusError, APITimeoutError } from "../../src/model/error.ts";
import { FLUSH } from "../../src/model/marks.ts";
import type { SpeechEvent, STT } from "../../src/model/stt.ts";
import { scriptedSTT } from "../../src/testing/scripted_ears.ts";
import { drain, recording } from "./recording.ts";

function world(conn: Partial<APIConnectOptions> = {}) {
  const clock = virtualClock();
  const report = recording();
  const o: STTAttemptOptions = { clock, report, connOptions: connectOptions(conn), requestId: () => "own" };
  return { clock, report, o };
}

const frame = (ms = 100): AudioFrame => audioFrame(new Int16Array(ms), 1_000);

function heard(type: "interim_transcript" | "final_transcript", text: string, startTimeMs = 0): SpeechEvent {
  const words = [{ text, startMs: startTimeMs, endMs: startTimeMs + 10 }];
  return {
    type,
    alternatives: [{ text, language: "en", startTimeMs, endTimeMs: startTimeMs + 10, confidence: 0.9, words }],
  };
}

test("sound goes in, events come out, usage is measured and passed on", async () => {
  const { clock, report, o } = world();
  const stt = scriptedSTT({ onEnd: () => [heard("final_transcript", "bye")] });
  const { readable, writable } = sttAttempt(stt, { ...o, options: { language: "en" } });
  const writer = writable.getWriter();
  await writer.write(frame());
  await writer.write(FLUSH);
  stt.push(heard("interim_transcript", "by"));
  const used = { type: "recognition_usage", audioDurationMs: 100, requestId: "r1" } as const;
  stt.push(used);
  await writer.close();
  const { parts, failure } = await clock.until(drain(readable));
  assert.equal(failure, undefined);
  assert.deepEqual(parts, [heard("interim_transcript", "by"), used, heard("final_transcript", "bye")]);
  assert.equal(stt.options[0]!.language, "en");
  assert.equal(stt.streams[0]!.heardMs, 100);
  assert.deepEqual(report.measured, [{
    type: "stt_metrics",
    timestamp: 0,
    label: "repartee/scripted",
    metadata: { modelName: "scripted", modelProvider: "repartee" },
    requestId: "r1",
    durationMs: 0,
    audioDurationMs: 100,
    inputTokens: 0,
    outputTokens: 0,
    streamed: true,
  }]);
  assert.deepEqual(report.attempts, [{ retryCount: 0, end: { requestIds: ["r1"] } }]);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("after a failure it is opened anew, keeps the sound of the gap and goes on in time", async () => {
  const { clock, report, o } = world({ retryIntervalMs: 500 });
  const stt = scriptedSTT();
  const { readable, writable } = sttAttempt(stt, o);
  const reading = drain(readable);
  const writer = writable.getWriter();
  await writer.write(frame(300));
  stt.push(heard("final_transcript", "one", 200));
  await clock.advance(0);
  stt.fail(new APIConnectionError());
  await clock.advance(50);
  await writer.write(frame(70));
  assert.equal(stt.streams.length, 1);
  await clock.advance(50);
  assert.equal(stt.streams.length, 2);
  assert.equal(stt.streams[1]!.heardMs, 70);
  stt.push({ type: "start_of_speech", speechStartTimeMs: 5 });
  stt.push(heard("final_transcript", "two", 20));
  await writer.close();
  const { parts, failure } = await clock.until(reading);
  assert.equal(failure, undefined);
  assert.deepEqual(parts, [
    heard("final_transcript", "one", 200),
    { type: "start_of_speech", speechStartTimeMs: 305 },
    heard("final_transcript", "two", 320),
  ]);
  assert.deepEqual(report.errors.map(({ type, recoverable }) => [type, recoverable]), [["stt_error", true]]);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("isolated failures between finals never use the retries up, failures in a row do", async () => {
  const { clock, report, o } = world({ maxRetry: 1 });
  const stt = scriptedSTT();
  const { readable, writable } = sttAttempt(stt, o);
  const closed = writable.getWriter().closed.catch((error: unknown) => error);
  const reading = drain(readable);
  for (let round = 0; round < 5; round += 1) {
    stt.push(heard("final_transcript", `${round}`));
    await clock.advance(10);
    stt.fail(new APIConnectionError());
    await clock.advance(3_000);
  }
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [true, true, true, true, true]);
  stt.fail(new APIConnectionError());
  const { parts, failure } = await clock.until(reading);
  assert.equal(parts.length, 5);
  assert.ok(failure instanceof APIConnectionError);
  assert.equal(failure.retryable, false);
  assert.equal(await closed, failure);
  assert.equal(report.errors.at(-1)!.recoverable, false);
  assert.equal(clock.armed, 0);
});

test("what is not retryable is final at once", async () => {
  for (const error of [new APIStatusError({ options: { statusCode: 401 } }), new TypeError("oops")]) {
    const { clock, report, o } = world();
    const stt = scriptedSTT();
    const { readable, writable } = sttAttempt(stt, o);
    writable.getWriter().closed.catch(() => {});
    const reading = drain(readable);
    stt.fail(error);
    assert.equal((await clock.until(reading)).failure, error);
    assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [false]);
  }
});

test("a recogniser that cannot be opened is asked again", async () => {
  const { clock, report, o } = world();
  let calls = 0;
  const stt = scriptedSTT({
    onOpen() {
      calls += 1;
      if (calls < 3) throw new APIConnectionError();
    },
  });
  const { readable, writable } = sttAttempt(stt, o);
  const reading = drain(readable);
  await clock.advance(2_100);
  assert.equal(calls, 3);
  await writable.getWriter().close();
  assert.deepEqual(await clock.until(reading), { parts: [] });
  assert.equal(report.errors.length, 2);
  assert.deepEqual(report.attempts.map(({ retryCount, end }) => [retryCount, end === undefined]), [
    [0, false],
    [1, false],
    [2, false],
  ]);
});

test("a connection that ends before its input has failed", async () => {
  const { clock, report, o } = world();
  let calls = 0;
  const stt: STT = {
    kind: "stt",
    model: "short",
    provider: "test",
    capabilities: { streaming: true, interimResults: false },
    stream() {
      calls += 1;
      const isFirst = calls === 1;
      return {
        readable: new ReadableStream({ start: (controller) => isFirst ? controller.close() : undefined }),
        writable: new WritableStream(),
      };
    },
  };
  const stop = new AbortController();
  const reading = drain(sttAttempt(stt, { ...o, options: { signal: stop.signal } }).readable);
  await clock.advance(1_000);
  assert.equal(calls, 2);
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [true]);
  stop.abort();
  assert.deepEqual(await reading, { parts: [] });
});

test("writing never waits: a recogniser that is too slow loses its oldest sound, and marks are kept", async () => {
  const { clock, o } = world();
  const taken: unknown[] = [];
  let take = (): void => {};
  const stt: STT = {
    kind: "stt",
    model: "slow",
    provider: "test",
    capabilities: { streaming: true, interimResults: false },
    stream: () => ({
      readable: new ReadableStream(),
      writable: new WritableStream({
        write(part) {
          taken.push(part);
          return new Promise<void>((go) => (take = go));
        },
      }),
    }),
  };
  let droppedMs = 0;
  const { readable, writable } = sttAttempt(stt, { ...o, onDrop: (ms) => void (droppedMs += ms) });
  const writer = writable.getWriter();
  await writer.write(frame(1_000));
  await writer.write(FLUSH);
  for (let second = 0; second < 12; second += 1) await writer.write(frame(1_000));
  assert.equal(droppedMs, 2_000);
  take();
  await clock.advance(0);
  assert.equal(taken[1], FLUSH);
  await readable.cancel();
  assert.equal(clock.armed, 0);
});

test("a recogniser that does not end after its input is given up", async () => {
  const { clock, report, o } = world({ timeoutMs: 1_000, maxRetry: 0 });
  const stt: STT = {
    kind: "stt",
    model: "endless",
    provider: "test",
    capabilities: { streaming: true, interimResults: false },
    stream: () => ({ readable: new ReadableStream(), writable: new WritableStream() }),
  };
  const { readable, writable } = sttAttempt(stt, o);
  const reading = drain(readable);
  await clock.advance(60_000);
  await writable.getWriter().close();
  assert.ok((await clock.until(reading)).failure instanceof APITimeoutError);
  assert.deepEqual(report.errors.map(({ timestamp }) => timestamp), [61_000]);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("an abort and a cancel end it without a word, also between two connections", async () => {
  for (const isFailed of [false, true]) {
    for (const how of ["abort", "cancel"] as const) {
      const { clock, report, o } = world();
      const stop = new AbortController();
      const stt = scriptedSTT();
      const { readable, writable } = sttAttempt(stt, { ...o, options: { signal: stop.signal } });
      writable.getWriter().closed.catch(() => {});
      const reader = readable.getReader();
      const reading = reader.read();
      if (isFailed) stt.fail(new APIConnectionError());
      await clock.advance(10);
      if (how === "abort") stop.abort();
      else await reader.cancel();
      assert.equal((await clock.until(reading)).done, true);
      await clock.advance(5_000);
      assert.equal(report.errors.length, isFailed ? 1 : 0);
      assert.equal(stt.streams.length, 1);
      assert.equal(stt.streams[0]!.isOpen, false);
      assert.equal(clock.armed, 0);
    }
  }
});

test("input that fails fails the events", async () => {
  const { clock, report, o } = world();
  const error = new Error("The microphone broke");
  const input = new ReadableStream<AudioFrame>({ pull: (controller) => controller.error(error) });
  assert.equal((await clock.until(drain(input.pipeThrough(sttAttempt(scriptedSTT(), o))))).failure, error);
  assert.deepEqual(report.errors, []);
});

function segmentSTT(recognize: NonNullable<STT["recognize"]>): STT {
  const capabilities = { streaming: false, interimResults: false };
  return { kind: "stt", model: "segments", provider: "test", capabilities, recognize };
}

test("a segment is recognised, with retries, a limit and one measurement", async () => {
  const { clock, report, o } = world({ timeoutMs: 1_000 });
  let calls = 0;
  const signals: AbortSignal[] = [];
  const stt = segmentSTT((_frames, options) => {
    calls += 1;
    signals.push(options!.signal!);
    if (calls === 1) return new Promise(() => {});
    return Promise.resolve(heard("final_transcript", options!.previous!));
  });
  const event = await clock.until(
    recognizeAttempt(stt, [frame(300), frame(200)], { ...o, options: { previous: "par" } }),
  );
  assert.deepEqual(event, heard("final_transcript", "par"));
  assert.deepEqual(report.errors.map(({ timestamp, recoverable }) => [timestamp, recoverable]), [[1_000, true]]);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
  const [measured] = report.measured;
  assert.ok(measured?.type === "stt_metrics");
  assert.deepEqual([measured.audioDurationMs, measured.streamed, measured.requestId], [500, false, "own"]);
  assert.equal(clock.armed, 0);
});

test("a segment that cannot be recognised rejects with a final error", async () => {
  const { clock, report, o } = world({ maxRetry: 1 });
  const failing = segmentSTT(() => Promise.reject(new APIConnectionError()));
  await assert.rejects(clock.until(recognizeAttempt(failing, [frame()], o)), { retryable: false });
  const refused = segmentSTT(() => Promise.reject(new APIStatusError({ options: { statusCode: 401 } })));
  await assert.rejects(clock.until(recognizeAttempt(refused, [frame()], o)), { statusCode: 401 });
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [true, false, false]);
});

test("an abort rejects with its reason, whatever the recogniser does", async () => {
  const { clock, report, o } = world();
  const stop = new AbortController();
  const stt = segmentSTT(() => new Promise(() => {}));
  clock.schedule(100, () => stop.abort());
  const work = recognizeAttempt(stt, [frame()], { ...o, options: { signal: stop.signal } });
  await assert.rejects(clock.until(work), (error) => error === stop.signal.reason);
  assert.deepEqual(report.errors, []);
  assert.equal(clock.armed, 0);
});
