/**
 * Silero VAD on this machine: a small network that tells speech from everything else, without a key or the network.
 *
 * Needs the packages `onnxruntime-web` and, unless weights are given, `@ricky0123/vad-web`, whose files carry Silero's
 * weights (MIT licence). Both are looked for when the network is loaded, not before.
 *
 * @module
 */
export {
  type SileroOptions,
  type SileroVAD,
  sileroVAD,
  type VADOptions,
  type VADThresholds,
  type Weights,
} from "./silero.ts";
