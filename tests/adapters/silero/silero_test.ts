import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { virtualClock } from "../../../adapters/runtime/virtual.ts";
import { type SileroOptions, sileroVAD } from "../../../adapters/silero/silero.ts";
import { openSilero, sileroJudge } from "../../../adapters/silero/model.ts";
import { AgentError } from "../../../src/base/error.ts";
import { boundariesOf, framesOf, hear, speechFixture, timeless, vadContract } from "../../contracts/vad.ts";

vadContract("silero", { make: () => sileroVAD(), toleranceMs: 128 });
vadContract("silero at 8,000 Hz", { make: () => sileroVAD({ sampleRate: 8_000 }), toleranceMs: 128 });

/** What native onnxruntime said about the same sound: see `scripts/silero_reference.py`. */
interface Reference {
  readonly audioSha256: string;
  readonly weightsSha256: string;
  readonly boundaries: [string, number][];
  readonly probabilities: number[];
  readonly probabilitiesAt8k: number[];
}

const fixtures = new URL("../../fixtures/", import.meta.url);
const reference: Reference = JSON.parse(await readFile(new URL("silero_reference.json", fixtures), "utf8"));
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("the reference was made of the sound and the weights that are here", async () => {
  const weights = new URL(import.meta.resolve("@ricky0123/vad-web/dist/silero_vad_v5.onnx"));
  assert.equal(sha256(await readFile(new URL("speech_16k.wav", fixtures))), reference.audioSha256);
  assert.equal(sha256(await readFile(weights)), reference.weightsSha256);
});

for (
  const [sampleRate, expected] of [[16_000, reference.probabilities], [8_000, reference.probabilitiesAt8k]] as const
) {
  test(`probabilities at ${sampleRate} Hz are within 0.001 of native onnxruntime's`, async () => {
    const { samples } = await speechFixture();
    const heard = sampleRate === 16_000 ? samples : samples.filter((_, index) => index % 2 === 0);
    const model = await openSilero(undefined);
    const judge = sileroJudge({ sampleRate, model: async () => model });

    assert.equal(Math.floor(heard.length / judge.windowSize), expected.length);
    for (const [index, probability] of expected.entries()) {
      const at = index * judge.windowSize;
      const found = await judge.judge(heard.slice(at, at + judge.windowSize));
      assert.ok(Math.abs(found.probability - probability) <= 1e-3, `window ${index}: ${found.probability}`);
    }
    await model.session.release();
  });
}

test("speech begins and ends in the windows that native onnxruntime's probabilities imply", async () => {
  const { samples } = await speechFixture();
  await using vad = sileroVAD();

  const found = boundariesOf(await hear(vad, framesOf(samples)));

  assert.deepEqual(found, reference.boundaries);
});

test("the sound of a segment is its padding, its speech and the silence that ended it", async () => {
  const { samples } = await speechFixture();
  await using vad = sileroVAD();

  const events = await hear(vad, framesOf(samples));

  const [start, end] = events.filter(({ type }) => type !== "inference_done");
  const startAt = (start!.timestampMs - start!.speechDurationMs - 500) * 16;
  assert.deepEqual(start!.frames![0]!.data, samples.slice(startAt, start!.timestampMs * 16));
  assert.deepEqual(end!.frames![0]!.data, samples.slice(startAt, end!.timestampMs * 16));
  assert.equal(end!.frames!.length, 1);
  const windows = events.filter(({ type }) => type === "inference_done").flatMap(({ frames }) => frames!);
  assert.deepEqual(Int16Array.from(windows.flatMap(({ data }) => [...data])), samples.slice(0, windows.length * 512));
});

