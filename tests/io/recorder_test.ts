import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { concatBytes } from "../../src/audio/frames.ts";
import { deinterleave } from "../../src/audio/pcm.ts";
import { readWav } from "../../src/audio/wav.ts";
import { AgentError } from "../../src/base/error.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import { callRecorder } from "../../src/io/recorder.ts";
import { speak } from "../contracts/playout_sink.ts";

const RATE = 8_000;

/** A file in memory, readable at any moment, as after a power cut. */
function memoryFile() {
  let bytes = new Uint8Array(0);
  let isClosed = false;
  return {
    file: new WritableStream<Uint8Array>({
      write: (part) => void (bytes = concatBytes(bytes, part)),
      close: () => void (isClosed = true),
    }),
    bytes: () => bytes,
    isClosed: () => isClosed,
    sides() {
      const { data, channels, sampleRate } = readWav(bytes);
      assert.equal(channels, 2);
      assert.equal(sampleRate, RATE);
      const [left, right] = deinterleave(data, 2);
      return { left: left!, right: right! };
    },
  };
}

/** A frame of one value, which can be told apart in the file. */
const tone = (value: number, ms: number, rate = RATE): AudioFrame =>
  audioFrame(new Int16Array((rate * ms) / 1000).fill(value), rate);

/** Where the samples have a value other than 0, in milliseconds: `[from, to, value]`. */
function runs(samples: Int16Array): [number, number, number][] {
  const found: [number, number, number][] = [];
  samples.forEach((value, index) => {
    const last = found.at(-1);
    if (value === 0) return;
    if (last !== undefined && last[1] === index && last[2] === value) last[1] = index + 1;
    else found.push([index, index + 1, value]);
  });
  return found.map(([from, to, value]) => [(from * 1000) / RATE, (to * 1000) / RATE, value]);
}

test("both sides are in the file at their time, the caller left and the agent right", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  const sink = pacedSink(clock, { onPlayed: recorder.agent });
  for (let count = 0; count < 10; count += 1) clock.schedule(500 + 20 * count, () => recorder.caller(tone(7, 20)));
  clock.schedule(1_000, () => void speak(sink.open("a"), Array.from({ length: 10 }, () => tone(9, 20))));
  await clock.advance(3_000);
  await recorder.close();
  const { left, right } = memory.sides();
  assert.deepEqual(runs(left), [[500, 700, 7]]);
  assert.deepEqual(runs(right), [[1_000, 1_200, 9]]);
  assert.equal(left.length, 3 * RATE);
  assert.equal(memory.isClosed(), true);
  assert.equal(recorder.droppedMs, 0);
});

test("only what was heard is in it: a pause is silence, and what was cut off is missing", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  const sink = pacedSink(clock, { onPlayed: recorder.agent });
  void speak(sink.open("a"), Array.from({ length: 50 }, () => tone(9, 20)));
  await clock.advance(130);
  sink.pause();
  await clock.advance(1_500);
  sink.resume();
  await clock.advance(45);
  sink.clear();
  void speak(sink.open("b"), [tone(5, 40)]);
  await clock.advance(100);
  await recorder.close();
  assert.deepEqual(runs(memory.sides().right), [[0, 130, 9], [1_630, 1_675, 9], [1_675, 1_715, 5]]);
});

test("the file is complete whenever it is cut off, and no more than a second or so behind", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  await clock.advance(0);
  assert.equal(memory.bytes().length, 44);
  for (let now = 0; now < 5_000; now += 20) {
    recorder.caller(tone(7, 20));
    await clock.advance(20);
    const byteCount = memory.bytes().length - 44;
    assert.equal(byteCount % 4, 0);
    assert.ok(byteCount / 4 / (RATE / 1000) >= now - 1_200);
  }
  const { left } = memory.sides();
  assert.deepEqual(runs(left), [[0, (left.length * 1000) / RATE, 7]]);
  const header = recorder.header();
  const known = memory.bytes().slice();
  known.set(header);
  assert.deepEqual(readWav(known), readWav(memory.bytes()));
  assert.equal(new DataView(header.buffer).getUint32(40, true), memory.bytes().length - 44);
  await recorder.close();
});

test("rates are converted, and frames that follow each other stay one sound", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  const sink = pacedSink(clock, { onPlayed: recorder.agent });
  const wave = Int16Array.from(
    { length: 24_000 },
    (_, index) => Math.round(8_000 * Math.sin((index * 2 * Math.PI * 440) / 24_000)),
  );
  const frames = Array.from(
    { length: 46 },
    (_, index) => audioFrame(wave.slice(index * 512, (index + 1) * 512), 24_000),
  );
  void speak(sink.open("a"), frames);
  await clock.advance(2_000);
  await recorder.close();
  const { right } = memory.sides();
  let worst = 0;
  for (let index = 50; index < 7_800; index += 1) {
    worst = Math.max(worst, Math.abs(right[index]! - 8_000 * Math.sin((index * 2 * Math.PI * 440) / RATE)));
  }
  assert.ok(worst < 100, `differs by ${worst}`); // a lost or doubled sample would be off by 2,700
  const last = right.findLastIndex((value) => Math.abs(value) > 20);
  assert.ok(Math.abs(last - (46 * 512) / 3) < 20, `${last}`);
});

