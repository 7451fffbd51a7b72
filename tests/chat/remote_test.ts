import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { chatMessage } from "../../src/chat/make.ts";
import { RemoteChatContext } from "../../src/chat/remote.ts";

const says = (id: string, content = id): ChatItem => chatMessage({ id, createdAt: 0, role: "user", content });
const ids = (remote: RemoteChatContext): string[] => remote.toChatCtx().items.map((item) => item.id);
const isBadItem = (error: unknown): boolean => error instanceof AgentError && error.code === "chat.bad_item";

test("items go behind the one named, and first when none is", () => {
  const remote = new RemoteChatContext();
  remote.insert(null, says("b"));
  remote.insert("", says("a"));
  remote.insert("b", says("d"));
  remote.insert("b", says("c"));
  assert.deepEqual(ids(remote), ["a", "b", "c", "d"]);
  assert.equal(remote.length, 4);
  assert.deepEqual(remote.get("c"), { item: says("c"), previousId: "b", nextId: "d" });
  assert.equal(remote.get("nobody"), undefined);
});

test("items can be deleted at the front, in the middle and at the end", () => {
  const remote = new RemoteChatContext();
  ["a", "b", "c", "d"].forEach((id, index, all) => remote.insert(all[index - 1] ?? null, says(id)));
  remote.delete("b");
  assert.deepEqual(ids(remote), ["a", "c", "d"]);
  remote.delete("a");
  remote.delete("d");
  assert.deepEqual(ids(remote), ["c"]);
  assert.deepEqual(remote.get("c"), { item: says("c"), previousId: null, nextId: null });
  remote.delete("c");
  assert.deepEqual(ids(remote), []);
});

test("an update keeps the place, and the context has the same objects", () => {
  const remote = new RemoteChatContext();
  const changed = says("a", "changed");
  remote.insert(null, says("a"));
  remote.insert("a", says("b"));
  remote.update(changed);
  assert.equal(remote.toChatCtx().at(0), changed);
});

test("an unknown predecessor, a known id and an unknown id are refused, and nothing changes", () => {
  const remote = new RemoteChatContext();
  remote.insert(null, says("a"));
  assert.throws(() => remote.insert("nobody", says("b")), isBadItem);
  assert.throws(() => remote.insert(null, says("a")), isBadItem);
  assert.throws(() => remote.delete("nobody"), isBadItem);
  assert.throws(() => remote.update(says("nobody")), isBadItem);
  assert.deepEqual(ids(remote), ["a"]);
});
