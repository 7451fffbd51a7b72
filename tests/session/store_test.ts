import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionSnapshot } from "../../src/session/snapshot.ts";
import { memoryStore } from "../../src/session/store.ts";
import { sessionStoreContract } from "../contracts/session_store.ts";

for (const { name, run } of sessionStoreContract(() => memoryStore())) test(`memory: ${name}`, run);

test("a memory that is full forgets what was not used for longest", async () => {
  const store = memoryStore({ limit: 2 });
  const snapshot: SessionSnapshot = { version: 1, agents: [], options: {}, usage: [], history: [] };
  await store.save("a", snapshot);
  await store.save("b", snapshot);
  await store.load("a");
  await store.save("c", snapshot);
  const found = await Promise.all(["a", "b", "c"].map(async (key) => (await store.load(key)) !== null));
  assert.deepEqual(found, [true, false, true]);
});
