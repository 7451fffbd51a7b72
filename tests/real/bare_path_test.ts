/**
 * The README's commands of Deno and Bun, in a fresh copy of the repository, on a path that has that one runtime and neither
 * `node` nor `npm`. Needs the registry.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Copies what git would clone, and what it would add, to an empty folder with a path of one runtime. */
function bareMachine(runtime: "bun" | "deno"): { readonly home: string; run(command: string, args: string[]): string } {
  const machine = mkdtempSync(`${tmpdir()}/repartee-bare-`);
  const home = `${machine}/repartee`;
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of listed.split("\0")) {
    if (file === "" || !existsSync(root + file)) continue;
    mkdirSync(dirname(`${home}/${file}`), { recursive: true });
    copyFileSync(root + file, `${home}/${file}`);
  }
  const path = `${machine}/bin`;
  mkdirSync(path);
  symlinkSync(realpathSync(programOf(runtime)), `${path}/${runtime}`);
  return {
    home,
    run(command, args) {
      const { status, stdout, stderr } = spawnSync(`${path}/${command}`, args, {
        cwd: home,
        encoding: "utf8",
        timeout: 400_000,
        // The certificates are the machine's; all else of the environment stays outside.
        env: {
          PATH: path,
          HOME: machine,
          NO_COLOR: "1",
          DENO_TLS_CA_STORE: "system,mozilla",
          ...(process.env["NODE_EXTRA_CA_CERTS"] && { NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"] }),
          ...(process.env["SSL_CERT_FILE"] && { SSL_CERT_FILE: process.env["SSL_CERT_FILE"] }),
        },
      });
      assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
      return stdout;
    },
  };
}

/** The program itself: the command of a package may be a script that needs Node. */
function programOf(runtime: "bun" | "deno"): string {
  return runtime === "bun" ? `${root}node_modules/bun/bin/bun.exe` : `${root}node_modules/deno/deno`;
}

/** What the demo leaves. */
function assertDemoLeft(home: string): void {
  for (const file of ["call.wav", "transcript.md", "trace.jsonl", "timeline.html"]) {
    assert.ok(statSync(`${home}/out/${file}`).size > 0, `${file} is there`);
  }
}

test("`deno task demo` works where neither node nor npm is on the path", () => {
  const machine = bareMachine("deno");
  machine.run("deno", ["task", "demo", "--fast"]);
  assertDemoLeft(machine.home);
  rmSync(dirname(machine.home), { recursive: true });
});

test("`bun install && bun run demo`, and the tests, work where neither node nor npm is on the path", () => {
  const machine = bareMachine("bun");
  machine.run("bun", ["install", "--frozen-lockfile"]);
  machine.run("bun", ["run", "demo", "--fast"]);
  assertDemoLeft(machine.home);
  const said = machine.run("bun", ["run", "test", "--only", "node,bun,deno,node22,workerd", "tests/edge/edge_test.ts"]);
  assert.match(said, /^\d+ passed, 0 failed$/m, said);
  rmSync(dirname(machine.home), { recursive: true });
});
