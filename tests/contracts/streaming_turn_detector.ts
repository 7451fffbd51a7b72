/**
 * What every detector that judges turns by their sound must do. A detector passes `streamingTurnDetectorContract`, on every runtime.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { audioFrame } from "../../src/audio/frame.ts";
import { FLUSH } from "../../src/model/marks.ts";
import type { StreamingTurnDetector, TurnDetectionInput, TurnPrediction } from "../../src/model/turn_detector.ts";
import { framesOf, speechFixture } from "./vad.ts";

/** Gives a detector all parts, closes its input, and takes what it says. */
export async function judge(
  detector: StreamingTurnDetector,
  parts: readonly TurnDetectionInput[],
): Promise<TurnPrediction[]> {
  const waiting = [...parts];
  const source = new ReadableStream<TurnDetectionInput>({
    pull(controller) {
      const part = waiting.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
  const answers: TurnPrediction[] = [];
  for await (const answer of source.pipeThrough(detector.stream())) answers.push(answer);
  return answers;
}

const predict = (id: number): TurnDetectionInput => ({ type: "predict", id });
const cancel: TurnDetectionInput = { type: "cancel", timedOut: false };

/** Registers the tests. */
export function streamingTurnDetectorContract(
  name: string,
  make: () => StreamingTurnDetector & Partial<AsyncDisposable>,
): void {
  const detector = make();

  test(`${name}: says what it is`, () => {
    assert.equal(detector.kind, "streaming_turn_detector");
    assert.ok(detector.model !== "" && detector.provider !== "");
    const threshold = detector.unlikelyThreshold("en");
    assert.ok(threshold === undefined || (threshold >= 0 && threshold <= 1));
  });

  test(`${name}: answers each question once, with its id and a probability`, async () => {
    const { samples } = await speechFixture();
    const frames = framesOf(samples.subarray(0, 3 * 16_000));
    const answers = [
      ...await judge(detector, [...frames, predict(7)]),
      ...await judge(detector, [predict(8)]), // nothing was heard
    ];
    assert.deepEqual(answers.map(({ id }) => id), [7, 8]);
    for (const { probability, inferenceDurationMs } of answers) {
      assert.ok(probability >= 0 && probability <= 1, `${probability}`);
      assert.ok(inferenceDurationMs >= 0);
    }
  });

  test(`${name}: only the newest question is answered`, async () => {
    const { samples } = await speechFixture();
    const frames = framesOf(samples.subarray(0, 16_000));
    const answers = await judge(detector, [...frames, predict(1), predict(2), predict(3)]);
    assert.deepEqual(answers.map(({ id }) => id), [3]);
  });

  test(`${name}: a question that is called off, or whose turn is over, is not answered`, async () => {
    const frame = audioFrame(new Int16Array(1_600), 16_000);
    assert.deepEqual(await judge(detector, [frame, predict(1), cancel]), []);
    assert.deepEqual(await judge(detector, [frame, predict(1), FLUSH]), []);
  });

  test(`${name}: what was heard before a flush belongs to another turn`, async () => {
    const { samples } = await speechFixture();
    const before = framesOf(samples.subarray(0, 2 * 16_000));
    const after = framesOf(samples.subarray(4.5 * 16_000, 7 * 16_000));
    const [flushed] = await judge(detector, [...before, FLUSH, ...after, predict(1)]);
    const [alone] = await judge(detector, [...after, predict(1)]);
    assert.ok(Math.abs(flushed!.probability - alone!.probability) < 1e-6);
  });

  test(`${name}: sound goes on being taken while it thinks`, async () => {
    const stream = detector.stream();
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    const answer = reader.read();
    await writer.write(audioFrame(new Int16Array(8_000), 16_000));
    const asked = writer.write(predict(1));
    const heard = Array.from({ length: 50 }, () => writer.write(audioFrame(new Int16Array(320), 16_000)));
    await Promise.all([asked, ...heard]);
    assert.equal((await answer).value?.id, 1);
    await writer.close();
    assert.equal((await reader.read()).done, true);
  });

  test(`${name}: takes any sample rate and number of channels, and frames without samples`, async () => {
    const answers = await judge(detector, [
      audioFrame(new Int16Array(0), 48_000),
      audioFrame(new Int16Array(2 * 4_800).fill(500), 48_000, 2),
      audioFrame(new Int16Array(800).fill(500), 8_000),
      audioFrame(new Int16Array(2_205), 22_050),
      predict(1),
    ]);
    assert.equal(answers.length, 1);
  });

  test(`${name}: ends with its signal, and with its reader`, async () => {
    const abort = new AbortController();
    const aborted = detector.stream({ signal: abort.signal });
    const writer = aborted.writable.getWriter();
    writer.closed.catch(() => {});
    const read = aborted.readable.getReader().read();
    await writer.write(predict(1)).catch(() => {});
    abort.abort(new Error("enough"));
    await assert.rejects(read, /enough/);

    const cancelled = detector.stream();
    const other = cancelled.writable.getWriter();
    other.closed.catch(() => {});
    const reader = cancelled.readable.getReader();
    void reader.read();
    await other.write(predict(1));
    await reader.cancel();

    const [answer] = await judge(detector, [predict(9)]); // the detector itself goes on
    assert.equal(answer?.id, 9);
    await assert.rejects(
      detector.stream({ signal: AbortSignal.abort(new Error("before")) }).readable.getReader().read(),
      /before/,
    );
  });

  test(`${name}: can be put away`, async () => await detector[Symbol.asyncDispose]?.());
}
