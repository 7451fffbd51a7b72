import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const MODELS = [
  {
    folder: "whisper_tiny_en",
    name: "@repartee/whisper-tiny-en",
    files: ["decoder.onnx", "encoder.onnx", "vocabulary.txt"],
    license: "MIT",
    owner: /OpenAI/,
  },
  {
    folder: "smart_turn_v3",
    name: "@repartee/smart-turn-v3",
    files: ["smart_turn.onnx"],
    license: "BSD-2-Clause",
    owner: /Daily/,
  },
] as const;

for (const model of MODELS) {
  const read = async (name: string): Promise<Uint8Array> =>
    await readFile(new URL(`../../models/${model.folder}/${name}`, import.meta.url));
  const readText = async (name: string): Promise<string> => new TextDecoder().decode(await read(name));

  test(`${model.name}: the files are those of its checksums`, async () => {
    const sums = (await readText("SHA256SUMS")).trim().split("\n").map((line) => line.split("  "));
    assert.deepEqual(sums.map(([, name]) => name).sort(), model.files);
    for (const [sum, name] of sums) {
      assert.equal(createHash("sha256").update(await read(name!)).digest("hex"), sum, name);
    }
  });

  test(`${model.name}: the package carries the model, its licence and its checksums, and gives them out by name`, async () => {
    const manifest = JSON.parse(await readText("package.json")) as {
      readonly name: string;
      readonly license: string;
      readonly files: readonly string[];
      readonly exports: Readonly<Record<string, string>>;
    };
    assert.equal(manifest.name, model.name);
    assert.equal(manifest.license, model.license);
    for (const name of [...manifest.files, ...Object.values(manifest.exports)]) {
      assert.ok((await read(name)).length > 0, name);
    }
    assert.match(await readText("LICENSE"), model.owner);
  });
}
