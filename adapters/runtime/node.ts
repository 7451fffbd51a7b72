/**
 * Node 22 and later.
 *
 * @module
 */
import type { Runtime } from "../../src/base/runtime.ts";
import { hostAmbient } from "./ambient.ts";
import { processClock } from "./clock.ts";
import { nodeFiles } from "./files.ts";
import { webSecret } from "./secret.ts";
import { openWebSocket } from "./socket.ts";

/** The part of `process` used here. */
interface Host {
  readonly process: { readonly env: Readonly<Record<string, string | undefined>> };
}

/** Makes the {@linkcode Runtime} of Node. All that are made share one clock. */
export function nodeRuntime(): Runtime {
  const { process } = globalThis as unknown as Host;
  const ambient = hostAmbient();
  return {
    name: "node",
    clock: processClock(),
    random: Math.random,
    secret: webSecret,
    env: (name) => process.env[name],
    connect: openWebSocket,
    files: nodeFiles(),
    ...(ambient && { ambient }),
  };
}
