import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import { StopResponse, ToolError } from "../../src/tool/error.ts";
import {
  AGENT_BRAND,
  type AgentLike,
  cancelledOutcome,
  conflictOutcome,
  handoff,
  handoffNotAppliedOutcome,
  isAgent,
  mapToolFailure,
  mapToolResult,
  outputText,
  roundHandoff,
  unknownToolOutcome,
} from "../../src/tool/result.ts";

class FakeAgent implements AgentLike {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}
Object.defineProperty(FakeAgent.prototype, AGENT_BRAND, { value: true });

const billing = new FakeAgent("billing");
const sales = new FakeAgent("sales");
const silent = { output: "", isError: false, replyRequired: false };
const says = (output: string): object => ({ output, isError: false, replyRequired: true });

test("strings are given to the model as they are, and other values as JSON", () => {
  assert.deepEqual(mapToolResult("sunny"), says("sunny"));
  assert.deepEqual(mapToolResult(""), says(""));
  assert.deepEqual(mapToolResult(0), says("0"));
  assert.deepEqual(mapToolResult(false), says("false"));
  assert.deepEqual(mapToolResult([]), says("[]"));
  assert.deepEqual(mapToolResult({ a: [1, null, "x"], b: undefined }), says('{"a":[1,null,"x"]}'));
});

test("undefined and null are no answer, and ask for no reply", () => {
  assert.deepEqual(mapToolResult(undefined), silent);
  assert.deepEqual(mapToolResult(null), silent);
});

test("what JSON has no word for is written in the nearest way", () => {
  assert.equal(outputText(new Set([1, "a"])), '[1,"a"]');
  assert.equal(outputText(new Map<unknown, unknown>([["a", 1], [2, "b"]])), '{"2":"b","a":1}');
  assert.equal(outputText(10n), "10");
  assert.equal(outputText({ big: 10n, none: NaN, much: Infinity }), '{"big":"10","none":"NaN","much":"Infinity"}');
  assert.equal(outputText(NaN), "NaN");
  assert.equal(outputText(new Date(0)), '"1970-01-01T00:00:00.000Z"');
  assert.equal(outputText(new Date(0).toISOString()), "1970-01-01T00:00:00.000Z");
  const shared = { a: 1 };
  assert.equal(outputText([shared, shared]), '[{"a":1},{"a":1}]');
  class Row {
    readonly name = "x";
  }
  assert.equal(outputText(new Row()), '{"name":"x"}');
  assert.equal(outputText(Object.create(null)), "{}");
});

test("what cannot be written is an error for the model, with its reason for the log", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const values = [
    () => 1,
    Symbol("x"),
    circle,
    { inner: { run: () => 1 } },
    Promise.resolve(1),
    new ReadableStream(),
    new Uint8Array(2),
    new ArrayBuffer(2),
    { toJSON: () => ({ deep: () => 1 }) },
    { who: billing },
  ];
  for (const value of values) {
    const outcome = mapToolResult(value);
    assert.equal(outputText(value), undefined);
    assert.equal(outcome.isError, true);
    assert.equal(outcome.replyRequired, true);
    assert.ok(outcome.output.length > 0 && outcome.cause !== undefined);
  }
});

test("the message of a ToolError reaches the model word for word, thrown or returned", () => {
  const error = new ToolError("No table at eight.");
  for (const outcome of [mapToolFailure(error), mapToolResult(error)]) {
    assert.deepEqual(outcome, { output: "No table at eight.", isError: true, replyRequired: true, cause: error });
  }
  class Full extends ToolError {}
  assert.equal(mapToolFailure(new Full("Full.")).output, "Full.");
});

test("the text of any other error never reaches the model, whatever was thrown", () => {
  for (
    const thrown of [new Error("password=hunter2"), "password=hunter2", { message: "password=hunter2" }, undefined]
  ) {
    const { output, isError, replyRequired, cause } = mapToolFailure(thrown);
    assert.doesNotMatch(output, /hunter2|password/);
    assert.ok(output.length > 0 && isError && replyRequired);
    assert.equal(cause, thrown);
  }
  assert.doesNotMatch(mapToolResult(new TypeError("hunter2")).output, /hunter2/);
});

