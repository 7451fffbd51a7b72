/**
 * The test command: types, format, lint, and the one suite on every runtime, the built package on the oldest Node that we
 * promise, and the core in a bare isolate.
 *
 *     node scripts/test.ts                     everything
 *     node scripts/test.ts --only node,bun     some of it: static, node, bun, deno, node22, workerd
 *     node scripts/test.ts --only node tests/audio/wav_test.ts
 *
 * Runs on Node, Bun and Deno alike, with the runtimes that installing brought. One that is missing is skipped, with a
 * line that says so; never when `CI=true`.
 */
import { globSync, mkdirSync, rmSync } from "node:fs";
import process from "node:process";
import { type Counts, line, readBun, readDeno, readLine, readTap, run } from "./lane.ts";
import { bin, mustHaveAll, oldestNode, root } from "./places.ts";

const LANES = ["static", "node", "bun", "deno", "node22", "workerd"] as const;
type Lane = (typeof LANES)[number];

const args = process.argv.slice(2);
const onlyAt = args.indexOf("--only");
const only = onlyAt < 0 ? undefined : new Set(args.splice(onlyAt, 2)[1]?.split(","));
const unknown = [...(only ?? [])].filter((name) => !(LANES as readonly string[]).includes(name));
if (unknown.length > 0) {
  console.error(
    `Cannot run the tests as a lane must be one of ${LANES.join(", ")}: current value is ${unknown.join(", ")}`,
  );
  process.exit(2);
}
const files = args.length > 0 ? args : allTests();
const logs = `${root}out/test`;
mkdirSync(logs, { recursive: true });

const total = { passed: 0, failed: 0, skipped: 0 };
for (const lane of LANES) {
  if (only !== undefined && !only.has(lane)) continue;
  const missing = await missingFor(lane);
  if (missing !== undefined && !mustHaveAll) {
    console.log(`${lane.padEnd(8)} skipped, as ${missing} is not installed: \`npm ci\` and \`bun install\` bring it`);
    total.skipped++;
    continue;
  }
  const startedAt = performance.now();
  const counts = await runLane(lane);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  console.log(`${lane.padEnd(8)} ${line(counts)} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
}
console.log(`\n${line(total)}`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

function allTests(): string[] {
  return globSync("tests/**/*_test.ts", { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.startsWith("tests/real/"))
    .sort();
}

/** What a lane lacks here, if anything. Asked by starting it: a package manager may leave a command that does not work. */
async function missingFor(lane: Lane): Promise<string | undefined> {
  if (lane === "node22" && oldestNode === undefined) return "the oldest Node";
  const needs = {
    static: ["tsc", "deno"],
    node: ["node"],
    bun: ["bun"],
    deno: ["deno"],
    node22: ["tsc"],
    workerd: ["workerd"],
  };
  for (const name of needs[lane]) {
    if ((await run(bin(name), ["--version"])).code !== 0) return name;
  }
  return undefined;
}

async function runLane(lane: Lane): Promise<Counts> {
  const log = `${logs}/${lane}.log`;
  rmSync(log, { force: true });
  switch (lane) {
    case "static":
      return await together([
        ["types", bin("tsc"), ["-p", "tsconfig.json"]],
        ["types of the core alone", bin("tsc"), ["-p", "tsconfig.core.json"]],
        ["format", bin("deno"), ["fmt", "--check"]],
        ["lint", bin("deno"), ["lint"]],
        ["generated texts of pages", process.execPath, [...runScript(), "scripts/page_text.ts", "--check"]],
        ["generated documents", process.execPath, [...runScript(), "scripts/docs.ts", "--check"]],
      ], log);
    case "node":
      return readTap(await run(bin("node"), ["--test", "--test-reporter=tap", "--test-timeout=120000", ...files], log));
    case "bun":
      return readBun(await run(bin("bun"), ["test", "--timeout", "120000", ...files.map((file) => `./${file}`)], log));
    case "deno":
      return readDeno(await run(bin("deno"), ["test", "-A", "--no-check", ...files], log));
    case "node22":
      return readLine(await run(process.execPath, [...runScript(), "scripts/test_node22.ts"], log));
    case "workerd":
      return readLine(await run(process.execPath, [...runScript(), "scripts/test_workerd.ts"], log));
    default:
      return lane satisfies never;
  }
}

/** What stands before a script's path when this runtime starts it. */
function runScript(): string[] {
  return "Deno" in globalThis ? ["run", "-A"] : [];
}

async function together(
  commands: readonly (readonly [what: string, command: string, args: readonly string[]])[],
  log: string,
): Promise<Counts> {
  let passed = 0;
  for (const [what, command, commandArgs] of commands) {
    const { code } = await run(command, commandArgs, log);
    if (code === 0) passed++;
    else console.error(`not ok ${what}`);
  }
  return { passed, failed: commands.length - passed, skipped: 0 };
}
