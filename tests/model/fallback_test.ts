import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame, frameDurationMs } from "../../src/audio/frame.ts";
import { ChatContext } from "../../src/chat/context.ts";
import { llmAttempt, recognizeAttempt, sttAttempt, ttsAttempt } from "../../src/model/attempt.ts";
import { connectOptions } from "../../src/model/connect_options.ts";
import { APIConnectionError, APIError } from "../../src/model/error.ts";
import { fallbackLLM, type FallbackLLMOptions, fallbackSTT, fallbackTTS } from "../../src/model/fallback.ts";
import type { ChatChunk } from "../../src/model/llm.ts";
import type { SpeechEvent, STT } from "../../src/model/stt.ts";
import type { SynthesizedAudio } from "../../src/model/tts.ts";
import { scriptedSTT } from "../../src/testing/scripted_ears.ts";
import { scriptedLLM, type ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { scriptedTTS, type TTSScript } from "../../src/testing/scripted_tts.ts";
import { drain, recording } from "./recording.ts";

function session() {
  const clock = virtualClock();
  const report = recording();
  const closing = new AbortController();
  const connOptions = connectOptions();
  return { clock, report, closing, o: { clock, report, connOptions, requestId: () => "own", closing: closing.signal } };
}

const said = (chunks: readonly ChatChunk[]): string => chunks.map(({ delta }) => delta?.content ?? "").join("");
const text = (...parts: string[]): ReadableStream<string> =>
  new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });

function llmWorld(scripts: readonly (readonly ScriptedReply[])[], options: FallbackLLMOptions = {}) {
  const world = session();
  const { clock, o } = world;
  const llms = scripts.map((script, index) => scriptedLLM(script, { clock, model: `m${index}` }));
  const changes: string[] = [];
  const llm = fallbackLLM(llms, {
    ...options,
    onAvailabilityChanged: ({ model, available }) => void changes.push(`${model.model} ${available}`),
  });
  const ask = (signal?: AbortSignal) =>
    clock.until(drain(llmAttempt(llm, { chatCtx: new ChatContext(), ...(signal && { signal }) }, o)));
  return { ...world, llms, llm, changes, ask };
}

test("a model that fails before it answered is replaced, and its failure is not told", async () => {
  const { ask, report, changes, llms, clock } = llmWorld([[{ error: {} }], [{ text: "Hello" }]]);
  const { parts, failure } = await ask();
  assert.deepEqual([said(parts), failure], ["Hello", undefined]);
  assert.deepEqual(report.errors, []);
  assert.deepEqual(changes, ["m0 false"]);
  assert.deepEqual(report.measured.map(({ metadata }) => metadata?.modelName), ["m1"]);
  assert.equal(report.closedCount, 1);
  await clock.run();
  assert.equal(llms[0]!.requests.length, 2); // the second is the probe
  assert.equal(clock.armed, 0);
});

test("a model that is too slow is replaced, though it ignores nothing", async () => {
  const { ask, clock } = llmWorld([[{ hangs: true }], [{ text: "Hello" }]], { attemptTimeoutMs: 1_000 });
  assert.equal(said((await ask()).parts), "Hello");
  assert.equal(clock.now(), 1_000);
});

test("after a part of an answer the failure is final, unless falling back is asked for", async () => {
  const scripts = [[{ error: { afterText: "Hel" } }], [{ text: "Hello" }]];
  const strict = llmWorld(scripts);
  const first = await strict.ask();
  assert.equal(said(first.parts), "Hel");
  assert.ok(first.failure instanceof APIConnectionError);
  assert.equal(first.failure.retryable, false);
  assert.deepEqual(strict.report.errors.map(({ type, recoverable }) => [type, recoverable]), [["llm_error", false]]);
  const loose = await llmWorld(scripts, { retryOnChunkSent: true }).ask();
  assert.deepEqual([said(loose.parts), loose.failure], ["HelHello", undefined]);
});

