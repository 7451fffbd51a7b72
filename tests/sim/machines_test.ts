/** The simulation of the machines: it holds, it repeats itself, it can fail, and what fails is cut down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RootState } from "../../src/stage/state.ts";
import { step } from "../../src/stage/step.ts";
import { Plans } from "./heap.ts";
import { playMachines } from "./machine_checks.ts";
import type { Step } from "./machine_world.ts";
import { runMachines, smallest } from "./machines.ts";
import { scriptOf, show } from "./script.ts";
import { shrink } from "./shrink.ts";

const SEEDS = Array.from({ length: 60 }, (_, index) => 7_000 + index);

test("conversations with the machines break none of the rules", async () => {
  const lines: string[] = [];
  const { passed, failed } = await runMachines(
    { from: 0, count: 1_500, until: Infinity },
    (line) => void lines.push(line),
  );

  assert.deepEqual([lines, passed, failed], [[], 1_500, 0]);
});

test("the same seed gives the same orders (S9)", () => {
  for (const seed of SEEDS) {
    const [once, again] = [
      playMachines(scriptOf(seed), { isLogged: true }),
      playMachines(scriptOf(seed), { isLogged: true }),
    ];
    assert.deepEqual(again.world.log, once.world.log, `seed ${seed}`);
  }
});

test("a state that was put away between any two steps goes on as it would have (S10)", () => {
  for (const seed of SEEDS) {
    const whole = playMachines(scriptOf(seed), { isLogged: true });
    const through = (root: RootState): RootState => structuredClone(root);
    const stored = playMachines(scriptOf(seed), { isLogged: true, through });
    assert.deepEqual(stored.world.log, whole.world.log, `seed ${seed}`);
  }
});

test("a fault in the machines is found, named by its rule, and cut down to what it takes", async () => {
  // No pause is ever taken back.
  const faulty: Step = (root, event) => {
    const { root: after, effects } = step(root, event);
    return { root: after, effects: effects.filter(({ type }) => type !== "playout.resume") };
  };
  const seed = SEEDS.find((one) => playMachines(scriptOf(one), { step: faulty }).violation !== undefined) as number;
  const { violation } = playMachines(scriptOf(seed), { step: faulty });
  const short = await shrink(
    scriptOf(seed),
    (script) => playMachines(script, { step: faulty }).violation?.kind === violation?.kind,
  );

  assert.match(violation?.message ?? "", /^form: the output is not as it was ordered, at \d+$/);
  assert.ok(short.events.length <= 3, show(short));
  assert.ok(short.faults.length === 0, show(short));
  assert.match(show(short), /^seed \d+, last close within \d+ ms\n/);
});

test("what cannot be cut down stays as it is", async () => {
  const script = scriptOf(7);
  const same = await shrink(script, () => false);

  assert.equal(same, script);
  assert.deepEqual(scriptOf(7), script);
});

test("what throws is a broken rule too", async () => {
  const broken: Step = (root, event) => {
    if (event.type === "session.close") throw new Error("no");
    return step(root, event);
  };
  const { violation } = playMachines(scriptOf(1), { step: broken });

  assert.equal(violation?.rule, "throws");
  assert.equal((await smallest(scriptOf(1), violation as NonNullable<typeof violation>)).seed, 1);
});

test("plans come in order of time, then of rank, then of their making", () => {
  const plans = new Plans();
  const seen: string[] = [];
  const add = (at: number, rank: number, name: string): void => plans.add(at, rank, () => void seen.push(name));
  for (const [at, rank, name] of [[5, 1, "d"], [3, 2, "b"], [3, 1, "a"], [5, 1, "e"], [4, 9, "c"]] as const) {
    add(at, rank, name);
  }
  while (plans.size > 0) plans.take()?.run();

  assert.deepEqual(seen, ["a", "b", "c", "d", "e"]);
  assert.equal(plans.take(), undefined);
  assert.equal(plans.next, Infinity);
});
