import { test } from "node:test";
import assert from "node:assert/strict";
import { collect } from "../../streams/collect.ts";

test("a stream is read to its end, and unlocked", async () => {
  const stream = new ReadableStream<number>({
    start(controller) {
      controller.enqueue(1);
      controller.enqueue(2);
      controller.close();
    },
  });
  assert.deepEqual(await collect(stream), [1, 2]);
  assert.equal(stream.locked, false);
});

test("a stream that fails rejects as it failed", async () => {
  const stream = new ReadableStream({ start: (controller) => controller.error("lost") });
  await assert.rejects(collect(stream), (error) => error === "lost");
});