test("when none answers the error names them all, and the next request tries them all again", async () => {
  const world = llmWorld([
    [{ times: 1, error: {} }, { times: 1, error: {} }, { text: "Back" }],
    [{ error: {} }],
  ]);
  const { failure } = await world.ask();
  assert.ok(failure instanceof APIConnectionError);
  assert.match(failure.message, /repartee\/m0, repartee\/m1/);
  assert.equal(failure.retryable, false);
  assert.equal(world.report.errors.length, 1);
  assert.equal(world.report.errors[0]!.error, failure);
  await world.clock.run();
  assert.deepEqual(world.changes, ["m0 false", "m1 false"]);
  assert.equal(said((await world.ask()).parts), "Back");
  assert.deepEqual(world.changes, ["m0 false", "m1 false", "m0 true"]);
});

test("a model that failed is passed over until a probe, cut at its first chunk, finds that it answers", async () => {
  const world = llmWorld([
    [{ times: 2, error: {} }, { chunks: [{ text: "I am " }, { text: "back", afterMs: 1_000 }] }],
    [{ text: "Hello" }],
  ]);
  await world.ask();
  await world.clock.run(); // the first probe fails
  assert.equal(world.llm.isAvailable(world.llms[0]!), false);
  assert.equal(said((await world.ask()).parts), "Hello");
  await world.clock.run(); // the second succeeds
  assert.equal(world.llm.isAvailable(world.llms[0]!), true);
  assert.deepEqual(world.changes, ["m0 false", "m0 true"]);
  assert.equal(world.llms[0]!.requests[2]!.cancelled, true);
  const probes = world.report.measured.filter((metrics) => "probe" in metrics && metrics.probe === true);
  assert.deepEqual(probes.map(({ metadata }) => metadata?.modelName), ["m0"]);
  assert.equal(said((await world.ask()).parts), "I am back");
});

test("there is one probe at a time, and none outlives the session or the fallback", async () => {
  for (const how of ["session", "fallback"] as const) {
    const world = llmWorld([[{ times: 1, error: {} }, { hangs: true }], [{ text: "Hello" }]]);
    await world.ask();
    await world.ask();
    assert.equal(world.llms[0]!.requests.length, 2);
    assert.notEqual(world.clock.armed, 0);
    if (how === "session") world.closing.abort();
    else world.llm.close();
    await world.clock.advance(0);
    assert.equal(world.clock.armed, 0);
    assert.equal(world.llms[0]!.requests[1]!.cancelled, true);
    await world.ask();
    assert.equal(world.llms[0]!.requests.length, 2);
  }
});

test("an abort is no failure of a model", async () => {
  const world = llmWorld([[{ hangs: true }], [{ text: "Hello" }]]);
  const stop = new AbortController();
  world.clock.schedule(100, () => stop.abort());
  assert.deepEqual(await world.ask(stop.signal), { parts: [] });
  assert.deepEqual([world.changes, world.report.errors], [[], []]);
  assert.equal(world.clock.armed, 0);
});

test("a fallback wants models, and a clock", () => {
  assert.throws(() => fallbackLLM([]), { code: "model.bad_option" });
  const { clock } = session();
  const llm = fallbackLLM([scriptedLLM([], { clock })]);
  assert.throws(() => llm.chat({ chatCtx: new ChatContext() }), { code: "model.bad_option" });
  assert.throws(() => fallbackLLM([llm], { attemptTimeoutMs: -1 }), { code: "model.bad_option" });
});

function ttsWorld(scripts: readonly TTSScript[], rates: readonly number[] = [8_000, 16_000], options = {}) {
  const world = session();
  const { clock, o } = world;
  const voices = scripts.map((script, index) =>
    scriptedTTS(script, { clock, model: `v${index}`, sampleRate: rates[index]!, streaming: index !== 1 })
  );
  const changes: string[] = [];
  const tts = fallbackTTS(voices, {
    maxRetryPerTTS: 0,
    ...options,
    onAvailabilityChanged: ({ model, available }) => void changes.push(`${model.model} ${available}`),
  });
  const speak = (...parts: string[]) => clock.until(drain(text(...parts).pipeThrough(ttsAttempt(tts, o))));
  return { ...world, voices, tts, changes, speak };
}

const lengthMs = (parts: readonly SynthesizedAudio[]): number =>
  Math.round(parts.reduce((sum, { frame }) => sum + frameDurationMs(frame), 0));

