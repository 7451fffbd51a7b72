/**
 * Serves a hono app on Node, Bun or Deno, with the server of the place, on this machine alone.
 *
 * @module
 */
import type { Hono } from "hono";

/** A server that is running. */
export interface Serving extends AsyncDisposable {
  /** Its address. */
  readonly origin: string;
}

/** The parts of `Bun` and `Deno` that are used here. */
interface BunLike {
  serve(o: { port: number; hostname: string; idleTimeout: number; fetch: Hono["fetch"] }): {
    readonly port: number;
    stop(force: boolean): Promise<void>;
  };
}
interface DenoLike {
  serve(
    o: { port: number; hostname: string; onListen: () => void },
    fetch: (request: Request) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
}

const hostname = "127.0.0.1";

/** Starts a server; port 0 takes any that is free. */
export async function serveApp(app: Hono, port = 0): Promise<Serving> {
  const { Bun, Deno } = globalThis as { Bun?: BunLike; Deno?: DenoLike };
  if (Bun !== undefined) {
    // Bun hangs up on a connection that is idle for 10 s, unless it is told not to: a model may think for longer.
    const server = Bun.serve({ port, hostname, idleTimeout: 60, fetch: app.fetch });
    return { origin: `http://${hostname}:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
  }
  if (Deno !== undefined) {
    const server = Deno.serve({ port, hostname, onListen: () => {} }, (request) => app.fetch(request));
    return { origin: `http://${hostname}:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
  }
  const { serve } = await import("@hono/node-server");
  return await new Promise((resolve) => {
    const server = serve({ port, hostname, fetch: app.fetch }, (address) => {
      resolve({
        origin: `http://${hostname}:${address.port}`,
        [Symbol.asyncDispose]: () =>
          new Promise<void>((closed) => {
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
  });
}
