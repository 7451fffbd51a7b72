/** The one list of entry points. `package.json` and `deno.json` export exactly these; `scripts/check_package.ts` compares. */
export const ENTRIES: Readonly<Record<string, string>> = {
  ".": "mod.ts",
  "./streams": "streams/mod.ts",
  "./testing": "src/testing/mod.ts",
  "./node": "adapters/runtime/node.ts",
  "./bun": "adapters/runtime/bun.ts",
  "./deno": "adapters/runtime/deno.ts",
  "./edge": "adapters/runtime/edge.ts",
  "./openai": "adapters/openai/mod.ts",
  "./valibot": "adapters/valibot/mod.ts",
  "./silero": "adapters/silero/mod.ts",
  "./whisper": "adapters/whisper/mod.ts",
  "./flite": "adapters/flite/mod.ts",
  "./energy-vad": "adapters/energy_vad/mod.ts",
};