test("a StopResponse answers the call with nothing and asks for no reply", () => {
  assert.deepEqual(mapToolFailure(new StopResponse()), silent);
  assert.deepEqual(mapToolResult(new StopResponse()), silent);
});

test("an agent that is returned takes over in silence, bare or in a hand-off", () => {
  assert.deepEqual(mapToolResult(billing), { ...silent, agent: billing });
  assert.deepEqual(mapToolResult(handoff({ agent: billing })), { ...silent, agent: billing });
  assert.deepEqual(mapToolResult([billing]), { ...silent, agent: billing });
  assert.deepEqual(mapToolResult([billing, null]), { ...silent, agent: billing });
});

test("what is returned beside an agent is spoken about before it leaves", () => {
  assert.deepEqual(mapToolResult(handoff({ agent: billing, returns: "bye" })), { ...says("bye"), agent: billing });
  assert.deepEqual(mapToolResult(["bye", billing]), { ...says("bye"), agent: billing });
  assert.deepEqual(mapToolResult([billing, 1, 2]), { ...says("[1,2]"), agent: billing });
  assert.deepEqual(mapToolResult(new Set([billing, "bye"])), { ...says("bye"), agent: billing });
  assert.deepEqual(mapToolResult([handoff({ agent: billing, returns: "bye" })]), { ...says("bye"), agent: billing });
});

test("two agents in one result are an error, and nobody takes over", () => {
  const outcome = mapToolResult([billing, sales]);
  assert.equal(outcome.agent, undefined);
  assert.deepEqual([outcome.isError, outcome.replyRequired], [true, true]);
  assert.equal(mapToolResult([billing, billing]).agent, billing);
});

test("a hand-off needs an agent, and a look-alike is none", () => {
  const isBad = (error: unknown): boolean => error instanceof AgentError && error.code === "tool.bad_definition";
  assert.throws(() => handoff({ agent: { id: "billing" } }), isBad);
  assert.equal(isAgent({ id: "billing" }), false);
  assert.equal(isAgent(null), false);
  assert.equal(isAgent(billing), true);
  assert.deepEqual(
    mapToolResult({ type: "handoff", agent: { id: "x" } }),
    says('{"type":"handoff","agent":{"id":"x"}}'),
  );
});

test("after a round, the one agent of all results takes over, whichever result came last", () => {
  const plain = mapToolResult("sunny");
  const moves = mapToolResult(billing);
  assert.deepEqual(roundHandoff([moves, plain]), { type: "handoff", agent: billing });
  assert.deepEqual(roundHandoff([plain, moves]), { type: "handoff", agent: billing });
  assert.deepEqual(roundHandoff([moves, moves]), { type: "handoff", agent: billing });
  assert.deepEqual(roundHandoff([plain]), { type: "none" });
  assert.deepEqual(roundHandoff([moves, mapToolResult(sales)]), { type: "conflict", agents: [billing, sales] });
});

test("a call of a tool that there is not is answered with the tools that there are", () => {
  const outcome = unknownToolOutcome("fly", ["weather", "book"]);
  assert.match(outcome.output, /fly.*weather, book/);
  assert.deepEqual([outcome.isError, outcome.replyRequired], [true, true]);
  assert.match(unknownToolOutcome("fly", []).output, /no tools/);
});

test("calls that were called off are errors that ask for no reply, and a conflict asks for one", () => {
  for (const outcome of [cancelledOutcome(), handoffNotAppliedOutcome()]) {
    assert.deepEqual([outcome.isError, outcome.replyRequired], [true, false]);
  }
  assert.deepEqual([conflictOutcome().isError, conflictOutcome().replyRequired], [true, true]);
});
