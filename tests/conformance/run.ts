/**
 * Plays conformance scenarios and prints a table.
 *
 *     npm run conformance -- [DIR] [--topics a,b] [--only name] [--verbose]
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { playScenario, type Scenario } from "../../src/testing/conformance.ts";
import { firstDifference, verdictFor } from "../../src/testing/conformance_compare.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
};
const flag = (name: string): boolean => {
  const at = args.indexOf(name);
  return at >= 0 && args.splice(at, 1).length > 0;
};
const isVerbose = flag("--verbose");
const only = option("--only");
const topics = new Set(
  option("--topics")?.split(",") ?? JSON.parse(readFileSync(here("topics.json"), "utf8")) as string[],
);
/** Scenarios that we are known not to play as the reference did, and why. One that is played so must be taken off. */
const known = JSON.parse(readFileSync(here("known.json"), "utf8")) as Readonly<Record<string, string>>;
const given = args[0];
const folders = given !== undefined
  ? [given]
  : [here("cases"), here("../../../shared/conformance")].filter((folder) => existsSync(folder));
if (folders.length === 0) {
  console.error("The recordings are not here: put them into tests/conformance/cases, or name their folder.");
}

let passed = 0;
let failed = 0;
let knownCount = 0;
const leftOut = new Map<string, number>();
for (const folder of folders) {
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".json") || file.includes("schema")) continue;
    const scenario = JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Scenario;
    if (only !== undefined && scenario.name !== only) continue;
    if (only === undefined && given === undefined && !topics.has(scenario.topic)) {
      leftOut.set(scenario.topic, (leftOut.get(scenario.topic) ?? 0) + 1);
      continue;
    }
    // Our own say what we do; recordings of the reference are played both ways.
    for (const compat of folder === here("cases") ? ["fixed"] as const : ["reference", "fixed"] as const) {
      let difference: string | undefined;
      try {
        const played = await playScenario(scenario, { compat, runtime: virtualRuntime({ seed: 1 }) });
        difference = firstDifference(scenario, played, compat);
        if (isVerbose && (difference !== undefined || only !== undefined)) {
          for (const event of played.events) console.log(`    ${JSON.stringify(event).slice(0, 240)}`);
        }
      } catch (error) {
        difference = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      }
      const reason = known[scenario.name];
      if (reason !== undefined) {
        if (difference !== undefined) knownCount++;
        else {
          failed++;
          console.log(`FAIL ${scenario.name} (${compat}): it is played as the reference did: take it off known.json`);
        }
      } else if (difference === undefined) passed++;
      else {
        failed++;
        console.log(
          `FAIL ${scenario.name} (${scenario.topic}, ${compat}, ${verdictFor(scenario, compat).kind}): ${
            difference.slice(0, 700)
          }`,
        );
      }
    }
  }
}
if (leftOut.size > 0) {
  console.log(`left out: ${[...leftOut].map(([topic, count]) => `${topic} (${count})`).join(", ")}`);
}
if (knownCount > 0) {
  console.log(`known not to: ${knownCount}`);
  for (const [name, reason] of Object.entries(known)) console.log(`  ${name}: ${reason}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
