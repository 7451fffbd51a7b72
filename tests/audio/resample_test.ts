import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { resampleFrames, resampler } from "../../src/audio/resample.ts";

const RATES = [8_000, 16_000, 24_000, 48_000] as const;
const PAIRS: readonly (readonly [from: number, to: number])[] = [
  ...RATES.flatMap((from) => RATES.filter((to) => to !== from).map((to) => [from, to] as const)),
  [22_050, 16_000],
  [22_050, 48_000],
  [44_100, 16_000],
  [44_100, 48_000],
  [48_000, 44_100],
  [11_025, 8_000],
];

const sine = (hz: number, rate: number, samples: number, amplitude = 30_000): Int16Array =>
  Int16Array.from({ length: samples }, (_, n) => Math.round(amplitude * Math.sin((2 * Math.PI * hz * n) / rate)));

/** Fits a tone of `hz`: its amplitude, and the root mean square of all else. */
function fit(samples: Int16Array, hz: number, rate: number): { readonly tone: number; readonly rest: number } {
  let [ss, sc, cc, ys, yc] = [0, 0, 0, 0, 0];
  samples.forEach((y, n) => {
    const s = Math.sin((2 * Math.PI * hz * n) / rate);
    const c = Math.cos((2 * Math.PI * hz * n) / rate);
    ss += s * s;
    sc += s * c;
    cc += c * c;
    ys += y * s;
    yc += y * c;
  });
  const det = ss * cc - sc ** 2;
  const a = (ys * cc - yc * sc) / det;
  const b = (yc * ss - ys * sc) / det;
  let rest = 0;
  samples.forEach((y, n) => {
    const angle = (2 * Math.PI * hz * n) / rate;
    rest += (y - a * Math.sin(angle) - b * Math.cos(angle)) ** 2;
  });
  return { tone: Math.hypot(a, b), rest: Math.sqrt(rest / samples.length) };
}

function whole(from: number, to: number, samples: Int16Array, channels = 1): Int16Array {
  const rate = resampler({ from, to, channels });
  return joined([rate.push(samples), rate.flush()]);
}

function joined(blocks: readonly Int16Array[]): Int16Array {
  return Int16Array.from(blocks.flatMap((block) => [...block]));
}

/** The middle, where neither the silence before nor the one behind reaches. */
const middle = (samples: Int16Array): Int16Array => samples.subarray(300, samples.length - 300);

const decibels = (ratio: number): number => 20 * Math.log10(ratio);

test("a tone in the band comes out with its own frequency, phase and level", () => {
  for (const [from, to] of PAIRS) {
    const hz = 1_000;
    const output = whole(from, to, sine(hz, from, from / 5));
    const expected = sine(hz, to, output.length);
    const furthest = middle(output).reduce(
      (most, value, n) => Math.max(most, Math.abs(value - middle(expected)[n]!)),
      0,
    );
    assert.ok(furthest <= 30, `${from} to ${to}: off by ${furthest} of 30000`);
  }
});

test("what the lower rate cannot hold is at least 60 dB down", () => {
  for (const [from, to] of PAIRS.filter(([from, to]) => from > to)) {
    for (const part of [1.001, 1.01, 1.03, 1.06, 1.1, 1.25, 1.5, 1.75, 1.99, 2.5, 2.9, 4.3]) {
      const hz = (part * to) / 2;
      if (hz >= from / 2) continue;
      const output = middle(whole(from, to, sine(hz, from, from / 5)));
      const alias = Math.sqrt(output.reduce((sum, value) => sum + value * value, 0) / output.length); // all that is left
      const down = decibels(30_000 / Math.SQRT2 / Math.max(alias, 0.3)); // 0.3: what rounding leaves
      assert.ok(down >= 60, `${hz} Hz from ${from} to ${to}: ${down.toFixed(1)} dB`);
    }
  }
});

test("raising the rate adds no images within 60 dB", () => {
  for (const [from, to] of PAIRS.filter(([from, to]) => from < to)) {
    for (const part of [0.03, 0.25, 0.5, 0.7, 0.8, 0.9, 0.99]) {
      const hz = (part * from) / 2;
      const { rest } = fit(middle(whole(from, to, sine(hz, from, from / 5))), hz, to);
      const down = decibels(30_000 / Math.SQRT2 / Math.max(rest, 0.3));
      assert.ok(down >= 60, `${hz} Hz from ${from} to ${to}: ${down.toFixed(1)} dB`);
    }
  }
});

