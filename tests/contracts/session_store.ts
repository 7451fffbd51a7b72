/** What every store of sessions must do. Each store runs it: `for (const { name, run } of sessionStoreContract(make)) test(name, run)`. */
import assert from "node:assert/strict";
import { AgentError } from "../../src/base/error.ts";
import type { SessionSnapshot, SnapshotHead } from "../../src/session/snapshot.ts";
import type { SessionStore } from "../../src/session/store.ts";

export interface StoreCase {
  readonly name: string;
  run(): Promise<void>;
}

const HEAD: SnapshotHead = { version: 1, agents: [{ id: "host", context: [] }], options: {}, usage: [] };

function snapshot(...texts: string[]): SessionSnapshot {
  return {
    ...HEAD,
    history: texts.map((text, at) => ({ id: `m${at}`, type: "message", role: "user", content: [text] })),
  };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

async function conflicts(work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof AgentError && error.code === "store.conflict");
}

/** The cases. `make` gives an empty store. */
export function sessionStoreContract(make: () => SessionStore | Promise<SessionStore>): readonly StoreCase[] {
  return [
    {
      name: "what was never saved is not there, and deleting it is no failure",
      async run() {
        const store = await make();
        assert.equal(await store.load("nobody"), null);
        await store.delete("nobody");
      },
    },
    {
      name: "what was saved is loaded as it was, under its own key, until it is deleted",
      async run() {
        const store = await make();
        const version = await store.save("ada/1", snapshot("Hello"), { ifVersion: null });
        await store.save("ada/2", snapshot("Other"), { ifVersion: null });
        const found = await store.load("ada/1");
        assert.deepEqual(plain(found?.snapshot), plain(snapshot("Hello")));
        assert.equal(found?.version, version);
        await store.delete("ada/1");
        assert.equal(await store.load("ada/1"), null);
        assert.notEqual(await store.load("ada/2"), null);
      },
    },
    {
      name: "items are added to the history, and the rest is replaced",
      async run() {
        const store = await make();
        const first = await store.save("k", snapshot("one"), { ifVersion: null });
        const head = { ...HEAD, userData: { points: 2 } };
        const second = await store.append("k", snapshot("x", "two").history.slice(1), head, { ifVersion: first });
        assert.notEqual(second, first);
        const found = await store.load("k");
        assert.equal(found?.version, second);
        assert.deepEqual(plain(found?.snapshot), plain({ ...snapshot("one", "two"), userData: { points: 2 } }));
      },
    },
    {
      name: "a write over another version is refused, and changes nothing",
      async run() {
        const store = await make();
        const first = await store.save("k", snapshot("one"));
        await conflicts(store.save("k", snapshot("mine"), { ifVersion: null }));
        const second = await store.save("k", snapshot("two"), { ifVersion: first });
        await conflicts(store.save("k", snapshot("late"), { ifVersion: first }));
        await conflicts(store.append("k", snapshot("late").history, HEAD, { ifVersion: first }));
        await conflicts(store.save("none", snapshot("late"), { ifVersion: second }));
        await conflicts(store.append("none", snapshot("late").history, HEAD));
        assert.deepEqual(plain((await store.load("k"))?.snapshot), plain(snapshot("two")));
        assert.equal(await store.load("none"), null);
      },
    },
    {
      name: "of writes at once over one version, one holds where the store is atomic",
      async run() {
        const store = await make();
        if (!store.capabilities.atomic) return;
        const first = await store.save("k", snapshot("one"));
        const writes = await Promise.allSettled(
          Array.from({ length: 8 }, (_, n) => store.save("k", snapshot(`racer ${n}`), { ifVersion: first })),
        );
        assert.equal(writes.filter(({ status }) => status === "fulfilled").length, 1);
      },
    },
  ];
}