test("settings change the streams that run", async () => {
  const { samples } = await speechFixture();
  await using vad = sileroVAD();
  const { readable, writable } = vad.stream();
  const writer = writable.getWriter();
  vad.updateOptions({ minSilenceDuration: 250 });
  assert.equal(vad.capabilities.minSilenceDurationMs, 250);

  void writer.write(framesOf(samples, { sizes: [samples.length] })[0]!).then(() => writer.close());
  const ends: number[] = [];
  for await (const event of readable) if (event.type === "end_of_speech") ends.push(event.silenceDurationMs);

  assert.deepEqual(ends, [256, 256, 256]); // the pause at the comma is long enough now
});

test("a virtual clock stands still while the network works, and goes on by the time it took", async () => {
  const { samples } = await speechFixture();
  const clock = virtualClock();
  await using vad = sileroVAD({ clock });
  await clock.until(vad.prewarm!());
  const loadedAt = clock.now();

  const events = await clock.until(hear(vad, framesOf(samples.slice(0, 16_000))));

  assert.ok(loadedAt > 0);
  assert.ok(clock.now() > loadedAt);
  assert.equal(clock.armed, 0);
  await using plain = sileroVAD();
  assert.deepEqual(timeless(events), timeless(await hear(plain, framesOf(samples.slice(0, 16_000)))));
});

test("a long frame does not hold up the event loop", async () => {
  const { samples } = await speechFixture();
  await using vad = sileroVAD();
  await vad.prewarm!();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);

  const events = await hear(vad, framesOf(samples, { sizes: [samples.length] }));

  clearInterval(timer);
  assert.ok(events.length > 200);
  assert.ok(turns >= 5, `${turns} turns of the event loop in ${events.length} windows`);
});

test("settings that make no sense are refused at once, by name", () => {
  const cases: [SileroOptions, RegExp][] = [
    [{ sampleRate: 44_100 as 16_000 }, /`sampleRate` must be 8,000 or 16,000 Hz: current value is 44100$/],
    [{ activationThreshold: 0 }, /`activationThreshold` must be above 0 and up to 1: current value is 0$/],
    [{ activationThreshold: 50 }, /`activationThreshold` must be above 0 and up to 1: current value is 50$/],
    [{ deactivationThreshold: 0 }, /`deactivationThreshold` must be above 0: current value is 0$/],
    [
      { minSpeechDuration: -1 },
      /`minSpeechDuration` must be a number of milliseconds, at least 0: current value is -1$/,
    ],
    [{ minSilenceDuration: Number.NaN }, /`minSilenceDuration` must be a number of milliseconds/],
    [{ prefixPaddingDuration: Infinity }, /`prefixPaddingDuration` must be a number of milliseconds/],
    [{ maxBufferedSpeech: -60 }, /`maxBufferedSpeech` must be a number of milliseconds/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => sileroVAD(options), (error) => {
      assert.ok(error instanceof AgentError);
      assert.equal(error.code, "model.bad_option");
      assert.match(error.message, message);
      return true;
    });
  }
});

test("weights that are not there fail the stream and `prewarm`, and may be there later", async () => {
  const { samples } = await speechFixture();
  let isThere = false;
  const file = new URL(import.meta.resolve("@ricky0123/vad-web/dist/silero_vad_v6.onnx"));
  await using vad = sileroVAD({
    weights: async () => isThere ? await readFile(file) : await Promise.reject(new Error("not yet")),
  });
  const isMissing = (error: unknown): boolean => error instanceof AgentError && error.code === "weights.missing";
  await assert.rejects(vad.prewarm!(), isMissing);
  await assert.rejects(hear(vad, framesOf(samples)), isMissing);

  isThere = true;

  assert.equal(boundariesOf(await hear(vad, framesOf(samples))).length, 4);
});

test("a closed detector says so", async () => {
  const { samples } = await speechFixture();
  const vad = sileroVAD();
  await vad.prewarm!();

  await Promise.all([vad.close(), vad.close()]);

  const isClosed = (error: unknown): boolean => error instanceof AgentError && error.code === "model.closed";
  await assert.rejects(hear(vad, framesOf(samples)), isClosed);
  await assert.rejects(vad.prewarm!(), isClosed);
});
