/** Many seeds through whole sessions. */
import { cpuMs, Failures, type Outcome, type Seeds, type Violation } from "./outcome.ts";
import { type Script, scriptOf, show } from "./script.ts";
import { playSession } from "./session_checks.ts";
import { shrink } from "./shrink.ts";

/** How many worlds wait for one turn of the event loop together. Measured: more gains nothing. */
const TOGETHER = 64;

/** Plays seeds, many at a time. Each that fails is told; the first few are cut down. */
export async function runSessions(
  { from, count, until }: Seeds,
  tell: (line: string) => void = console.log,
): Promise<Outcome> {
  const began = performance.now();
  const worked = cpuMs();
  const failures = new Failures(tell);
  let passed = 0;
  let steps = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count && performance.now() < until) {
      const script = scriptOf(from + next++);
      // Putting down and going on elsewhere makes a second session: some of them show it.
      const { violation, steps: taken } = await playSession(script, { isPutDown: script.seed % 8 === 0 });
      steps += taken;
      if (violation === undefined) passed += 1;
      else {
        await failures.add("sessions", script.seed, violation, async () => show(await smallest(script, violation)));
      }
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, lane));
  failures.end();
  return { passed, failed: failures.count, steps, ms: performance.now() - began, cpuMs: cpuMs() - worked };
}

/** The shortest script that breaks the rule in the same way. */
export async function smallest(script: Script, violation: Violation): Promise<Script> {
  return await shrink(script, async (other) => {
    const { violation: again } = await playSession(other, { isPutDown: violation.rule === "S10" });
    return again?.kind === violation.kind;
  });
}

/** Plays one seed, and prints it cut down. */
export async function replaySessions(seed: number): Promise<number> {
  const script = scriptOf(seed);
  const { violation } = await playSession(script);
  const short = violation === undefined ? script : await smallest(script, violation);
  const { violation: again } = await playSession(short);
  console.log(show(short));
  console.log(again?.message ?? "no rule is broken");
  console.log(`${again === undefined ? 1 : 0} passed, ${again === undefined ? 0 : 1} failed`);
  return again === undefined ? 0 : 1;
}
