/**
 * `repartee replay FILE`.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { AgentError } from "../src/base/error.ts";
import { parseTrace, replay } from "../src/trace/replay.ts";

/** Reads a text file, or says that there is none. */
export async function readText(path: string | undefined, what: string): Promise<string> {
  if (path === undefined) {
    throw new AgentError("cli.bad_argument", `Cannot go on as ${what} must be given: current value is nothing`);
  }
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new AgentError(
      "cli.bad_argument",
      `Cannot read ${what} as the file must be readable: current value is ${path}`,
      { cause },
    );
  }
}

/** Replays a trace. 0: it went the same way; 1: it did not. */
export async function replayCommand(args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
  const { difference, stepCount } = replay(parseTrace(await readText(positionals[0], "the trace")));
  if (difference === undefined) {
    process.stdout.write(`${stepCount} steps, no difference\n`);
    return 0;
  }
  process.stdout.write(
    `differs at line ${difference.line}, ${difference.t} ms\nfact      ${JSON.stringify(difference.fact)}\n` +
      `recorded  ${JSON.stringify(difference.recorded)}\nreplayed  ${JSON.stringify(difference.replayed)}\n`,
  );
  return 1;
}
