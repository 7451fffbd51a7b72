import { test } from "node:test";
import assert from "node:assert/strict";
import { AgentError } from "../../src/base/error.ts";
import { lock } from "../../streams/lock.ts";

test("a free stream is taken, and a taken one refused with what was to be done", () => {
  const stream = new ReadableStream<number>();
  const reader = lock(stream, "read a track");
  assert.equal(stream.locked, true);
  assert.throws(
    () => lock(stream, "read a track"),
    (error) =>
      error instanceof AgentError && error.code === "stream.bad_option" &&
      error.message.startsWith("Cannot read a track as "),
  );
  reader.releaseLock();
  assert.equal(stream.locked, false);
});
