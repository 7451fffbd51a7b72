/**
 * Runs the machines over a recorded session, and names the first difference.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { createRoot, type RootState } from "../stage/state.ts";
import { type RootStep, step } from "../stage/step.ts";
import { TRACE_VERSION, type TraceRecord, type TraceStep } from "./record.ts";

/** Where a replay went another way. */
export interface TraceDifference {
  /** Line of the trace, from 1. */
  readonly line: number;
  /** When, by the clock of the session. */
  readonly t: number;
  /** The fact that was fed in. */
  readonly fact: unknown;
  /** What was ordered then. */
  readonly recorded: readonly unknown[];
  /** What is ordered now. */
  readonly replayed: readonly unknown[];
}

/** What a replay found. */
export interface ReplayResult {
  /** Steps replayed, up to the difference if there is one. */
  readonly stepCount: number;
  /** Where it first went another way, if it did. */
  readonly difference: TraceDifference | undefined;
  /**
   * The state after the last step. Its form belongs to the version of the library.
   *
   * @ignore
   */
  readonly root: RootState;
}

/**
 * Reads the lines of a trace. An unfinished last line, of a session that was cut off, is left out.
 *
 * @throws {AgentError} `trace.bad_record` for a line that is no record.
 */
export function parseTrace(text: string): TraceRecord[] {
  const lines = text.split("\n");
  const last = lines.length - 1;
  const records: TraceRecord[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === "") return;
    try {
      const value = JSON.parse(line) as unknown;
      if (typeof value !== "object" || value === null || !("kind" in value)) throw new Error("it has no `kind`");
      records.push(value as TraceRecord);
    } catch (cause) {
      if (index === last) return;
      throw new AgentError(
        "trace.bad_record",
        `Cannot read the trace as line ${index + 1} is no record: current value is ${line.slice(0, 80)}`,
        { cause },
      );
    }
  });
  return records;
}

/**
 * Replays a trace: the same facts must lead to the same orders.
 *
 * @throws {AgentError} `trace.bad_record` when it does not begin with a header of this version, or a step has no fact that
 *   the machines can take.
 *
 * @example
 * ```ts
 * const { difference } = replay(parseTrace(await Deno.readTextFile("out/trace.jsonl")));
 * if (difference !== undefined) console.log(`differs at line ${difference.line}`);
 * ```
 */
export function replay(records: readonly TraceRecord[]): ReplayResult {
  const header = records[0];
  if (header?.kind !== "header" || header.version !== TRACE_VERSION || typeof header.root !== "object") {
    throw new AgentError(
      "trace.bad_record",
      `Cannot replay the trace as it must begin with a header of version ${TRACE_VERSION}: current value is ${
        JSON.stringify(header)?.slice(0, 80)
      }`,
    );
  }
  let root = header.state ?? createRoot(header.root);
  let stepCount = 0;
  for (const [index, record] of records.entries()) {
    if (record.kind !== "step") continue;
    const result = stepRecord(root, record, index + 1);
    root = result.root;
    stepCount++;
    if (JSON.stringify(result.effects) !== JSON.stringify(record.effects)) {
      return {
        stepCount,
        root,
        difference: {
          line: index + 1,
          t: record.t,
          fact: record.fact,
          recorded: record.effects,
          replayed: result.effects,
        },
      };
    }
  }
  return { stepCount, root, difference: undefined };
}

function stepRecord(root: RootState, record: TraceStep, line: number): RootStep {
  try {
    return step(root, record.fact);
  } catch (cause) {
    throw new AgentError(
      "trace.bad_record",
      `Cannot replay the trace as line ${line} must hold a fact: current value is ${
        JSON.stringify(record.fact)?.slice(0, 80)
      }`,
      { cause },
    );
  }
}
