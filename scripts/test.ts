/**
 * The test command: types, format, lint, and the one suite on every runtime, the built package on the oldest Node that we
 * promise, and the core in a bare isolate.
 *
 *     node scripts/test.ts                     everything
 *     node scripts/test.ts --only node,bun     some of it: static, node, bun, deno, node22, workerd
 *     node scripts/test.ts --only node tests/audio/wav_test.ts
 *
 * Runs on Node, Bun and Deno alike, with the runtimes that `npm ci` brought.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => `${root}node_modules/.bin/${name}`;
const LANES = ["static", "node", "bun", "deno", "node22", "workerd"] as const;
type Lane = (typeof LANES)[number];

interface Outcome {
  readonly lane: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

if (!existsSync(bin("node"))) {
  console.error("The runtimes are missing: run `npm ci` (or `bun install`, or `deno install`) first.");
  process.exit(2);
}

const args = process.argv.slice(2);
const onlyAt = args.indexOf("--only");
const only = onlyAt < 0 ? undefined : new Set(args.splice(onlyAt, 2)[1]?.split(","));
const files = args.length > 0 ? args : allTests();
const outcomes: Outcome[] = [];
const out = `${root}out/test`;
mkdirSync(out, { recursive: true });

for (const lane of LANES) {
  if (only !== undefined && !only.has(lane)) continue;
  const startedAt = performance.now();
  const result = await runLane(lane);
  const outcome = { lane, ...result, seconds: (performance.now() - startedAt) / 1000 };
  outcomes.push(outcome);
  console.log(`${lane.padEnd(8)} ${line(outcome)} (${outcome.seconds.toFixed(1)} s)`);
}
const total = outcomes.reduce(
  (sum, o) => ({ passed: sum.passed + o.passed, failed: sum.failed + o.failed, skipped: sum.skipped + o.skipped }),
  { passed: 0, failed: 0, skipped: 0 },
);
console.log(`\n${line(total)}`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

function line(o: { passed: number; failed: number; skipped: number }): string {
  return `${o.passed} passed, ${o.failed} failed${o.skipped > 0 ? `, ${o.skipped} skipped` : ""}`;
}

function allTests(): string[] {
  return globSync("tests/**/*_test.ts", { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.startsWith("tests/real/"))
    .sort();
}

async function runLane(lane: Lane): Promise<{ passed: number; failed: number; skipped: number }> {
  switch (lane) {
    case "static":
      return await together([
        [bin("tsc"), ["-p", "tsconfig.json"]],
        [bin("tsc"), ["-p", "tsconfig.core.json"]],
        [bin("deno"), ["fmt", "--check", "-q"]],
        [bin("deno"), ["lint", "-q"]],
      ]);
    case "node":
      return readTap(await run(lane, bin("node"), ["--test", "--test-reporter=tap", "--test-timeout=120000", ...files]));
    case "bun":
      return readBun(await run(lane, bin("bun"), ["test", "--timeout", "120000", ...files.map((file) => `./${file}`)]));
    case "deno":
      return readDeno(await run(lane, bin("deno"), ["test", "-A", "--no-check", ...files]));
    case "node22":
      return readLine(await run(lane, bin("node"), ["scripts/test_node22.ts"]));
    case "workerd":
      return readLine(await run(lane, bin("node"), ["scripts/test_workerd.ts"]));
    default:
      return lane satisfies never;
  }
}

async function together(commands: readonly (readonly [string, string[]])[]): Promise<{ passed: number; failed: number; skipped: number }> {
  let passed = 0;
  let failed = 0;
  for (const [command, commandArgs] of commands) {
    const { code } = await run(`static`, command, commandArgs);
    if (code === 0) passed++;
    else failed++;
  }
  return { passed, failed, skipped: 0 };
}

function run(lane: string, command: string, commandArgs: readonly string[]): Promise<{ code: number; output: string; lane: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, { cwd: root, env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" } });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", (error) => resolve({ code: 127, output: `${output}\n${error.message}`, lane }));
    child.on("close", (code) => {
      writeFileSync(`${out}/${lane}.log`, output);
      if (code !== 0) console.error(tail(output));
      resolve({ code: code ?? 1, output, lane });
    });
  });
}

function tail(output: string): string {
  const lines = output.split("\n");
  const failures = lines.flatMap((text, index) => /^\s*not ok|\(fail\)|FAILED|error:/.test(text) ? lines.slice(index, index + 14) : []);
  return [...failures.slice(0, 120), "...", ...lines.slice(-25)].join("\n");
}

function count(output: string, pattern: RegExp): number {
  const matches = [...output.matchAll(pattern)];
  return matches.length === 0 ? 0 : Number(matches.at(-1)?.[1]);
}

type Ran = { readonly code: number; readonly output: string };

function counted(ran: Ran, passed: number, failed: number, skipped: number): { passed: number; failed: number; skipped: number } {
  return { passed, failed: failed === 0 && ran.code !== 0 ? 1 : failed, skipped };
}

function readTap(ran: Ran): { passed: number; failed: number; skipped: number } {
  const { output } = ran;
  return counted(ran, count(output, /^# pass (\d+)$/gm), count(output, /^# fail (\d+)$/gm), count(output, /^# skipped (\d+)$/gm));
}

function readBun(ran: Ran): { passed: number; failed: number; skipped: number } {
  const { output } = ran;
  return counted(ran, count(output, /^\s*(\d+) pass$/gm), count(output, /^\s*(\d+) fail$/gm), count(output, /^\s*(\d+) skip$/gm));
}

function readDeno(ran: Ran): { passed: number; failed: number; skipped: number } {
  const { output } = ran;
  return counted(
    ran,
    count(output, /(\d+) passed/g),
    count(output, /(\d+) failed/g),
    count(output, /(\d+) ignored/g),
  );
}

function readLine(ran: Ran): { passed: number; failed: number; skipped: number } {
  const { output } = ran;
  return counted(ran, count(output, /(\d+) passed/g), count(output, /(\d+) failed/g), count(output, /(\d+) skipped/g));
}

