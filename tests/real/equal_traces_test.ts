/** S9: the same seed gives the same trace, byte for byte, on every runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../scripts/lane.ts";
import { bin, root } from "../../scripts/places.ts";

const COUNT = 300;
const FROM = 5_000_000;

async function digests(runtime: "node" | "bun" | "deno"): Promise<readonly string[]> {
  const args = [`${root}tests/sim/traces.ts`, `${FROM}`, `${COUNT}`];
  const { code, output } = await run(bin(runtime), runtime === "deno" ? ["run", "-A", "--no-check", ...args] : args);
  assert.equal(code, 0, output);
  return output.split("\n").filter((line) => /^\d+ \d+ [0-9a-f]{64}/.test(line));
}

test(`${COUNT} whole sessions have the same traces on Node, Bun and Deno, byte for byte`, async () => {
  const node = await digests("node");
  assert.equal(node.length, COUNT);
  // Traces that say nothing would be equal, too.
  assert.equal(new Set(node.map((line) => line.split(" ")[2])).size, COUNT);
  for (const runtime of ["bun", "deno"] as const) {
    const other = await digests(runtime);
    const different = node.filter((line, index) => line !== other[index]).map((line) => line.split(" ")[0]);
    assert.deepEqual(different, [], `seeds whose traces differ on ${runtime}: see tests/sim/traces.ts SEED 1 --trace`);
  }
});
