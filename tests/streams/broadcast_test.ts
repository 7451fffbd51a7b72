import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { broadcast } from "../../streams/broadcast.ts";
import { collect } from "../../streams/collect.ts";
import { fromPush, type Inlet } from "../../streams/from_push.ts";

const settled = (): Promise<void> => new Promise((go) => setImmediate(go));

/** A source that counts what is pulled and remembers why it was cancelled. */
function counting(total = Infinity) {
  const seen = { pulled: 0, cancelled: [] as unknown[] };
  const stream = new ReadableStream<number>({
    pull(controller) {
      if (seen.pulled === total) controller.close();
      else controller.enqueue(++seen.pulled);
    },
    cancel: (reason) => void seen.cancelled.push(reason),
  }, { highWaterMark: 0 });
  return { stream, seen };
}

function live<T>(limit = 100) {
  let inlet!: Inlet<T>;
  const stream = fromPush<T>((given) => (inlet = given, () => {}), { limit, onDrop: "fail" });
  return { stream, inlet };
}

test("every subscriber gets every value in order, and the end", async () => {
  const fan = broadcast(counting(5).stream);
  const all = await Promise.all([
    collect(fan.subscribe({ limit: 10, wait: true })),
    collect(fan.subscribe({ limit: 1, wait: true })),
    collect(fan.subscribe({ limit: 10, onDrop: "fail" })),
  ]);
  assert.deepEqual(all, [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]);
});

test("a late subscriber gets what comes from then on", async () => {
  const { stream, inlet } = live<string>();
  const fan = broadcast(stream);
  const early = fan.subscribe({ limit: 9, onDrop: "fail" });
  inlet.push("a");
  await settled();
  const late = fan.subscribe({ limit: 9, onDrop: "fail" });
  inlet.push("b");
  inlet.end();
  assert.deepEqual(await Promise.all([collect(early), collect(late)]), [["a", "b"], ["b"]]);
});

