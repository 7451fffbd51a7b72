/**
 * When the next sentences go to a voice: while there is little left to hear, and several at once. Pure.
 *
 * @module
 */

/** How sentences are paced. */
export interface SentencePacing {
  /** More is sent only when at most this much of the sound is left to hear, in milliseconds. Default 5,000. */
  readonly minRemainingAudio: number;
  /** From this many characters on, no further sentence joins a batch. Default 300. */
  readonly maxTextLength: number;
}

/** What is held, and how far the voice is. */
export interface PacingState {
  /** Sentences that were not sent, in order. */
  readonly held: readonly string[];
  /** Something was sent. */
  readonly hasSent: boolean;
  /** Sound made so far, in milliseconds. */
  readonly producedMs: number;
  /** When the first sound came. */
  readonly audioAt: number | undefined;
  /** The voice, since the last batch: it owes sound, makes it, or has stopped. */
  readonly voice: "owes" | "makes" | "rests";
  /** What `producedMs` was when it was looked at last, and when that was. */
  readonly sampledMs: number;
  readonly sampledAt: number;
}

/** What to do now. */
export interface PacingStep {
  readonly state: PacingState;
  /** What to send. */
  readonly batch: string | undefined;
  /** When to look again, by the clock; undefined: when something happens. */
  readonly wakeAt: number | undefined;
}

/** Nothing was said. */
export const PACING_START: PacingState = Object.freeze({
  held: Object.freeze([]),
  hasSent: false,
  producedMs: 0,
  audioAt: undefined,
  voice: "rests",
  sampledMs: 0,
  sampledAt: -Infinity,
});

const SAMPLE_EVERY_MS = 100; // specified: 03 section 20.2, as the two below
const WAKE_WHILE_MAKING_MS = 200;
const WAKE_AT_LEAST_MS = 500;
const SPEAKABLE = /[\p{L}\p{N}]/u;

/** Sound came. */
export function pacingHeard(state: PacingState, durationMs: number, now: number): PacingState {
  return { ...state, producedMs: state.producedMs + durationMs, audioAt: state.audioAt ?? now };
}

/** Decides at a moment: when a sentence came, when the clock says so, and when the voice ended a batch (`voiceEnded`). */
export function stepPacing(
  before: PacingState,
  now: number,
  { minRemainingAudio, maxTextLength }: SentencePacing,
  voiceEnded = false,
): PacingStep {
  let state = sample(before, now, voiceEnded);
  const remainingMs = state.audioAt === undefined ? 0 : state.audioAt + state.producedMs - now;
  const isDue = !state.hasSent || (state.voice === "rests" && remainingMs <= minRemainingAudio);
  let batch: string | undefined;
  if (state.held.length > 0 && isDue) {
    const count = state.hasSent ? batchSize(state.held, maxTextLength) : 1;
    batch = state.held.slice(0, count).join(" ");
    // What makes no sound is no reason to wait for any.
    const voice = SPEAKABLE.test(batch) ? "owes" : "rests";
    state = { ...state, held: state.held.slice(count), hasSent: true, voice };
  }
  if (state.held.length === 0) return { state, batch, wakeAt: undefined };
  const pause = state.voice === "makes"
    ? WAKE_WHILE_MAKING_MS
    : Math.max(WAKE_AT_LEAST_MS, remainingMs - minRemainingAudio);
  return { state, batch, wakeAt: now + pause };
}

function sample(state: PacingState, now: number, voiceEnded: boolean): PacingState {
  if (voiceEnded) return { ...state, voice: "rests", sampledMs: state.producedMs, sampledAt: now };
  if (now - state.sampledAt < SAMPLE_EVERY_MS) return state;
  const hasGrown = state.producedMs > state.sampledMs;
  const voice = hasGrown && state.voice === "owes"
    ? "makes"
    : !hasGrown && state.voice === "makes"
    ? "rests"
    : state.voice;
  return { ...state, voice, sampledMs: state.producedMs, sampledAt: now };
}

function batchSize(held: readonly string[], maxTextLength: number): number {
  let length = 0;
  let count = 0;
  while (count < held.length && length < maxTextLength) length += held[count++]!.length;
  return Math.max(1, count);
}
