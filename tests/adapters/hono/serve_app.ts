/** Serves an app on the runtime that runs this, on loopback. */
import type { Hono } from "hono";

/** A server that is running. */
export interface Serving extends AsyncDisposable {
  readonly origin: string;
}

interface BunLike {
  serve(o: { port: number; hostname: string; idleTimeout: number; fetch: Hono["fetch"] }): {
    readonly port: number;
    stop(force: boolean): Promise<void>;
  };
}
interface DenoLike {
  serve(
    o: { port: number; hostname: string; onListen: (address: { port: number }) => void },
    fetch: (request: Request) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
}

/** Starts a server, with the means of the place. */
export async function serveApp(app: Hono): Promise<Serving> {
  const { Bun, Deno } = globalThis as { Bun?: BunLike; Deno?: DenoLike };
  if (Bun !== undefined) {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 60, fetch: app.fetch });
    return { origin: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
  }
  if (Deno !== undefined) {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => app.fetch(request));
    return { origin: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
  }
  const { serve } = await import("@hono/node-server");
  return await new Promise((resolve) => {
    const server = serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch }, ({ port }) => {
      resolve({
        origin: `http://127.0.0.1:${port}`,
        [Symbol.asyncDispose]: () =>
          new Promise<void>((closed) => {
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
  });
}
