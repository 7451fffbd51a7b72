import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import {
  concatFrames,
  concatSamples,
  frameCutter,
  monoFrame,
  pcmFrames,
  silence,
  sliceFrame,
} from "../../src/audio/frames.ts";
import { int16ToBytes } from "../../src/audio/pcm.ts";

const counted = (samples: number, first = 0): Int16Array => Int16Array.from({ length: samples }, (_, n) => first + n);
const has = (code: ErrorCode) => (error: unknown): boolean => error instanceof AgentError && error.code === code;
const lengths = (frames: readonly AudioFrame[]): number[] => frames.map((frame) => frame.samplesPerChannel);

test("frames come out in the length asked for, in samples or milliseconds", () => {
  const bySamples = frameCutter({ samples: 4 });
  assert.deepEqual(lengths(bySamples.push(audioFrame(counted(10), 8_000))), [4, 4]);
  assert.deepEqual(lengths(bySamples.push(audioFrame(counted(1), 8_000))), []);
  assert.deepEqual(lengths(bySamples.flush()), [3]);
  assert.deepEqual(bySamples.flush(), []);
  const byTime = frameCutter({ durationMs: 10 });
  assert.deepEqual(lengths(byTime.push(audioFrame(counted(200), 8_000))), [80, 80]);
});

test("a frame that fits passes untouched", () => {
  const cutter = frameCutter({ samples: 4 });
  const frame = audioFrame(counted(8), 8_000, 2);
  assert.equal(cutter.push(frame)[0], frame);
});

test("stereo is cut between samples, not within them", () => {
  const cutter = frameCutter({ samples: 2 });
  const frames = cutter.push(audioFrame(counted(10), 8_000, 2));
  assert.deepEqual(frames.map((frame) => [...frame.data]), [[0, 1, 2, 3], [4, 5, 6, 7]]);
  assert.deepEqual(lengths(cutter.flush()), [1]);
});

test("a change of rate or channels brings out the rest first", () => {
  const cutter = frameCutter({ durationMs: 10 });
  assert.deepEqual(lengths(cutter.push(audioFrame(counted(50), 8_000))), []);
  const frames = cutter.push(audioFrame(counted(160), 16_000));
  assert.deepEqual(frames.map((frame) => [frame.sampleRate, frame.samplesPerChannel]), [[8_000, 50], [16_000, 160]]);
  cutter.push(audioFrame(counted(2), 16_000));
  assert.deepEqual(lengths(cutter.push(audioFrame(counted(4), 16_000, 2))), [2]);
});

test("with `pad` the last block is filled with silence", () => {
  const cutter = frameCutter({ samples: 4, pad: true });
  cutter.push(audioFrame(counted(6, 1), 8_000));
  assert.deepEqual(cutter.flush().map((frame) => [...frame.data]), [[5, 6, 0, 0]]);
  assert.deepEqual(cutter.flush(), []);
});

test("however the input is split, the same blocks come out", () => {
  const sizes = fc.array(fc.nat(50), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3 }), (cuts, samples, channels) => {
      const cut = (parts: readonly number[]): number[][] => {
        const cutter = frameCutter({ samples });
        let first = 0;
        const frames = parts.flatMap((part) => {
          const data = counted(part * channels, first);
          first += data.length;
          return cutter.push(audioFrame(data, 8_000, channels));
        });
        return [...frames, ...cutter.flush()].map((frame) => [...frame.data]);
      };
      const total = cuts.reduce((sum, part) => sum + part, 0);
      assert.deepEqual(cut(cuts), cut([total]));
      assert.deepEqual(cut(cuts).flat(), [...counted(total * channels)]);
    }),
  );
});

test("a block that came out is never written again", () => {
  const cutter = frameCutter({ samples: 3 });
  const [first] = cutter.push(audioFrame(counted(5), 8_000));
  const copy = first!.data.slice();
  cutter.push(audioFrame(counted(5, 100), 8_000));
  assert.deepEqual(first!.data, copy);
});

