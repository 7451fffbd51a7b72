import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { agentConfigUpdate, agentHandoff, chatMessage, functionCall, functionCallOutput } from "../../src/chat/make.ts";
import { groupItems, pairToolCalls } from "../../src/chat/render.ts";

const user = (id: string): ChatItem => chatMessage({ id, createdAt: 0, role: "user", content: id });
const agent = (id: string): ChatItem => chatMessage({ id, createdAt: 0, role: "assistant", content: id });
const call = (id: string, callId: string, groupId?: string): ChatItem =>
  functionCall({ id, createdAt: 0, callId, name: "n", args: "{}", ...(groupId === undefined ? {} : { groupId }) });
const output = (id: string, callId: string): ChatItem =>
  functionCallOutput({ id, createdAt: 0, callId, name: "n", output: id });
const ids = (items: readonly ChatItem[]): string[] => items.map((item) => item.id);

test("an output that was recorded after another message moves up to its call", () => {
  assert.deepEqual(ids(pairToolCalls([call("c", "1"), user("u"), output("o", "1")])), ["c", "o", "u"]);
});

test("a message and calls with the same beginning of their ids are one group, calls before outputs", () => {
  const items = [agent("gen"), call("gen/fnc_0", "1"), output("o1", "1"), call("gen/fnc_1", "2"), output("o2", "2")];
  const { groups, notes } = groupItems(items);
  assert.equal(groups.length, 1);
  assert.deepEqual(ids(pairToolCalls(items)), ["gen", "gen/fnc_0", "gen/fnc_1", "o1", "o2"]);
  assert.deepEqual(notes, []);
});

test("a group id joins calls whose ids have nothing in common", () => {
  const { groups } = groupItems([call("a", "1", "g"), call("b", "2", "g"), output("o", "1"), output("p", "2")]);
  assert.deepEqual(groups.map((group) => ids(group.calls)), [["a", "b"]]);
});

test("a call without an output gets one that says what became of it", () => {
  const texts = (["running", "cancelled", "unknown"] as const).map((state) => {
    const [, answer] = pairToolCalls([call("c", "1")], { stateOf: () => state });
    assert.ok(answer?.type === "function_call_output" && answer.callId === "1");
    return answer.output;
  });
  assert.match(texts[0]!, /still in progress/);
  assert.match(texts[1]!, /cancelled/);
  assert.equal(new Set(texts).size, 3);
});

test("calls without an output can be left out, and are named", () => {
  const { groups, notes } = groupItems([agent("g"), call("g/1", "1"), call("g/2", "2"), output("o", "2")], {
    unanswered: "drop",
  });
  assert.deepEqual(ids(groups[0]!.calls), ["g/2"]);
  assert.deepEqual(notes, [{ type: "unanswered_call", callId: "1", itemId: "g/1" }]);
});

test("outputs without a call, and second calls and outputs of an id, are dropped and named", () => {
  const items = [output("orphan", "9"), call("c", "1"), call("again", "1"), output("o", "1"), output("late", "1")];
  const { notes } = groupItems(items);
  assert.deepEqual(ids(pairToolCalls(items)), ["c", "o"]);
  assert.deepEqual(notes, [
    { type: "duplicate_call", callId: "1", itemId: "again" },
    { type: "duplicate_output", callId: "1", itemId: "late" },
    { type: "orphan_output", callId: "9", itemId: "orphan" },
  ]);
});

test("as many calls as outputs with ids that do not match are mended too", () => {
  const [first, answer] = pairToolCalls([call("c", "1"), output("o", "2")]);
  assert.ok(first?.id === "c" && answer?.type === "function_call_output" && answer.callId === "1");
  assert.notEqual(answer.id, "o");
});

test("two assistant messages with the same beginning of their ids are both sent", () => {
  assert.deepEqual(ids(pairToolCalls([agent("g/1"), user("u"), agent("g/2")])), ["g/1", "u", "g/2"]);
});

test("hand-offs and configuration updates change nothing", () => {
  const items = [user("u"), call("c", "1"), output("o", "1"), agent("a")];
  const noise = [
    agentHandoff({ id: "h", createdAt: 0, newAgentId: "b" }),
    agentConfigUpdate({ id: "k", createdAt: 0, instructions: "x" }),
  ];
  assert.deepEqual(pairToolCalls(items.flatMap((item) => [...noise, item, ...noise])), pairToolCalls(items));
});

const anyItem = fc.tuple(fc.nat(5), fc.nat(4), fc.nat(3)).map(([kind, id, callId]): ChatItem => {
  if (kind === 0) return user(`u${id}`);
  if (kind === 1) return agent(`g${id}/m`);
  if (kind === 2) return agentHandoff({ id: `h${id}`, createdAt: 0, newAgentId: "b" });
  return kind === 3 ? call(`g${id}/${callId}`, `${callId}`) : output(`o${id}`, `${callId}`);
});

test("whatever the items are, each call id is sent once, followed by its only output before anybody speaks again", () => {
  fc.assert(fc.property(fc.array(anyItem, { maxLength: 25 }), (items) => {
    const rendered = pairToolCalls(items);
    const open: string[] = [];
    const seen = new Set<string>();
    for (const item of rendered) {
      if (item.type === "message") assert.deepEqual(open, []);
      else if (item.type === "function_call") {
        assert.ok(!seen.has(item.callId));
        seen.add(item.callId);
        open.push(item.callId);
      } else if (item.type === "function_call_output") assert.equal(open.shift(), item.callId);
      else assert.fail(item.type);
    }
    assert.deepEqual(open, []);
    assert.deepEqual(seen, new Set(items.flatMap((item) => item.type === "function_call" ? [item.callId] : [])));
    assert.deepEqual(
      rendered.filter((item) => item.type === "message").length,
      items.filter((item) => item.type === "message").length,
    );
    assert.deepEqual(pairToolCalls(rendered), rendered, "rendering what was rendered changes nothing");
  }));
});
