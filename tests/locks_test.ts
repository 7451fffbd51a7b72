/** What is installed is the same everywhere, and comes from whichever registry the machine uses. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const LOCKS = ["package-lock.json", "bun.lock", "deno.lock"] as const;

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

test("no lock names a registry", () => {
  for (const lock of LOCKS) {
    const named = read(lock).match(/https?:\/\/[^/"\s]*(?:registry|npmjs|yarnpkg|jsr)[^/"\s]*/g) ?? [];
    assert.deepEqual(named, [], lock);
  }
  assert.doesNotMatch(read("package-lock.json"), /"resolved": "(?!models\/|tools\/)/);
});

test("every lock knows the version of every development dependency", () => {
  const { devDependencies } = JSON.parse(read("package.json")) as Manifest;
  const locks = LOCKS.map((lock) => [lock, read(lock)] as const);
  const npm = JSON.parse(read("package-lock.json")) as { packages: Record<string, { version?: string }> };
  for (const [name, wanted] of Object.entries(devDependencies)) {
    const version = npm.packages[`node_modules/${name}`]?.version ?? "";
    assert.ok(version.startsWith(wanted), `package-lock.json has ${name} ${version}, and ${wanted} is wanted`);
    for (const [lock, text] of locks) assert.ok(text.includes(version), `${lock} has no ${name} ${version}`);
  }
});
