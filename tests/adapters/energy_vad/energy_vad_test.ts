import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { energyVAD, type EnergyVADOptions } from "../../../adapters/energy_vad/energy_vad.ts";
import { AgentError } from "../../../src/base/error.ts";
import { boundariesOf, framesOf, hear, speechFixture, vadContract } from "../../contracts/vad.ts";

vadContract("energy", { make: () => energyVAD(), toleranceMs: 96 });

const RATE = 16_000;

/** Even noise, the same each time: `loudest` is its largest sample. */
function noise(seconds: number, loudest: number): Int16Array {
  let dice = 7;
  return Int16Array.from({ length: seconds * RATE }, () => {
    dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
    return (dice >>> 16) % (2 * loudest + 1) - loudest;
  });
}

const plus = (a: Int16Array, b: Int16Array): Int16Array =>
  a.map((sample, index) => Math.max(-32_768, Math.min(32_767, sample + (b[index] ?? 0))));

test("silence, faint noise and hum are no speech", async () => {
  const hum = Int16Array.from(
    { length: 5 * RATE },
    (_, index) => Math.round(2_000 * Math.sin(2 * Math.PI * 50 * index / RATE)),
  );
  for (const sound of [new Int16Array(5 * RATE), noise(5, 60), hum.map((sample) => sample / 4)]) {
    assert.deepEqual(boundariesOf(await hear(energyVAD(), framesOf(sound))), []);
  }
});

test("noise that is there from the beginning is known within a second", async () => {
  const found = boundariesOf(await hear(energyVAD(), framesOf(noise(10, 3_000))));
  assert.deepEqual(found.map(([type]) => type), ["start_of_speech", "end_of_speech"]);
  assert.ok(found[1]![1] <= 1_000);
});

test("noise that begins later is known within four seconds, and speech is heard above it", async () => {
  const { samples, segments } = await speechFixture();
  const quiet = new Int16Array(2 * RATE);
  const loud = noise(6, 300);
  const before = Int16Array.from([...quiet, ...loud]);
  const speech = plus(samples, noise(samples.length / RATE + 1, 300));

  const found = boundariesOf(await hear(energyVAD(), framesOf(Int16Array.from([...before, ...speech]))));

  const afterwards = found.filter(([, at]) => at > 6_000);
  assert.deepEqual(afterwards.map(([type]) => type), segments.flatMap(() => ["start_of_speech", "end_of_speech"]));
  for (const [index, { startMs }] of segments.entries()) {
    assert.ok(Math.abs(afterwards[2 * index]![1] - 8_000 - startMs) <= 160);
  }
});

test("speech from the first sample on is heard at its first pause", async () => {
  const { samples, segments } = await speechFixture();
  const found = boundariesOf(await hear(energyVAD(), framesOf(samples.slice((segments[0]!.startMs * RATE) / 1000))));
  assert.equal(found[0]?.[0], "start_of_speech");
  assert.ok(found[0]![1] <= 500);
});

test("probabilities are the same to the last bit on every runtime", async () => {
  const { samples } = await speechFixture();
  const events = await hear(energyVAD(), framesOf(samples, { sizes: [480] }));
  const bytes = new Uint8Array(Float64Array.from(events, ({ probability }) => probability).buffer);
  assert.equal(createHash("sha256").update(bytes).digest("hex").slice(0, 16), "e88b2b9dc6850af8");
});

test("a harder threshold takes less for speech", async () => {
  const { samples } = await speechFixture();
  const count = async (options: EnergyVADOptions): Promise<number> =>
    (await hear(energyVAD(options), framesOf(samples))).filter(({ speaking }) => speaking).length;
  assert.ok(await count({ speechToNoise: 1_000 }) < await count({}));
  assert.equal(await count({ speechToNoise: 1e9 }), 0);
});

test("settings change the streams that run, and make sense or are refused", async () => {
  const vad = energyVAD();
  vad.updateOptions({ minSilenceDuration: 320 });
  assert.equal(vad.capabilities.minSilenceDurationMs, 320);
  const isRefused = (error: unknown): boolean => error instanceof AgentError && error.code === "model.bad_option";
  assert.throws(() => vad.updateOptions({ minSilenceDuration: -1 }), isRefused);
  assert.equal(vad.capabilities.minSilenceDurationMs, 320, "a refused change leaves all as it was");
  for (const speechToNoise of [1, 0, Number.NaN, Infinity]) {
    assert.throws(() => energyVAD({ speechToNoise }), isRefused);
  }
});
