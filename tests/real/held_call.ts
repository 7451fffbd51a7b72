/**
 * Holds the demo's call in a process of its own, and reads what it left, as a user would.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin, environment, root } from "../../scripts/places.ts";
import type { AudioFrame } from "../../src/audio/frame.ts";
import { deinterleave } from "../../src/audio/pcm.ts";
import { readWav } from "../../src/audio/wav.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { parseTrace } from "../../src/trace/replay.ts";

export type RuntimeName = "node" | "bun" | "deno";

/** How each runtime is told to run a file. */
export const COMMANDS: Readonly<Record<RuntimeName, readonly string[]>> = {
  node: [bin("node")],
  bun: [bin("bun"), "run"],
  deno: [bin("deno"), "run", "-A", "--no-check"],
};

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line. `onOutput` may stop it. */
export function repartee(
  args: readonly string[],
  on: RuntimeName = "node",
  onOutput?: (stdout: string, kill: (signal: "SIGINT" | "SIGKILL") => void) => void,
): Promise<Ended> {
  const [command, ...rest] = [...COMMANDS[on], `${root}cli/main.ts`, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(command as string, rest, { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += data;
      onOutput?.(stdout, (signal) => void child.kill(signal));
    });
    child.stderr.on("data", (data) => (stderr += data));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), "repartee-call-"));

/** A call that was left in a folder. Times are milliseconds from the start of the recording. */
export interface LeftCall {
  readonly caller: Int16Array;
  readonly agent: Int16Array;
  readonly sampleRate: number;
  readonly records: readonly TraceRecord[];
  readonly transcript: string;
  /** The times of an order of the machines. */
  ordersAt(type: string): number[];
  notesAt(name: string): { readonly at: number; readonly fields: Readonly<Record<string, unknown>> }[];
}

export function readCall(folder: string): LeftCall {
  const call: AudioFrame = readWav(new Uint8Array(readFileSync(`${folder}/call.wav`)));
  const [caller, agent] = deinterleave(call.data, call.channels) as [Int16Array, Int16Array];
  const records = parseTrace(readFileSync(`${folder}/trace.jsonl`, "utf8"));
  const start = records.find((record) => record.kind === "step");
  const zero = start?.kind === "step" ? start.t : 0;
  return {
    caller,
    agent,
    sampleRate: call.sampleRate,
    records,
    transcript: readFileSync(`${folder}/transcript.md`, "utf8"),
    ordersAt: (type) =>
      records.flatMap((record) =>
        record.kind === "step" ? record.effects.filter((effect) => effect.type === type).map(() => record.t - zero) : []
      ),
    notesAt: (name) =>
      records.flatMap((record) =>
        record.kind === "note" && record.name === name ? [{ at: record.t - zero, fields: record.fields }] : []
      ),
  };
}

/** Stretches of sound, in milliseconds: pauses shorter than `pauseMs` belong to them. */
export function stretchesOf(samples: Int16Array, sampleRate: number, pauseMs: number): { from: number; to: number }[] {
  const AUDIBLE = 300; // of 32,768: far above the silence of a synthetic voice, far below its softest vowel
  const perMs = sampleRate / 1000;
  const found: { from: number; to: number }[] = [];
  samples.forEach((value, index) => {
    if (Math.abs(value) < AUDIBLE) return;
    const at = index / perMs;
    const last = found[found.length - 1];
    if (last !== undefined && at - last.to <= pauseMs) last.to = at;
    else found.push({ from: at, to: at });
  });
  return found;
}
