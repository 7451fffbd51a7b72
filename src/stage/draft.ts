/**
 * One step of the session in the making.
 *
 * @module
 */
import type { RootEffect, StageEffect } from "./event.ts";
import type { RootState, StageState, StageTimer } from "./state.ts";

/** The root while a step works on it. Lives for one step. */
export interface Draft {
  stage: StageState;
  root: RootState;
  effects: RootEffect[];
  readonly t: number;
}

/** What a step gives. */
export interface RootStep {
  readonly root: RootState;
  readonly effects: readonly RootEffect[];
}

/** The effects of a fact that changes nothing. */
export const NO_EFFECTS: readonly RootEffect[] = Object.freeze([]);

/** Begins a step. */
export function beginDraft(root: RootState, t: number): Draft {
  return { stage: root.stage, root, effects: [], t };
}

/** Ends a step. A fact that changed nothing gives back the same root. */
export function finish(d: Draft, before: RootState): RootStep {
  const root = d.stage === d.root.stage ? d.root : { ...d.root, stage: d.stage };
  return root === before && d.effects.length === 0 ? { root, effects: NO_EFFECTS } : { root, effects: d.effects };
}

/** Changes parts of the stage. */
export function change(d: Draft, part: Partial<StageState>): void {
  d.stage = { ...d.stage, ...part };
}

/** Gives an order. */
export function order(d: Draft, effect: StageEffect): void {
  d.effects.push(effect);
}

/** Arms a timer of the stage, in place of one of the same name. */
export function setTimer(d: Draft, name: StageTimer, at: number): void {
  const gen = d.stage.serial + 1;
  change(d, { serial: gen, timers: { ...d.stage.timers, [name]: gen } });
  order(d, { type: "stage.timer.set", name, gen, at });
}

/** Calls a timer off if it is armed. */
export function cancelTimer(d: Draft, name: StageTimer): void {
  if (d.stage.timers[name] === undefined) return;
  forgetTimer(d, name);
  order(d, { type: "stage.timer.cancel", name });
}

/** A timer has fired. */
export function forgetTimer(d: Draft, name: StageTimer): void {
  const { [name]: _gone, ...timers } = d.stage.timers;
  change(d, { timers });
}
