/** Stateful properties: random programs of calls, each with a fault, on whole sessions. `npm run sim` runs 2,000 more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runPrograms } from "./programs.ts";

test("no program of calls, whatever its faults, breaks S1 to S10", async () => {
  const lines: string[] = [];
  const { passed, failed } = await runPrograms(
    { from: 20_261_127, count: 120, until: Infinity },
    (line) => void lines.push(line),
  );

  assert.deepEqual([lines, passed, failed], [[], 120, 0]);
});
