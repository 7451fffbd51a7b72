import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import type { AudioFrame } from "../../src/audio/frame.ts";
import { wrapSink } from "../../src/io/wrap_sink.ts";
import { collect, playoutSinkContract, ramp, speak } from "../contracts/playout_sink.ts";

playoutSinkContract({
  name: "wrapSink",
  graceMs: 20,
  make(clock) {
    // What the place itself was given, and when: it plays each frame as it comes.
    const heard: { frame: AudioFrame; at: number }[] = [];
    const place = new WritableStream<AudioFrame>({ write: (frame) => void heard.push({ frame, at: clock.now() }) });
    return { heard, sink: wrapSink(clock, place) };
  },
});

test("a place that takes frames more slowly than they play holds the sound up, and loses none", async () => {
  const clock = virtualClock();
  let takenMs = 0;
  const place = new WritableStream<AudioFrame>({
    write: () =>
      new Promise((go) => {
        clock.schedule(clock.now() + 40, () => {
          takenMs += 20;
          go();
        });
      }),
  });
  const sink = wrapSink(clock, place, { deviceMs: 100 });
  const acks = collect(sink);
  void speak(sink.open("a"), Array.from({ length: 25 }, () => ramp(20)));
  await clock.run();
  assert.equal(takenMs, 500);
  assert.ok(clock.now() >= 1_000, `it took ${clock.now()} ms`);
  assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 500 });
});

test("resuming does not overtake a place that is still busy", async () => {
  const clock = virtualClock();
  let accept = (): void => {};
  const frames: AudioFrame[] = [];
  const place = new WritableStream<AudioFrame>({
    write: (frame) => new Promise((go) => void (frames.push(frame), accept = go)),
  });
  const sink = wrapSink(clock, place, { deviceMs: 20 });
  void speak(sink.open("a"), [ramp(60)]);
  await clock.advance(100);
  sink.pause();
  sink.resume();
  await clock.advance(100);
  assert.equal(frames.length, 1);
  sink.pause();
  accept();
  await clock.advance(100);
  assert.equal(frames.length, 1);
  sink.resume();
  await clock.advance(0);
  assert.equal(frames.length, 2);
});

test("a place that breaks fails the acknowledgements, after what they told", async () => {
  const clock = virtualClock();
  const broken = new Error("line is dead");
  const place = new WritableStream<AudioFrame>({
    write() {
      if (clock.now() >= 40) throw broken;
    },
  });
  const sink = wrapSink(clock, place);
  const types: string[] = [];
  const reading = (async () => {
    for await (const ack of sink.acks) types.push(ack.type);
  })();
  reading.catch(() => {});
  speak(sink.open("a"), [ramp(200)]).catch(() => {});
  await clock.run();
  await assert.rejects(reading, broken);
  assert.deepEqual(types, ["started", "position", "cleared"].filter((type) => types.includes(type)));
  assert.equal(types.at(-1), "cleared");
  await sink[Symbol.asyncDispose]();
});

test("disposing closes the place, and leaves behind one that hangs", async () => {
  const clock = virtualClock();
  let isClosed = false;
  const good = wrapSink(clock, new WritableStream({ close: () => void (isClosed = true) }));
  await clock.until(good[Symbol.asyncDispose]());
  assert.equal(isClosed, true);
  const hanging = wrapSink(clock, new WritableStream({ write: () => new Promise(() => {}) }));
  void speak(hanging.open("a"), [ramp(20)]);
  await clock.advance(10);
  await clock.until(hanging[Symbol.asyncDispose]());
  assert.equal(clock.now(), 2_010);
  assert.equal(clock.armed, 0);
});