test("a length that is none is refused", () => {
  for (const bad of [0, -1, NaN, Infinity]) {
    assert.throws(() => frameCutter({ samples: bad }), has("stream.bad_option"));
    assert.throws(() => frameCutter({ durationMs: bad }), has("stream.bad_option"));
  }
  assert.throws(() => frameCutter({ samples: 1.5 }), has("stream.bad_option"));
  // @ts-expect-error neither
  assert.throws(() => frameCutter({}), has("stream.bad_option"));
  // @ts-expect-error both
  (() => frameCutter({ samples: 1, durationMs: 1 }));
});

test("bytes in arbitrary pieces become the same frames", () => {
  fc.assert(
    fc.property(
      fc.int16Array({ maxLength: 900 }),
      fc.array(fc.nat(400)),
      fc.integer({ min: 1, max: 2 }),
      (given, cuts, channels) => {
        const samples = given.subarray(0, given.length - (given.length % channels));
        const bytes = int16ToBytes(samples);
        const reader = pcmFrames({ sampleRate: 8_000, channels, durationMs: 10 });
        const frames: AudioFrame[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          frames.push(...reader.push(bytes.subarray(at, at + cut)));
          at += cut;
        }
        frames.push(...reader.flush());
        assert.deepEqual(concatSamples(frames.map((frame) => frame.data)), Int16Array.from(samples));
        assert.ok(lengths(frames).slice(0, -1).every((length) => length === 80));
      },
    ),
  );
});

test("half a sample at the end is dropped", () => {
  const reader = pcmFrames({ sampleRate: 8_000 });
  reader.push(Uint8Array.of(1, 0, 2));
  assert.deepEqual(reader.flush().map((frame) => [...frame.data]), [[1]]);
  reader.push(Uint8Array.of(3, 0));
  assert.deepEqual(reader.flush().map((frame) => [...frame.data]), [[3]], "and does not spoil what comes after");
});

test("frames join when they are alike, and one is itself", () => {
  const one = audioFrame(counted(2), 8_000);
  assert.equal(concatFrames([one]), one);
  assert.deepEqual([...concatFrames([one, audioFrame(counted(2, 2), 8_000)]).data], [0, 1, 2, 3]);
  assert.throws(() => concatFrames([]), has("audio.empty"));
  assert.throws(() => concatFrames([one, audioFrame(counted(2), 16_000)]), has("audio.bad_frame"));
  assert.throws(() => concatFrames([one, audioFrame(counted(2), 8_000, 2)]), has("audio.bad_frame"));
});

test("a slice has what was asked for, as far as there is", () => {
  const frame = audioFrame(counted(10), 8_000, 2);
  assert.deepEqual([...sliceFrame(frame, 1, 3).data], [2, 3, 4, 5]);
  assert.deepEqual([...sliceFrame(frame, 4).data], [8, 9]);
  assert.deepEqual([sliceFrame(frame, 9, 12), sliceFrame(frame, 3, 1)].map((part) => part.samplesPerChannel), [0, 0]);
  assert.equal(sliceFrame(frame, -5, 99).samplesPerChannel, 5);
});

test("silence is as long as asked for, in every channel", () => {
  const frame = silence(20, 48_000, 2);
  assert.deepEqual([frame.samplesPerChannel, frame.data.length], [960, 1_920]);
  assert.ok(frame.data.every((sample) => sample === 0));
  assert.equal(silence(-1, 48_000).samplesPerChannel, 0);
});

test("a frame becomes mono by averaging", () => {
  const mono = audioFrame(counted(2), 8_000);
  assert.equal(monoFrame(mono), mono);
  assert.deepEqual(monoFrame(audioFrame(Int16Array.of(1, 3, 5, 7), 8_000, 2)), audioFrame(Int16Array.of(2, 6), 8_000));
});
