import assert from "node:assert/strict";
import { test } from "node:test";
import { heapClock, type HostTime, plainClock, processClock } from "../../../adapters/runtime/clock.ts";
import { AgentError } from "../../../src/base/error.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A host whose time the test sets, and which behaves as badly as real ones: too long a delay fires at once. */
function fakeHost() {
  let now = 1_000;
  let armed: { at: number; wake: () => void }[] = [];
  const host: HostTime = {
    now: () => now,
    wall: () => 5_000_000 + now,
    arm(ms, wake) {
      const timer = { at: ms > MAX_TIMEOUT_MS ? now : now + ms, wake };
      armed.push(timer);
      return () => void (armed = armed.filter((other) => other !== timer));
    },
  };
  return {
    host,
    armedCount: () => armed.length,
    delays: () => armed.map(({ at }) => at - now),
    /** Moves time, and wakes what is due; `earlyMs` before it really is. */
    move(ms: number, earlyMs = 0) {
      now += ms;
      for (const timer of armed.filter(({ at }) => at - earlyMs <= now)) {
        armed = armed.filter((other) => other !== timer);
        timer.wake();
      }
    },
  };
}

for (const [name, makeClock] of [["heapClock", heapClock], ["plainClock", plainClock]] as const) {
  test(`${name}: a timer fires once, at or after its time, even when the host is early`, () => {
    const { host, move } = fakeHost();
    const clock = makeClock(host);
    const fired: number[] = [];
    clock.schedule(1_010.4, () => fired.push(clock.now()));
    move(10, 2);
    assert.deepEqual(fired, []);
    move(0.3, 2);
    assert.deepEqual(fired, []);
    move(0.7, 2);
    assert.deepEqual(fired, [1_011]);
    move(100_000);
    assert.equal(fired.length, 1);
  });

  test(`${name}: a timer longer than the host's longest waits its whole time`, () => {
    const { host, move, delays } = fakeHost();
    const clock = makeClock(host);
    const sixtyDays = 60 * 24 * 60 * 60 * 1000;
    let isFired = false;
    clock.schedule(1_000 + sixtyDays, () => isFired = true);
    move(0);
    assert.deepEqual(delays(), [MAX_TIMEOUT_MS]);
    move(MAX_TIMEOUT_MS);
    move(MAX_TIMEOUT_MS);
    assert.equal(isFired, false);
    move(sixtyDays - 2 * MAX_TIMEOUT_MS);
    assert.equal(isFired, true);
  });

  test(`${name}: one that is called off neither fires nor keeps the host's timer`, () => {
    const { host, move, armedCount } = fakeHost();
    const clock = makeClock(host);
    const off = clock.schedule(1_010, () => assert.fail("called off"));
    off();
    off();
    assert.equal(armedCount(), 0);
    clock.schedule(Infinity, () => assert.fail("never"));
    assert.equal(armedCount(), 0);
    move(10_000);
    assert.throws(
      () => clock.schedule(NaN, () => {}),
      (error) => error instanceof AgentError && error.code === "clock.bad_time",
    );
  });

  test(`${name}: tells the wall clock beside its own, and lets host work be`, async () => {
    const { host } = fakeHost();
    const clock = makeClock(host);
    assert.equal(clock.wallOffset + clock.now(), host.wall());
    const work = Promise.resolve(1);
    assert.equal(clock.hold(work), work);
    assert.equal(clock.gather, undefined);
  });
}

test("a heap of many timers takes one timer of the host, armed for the next", () => {
  const { host, move, armedCount, delays } = fakeHost();
  const clock = heapClock(host);
  const order: string[] = [];
  clock.schedule(1_300, () => order.push("c"));
  clock.schedule(1_100, () => {
    order.push("a");
    clock.schedule(1_050, () => order.push("overdue"));
  });
  clock.schedule(1_100, () => order.push("b"));
  const off = clock.schedule(1_020, () => {});
  off();
  assert.equal(armedCount(), 1);
  move(20);
  assert.deepEqual(delays(), [80]);
  move(80);
  assert.deepEqual(order, ["a", "b"]); // what is made meanwhile waits for the next awakening
  move(0);
  assert.deepEqual(order, ["a", "b", "overdue"]);
  move(500);
  assert.deepEqual(order, ["a", "b", "overdue", "c"]);
  assert.equal(armedCount(), 0);
});

test("the clock of the process is one, and keeps real time", async () => {
  const clock = processClock();
  assert.equal(processClock(), clock);
  const due = clock.now() + 20.5;
  const firedAt = await new Promise<number>((go) => clock.schedule(due, () => go(clock.now())));
  assert.ok(firedAt >= due && firedAt < due + 500, `fired ${firedAt - due} ms late`);
  assert.ok(Math.abs(clock.wallOffset + clock.now() - Date.now()) < 100);
});
