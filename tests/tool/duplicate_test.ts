import assert from "node:assert/strict";
import { test } from "node:test";
import { functionCall } from "../../src/chat/make.ts";
import { tool } from "../../src/tool/define.ts";
import { decideDuplicate, type DuplicateDecision } from "../../src/tool/duplicate.ts";
import { EMPTY_JOURNAL, MAIN_BRANCH, replayJournal } from "../../src/tool/journal.ts";
import { CONFIRM_DUPLICATE_PARAM } from "../../src/tool/schema.ts";
import type { AnyFunctionTool, FunctionTool } from "../../src/tool/tool.ts";

const book = (onDuplicate: FunctionTool["onDuplicate"], cancellable = false): AnyFunctionTool =>
  tool({ name: "book", description: "", execute: () => "", onDuplicate, flags: { cancellable } });
const call = functionCall({ id: "c", createdAt: 0, callId: "call_1", name: "book", args: '{"seats":2}' });
const running = replayJournal([{ type: "call.started", t: 0, call }]);
const decide = (made: AnyFunctionTool, confirmed = false): DuplicateDecision =>
  decideDuplicate(running, made, { callId: "call_2", branch: MAIN_BRANCH, confirmed });
const refusal = (decision: DuplicateDecision): { readonly output: string; readonly isError: boolean } => {
  assert.ok(decision.type === "refuse");
  return decision.outcome;
};

test("a call runs when no other call of its tool and branch is running", () => {
  for (const rule of ["allow", "reject", "replace", "confirm"] as const) {
    const options = { callId: "call_2", branch: MAIN_BRANCH, confirmed: false };
    assert.deepEqual(decideDuplicate(EMPTY_JOURNAL, book(rule), options), { type: "run" });
    assert.deepEqual(decideDuplicate(running, book(rule), { ...options, branch: "speculative" }), { type: "run" });
  }
});

test("allowed calls run side by side", () => {
  assert.deepEqual(decide(book("allow")), { type: "run" });
});

test("a rejected call names the one that is running", () => {
  const { output, isError } = refusal(decide(book("reject")));
  assert.match(output, /call_1 with \{"seats":2\}/);
  assert.equal(isError, false);
});

test("a call replaces those that can be called off, and is an error where they cannot", () => {
  assert.deepEqual(decide(book("replace", true)), { type: "replace", calls: running.calls });
  assert.equal(refusal(decide(book("replace"))).isError, true);
});

test("a call that needs confirmation says how to give it, and runs when it is given", () => {
  assert.match(refusal(decide(book("confirm"))).output, new RegExp(CONFIRM_DUPLICATE_PARAM));
  assert.deepEqual(decide(book("confirm"), true), { type: "run" });
});
