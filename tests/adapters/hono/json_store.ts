/** A store as another process has it: everything goes through JSON, and takes a moment. */
import { memoryStore, type SessionSnapshot, type SessionStore } from "../../../mod.ts";

/** Makes one over a memory of its own. `moment` is waited for around each call. */
export function jsonStore(moment: () => Promise<void> = () => Promise.resolve(), isAtomic = true): SessionStore {
  const inner = memoryStore();
  const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value));
  return {
    capabilities: { atomic: isAtomic },
    async load(key) {
      await moment();
      const found = await inner.load(key);
      return found === null ? null : copy(found);
    },
    async save(key, snapshot: SessionSnapshot, options) {
      await moment();
      return inner.save(key, copy(snapshot), options);
    },
    async append(key, items, head, options) {
      await moment();
      return inner.append(key, copy(items), copy(head), options);
    },
    async delete(key) {
      await moment();
      await inner.delete(key);
    },
  };
}
