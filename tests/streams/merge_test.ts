import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { collect } from "../../streams/collect.ts";
import { fromPush, type Inlet } from "../../streams/from_push.ts";
import { merge } from "../../streams/merge.ts";
import { toStream } from "../../streams/to_stream.ts";

const settled = (): Promise<void> => new Promise((go) => setImmediate(go));

function live<T>() {
  let inlet!: Inlet<T>;
  const left: unknown[] = [];
  const stream = fromPush<T>((given) => {
    inlet = given;
    return (reason) => void left.push(reason);
  }, { limit: 100, onDrop: "fail" });
  return { stream, inlet, left };
}

/** Counts what is pulled of it. */
function counting() {
  const seen = { pulled: 0 };
  const stream = new ReadableStream<number>({ pull: (controller) => controller.enqueue(++seen.pulled) }, {
    highWaterMark: 0,
  });
  return { stream, seen };
}

test("all values of all streams come out, each stream in its own order", async () => {
  const values = await collect(merge([toStream([1, 2, 3]), toStream([10, 20]), toStream<number>([])]));
  assert.deepEqual(values.filter((value) => value < 10), [1, 2, 3]);
  assert.deepEqual(values.filter((value) => value >= 10), [10, 20]);
});

test("nobody waits for the slowest, and it ends with the last", async () => {
  const [one, two] = [live<string>(), live<string>()];
  const reader = merge([one.stream, two.stream]).getReader();
  two.inlet.push("a");
  assert.equal((await reader.read()).value, "a");
  two.inlet.push("b");
  two.inlet.end();
  assert.equal((await reader.read()).value, "b");
  const last = reader.read();
  await settled();
  one.inlet.push("c");
  assert.equal((await last).value, "c");
  const end = reader.read();
  one.inlet.end();
  assert.equal((await end).done, true);
  await settled();
  assert.deepEqual([one.stream.locked, two.stream.locked], [false, false]);
});

test("no streams are an end, one stream is itself", async () => {
  assert.deepEqual(await collect(merge([])), []);
  assert.deepEqual(await collect(merge([toStream([1, 2])])), [1, 2]);
});

test("backpressure: unread it asks nobody, and then each for no more than one value ahead", async () => {
  const [one, two] = [counting(), counting()];
  const reader = merge([one.stream, two.stream]).getReader();
  await settled();
  assert.deepEqual([one.seen.pulled, two.seen.pulled], [0, 0]);
  for (let reads = 1; reads <= 6; reads++) {
    await reader.read();
    await settled();
    assert.ok(one.seen.pulled + two.seen.pulled <= reads + 2, `${one.seen.pulled} + ${two.seen.pulled}`);
  }
  assert.ok(Math.abs(one.seen.pulled - two.seen.pulled) <= 1, "and in turn");
  await reader.cancel();
});

test("several reads at once are all answered, in order", async () => {
  const reader = merge([toStream([1, 2]), toStream([3, 4])]).getReader();
  const reads = await Promise.all(Array.from({ length: 5 }, () => reader.read()));
  assert.deepEqual(reads.slice(0, 4).map((read) => read.value).sort(), [1, 2, 3, 4]);
  assert.equal(reads[4]!.done, true);
});

test("a failing stream fails the result with its reason, and cancels the others with it", async () => {
  const [one, two, three] = [live<number>(), live<number>(), live<number>()];
  const reason = new Error("line cut");
  const all = collect(merge([one.stream, two.stream, three.stream]));
  await settled();
  two.inlet.fail(reason);
  await assert.rejects(all, (error) => error === reason);
  await settled();
  assert.deepEqual([one.left, three.left], [[reason], [reason]]);
  assert.deepEqual([one, two, three].map(({ stream }) => stream.locked), [false, false, false]);
});

test("two that fail at once are one failure, and none that nobody hears", async () => {
  const [one, two] = [live<number>(), live<number>()];
  const all = collect(merge([one.stream, two.stream]));
  await settled();
  one.inlet.fail("first");
  two.inlet.fail("second");
  await assert.rejects(all, (error) => error === "first");
  await settled();
});

test("cancelling cancels all with the reason, also one that has a value here", async () => {
  const [one, two] = [live<number>(), live<number>()];
  const reader = merge([one.stream, two.stream]).getReader();
  one.inlet.push(1);
  two.inlet.push(2);
  await reader.read();
  await settled();
  await reader.cancel("enough");
  assert.deepEqual([one.left, two.left], [["enough"], ["enough"]]);
  assert.deepEqual([one.stream.locked, two.stream.locked], [false, false]);
});

test("a cancel while a read waits ends it", async () => {
  const one = live<number>();
  const reader = merge([one.stream]).getReader();
  const read = reader.read();
  await settled();
  await reader.cancel();
  assert.equal((await read).done, true);
  one.inlet.push(1);
  await settled();
});

test("one that cannot be cancelled rejects the cancel, after the others were cancelled", async () => {
  const one = live<number>();
  const stubborn = new ReadableStream<number>({
    cancel: () => {
      throw new Error("will not go");
    },
  });
  await assert.rejects(merge([stubborn, one.stream]).cancel(), /will not go/);
  assert.equal(one.left.length, 1);
  assert.deepEqual([stubborn.locked, one.stream.locked], [false, false]);
});

test("an aborted pipe cancels all", async () => {
  const [one, two] = [live<number>(), live<number>()];
  const abort = new AbortController();
  const piped = merge([one.stream, two.stream]).pipeTo(new WritableStream(), { signal: abort.signal });
  one.inlet.push(1);
  await settled();
  abort.abort("interrupted");
  await assert.rejects(piped, (error) => error === "interrupted");
  await settled();
  assert.deepEqual([one.left.length, two.left.length], [1, 1]);
});

test("a locked stream, or the same one twice, is refused, and the others stay as they were", () => {
  const [free, locked] = [toStream([1]), toStream([2])];
  locked.getReader();
  for (const streams of [[free, locked], [free, free]]) {
    assert.throws(
      () => merge(streams),
      (error) => error instanceof AgentError && error.code === "stream.bad_option",
    );
    assert.equal(free.locked, false);
  }
});

test("however the streams come and the reader reads, nothing is lost and each keeps its order", async () => {
  const pauses = fc.array(fc.nat(2), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(pauses, { maxLength: 4 }), pauses, async (sources, reads) => {
      const rest = async (all: readonly number[], index: number): Promise<void> => {
        for (let left = all[index % all.length] ?? 0; left > 0; left--) await settled();
      };
      const streams = sources.map((delays, source) =>
        toStream((async function* () {
          for (const index of delays.keys()) {
            await rest(delays, index);
            yield [source, index] as const;
          }
        })())
      );
      const values: (readonly [number, number])[] = [];
      for await (const value of merge(streams)) {
        values.push(value);
        await rest(reads, values.length);
      }
      sources.forEach((delays, source) =>
        assert.deepEqual(values.filter((value) => value[0] === source).map((value) => value[1]), [...delays.keys()])
      );
    }),
    { numRuns: 40 },
  );
});
