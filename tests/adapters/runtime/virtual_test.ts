import assert from "node:assert/strict";
import { test } from "node:test";
import { type VirtualClock, virtualClock, virtualRuntime } from "../../../adapters/runtime/virtual.ts";
import { AgentError } from "../../../src/base/error.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof AgentError && error.code === code;

test("time stands still until it is moved, and then fires what is due, in order", async () => {
  const clock = virtualClock();
  const calls: string[] = [];
  const at = (ms: number, name: string) => clock.schedule(ms, () => calls.push(`${name}@${clock.now()}`));
  at(500, "c");
  at(100, "a");
  at(500, "d");
  at(200, "b");
  at(501, "e");
  await clock.advance(500);
  assert.deepEqual(calls, ["a@100", "b@200", "c@500", "d@500"]);
  assert.equal(clock.now(), 500);
  assert.equal(clock.armed, 1);
  await clock.run();
  assert.deepEqual(calls.slice(4), ["e@501"]);
  assert.equal(clock.armed, 0);
});

test("advancing runs everything due until then, and what that causes through promises and streams", async () => {
  const clock = virtualClock();
  const { readable, writable } = new TransformStream<number, number>({ transform: (value, c) => c.enqueue(value) });
  const writer = writable.getWriter();
  const heard: string[] = [];
  void (async () => {
    for await (
      const value of readable.pipeThrough(new TransformStream({ transform: (v: number, c) => c.enqueue(v) }))
    ) {
      heard.push(`${value}@${clock.now()}`);
      if (value < 12) clock.schedule(clock.now() + 100, () => void writer.write(value + 1));
    }
  })();
  clock.schedule(100, () => void writer.write(1));
  await clock.advance(1_000);
  assert.deepEqual(heard, Array.from({ length: 10 }, (_, index) => `${index + 1}@${(index + 1) * 100}`));
  await clock.run();
  assert.equal(heard.at(-1), "12@1200");
});

test("a timer called off does not fire, not even by an earlier one of its batch", async () => {
  const clock = virtualClock();
  const calls: string[] = [];
  clock.schedule(10, () => {
    calls.push("first");
    off();
    off();
  });
  const off = clock.schedule(10, () => calls.push("second"));
  clock.schedule(10, () => calls.push("third"));
  clock.schedule(5, () => calls.push("gone"))();
  assert.equal(clock.armed, 3);
  await clock.run();
  assert.deepEqual(calls, ["first", "third"]);
  assert.equal(clock.armed, 0);
});

test("all timers of an instant are one batch: what they post is gathered together, after the streams", async () => {
  const clock = virtualClock();
  const calls: string[] = [];
  const drain = () => calls.push("drain");
  clock.schedule(10, () => {
    calls.push("timer 1");
    clock.gather(drain);
    void Promise.resolve().then(() => calls.push("promise 1"));
    clock.schedule(10, () => calls.push("timer of the same instant"));
  });
  clock.schedule(10, () => {
    calls.push("timer 2");
  });
  await clock.advance(10);
  assert.deepEqual(calls, ["timer 1", "timer 2", "promise 1", "drain", "timer of the same instant"]);
});

test("drains run in the order in which they asked, and one asked for by a drain runs in the next round", async () => {
  const clock = virtualClock();
  const calls: string[] = [];
  clock.schedule(0, () => {
    clock.gather(() => {
      calls.push("a");
      clock.gather(() => calls.push("c"));
      void Promise.resolve().then(() => calls.push("promise"));
    });
    clock.gather(() => calls.push("b"));
  });
  await clock.advance(0);
  assert.deepEqual(calls, ["a", "b", "promise", "c"]);
});

test("the present instant runs by itself, later ones wait to be asked for", async () => {
  const clock = virtualClock();
  const gathered = new Promise<number>((go) => clock.gather(() => go(clock.now())));
  assert.equal(await gathered, 0);
  const due = new Promise<number>((go) => clock.schedule(-5, () => go(clock.now())));
  assert.equal(await due, 0);
  clock.schedule(1, () => assert.fail("time moved by itself"));
  for (let turn = 0; turn < 5; turn += 1) await new Promise((go) => setTimeout(go, 0));
  assert.equal(clock.now(), 0);
});

test("`until` moves time as far as the promise needs, and no further", async () => {
  const clock = virtualClock();
  clock.schedule(1_000, () => {});
  const value = await clock.until(new Promise<string>((go) => clock.schedule(300, () => go("done"))));
  assert.equal(value, "done");
  assert.equal(clock.now(), 300);
  const failing = new Promise((_, fail) => clock.schedule(400, () => fail(new Error("broke"))));
  await assert.rejects(clock.until(failing), /broke/);
  assert.equal(clock.now(), 400);
  assert.equal(clock.armed, 1);
});

test("`until` says so when nothing is left that could settle the promise", async () => {
  const clock = virtualClock();
  clock.schedule(300, () => {});
  await assert.rejects(clock.until(new Promise(() => {})), hasCode("clock.stuck"));
  assert.equal(clock.now(), 300);
});

