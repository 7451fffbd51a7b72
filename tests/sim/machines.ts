/** Many seeds through the machines. */
import { playMachines } from "./machine_checks.ts";
import { cpuMs, Failures, type Outcome, type Seeds, type Violation } from "./outcome.ts";
import { type Script, scriptOf, show } from "./script.ts";
import { shrink } from "./shrink.ts";

/** Plays seeds one after another. Each that fails is told; the first few are cut down. */
export async function runMachines(
  { from, count, until }: Seeds,
  tell: (line: string) => void = console.log,
): Promise<Outcome> {
  const began = performance.now();
  const worked = cpuMs();
  let passed = 0;
  const failures = new Failures(tell);
  let steps = 0;
  for (let index = 0; index < count && ((index & 63) !== 0 || performance.now() < until); index++) {
    const script = scriptOf(from + index);
    const { violation, world } = playMachines(script);
    steps += world.stepCount;
    if (violation === undefined) {
      passed += 1;
      continue;
    }
    await failures.add("machines", script.seed, violation, async () => show(await smallest(script, violation)));
  }
  failures.end();
  return { passed, failed: failures.count, steps, ms: performance.now() - began, cpuMs: cpuMs() - worked };
}

/** The shortest script that breaks the rule in the same way. */
export async function smallest(script: Script, violation: Violation): Promise<Script> {
  return await shrink(script, (other) => playMachines(other).violation?.kind === violation.kind);
}

/** Plays one seed, and prints it cut down, with every order of the machines. */
export async function replayMachines(seed: number): Promise<number> {
  const script = scriptOf(seed);
  const { violation } = playMachines(script);
  const short = violation === undefined ? script : await smallest(script, violation);
  const { violation: again, world } = playMachines(short, { isLogged: true });
  console.log(show(short));
  for (const line of world.log ?? []) console.log(line);
  console.log(again?.message ?? "no rule is broken");
  console.log(`${again === undefined ? 1 : 0} passed, ${again === undefined ? 0 : 1} failed`);
  return again === undefined ? 0 : 1;
}
