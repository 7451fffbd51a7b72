/**
 * Prints a digest of the whole trace of each seed: every fact, order and note of a session, byte for byte. The same lines
 * must come on every runtime.
 *
 *     node tests/sim/traces.ts FROM COUNT [--trace]
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { scriptOf } from "./script.ts";
import { playSession } from "./session_checks.ts";

const [from = 0, count = 1] = process.argv.slice(2, 4).map(Number);
const isWhole = process.argv.includes("--trace");
const digests = await Promise.all(
  Array.from({ length: count }, async (_, index) => {
    const lines: string[] = [];
    const { violation } = await playSession(scriptOf(from + index), {
      onRecord: (record) => void lines.push(JSON.stringify(record)),
    });
    if (isWhole) { for (const line of lines) console.log(line); }
    const digest = createHash("sha256").update(lines.join("\n")).digest("hex");
    return `${from + index} ${lines.length} ${digest}${violation === undefined ? "" : ` ${violation.message}`}`;
  }),
);
for (const line of digests) console.log(line);
