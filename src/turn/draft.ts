/**
 * One step in the making. The functions of the regions write to it; outside, the states stay as they were: a region is
 * copied when it is first changed, and one that nobody changes is the same object before and after.
 *
 * @module
 */
import type { TurnConfig } from "./config.ts";
import { SHARED_TIMERS, type TimerName, type TurnEffect, type TurnEmission } from "./effect.ts";
import type { SharedState, TurnState } from "./state.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The regions that are records; the unions (`decision`, `commit`) and plain values are put as a whole. */
type RecordRegion =
  | "recognition"
  | "interruption"
  | "overlap"
  | "streaming"
  | "speeches"
  | "turns"
  | "limits"
  | "transcription"
  | "timers";

/** What is left for the end of the step. */
export interface Draft {
  readonly t: number;
  readonly config: TurnConfig;
  readonly baseTurn: TurnState;
  readonly baseShared: SharedState;
  turn: TurnState;
  shared: SharedState;
  effects: TurnEffect[] | null;
  /** Timers whose time was already over when they were set: they run at the end of this step. */
  due: TimerName[] | null;
  /** Reference mode: the pause is called off after the rest of the step. */
  pauseToCancel: boolean;
  /** Words held back are looked through after the step. */
  flushHeld: boolean;
  /** Something changed that the queue, the pipeline or the limits may be waiting for. */
  settle: boolean;
}

/** Begins a step. */
export function beginDraft(turn: TurnState, shared: SharedState, t: number, config: TurnConfig): Draft {
  return {
    t,
    config,
    baseTurn: turn,
    baseShared: shared,
    turn,
    shared,
    effects: null,
    due: null,
    pauseToCancel: false,
    flushHeld: false,
    settle: false,
  };
}

/** A region that may be written to in this step. */
export function edit<K extends RecordRegion>(d: Draft, region: K): Mutable<TurnState[K]> {
  if (d.turn[region] === d.baseTurn[region]) {
    put(d, region, { ...d.turn[region] });
  }
  return d.turn[region];
}

/** Puts a region or a value in place of what was there. */
export function put<K extends keyof TurnState>(d: Draft, region: K, value: TurnState[K]): void {
  if (d.turn[region] === value) return;
  if (d.turn === d.baseTurn) d.turn = { ...d.baseTurn };
  (d.turn as Mutable<TurnState>)[region] = value;
}

/** The shared state, to be written to in this step. */
export function editShared(d: Draft): Mutable<SharedState> {
  if (d.shared === d.baseShared) d.shared = { ...d.baseShared };
  return d.shared;
}

/** Gives an order. */
export function order(d: Draft, effect: TurnEffect): void {
  if (d.effects === null) d.effects = [effect];
  else d.effects.push(effect);
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Tells the public something, at the time of the step unless the fact says otherwise. */
export function emit(
  d: Draft,
  emission: DistributedOmit<TurnEmission, "createdAt"> & { readonly createdAt?: number },
): void {
  order(d, { type: "emit", createdAt: d.t, ...emission } as TurnEffect);
}

/** The next number for a timer or a question of this activity. */
export function nextSerial(d: Draft): number {
  const serial = d.turn.serial + 1;
  put(d, "serial", serial);
  return serial;
}

/** Our numbered improvements are on. */
export function isFixed(d: Draft): boolean {
  return d.config.compat === "fixed";
}

/** The timer is armed, or was due at once and waits for the end of the step. */
export function isLive(d: Draft, name: TimerName): boolean {
  const table = SHARED_TIMERS.has(name) ? d.shared.timers : d.turn.timers;
  return table[name] !== undefined || (d.due !== null && d.due.includes(name));
}

/** Arms a timer in place of one of the same name. A time that is over is no timer: it runs when the step's work is done. */
export function setTimer(d: Draft, name: TimerName, at: number): void {
  if (SHARED_TIMERS.has(name)) {
    const shared = editShared(d);
    shared.serial += 1;
    shared.timers = { ...shared.timers, [name]: shared.serial };
    order(d, { type: "timer.set", name, gen: shared.serial, at });
    return;
  }
  if (at <= d.t) {
    cancelTimer(d, name);
    d.due = d.due === null ? [name] : [...d.due, name];
    d.settle = true;
    return;
  }
  if (d.due !== null) d.due = d.due.filter((other) => other !== name);
  const gen = nextSerial(d);
  put(d, "timers", { ...d.turn.timers, [name]: gen });
  order(d, { type: "timer.set", name, gen, at });
}

/** Calls a timer off if it is armed. */
export function cancelTimer(d: Draft, name: TimerName): void {
  if (SHARED_TIMERS.has(name)) {
    if (d.shared.timers[name] === undefined) return;
    editShared(d).timers = without(d.shared.timers, name);
    order(d, { type: "timer.cancel", name });
    return;
  }
  if (d.due !== null) d.due = d.due.filter((other) => other !== name);
  if (d.turn.timers[name] === undefined) return;
  put(d, "timers", without(d.turn.timers, name));
  order(d, { type: "timer.cancel", name });
}

/** Takes a timer that fired off the table. False: it was called off or replaced, and this is a late one. */
export function takeTimer(d: Draft, name: TimerName, gen: number): boolean {
  if (SHARED_TIMERS.has(name)) {
    if (d.shared.timers[name] !== gen) return false;
    editShared(d).timers = without(d.shared.timers, name);
    return true;
  }
  if (d.turn.timers[name] !== gen) return false;
  put(d, "timers", without(d.turn.timers, name));
  return true;
}

/** Takes a timer that was due at once, if it still is. */
export function takeDue(d: Draft, name: TimerName): boolean {
  if (d.due === null || !d.due.includes(name)) return false;
  d.due = d.due.filter((other) => other !== name);
  return true;
}

function without(table: Readonly<Record<string, number>>, name: string): Readonly<Record<string, number>> {
  const { [name]: _, ...rest } = table;
  return rest;
}
