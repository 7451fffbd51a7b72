/**
 * The one place where the core reaches for its surroundings, so that users need not name theirs.
 *
 * @module
 */
import { detectRuntime } from "../../adapters/runtime/detect.ts";
import type { Runtime } from "../base/runtime.ts";

let found: Runtime | undefined;

/** The runtime of the place, found out once, when first asked for. */
export function defaultRuntime(): Runtime {
  return found ??= detectRuntime();
}