test("up to 80 % of the lower band passes within 0.1 dB", () => {
  for (const [from, to] of PAIRS) {
    for (const part of [0.02, 0.2, 0.4, 0.6, 0.7, 0.8]) {
      const hz = (part * Math.min(from, to)) / 2;
      const { tone } = fit(middle(whole(from, to, sine(hz, from, from / 5))), hz, to);
      assert.ok(
        Math.abs(decibels(tone / 30_000)) <= 0.1,
        `${hz} Hz from ${from} to ${to}: ${decibels(tone / 30_000)} dB`,
      );
    }
  }
});

test("a rate that shares no divisor is off by no more than its table", () => {
  const output = whole(48_000, 16_001, sine(3_000, 48_000, 9_600));
  const { tone, rest } = fit(middle(output), 3_000, 16_001);
  assert.ok(Math.abs(decibels(tone / 30_000)) <= 0.1);
  assert.ok(decibels(tone / Math.SQRT2 / rest) >= 60);
});

test("20 ms frames come out as 20 ms frames, after the latency that is stated", () => {
  for (const [from, to] of PAIRS.filter(([from, to]) => from % 50 === 0 && to % 50 === 0)) {
    const rate = resampler({ from, to });
    const sizes = Array.from({ length: 10 }, () => rate.push(new Int16Array(from / 50)).length);
    const late = (sizes.length * to) / 50 - sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(
      Math.abs((late * 1000) / to - rate.latencyMs) <= 2000 / Math.min(from, to),
      `${from} to ${to}: ${late} samples`,
    );
    assert.ok(sizes.slice(1).every((size) => Math.abs(size - to / 50) <= 1), `${from} to ${to}: ${sizes}`);
    assert.equal(rate.flush().length, late);
  }
});

test("the loudest sound saturates and does not wrap around", () => {
  const square = Int16Array.from({ length: 4_800 }, (_, n) => (n % 96 < 48 ? 32_767 : -32_768));
  const output = whole(48_000, 16_000, square);
  output.forEach((value, n) => {
    const within = (n * 3) % 96;
    if (n > 40 && n < 1_560 && within > 9 && within < 39) assert.ok(value > 25_000, `${value} at ${n}`);
  });
});

test("silence stays silence, a constant stays what it is", () => {
  assert.ok(whole(8_000, 48_000, new Int16Array(800)).every((value) => value === 0));
  assert.ok(middle(whole(44_100, 16_000, new Int16Array(4_410).fill(1_234))).every((value) => value === 1_234));
});

test("the same samples come out on every runtime", () => {
  let seed = 1;
  const noise = Int16Array.from({ length: 4_410 }, () => (seed = (seed * 48_271) % 2_147_483_647) >> 15);
  const hash = (samples: Int16Array): number => samples.reduce((sum, value) => (Math.imul(sum, 31) + value) | 0, 7);
  assert.equal(hash(whole(44_100, 16_000, noise)), 1_057_292_609);
  assert.equal(hash(whole(8_000, 48_000, noise)), 1_355_847_183);
  assert.equal(hash(whole(48_000, 16_001, noise)), -943_328_558);
});

test("equal rates pass the block itself", () => {
  const rate = resampler({ from: 16_000, to: 16_000, channels: 2 });
  const block = Int16Array.of(1, 2, 3, 4);
  assert.equal(rate.push(block), block);
  assert.equal(rate.latencyMs, 0);
  assert.equal(rate.flush().length, 0);
});

test("nothing in, nothing out", () => {
  const rate = resampler({ from: 48_000, to: 16_000 });
  assert.equal(rate.push(new Int16Array(0)).length, 0);
  assert.equal(rate.flush().length, 0);
  assert.deepEqual([...joined([rate.push(Int16Array.of(0)), rate.flush()])], [0]);
});