test("callers may wait at the same time, each until its own time", async () => {
  const clock = virtualClock();
  const order: string[] = [];
  clock.schedule(250, () => order.push("timer 250"));
  await Promise.all([
    clock.run().then(() => order.push(`run ${clock.now()}`)),
    clock.advance(200).then(() => {
      order.push(`advance ${clock.now()}`);
      clock.schedule(220, () => order.push("timer 220")); // armed by who waited: before time goes on
    }),
    clock.advance(100).then(() => order.push(`advance ${clock.now()}`)),
  ]);
  assert.deepEqual(order, ["advance 100", "advance 200", "timer 220", "timer 250", "run 250"]);
});

test("held work stops time until it ends, and then lasts as long as it really took", async () => {
  const clock = virtualClock();
  const calls: string[] = [];
  clock.schedule(100, () => {
    const began = performance.now();
    const work = new Promise<string>((go) => setTimeout(() => go("result"), 30));
    void clock.hold(work).then((result) => {
      calls.push(result);
      const virtualMs = clock.now() - 100;
      assert.ok(virtualMs >= 25 && virtualMs <= performance.now() - began + 1, `took ${virtualMs} ms`);
    });
    assert.equal(clock.held, 1);
  });
  clock.schedule(110, () => calls.push("in between"));
  clock.schedule(100_000, () => calls.push("far later"));
  await clock.run();
  assert.deepEqual(calls, ["in between", "result", "far later"]);
  assert.equal(clock.held, 0);
  assert.equal(clock.armed, 0);
});

test("held work that fails rejects at its time; work may hold work", async () => {
  const clock = virtualClock();
  await assert.rejects(clock.until(clock.hold(Promise.reject(new Error("no model")))), /no model/);
  const sleep = (ms: number) => new Promise<void>((go) => setTimeout(go, ms));
  const inner = () => clock.hold(sleep(10));
  await clock.until(clock.hold(inner().then(() => inner()).then(() => sleep(5))));
  assert.ok(clock.now() >= 20, `${clock.now()}`);
  assert.equal(clock.held, 0);
});

test("what is gathered while work is held runs without waiting for it", async () => {
  const clock = virtualClock();
  let release = (): void => {};
  const held = clock.hold(new Promise<void>((go) => release = go));
  setTimeout(() => clock.gather(release), 5);
  await clock.until(held);
});

test("what a timer or drain throws rejects who moves time, after the others ran", async () => {
  const clock = virtualClock();
  const calls: string[] = [];
  clock.schedule(10, () => {
    throw new Error("thrown");
  });
  clock.schedule(10, () => calls.push("next"));
  await assert.rejects(clock.advance(10), /thrown/);
  assert.deepEqual(calls, ["next"]);
  await clock.advance(5);
  assert.equal(clock.now(), 15);
});

test("an instant that never ends is found out", async () => {
  const clock = virtualClock();
  const again = (): void => void clock.schedule(clock.now(), again);
  clock.schedule(5, again);
  await assert.rejects(clock.advance(10), hasCode("clock.stuck"));
});

test("time cannot go back or become nonsense", async () => {
  const clock = virtualClock();
  await clock.runUntil(100);
  assert.throws(() => clock.runUntil(99), hasCode("clock.bad_time"));
  assert.throws(() => clock.advance(-1), hasCode("clock.bad_time"));
  assert.throws(() => clock.advance(Infinity), hasCode("clock.bad_time"));
  assert.throws(() => clock.advance(NaN), hasCode("clock.bad_time"));
  assert.throws(() => clock.schedule(NaN, () => {}), hasCode("clock.bad_time"));
  clock.schedule(Infinity, () => {})();
  assert.equal(clock.armed, 0);
});

test("a runtime has the same dice, time of day and secrets for the same seed", () => {
  const [a, b, other] = [virtualRuntime({ seed: 7 }), virtualRuntime({ seed: 7 }), virtualRuntime({ seed: 8 })];
  assert.equal(a.random(), b.random());
  assert.deepEqual(a.secret(16), b.secret(16));
  assert.notDeepEqual(a.secret(16), other.secret(16));
  assert.equal(a.clock.wallOffset, Date.UTC(2025, 0, 1));
  assert.equal(virtualRuntime({ wallStart: 5 }).clock.wallOffset, 5);
  assert.equal(virtualRuntime({ env: { KEY: "value" } }).env?.("KEY"), "value");
  assert.equal(a.env?.("HOME"), undefined);
});

test("a thousand worlds side by side go the same way as each alone", async () => {
  const world = async (seed: number): Promise<string> => {
    const { clock, random } = virtualRuntime({ seed });
    const trace: string[] = [];
    const step = (clock: VirtualClock, left: number): void => {
      trace.push(`${left}@${clock.now()}`);
      if (left > 0) clock.schedule(clock.now() + random.fork(`${left}`).below(20), () => step(clock, left - 1));
    };
    step(clock, 20);
    await clock.run();
    assert.equal(clock.armed, 0);
    return trace.join();
  };
  const seeds = Array.from({ length: 1_000 }, (_, seed) => seed);
  const together = await Promise.all(seeds.map(world));
  for (const seed of [0, 499, 999]) assert.equal(await world(seed), together[seed]);
});
