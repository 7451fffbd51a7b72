/**
 * The one list of entry points. `package.json` and `deno.json` export exactly those that exist; `scripts/check_package.ts`
 * compares.
 *
 *     node scripts/exports.ts --write     writes the list into both manifests
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const PLANNED: Readonly<Record<string, string>> = {
  ".": "mod.ts",
  "./streams": "streams/mod.ts",
  "./testing": "src/testing/mod.ts",
  "./node": "adapters/runtime/node.ts",
  "./bun": "adapters/runtime/bun.ts",
  "./deno": "adapters/runtime/deno.ts",
  "./edge": "adapters/runtime/edge.ts",
  "./hono": "adapters/hono/mod.ts",
  "./voice-client": "adapters/hono/voice_client.ts",
  "./livekit": "adapters/livekit/mod.ts",
  "./openai": "adapters/openai/mod.ts",
  "./valibot": "adapters/valibot/mod.ts",
  "./silero": "adapters/silero/mod.ts",
  "./whisper": "adapters/whisper/mod.ts",
  "./flite": "adapters/flite/mod.ts",
  "./energy-vad": "adapters/energy_vad/mod.ts",
  "./smart-turn": "adapters/smart_turn/mod.ts",
};

/** Each entry point, and its file in the source. */
export const ENTRIES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(PLANNED).filter(([, path]) => existsSync(root + path)),
);

/** The entries as `deno.json` has them: source. */
export function denoExports(): Record<string, string> {
  return Object.fromEntries(Object.entries(ENTRIES).map(([entry, path]) => [entry, `./${path}`]));
}

/** The entries as `package.json` has them: what `tsc` makes of the source. */
export function packageExports(): Record<string, { readonly types: string; readonly default: string }> {
  return Object.fromEntries(
    Object.entries(ENTRIES).map(([entry, path]) => {
      const built = `./dist/${path.replace(/\.ts$/, "")}`;
      return [entry, { types: `${built}.d.ts`, default: `${built}.js` }];
    }),
  );
}

if (process.argv[2] === "--write") {
  for (const [file, exports] of [["deno.json", denoExports()], ["package.json", packageExports()]] as const) {
    const manifest = JSON.parse(readFileSync(root + file, "utf8")) as Record<string, unknown>;
    writeFileSync(root + file, `${JSON.stringify({ ...manifest, exports }, null, 2)}\n`);
  }
}
