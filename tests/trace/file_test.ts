import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { detectRuntime } from "../../adapters/runtime/detect.ts";
import { Agent, AgentSession, type Runtime } from "../../mod.ts";
import { parseTrace, replay } from "../../src/trace/replay.ts";
import { scriptedLLM } from "../../src/testing/scripted_llm.ts";

/** The place itself, with one setting. */
function placeWith(setting: string | undefined): Runtime {
  const place = detectRuntime();
  return { ...place, env: (name) => name === "REPARTEE_TRACE" ? setting : undefined };
}

async function converse(runtime: Runtime, logger?: Console): Promise<void> {
  const llm = scriptedLLM([{ text: "Hello there." }], { clock: runtime.clock });
  const session = new AgentSession({ runtime, llm, ...(logger && { logger }) });
  await session.start({ agent: new Agent({ instructions: "Be brief." }) });
  await session.run({ userInput: "Hello." });
  await session.close();
}

/** Reads a trace that is being written out. */
async function traceAt(path: string): Promise<ReturnType<typeof parseTrace>> {
  for (;;) {
    const records = parseTrace(await readFile(path, "utf8").catch(() => ""));
    const isWhole = records.some((record) => record.kind === "step" && record.fact.type === "session.released");
    if (isWhole) return records;
    await new Promise((resolve) => setTimeout(resolve, 5)); // files are real here, and so is their time
  }
}

test("REPARTEE_TRACE records a session that has no trace of its own, and the trace replays", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "repartee-trace-")), "deep", "trace.jsonl");
  await converse(placeWith(path));
  const records = await traceAt(path);
  assert.equal(records[0]?.kind, "header");
  assert.equal(replay(records).difference, undefined);
});

test("the sessions of one process record into files of their own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "repartee-trace-"));
  const runtime = placeWith(join(folder, "trace.jsonl"));
  await converse(runtime);
  await converse(runtime);
  assert.equal(replay(await traceAt(join(folder, "trace.jsonl"))).difference, undefined);
  assert.equal(replay(await traceAt(join(folder, "trace.2.jsonl"))).difference, undefined);
});

test("a trace that cannot be written is told to the logger, and the conversation goes on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "repartee-trace-"));
  const told: string[] = [];
  const logger = { ...console, error: (message: string) => void told.push(message) } as Console; // `logger: console` is the usual one
  await converse(placeWith(folder), logger); // a folder is no file
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(told, ["the trace is given up"]);
});

test("without the setting nothing is recorded", async () => {
  const place = detectRuntime();
  let opened = 0;
  const files = place.files;
  assert.ok(files !== undefined);
  await converse({
    ...place,
    env: () => undefined,
    files: { ...files, write: (path) => (opened++, files.write(path)) },
  });
  assert.equal(opened, 0);
});
