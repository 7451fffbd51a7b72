import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { audioFrame } from "../../src/audio/frame.ts";
import { concatSamples } from "../../src/audio/frames.ts";
import { collect } from "../../streams/collect.ts";
import { rechunk } from "../../streams/rechunk.ts";
import { toStream } from "../../streams/to_stream.ts";
import { transformLaws } from "./laws.ts";

const counted = (samples: number, first: number): Int16Array =>
  Int16Array.from({ length: samples }, (_, n) => first + n);

transformLaws("rechunk", {
  make: () => rechunk({ durationMs: 20 }),
  inputs: [0, 1, 2, 3, 4, 5, 6].map((index) => audioFrame(counted(100, index * 100), 8_000)),
  expected: (inputs) => {
    const all = concatSamples(inputs.map((frame) => frame.data));
    const starts = Array.from({ length: Math.ceil(all.length / 160) }, (_, index) => index * 160);
    return starts.map((start) => audioFrame(all.slice(start, start + 160), 8_000));
  },
  holds: 4,
});

test("however the input is split, the same frames come out", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(400), { maxLength: 12 }), fc.boolean(), async (sizes, pad) => {
      let first = 0;
      const frames = sizes.map((size) => audioFrame(counted(size, (first += size) - size), 8_000));
      const total = audioFrame(counted(first, 0), 8_000);
      const cut = (input: typeof frames) => collect(toStream(input).pipeThrough(rechunk({ durationMs: 20, pad })));
      assert.deepEqual(await cut(frames), await cut([total]));
    }),
    { numRuns: 50 },
  );
});

test("the last frame is short, or filled with silence", async () => {
  const frames = [audioFrame(counted(200, 1), 8_000)];
  const lengths = async (pad: boolean): Promise<number[]> =>
    (await collect(toStream(frames).pipeThrough(rechunk({ durationMs: 20, pad })))).map((frame) => frame.data.length);
  assert.deepEqual(await lengths(false), [160, 40]);
  assert.deepEqual(await lengths(true), [160, 160]);
});

test("a length that is none is refused at the call", () => {
  assert.throws(
    () => rechunk({ durationMs: 0 }),
    (error) => error instanceof AgentError && error.code === "stream.bad_option",
  );
});
