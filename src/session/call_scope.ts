/**
 * On whose behalf code of the program runs: a call of a tool, or a hook of an agent.
 *
 * Every tool and hook is given it through its `ctx`. Where the place has ambient storage, it follows the code itself, so that
 * bare calls (`this.session.generateReply()`, `task.run()`) are known too.
 *
 * @module
 */
import type { Ambient, Runtime } from "../base/runtime.ts";
import type { Activity } from "./activity.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** How the program calls: from where it stands, some defaults follow. */
export interface Caller {
  readonly insideTool: boolean;
  readonly onEnter: boolean;
  /** It keeps the floor, and need not wait for itself. */
  readonly holdsFloor?: boolean;
}

/** A call of the program, from outside. */
export const PROGRAM: Caller = { insideTool: false, onEnter: false };

/** A tool or a hook at work. */
export interface CallScope {
  readonly activity: Activity;
  readonly caller: Caller;
  /** What a run calls it; null: nothing in it may wait for a task. */
  readonly waiter: string | null;
  /** The speech whose tool it is. */
  readonly handle: SpeechHandle | undefined;
  /** It works on behind its first answer, and its speech no longer waits for it. */
  readonly isInBackground: () => boolean;
  /** It has returned. What it has left running is nobody's any more. */
  isOver: boolean;
}

/** The scope of a tool or a hook that begins. */
export function callScope(
  scope: Omit<CallScope, "isOver" | "isInBackground"> & Partial<Pick<CallScope, "isInBackground">>,
): CallScope {
  return { isInBackground: () => false, ...scope, isOver: false };
}

/** One for the process, since a bare call does not know its session. Only the host's own storage is behind it. */
let scopes: Ambient<CallScope> | undefined;

/** Runs code of the program under its scope. */
export function within<T>(runtime: Runtime, scope: CallScope, body: () => T): T {
  scopes ??= runtime.ambient<CallScope>?.();
  return scopes === undefined ? body() : scopes.run(scope, body);
}

/** The scope of the code that calls; undefined outside, after its end, and where the place has no ambient storage. */
export function scopeHere(): CallScope | undefined {
  const scope = scopes?.get();
  return scope === undefined || scope.isOver ? undefined : scope;
}
