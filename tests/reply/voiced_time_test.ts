import { test } from "node:test";
import assert from "node:assert/strict";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { rateCurve } from "../../src/reply/rate_curve.ts";
import { voicedTime } from "../../src/reply/voiced_time.ts";

const sound = (rateHz: number, ms: number, level: (seconds: number) => number, channels = 1): AudioFrame =>
  audioFrame(
    Int16Array.from(
      { length: (rateHz * ms * channels) / 1000 },
      (_, index) => Math.round(32_767 * level(Math.floor(index / channels) / rateHz)),
    ),
    rateHz,
    channels,
  );
const tone = (t: number): number => 0.3 * Math.sin(2 * Math.PI * 220 * t);
const measure = (frames: readonly AudioFrame[], at: readonly number[]): number[] => {
  const voiced = voicedTime();
  for (const frame of frames) voiced.push(frame);
  voiced.end();
  return at.map((ms) => Math.round(voiced.curve.at(ms)));
};

for (const rateHz of [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]) {
  test(`a voice that pauses for a second is measured without it, at ${rateHz} Hz and in frames of any size`, () => {
    const all = sound(rateHz, 3_000, (t) => t < 1 || t >= 2 ? tone(t) : 0);
    const at = [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000];
    const expected = measure([all], at);
    for (const [index, ms] of [0, 500, 1_000, 1_000, 1_000, 1_500, 2_000].entries()) {
      assert.ok(Math.abs((expected[index] as number) - ms) <= 20, `${expected}`);
    }
    for (const size of [1, 7, 480, 4_001]) {
      const frames: AudioFrame[] = [];
      for (let from = 0; from < all.data.length; from += size) {
        frames.push(audioFrame(all.data.slice(from, from + size), rateHz));
      }
      assert.deepEqual(measure(frames, at), expected);
    }
  });
}

test("what is softer than half a percent of full scale is silence; channels are one voice", () => {
  assert.deepEqual(measure([sound(16_000, 1_000, (t) => tone(t) / 100)], [1_000]), [0]);
  assert.deepEqual(measure([sound(16_000, 1_000, tone, 2)], [500, 1_000]), [500, 1_000]);
});

test("a last piece that is not whole counts at the end", () => {
  assert.deepEqual(measure([sound(16_000, 30, tone)], [30]), [30]);
});

test("a curve adds up what grows at changing rates", () => {
  const curve = rateCurve();
  assert.equal(curve.at(1), 0);
  assert.equal(curve.isEmpty, true);
  for (const [time, rate] of [[0.5, 4], [0.6, 6], [0.7, 0]] as const) curve.add(time, rate);
  const at = [0.2, 0.5, 0.55, 0.6, 0.65, 0.7, 1].map((time) => Number(curve.at(time).toFixed(9)));
  assert.deepEqual(at, [0, 2, 2.3, 2.6, 2.6, 2.6, 2.6]);
  assert.equal(Number(curve.timeOf(2.3).toFixed(9)), 0.55);
  assert.equal(curve.timeOf(9), 0.7);
});

test("a rate that goes on lengthens the curve and does not change it", () => {
  const [once, often] = [rateCurve(), rateCurve()];
  once.add(10, 0);
  once.add(100, 2);
  for (let time = 1; time <= 100; time++) often.add(time, time <= 10 ? 0 : 2);
  for (let time = 0; time <= 120; time += 5) assert.equal(often.at(time), time <= 10 ? 0 : 2 * (time - 10));
  assert.equal(often.at(50), once.at(100) - 100);
  assert.equal(often.timeOf(80), 50);
});
