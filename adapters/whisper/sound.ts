/**
 * Sound as Whisper hears it.
 *
 * @module
 */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { concatSamples, monoFrame } from "../../src/audio/frames.ts";
import { int16ToFloat32 } from "../../src/audio/pcm.ts";
import { resampleFrames } from "../../src/audio/resample.ts";
import { WHISPER_RATE } from "./engine.ts";

/** How exactly a pause is looked for. Chosen: shorter than a syllable, longer than a period of any voice. */
const BLOCK_SIZE = (WHISPER_RATE * 20) / 1000;
/** A pause is quiet for so many blocks. Chosen: 200 ms. */
const PAUSE_BLOCKS = 10;

/** All of it in one run: mono, 16 kHz, from -1 to 1. */
export function samplesOf(frames: readonly AudioFrame[]): Float32Array<ArrayBuffer> {
  const convert = resampleFrames(WHISPER_RATE);
  const blocks = frames.flatMap((frame) => convert.push(monoFrame(frame)));
  blocks.push(...convert.flush());
  return new Float32Array(int16ToFloat32(concatSamples(blocks.map(({ data }) => data))));
}

/**
 * Cuts sound into pieces of at most `maxSize` samples, each at the quietest place of the last quarter that it may have.
 * Nothing is lost, and nothing is in two pieces.
 */
export function cutQuietly(samples: Float32Array<ArrayBuffer>, maxSize: number): Float32Array<ArrayBuffer>[] {
  const pieces: Float32Array<ArrayBuffer>[] = [];
  let start = 0;
  while (samples.length - start > maxSize) {
    const end = quietestPlace(samples, start + Math.floor(maxSize * 0.75), start + maxSize);
    pieces.push(samples.slice(start, end));
    start = end;
  }
  pieces.push(samples.slice(start));
  return pieces;
}

/** The middle of the quietest 200 ms between two places. */
function quietestPlace(samples: Float32Array, from: number, to: number): number {
  const energies: number[] = [];
  for (let at = from; at + BLOCK_SIZE <= to; at += BLOCK_SIZE) {
    let energy = 0;
    for (let index = at; index < at + BLOCK_SIZE; index++) energy += samples[index]! ** 2;
    energies.push(energy);
  }
  let quietest = 0;
  let least = Infinity;
  for (let first = 0; first + PAUSE_BLOCKS <= energies.length; first++) {
    let energy = 0;
    for (let index = first; index < first + PAUSE_BLOCKS; index++) energy += energies[index]!;
    if (energy >= least) continue;
    least = energy;
    quietest = first;
  }
  return from + (quietest + PAUSE_BLOCKS / 2) * BLOCK_SIZE;
}
