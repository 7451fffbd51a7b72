import { test } from "node:test";
import assert from "node:assert/strict";
import { audioFrame } from "../../src/audio/frame.ts";
import { concatSamples, frameCutter } from "../../src/audio/frames.ts";
import { resampleFrames, resampler } from "../../src/audio/resample.ts";
import { collect } from "../../streams/collect.ts";
import { fuse, type Stage } from "../../streams/fuse.ts";
import { toStream } from "../../streams/to_stream.ts";
import { transformLaws } from "./laws.ts";

/** Holds each value until the next comes, and gives the last at the end. */
const late = (): Stage<number, number> => {
  let held: number | undefined;
  return {
    push(value) {
      const before = held;
      held = value;
      return before === undefined ? [] : [before];
    },
    flush: () => (held === undefined ? [] : [held]),
  };
};
const twice: Stage<number, number> = { push: (value) => [value, value + 0.5] };

transformLaws("fuse", {
  make: () => fuse((value: number) => value * 10, late(), twice, (value: number) => `${value}`),
  inputs: [1, 2, 3, 4, 5],
  expected: (inputs) => inputs.flatMap((value) => [`${value * 10}`, `${value * 10 + 0.5}`]),
  holds: 3,
});

const tone = (samples: number, first: number): Int16Array =>
  Int16Array.from({ length: samples }, (_, n) => Math.round(9_000 * Math.sin((first + n) / 9)));

transformLaws("fuse(resampleFrames, frameCutter)", {
  make: () => fuse(resampleFrames(16_000), frameCutter({ samples: 512 })),
  inputs: [0, 1, 2, 3, 4, 5].map((index) => audioFrame(tone(960, index * 960), 48_000)),
  expected: (inputs) => {
    const rate = resampler({ from: 48_000, to: 16_000 });
    const samples = concatSamples([...inputs.map((frame) => rate.push(frame.data)), rate.flush()]);
    const starts = Array.from({ length: Math.ceil(samples.length / 512) }, (_, index) => index * 512);
    return starts.map((start) => audioFrame(samples.slice(start, start + 512), 16_000));
  },
  holds: 4,
});

test("the end flushes each stage through those behind it, in order", async () => {
  assert.deepEqual(await collect(toStream([1, 2]).pipeThrough(fuse(late(), late(), twice))), [1, 1.5, 2, 2.5]);
});

test("a step that throws fails the stream with what it threw, and cancels the source", async () => {
  const reason = new Error("bad value");
  let cancelled: unknown;
  const source = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(1),
    cancel: (given) => void (cancelled = given),
  });
  const output = source.pipeThrough(fuse((): number => {
    throw reason;
  }));
  await assert.rejects(collect(output), (error) => error === reason);
  assert.equal(cancelled, reason);
});

test("types: each step takes what the one before gives", () => {
  const text: TransformStream<number, string> = fuse((value: number) => value + 1, String);
  // @ts-expect-error a string is no number
  (() => fuse(String, (value: number) => value));
  // @ts-expect-error nothing to fuse
  (() => fuse());
  assert.ok(text);
});
