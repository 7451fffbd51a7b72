import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import { seededRandom } from "../../src/base/random.ts";
import { Instructions } from "../../src/chat/instructions.ts";
import { changeItem, chatMessage, functionCall, itemFactory } from "../../src/chat/make.ts";

test("a factory fills in ids and times, and the same dice give the same ids", () => {
  const make = (): string[] => {
    const factory = itemFactory({ now: () => 42, random: seededRandom(1) });
    const message = factory.message({ role: "user", content: "hello" });
    assert.equal(message.createdAt, 42);
    return [
      message.id,
      factory.functionCall({ callId: "c", name: "n", args: "{}" }).id,
      factory.functionCallOutput({ callId: "c", output: "" }).id,
      factory.agentHandoff({ newAgentId: "b" }).id,
      factory.agentConfigUpdate({}).id,
      factory.image({ image: "data:," }).id,
    ];
  };
  const ids = make();
  assert.deepEqual(ids, make());
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids.slice(0, 5)) assert.match(id, /^item_[0-9a-f]{12}$/);
  assert.match(ids[5]!, /^img_[0-9a-f]{12}$/);
});

test("ids and times that are given are kept", () => {
  const factory = itemFactory({ now: () => 42, random: () => 0 });
  const call = factory.functionCall({ id: "gen/fnc_0", createdAt: 7, callId: "c", name: "n", args: "" });
  assert.deepEqual([call.id, call.createdAt, call.args], ["gen/fnc_0", 7, "{}"]);
});

test("the text of a message is its strings and instructions, joined by line breaks", () => {
  const text = (content: Parameters<typeof chatMessage>[0]["content"]): string | undefined =>
    chatMessage({ id: "a", createdAt: 0, role: "user", content }).textContent;
  const image = itemFactory({ now: () => 0, random: () => 0 }).image({ image: "https://example.com/a.png" });
  assert.equal(text("one"), "one");
  assert.equal(text(["one", image, "two"]), "one\ntwo");
  assert.equal(text([new Instructions({ audio: "speak", text: "write" }), "two"]), "speak\ntwo");
  assert.equal(text([""]), "");
  assert.equal(text([]), undefined);
  assert.equal(text([image]), undefined);
});

test("items are frozen, and a changed item is a new one whose text follows its content", () => {
  const message = chatMessage({ id: "a", createdAt: 0, role: "user", content: "one" });
  assert.throws(() => ((message as { role: string }).role = "system"), TypeError);
  const changed = changeItem(message, { content: ["two"], interrupted: true });
  assert.equal(changed.textContent, "two");
  assert.equal(changed.interrupted, true);
  assert.equal(message.textContent, "one");
  const call = functionCall({ id: "c", createdAt: 0, callId: "c", name: "n", args: "{" });
  assert.deepEqual({ ...changeItem(call, { args: "{}", createdAt: 3 }) }, { ...call, args: "{}", createdAt: 3 });
});

test("an item without an id, a time or a role is refused, with what was wrong", () => {
  const bad = (fields: object): string => {
    try {
      chatMessage({ id: "a", createdAt: 0, role: "user", content: "secret", ...fields });
    } catch (error) {
      assert.ok(error instanceof AgentError && error.code === "chat.bad_item");
      return error.message;
    }
    throw new Error("it was taken");
  };
  assert.match(bad({ id: "" }), /`id`.*current value is empty/);
  assert.match(bad({ createdAt: NaN }), /`createdAt`.*current value is NaN/);
  assert.match(bad({ role: "robot" }), /`role`.*current value is robot/);
});
