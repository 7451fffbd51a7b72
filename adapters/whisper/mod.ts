/**
 * Speech to text on this machine: Whisper tiny.en, for English.
 *
 * @module
 */
export { type WhisperOptions, type WhisperSources, type WhisperSTT, whisperSTT } from "./whisper.ts";
export type { Weights } from "../onnx/weights.ts";
