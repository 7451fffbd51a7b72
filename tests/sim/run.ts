/**
 * Plays seeded conversations and checks S1 to S10 in each.
 *
 *     npm run sim                                 what the checks of this repository run
 *     npm run sim -- --minutes 10                 fresh seeds of all levels, for ten minutes: a change is never red by chance
 *     npm run sim -- --level machines --count 5000 --seed 7
 *     npm run sim -- --level machines --replay 41 one seed, cut down, with every order
 *
 * A seed that fails is printed with the rule that it breaks, cut down to a short list of events. It ends with a line of
 * counts, and with a code other than 0 unless all passed.
 */
import process from "node:process";
import { AgentError } from "../../src/base/error.ts";
import { replayMachines, runMachines } from "./machines.ts";
import { type Level, LEVELS, type Outcome } from "./outcome.ts";
import { runPrograms } from "./programs.ts";
import { replaySessions, runSessions } from "./sessions.ts";

/** Seeds that are played on every change: the same each time, and enough to find what was found before. */
const FIXED: Readonly<Record<Level, number>> = { machines: 100_000, sessions: 20_000, programs: 2_000 };

async function main(args: string[]): Promise<number> {
  const value = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args.splice(at, 2)[1] ?? "";
  };
  const number = (name: string): number | undefined => {
    const text = value(name);
    if (text === undefined) return undefined;
    const given = Number(text);
    if (text === "" || !Number.isFinite(given) || given < 0) throw bad(`${name} must be followed by a number`, text);
    return given;
  };
  const minutes = number("--minutes");
  const count = number("--count");
  const seed = number("--seed");
  const replay = number("--replay");
  const level = value("--level");
  if (level !== undefined && !(LEVELS as readonly string[]).includes(level)) {
    throw bad(`--level must be one of ${LEVELS.join(", ")}`, level);
  }
  if (args.length > 0) throw bad("it takes --minutes, --count, --seed, --level and --replay", args[0]);
  const levels = level === undefined ? LEVELS : [level as Level];
  const play = { machines: runMachines, sessions: runSessions, programs: runPrograms };
  if (replay !== undefined) {
    if (level === "machines") return await replayMachines(replay);
    if (level === "sessions") return await replaySessions(replay);
    throw bad("--replay needs --level machines or sessions", level ?? "nothing");
  }

  // Fresh seeds are far from those that every change plays, and are printed, so that a failure can be had again.
  const fresh = 1_000_000 + Math.floor(Math.random() * 1_000_000_000);
  let passed = 0;
  let failed = 0;
  const show = (name: Level, o: Outcome): void => {
    passed += o.passed;
    failed += o.failed;
    const played = o.passed + o.failed;
    const rate = (ms: number): number => Math.round(played / (ms / 1_000));
    console.log(
      `${name}: ${played} conversations of ${Math.round(o.steps / played)} steps, ` +
        `${rate(o.ms)} a second, ${rate(o.cpuMs)} for each second of a core`,
    );
  };
  if (minutes !== undefined) {
    const from = seed ?? fresh;
    console.log(`seeds from ${from}`);
    for (const name of levels) {
      const until = performance.now() + (minutes * 60_000) / levels.length;
      show(name, await play[name]({ from, count: count ?? Infinity, until }));
    }
  } else {
    for (const name of levels) {
      show(name, await play[name]({ from: seed ?? 0, count: count ?? FIXED[name], until: Infinity }));
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function bad(rule: string, value: unknown): AgentError {
  return new AgentError("cli.bad_argument", `Cannot simulate as ${rule}: current value is ${value}`);
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof AgentError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  console.log("0 passed, 1 failed");
  return 2;
});
