/**
 * Question: how many conversations a second does the simulation play and check, on one core?
 *
 * The fixed seeds of `npm run sim`, with all rules checked after every step: 4,000 conversations of the machines with a model of
 * the driver, and 600 whole sessions on the virtual clock. Conversations a second of CPU time, after a tenth of them to warm up.
 *
 *     node bench/simulation.ts
 */
import { runMachines } from "../tests/sim/machines.ts";
import { runSessions } from "../tests/sim/sessions.ts";
import { report } from "./measure.ts";

type Run = typeof runMachines | typeof runSessions;

async function rate(run: Run, count: number): Promise<number> {
  await run({ from: 0, count: count / 10, until: Infinity });
  const { passed, failed, cpuMs } = await run({ from: 0, count, until: Infinity });
  if (failed > 0) throw new Error(`Cannot measure the simulation as it must pass: current value is ${failed} failed`);
  return passed / (cpuMs / 1_000);
}

await report(async () => ({
  sim_machines: await rate(runMachines, 4_000),
  sim_sessions: await rate(runSessions, 600),
}));
