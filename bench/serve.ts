/**
 * Serves a hono app on Node and Bun, as their users do.
 *
 * @module
 */
import { serve } from "@hono/node-server";

interface Served {
  readonly port: number;
}

/** Starts it on loopback, and gives the port. */
export function served(fetch: (request: Request) => Response | Promise<Response>): Promise<number> {
  const { Bun } = globalThis as { Bun?: { serve(o: object): Served } };
  if (Bun !== undefined) return Promise.resolve(Bun.serve({ port: 0, hostname: "127.0.0.1", fetch }).port);
  return new Promise((resolve) => {
    serve({ port: 0, hostname: "127.0.0.1", fetch }, ({ port }) => resolve(port));
  });
}
