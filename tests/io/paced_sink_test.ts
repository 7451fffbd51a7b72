import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import type { Clock } from "../../src/base/runtime.ts";
import { AgentError } from "../../src/base/error.ts";
import { type PacedSink, pacedSink } from "../../src/io/paced_sink.ts";
import type { PlayoutAck } from "../../src/io/playout.ts";
import { device } from "./device.ts";
import { collect, playoutSinkContract, ramp, speak } from "../contracts/playout_sink.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof AgentError && error.code === code;

async function readAll(sink: PacedSink): Promise<PlayoutAck[]> {
  const all: PlayoutAck[] = [];
  for await (const ack of sink.acks) all.push(ack);
  return all;
}

playoutSinkContract({
  name: "pacedSink",
  graceMs: 0,
  make(clock) {
    const heard: { frame: AudioFrame; at: number }[] = [];
    return { heard, sink: pacedSink(clock, { onPlayed: (frame, at) => heard.push({ frame, at }) }) };
  },
});

playoutSinkContract({
  name: "pacedSink ahead of a device",
  graceMs: 0,
  make(clock) {
    const place = device(clock);
    return {
      heard: place.heard,
      sink: pacedSink(clock, { leadMs: 60, onFrame: place.write, onTakeBack: place.clear }),
    };
  },
});

/** A clock whose timers are late, as those of a busy process. */
const lateClock = (clock: Clock, lateMs: () => number): Clock => ({
  ...clock,
  now: () => clock.now(),
  schedule: (at, fire) => clock.schedule(at + lateMs(), fire),
});

test("a device is given sound as far ahead as the lead, and no further", async () => {
  const clock = virtualClock();
  const place = device(clock);
  const sink = pacedSink(clock, { leadMs: 60, onFrame: place.write, onTakeBack: place.clear });
  void speak(sink.open("a"), Array.from({ length: 25 }, () => ramp(20)));
  for (let at = 0; at < 440; at += 10) {
    await clock.runUntil(at);
    assert.ok(place.queuedMs() >= 60 && place.queuedMs() <= 80, `${place.queuedMs()} ms ahead at ${at}`);
  }
});

test("a process that is late by less than the lead leaves no gap", async () => {
  const clock = virtualClock();
  const place = device(clock);
  const sink = pacedSink(lateClock(clock, () => 39), { leadMs: 60, onFrame: place.write, onTakeBack: place.clear });
  void speak(sink.open("a"), Array.from({ length: 25 }, () => ramp(20)));
  await clock.run();
  assert.deepEqual(place.heard.map(({ at }) => at), Array.from({ length: 25 }, (_, index) => index * 20));
});

test("a process that is later leaves a gap, which is not counted as heard", async () => {
  const clock = virtualClock();
  const place = device(clock);
  let late = 0;
  const sink = pacedSink(lateClock(clock, () => late), { leadMs: 60, onFrame: place.write, onTakeBack: place.clear });
  const acks = collect(sink);
  void speak(sink.open("a"), [ramp(200), ramp(200, 2_000)]);
  await clock.advance(100);
  late = 300;
  await clock.advance(50);
  late = 0;
  await clock.advance(300);
  sink.pause();
  await clock.advance(0);
  const told = acks.findLast(({ type }) => type === "position");
  const heardMs = place.heard.reduce((sum, { frame }) => sum + frame.samplesPerChannel / 8, 0);
  assert.ok(told?.type === "position" && Math.abs(told.positionMs - heardMs) < 1e-6, `${heardMs} ms were heard`);
  assert.ok(heardMs < 300, "there was a gap");
});

test("a device that throws when it is to throw away fails the sink", async () => {
  const clock = virtualClock();
  const broken = new Error("broken");
  const sink = pacedSink(clock, {
    onFrame() {},
    onTakeBack() {
      throw broken;
    },
  });
  const acks = readAll(sink);
  void speak(sink.open("a"), [ramp(200)]).catch(() => {});
  await clock.advance(50);
  sink.pause();
  await assert.rejects(acks, broken);
});

test("positions are told at their interval, to the sample", async () => {
  const clock = virtualClock();
  const sink = pacedSink(clock, { positionEveryMs: 100 });
  const acks = collect(sink);
  const frame = audioFrame(new Int16Array(22_050), 22_050);
  void speak(sink.open("a"), [frame]);
  await clock.advance(250);
  assert.deepEqual(acks.map((ack) => "positionMs" in ack ? Math.round(ack.positionMs) : ack.type), [
    "started",
    100,
    200,
  ]);
  sink.pause();
  await clock.advance(0);
  const last = acks.at(-1);
  assert.ok(last?.type === "position");
  assert.ok(Math.abs(last.positionMs - (Math.floor(250 * 22.05) * 1000) / 22_050) < 1e-9);
  sink.resume();
  await clock.run();
  assert.equal(acks.filter(({ type }) => type === "finished").length, 1);
});

