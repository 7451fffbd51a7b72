/**
 * The end of the user's turn, told from the sound, on this machine: Smart Turn v3, for 23 languages, without a key or the network.
 *
 * Needs the packages `onnxruntime-web` and, unless weights are given, `@repartee/smart-turn-v3` (BSD 2-Clause licence).
 *
 * @module
 */
export { smartTurn, type SmartTurnDetector, type SmartTurnOptions } from "./smart_turn.ts";
export type { Weights } from "../onnx/weights.ts";
