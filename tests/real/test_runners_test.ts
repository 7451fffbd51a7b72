/**
 * A user's project, with the packed package installed, whose tests run under each runner: `node --test`, `deno test`, `bun test` and
 * vitest. They pass, and a test that fails shows the whole run.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, describe, it } from "node:test";
import { bin, environment, root } from "../../scripts/places.ts";

const home = mkdtempSync(`${tmpdir()}/repartee-project-`);
const project = `${home}/project`;

/** What a command in the user's project ends with, and says. */
function run(
  command: string,
  args: readonly string[],
  cwd = project,
): { readonly status: number | null; readonly output: string } {
  const { NODE_TEST_CONTEXT: _ours, ...env } = environment(); // a runner within this one, which is not to report to it
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", env });
  return { status, output: `${stdout}${stderr}` };
}

before(() => {
  const packed = run("npm", ["pack", "--silent", "--pack-destination", home], root);
  assert.equal(packed.status, 0, packed.output);
  const tarball = readdirSync(home).find((name) => name.endsWith(".tgz"));
  assert.equal(run("tar", ["-xzf", `${home}/${tarball}`, "-C", home], root).status, 0);
  mkdirSync(`${project}/node_modules/@repartee`, { recursive: true });
  cpSync(`${home}/package`, `${project}/node_modules/@repartee/agents`, { recursive: true });
  for (const name of ["valibot", "@opentelemetry", "vitest"]) {
    symlinkSync(realpathSync(`${root}node_modules/${name}`), `${project}/node_modules/${name}`);
  }
  cpSync(`${root}tests/fixtures/runner_project`, project, { recursive: true });
  writeFileSync(`${project}/package.json`, JSON.stringify({ type: "module" }));
});

after(() => rmSync(home, { recursive: true, force: true }));

const RUNNERS = {
  "node --test": (kind: string) => run(bin("node"), ["--test", "--test-reporter=tap", `node_${kind}.mjs`]),
  "deno test": (kind: string) => run(bin("deno"), ["test", "-A", "--node-modules-dir=manual", `deno_${kind}.mjs`]),
  "bun test": (kind: string) => run(bin("bun"), ["test", `./bun_${kind}.test.mjs`]),
  "vitest": (kind: string) =>
    run(bin("node"), ["node_modules/vitest/vitest.mjs", "run", "--root", project, `vitest_${kind}.spec.mjs`]),
} as const;

/** How each says that three tests passed. */
const PASSED: Readonly<Record<keyof typeof RUNNERS, RegExp>> = {
  "node --test": /^# pass 3$/m,
  "deno test": /\b3 passed \| 0 failed/,
  "bun test": /^\s*3 pass$/m,
  "vitest": /Tests\s+3 passed \(3\)/,
};

for (const [name, start] of Object.entries(RUNNERS)) {
  describe(name, () => {
    it("runs a user's tests of an agent", () => {
      const { status, output } = start("good");
      assert.equal(status, 0, output);
      assert.match(output, PASSED[name as keyof typeof RUNNERS]);
    });

    it("shows the whole run when one fails, with a mark at the event that is wrong", () => {
      const { status, output } = start("bad");
      assert.notEqual(status, 0, output);
      assert.match(output, /Expected a message with role "assistant", and event 1 is a function call output/);
      assert.match(output, /> 1 {2}function call output of find_book: "Emma stands on shelf 7"/);
      assert.match(output, /2 {2}message from assistant: "You find it on shelf 7\."/);
    });
  });
}
