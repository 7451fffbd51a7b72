/** A detector of interruptions made of a model that judges sound: section 12.2 of the turn-taking specification. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { audioFrame } from "../../src/audio/frame.ts";
import { AgentError } from "../../src/base/error.ts";
import type { InterruptionInput, InterruptionVerdict } from "../../src/model/interruption_detector.ts";
import { overlapDetector, type OverlapDetectorOptions, type OverlapJudge } from "../../src/model/overlap_detector.ts";

const RATE = 16_000;
/** 20 ms of sound each, whose samples say how much came before them, in frames. */
const frames = (count: number, first = 0): InterruptionInput[] =>
  Array.from({ length: count }, (_, i) => audioFrame(new Int16Array(320).fill(first + i), RATE));
const started = (id: number, speechDurationMs = 100): InterruptionInput => ({
  type: "overlap_started",
  id,
  speechDurationMs,
});
const ended = (id: number, agentEnded = false): InterruptionInput => ({ type: "overlap_ended", id, agentEnded });
const AGENT: InterruptionInput = { type: "agent_started" };

/** Feeds parts, letting the judge answer between them. */
async function feed(
  parts: readonly InterruptionInput[],
  judge: OverlapJudge,
  options: Partial<OverlapDetectorOptions> = {},
): Promise<{ readonly verdicts: readonly InterruptionVerdict[]; readonly error: unknown }> {
  const { readable, writable } = overlapDetector({ model: "m", provider: "p", judge, ...options }).stream();
  const verdicts: InterruptionVerdict[] = [];
  const reading = (async () => {
    for await (const verdict of readable) verdicts.push(verdict);
  })().then(() => undefined, (error: unknown) => error);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  for (const part of parts) {
    await writer.write(part).catch(() => {});
    await Promise.resolve();
  }
  await writer.close().catch(() => {});
  return { verdicts, error: await reading };
}

test("the first answer over the threshold is the verdict, while the overlap lasts", async () => {
  const answers = [0.2, 0.4, 0.7, 0.9];
  const { verdicts } = await feed(
    [AGENT, ...frames(50), started(1), ...frames(30), ended(1)],
    () => ({ probability: answers.shift() ?? 0, durationMs: 7 }),
  );
  assert.equal(verdicts.length, 1);
  const { detectionDelayMs, ...rest } = verdicts[0]!;
  assert.deepEqual(rest, {
    id: 1,
    isInterruption: true,
    probability: 0.7,
    totalDurationMs: 0,
    predictionDurationMs: 7,
    numRequests: 3,
  });
  assert.ok(detectionDelayMs! >= 300 && detectionDelayMs! <= 340, `${detectionDelayMs}`);
});

test("an overlap that ends without one is no interruption, with the newest answer; one that nobody judged has zeros", async () => {
  const { verdicts } = await feed(
    [AGENT, ...frames(20), started(1), ...frames(12), ended(1), started(2), ...frames(2), ended(2, true)],
    () => ({ probability: 0.3, probabilities: [0.1, 0.3] }),
  );
  assert.deepEqual(
    verdicts.map(({ id, isInterruption, probability, numRequests }) => [id, isInterruption, probability, numRequests]),
    [
      [1, false, 0.3, 2],
      [2, false, 0, 0],
    ],
  );
  assert.deepEqual(verdicts[0]!.probabilities, [0.1, 0.3]);
});

test("the judge hears the voice and a second before it, never more than three seconds, and only of the agent's speech", async () => {
  const heard: [number, number][] = [];
  await feed(
    [
      ...frames(10, 900),
      AGENT,
      ...frames(100),
      started(1, 200),
      ...frames(150, 100),
      ended(1),
      { type: "agent_ended" },
      AGENT,
      ...frames(5, 500),
      started(2),
      ...frames(5, 505),
      ended(2),
    ],
    (samples) => {
      heard.push([samples.length / 16, samples[0]!]);
      return { probability: 0 };
    },
  );
  assert.deepEqual(heard[0], [1_300, 40], "1,200 ms from before, and 100 new ones");
  assert.ok(heard.every(([ms]) => ms <= 3_000));
  assert.deepEqual(heard.at(-1), [200, 500], "nothing of the speech before");
});

test("later overlaps of the same speech keep what was heard", async () => {
  const heard: number[] = [];
  await feed([
    AGENT,
    ...frames(100),
    started(1),
    ...frames(5),
    ended(1),
    ...frames(50),
    started(2),
    ...frames(5),
    ended(2),
  ], (s) => {
    heard.push(s.length / 16);
    return { probability: 0 };
  });
  assert.deepEqual(heard, [1_200, 2_300]);
});

test("sound of another rate and of two channels is brought to the judge's", async () => {
  let samples = 0;
  const stereo = Array.from({ length: 60 }, () => ({ ...audioFrame(new Int16Array(1_920), 48_000, 2) }));
  await feed([AGENT, ...stereo, started(1), ...stereo.slice(0, 10), ended(1)], (given) => {
    samples = given.length;
    return { probability: 0 };
  });
  assert.ok(Math.abs(samples / 16 - 1_300) < 30, `${samples / 16} ms`);
});

test("a judge that fails, and one that does not answer, fail the stream", async () => {
  const thrown = await feed([AGENT, ...frames(20), started(1), ...frames(20)], () => {
    throw new Error("no");
  });
  assert.match(String(thrown.error), /no/);
  const late = await feed([AGENT, ...frames(20), started(1), ...frames(60)], () => new Promise(() => {}));
  assert.ok(late.error instanceof AgentError && late.error.code === "model.timeout");
});

test("an answer that comes when the overlap is over changes nothing", async () => {
  let answer = (_: { probability: number }): void => {};
  const slow = (): Promise<{ probability: number }> => new Promise((resolve) => (answer = resolve));
  const { readable, writable } = overlapDetector({ model: "m", provider: "p", judge: slow }).stream();
  const verdicts: InterruptionVerdict[] = [];
  const reading = (async () => {
    for await (const verdict of readable) verdicts.push(verdict);
  })();
  const writer = writable.getWriter();
  for (const part of [AGENT, ...frames(5), started(1), ...frames(6), ended(1), started(2)]) await writer.write(part);
  answer({ probability: 1 });
  await writer.write(ended(2));
  await writer.close();
  await reading;
  assert.deepEqual(verdicts.map(({ isInterruption }) => isInterruption), [false, false]);
});

test("an abort ends the stream and tells the judge", async () => {
  const controller = new AbortController();
  let told: AbortSignal | undefined;
  const { readable, writable } = overlapDetector({
    model: "m",
    provider: "p",
    judge: (_, signal) => {
      told = signal;
      return new Promise(() => {});
    },
  }).stream({ signal: controller.signal });
  const reading = readable.getReader().read();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  for (const part of [AGENT, started(1), ...frames(6)]) await writer.write(part);
  controller.abort(new Error("enough"));
  await assert.rejects(reading, /enough/);
  assert.equal(told?.aborted, true);
});

test("numbers that make no sense are refused", () => {
  const make = (more: Partial<OverlapDetectorOptions>) => () =>
    overlapDetector({ model: "m", provider: "p", judge: () => ({ probability: 0 }), ...more });
  for (const more of [{ threshold: -1 }, { interval: NaN }, { prefix: -5 }]) {
    assert.throws(make(more), (error) => error instanceof AgentError && error.code === "model.bad_option");
  }
});
