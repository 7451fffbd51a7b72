/**
 * Where sessions are kept between turns.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { type SessionSnapshot, type SnapshotHead, trust } from "./snapshot.ts";
import type { ItemJSON } from "./snapshot_items.ts";

/** What was kept. */
export interface StoredSession {
  /** What was saved, as the store gives it back: parsed by whoever resumes from it. */
  readonly snapshot: unknown;
  /** Changes with every write. */
  readonly version: string;
}

/** A condition of a write. */
export interface WriteOptions {
  /** Write only over this version; null: only when there is nothing. Left out: in any case. */
  readonly ifVersion?: string | null;
}

/**
 * Where sessions are kept between turns, under keys of the program's choice.
 *
 * A store keeps plain JSON and need not understand it. One that cannot compare and write in one step says so in
 * `capabilities`: whoever uses it then serialises within its own process, and two processes may overwrite each other.
 */
export interface SessionStore {
  /** What the place can do. */
  readonly capabilities: {
    /** A write with `ifVersion` compares and writes in one step, whoever else writes. */
    readonly atomic: boolean;
  };
  /** What is kept under a key; null: nothing. */
  load(key: string): Promise<StoredSession | null>;
  /**
   * Keeps a snapshot in place of what there was. Gives the new version.
   *
   * @throws {AgentError} `store.conflict` when `ifVersion` does not hold.
   */
  save(key: string, snapshot: SessionSnapshot, options?: WriteOptions): Promise<string>;
  /**
   * Adds items to the history of what is kept, and replaces all the rest of it, so that a turn costs the same however long
   * the history is. Gives the new version.
   *
   * @throws {AgentError} `store.conflict` when `ifVersion` does not hold, or nothing is kept.
   */
  append(key: string, items: readonly ItemJSON[], head: SnapshotHead, options?: WriteOptions): Promise<string>;
  /** Forgets what is kept under a key. Does nothing when there is nothing. */
  delete(key: string): Promise<void>;
}

/**
 * Keeps sessions in the memory of this process, at most so many: those that were not used for longest are forgotten first.
 *
 * @param options `limit`: how many sessions are kept. Default 10,000.
 *
 * @example
 * ```ts
 * const store = memoryStore();
 * const version = await store.save("ada/1", await session.suspend(), { ifVersion: null });
 * ```
 */
export function memoryStore({ limit = 10_000 }: { readonly limit?: number } = {}): SessionStore {
  const kept = new Map<string, { readonly snapshot: SessionSnapshot; readonly version: number }>();
  let writes = 0;
  const write = (key: string, snapshot: SessionSnapshot): Promise<string> => {
    kept.delete(key); // a map keeps the order of insertion: the oldest use comes first
    kept.set(key, { snapshot, version: ++writes });
    if (kept.size > limit) kept.delete(kept.keys().next().value as string);
    return Promise.resolve(String(writes));
  };
  const check = (key: string, { ifVersion }: WriteOptions): void => {
    if (ifVersion === undefined) return;
    const version = kept.get(key)?.version;
    if ((version === undefined ? null : String(version)) !== ifVersion) throw storeConflict(key);
  };
  return {
    capabilities: { atomic: true },
    async load(key) {
      const found = kept.get(key);
      if (found === undefined) return null;
      kept.delete(key);
      kept.set(key, found);
      return { snapshot: found.snapshot, version: String(found.version) };
    },
    async save(key, snapshot, options = {}) {
      check(key, options);
      return write(key, snapshot);
    },
    async append(key, items, head, options = {}) {
      check(key, options);
      const before = kept.get(key);
      if (before === undefined) throw storeConflict(key);
      return write(key, trust({ ...head, history: Object.freeze([...before.snapshot.history, ...items]) }));
    },
    async delete(key) {
      kept.delete(key);
    },
  };
}

/** The error of a lost race, for stores to throw. */
export function storeConflict(key: string): AgentError {
  return new AgentError(
    "store.conflict",
    `Cannot write a session as it must be the version that was loaded: current value is another one of ${key}`,
  );
}
