import assert from "node:assert/strict";
import { test } from "node:test";
import { loadWeights, packageFile } from "../../../adapters/onnx/weights.ts";
import { AgentError } from "../../../src/base/error.ts";

const need = { model: "the model", rule: "the package `the-model` must be installed" };

test("bytes are taken as they are", async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.equal(await loadWeights(bytes, need), bytes);
});

test("a file is read whole", async () => {
  const bytes = await loadWeights(new URL(import.meta.url), need);
  assert.match(new TextDecoder().decode(bytes), /a file is read whole/);
});

test("an address that is no file is fetched", async () => {
  const bytes = await loadWeights(new URL("data:application/octet-stream;base64,AQID"), need);
  assert.deepEqual(bytes, Uint8Array.of(1, 2, 3));
});

test("a function is asked when the weights are needed", async () => {
  assert.deepEqual(await loadWeights(async () => Uint8Array.of(7), need), Uint8Array.of(7));
});

test("a file of an installed package is found", async () => {
  const url = packageFile(() => import.meta.resolve("onnxruntime-web/wasm"), need);
  assert.equal(url.protocol, "file:");
  assert.ok((await loadWeights(url, need)).length > 1000);
});

test("weights that cannot be had say what to do, and why in the cause", async () => {
  const cause = new Error("the disk is full");
  const cases: (() => Promise<unknown>)[] = [
    () => loadWeights(new URL("./none.onnx", import.meta.url), need),
    () => loadWeights(() => Promise.reject(cause), need),
    () => loadWeights(async () => new Uint8Array(0), need),
    async () => packageFile(() => import.meta.resolve("package-that-is-not-there/x.onnx"), need),
    // A place without packages has no `import.meta.resolve`.
    async () => packageFile(undefined as unknown as () => string, need),
  ];
  for (const run of cases) {
    await assert.rejects(run(), (error) => {
      assert.ok(error instanceof AgentError);
      assert.equal(error.code, "weights.missing");
      assert.match(
        error.message,
        /^Cannot load the weights of the model as the package `the-model` must be installed: current value is /,
      );
      return true;
    });
  }
  await assert.rejects(
    loadWeights(() => Promise.reject(cause), need),
    (error) => error instanceof AgentError && error.cause === cause,
  );
});
