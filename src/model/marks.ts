/**
 * What travels beside audio and text in the streams of models.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";

/** "Give out what you hold": the end of a segment of audio or text. */
export interface FlushMark {
  /** Tells this kind from the others. */
  readonly type: "flush";
}

/** New context for a recogniser: terms to expect, and what was said last. */
export interface ContextMark {
  /** Tells this kind from the others. */
  readonly type: "context";
  /** Words to listen for. */
  readonly keyterms?: readonly string[];
  /** What was said last, oldest first. */
  readonly messages?: readonly { readonly role: string; readonly text: string }[];
}

/** The one flush mark. */
export const FLUSH: FlushMark = Object.freeze({ type: "flush" });

/** What goes into a stream that listens: sound, and marks between it. */
export type AudioInputPart = AudioFrame | FlushMark | ContextMark;

/** True for a mark, false for a frame of sound. */
export function isMark(part: AudioInputPart): part is FlushMark | ContextMark {
  return "type" in part;
}

/** A piece of text with the time at which it is heard, in milliseconds from the start of its audio. */
export interface TimedString {
  /** The word or words. */
  readonly text: string;
  /** When it begins, in milliseconds of the stream. */
  readonly startMs?: number;
  /** When it ends. */
  readonly endMs?: number;
}
