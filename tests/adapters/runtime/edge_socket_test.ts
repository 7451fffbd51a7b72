/** The socket, clock and globals of the edge runtime in a bare isolate of workerd, against a real server. Run on Node, which starts it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openWebSocketServer } from "../../fixtures/web_socket_server.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const isNode = !("Bun" in globalThis) && !("Deno" in globalThis);

/** What runs in the isolate: `detectRuntime` has to find out where it is, without Node compatibility. */
const WORKER = `
  import { detectRuntime } from "./adapters/runtime/detect.ts";
  import { virtualRuntime } from "./adapters/runtime/virtual.ts";

  async function report(server) {
    const { name, clock, connect, secret, ambient, files } = detectRuntime();
    const socket = await connect(server + "/echo", { headers: { Authorization: "Token edge" }, protocols: ["p1"] });
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    await writer.write("héllo");
    const text = (await reader.read()).value;
    await writer.write(new Uint8Array([0, 255]));
    const bytes = [...(await reader.read()).value];
    await writer.close();
    const isEnded = (await reader.read()).done;
    const closed = await socket.closed;
    const refused = await connect(server + "/refuse?key=secret").catch((error) => error);
    const reason = new Error("enough");
    const controller = new AbortController();
    const open = await connect(server + "/echo", { signal: controller.signal });
    controller.abort(reason);
    const aborted = await open.readable.getReader().read().catch((error) => error === reason);
    const broken = await connect(server + "/drop");
    await broken.writable.getWriter().write("go");
    const failure = await broken.readable.getReader().read().catch((error) => error.code);
    const due = clock.now() + 20;
    const firedAt = await new Promise((go) => clock.schedule(due, () => go(clock.now())));

    const virtual = virtualRuntime({ seed: 1 });
    let count = 0;
    const again = () => { if ((count += 1) < 1000) virtual.clock.schedule(virtual.clock.now() + 10, again); };
    again();
    await virtual.clock.run();

    return {
      name, text, bytes, isEnded, closed, refused: { code: refused.code, message: refused.message }, aborted, failure,
      isNotEarly: firedAt >= due, secretLength: secret(8).length, hasAmbient: ambient !== undefined, hasFiles: files !== undefined,
      virtualNow: virtual.clock.now(), random: virtual.random(), hasProcess: "process" in globalThis,
    };
  }

  export default {
    fetch: async (request) => {
      try {
        return Response.json(await report(new URL(request.url).searchParams.get("server")));
      } catch (error) {
        return Response.json({ error: String(error?.stack ?? error) });
      }
    },
  };
`;

const config = (compatibilityDate: string) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${compatibilityDate}",
);
`;

/** Starts workerd and gives the port that it listens on. */
async function listen(child: ChildProcess): Promise<number> {
  let seen = "";
  for await (const bytes of child.stdio[3] as AsyncIterable<Uint8Array>) {
    seen += new TextDecoder().decode(bytes);
    const port = /"port":\s*(\d+)/.exec(seen)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error("workerd ended before it listened");
}

for (const [date, isBare] of [["2024-01-01", true], ["2026-10-01", false]] as const) {
  const skip = isNode ? false : "started by Node";
  test(`the edge runtime works in workerd as of ${date}, headers and all`, { skip }, async () => {
    const { build } = await import("esbuild");
    await using server = await openWebSocketServer();
    const folder = await mkdtemp(join(tmpdir(), "repartee-"));
    await build({
      stdin: { contents: WORKER, resolveDir: root },
      outfile: join(folder, "worker.js"),
      bundle: true,
      format: "esm",
      target: "es2022",
      logLevel: "error",
    });
    await writeFile(join(folder, "config.capnp"), config(date));
    const child = spawn(join(root, "node_modules/.bin/workerd"), [
      "serve",
      "--control-fd=3",
      join(folder, "config.capnp"),
    ], {
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    });
    try {
      const port = await listen(child);
      const response = await fetch(`http://127.0.0.1:${port}/?server=${encodeURIComponent(server.url)}`);
      const { refused, random, ...rest } = await response.json() as Record<string, unknown>;
      assert.deepEqual(rest, {
        name: "edge",
        text: "héllo",
        bytes: [0, 255],
        isEnded: true,
        closed: { code: 1000, reason: "" },
        aborted: true,
        failure: "socket.failed",
        isNotEarly: true,
        secretLength: 8,
        hasAmbient: !isBare,
        hasFiles: false,
        virtualNow: 9_990,
        hasProcess: !isBare,
      });
      const { seededRandom } = await import("../../../src/base/random.ts");
      assert.equal(random, seededRandom(1)());
      const { code, message } = refused as { code: string; message: string };
      assert.equal(code, "socket.failed");
      assert.match(message, /401/);
      assert.doesNotMatch(message, /secret/);
      assert.equal(server.requests[0]?.headers["authorization"], "Token edge");
      assert.equal(server.requests[0]?.headers["sec-websocket-protocol"], "p1");
    } finally {
      child.kill();
      await rm(folder, { recursive: true });
    }
  });
}
