import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { AgentError } from "../../src/base/error.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import type { PlayoutAck, PlayoutSink } from "../../src/io/playout.ts";
import { told, world } from "./harness.ts";

const errorsOf = (w: ReturnType<typeof world>): unknown[] =>
  w.events.flatMap((e) => e.type === "error" ? [e.error.error] : []);

/** A sink of the clock with parts replaced. */
function brokenSink(
  part: Partial<PlayoutSink>,
): { readonly runtime: ReturnType<typeof virtualRuntime>; readonly sink: PlayoutSink } {
  const runtime = virtualRuntime();
  const inner = pacedSink(runtime.clock);
  const sink: PlayoutSink = {
    capabilities: inner.capabilities,
    acks: inner.acks,
    open: (id, o) => inner.open(id, o),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    clear: () => inner.clear(),
    ...part,
  };
  return { runtime, sink };
}

test("a sink whose `open` throws ends the speech with an error, and nothing counts as said", async () => {
  const { runtime, sink } = brokenSink({
    open: () => {
      throw new Error("no device");
    },
  });
  const w = world({ runtime, tts: {}, sink });
  await w.start();
  const handle = w.session.say("Hello there.");
  await w.until(handle);
  assert.ok(handle.exception() instanceof AgentError);
  assert.equal((handle.exception() as AgentError).code, "sink.failed");
  assert.deepEqual(told(w.session.history.items), []);
  assert.equal(errorsOf(w).length, 1);
  assert.equal(w.session.agentState, "listening");
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a sink that fails in the middle leaves what was heard in the history", async () => {
  const runtime = virtualRuntime();
  const sink = pacedSink(runtime.clock);
  const w = world({ runtime, tts: { msPerChar: 100 }, sink, captions: true });
  await w.start();
  const handle = w.session.say("One two three four five six seven eight nine ten.");
  w.clock.schedule(2_000, () => sink.fail(new Error("unplugged")));
  await w.clock.advance(4_000);
  assert.equal(handle.done(), true);
  const [line] = told(w.session.history.items);
  assert.match(line ?? "", /^assistant: One two three four\b.*\/$/);
  assert.doesNotMatch(line ?? "", /ten/);
  assert.ok(errorsOf(w).length >= 1);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a sink that is replaced while it plays cuts the speech off, and the next one is heard in the new one", async () => {
  const w = world({ tts: { msPerChar: 100 }, captions: true });
  await w.start();
  const first = w.session.say("One two three four five six seven eight nine ten.");
  await w.clock.advance(2_000);
  const heard: string[] = [];
  const next = pacedSink(w.clock);
  w.session.output.audio = { ...next, acks: next.acks, open: (id) => (heard.push(id), next.open(id)) } as PlayoutSink;
  await w.clock.advance(1_000);
  assert.equal(first.done(), true);
  assert.equal(first.interrupted, true);
  const second = w.session.say("And on.");
  await w.until(second);
  assert.equal(heard.length, 1);
  assert.match(told(w.session.history.items).join("\n"), /^assistant: One two three four\b.*\/\nassistant: And on\.$/);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("taking the sink away while it plays cuts the speech off", async () => {
  const w = world({ tts: { msPerChar: 100 } });
  await w.start();
  const handle = w.session.say("One two three four five six seven eight nine ten.");
  await w.clock.advance(1_000);
  w.session.output.audio = null;
  await w.clock.advance(500);
  assert.equal(handle.done(), true);
  assert.equal(w.session.agentState, "listening");
  await w.close();
});

test("switching sound off in the middle of a speech lets it end, and the next one is text", async () => {
  const w = world({ tts: { msPerChar: 100 } });
  await w.start();
  const handle = w.session.say("One two three.");
  await w.clock.advance(500);
  w.session.output.setAudioEnabled(false);
  await w.until(handle);
  assert.equal(handle.interrupted, false);
  await w.until(w.session.say("Silent."));
  assert.equal(w.tts.requests.length, 1);
  assert.deepEqual(told(w.session.history.items), ["assistant: One two three.", "assistant: Silent."]);
  await w.close();
});

test("a speech that is cut off after sound was switched off falls silent at once", async () => {
  const w = world({ tts: { msPerChar: 100 } });
  await w.start();
  const sink = w.session.output.audio as PlayoutSink & { readonly isPlaying: boolean };
  const handle = w.session.say("One two three four five six.");
  await w.clock.advance(500);
  w.session.output.setAudioEnabled(false);
  handle.interrupt();
  assert.equal(sink.isPlaying, false);
  await w.until(handle);
  await w.close();
});

test("a sink whose `clear` throws does not stop an interruption", async () => {
  const { runtime, sink } = brokenSink({
    clear: () => {
      throw new Error("cannot");
    },
  });
  const w = world({ runtime, tts: { msPerChar: 100 }, sink });
  await w.start();
  const handle = w.session.say("One two three four five six.");
  await w.clock.advance(500);
  handle.interrupt();
  await w.clock.advance(250);
  assert.equal(handle.done(), true);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a stream of acknowledgements that somebody else reads is an error event, and the session goes on", async () => {
  const { runtime, sink } = brokenSink({});
  sink.acks.getReader();
  const w = world({ runtime, tts: {}, sink });
  await w.start();
  const handle = w.session.say("Hello there.");
  await w.clock.advance(30_000);
  assert.equal(handle.done(), true);
  assert.ok(errorsOf(w).length >= 1);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("acknowledgements that end while a speech plays end the speech", async () => {
  let controller: ReadableStreamDefaultController<PlayoutAck> | undefined;
  const { runtime, sink } = brokenSink({
    acks: new ReadableStream<PlayoutAck>({ start: (c) => void (controller = c) }),
  });
  const w = world({ runtime, tts: { msPerChar: 100 }, sink });
  await w.start();
  const handle = w.session.say("One two three four five six.");
  await w.clock.advance(500);
  controller?.close();
  await w.clock.advance(500);
  assert.equal(handle.done(), true);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a sink that fails in one session does not touch another", async () => {
  const runtime = virtualRuntime();
  const sink = pacedSink(runtime.clock);
  const bad = world({ runtime, tts: { msPerChar: 100 }, sink });
  const good = world({ runtime, tts: { msPerChar: 100 } });
  await bad.start();
  await good.start();
  const cut = bad.session.say("One two three four.");
  const whole = good.session.say("One two three four.");
  await runtime.clock.advance(500);
  sink.fail(new Error("unplugged"));
  await runtime.clock.until(Promise.all([cut, whole]));
  assert.deepEqual(told(good.session.history.items), ["assistant: One two three four."]);
  assert.equal(good.events.some(({ type }) => type === "error"), false);
  await bad.close();
  await good.close();
  assert.equal(runtime.clock.armed, 0);
});

test("a pause that lasts is no stall", async () => {
  const w = world({
    tts: { msPerChar: 100 },
    ears: true,
    options: { turnHandling: { interruption: { falseInterruptionTimeout: 60_000 } }, aecWarmupDuration: null },
  });
  await w.start();
  const handle = w.session.say("One two three four five six.");
  await w.clock.advance(1_000);
  const speech = { timestampMs: 0, rawSpeechMs: 0, rawSilenceMs: 0, probability: 1, inferenceDurationMs: 0 };
  w.vad.push({ ...speech, type: "start_of_speech", speechDurationMs: 600, silenceDurationMs: 0, speaking: true });
  w.vad.push({ ...speech, type: "inference_done", speechDurationMs: 600, silenceDurationMs: 0, speaking: true });
  await w.clock.advance(100);
  w.vad.push({ ...speech, type: "end_of_speech", speechDurationMs: 600, silenceDurationMs: 500, speaking: false });
  await w.clock.advance(30_000);
  assert.equal(handle.done(), false, "it waits for its time");
  await w.clock.advance(40_000);
  assert.equal(handle.done(), true);
  assert.equal(handle.exception(), undefined);
  await w.close();
});
