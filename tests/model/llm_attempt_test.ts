import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { ChatContext } from "../../src/chat/context.ts";
import type { AttemptOptions } from "../../src/model/attempt.ts";
import { hasResponse, llmAttempt, pauseMeter } from "../../src/model/attempt.ts";
import { type APIConnectOptions, connectOptions } from "../../src/model/connect_options.ts";
import { APIConnectionError, APIStatusError, APITimeoutError } from "../../src/model/error.ts";
import type { ChatChunk, LLM } from "../../src/model/llm.ts";
import type { LLMMetrics } from "../../src/model/metrics.ts";
import { scriptedLLM, type ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { drain, recording } from "./recording.ts";

function world(script: readonly ScriptedReply[], conn: Partial<APIConnectOptions> = {}) {
  const clock = virtualClock();
  const report = recording();
  let ids = 0;
  const o: AttemptOptions = { clock, report, connOptions: connectOptions(conn), requestId: () => `own_${ids += 1}` };
  const llm = scriptedLLM(script, { clock });
  const chatCtx = new ChatContext();
  chatCtx.addMessage({ role: "user", content: "Hi" });
  return { clock, report, o, llm, request: { chatCtx } };
}

const said = (chunks: readonly ChatChunk[]): string => chunks.map(({ delta }) => delta?.content ?? "").join("");
const usage = { promptTokens: 10, completionTokens: 6, totalTokens: 16, promptCachedTokens: 4 };

/** A model whose stream a test pushes by hand, and which hears nothing of its signal. */
function deafLLM(chat: LLM["chat"]): LLM {
  return { kind: "llm", model: "deaf", provider: "test", chat };
}

test("chunks pass in order, and one measurement follows them", async () => {
  const { clock, report, o, llm, request } = world([
    { ttftMs: 300, chunks: [{ text: "Hel" }, { text: "lo", afterMs: 100 }], usage },
  ]);
  const { parts, failure } = await clock.until(drain(llmAttempt(llm, request, { ...o, speechId: "speech_1" })));
  assert.equal(failure, undefined);
  assert.equal(said(parts), "Hello");
  assert.deepEqual(report.errors, []);
  assert.deepEqual(report.measured, [{
    type: "llm_metrics",
    timestamp: 400,
    label: "repartee/scripted",
    metadata: { modelName: "scripted", modelProvider: "repartee" },
    requestId: "chat_0",
    durationMs: 400,
    ttftMs: 300,
    cancelled: false,
    completionTokens: 6,
    promptTokens: 10,
    promptCachedTokens: 4,
    cacheCreationTokens: 0,
    totalTokens: 16,
    tokensPerSecond: 15,
    speechId: "speech_1",
  }]);
  assert.deepEqual(report.attempts, [{ retryCount: 0, end: { requestIds: ["chat_0"] } }]);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("the request is made before anybody reads", () => {
  const { o, llm, request } = world([{ text: "Hello" }]);
  llmAttempt(llm, request, o);
  assert.equal(llm.requests.length, 1);
});

test("retries come after 100 ms, then after the interval, and the last failure is final", async () => {
  const { clock, report, o, llm, request } = world([{ ttftMs: 50, error: {} }], { retryIntervalMs: 700 });
  const { parts, failure } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.deepEqual(parts, []);
  assert.ok(failure instanceof APIConnectionError);
  assert.equal(failure.retryable, false);
  assert.ok(failure.cause instanceof APIConnectionError);
  assert.deepEqual(
    report.errors.map(({ type, timestamp, label, recoverable }) => ({ type, timestamp, label, recoverable })),
    [50, 200, 950, 1700].map((timestamp, index) => ({
      type: "llm_error",
      timestamp,
      label: "repartee/scripted",
      recoverable: index < 3,
    })),
  );
  assert.equal(report.errors[3]!.error, failure);
  assert.equal(llm.requests.length, 1);
  assert.equal(llm.requests[0]!.attempts, 4);
  assert.deepEqual(report.measured, []);
  assert.deepEqual(report.attempts.map(({ retryCount, end }) => [retryCount, end?.error !== undefined]), [
    [0, true],
    [1, true],
    [2, true],
    [3, true],
  ]);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("a retry that succeeds leaves one recoverable event, and measures from the request", async () => {
  const { clock, report, o, llm, request } = world([{ ttftMs: 50, error: { attempts: 1 }, text: "Hello" }]);
  const { parts } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.equal(said(parts), "Hello");
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [true]);
  assert.equal((report.measured[0] as LLMMetrics).ttftMs, 200);
});

test("without retries there is one attempt, one final event and the error itself", async () => {
  const own = new APIConnectionError({ message: "No route" });
  const { clock, report, o, llm, request } = world([{ error: { error: own } }], { maxRetry: 0 });
  const { failure } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.equal(failure, own);
  assert.deepEqual(report.errors.map(({ error, recoverable }) => [error, recoverable]), [[own, false]]);
  assert.equal(llm.requests[0]!.attempts, 1);
});

test("what is not retryable, or no error of an API, is final at once", async () => {
  for (const own of [new APIStatusError({ options: { statusCode: 401 } }), new TypeError("A bug of the provider")]) {
    const { clock, report, o, llm, request } = world([{ error: { error: own } }]);
    const { failure } = await clock.until(drain(llmAttempt(llm, request, o)));
    assert.equal(failure, own);
    assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [false]);
    assert.equal(clock.now(), 0);
  }
});

test("a model that throws instead of giving a stream fails like one that errors", async () => {
  const { clock, report, o, request } = world([], { maxRetry: 1 });
  let calls = 0;
  const llm = deafLLM(() => {
    calls += 1;
    throw new APIConnectionError();
  });
  const { failure } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.ok(failure instanceof APIConnectionError);
  assert.equal(calls, 2);
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [true, false]);
  assert.deepEqual(report.attempts.map(({ end }) => end === undefined), [false, false]);
});

test("after a word came out the failure surfaces, behind the word, and nobody is asked to try again", async () => {
  const { clock, report, o, llm, request } = world([{ error: { afterText: "Once upon" }, text: "Never said" }]);
  const { parts, failure } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.equal(said(parts), "Once upon");
  assert.ok(failure instanceof APIConnectionError);
  assert.equal(failure.retryable, false);
  assert.equal(llm.requests[0]!.attempts, 1);
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [false]);
  assert.deepEqual(report.measured, []);
});

test("a chunk that only carries figures does not stand in the way of a retry", async () => {
  const { clock, o, request } = world([]);
  let calls = 0;
  const llm = deafLLM(() => {
    calls += 1;
    const first = calls === 1;
    return new ReadableStream({
      pull(controller) {
        if (!first) {
          controller.enqueue({ id: "b", delta: { content: "Hello" } });
          return controller.close();
        }
        controller.enqueue({ id: "a", delta: { role: "assistant", content: "" } });
        controller.error(new APIConnectionError());
      },
    });
  });
  const { parts, failure } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.equal(failure, undefined);
  assert.equal(said(parts), "Hello");
  assert.equal(calls, 2);
});

test("status 499 ends the stream without a word", async () => {
  const { clock, report, o, llm, request } = world([
    { error: { error: new APIStatusError({ options: { statusCode: 499 } }) } },
  ]);
  assert.deepEqual(await clock.until(drain(llmAttempt(llm, request, o))), { parts: [] });
  assert.deepEqual(report.errors, []);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("a model that says nothing is given up after the limit, even if it ignores its signal", async () => {
  const { clock, report, o, request } = world([], { maxRetry: 1, timeoutMs: 5_000 });
  const signals: AbortSignal[] = [];
  const llm = deafLLM(({ signal }) => {
    signals.push(signal!);
    return new ReadableStream({ cancel: () => new Promise(() => {}) }); // not even its cancel ends
  });
  const { failure } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.ok(failure instanceof APIConnectionError);
  assert.ok(failure.cause instanceof APITimeoutError);
  assert.deepEqual(report.errors.map(({ timestamp }) => timestamp), [5_000, 10_100]);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("a model that falls silent between chunks is given up, counted from its last chunk", async () => {
  const { clock, report, o, llm, request } = world([
    { ttftMs: 4_000, chunks: [{ text: "a" }, { text: "b", afterMs: 4_000 }], hangs: true },
  ], { timeoutMs: 5_000 });
  const { parts, failure } = await clock.until(drain(llmAttempt(llm, request, o)));
  assert.equal(said(parts), "ab");
  assert.ok(failure instanceof APIConnectionError);
  assert.deepEqual(report.errors.map(({ timestamp }) => timestamp), [13_000]);
});

test("a reader that takes its time is no fault of the model", async () => {
  const { clock, o, llm, request } = world([{ chunks: [{ text: "a" }, { text: "b", afterMs: 1 }] }], {
    timeoutMs: 1_000,
  });
  const reader = llmAttempt(llm, request, o).getReader();
  assert.equal((await clock.until(reader.read())).value?.delta?.content, "a");
  await clock.advance(60_000);
  assert.equal((await clock.until(reader.read())).value?.delta?.content, "b");
  assert.equal((await clock.until(reader.read())).done, true);
  assert.equal(clock.armed, 0);
});

test("limits stand still while paused, to the millisecond", async () => {
  const { clock, report, o, llm, request } = world([{ hangs: true }], { maxRetry: 0, timeoutMs: 1_000 });
  const pause = pauseMeter(clock);
  clock.schedule(400, pause.pauseNow);
  clock.schedule(9_000, pause.resumeNow);
  clock.schedule(9_100, pause.pauseNow);
  clock.schedule(9_200, pause.resumeNow);
  await clock.until(drain(llmAttempt(llm, request, { ...o, pause })));
  assert.deepEqual(report.errors.map(({ timestamp }) => timestamp), [9_700]); // 400 + 100 + 500
  assert.equal(report.closedCount, 1);
  assert.equal(clock.armed, 0);
});

test("an abort ends the stream at once and without a word, and is measured once something came", async () => {
  for (const at of [0, 50, 150]) {
    const { clock, report, o, llm, request } = world([{ ttftMs: 100, chunks: [{ text: "a" }], hangs: true }]);
    const stop = new AbortController();
    clock.schedule(at, () => stop.abort());
    const { parts, failure } = await clock.until(drain(llmAttempt(llm, { ...request, signal: stop.signal }, o)));
    assert.equal(failure, undefined);
    assert.equal(said(parts), at === 150 ? "a" : "");
    assert.deepEqual(report.errors, []);
    assert.deepEqual(report.measured.map((metrics) => (metrics as LLMMetrics).cancelled), at === 150 ? [true] : []);
    assert.equal(llm.requests[0]!.cancelled, true);
    assert.equal(clock.now(), at);
    assert.equal(clock.armed, 0);
  }
});

test("a signal that was aborted before makes no request", async () => {
  const { clock, o, llm, request } = world([{ text: "Hello" }]);
  const done = await clock.until(drain(llmAttempt(llm, { ...request, signal: AbortSignal.abort() }, o)));
  assert.deepEqual(done, { parts: [] });
  assert.equal(llm.requests.length, 0);
});

test("a reader that cancels stops the model, also between two attempts", async () => {
  for (const [script, at] of [[{ hangs: true, text: "a" }, 10], [{ error: {} }, 50]] as const) {
    const { clock, o, llm, request } = world([script]);
    const reader = llmAttempt(llm, request, o).getReader();
    void reader.read();
    await clock.advance(at);
    await reader.cancel();
    await clock.advance(10_000);
    assert.equal(llm.requests[0]!.attempts, 1);
    assert.equal(clock.armed, 0);
  }
});

test("an abort while a retry is awaited ends the wait", async () => {
  const { clock, o, llm, request } = world([{ error: {} }], { retryIntervalMs: 60_000 });
  const stop = new AbortController();
  clock.schedule(5_000, () => stop.abort());
  const done = await clock.until(drain(llmAttempt(llm, { ...request, signal: stop.signal }, o)));
  assert.deepEqual(done, { parts: [] });
  assert.equal(clock.now(), 5_000);
  assert.equal(clock.armed, 0);
});

test("a report that throws breaks nothing", async () => {
  const { clock, o, llm, request } = world([{ error: { attempts: 1 }, text: "Hello" }]);
  const thrower = (): never => {
    throw new Error("A listener of the user");
  };
  const report = { error: thrower, metrics: thrower, attempt: thrower };
  const { parts, failure } = await clock.until(drain(llmAttempt(llm, request, { ...o, report })));
  assert.equal(failure, undefined);
  assert.equal(said(parts), "Hello");
});

test("a listener that stops the request upon an error stops it before the retry", async () => {
  const { clock, o, llm, request } = world([{ error: {} }]);
  const stop = new AbortController();
  const report = { error: () => stop.abort(), metrics: () => {} };
  const { failure } = await clock.until(drain(llmAttempt(llm, { ...request, signal: stop.signal }, { ...o, report })));
  assert.equal(failure, undefined);
  assert.equal(clock.now(), 0);
  assert.equal(clock.armed, 0);
});

test("a composite model gets the host and is left alone", async () => {
  const { clock, o, request } = world([]);
  const inner = new ReadableStream<ChatChunk>({ start: (controller) => controller.close() });
  let host: unknown;
  const llm: LLM = {
    ...deafLLM((given) => {
      host = given.host;
      return inner;
    }),
    composite: true,
  };
  assert.equal(llmAttempt(llm, request, o), inner);
  assert.equal(host, o);
  assert.equal(clock.armed, 0);
});

test("a response is text that is not empty, or a call", () => {
  assert.equal(hasResponse({ id: "a" }), false);
  assert.equal(hasResponse({ id: "a", delta: { role: "assistant", content: "" } }), false);
  assert.equal(hasResponse({ id: "a", delta: { toolCalls: [] } }), false);
  assert.equal(hasResponse({ id: "a", delta: { content: " " } }), true);
  assert.equal(
    hasResponse({ id: "a", delta: { toolCalls: [{ type: "function", callId: "c", name: "f", args: "{}" }] } }),
    true,
  );
});
