import { test } from "node:test";
import assert from "node:assert/strict";
import { AgentError } from "../../src/base/error.ts";
import { collect } from "../../streams/collect.ts";
import { fromPush, type Inlet } from "../../streams/from_push.ts";

/** A source that the test drives by hand, and the record of what became of it. */
function source<T>(limit = 3) {
  let inlet!: Inlet<T>;
  const dropped: [T, number][] = [];
  const disconnects: unknown[] = [];
  const stream = fromPush<T>((given) => {
    inlet = given;
    return (reason) => void disconnects.push(reason);
  }, { limit, onDrop: (oldest, count) => void dropped.push([oldest, count]) });
  return { stream, inlet, dropped, disconnects };
}

test("what is pushed is read, in order, and the end comes last", async () => {
  const { stream, inlet, dropped, disconnects } = source<number>();
  inlet.push(1);
  inlet.push(2);
  inlet.end();
  assert.deepEqual(await collect(stream), [1, 2]);
  assert.deepEqual(dropped, []);
  assert.equal(disconnects.length, 1);
});

test("a read that waits is answered by the next push", async () => {
  const { stream, inlet } = source<string>();
  const reader = stream.getReader();
  const reads = [reader.read(), reader.read(), reader.read()];
  inlet.push("a");
  inlet.push("b");
  inlet.end();
  assert.deepEqual((await Promise.all(reads)).map((read) => read.value), ["a", "b", undefined]);
});

test("an end with nothing held closes at once, read or unread", async () => {
  const { stream, inlet } = source();
  const reader = stream.getReader();
  inlet.end();
  await reader.closed;
});

test("a slow reader loses the oldest, counted, and no more than the limit is held", async () => {
  const { stream, inlet, dropped } = source<number>(3);
  for (let value = 1; value <= 10; value++) inlet.push(value);
  inlet.end();
  assert.deepEqual(dropped, [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 6], [7, 7]]);
  assert.deepEqual(await collect(stream), [8, 9, 10]);
});

test('with "fail" a slow reader hears stream.overflow, and the source is let go', async () => {
  let disconnected = 0;
  let inlet!: Inlet<number>;
  const stream = fromPush<number>((given) => {
    inlet = given;
    return () => void disconnected++;
  }, { limit: 1, onDrop: "fail" });
  inlet.push(1);
  assert.equal(disconnected, 0);
  inlet.push(2);
  assert.equal(disconnected, 1);
  await assert.rejects(collect(stream), (error) => error instanceof AgentError && error.code === "stream.overflow");
});

test("a failure reaches the reader as it is, before what is held", async () => {
  const { stream, inlet, disconnects } = source<number>();
  const reason = new Error("line cut");
  inlet.push(1);
  inlet.fail(reason);
  await assert.rejects(collect(stream), (error) => error === reason);
  assert.deepEqual(disconnects, [reason]);
});

test("a failure after the end, while values are held, still fails the stream", async () => {
  const { stream, inlet, disconnects } = source<number>();
  const reason = new Error("late");
  inlet.push(1);
  inlet.end();
  inlet.fail(reason);
  await assert.rejects(collect(stream), (error) => error === reason);
  assert.equal(disconnects.length, 1);
});

test("a cancel disconnects once, with its reason, and later pushes do nothing", async () => {
  const { stream, inlet, dropped, disconnects } = source<number>(1);
  const reason = new Error("enough");
  inlet.push(1);
  await stream.cancel(reason);
  for (let value = 0; value < 5; value++) inlet.push(value);
  inlet.end();
  inlet.fail(new Error("too late"));
  assert.deepEqual(disconnects, [reason]);
  assert.deepEqual(dropped, []);
  assert.deepEqual(await collect(stream), []);
});

test("a cancel waits for a source that takes time to let go, and rejects as it does", async () => {
  const gone = Promise.withResolvers<void>();
  const stream = fromPush(() => () => gone.promise, { limit: 1, onDrop: "fail" });
  let done = false;
  const cancelled = stream.cancel().finally(() => done = true);
  await Promise.resolve();
  assert.equal(done, false);
  gone.reject(new Error("stuck"));
  await assert.rejects(cancelled, /stuck/);
});

