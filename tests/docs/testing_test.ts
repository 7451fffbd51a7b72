/** The files that `docs/testing.md` shows are written to a folder, and pass under the test runner of the place. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { ENTRIES } from "../../scripts/exports.ts";
import { environment, root } from "../../scripts/places.ts";

const place = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const folder = `tests/docs/.page_${place}`; // Deno runs no tests in `out`, which its configuration leaves out

/** Files by name: each code block whose first line is a comment that names one. Imports lead to the source. */
function filesOf(page: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, name = "", code = ""] of page.matchAll(/```ts\n\/\/ (\w+\.ts)\n([\s\S]*?)```/g)) {
    const source = code.replace(/"@repartee\/agents(\/[^"]*)?"/g, (_, entry = "") => {
      const path = ENTRIES[`.${entry}`];
      assert.ok(path !== undefined, `${name} imports an entry that does not exist: ${entry}`);
      return `"../../../${path}"`;
    });
    files.set(name, source);
  }
  return files;
}

test("every file of the page runs, and its tests pass", async () => {
  const page = readFileSync(`${root}docs/testing.md`, "utf8");
  const files = filesOf(page);
  assert.equal(files.size, (page.match(/```ts/g) ?? []).length, "every block is a file");
  rmSync(root + folder, { recursive: true, force: true });
  mkdirSync(root + folder, { recursive: true });
  for (const [name, code] of files) writeFileSync(`${root}${folder}/${name}`, code);
  const tests = [...files.keys()].filter((name) => name.endsWith("_test.ts")).map((name) => `./${folder}/${name}`);
  const count = [...files.values()].join("").match(/^test\(/gm)?.length ?? 0;
  const runner = { node: ["--test", "--test-reporter=tap"], bun: ["test"], deno: ["test", "-A", "--no-check"] }[place];
  const { NODE_TEST_CONTEXT: _runner, ...env } = environment();
  const said = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [...runner, ...tests], { cwd: root, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(stdout + stderr, { cause: error }));
      else resolve(stdout + stderr);
    });
  }).finally(() => rmSync(root + folder, { recursive: true, force: true }));
  assert.ok(count >= 8);
  assert.match(
    said,
    new RegExp(`# pass ${count}$|\\b${count} passed \\||^ *${count} pass$`, "m"),
  );
});
