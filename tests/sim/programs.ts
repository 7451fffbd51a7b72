/**
 * Random programs: calls of a session in any order and at any time, by fast-check, each with at least one fault. Whatever a
 * program does, none of S1 to S10 is broken.
 */
import fc from "../property.ts";
import { cpuMs, type Outcome, type Seeds } from "./outcome.ts";
import { type Event, type Fault, FAULTS, PLAIN, type Script, type Setup, show } from "./script.ts";
import { playSession } from "./session_checks.ts";

const flag = fc.boolean();

/** What a program may call. Its user speaks, too: a call at the wrong moment is one that meets words. */
const call: fc.Arbitrary<Event> = fc.tuple(
  fc.oneof(
    fc.record({ do: fc.constant("say"), protect: flag, recorded: flag }),
    fc.record({ do: fc.constant("reply"), protect: flag }),
    fc.record({ do: fc.constant("run") }),
    fc.record({
      do: fc.constant("agent"),
      kind: fc.constantFrom("plain", "greets", "asks", "farewell", "slow", "stuckExit", "throws"),
    }),
    fc.record({ do: fc.constant("interrupt"), force: flag }),
    fc.record({ do: fc.constant("cut"), n: fc.nat(2), force: flag }),
    fc.record({ do: fc.constant("protect"), n: fc.nat(2), value: flag }),
    fc.record({ do: fc.constant("tools"), count: fc.nat(4) }),
    fc.record({
      do: fc.constant("options"),
      minDuration: fc.constantFrom(200, 900),
      mode: fc.constantFrom(null, "manual"),
    }),
    fc.record({ do: fc.constant("commit"), skipReply: flag }),
    fc.record({ do: fc.constant("clear") }),
    fc.record({ do: fc.constant("drain") }),
    fc.record({ do: fc.constant("close"), drain: flag, deadline: fc.constantFrom(0, 500, 20_000) }),
    fc.record({ do: fc.constant("restart") }),
    fc.record({ do: fc.constant("sink") }),
    fc.record({ do: fc.constant("sound"), on: flag }),
    fc.record({ do: fc.constant("fail"), what: fc.constantFrom("stt", "vad", "sink") }),
    fc.record({
      do: fc.constant("speak"),
      ms: fc.constantFrom(250, 900, 1_500),
      words: fc.nat(2),
      interims: fc.nat(1),
      late: fc.constantFrom(0, 300, 700),
      lost: fc.constant(false),
      hum: flag,
    }),
  ),
  fc.oneof(
    fc.nat(120).map((n) => ({ t: n * 100 })),
    fc.record({
      t: fc.constantFrom(0, 0, 20, 200),
      on: fc.constantFrom("user speaks", "turn commits", "hook runs", "agent thinks", "agent speaks", "output pauses"),
      n: fc.constantFrom(1, 2),
    }),
    // A tool begins and ends, an agent comes and goes: the moments of most races.
    fc.record({
      t: fc.constantFrom(0, 0, 20, 200),
      on: fc.constantFrom("tool starts", "tool ends", "agent enters", "agent leaves"),
      n: fc.constantFrom(1, 2),
    }),
  ),
).map(([act, when]) => ({ ...act, ...when }) as Event);

const setup: fc.Arbitrary<Setup> = fc.record({
  voice: fc.constantFrom(true, true, true, false),
  preemptive: flag,
  captions: flag,
  backchannels: flag,
  canPause: flag,
  detector: fc.constantFrom("none", "none", "text"),
  userAwayTimeout: fc.constantFrom(null, 4_000),
}).map((some) => ({ ...PLAIN, ...some, hasVad: some.voice, hasStt: some.voice }) as Setup);

/** A program. */
export const program: fc.Arbitrary<Script> = fc.record({
  seed: fc.nat(1_000_000),
  setup,
  faults: fc.uniqueArray(fc.constantFrom<Fault>(...FAULTS), { minLength: 1, maxLength: 4 }),
  events: fc.array(call, { minLength: 2, maxLength: 16 }),
  deadline: fc.constantFrom(0, 500, 20_000),
});

/** Runs programs. The first that fails is cut down by fast-check, and told with the seed that makes it again. */
export async function runPrograms(
  { from, count, until }: Seeds,
  tell: (line: string) => void = console.log,
): Promise<Outcome> {
  const began = performance.now();
  const worked = cpuMs();
  let steps = 0;
  let played = 0;
  const left = until - began;
  const result = await fc.check(
    fc.asyncProperty(program, async (script) => {
      const { violation, steps: taken } = await playSession(script);
      steps += taken;
      played += 1;
      if (violation !== undefined) throw violation;
    }),
    {
      seed: from | 0,
      numRuns: Number.isFinite(count) ? count : 1_000_000_000,
      ...(Number.isFinite(left) && { interruptAfterTimeLimit: Math.max(1, left), markInterruptAsFailure: false }),
    },
  );
  if (result.failed && result.counterexample !== null) {
    const [script] = result.counterexample;
    tell(`FAIL programs, seed ${result.seed}, path "${result.counterexamplePath}": ${String(result.errorInstance)}`);
    tell(show(script));
  }
  const failed = result.failed ? 1 : 0;
  return { passed: played - failed, failed, steps, ms: performance.now() - began, cpuMs: cpuMs() - worked };
}
