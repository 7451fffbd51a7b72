/** Short ways to write a conversation down and to look at what came of it. */
import type { TurnEffect } from "../../src/turn/effect.ts";
import { final, type Input, speech, type World } from "./harness.ts";

/** The agent tells a story from 3250 to 13250, in a world whose `duration` is {@linkcode lengths}. */
export const STORY: readonly Input[] = [...speech(500, 2_500), final(2_700, "Tell me a story.")];

export const lengths = (words: string): number => words === "Tell me a story." ? 10_000 : 1_000;

/** `commitUserTurn()` of the program. */
export function commitUserTurn(
  t: number,
  options: { id?: number; skipReply?: boolean; isMuted?: boolean } = {},
): Input {
  return [t, {
    type: "api.commitUserTurn",
    id: options.id ?? t,
    transcriptTimeout: 2_000,
    sttFlushDuration: 2_000,
    skipReply: options.skipReply ?? false,
    audioDetached: options.isMuted ?? false,
    atClose: false,
  }];
}

/** The options change at run time. */
export function update(t: number, patch: Partial<World["config"]>): Input {
  return [t, (w) => {
    const previous = w.config;
    w.config = { ...previous, ...patch };
    w.send({ type: "options.updated", previous });
  }];
}

/** The orders of one type, with their times. */
export function orders<K extends TurnEffect["type"]>(
  w: World,
  type: K,
): { readonly t: number; readonly effect: Extract<TurnEffect, { type: K }> }[] {
  return w.effects.filter(({ effect }) => effect.type === type) as {
    readonly t: number;
    readonly effect: Extract<TurnEffect, { type: K }>;
  }[];
}

/** The lines of the log that match, in order. */
export function lines(w: World, pattern: RegExp): string[] {
  return w.log.filter((line) => pattern.test(line));
}

/** The committed turns: time and text. */
export function commits(w: World): [t: number, text: string][] {
  return orders(w, "turn.commit").map(({ t, effect }) => [t, effect.info.transcript]);
}
