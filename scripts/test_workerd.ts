/**
 * Runs the edge cases in workerd, without Node compatibility: the module is bundled, loaded in a bare isolate, and each
 * case of `tests/edge/cases.ts` runs there. Ends with a line of counts.
 */
import { build } from "esbuild";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { bin, environment, root } from "./places.ts";

const out = `${root}out/workerd`;
mkdirSync(out, { recursive: true });

await build({
  stdin: {
    contents: `
      import { cases } from "./tests/edge/cases.ts";
      import { edgeRuntime } from "./adapters/runtime/edge.ts";
      export default {
        async fetch() {
          const results = [];
          for (const { name, run } of cases) {
            try {
              await run(edgeRuntime());
              results.push({ name, ok: true });
            } catch (error) {
              results.push({ name, ok: false, message: String(error?.stack ?? error) });
            }
          }
          return Response.json(results);
        },
      };`,
    resolveDir: root,
    loader: "ts",
  },
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["worker", "import"],
  target: "es2022",
  outfile: `${out}/worker.js`,
});
writeFileSync(
  `${out}/config.capnp`,
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
);
`,
);

const child = spawn(bin("workerd"), ["serve", "--control-fd=3", `${out}/config.capnp`], {
  env: environment(),
  stdio: ["ignore", "inherit", "inherit", "pipe"],
});
const port = await new Promise<number>((resolve, reject) => {
  let seen = "";
  child.stdio[3]?.on("data", (data) => {
    seen += data;
    for (const line of seen.split("\n")) {
      if (!line.includes('"listen"')) continue;
      resolve((JSON.parse(line) as { port: number }).port);
    }
  });
  child.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
});
try {
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(60_000) });
  const results = await response.json() as { name: string; ok: boolean; message?: string }[];
  for (const { name, ok, message } of results) console.log(ok ? `ok ${name}` : `not ok ${name}\n${message}`);
  const failed = results.filter(({ ok }) => !ok).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && results.length > 0 ? 0 : 1;
} finally {
  child.kill();
}
