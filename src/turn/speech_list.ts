/**
 * Looking speeches up and changing one of them.
 *
 * @module
 */
import { type Draft, edit } from "./draft.ts";
import type { Speech } from "./regions.ts";
import type { TurnState } from "./state.ts";

/** The speech with this handle id. */
export function speechOf(turn: TurnState, handleId: string | null): Speech | undefined {
  if (handleId === null) return undefined;
  for (const speech of turn.speeches.all) if (speech.id === handleId) return speech;
  return undefined;
}

/** The speech whose turn it is, interrupted or not. */
export function currentOf(turn: TurnState): Speech | undefined {
  return speechOf(turn, turn.speeches.current);
}

/** Changes fields of a speech. An unknown id is ignored. */
export function patchSpeech(d: Draft, handleId: string, patch: Partial<Speech>): void {
  const speeches = edit(d, "speeches");
  speeches.all = speeches.all.map((speech) => speech.id === handleId ? { ...speech, ...patch } : speech);
  d.settle = true;
}

/** Adds a speech that nobody knew before. */
export function addSpeech(d: Draft, speech: Speech): void {
  const speeches = edit(d, "speeches");
  speeches.all = [...speeches.all, speech];
  d.settle = true;
}

/** Forgets a speech. */
export function removeSpeech(d: Draft, handleId: string): void {
  const speeches = edit(d, "speeches");
  speeches.all = speeches.all.filter((speech) => speech.id !== handleId);
  speeches.queue = speeches.queue.filter((id) => id !== handleId);
  if (speeches.current === handleId) speeches.current = null;
  d.settle = true;
}
