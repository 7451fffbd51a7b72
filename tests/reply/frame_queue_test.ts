import { test } from "node:test";
import assert from "node:assert/strict";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { FrameQueue, TTS_AHEAD_MS } from "../../src/reply/frame_queue.ts";

const frame = (ms: number): AudioFrame => audioFrame(new Int16Array(ms * 16), 16_000);

test("frames come out in order, and the end after them", async () => {
  const queue = new FrameQueue();
  const frames = [frame(10), frame(20)];
  for (const one of frames) queue.push({ frame: one });
  queue.end();
  assert.deepEqual([await queue.next(), await queue.next(), await queue.next()], [
    ...frames.map((frame) => ({ frame })),
    undefined,
  ]);
});

test("a writer that is too far ahead waits for the reader", async () => {
  const queue = new FrameQueue();
  assert.equal(queue.push({ frame: frame(TTS_AHEAD_MS) }), undefined);
  const wait = queue.push({ frame: frame(20) });
  assert.ok(wait instanceof Promise);
  await queue.next();
  await wait;
});

test("who watches hears of each frame before it is read, those that wait too, and of the end once", async () => {
  const queue = new FrameQueue();
  const heard: (number | "end")[] = [];
  queue.push({ frame: frame(10) });
  queue.watch(({ frame }) => heard.push(frame.samplesPerChannel), () => heard.push("end"));
  queue.push({ frame: frame(20) });
  assert.deepEqual(heard, [160, 320]);
  await queue.next();
  queue.end();
  queue.end();
  assert.deepEqual(heard, [160, 320, "end"]);
});

test("who watches does not take a clearing for the end of the sound", () => {
  const queue = new FrameQueue();
  let ends = 0;
  queue.watch(() => {}, () => ends++);
  queue.push({ frame: frame(10) });
  queue.clear();
  assert.equal(ends, 0);
});
