/**
 * A bare isolate of workerd, without Node compatibility, that serves a module of ours on loopback.
 *
 * @module
 */
import { build } from "esbuild";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin, environment, root } from "./places.ts";

/** An isolate that is running. */
export interface Workerd extends AsyncDisposable {
  readonly origin: string;
}

/** Bundles a module, whose default export handles requests, and serves it. `flags` are compatibility flags. */
export async function openWorkerd(
  contents: string,
  { flags = [], compatibilityDate = "2026-10-01" }: {
    readonly flags?: readonly string[];
    readonly compatibilityDate?: string;
  } = {},
): Promise<Workerd> {
  const folder = mkdtempSync(join(tmpdir(), "repartee-workerd-"));
  await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["worker", "import"],
    target: "es2022",
    logLevel: "error",
    outfile: join(folder, "worker.js"),
  });
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
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
  compatibilityFlags = [${flags.map((flag) => JSON.stringify(flag)).join(", ")}],
);
`,
  );
  const child = spawn(bin("workerd"), ["serve", "--control-fd=3", join(folder, "config.capnp")], {
    env: environment(),
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const close = async (): Promise<void> => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const port = await new Promise<number | undefined>((resolve) => {
    let seen = "";
    child.stdio[3]?.on("data", (bytes) => {
      seen += bytes;
      const port = /"port":\s*(\d+)/.exec(seen)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    void ended.then(() => resolve(undefined));
  });
  if (port === undefined) {
    await close();
    throw new Error("workerd ended before it listened");
  }
  return { origin: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}