test("a session that does not read acknowledgements piles up none but the latest position", async () => {
  const clock = virtualClock();
  const sink = pacedSink(clock, { aheadMs: Infinity });
  void speak(sink.open("a"), [ramp(8_000)]);
  await clock.run();
  const acks = collect(sink);
  await clock.advance(0);
  assert.deepEqual(acks.map(({ type }) => type), ["started", "position", "finished"]);
});

test("frames of several rates in one segment follow each other exactly", async () => {
  const clock = virtualClock();
  const heard: number[] = [];
  const sink = pacedSink(clock, { onPlayed: (_, at) => heard.push(at) });
  const acks = collect(sink);
  const silence = (rate: number) => audioFrame(new Int16Array(rate / 50), rate);
  void speak(sink.open("a"), [silence(8_000), silence(48_000), silence(24_000)]);
  await clock.run();
  assert.deepEqual(heard, [0, 20, 40]);
  assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 60 });
});

test("a clock that wakes late moves neither the end of a sound nor the start of the next", async () => {
  let now = 0;
  const clock: Clock = { now: () => now, wallOffset: 0, schedule: () => () => {}, hold: (work) => work };
  const heard: number[] = [];
  const sink = pacedSink(clock, { onPlayed: (_, at) => heard.push(at) });
  const writer = sink.open("a").getWriter();
  await writer.write(ramp(20));
  await writer.write(ramp(20));
  now = 70; // nothing woke at 40
  await writer.write(ramp(20));
  now = 95;
  sink.clear();
  assert.deepEqual(heard, [0, 20, 70]);
});

test("with no limit ahead, a whole speech is taken at once", async () => {
  const clock = virtualClock();
  const sink = pacedSink(clock, { aheadMs: Infinity });
  const spoken = speak(sink.open("a"), Array.from({ length: 500 }, () => ramp(20)));
  await clock.advance(0);
  await spoken;
  assert.equal(sink.isPlaying, true);
  await clock.run();
  assert.equal(clock.now(), 10_000);
  assert.equal(sink.isPlaying, false);
});

test("stereo frames are cut between samples, never within one", async () => {
  const clock = virtualClock();
  const heard: AudioFrame[] = [];
  const sink = pacedSink(clock, { onPlayed: (frame) => heard.push(frame) });
  void speak(sink.open("a"), [audioFrame(Int16Array.from({ length: 1_600 }, (_, index) => index), 8_000, 2)]);
  await clock.advance(25);
  sink.clear();
  assert.deepEqual(heard.map(({ channels, samplesPerChannel, data }) => [channels, samplesPerChannel, data.length]), [
    [2, 200, 400],
  ]);
});

test("disposing clears what plays, ends the acknowledgements, and refuses what comes later", async () => {
  const clock = virtualClock();
  const sink = pacedSink(clock);
  const reading = readAll(sink);
  void speak(sink.open("a"), [ramp(100)]);
  await clock.advance(20);
  sink[Symbol.dispose]();
  sink[Symbol.dispose]();
  assert.deepEqual((await reading).map(({ type }) => type), ["started", "cleared"]);
  await assert.rejects(speak(sink.open("b"), [ramp(20)]), hasCode("sink.closed"));
  assert.equal(clock.armed, 0);
});

test("a listener that throws fails the sink, and nothing else", async () => {
  const clock = virtualClock();
  const broken = new Error("disk full");
  const sink = pacedSink(clock, {
    onPlayed: () => {
      throw broken;
    },
  });
  const reading = readAll(sink);
  reading.catch(() => {});
  void speak(sink.open("a"), [ramp(20), ramp(20)]);
  await clock.run();
  await assert.rejects(reading, broken);
  assert.equal(clock.armed, 0);
});

test("misuse is refused", async () => {
  const sink = pacedSink(virtualClock());
  const writer = sink.open("a").getWriter();
  assert.throws(() => sink.open("a"), hasCode("stream.bad_option"));
  await assert.rejects(writer.write({ ...ramp(20), sampleRate: 0 }), hasCode("audio.bad_frame"));
});
