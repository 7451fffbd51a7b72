/**
 * workerd (Cloudflare Workers) and isolates like it, with or without Node compatibility.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { ConnectOptions, Runtime, Socket } from "../../src/base/runtime.ts";
import { hostAmbient } from "./ambient.ts";
import { plainClock } from "./clock.ts";
import { webSecret } from "./secret.ts";
import { openSocket, type WebSocketLike } from "./socket.ts";

/** What an edge handler knows that its globals do not. */
export interface EdgeRuntimeOptions {
  /** The bindings that the handler was given. Those that are texts are settings. */
  readonly env?: Readonly<Record<string, unknown>>;
}

/**
 * Makes the {@linkcode Runtime} of workerd. Timers and sockets belong to the request that makes them, and end with it.
 *
 * There are no files. Time stands still there while code runs, and moves when something was waited for.
 */
export function edgeRuntime({ env }: EdgeRuntimeOptions = {}): Runtime {
  const ambient = hostAmbient();
  return {
    name: "edge",
    clock: plainClock(),
    random: Math.random,
    secret: webSecret,
    ...(env && { env: (name: string) => setting(env[name]) }),
    connect: fetchSocket,
    ...(ambient && { ambient }),
  };
}

function setting(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A socket with headers is a `fetch` that asks for an upgrade here; the constructor takes none. */
function fetchSocket(url: string, { headers, protocols, signal }: ConnectOptions = {}): Promise<Socket> {
  const make = async (): Promise<WebSocketLike> => {
    const response = await fetch(url.replace(/^ws/, "http"), {
      headers: {
        ...headers,
        Upgrade: "websocket",
        ...(protocols?.length && { "Sec-WebSocket-Protocol": protocols.join(", ") }),
      },
      ...(signal && { signal }),
    });
    const { webSocket } = response as Response & { webSocket?: WebSocketLike | null };
    if (webSocket) return webSocket;
    await response.body?.cancel();
    throw new AgentError(
      "socket.failed",
      `Cannot open a socket as the server must accept the upgrade: current value is status ${response.status}`,
    );
  };
  return openSocket(make, url, { ...(signal && { signal }) });
}
