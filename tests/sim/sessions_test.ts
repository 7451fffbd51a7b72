/** The simulation of whole sessions: it holds, it repeats itself, and it goes on elsewhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptOf } from "./script.ts";
import { playSession } from "./session_checks.ts";
import { runSessions } from "./sessions.ts";

test("whole sessions break none of the rules", async () => {
  const lines: string[] = [];
  const { passed, failed } = await runSessions(
    { from: 40_000, count: 150, until: Infinity },
    (line) => void lines.push(line),
  );

  assert.deepEqual([lines, passed, failed], [[], 150, 0]);
});

test("the same seed gives the same trace, alone and beside others (S9)", async () => {
  const traced = async (seed: number): Promise<string> => {
    const lines: string[] = [];
    await playSession(scriptOf(seed), { onRecord: (record) => void lines.push(JSON.stringify(record)) });
    return lines.join("\n");
  };
  const seeds = Array.from({ length: 40 }, (_, index) => 900 + index);
  const together = await Promise.all(seeds.map(traced));
  for (const [index, seed] of seeds.entries()) {
    assert.equal(await traced(seed), together[index], `seed ${seed}`);
    assert.ok((together[index] ?? "").length > 1_000);
  }
});

test("sessions that are put down at rest go on elsewhere (S10)", async () => {
  const seeds = Array.from({ length: 60 }, (_, index) => 300 + index);
  const played = await Promise.all(seeds.map((seed) => playSession(scriptOf(seed), { isPutDown: true })));

  assert.deepEqual(played.map(({ violation }) => violation?.message).filter((message) => message !== undefined), []);
  assert.ok(played.filter(({ wasPutDown }) => wasPutDown).length > 20);
});
