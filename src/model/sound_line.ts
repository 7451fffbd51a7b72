/**
 * The latest stretch of a run of sound, found again by its time.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { sliceFrame } from "../audio/frames.ts";

/** Keeps frames on one time line: milliseconds from the first sample that ever came. */
export interface SoundLine {
  /** Where the sound begins that is still kept. */
  readonly startMs: number;
  /** How much sound has come, and so where it ends. */
  readonly endMs: number;
  /** Takes the next frame, of any rate. Its samples must not change afterwards. */
  append(frame: AudioFrame): void;
  /** The sound of a stretch, as far as it is kept, cut to whole samples. Shares the samples and copies none. */
  slice(fromMs: number, toMs: number): AudioFrame[];
  /** Lets go of the frames that end at `ms` or before. */
  dropBefore(ms: number): void;
}

interface Piece {
  readonly frame: AudioFrame;
  readonly startMs: number;
  readonly endMs: number;
}

/** Makes an empty line. It keeps everything until it is told to drop it. */
export function soundLine(): SoundLine {
  let pieces: Piece[] = [];
  let endMs = 0;
  return {
    get startMs() {
      return pieces[0]?.startMs ?? endMs;
    },
    get endMs() {
      return endMs;
    },
    append(frame) {
      if (frame.samplesPerChannel === 0) return;
      const startMs = endMs;
      endMs += frameDurationMs(frame);
      pieces.push({ frame, startMs, endMs });
    },
    slice(fromMs, toMs) {
      const found: AudioFrame[] = [];
      for (const { frame, startMs, endMs: pieceEndMs } of pieces) {
        if (pieceEndMs <= fromMs || startMs >= toMs) continue;
        const place = (ms: number): number => Math.round(((ms - startMs) * frame.sampleRate) / 1000);
        const part = startMs >= fromMs && pieceEndMs <= toMs ? frame : sliceFrame(frame, place(fromMs), place(toMs));
        if (part.samplesPerChannel > 0) found.push(part);
      }
      return found;
    },
    dropBefore(ms) {
      const keep = pieces.findIndex((piece) => piece.endMs > ms);
      if (keep !== 0) pieces = keep < 0 ? [] : pieces.slice(keep);
    },
  };
}
