/**
 * Question: what does a step of the machines cost, at 50 audio facts a second and 100 sessions?
 *
 * The facts of a whole call (greeting, tool, cough, barge-in, goodbye), as a session recorded them, with the voice activity
 * detector's facts made 50 a second, are stepped through by 100 sessions in turn, fact by fact. Every state is kept as a driver
 * keeps it. Steps a second of CPU time; of a core, what 100 such calls take in real time; bytes that a step leaves for the
 * collector (Node alone, with `--expose-gc`), measured over batches small enough that nothing is collected in between.
 *
 *     node --expose-gc bench/turn_machine.ts
 */
import type { RootEvent } from "../src/stage/event.ts";
import { createRoot, type RootState } from "../src/stage/state.ts";
import { step } from "../src/stage/step.ts";
import type { TraceHeader, TraceRecord } from "../src/trace/record.ts";
import { holdConversation } from "../tests/session/conversation.ts";
import process from "node:process";
import { cpuSeconds, figure, report } from "./measure.ts";

const SESSIONS = 100;
const ROUNDS = 9;
const AUDIO_INTERVAL_MS = 20;

interface Call {
  readonly root: TraceHeader["root"];
  readonly facts: readonly RootEvent[];
  readonly durationMs: number;
}

/** The call, with its audio facts made dense: each says what the last recorded one said, so that nothing is decided earlier. */
function dense(records: readonly TraceRecord[]): Call {
  const header = records.find((record) => record.kind === "header")!;
  const facts: RootEvent[] = [];
  let last: RootEvent | undefined;
  let t = 0;
  for (const record of records) {
    if (record.kind !== "step") continue;
    while (last !== undefined && t + AUDIO_INTERVAL_MS < record.t) {
      t += AUDIO_INTERVAL_MS;
      facts.push({ ...last, t, event: { ...(last as { event: object }).event, t } } as RootEvent);
    }
    facts.push(record.fact);
    if (record.fact.type !== "floor") continue;
    const { event, activityId } = record.fact;
    if (event.type === "vad.inference") last = record.fact;
    if (event.type === "vad.end" || event.type === "activity.started") {
      const quiet = { speechDuration: 0, silenceDuration: 0, rawSpeech: 0, rawSilence: 0, speaking: false };
      last = { type: "floor", t: record.t, activityId, event: { type: "vad.inference", t: record.t, ...quiet } };
    }
    t = record.t;
  }
  return { root: header.root, facts, durationMs: facts.at(-1)!.t - facts[0]!.t };
}

/** Steps all sessions through facts `from` to `to`. */
function run(roots: RootState[], facts: readonly RootEvent[], from: number, to: number): void {
  for (let index = from; index < to; index++) {
    const fact = facts[index]!;
    for (let session = 0; session < roots.length; session++) roots[session] = step(roots[session]!, fact).root;
  }
}

const open = ({ root }: Call, count: number): RootState[] => Array.from({ length: count }, () => createRoot(root));

/** Bytes a step leaves, over the whole call of one session, in batches after a collection each. */
function bytesPerStep(call: Call): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return NaN;
  const roots = open(call, 1);
  let bytes = 0;
  for (let from = 0; from < call.facts.length; from += 500) {
    gc();
    const before = process.memoryUsage().heapUsed;
    run(roots, call.facts, from, Math.min(call.facts.length, from + 500));
    bytes += process.memoryUsage().heapUsed - before;
  }
  return bytes / call.facts.length;
}

await report(async () => {
  const call = dense((await holdConversation()).trace);
  const seconds: number[] = [];
  for (let round = -2; round < ROUNDS; round++) {
    const roots = open(call, SESSIONS);
    const took = await cpuSeconds(async () => run(roots, call.facts, 0, call.facts.length));
    if (round >= 0) seconds.push(took);
  }
  const { median } = figure(seconds);
  const bytes = bytesPerStep(call);
  return {
    machine_steps: (SESSIONS * call.facts.length) / median,
    machine_core: (100 * median) / (call.durationMs / 1_000),
    ...(Number.isNaN(bytes) ? {} : { machine_bytes: bytes }),
  };
});