test("frames that come in bursts are joined; after a gap they are at their own time", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  for (let count = 0; count < 5; count += 1) { // three late, then three at once
    await clock.advance(60);
    for (let burst = 0; burst < 3; burst += 1) recorder.caller(tone(7, 20));
  }
  await clock.advance(1_000);
  recorder.caller(tone(8, 20));
  await clock.advance(500);
  await recorder.close();
  assert.deepEqual(runs(memory.sides().left), [[60, 360, 7], [1_300, 1_320, 8]]);
});

test("stereo goes in as mono, and rates may change on the way", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  recorder.caller(audioFrame(Int16Array.from({ length: 320 }, (_, index) => index % 2 === 0 ? 10 : 20), RATE, 2));
  await clock.advance(20);
  recorder.caller(tone(30, 100, 16_000));
  await clock.advance(100);
  await recorder.close();
  const { left } = memory.sides();
  assert.deepEqual(runs(left.slice(0, 160)), [[0, 20, 15]]);
  assert.equal(left.length, 960);
  assert.equal(left[500], 30);
});

test("sound from before the beginning, or too late to be placed, is left out and counted", async () => {
  const clock = virtualClock();
  await clock.advance(100);
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  recorder.agent(tone(1, 40), 80);
  recorder.caller(tone(7, 20));
  await clock.advance(5_000);
  recorder.caller(tone(7, 20));
  await clock.advance(5_000);
  recorder.caller(tone(7, 20));
  recorder.agent(tone(2, 100), 200); // nine seconds late
  await recorder.close();
  assert.equal(recorder.droppedMs, 120);
  const { right } = memory.sides();
  assert.deepEqual(runs(right), [[0, 20, 1]]);
});

test("a tap records what passes to the session, and nothing that nobody reads", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  const recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
  const frames = [tone(7, 20), tone(8, 20)];
  const microphone = new ReadableStream<AudioFrame>({
    async pull(controller) {
      await new Promise<void>((go) => clock.schedule(clock.now() + 20, go));
      const frame = frames.shift();
      if (frame === undefined) controller.close();
      else controller.enqueue(frame);
    },
  });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const frame of recorder.tap(microphone)) seen.push(frame.data[0]!);
  })();
  await clock.until(reading);
  await recorder.close();
  assert.deepEqual(seen, [7, 8]);
  assert.deepEqual(runs(memory.sides().left), [[20, 40, 7], [40, 60, 8]]);
});

test("a call without a sound still leaves a file as long as it was", async () => {
  const clock = virtualClock();
  const memory = memoryFile();
  {
    await using _recorder = callRecorder(clock, memory.file, { sampleRate: RATE });
    await clock.advance(1_000);
  }
  assert.equal(memory.sides().left.length, RATE);
});

test("a file that cannot be written stops the recording alone, and is told of", async () => {
  const clock = virtualClock();
  const full = new Error("disk is full");
  const told: unknown[] = [];
  let count = 0;
  const file = new WritableStream<Uint8Array>({
    write() {
      if ((count += 1) > 3) throw full;
    },
  });
  const recorder = callRecorder(clock, file, { sampleRate: RATE, onError: (reason) => told.push(reason) });
  for (let now = 0; now < 5_000; now += 20) {
    recorder.caller(tone(7, 20));
    await clock.advance(20);
  }
  assert.deepEqual(told, [full]);
  await assert.rejects(recorder.close(), full);
  await assert.rejects(recorder.close(), full);
});

test("a file that hangs is given up before it fills the memory", async () => {
  const clock = virtualClock();
  const told: unknown[] = [];
  const hanging = new WritableStream<Uint8Array>({ write: () => new Promise(() => {}) });
  const recorder = callRecorder(clock, hanging, { onError: (reason) => told.push(reason) });
  for (let minute = 0; minute < 8; minute += 1) {
    recorder.caller(tone(7, 50_000, 48_000));
    await clock.advance(60_000);
  }
  assert.equal(told.length, 1);
  const isOverflow = (error: unknown) => error instanceof AgentError && error.code === "stream.overflow";
  assert.ok(isOverflow(told[0]));
  await assert.rejects(recorder.close(), isOverflow);
});