test("a voice that fails before any audio is replaced with the whole text, at one rate", async () => {
  const world = ttsWorld([{ ttfbMs: 100, errors: [{ text: "Hello there, friend.", attempts: 1 }] }, { msPerChar: 10 }]);
  assert.equal(world.tts.sampleRate, 16_000);
  const { parts, failure } = await world.speak("Hello ", "there, friend.");
  assert.equal(failure, undefined);
  assert.equal(lengthMs(parts), 200);
  assert.deepEqual([...new Set(parts.map(({ frame }) => frame.sampleRate))], [16_000]);
  assert.deepEqual(world.changes, ["v0 false"]);
  assert.deepEqual(world.report.errors, []);
  await world.clock.run(); // a probe speaks the same text, and is heard by nobody
  assert.deepEqual(world.changes, ["v0 false", "v0 true"]);
  const again = await world.speak("Good.");
  assert.equal(lengthMs(again.parts), 250);
  assert.deepEqual([...new Set(again.parts.map(({ frame }) => frame.sampleRate))], [16_000]);
  assert.equal(again.parts.at(-1)!.final, true);
  assert.equal(again.parts.filter(({ final }) => final).length, 1);
  assert.equal(world.clock.armed, 0);
});

test("a voice that fails amid its audio is not followed by another", async () => {
  const world = ttsWorld([{ errors: [{ text: "Hello.", afterAudioMs: 100 }] }, {}]);
  const { parts, failure } = await world.speak("Hello.");
  assert.equal(lengthMs(parts) <= 100 && parts.length > 0, true);
  assert.ok(failure instanceof APIError);
  assert.equal(failure.retryable, false);
  assert.deepEqual(world.report.errors.map(({ type, recoverable }) => [type, recoverable]), [["tts_error", false]]);
  assert.equal(world.voices[1]!.requests.length, 0);
});

test("when no voice speaks the error names them all; text that breaks off blames none", async () => {
  const world = ttsWorld([{ errors: [{ text: "Hello." }] }, { errors: [{ text: "Hello." }] }]);
  const { failure } = await world.speak("Hello.");
  assert.ok(failure instanceof APIConnectionError);
  assert.match(failure.message, /v0.*v1/);
  const fresh = ttsWorld([{}, {}]);
  const reason = new Error("The LLM failed");
  const broken = new ReadableStream<string>({ pull: (controller) => controller.error(reason) });
  const done = await fresh.clock.until(drain(broken.pipeThrough(ttsAttempt(fresh.tts, fresh.o))));
  assert.equal(done.failure, reason);
  assert.deepEqual([fresh.changes, fresh.report.errors], [[], []]);
});

test("voices of unequal channels are refused", () => {
  const { clock } = session();
  const voice = scriptedTTS({}, { clock });
  assert.throws(() => fallbackTTS([voice, { ...voice, channels: 2 }]), { code: "model.bad_option" });
});

const frame = (ms: number): AudioFrame => audioFrame(new Int16Array(ms * 8), 8_000);
const heard = (words: string, startTimeMs = 0): SpeechEvent => ({
  type: "final_transcript",
  alternatives: [{ text: words, language: "en", startTimeMs, endTimeMs: startTimeMs + 10, confidence: 0.9 }],
});

function sttWorld() {
  const world = session();
  const stts = [scriptedSTT({ model: "s0" }), scriptedSTT({ model: "s1" })] as const;
  const changes: string[] = [];
  const stt = fallbackSTT(stts, {
    maxRetryPerSTT: 0,
    onAvailabilityChanged: ({ model, available }) => void changes.push(`${model.model} ${available}`),
  });
  return { ...world, stts, stt, changes };
}

