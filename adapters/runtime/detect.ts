/**
 * Finds out where it runs.
 *
 * @module
 */
import type { Runtime } from "../../src/base/runtime.ts";
import { browserRuntime } from "./browser.ts";
import { bunRuntime } from "./bun.ts";
import { denoRuntime } from "./deno.ts";
import { edgeRuntime } from "./edge.ts";
import { nodeRuntime } from "./node.ts";

/** What tells the places apart: the objects that only one of them has. */
interface Globals {
  readonly Bun?: unknown;
  readonly Deno?: unknown;
  readonly WebSocketPair?: unknown;
  readonly process?: { readonly versions?: { readonly node?: string } };
  readonly document?: unknown;
  readonly WorkerGlobalScope?: unknown;
}

/** Makes the {@linkcode Runtime} of the place it runs in. What is unknown counts as edge, which asks for least. */
export function detectRuntime(): Runtime {
  const globals = globalThis as Globals;
  if (globals.Bun !== undefined) return bunRuntime();
  if (globals.Deno !== undefined) return denoRuntime();
  if (globals.WebSocketPair !== undefined) return edgeRuntime(); // before Node, whose `process` workerd can imitate
  if (globals.process?.versions?.node !== undefined) return nodeRuntime();
  if (globals.document !== undefined || globals.WorkerGlobalScope !== undefined) return browserRuntime();
  return edgeRuntime();
}