test("an unread subscriber that drops never holds the others, and loses its oldest, counted", async () => {
  const { stream, inlet } = live<number>();
  const fan = broadcast(stream);
  const dropped: number[] = [];
  const unread = fan.subscribe({ limit: 2, onDrop: (oldest) => void dropped.push(oldest) });
  const read = collect(fan.subscribe({ limit: 10, wait: true }));
  for (let value = 1; value <= 6; value++) inlet.push(value);
  inlet.end();
  assert.deepEqual(await read, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(dropped, [1, 2, 3, 4]);
  assert.deepEqual(await collect(unread), [5, 6]);
});

test("one that fails when full fails alone", async () => {
  const { stream, inlet } = live<number>();
  const fan = broadcast(stream);
  const strict = fan.subscribe({ limit: 1, onDrop: "fail" });
  const read = collect(fan.subscribe({ limit: 10, wait: true }));
  for (let value = 1; value <= 3; value++) inlet.push(value);
  await settled();
  inlet.end();
  assert.deepEqual(await read, [1, 2, 3]);
  await assert.rejects(collect(strict), (error) => error instanceof AgentError && error.code === "stream.overflow");
});

test("a drop counter that throws fails its own subscriber alone", async () => {
  const { stream, inlet } = live<number>();
  const fan = broadcast(stream);
  const broken = fan.subscribe({
    limit: 1,
    onDrop: () => {
      throw new Error("no metrics");
    },
  });
  const read = collect(fan.subscribe({ limit: 10, wait: true }));
  for (let value = 1; value <= 3; value++) inlet.push(value);
  await settled();
  inlet.end();
  assert.deepEqual(await read, [1, 2, 3]);
  await assert.rejects(collect(broken), /no metrics/);
});

test("backpressure: nothing is read without subscribers, and no more than the fullest that waits can hold", async () => {
  const { stream, seen } = counting();
  const fan = broadcast(stream);
  await settled();
  assert.equal(seen.pulled, 0);
  const slow = fan.subscribe({ limit: 3, wait: true });
  const quick = fan.subscribe({ limit: 8, wait: true }).getReader();
  await settled();
  assert.equal(seen.pulled, 3);
  for (const expected of [1, 2, 3]) assert.equal((await quick.read()).value, expected);
  await settled();
  assert.equal(seen.pulled, 3);
  const reader = slow.getReader();
  assert.equal((await reader.read()).value, 1);
  await settled();
  assert.equal(seen.pulled, 4);
  await reader.cancel(); // whoever waited is gone: the other's limit holds now
  await settled();
  assert.equal(seen.pulled, 3 + 8);
  await quick.cancel();
});

test("the source outlives its subscribers unless asked otherwise, and loses nothing between them", async () => {
  const { stream, seen } = counting();
  const fan = broadcast(stream);
  const first = fan.subscribe({ limit: 1, wait: true }).getReader();
  assert.equal((await first.read()).value, 1);
  await settled();
  await first.cancel(); // one value is held for it, one is not yet asked for
  await settled();
  assert.deepEqual(seen.cancelled, []);
  const second = fan.subscribe({ limit: 1, wait: true }).getReader();
  assert.equal((await second.read()).value, 3);
  await second.cancel();
});

test("a value under way when the last subscriber left goes to the next", async () => {
  const { stream, inlet } = live<string>();
  const fan = broadcast(stream);
  await fan.subscribe({ limit: 1, onDrop: "fail" }).cancel();
  inlet.push("under way");
  await settled();
  const next = fan.subscribe({ limit: 2, onDrop: "fail" });
  inlet.push("later");
  inlet.end();
  assert.deepEqual(await collect(next), ["under way", "later"]);
});

test("cancelWithLast cancels the source with the last subscriber, with its reason", async () => {
  for (const options of [{ limit: 1, wait: true }, { limit: 1, onDrop: () => {} }] as const) {
    const { stream, inlet } = live<number>();
    const cancelled: unknown[] = [];
    const watched = stream.pipeThrough(
      new TransformStream({ transform: (value, controller) => controller.enqueue(value) }),
    );
    const fan = broadcast(
      new ReadableStream({
        start: () => void inlet.push(1),
        cancel: (reason) => (cancelled.push(reason), watched.cancel(reason)),
      }),
      { cancelWithLast: true },
    );
    const [one, two] = [fan.subscribe(options), fan.subscribe(options)];
    await one.cancel("first");
    assert.deepEqual(cancelled, []);
    await two.cancel("last");
    assert.deepEqual(cancelled, ["last"]);
    assert.deepEqual(await collect(fan.subscribe(options)), [], "what comes after the end is ended");
  }
});

test("a source that cannot be cancelled tells whoever cancelled it, and nobody else", async () => {
  for (const options of [{ limit: 1, wait: true }, { limit: 1, onDrop: () => {} }] as const) {
    const stubborn = new ReadableStream({
      cancel: () => {
        throw new Error("will not go");
      },
    });
    const fan = broadcast(stubborn, { cancelWithLast: true });
    await assert.rejects(fan.subscribe(options).cancel(), /will not go/);
    await settled();
    assert.equal(stubborn.locked, false);
  }
});

test("cancel ends all, who can still read what they hold, and unlocks the source", async () => {
  const { stream, seen } = counting();
  const fan = broadcast(stream);
  const one = fan.subscribe({ limit: 2, wait: true });
  await settled();
  await Promise.all([fan.cancel("over"), fan.cancel("again")]);
  assert.deepEqual(seen.cancelled, ["over"]);
  assert.deepEqual(await collect(one), [1, 2]);
  assert.deepEqual(await collect(fan.subscribe({ limit: 1, wait: true })), []);
  await settled();
  assert.equal(stream.locked, false);
});

test("a failing source fails every subscriber, now and later, as it failed", async () => {
  const { stream, inlet } = live<number>();
  const fan = broadcast(stream);
  const subscribers = [fan.subscribe({ limit: 1, wait: true }), fan.subscribe({ limit: 1, onDrop: () => {} })];
  const reason = new Error("line cut");
  inlet.fail(reason);
  await settled();
  subscribers.push(fan.subscribe({ limit: 1, wait: true }), fan.subscribe({ limit: 1, onDrop: () => {} }));
  for (const subscriber of subscribers) await assert.rejects(collect(subscriber), (error) => error === reason);
  assert.equal(stream.locked, false);
});

test("a subscriber that leaves while values are handed out gets none, and harms nobody", async () => {
  const { stream, inlet } = live<number>();
  const fan = broadcast(stream);
  fan.subscribe({ limit: 1, onDrop: () => void leaving.cancel() });
  const leaving = fan.subscribe({ limit: 5, wait: true });
  const staying = collect(fan.subscribe({ limit: 5, wait: true }));
  for (let value = 1; value <= 3; value++) inlet.push(value);
  await settled();
  inlet.end();
  assert.deepEqual(await staying, [1, 2, 3]);
});

test("a locked source and a bad limit are refused at the call", () => {
  const { stream } = counting();
  const fan = broadcast(stream);
  assert.throws(() => broadcast(stream), (error) => error instanceof AgentError && error.code === "stream.bad_option");
  for (const limit of [0, 2.5, Infinity, NaN]) {
    for (const options of [{ limit, wait: true }, { limit, onDrop: "fail" }] as const) {
      assert.throws(
        () => fan.subscribe(options),
        (error) => error instanceof AgentError && error.code === "stream.bad_option",
      );
    }
  }
});

test("however the readers are paced, each gets all values in order (wait), or the newest in order (drop)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ limit: fc.integer({ min: 1, max: 4 }), wait: fc.boolean(), pauses: fc.array(fc.nat(3)) }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.nat(30),
      async (readers, total) => {
        const fan = broadcast(counting(total).stream);
        const results = await Promise.all(readers.map(async ({ limit, wait, pauses }) => {
          let dropped = 0;
          const stream = fan.subscribe(wait ? { limit, wait } : { limit, onDrop: () => void dropped++ });
          const values: number[] = [];
          for await (const value of stream) {
            values.push(value);
            for (let pause = pauses[values.length % pauses.length] ?? 0; pause > 0; pause--) await settled();
          }
          return { wait, values, dropped };
        }));
        for (const { wait, values, dropped } of results) {
          assert.deepEqual(values, [...values].sort((a, b) => a - b));
          assert.equal(values.length + dropped, total);
          if (wait) assert.equal(dropped, 0);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("types: exactly one rule for the limit", () => {
  const fan = broadcast(counting().stream);
  // @ts-expect-error no rule
  (() => fan.subscribe({ limit: 1 }));
  // @ts-expect-error two rules
  (() => fan.subscribe({ limit: 1, wait: true, onDrop: () => {} }));
  // @ts-expect-error no limit
  (() => fan.subscribe({ wait: true }));
  // @ts-expect-error the values are numbers
  const text: ReadableStream<string> = fan.subscribe({ limit: 1, wait: true });
  assert.ok(text);
});