test("a recogniser that fails is replaced on the same time line, and listens along until it understands", async () => {
  const { clock, o, report, stts, stt, changes } = sttWorld();
  const { readable, writable } = sttAttempt(stt, o);
  const reading = drain(readable);
  const writer = writable.getWriter();
  await writer.write(frame(300));
  stts[0].push(heard("one", 100));
  await clock.advance(10);
  stts[0].fail(new APIConnectionError());
  await clock.advance(10);
  assert.deepEqual(changes, ["s0 false"]);
  await writer.write(frame(200));
  assert.deepEqual([stts[1].streams[0]!.heardMs, stts[0].streams[1]!.heardMs], [200, 200]);
  stts[1].push(heard("two", 50));
  stts[0].push(heard("", 0));
  stts[0].push(heard("two", 0));
  await clock.advance(10);
  assert.deepEqual(changes, ["s0 false", "s0 true"]);
  await writer.write(frame(100));
  await writer.close();
  const { parts, failure } = await clock.until(reading);
  assert.equal(failure, undefined);
  assert.deepEqual(parts, [heard("one", 100), heard("two", 350)]);
  assert.deepEqual(report.errors, []);
  assert.equal(stts[0].streams.every(({ isOpen }) => !isOpen), true);
  assert.equal(clock.armed, 0);
});

test("a recogniser that cannot be reached at first is replaced; input that ended ends the next one too", async () => {
  const { clock, o, stts, stt } = sttWorld();
  const { readable, writable } = sttAttempt(stt, o);
  const reading = drain(readable);
  await writable.getWriter().write(frame(10));
  void stts[0].fail(new APIConnectionError());
  const closing = clock.advance(0);
  await closing;
  assert.equal(stts[1].streams.length, 1);
  stts[1].fail(new APIConnectionError());
  const { failure } = await clock.until(reading);
  assert.ok(failure instanceof APIConnectionError);
  await clock.run();
  assert.equal(clock.armed, 0);
});

test("a probe that takes no sound never holds up the others", async () => {
  const { clock, o, report } = session();
  let opened = 0;
  const stuck: STT = {
    ...scriptedSTT({ model: "stuck" }),
    stream() {
      opened += 1;
      return {
        readable: new ReadableStream({
          start: (controller) => opened === 1 ? controller.error(new APIConnectionError()) : undefined,
        }),
        writable: new WritableStream({
          write: () => {
            throw new Error("No");
          },
        }),
      };
    },
  };
  const good = scriptedSTT({ model: "good", onEnd: () => [heard("bye")] });
  const stt = fallbackSTT([stuck, good], { maxRetryPerSTT: 0 });
  const { readable, writable } = sttAttempt(stt, o);
  const reading = drain(readable);
  await clock.advance(0);
  const writer = writable.getWriter();
  for (let count = 0; count < 5; count += 1) await writer.write(frame(100));
  await writer.close();
  const { parts, failure } = await clock.until(reading);
  assert.deepEqual([parts.length, failure], [1, undefined]);
  assert.equal(good.streams[0]!.heardMs, 500);
  assert.deepEqual(report.errors, []);
  await clock.run();
});

test("whole segments fall back too, and a probe recognises the same segment", async () => {
  const { clock, o, report } = session();
  let calls = 0;
  const capabilities = { streaming: true, interimResults: false };
  const weak: STT = {
    ...scriptedSTT({ model: "weak", capabilities }),
    recognize() {
      calls += 1;
      return calls === 1 ? Promise.reject(new APIConnectionError()) : Promise.resolve(heard("weak"));
    },
  };
  const strong: STT = {
    ...scriptedSTT({ model: "strong", capabilities }),
    recognize: () => Promise.resolve(heard("strong")),
  };
  const stt = fallbackSTT([weak, strong], { maxRetryPerSTT: 0 });
  assert.deepEqual(await clock.until(recognizeAttempt(stt, [frame(100)], o)), heard("strong"));
  await clock.run();
  assert.equal(stt.isAvailable(weak), true);
  assert.deepEqual(await clock.until(recognizeAttempt(stt, [frame(100)], o)), heard("weak"));
  assert.deepEqual(report.measured.map((metrics) => `${metrics.metadata?.modelName} ${"probe" in metrics}`).sort(), [
    "strong false",
    "weak false",
    "weak true",
  ]);
});

test("a recogniser that does not stream needs a detector", () => {
  const silent: STT = {
    kind: "stt",
    model: "segments",
    provider: "test",
    capabilities: { streaming: false, interimResults: false },
    recognize: () => Promise.resolve(heard("a")),
  };
  assert.throws(() => fallbackSTT([silent]), { code: "model.no_capability" });
});
