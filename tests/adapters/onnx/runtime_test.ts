import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { onnxRuntime, openOnnxSession } from "../../../adapters/onnx/runtime.ts";
import { AgentError } from "../../../src/base/error.ts";
import { absGraph } from "./graph.ts";

test("a graph opens and runs", async () => {
  const session = await openOnnxSession(absGraph());
  const { Tensor } = await onnxRuntime();

  const { y } = await session.run({ x: new Tensor("float32", Float32Array.of(-1.5, 2), [2]) });

  assert.deepEqual(session.inputNames, ["x"]);
  assert.deepEqual(y?.data, Float32Array.of(1.5, 2));
  await session.release();
});

test("runs of two graphs may overlap, and come back in order", async () => {
  const sessions = await Promise.all([openOnnxSession(absGraph()), openOnnxSession(absGraph())]);
  const { Tensor } = await onnxRuntime();
  const done: number[] = [];

  await Promise.all(Array.from({ length: 20 }, async (_, index) => {
    const x = new Tensor("float32", new Float32Array(index + 1).fill(-index), [index + 1]);
    const { y } = await sessions[index % 2]!.run({ x });
    assert.deepEqual(y?.data, new Float32Array(index + 1).fill(index));
    done.push(index);
  }));

  assert.deepEqual(done, [...done].sort((a, b) => a - b));
  await Promise.all(sessions.map((session) => session.release()));
});

test("the runtime is imported once", async () => {
  assert.equal(await onnxRuntime(), await onnxRuntime());
});

test("a worker opens a graph, too, and ends when it is told", async () => {
  const worker = new Worker(new URL("./worker_fixture.ts", import.meta.url));
  worker.postMessage(absGraph());

  const [answer] = await once(worker, "message");

  assert.deepEqual(answer, [1.5, 2]);
  await worker.terminate();
});

test("bytes that are no graph are a typed error with the runtime's reason", async () => {
  await assert.rejects(openOnnxSession(Uint8Array.of(1, 2, 3)), (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, "weights.missing");
    assert.match(error.message, /^Cannot open a model as its weights must be an ONNX graph: current value is 3 bytes/);
    assert.ok(error.cause instanceof Error);
    return true;
  });
});
