import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { virtualClock } from "../../../adapters/runtime/virtual.ts";
import { smartTurn } from "../../../adapters/smart_turn/smart_turn.ts";
import { AgentError, type ErrorCode } from "../../../src/base/error.ts";
import { judge, streamingTurnDetectorContract } from "../../contracts/streaming_turn_detector.ts";
import { framesOf, speechFixture } from "../../contracts/vad.ts";
import { referenceOf } from "./reference.ts";

streamingTurnDetectorContract("smart turn", () => smartTurn());
streamingTurnDetectorContract("smart turn in the calling thread", () => smartTurn({ worker: false }));

const shared = smartTurn();
after(() => shared.close());
const reference = await referenceOf();
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const weightsFile = new URL("../../../models/smart_turn_v3/smart_turn.onnx", import.meta.url);

function isError(code: ErrorCode, message: RegExp) {
  return (error: unknown): boolean => error instanceof AgentError && error.code === code && message.test(error.message);
}

test("the reference was made of the sound and the weights that are here", async () => {
  const wav = new URL("../../fixtures/speech_16k.wav", import.meta.url);
  assert.equal(sha256(await readFile(wav)), reference.audioSha256);
  assert.equal(sha256(await readFile(weightsFile)), reference.weightsSha256);
});

test("it says what native onnxruntime says", async () => {
  const { samples } = await speechFixture();
  for (const { endMs, probability: expected } of reference.found) {
    const parts = [...framesOf(samples.subarray(0, endMs * 16)), { type: "predict", id: 1 } as const];
    const [answer] = await judge(shared, parts);
    // Its weights have 8 bits, and WebAssembly rounds sums of their products in another place than a processor does.
    assert.ok(Math.abs(answer!.probability - expected) < 0.15, `${endMs} ms: ${answer!.probability}, not ${expected}`);
  }
});

test("a sentence that breaks off is unlikely to be over, and a whole one is likely to be", async () => {
  const { samples, segments } = await speechFixture();
  const ask = async (toMs: number, fromMs = 0): Promise<number> => {
    const heard = framesOf(samples.subarray(fromMs * 16, Math.round(toMs * 16)));
    const [answer] = await judge(shared, [...heard, { type: "predict", id: 1 }]);
    return answer!.probability;
  };
  const [first, second] = segments;
  assert.ok(await ask(first!.startMs + 900) < 0.5, "I would like");
  assert.ok(await ask(first!.endMs + 200) > 0.5);
  assert.ok(await ask(second!.startMs + 600, first!.endMs) < 0.5, "Tomorrow");
  assert.ok(await ask(second!.endMs + 200, first!.endMs) > 0.5);
});

test("thresholds: the authors' for the languages that the model knows, or one's own", () => {
  for (const language of ["", "en", "en-GB", "DE", "zh_Hans"]) assert.equal(shared.unlikelyThreshold(language), 0.5);
  assert.equal(shared.unlikelyThreshold("sv"), undefined);
  const own = smartTurn({ unlikelyThreshold: { en: 0.7, sv: 0.3 } });
  assert.deepEqual(["en-US", "de", "sv", "xx"].map(own.unlikelyThreshold), [0.7, 0.5, 0.3, undefined]);
  assert.deepEqual(["en", "xx"].map(smartTurn({ unlikelyThreshold: 0.2 }).unlikelyThreshold), [0.2, undefined]);
  for (const unlikelyThreshold of [-0.1, 1.1, NaN, { en: 2 }]) {
    assert.throws(() => smartTurn({ unlikelyThreshold }), isError("model.bad_option", /must be from 0 to 1/));
  }
});

test("weights that cannot be had are an error that names the package, and can be tried again", async () => {
  let isThere = false;
  const weights = async (): Promise<Uint8Array> => {
    if (!isThere) throw new Error("not yet");
    return await readFile(weightsFile);
  };
  await using detector = smartTurn({ weights });
  const missing = isError(
    "weights.missing",
    /^Cannot load the weights of Smart Turn v3 as the package `@repartee\/smart/,
  );
  await assert.rejects(detector.prewarm(), missing);
  await assert.rejects(judge(detector, [{ type: "predict", id: 1 }]), missing);
  isThere = true;
  await detector.prewarm();
  assert.equal((await judge(detector, [{ type: "predict", id: 1 }])).length, 1);
});

test("bytes that are no network are refused, in a worker and without one", async () => {
  for (const worker of [true, false]) {
    await using detector = smartTurn({ weights: new Uint8Array(1_000), worker });
    await assert.rejects(detector.prewarm(), isError("weights.missing", /must be an ONNX graph/));
  }
});

test("after it is closed, questions fail with its reason", async () => {
  const detector = smartTurn({ worker: false });
  await Promise.all([detector.close(), detector.close()]);
  const closed = isError("model.closed", /^Cannot judge a pause as the detector must be open/);
  await assert.rejects(detector.prewarm(), closed);
  await assert.rejects(judge(detector, [{ type: "predict", id: 1 }]), closed);
});

test("a virtual clock stands still while it thinks", async () => {
  const clock = virtualClock();
  await using detector = smartTurn({ clock });
  let passed = 0;
  const off = clock.schedule(60_000, () => passed++);
  const [answer] = await clock.until(judge(detector, [{ type: "predict", id: 1 }]));
  assert.ok(answer!.inferenceDurationMs > 0 && answer!.inferenceDurationMs < 60_000);
  assert.equal(passed, 0);
  off();
});
