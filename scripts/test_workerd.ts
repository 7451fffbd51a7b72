/**
 * Runs the edge cases in workerd, without Node compatibility: the module is bundled, loaded in a bare isolate, and each
 * case of `tests/edge/cases.ts` runs there. Ends with a line of counts.
 */
import process from "node:process";
import { openWorkerd } from "./workerd.ts";

await using workerd = await openWorkerd(`
  import { cases } from "./tests/edge/cases.ts";
  import { edgeRuntime } from "./adapters/runtime/edge.ts";
  export default {
    async fetch() {
      const results = [];
      for (const { name, run } of cases) {
        try {
          await run(edgeRuntime());
          results.push({ name, ok: true });
        } catch (error) {
          results.push({ name, ok: false, message: String(error?.stack ?? error) });
        }
      }
      return Response.json(results);
    },
  };`);
const response = await fetch(workerd.origin, { signal: AbortSignal.timeout(60_000) });
const results = await response.json() as { name: string; ok: boolean; message?: string }[];
for (const { name, ok, message } of results) console.log(ok ? `ok ${name}` : `not ok ${name}\n${message}`);
const failed = results.filter(({ ok }) => !ok).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && results.length > 0 ? 0 : 1;
