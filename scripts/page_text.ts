/**
 * Makes texts of what runs in pages, so that a server in any place can hand them out: the worklet, the client over it, and the page over that.
 *
 *     node scripts/page_text.ts            writes them
 *     node scripts/page_text.ts --check    fails where one is not fresh
 */
import { build } from "esbuild";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { root } from "./places.ts";

/** In this order: the client holds the worklet. */
const TEXTS = [
  {
    file: "voice_worklet_text.ts",
    name: "WORKLET",
    contents: 'import { registerProcessors } from "./voice_worklet.ts"; registerProcessors(globalThis);',
    format: "iife",
    what: "The script of the worklet",
  },
  {
    file: "voice_client_text.ts",
    name: "VOICE_CLIENT",
    contents: 'export { connectVoice } from "./voice_client.ts";',
    format: "esm",
    what: "The module of the client",
  },
  {
    file: "voice_page_text.ts",
    name: "VOICE_PAGE",
    contents: 'import { runPage } from "./voice_page_main.ts"; runPage();',
    format: "esm",
    what: "The script of the page, with the client in it",
  },
] as const;
const FOLDER = `${root}adapters/hono/`;

let stale = 0;
for (const { file, name, contents, format, what } of TEXTS) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: FOLDER, loader: "ts" },
    bundle: true,
    write: false,
    format,
    target: "es2022",
    minifyWhitespace: true,
    minifySyntax: true,
    // What is in a browser's script element must not end it.
    supported: { "inline-script": false },
  });
  const text = `/**
 * ${what}, as text. Made by \`scripts/page_text.ts\`: do not edit.
 *
 * @module
 */

/** The text. */
export const ${name}: string = ${JSON.stringify(outputFiles[0]?.text)};
`;
  if (existsSync(FOLDER + file) && readFileSync(FOLDER + file, "utf8") === text) continue;
  if (process.argv[2] === "--check") {
    console.error(`adapters/hono/${file} is not fresh: run \`npm run docs\``);
    stale++;
  } else writeFileSync(FOLDER + file, text);
}
process.exitCode = stale === 0 ? 0 : 1;