test("channels do not mix", () => {
  const left = sine(500, 24_000, 2_400);
  const right = sine(1_700, 24_000, 2_400, 9_000);
  const both = new Int16Array(4_800);
  left.forEach((value, n) => (both[2 * n] = value));
  right.forEach((value, n) => (both[2 * n + 1] = value));
  const output = whole(24_000, 16_000, both, 2);
  assert.deepEqual(output.filter((_, n) => n % 2 === 0), whole(24_000, 16_000, left));
  assert.deepEqual(output.filter((_, n) => n % 2 === 1), whole(24_000, 16_000, right));
});

test("flush starts anew: the next run of sound is as if it were the first", () => {
  const rate = resampler({ from: 48_000, to: 16_000 });
  const sound = sine(440, 48_000, 1_000);
  const first = joined([rate.push(sound), rate.flush()]);
  const second = joined([rate.push(sound), rate.flush()]);
  assert.deepEqual(first, second);
});

test("any block size gives the same samples, and as many as the time asks for", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PAIRS, [48_000, 16_001] as const),
      fc.constantFrom(1, 2),
      fc.array(fc.nat({ max: 1_500 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 2 ** 30 }),
      ([from, to], channels, sizes, seed) => {
        let dice = seed;
        const blocks = sizes.map((size) =>
          Int16Array.from({ length: size * channels }, () => (dice = (dice * 48_271) % 2_147_483_647) >> 15)
        );
        const rate = resampler({ from, to, channels });
        const split = joined([...blocks.map((block) => rate.push(block)), rate.flush()]);
        assert.deepEqual(split, whole(from, to, joined(blocks), channels));
        const samples = sizes.reduce((sum, size) => sum + size, 0);
        assert.equal(split.length, Math.ceil((samples * to) / from) * channels);
      },
    ),
    { numRuns: 60 },
  );
});

test("frames of any rate come out at one rate, and a change of rate loses nothing", () => {
  const rate = resampleFrames(16_000);
  const frames = [
    audioFrame(sine(300, 48_000, 960), 48_000),
    audioFrame(sine(300, 48_000, 960), 48_000),
    audioFrame(sine(300, 8_000, 160), 8_000),
    audioFrame(sine(300, 16_000, 320), 16_000),
    audioFrame(sine(300, 24_000, 960), 24_000, 2),
  ];
  const output = [...frames.flatMap((frame) => rate.push(frame)), ...rate.flush()];
  assert.ok(output.every((frame) => frame.sampleRate === 16_000 && frame.data.length > 0));
  const length = (channels: number): number =>
    output.filter((frame) => frame.channels === channels).reduce((sum, frame) => sum + frame.samplesPerChannel, 0);
  assert.equal(length(1), 640 + 320 + 320);
  assert.equal(length(2), 320);
  assert.ok(output.some((frame) => frame === frames[3]), "a frame of the right rate passes untouched");
});

test("a frame without samples passes through at the new rate", () => {
  const rate = resampleFrames(16_000);
  const empty: AudioFrame = audioFrame(new Int16Array(0), 48_000);
  assert.deepEqual(rate.push(empty), [{ data: empty.data, sampleRate: 16_000, channels: 1, samplesPerChannel: 0 }]);
  assert.deepEqual(rate.flush(), []);
});

test("a bad rate, a bad number of channels and a torn block are refused", () => {
  const refuses = (code: string, body: () => unknown): void =>
    assert.throws(body, (error) => error instanceof AgentError && error.code === code);
  for (const bad of [0, -1, 3_999, 192_001, 16_000.5, NaN, Infinity]) {
    refuses("audio.bad_rate", () => resampler({ from: bad, to: 16_000 }));
    refuses("audio.bad_rate", () => resampler({ from: 16_000, to: bad }));
    refuses("audio.bad_rate", () => resampleFrames(bad));
  }
  refuses("audio.bad_rate", () => resampleFrames(16_000).push(audioFrame(new Int16Array(4), 12)));
  for (const bad of [0, -1, 1.5, NaN]) {
    refuses("audio.bad_frame", () => resampler({ from: 8_000, to: 16_000, channels: bad }));
  }
  refuses("audio.bad_frame", () => resampler({ from: 8_000, to: 16_000, channels: 2 }).push(new Int16Array(3)));
  refuses("audio.bad_frame", () => resampler({ from: 8_000, to: 8_000, channels: 2 }).push(new Int16Array(3)));
});
