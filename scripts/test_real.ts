/**
 * Runs what needs real models, servers, browsers or a network: `tests/real/`, on Node. What lacks a part says so in a line
 * and is skipped; never when `CI=true`.
 *
 *     node scripts/test_real.ts [tests/real/x_test.ts ...]
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import process from "node:process";
import { line, readTap } from "./lane.ts";
import { bin, environment, mustHaveAll, root } from "./places.ts";

const given = process.argv.slice(2);
const files = given.length > 0 ? given : globSync("tests/real/**/*_test.ts", { cwd: root }).sort();
const total = { passed: 0, failed: 0, skipped: 0 };

for (const file of files) {
  const startedAt = performance.now();
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    const args = ["--test", "--test-reporter=tap", "--test-timeout=900000", file];
    const child = spawn(bin("node"), args, { cwd: root, env: environment(), stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (data) => (text += data));
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (status) => resolve({ code: status ?? 1, output: text }));
  });
  const counts = readTap({ code, output });
  // Where everything is promised to be there, a test that leaves itself out has failed.
  const lost = mustHaveAll ? counts.skipped : 0;
  total.passed += counts.passed;
  total.failed += counts.failed + lost;
  total.skipped += counts.skipped - lost;
  console.log(`${file} ${line(counts)} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  for (const text of output.split("\n")) if (/# SKIP/.test(text)) console.log(`  ${text.trim()}`);
  if (counts.failed > 0) console.log(output);
}
console.log(`\n${line(total)}`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
