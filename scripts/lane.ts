/**
 * One command of a test run, and how many tests its output says it ran.
 */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { environment, root } from "./places.ts";

/** How many tests did what. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What a command left. */
export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** The closing line. */
export function line({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Runs a command in the repository. With a log, what it printed goes there, and what failed is shown. */
export function run(command: string, args: readonly string[], log?: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], { cwd: root, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", (error) => resolve({ code: 127, output: `${output}\n${error.message}` }));
    child.on("close", (code) => {
      if (log !== undefined) {
        appendFileSync(log, output);
        if (code !== 0) console.error(failures(output));
      }
      resolve({ code: code ?? 1, output });
    });
  });
}

/** The parts of an output that tell of failures, and its end. */
function failures(output: string): string {
  const lines = output.split("\n");
  const shown = new Set<number>();
  lines.forEach((text, index) => {
    if (!/^\s*not ok|\(fail\)|FAILED|^from |error(?:\[[^\]]*\])?:|Error:/.test(text)) return;
    for (let near = Math.max(0, index - 2); near < Math.min(lines.length, index + 14); near++) shown.add(near);
  });
  const first = [...shown].sort((a, b) => a - b).slice(0, 160).map((index) => lines[index]);
  return [...first, "...", ...lines.slice(-20)].join("\n");
}

function last(output: string, pattern: RegExp): number {
  return Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
}

/** A command that failed without saying which test did counts as one failure. */
function counts({ code }: Ran, passed: number, failed: number, skipped: number): Counts {
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed, skipped };
}

/** Reads what `node --test` says in TAP. */
export function readTap(ran: Ran): Counts {
  const { output } = ran;
  const failed = last(output, /^# fail (\d+)$/gm) + last(output, /^# cancelled (\d+)$/gm);
  const skipped = last(output, /^# skipped (\d+)$/gm) + last(output, /^# todo (\d+)$/gm);
  return counts(ran, last(output, /^# pass (\d+)$/gm), failed, skipped);
}

/** Reads what `bun test` says. */
export function readBun(ran: Ran): Counts {
  const { output } = ran;
  return counts(
    ran,
    last(output, /^\s*(\d+) pass$/gm),
    last(output, /^\s*(\d+) fail$/gm),
    last(output, /^\s*(\d+) (?:skip|todo)$/gm),
  );
}

/** Reads what `deno test` says. */
export function readDeno(ran: Ran): Counts {
  const { output } = ran;
  return counts(ran, last(output, /(\d+) passed/g), last(output, /(\d+) failed/g), last(output, /(\d+) ignored/g));
}

/** Reads the closing line that scripts of ours print. */
export function readLine(ran: Ran): Counts {
  const { output } = ran;
  return counts(ran, last(output, /(\d+) passed/g), last(output, /(\d+) failed/g), last(output, /(\d+) skipped/g));
}
