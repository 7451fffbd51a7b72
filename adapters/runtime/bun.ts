/**
 * Bun.
 *
 * @module
 */
import type { Runtime } from "../../src/base/runtime.ts";
import { hostAmbient } from "./ambient.ts";
import { processClock } from "./clock.ts";
import { nodeFiles } from "./files.ts";
import { webSecret } from "./secret.ts";
import { openWebSocket } from "./socket.ts";

/** The part of `Bun` used here. */
interface Host {
  readonly Bun: { readonly env: Readonly<Record<string, string | undefined>> };
}

/** Makes the {@linkcode Runtime} of Bun. All that are made share one clock. */
export function bunRuntime(): Runtime {
  const { Bun } = globalThis as unknown as Host;
  const ambient = hostAmbient();
  return {
    name: "bun",
    clock: processClock(),
    random: Math.random,
    secret: webSecret,
    env: (name) => Bun.env[name],
    connect: openWebSocket,
    files: nodeFiles(),
    ...(ambient && { ambient }),
  };
}
