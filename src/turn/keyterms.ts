/**
 * Words that a recogniser should listen for: those that the program gave, and those that a model picked from the conversation.
 * Decisions alone; who asks the model is in the session.
 *
 * @module
 */

/** What a pass of the model over the conversation came to. Only differences. */
export interface KeytermPass {
  /** Terms that may matter, and are not sure. */
  readonly pending: readonly string[];
  /** Terms whose spelling is sure. */
  readonly confirm: readonly string[];
  /** Terms that turned out to be wrong. */
  readonly remove: readonly string[];
}

/** The terms of a session. */
export interface KeytermState {
  /** Given by the program, never changed by the model. */
  readonly fixed: readonly string[];
  /** Oldest first. */
  readonly confirmed: readonly string[];
  /** With the pass in which each was named first. They never reach a recogniser. */
  readonly pending: readonly (readonly [term: string, since: number])[];
  /** Passes so far. */
  readonly tick: number;
}

/** A candidate that so many passes did not confirm is forgotten. Specified: 02 section 23. */
const MAX_PENDING_PASSES = 3;

/** Makes the terms of a session. */
export function createKeyterms(fixed: readonly string[]): KeytermState {
  return { fixed: clean(fixed), confirmed: [], pending: [], tick: 0 };
}

/** The terms that hold, in the order in which a recogniser is told them. */
export function effectiveKeyterms(state: KeytermState): readonly string[] {
  return clean([...state.fixed, ...state.confirmed]);
}

/** Replaces the terms of the program. */
export function withFixedKeyterms(state: KeytermState, fixed: readonly string[]): KeytermState {
  return { ...state, fixed: clean(fixed) };
}

/**
 * Takes what a pass came to. A confirmed term never becomes a candidate again, and the program's own terms are left alone.
 *
 * @param maxKeyterms How many confirmed terms there may be, the oldest go first; null: any number.
 */
export function applyKeytermPass(state: KeytermState, pass: KeytermPass, maxKeyterms: number | null): KeytermState {
  const tick = state.tick + 1;
  const removed = new Set(clean(pass.remove));
  const fixed = new Set(state.fixed);
  let confirmed = state.confirmed.filter((term) => !removed.has(term));
  const pending = new Map(state.pending.filter(([term]) => !removed.has(term)));
  for (const term of clean(pass.pending)) {
    if (!fixed.has(term) && !confirmed.includes(term) && !pending.has(term)) pending.set(term, tick);
  }
  for (const term of clean(pass.confirm)) {
    pending.delete(term);
    if (!fixed.has(term) && !confirmed.includes(term)) confirmed = [...confirmed, term];
  }
  if (maxKeyterms !== null) confirmed = confirmed.slice(Math.max(0, confirmed.length - maxKeyterms));
  return {
    fixed: state.fixed,
    confirmed,
    pending: [...pending].filter(([, since]) => tick - since < MAX_PENDING_PASSES),
    tick,
  };
}

/** Reads the arguments of the model's call; null when they are none. */
export function parseKeytermPass(args: string): KeytermPass | null {
  let value: unknown;
  try {
    value = JSON.parse(args);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const list = (key: string): string[] | null => {
    const found = (value as Record<string, unknown>)[key] ?? [];
    return Array.isArray(found) && found.every((term) => typeof term === "string") ? found : null;
  };
  const [pending, confirm, remove] = [list("pending"), list("confirm"), list("remove")];
  return pending === null || confirm === null || remove === null ? null : { pending, confirm, remove };
}

/** Whether both tell a recogniser the same. */
export function sameKeyterms(a: KeytermState, b: KeytermState): boolean {
  const [left, right] = [effectiveKeyterms(a), effectiveKeyterms(b)];
  return left.length === right.length && left.every((term, i) => term === right[i]);
}

/** Each once, without empty ones. */
function clean(terms: readonly string[]): string[] {
  return [...new Set(terms.map((term) => term.trim()))].filter((term) => term !== "");
}
