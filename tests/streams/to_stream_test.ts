import { test } from "node:test";
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { AgentError } from "../../src/base/error.ts";
import { collect } from "../../streams/collect.ts";
import { toStream } from "../../streams/to_stream.ts";

const settled = (): Promise<void> => new Promise((go) => setImmediate(go));

/** A generator that counts, and remembers that it was ended. */
function counting(total = Infinity) {
  const seen = { asked: 0, ended: 0 };
  async function* generate(): AsyncGenerator<number> {
    try {
      while (seen.asked < total) yield ++seen.asked;
    } finally {
      seen.ended++;
    }
  }
  return { generator: generate(), seen };
}

test("arrays, sets, generators, async generators and Node streams become streams", async () => {
  assert.deepEqual(await collect(toStream([1, 2, 3])), [1, 2, 3]);
  assert.deepEqual(await collect(toStream(new Set(["a", "b"]))), ["a", "b"]);
  assert.deepEqual(
    await collect(toStream((function* () {
      yield 1;
      yield 2;
    })())),
    [1, 2],
  );
  assert.deepEqual(await collect(toStream(counting(3).generator)), [1, 2, 3]);
  assert.deepEqual(await collect(toStream<string>(Readable.from(["x", "y"]))), ["x", "y"]);
});

test("a stream is returned as it is", () => {
  const stream = new ReadableStream<number>();
  assert.equal(toStream(stream), stream);
});

test("nothing to give is an end", async () => {
  assert.deepEqual(await collect(toStream([])), []);
  assert.deepEqual(await collect(toStream(counting(0).generator)), []);
});

test("backpressure: a value is asked for when it is wanted, and not before", async () => {
  const { generator, seen } = counting();
  const reader = toStream(generator).getReader();
  await settled();
  assert.equal(seen.asked, 0);
  await reader.read();
  await settled();
  assert.equal(seen.asked, 1);
  assert.deepEqual(
    (await Promise.all([reader.read(), reader.read(), reader.read()])).map((read) => read.value),
    [2, 3, 4],
  );
  await reader.cancel();
});

test("cancelling calls `return()` once, and waits for it", async () => {
  const { generator, seen } = counting();
  const stream = toStream(generator);
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(seen.ended, 1);
  assert.deepEqual(await reader.read(), { done: true, value: undefined });
});

test("breaking out of a loop, and aborting a pipe, end the generator", async () => {
  const first = counting();
  for await (const _ of toStream(first.generator)) break;
  assert.equal(first.seen.ended, 1);

  const second = counting();
  const abort = new AbortController();
  const sink = new WritableStream<number>({ write: (value) => void (value === 3 && abort.abort("enough")) });
  await assert.rejects(
    toStream(second.generator).pipeTo(sink, { signal: abort.signal }),
    (error) => error === "enough",
  );
  await settled();
  assert.equal(second.seen.ended, 1);
});

test("a cancel while the iterator works: what it yields later goes nowhere", async () => {
  const gate = Promise.withResolvers<void>();
  let ended = false;
  async function* slow(): AsyncGenerator<number> {
    try {
      await gate.promise;
      yield 1;
    } finally {
      ended = true;
    }
  }
  const reader = toStream(slow()).getReader();
  const read = reader.read();
  await settled();
  const cancelled = reader.cancel();
  assert.deepEqual(await read, { done: true, value: undefined });
  gate.resolve();
  await cancelled;
  assert.equal(ended, true);
});

test("an iterator without `return` can be cancelled", async () => {
  const endless = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false as const, value: 1 }) }) };
  const reader = toStream(endless).getReader();
  assert.equal((await reader.read()).value, 1);
  await reader.cancel();
});

test("what an iterator throws, at once or later, fails the stream as it is", async () => {
  const reason = new Error("lost");
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw reason;
  }
  await assert.rejects(collect(toStream(failing())), (error) => error === reason);
  const broken = {
    [Symbol.iterator]: () => ({
      next: (): IteratorResult<number> => {
        throw reason;
      },
    }),
  };
  await assert.rejects(collect(toStream(broken)), (error) => error === reason);
});

test("a `return()` that throws rejects the cancel", async () => {
  const stuck = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false as const, value: 1 }),
      return: async (): Promise<IteratorResult<number>> => {
        throw new Error("stuck");
      },
    }),
  };
  await assert.rejects(toStream(stuck).cancel(), /stuck/);
});

test("a string, and what cannot be iterated, is refused at the call", () => {
  for (const bad of ["text", 7, undefined, null, {}, () => {}] as unknown[]) {
    assert.throws(
      () => toStream(bad as number[]),
      (error) => error instanceof AgentError && error.code === "stream.bad_option",
    );
  }
});

test("types: the values keep their type, and what cannot be iterated does not compile", () => {
  const numbers: ReadableStream<number> = toStream([1]);
  // @ts-expect-error numbers are no text
  const text: ReadableStream<string> = toStream([1]);
  // @ts-expect-error a number cannot be iterated
  (() => toStream(7));
  assert.ok(numbers && text);
});
