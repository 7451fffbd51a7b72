/**
 * A web server with web sockets on this machine, of whatever the place has for it. Listens on loopback only.
 *
 * @module
 */
import type { WebSocketServerLike } from "@hono/node-server";
import type { Hono } from "hono";
import { AgentError, type Runtime } from "../mod.ts";

/** A server that listens. */
export interface WebServer {
  readonly url: string;
  /** Stops it, and cuts off whoever is connected. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

/** The parts of Bun and Deno used here. */
interface Hosts {
  readonly Bun: {
    serve(options: object): { readonly port: number; stop(force: boolean): Promise<void> };
  };
  readonly Deno: {
    serve(options: object, handler: Hono["fetch"]): {
      readonly addr: { readonly port: number };
      shutdown(): Promise<void>;
    };
  };
}

/** How a hono app accepts a web socket in this place. */
export async function upgradeOf({ name }: Runtime): Promise<unknown> {
  if (name === "bun") return (await import("hono/bun")).upgradeWebSocket;
  if (name === "deno") return (await import("hono/deno")).upgradeWebSocket;
  return (await import("@hono/node-server")).upgradeWebSocket;
}

/**
 * Listens.
 *
 * @throws {AgentError} `cli.bad_argument` when the port is taken.
 */
export async function listen({ name }: Runtime, app: Hono, port: number): Promise<WebServer> {
  try {
    if (name === "bun") return await listenBun(app, port);
    if (name === "deno") return await listenDeno(app, port);
    return await listenNode(app, port);
  } catch (cause) {
    throw new AgentError("cli.bad_argument", `Cannot serve the page as --port must be free: current value is ${port}`, {
      cause,
    });
  }
}

const urlOf = (port: number): string => `http://${HOST}:${port}/`;

async function listenBun(app: Hono, port: number): Promise<WebServer> {
  const { Bun } = globalThis as unknown as Hosts;
  const { websocket } = await import("hono/bun");
  const server = Bun.serve({ hostname: HOST, port, fetch: app.fetch, websocket });
  return { url: urlOf(server.port), close: () => server.stop(true) };
}

function listenDeno(app: Hono, port: number): Promise<WebServer> {
  const { Deno } = globalThis as unknown as Hosts;
  const stop = new AbortController();
  const server = Deno.serve({ hostname: HOST, port, signal: stop.signal, onListen() {} }, app.fetch);
  return Promise.resolve({
    url: urlOf(server.addr.port),
    close: () => {
      stop.abort();
      return Promise.resolve();
    },
  });
}

async function listenNode(app: Hono, port: number): Promise<WebServer> {
  const [{ serve }, { WebSocketServer }] = await Promise.all([import("@hono/node-server"), import("ws")]);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 128 * 1024 });
  const websocket = { server: sockets as unknown as WebSocketServerLike }; // they differ in `undefined` alone
  return await new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: HOST, port, websocket }, (info) => {
      resolve({
        url: urlOf(info.port),
        close: () =>
          new Promise((closed) => {
            for (const socket of sockets.clients) socket.terminate();
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
    server.once("error", reject);
  });
}
