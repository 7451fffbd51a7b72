/**
 * The lives of toolsets, which several agents and sessions may share.
 *
 * @module
 */
import type { AnyTool, Toolset } from "./tool.ts";

interface Life {
  /** Whoever has it: activities, sessions. */
  readonly users: Map<object, () => void>;
  /** What it holds since it was set up; undefined: what it was made with. */
  tools: readonly AnyTool[] | undefined;
  /** The end that is under way: the next beginning waits for it. */
  closing: Promise<void> | undefined;
}

const lives = new WeakMap<Toolset, Life>();

/** What a toolset holds now. */
export function toolsOf(set: Toolset): readonly AnyTool[] {
  return lives.get(set)?.tools ?? set.tools;
}

/**
 * Sets a toolset up for one more user, after an end of it that is under way.
 *
 * @param onTools Called whenever it holds other tools.
 */
export async function openToolset(set: Toolset, user: object, onTools: () => void): Promise<void> {
  const life = use(set, user, onTools);
  if (set.setup === undefined) return;
  if (life.closing !== undefined) await life.closing;
  await set.setup({
    updateTools(tools) {
      life.tools = [...tools];
      for (const told of [...life.users.values()]) told();
    },
  });
}

/** Keeps a toolset alive without setting it up. */
export function keepToolset(set: Toolset, user: object): void {
  use(set, user, () => {});
}

/** One user has no more need of it. With the last one it ends, and this rejects when that fails. */
export async function closeToolset(set: Toolset, user: object): Promise<void> {
  const life = lives.get(set);
  if (life === undefined || !life.users.delete(user) || life.users.size > 0) return;
  life.tools = undefined;
  if (set.aclose === undefined) return;
  const ending = (async () => await set.aclose?.())();
  const closing = ending.catch(() => {}); // whoever closes it is told
  life.closing = closing;
  void closing.then(() => life.closing === closing && (life.closing = undefined));
  await ending;
}

function use(set: Toolset, user: object, onTools: () => void): Life {
  const life: Life = lives.get(set) ?? { users: new Map(), tools: undefined, closing: undefined };
  lives.set(set, life);
  life.users.set(user, onTools);
  return life;
}
