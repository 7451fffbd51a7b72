/**
 * Native streams deliver in an order that differs between runtimes. Facts that are gathered until nothing can run and sorted by
 * (rank, sequence) do not: the same seeds give the same traces on every runtime, which is what the numbers below say.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../../adapters/runtime/virtual.ts";
import type { SeededRandom } from "../../../src/base/random.ts";

const PROGRAMS = 200;
const EXPECTED = 2_592_077_073; // of all traces, made once; the test runs on each runtime

const upper = () => new TransformStream<string, string>({ transform: (text, c) => c.enqueue(`${text}.`) });
const twice = () =>
  new TransformStream<string, string>({
    transform(text, c) {
      c.enqueue(`${text}a`);
      c.enqueue(`${text}b`);
    },
  });
const later = () =>
  new TransformStream<string, string>({
    async transform(text, c) {
      await Promise.resolve();
      c.enqueue(text);
    },
  });
const picky = () =>
  new TransformStream<string, string>({ transform: (text, c) => void (text.length % 2 && c.enqueue(text)) });
const STAGES = [upper, twice, later, picky];

/** Runs a program of some sources, each through a chain of its own, and gives the trace of its facts. */
async function run(seed: number): Promise<string> {
  const { clock, random } = virtualRuntime({ seed });
  const trace: string[] = [];
  let inbox: { rank: number; seq: number; text: string }[] = [];
  let isAsked = false;
  const post = (rank: number, seq: number, text: string): void => {
    inbox.push({ rank, seq, text });
    if (isAsked) return;
    isAsked = true;
    clock.gather(() => {
      isAsked = false;
      const facts = inbox.sort((a, b) => a.rank - b.rank || a.seq - b.seq);
      inbox = [];
      for (const fact of facts) trace.push(`${clock.now()} ${fact.rank} ${fact.text}`);
    });
  };
  const start = (rank: number, dice: SeededRandom): void => {
    const controller = new AbortController();
    let push!: (text: string) => void;
    let stream: ReadableStream<string> = new ReadableStream({ start: (c) => void (push = (text) => c.enqueue(text)) });
    for (let left = dice.below(5); left > 0; left -= 1) {
      stream = stream.pipeThrough(STAGES[dice.below(STAGES.length)]!());
    }
    let seq = 0;
    stream.pipeTo(new WritableStream({ write: (text) => post(rank, seq++, text) }), { signal: controller.signal })
      .catch(() => {});
    let isOver = false;
    for (let count = dice.below(6); count > 0; count -= 1) {
      clock.schedule(dice.below(20), () => {
        if (!isOver) push(`${rank}-${count}`);
        if (dice.fork(`${count}`).below(4) === 0) post(100 + rank, count, "posted"); // beside the stream, at once
      });
    }
    if (dice.below(4) === 0) {
      clock.schedule(30, () => {
        isOver = true;
        controller.abort();
      });
    }
  };
  for (let rank = 1 + random.below(4); rank > 0; rank -= 1) start(rank, random.fork(`source ${rank}`));
  await clock.run();
  assert.equal(clock.armed, 0);
  return trace.join("\n");
}

/** FNV-1a over the code units: as good as any for telling traces apart. */
function hash(text: string): number {
  let word = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) word = Math.imul(word ^ text.charCodeAt(index), 0x01000193);
  return word >>> 0;
}

test("the same seeds give the same traces on every runtime, one by one and all together", async () => {
  const seeds = Array.from({ length: PROGRAMS }, (_, seed) => seed);
  const together = await Promise.all(seeds.map(run));
  for (const seed of seeds) assert.equal(await run(seed), together[seed], `seed ${seed}`);
  assert.ok(together.some((trace) => trace.split("\n").length > 20));
  assert.equal(hash(together.join("\n\n")), EXPECTED);
});
