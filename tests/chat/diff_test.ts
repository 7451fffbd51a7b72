import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { ChatContext } from "../../src/chat/context.ts";
import { computeChatCtxDiff } from "../../src/chat/diff.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { agentHandoff, chatMessage } from "../../src/chat/make.ts";
import { RemoteChatContext } from "../../src/chat/remote.ts";

const says = (id: string, content = id): ChatItem => chatMessage({ id, createdAt: 0, role: "user", content });
const context = (...ids: readonly (string | number)[]): ChatContext =>
  new ChatContext(ids.map((id) => says(String(id))));

test("what is gone is removed, and what is new is created behind its predecessor", () => {
  assert.deepEqual(computeChatCtxDiff(context(1, 2, 3, 4), context(1, 5, 3, 6)), {
    toRemove: ["2", "4"],
    toCreate: [["1", "5"], ["3", "6"]],
    toUpdate: [],
  });
  assert.deepEqual(computeChatCtxDiff(context(), context(1, 2)), {
    toRemove: [],
    toCreate: [[null, "1"], ["1", "2"]],
    toUpdate: [],
  });
});

test("identical contexts differ in nothing, and neither do copies", () => {
  const nothing = { toRemove: [], toCreate: [], toUpdate: [] };
  const chatCtx = context(1, 2, 3);
  assert.deepEqual(computeChatCtxDiff(chatCtx, context(1, 2, 3)), nothing);
  assert.deepEqual(computeChatCtxDiff(chatCtx, chatCtx.copy()), nothing);
});

test("a message with other words is updated, and nothing else is compared", () => {
  const old = new ChatContext([says("a"), says("b"), agentHandoff({ id: "h", createdAt: 0, newAgentId: "x" })]);
  const next = new ChatContext([
    says("a"),
    says("b", "other"),
    agentHandoff({ id: "h", createdAt: 0, newAgentId: "y" }),
  ]);
  assert.deepEqual(computeChatCtxDiff(old, next), { toRemove: [], toCreate: [], toUpdate: [["a", "b"]] });
});

test("what was moved is removed and created", () => {
  const diff = computeChatCtxDiff(context(1, 2, 3, 4), context(2, 3, 4, 1));
  assert.deepEqual(diff, { toRemove: ["1"], toCreate: [["4", "1"]], toUpdate: [] });
});

test("an item behind a long shared past names its predecessor, and costs what was added", () => {
  const old = context(...Array.from({ length: 5000 }, (_, index) => index));
  const next = old.copy();
  next.append(says("new"));
  const before = next["~work"] + old["~work"];
  assert.deepEqual(computeChatCtxDiff(old, next).toCreate, [["4999", "new"]]);
  assert.ok(next["~work"] + old["~work"] - before < 200);
});

const someIds = fc.uniqueArray(fc.nat(15), { maxLength: 12 });

test("removals, creations and updates in this order turn any remote conversation into the new one", () => {
  fc.assert(fc.property(someIds, someIds, fc.array(fc.nat(15)), (oldIds, newIds, changed) => {
    const old = context(...oldIds);
    const next = new ChatContext(newIds.map((id) => says(String(id), changed.includes(id) ? "changed" : String(id))));
    const remote = new RemoteChatContext();
    old.items.forEach((item, index) => remote.insert(old.items[index - 1]?.id ?? null, item));
    const { toRemove, toCreate, toUpdate } = computeChatCtxDiff(old, next);
    for (const id of toRemove) remote.delete(id);
    for (const [previousId, id] of toCreate) remote.insert(previousId, next.getById(id)!);
    for (const [, id] of toUpdate) remote.update(next.getById(id)!);
    assert.deepEqual(remote.toChatCtx().items, next.items);
    // A longest common subsequence leaves the fewest creations: check its length against the plain recursion.
    assert.equal(newIds.length - toCreate.length, longestCommon(oldIds, newIds));
  }));
});

function longestCommon(a: readonly number[], b: readonly number[]): number {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      lengths[i]![j] = a[i - 1] === b[j - 1]
        ? lengths[i - 1]![j - 1]! + 1
        : Math.max(lengths[i - 1]![j]!, lengths[i]![j - 1]!);
    }
  }
  return lengths[a.length]![b.length]!;
}
