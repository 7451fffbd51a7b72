/** Plays conversations with mutated machines, in a worker of its own, and says which rule was broken first. */
import { parentPort, workerData } from "node:worker_threads";
import "./mutant_hook.ts";

const { count } = workerData as { readonly count: number };
// Behind the hook, so that they are loaded with the mutant among them.
const { playMachines } = await import("./machine_checks.ts");
const { scriptOf } = await import("./script.ts");
let found: { readonly rule: string; readonly message: string; readonly seed: number } | undefined;
for (let seed = 0; seed < count && found === undefined; seed++) {
  const { violation } = playMachines(scriptOf(seed));
  if (violation !== undefined) found = { rule: violation.rule, message: violation.kind, seed };
}
parentPort?.postMessage(found ?? null);
