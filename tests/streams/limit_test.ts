import { test } from "node:test";
import assert from "node:assert/strict";
import { AgentError } from "../../src/base/error.ts";
import { checkLimit, overflow } from "../../streams/limit.ts";

test("a positive integer is a limit, and nothing else is", () => {
  for (const limit of [1, 50, 10_000]) checkLimit(limit);
  for (const limit of [0, -1, 0.5, NaN, Infinity]) {
    assert.throws(
      () => checkLimit(limit),
      (error) =>
        error instanceof AgentError && error.code === "stream.bad_option" && error.message.endsWith(`is ${limit}`),
    );
  }
});

test("an overflow says how much was held", () => {
  assert.equal(overflow(50).code, "stream.overflow");
  assert.match(overflow(50).message, /50 values held$/);
});
