import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { browserRuntime } from "../../../adapters/runtime/browser.ts";
import { detectRuntime } from "../../../adapters/runtime/detect.ts";
import { edgeRuntime } from "../../../adapters/runtime/edge.ts";
import { AgentError } from "../../../src/base/error.ts";
import { defaultRuntime } from "../../../src/session/default_runtime.ts";

test("the place is recognised, and found out once", () => {
  const globals = globalThis as { Bun?: unknown; Deno?: unknown };
  const expected = globals.Bun ? "bun" : globals.Deno ? "deno" : "node";
  assert.equal(detectRuntime().name, expected);
  assert.equal(defaultRuntime(), defaultRuntime());
});

test("dice, secrets and settings are there", () => {
  const { random, secret, env } = detectRuntime();
  const value = random();
  assert.ok(value >= 0 && value < 1);
  assert.equal(secret(16).length, 16);
  assert.notDeepEqual(secret(16), secret(16));
  assert.equal(typeof env?.("PATH"), "string");
  assert.equal(env?.("REPARTEE_NO_SUCH_SETTING"), undefined);
});

test("an ambient value follows its code through promises and timers, and ends with it", async () => {
  const { ambient, clock } = detectRuntime();
  const name = ambient!<string>();
  const read = async (): Promise<string | undefined> => {
    await new Promise<void>((go) => clock.schedule(clock.now() + 1, go));
    return name.get();
  };
  assert.deepEqual(await Promise.all([name.run("a", read), name.run("b", read), read()]), ["a", "b", undefined]);
  assert.equal(name.run("outer", () => name.run("inner", () => name.get()) + name.get()!), "innerouter");
});

test("files are written with their folders, by path or URL, and read back", async () => {
  const { read, write } = detectRuntime().files!;
  const folder = await mkdtemp(join(tmpdir(), "repartee-"));
  try {
    for (const path of [join(folder, "new", "folder", "a.bin"), pathToFileURL(join(folder, "other", "b c.bin"))]) {
      const writer = (await write(path)).getWriter();
      await writer.write(new Uint8Array([1, 2]));
      await writer.write(new Uint8Array(0));
      await writer.write(new Uint8Array([3]));
      assert.deepEqual(new Uint8Array(await readFile(path)), new Uint8Array([1, 2, 3])); // before it is closed
      await writer.close();
      const bytes = await read(path);
      assert.equal(bytes.constructor, Uint8Array);
      assert.deepEqual(bytes, new Uint8Array([1, 2, 3]));
      await (await write(path)).close();
      assert.equal((await read(path)).length, 0); // from its start
    }
    await assert.rejects(read(join(folder, "none")));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("an edge runtime leaves out what its place lacks, and takes settings from the handler", () => {
  const runtime = edgeRuntime({ env: { KEY: "value", KV: { get() {} } } });
  assert.equal(runtime.env?.("KEY"), "value");
  assert.equal(runtime.env?.("KV"), undefined);
  assert.equal(edgeRuntime().env, undefined);
  assert.equal(runtime.files, undefined);
});

test("a browser's socket says that it cannot send headers", async () => {
  const opening = browserRuntime().connect!("ws://127.0.0.1:1/", { headers: { Authorization: "x" } });
  await assert.rejects(opening, (error) => error instanceof AgentError && error.code === "runtime.missing");
});
