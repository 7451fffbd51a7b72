/**
 * What a user's package manager would find: equal export lists, types that resolve, no slow types, documented symbols, every
 * entry point importable from a packed tarball in an empty folder on each runtime, and the size of the core.
 * Ends with a line of counts.
 */
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { denoExports, ENTRIES, packageExports } from "./exports.ts";
import { bin, environment, mustHaveAll, oldestNode, root } from "./places.ts";

/** Budget of `import { AgentSession }`, bundled and minified, gzip. Not met yet. */
const BUDGET_BYTES = 50 * 1024;
/** What it may weigh until then. Measured: goes down with what was saved, and never up without a reason in the commit. */
const CEILING_BYTES = 112 * 1024;

let passed = 0;
let failed = 0;
function report(what: string, isGood: boolean, detail = ""): void {
  console.log(`${isGood ? "ok    " : "not ok"} ${what}${detail === "" ? "" : `: ${detail}`}`);
  if (isGood) passed++;
  else failed++;
}
function run(what: string, command: string, args: readonly string[], cwd = root): boolean {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: environment(),
  });
  report(what, status === 0, status === 0 ? "" : `${stdout}${stderr}`.split("\n").slice(-25).join("\n"));
  return status === 0;
}

/** Types of peers: public in their own packages, which the linter cannot know. */
const PEER_TYPES = /references private type '(?:Context|Env|Hono|MiddlewareHandler|UpgradeWebSocket)'/;
function lintDocs(): void {
  const { stdout, stderr } = spawnSync(bin("deno"), ["doc", "--lint", ...wanted.map(([, path]) => path)], {
    cwd: root,
    encoding: "utf8",
    env: environment(),
  });
  const found = `${stdout}${stderr}`.split(/(?=^error)/m).filter((block) => block.startsWith("error["));
  const wrong = found.filter((block) => !PEER_TYPES.test(block));
  const isRead = found.length > 0; // the types of peers are always among them: silence means that it did not run
  report(
    "deno doc --lint",
    isRead && wrong.length === 0,
    isRead ? wrong.join("").slice(0, 4_000) : stderr.slice(-2_000),
  );
}

// Equal lists of exports.
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
  version: string;
  exports: Record<string, { types: string; default: string }>;
  peerDependencies: Record<string, string>;
};
const deno = JSON.parse(readFileSync(`${root}deno.json`, "utf8")) as {
  version: string;
  exports: Record<string, string>;
};
const wanted = Object.entries(ENTRIES);
const equal = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
report("deno.json exports the list of scripts/exports.ts", equal(deno.exports, denoExports()));
report("package.json exports the list of scripts/exports.ts", equal(manifest.exports, packageExports()));
report("both manifests have one version", manifest.version === deno.version);

// What the registries would say.
run("deno publish --dry-run", bin("deno"), ["publish", "--dry-run", "--allow-dirty", "--quiet"]);
lintDocs();

// The packed tarball.
const out = `${root}out/package`;
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
if (run("build and pack", "npm", ["pack", "--silent", "--pack-destination", out])) {
  const tarball = `${out}/repartee-agents-${manifest.version}.tgz`;
  run("publint", bin("publint"), ["run", tarball, "--strict"]);
  run("attw", bin("attw"), [tarball, "--profile", "esm-only"]);

  const home = mkdtempSync(`${tmpdir()}/repartee-`);
  mkdirSync(`${home}/node_modules/@repartee`, { recursive: true });
  run("unpack", "tar", ["-xzf", tarball, "-C", home]);
  cpSync(`${home}/package`, `${home}/node_modules/@repartee/agents`, { recursive: true });
  for (const name of ["valibot", "@opentelemetry"]) {
    symlinkSync(realpathSync(`${root}node_modules/${name}`), `${home}/node_modules/${name}`);
  }
  writeFileSync(`${home}/package.json`, JSON.stringify({ type: "module" }));
  // Optional peers are absent here: every entry must load all the same.
  writeFileSync(
    `${home}/all.mjs`,
    `${wanted.map(([entry], i) => `import * as m${i} from "@repartee/agents${entry.slice(1)}";`).join("\n")}
const all = [${wanted.map((_, i) => `m${i}`).join(", ")}];
if (all.some((m) => Object.keys(m).length === 0)) throw new Error("an entry exports nothing");
const { AgentSession, Agent } = m0;
const session = new AgentSession({});
await session.start({ agent: new Agent({ instructions: "" }) });
await session.close();
const { roomIO } = await import("@repartee/agents/livekit");
const joining = new AgentSession({}).start({
  agent: new Agent({ instructions: "" }),
  io: roomIO({ url: "ws://127.0.0.1:1", token: "none" }),
});
const refusal = await joining.then(() => "a room was joined without the package", (error) => error.cause?.code);
if (refusal !== "runtime.missing") throw new Error(String(refusal));
console.log(all.length);`,
  );
  run("every entry loads on Node 24", bin("node"), ["all.mjs"], home);
  if (oldestNode !== undefined) run("every entry loads on Node 22", oldestNode, ["all.mjs"], home);
  else if (mustHaveAll) report("every entry loads on Node 22", false, "it is not installed");
  run("every entry loads on Bun", bin("bun"), ["all.mjs"], home);
  run("every entry loads on Deno", bin("deno"), ["run", "-A", "--node-modules-dir=manual", "all.mjs"], home);
  const command = `${home}/node_modules/@repartee/agents/dist/cli/main.js`;
  run("the bin starts without the optional peers", bin("node"), [command, "--help"], home);
  // With them, the whole of the package works on the oldest Node: workers, weights, models.
  if (oldestNode !== undefined) {
    for (const peer of Object.keys(manifest.peerDependencies)) {
      const [scope, name] = peer.startsWith("@") ? peer.split("/") as [string, string] : ["", peer];
      mkdirSync(`${home}/node_modules/${scope}`, { recursive: true });
      symlinkSync(realpathSync(`${root}node_modules/${peer}`), `${home}/node_modules/${scope}/${name}`);
    }
    run("the demo of the package holds its call on Node 22", oldestNode, [command, "demo", "--fast"], home);
  }
  rmSync(home, { recursive: true, force: true });
}

// The size of the core.
const bundle = await build({
  stdin: { contents: `export { AgentSession } from "./mod.ts";`, resolveDir: root, loader: "ts" },
  bundle: true,
  minify: true,
  format: "esm",
  platform: "neutral",
  conditions: ["module"], // as bundlers ask; without it the API of OpenTelemetry comes whole
  mainFields: ["module", "main"],
  target: "es2022",
  write: false,
  metafile: true,
});
for (
  const [path, { bytesInOutput }] of Object.entries(Object.values(bundle.metafile.outputs)[0]?.inputs ?? {})
    .sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput).slice(0, 10)
) {
  console.log(`       ${String(bytesInOutput).padStart(6)} ${path}`);
}
const size = gzipSync(bundle.outputFiles[0]?.contents ?? new Uint8Array()).length;
const isInBudget = size <= BUDGET_BYTES;
report(
  `import { AgentSession } weighs at most ${CEILING_BYTES} bytes, gzip`,
  size <= CEILING_BYTES,
  `${size} bytes; the budget of ${BUDGET_BYTES} is ${isInBudget ? "met" : "not met"}`,
);

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