test("breaking out of a loop disconnects", async () => {
  const { stream, inlet, disconnects } = source<number>();
  inlet.push(1);
  for await (const value of stream) {
    assert.equal(value, 1);
    break;
  }
  assert.equal(disconnects.length, 1);
  assert.equal(stream.locked, false);
});

test("an aborted pipe disconnects", async () => {
  const { stream, inlet, disconnects } = source<number>();
  const abort = new AbortController();
  const written: number[] = [];
  const piped = stream.pipeTo(new WritableStream({ write: (value) => void written.push(value) }), {
    signal: abort.signal,
  });
  inlet.push(1);
  await new Promise((go) => setImmediate(go));
  const reason = new Error("interrupted");
  abort.abort(reason);
  await assert.rejects(piped, (error) => error === reason);
  inlet.push(2);
  assert.equal(disconnects.length, 1);
  assert.deepEqual(written, [1]);
  assert.equal(stream.locked, false);
});

test("nothing ever throws into the source, whatever the callbacks do", async () => {
  const cruel = (limit: number): { inlet: Inlet<number>; stream: ReadableStream<number> } => {
    let inlet!: Inlet<number>;
    const stream = fromPush<number>((given) => {
      inlet = given;
      return () => {
        throw new Error("will not go");
      };
    }, {
      limit,
      onDrop: () => {
        throw new Error("cannot count");
      },
    });
    return { inlet, stream };
  };
  const full = cruel(1);
  full.inlet.push(1);
  full.inlet.push(2);
  await assert.rejects(collect(full.stream), /cannot count/);
  const ended = cruel(1);
  ended.inlet.end();
  await assert.rejects(collect(ended.stream), /will not go/);
  const failed = cruel(1);
  failed.inlet.fail(new Error("first"));
  await assert.rejects(collect(failed.stream), /first/);
  await assert.rejects(cruel(1).stream.cancel(), /will not go/);
});

test("a disconnect that rejects after the end is nobody's unhandled rejection", async () => {
  const stream = fromPush<number>((inlet) => {
    queueMicrotask(() => inlet.end());
    return () => Promise.reject(new Error("unheard"));
  }, { limit: 1, onDrop: "fail" });
  assert.deepEqual(await collect(stream), []);
  await new Promise((go) => setImmediate(go));
});

test("a disconnect that calls back into the inlet changes nothing", async () => {
  let inlet!: Inlet<number>;
  const stream = fromPush<number>((given) => {
    inlet = given;
    return () => {
      inlet.push(9);
      inlet.end();
    };
  }, { limit: 2, onDrop: "fail" });
  inlet.push(1);
  inlet.end();
  assert.deepEqual(await collect(stream), [1]);
});

test("a source may push and end while it connects", async () => {
  let disconnected = 0;
  const stream = fromPush<number>((inlet) => {
    inlet.push(1);
    inlet.push(2);
    inlet.end();
    return () => void disconnected++;
  }, { limit: 2, onDrop: "fail" });
  assert.equal(disconnected, 1);
  assert.deepEqual(await collect(stream), [1, 2]);
});

test("a source that cannot be connected throws at the call", () => {
  const connect = (): never => {
    throw new Error("no microphone");
  };
  assert.throws(() => fromPush(connect, { limit: 1, onDrop: "fail" }), /no microphone/);
});

test("a limit that is none is refused", () => {
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(
      () => fromPush(() => () => {}, { limit, onDrop: "fail" }),
      (error) =>
        error instanceof AgentError && error.code === "stream.bad_option" && error.message.includes(`${limit}`),
    );
  }
});

test("types: a limit and a rule for it must be given", () => {
  const connect = (): () => void => () => {};
  // @ts-expect-error no rule
  (() => fromPush<number>(connect, { limit: 1 }));
  // @ts-expect-error no limit
  (() => fromPush<number>(connect, { onDrop: "fail" }));
  // @ts-expect-error the inlet takes numbers
  (() => fromPush<number>((inlet) => (inlet.push("one"), () => {}), { limit: 1, onDrop: "fail" }));
  // @ts-expect-error a source must say how it is let go
  (() => fromPush<number>(() => {}, { limit: 1, onDrop: "fail" }));
});
