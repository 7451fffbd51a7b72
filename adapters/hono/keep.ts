/**
 * Keeps what a turn has added to a conversation, also when somebody else has added to it meanwhile.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import { parseSnapshot, type SessionSnapshot, type SnapshotHead } from "../../src/session/snapshot.ts";
import type { ContextPiece, ItemJSON } from "../../src/session/snapshot_items.ts";
import type { SessionStore } from "../../src/session/store.ts";

/** How often a lost race is run again. Chosen: each loss means that another turn of this very conversation was stored. */
const ATTEMPT_LIMIT = 8;

/** What was loaded when the turn began. */
export interface Loaded {
  readonly snapshot: SessionSnapshot;
  readonly version: string;
}

/**
 * Loads a conversation; null: there is none.
 *
 * @throws {AgentError} `store.failed`; `snapshot.bad_value` for something that cannot be read.
 */
export async function load(store: SessionStore, key: string): Promise<Loaded | null> {
  const found = await asked(() => store.load(key));
  return found === null ? null : { snapshot: parseSnapshot(found.snapshot), version: found.version };
}

/**
 * Keeps the conversation as it is after a turn. When it went on elsewhere meanwhile, the turn is added to the newer state:
 * its items behind those of the others, in the history and in what the agent on stage sees.
 *
 * @param before What the turn began with: what was loaded, or an earlier point of it; null: nothing.
 * @throws {AgentError} `store.failed`; `store.conflict` when the race was lost again and again.
 */
export async function keep(
  store: SessionStore,
  key: string,
  o: { readonly loaded: Loaded | null; readonly before: SessionSnapshot | null; readonly after: SessionSnapshot },
): Promise<void> {
  const { before, after } = o;
  const isWhole = before === null || before !== o.loaded?.snapshot || !extendsHistory(before, after);
  try {
    await asked(() => {
      if (isWhole) return store.save(key, after, { ifVersion: o.loaded?.version ?? null });
      return store.append(key, after.history.slice(before.history.length), headOf(after), {
        ifVersion: o.loaded?.version ?? null,
      });
    });
    return;
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  const added = after.history.slice(sharedLength(before, after));
  for (let attempt = 1;; attempt++) {
    try {
      const newer = await load(store, key);
      await asked(() => {
        if (newer === null) return store.save(key, after, { ifVersion: null });
        return store.append(key, added, addedTo(newer.snapshot, added), { ifVersion: newer.version });
      });
      return;
    } catch (error) {
      if (!isConflict(error) || attempt >= ATTEMPT_LIMIT) throw error;
    }
  }
}

/** How many items at the beginning are those of before. */
function sharedLength(before: SessionSnapshot | null, after: SessionSnapshot): number {
  if (before === null) return 0;
  let length = Math.min(before.history.length, after.history.length);
  while (length > 0 && before.history[length - 1]?.["id"] !== after.history[length - 1]?.["id"]) length--;
  return length;
}

function extendsHistory(before: SessionSnapshot, after: SessionSnapshot): boolean {
  return sharedLength(before, after) === before.history.length;
}

/** All of a snapshot but its history. */
function headOf(snapshot: SessionSnapshot): SnapshotHead {
  const { history: _history, ...head } = snapshot;
  return head;
}

/** The newer state, whose agent on stage also sees what was added. */
function addedTo(newer: SessionSnapshot, added: readonly ItemJSON[]): SnapshotHead {
  const first = added.find(({ type }) => type === "message");
  const pieces: readonly ContextPiece[] = first === undefined
    ? []
    : [{ from: String(first["id"]), count: added.length - added.indexOf(first) }];
  const head = headOf(newer);
  return {
    ...head,
    agents: head.agents.map((agent, index) =>
      index === head.agents.length - 1 ? { ...agent, context: [...agent.context, ...pieces] } : agent
    ),
  };
}

function isConflict(error: unknown): boolean {
  return error instanceof AgentError && error.code === "store.conflict";
}

/** What a store throws is its own, unless it is typed. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError(
      "store.failed",
      "Cannot reach the sessions as their store must answer: current value is a failure, see the cause",
      {
        cause: error,
      },
    );
  }
}
