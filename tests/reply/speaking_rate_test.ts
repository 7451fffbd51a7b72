import { test } from "node:test";
import assert from "node:assert/strict";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { seededRandom } from "../../src/base/random.ts";
import { rateCurve } from "../../src/reply/rate_curve.ts";
import { type SpeakingRate, speakingRateMeter } from "../../src/reply/speaking_rate.ts";

const sound = (rateHz: number, ms: number, level: (seconds: number) => number): AudioFrame =>
  audioFrame(
    Int16Array.from({ length: (rateHz * ms) / 1000 }, (_, index) => Math.round(32_767 * level(index / rateHz))),
    rateHz,
  );

const steady = (t: number): number => 0.5 * Math.sin(2 * Math.PI * 440 * t);
const swelling = (t: number): number => steady(t) * 0.5 * (1 + Math.sin(2 * Math.PI * 4 * t));

/** Noise with a normal distribution, by adding twelve even ones. */
const noise = (sigma: number): () => number => {
  const random = seededRandom(7);
  return () => sigma * (Array.from({ length: 12 }, () => random()).reduce((sum, value) => sum + value, 0) - 6);
};

const measure = (frames: readonly AudioFrame[]): SpeakingRate[] => {
  const meter = speakingRateMeter();
  return [...frames.flatMap((frame) => meter.push(frame)), ...meter.flush()];
};

const CHECKS: [name: string, level: (t: number) => number, expected: number, within: number][] = [
  ["a steady tone", steady, 0, 0.01],
  ["a tone that swells four times a second", swelling, 0.82, 0.025],
  ["noise", noise(0.1), 10.4, 0.3],
  ["silence", () => 0, 0, 0],
  ["noise below the threshold", noise(0.004), 0, 0],
];
for (const [name, level, expected, within] of CHECKS) {
  test(`a second of ${name} at 16 kHz has the rate ${expected}`, () => {
    const rates = measure([sound(16_000, 1_000, level)]);
    assert.equal(rates[0]?.atMs, 500);
    const rate = rates[0]?.rate ?? NaN;
    assert.ok(Math.abs(rate - expected) <= within, `rate ${rate}`);
  });
}

test("a window that ends in silence counts as silence", () => {
  const rates = measure([sound(16_000, 1_000, (t) => t < 0.7 ? swelling(t) : 0)]);
  assert.equal(rates[0]?.rate, 0);
});

test("windows of a second move by 100 ms, and the rest counts when it is longer than half a window", () => {
  const times = (ms: number): number[] => measure([sound(16_000, ms, swelling)]).map(({ atMs }) => atMs);
  assert.deepEqual(times(400), []);
  assert.deepEqual(times(600), [1_100]);
  assert.deepEqual(times(1_200), [500, 600, 700, 1_700]);
});

for (const rateHz of [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]) {
  test(`the same sound in blocks of any size has the same rates, at ${rateHz} Hz`, () => {
    const all = sound(rateHz, 2_300, (t) => swelling(t) * (t % 1));
    const expected = measure([all]);
    assert.ok(
      expected.length >= 14 && expected.every(({ rate }) => rate >= 0) && expected.some(({ rate }) => rate > 0),
    );
    for (const size of [1, 7, 480, 4_001]) {
      const frames: AudioFrame[] = [];
      for (let from = 0; from < all.data.length; from += size) {
        frames.push(audioFrame(all.data.slice(from, from + size), rateHz));
      }
      assert.deepEqual(measure(frames), expected);
    }
  });
}

test("channels are averaged, and frames of another rate are left out", () => {
  const mono = sound(16_000, 1_000, swelling);
  const stereo = audioFrame(
    Int16Array.from({ length: mono.data.length * 2 }, (_, index) => mono.data[index >> 1] ?? 0),
    16_000,
    2,
  );
  assert.deepEqual(measure([stereo]), measure([mono]));
  assert.deepEqual(measure([mono, sound(8_000, 1_000, steady)]), measure([mono]));
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
