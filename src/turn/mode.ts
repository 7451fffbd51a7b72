/**
 * What follows from the configuration alone.
 *
 * @module
 */
import type { TurnConfig } from "./config.ts";

/** The end of the user's voice may end the turn. */
export function isVoiceBased(config: TurnConfig): boolean {
  return config.mode === "vad" || config.mode === null;
}

/** The program or the realtime model decides who has the floor; sound and words do not. */
export function isManualish(config: TurnConfig): boolean {
  return config.mode === "manual" || config.mode === "realtime_llm";
}

/** The realtime model ends turns and answers them by itself. */
export function isServerTurns(config: TurnConfig): boolean {
  return config.llm === "realtime" && config.serverTurnDetection;
}

/** The user's words come from the realtime model, so that the recogniser's do not interrupt. */
export function hasServerWords(config: TurnConfig): boolean {
  return config.llm === "realtime" && config.realtimeTranscription;
}
