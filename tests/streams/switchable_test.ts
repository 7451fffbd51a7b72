import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { collect } from "../../streams/collect.ts";
import { fromPush, type Inlet } from "../../streams/from_push.ts";
import { switchable } from "../../streams/switchable.ts";
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

test("reads one source after the other, under the same reader", async () => {
  const { readable, switchTo, close } = switchable<string>();
  const reader = readable.getReader();
  await switchTo(toStream(["a", "b"]));
  assert.equal((await reader.read()).value, "a");
  assert.equal((await reader.read()).value, "b");
  await switchTo(toStream(["c"]));
  assert.equal((await reader.read()).value, "c");
  await close();
  assert.equal((await reader.read()).done, true);
});

test("a read that waits is answered by the next source, not by the one that was left", async () => {
  const { readable, switchTo } = switchable<string>();
  const [one, two] = [live<string>(), live<string>()];
  const reader = readable.getReader();
  const read = reader.read();
  void switchTo(one.stream);
  await settled();
  void switchTo(two.stream);
  one.inlet.push("old");
  two.inlet.push("new");
  assert.equal((await read).value, "new");
  assert.equal(one.left.length, 1);
});

test("the source that is left is cancelled and unlocked; `null` leaves it without a next one", async () => {
  const { readable, switchTo } = switchable<string>();
  const { stream, left } = live<string>();
  const read = readable.getReader().read();
  await switchTo(stream);
  await settled();
  await switchTo(null);
  assert.equal((left[0] as DOMException).name, "AbortError");
  assert.equal(stream.locked, false);
  await switchTo(toStream(["later"]));
  assert.equal((await read).value, "later");
});

test("a source that ends is unlocked, and the stream waits for the next", async () => {
  const { readable, switchTo } = switchable<number>();
  const first = toStream([1]);
  await switchTo(first);
  const reader = readable.getReader();
  assert.equal((await reader.read()).value, 1);
  const read = reader.read();
  await settled();
  assert.equal(first.locked, false);
  await switchTo(toStream([2]));
  assert.equal((await read).value, 2);
});

test("nothing is pulled from a source that nobody asks, and no more than is asked", async () => {
  let pulled = 0;
  const source = new ReadableStream<number>({ pull: (controller) => controller.enqueue(++pulled) }, {
    highWaterMark: 0,
  });
  const { readable, switchTo } = switchable<number>();
  await switchTo(source);
  await settled();
  assert.equal(pulled, 0);
  const reader = readable.getReader();
  await Promise.all([reader.read(), reader.read()]);
  await settled();
  assert.equal(pulled, 2);
});

test("a failing source fails the stream as it failed", async () => {
  const { readable, switchTo } = switchable<number>();
  const { stream, inlet } = live<number>();
  await switchTo(stream);
  const reason = new Error("line cut");
  inlet.fail(reason);
  await assert.rejects(collect(readable), (error) => error === reason);
  assert.equal(stream.locked, false);
});

test("with onFail a failing source is told of, and the stream goes on with the next", async () => {
  const failures: unknown[] = [];
  const { readable, switchTo, close } = switchable<number>({ onFail: (reason) => void failures.push(reason) });
  const all = collect(readable);
  const { stream, inlet } = live<number>();
  await switchTo(stream);
  const reason = new Error("line cut");
  inlet.fail(reason);
  await settled();
  await switchTo(toStream([1, 2]));
  await settled();
  await close();
  assert.deepEqual(await all, [1, 2]);
  assert.deepEqual(failures, [reason]);
});

test("an onFail that throws fails the stream with what it threw", async () => {
  const { readable, switchTo } = switchable<number>({
    onFail: () => {
      throw new Error("cannot tell");
    },
  });
  const { stream, inlet } = live<number>();
  await switchTo(stream);
  inlet.fail(new Error("line cut"));
  await assert.rejects(collect(readable), /cannot tell/);
});

test("cancelling the stream cancels the source with the reason, and a later source at once", async () => {
  const { readable, switchTo, close } = switchable<number>();
  const [one, two] = [live<number>(), live<number>()];
  await switchTo(one.stream);
  await readable.cancel("enough");
  assert.deepEqual(one.left, ["enough"]);
  await switchTo(two.stream);
  assert.equal((two.left[0] as DOMException).name, "AbortError");
  assert.deepEqual([one.stream.locked, two.stream.locked], [false, false]);
  await close();
});

test("an aborted pipe lets the source go", async () => {
  const { readable, switchTo } = switchable<number>();
  const { stream, inlet, left } = live<number>();
  await switchTo(stream);
  const abort = new AbortController();
  const piped = readable.pipeTo(new WritableStream(), { signal: abort.signal });
  inlet.push(1);
  await settled();
  abort.abort("interrupted");
  await assert.rejects(piped, (error) => error === "interrupted");
  await settled();
  assert.equal(left.length, 1);
  assert.equal(stream.locked, false);
});

test("close ends a read that waits, cancels the source, and is idempotent", async () => {
  const { readable, switchTo, close } = switchable<number>();
  const { stream, left } = live<number>();
  await switchTo(stream);
  const read = readable.getReader().read();
  await settled();
  await Promise.all([close(), close()]);
  assert.equal((await read).done, true);
  assert.equal(left.length, 1);
  assert.equal(stream.locked, false);
});

test("a source that cannot be let go harms nobody", async () => {
  const { readable, switchTo } = switchable<number>();
  const stubborn = new ReadableStream<number>({
    cancel: () => {
      throw new Error("will not go");
    },
  });
  await switchTo(stubborn);
  await switchTo(toStream([1]));
  assert.equal((await readable.getReader().read()).value, 1);
  assert.equal(stubborn.locked, false);
});

test("a locked source is refused at the call, and the one before stays", async () => {
  const { readable, switchTo } = switchable<number>();
  const { stream, inlet } = live<number>();
  const locked = toStream([9]);
  locked.getReader();
  await switchTo(stream);
  assert.throws(
    () => switchTo(locked),
    (error) => error instanceof AgentError && error.code === "stream.bad_option",
  );
  inlet.push(1);
  assert.equal((await readable.getReader().read()).value, 1);
});

test("whatever is switched when, values of one source keep their order and no source stays locked", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.constant("read"), fc.constant("switch"))), async (acts) => {
    const { readable, switchTo, close } = switchable<readonly [source: number, value: number]>();
    const sources: ReadableStream<readonly [number, number]>[] = [];
    const values: (readonly [number, number])[] = [];
    const reader = readable.getReader();
    const reads: Promise<void>[] = [];
    for (const act of acts) {
      if (act === "read") {
        reads.push(reader.read().then(({ value }) => void (value !== undefined && values.push(value))));
        await Promise.resolve();
      } else {
        const index = sources.length;
        sources.push(toStream([0, 1, 2].map((value) => [index, value] as const)));
        void switchTo(sources[index]!);
      }
    }
    await settled();
    await close();
    await Promise.all(reads);
    assert.deepEqual(values, [...values].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
    assert.ok(sources.every((source) => !source.locked));
  }));
});

test("types: sources give what the stream gives", () => {
  const { switchTo } = switchable<number>();
  // @ts-expect-error text is no number
  (() => switchTo(toStream(["one"])));
  // @ts-expect-error `undefined` is no source; `null` is none
  (() => switchTo(undefined));
});
