/**
 * Browsers, and workers in them.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { ConnectOptions, Runtime, Socket } from "../../src/base/runtime.ts";
import { hostAmbient } from "./ambient.ts";
import { processClock } from "./clock.ts";
import { webSecret } from "./secret.ts";
import { openSocket, type WebSocketLike } from "./socket.ts";

/** Makes the {@linkcode Runtime} of a browser. There are no settings and no files, and sockets take no headers. */
export function browserRuntime(): Runtime {
  const ambient = hostAmbient();
  return {
    name: "browser",
    clock: processClock(),
    random: Math.random,
    secret: webSecret,
    connect: browserSocket,
    ...(ambient && { ambient }),
  };
}

async function browserSocket(url: string, { headers, protocols, signal }: ConnectOptions = {}): Promise<Socket> {
  const names = Object.keys(headers ?? {});
  if (names.length > 0) {
    throw new AgentError(
      "runtime.missing",
      `Cannot open a socket with headers as a browser sends none: current value is ${names.join(", ")}`,
    );
  }
  const make = (): WebSocketLike => new WebSocket(url, [...(protocols ?? [])]) as unknown as WebSocketLike;
  return await openSocket(make, url, { ...(signal && { signal }) });
}
