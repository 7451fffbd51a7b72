/**
 * Synthesised sound that waits to be played: filled by the voice, emptied by the sink.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import type { TimedString } from "../model/marks.ts";

/** How far the voice may be ahead of the sink. Chosen, design decision 10: a long answer must not be synthesised in vain. */
export const TTS_AHEAD_MS = 10_000;

/** A frame, and the words that begin with it. */
export interface QueuedAudio {
  readonly frame: AudioFrame;
  readonly words?: readonly TimedString[];
}

/** One writer, one reader. The writer waits when the queue holds more than {@linkcode TTS_AHEAD_MS}. */
export class FrameQueue {
  #held: QueuedAudio[] = [];
  #heldMs = 0;
  #ended = false;
  #readable: (() => void) | undefined;
  #writable: (() => void) | undefined;
  #onAudio: ((audio: QueuedAudio) => void) | undefined;
  #onEnd: (() => void) | undefined;

  /**
   * Tells of each frame as early as it is known, those that wait at once, and of the end; not of a {@linkcode clear}, after
   * which nobody knows how much there would have been. For one listener.
   */
  watch(onAudio: (audio: QueuedAudio) => void, onEnd: () => void): void {
    for (const audio of this.#held) onAudio(audio);
    if (this.#ended) return onEnd();
    this.#onAudio = onAudio;
    this.#onEnd = onEnd;
  }

  /** Adds a frame; a promise when the writer has to wait. */
  push(audio: QueuedAudio): Promise<void> | undefined {
    if (this.#ended) return undefined;
    this.#held.push(audio);
    this.#heldMs += frameDurationMs(audio.frame);
    this.#onAudio?.(audio);
    this.#readable?.();
    return this.#heldMs > TTS_AHEAD_MS ? new Promise((resolve) => (this.#writable = resolve)) : undefined;
  }

  /** No more frames. */
  end(): void {
    if (!this.#ended) this.#onEnd?.();
    this.#ended = true;
    this.#readable?.();
    this.#writable?.();
  }

  /** Throws away what is held, and ends. */
  clear(): void {
    this.#held = [];
    this.#heldMs = 0;
    this.#onAudio = this.#onEnd = undefined;
    this.end();
  }

  /** The next frame; undefined at the end. */
  async next(): Promise<QueuedAudio | undefined> {
    while (this.#held.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#readable = resolve));
    const audio = this.#held.shift();
    if (audio === undefined) return undefined;
    this.#heldMs -= frameDurationMs(audio.frame);
    if (this.#heldMs <= TTS_AHEAD_MS) this.#writable?.();
    return audio;
  }
}
