import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../../models/whisper_tiny_en/", import.meta.url);
const read = (name: string): Promise<Uint8Array> => readFile(new URL(name, folder));

test("the files of the model are those that were built", async () => {
  const sums = new TextDecoder().decode(await read("SHA256SUMS")).trim().split("\n").map((line) => line.split("  "));
  assert.deepEqual(sums.map(([, name]) => name).sort(), ["decoder.onnx", "encoder.onnx", "vocabulary.txt"]);
  for (const [sum, name] of sums) {
    assert.equal(createHash("sha256").update(await read(name!)).digest("hex"), sum, name);
  }
});

test("the package carries the model, its licence and its checksums, and gives them out by name", async () => {
  const manifest = JSON.parse(new TextDecoder().decode(await read("package.json"))) as {
    readonly name: string;
    readonly license: string;
    readonly files: readonly string[];
    readonly exports: Readonly<Record<string, string>>;
  };
  assert.equal(manifest.name, "@repartee/whisper-tiny-en");
  assert.equal(manifest.license, "MIT");
  for (const name of [...manifest.files, ...Object.values(manifest.exports)]) {
    assert.ok((await read(name)).length > 0, name);
  }
  assert.match(new TextDecoder().decode(await read("LICENSE")), /OpenAI/);
});
