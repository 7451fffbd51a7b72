import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../property.ts";
import { type Timer, TimerHeap } from "../../../adapters/runtime/timer_heap.ts";

test("timers come out by time, then by age, whatever was called off in between", () => {
  const program = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("add" as const), at: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ do: fc.constant("cancel" as const), pick: fc.nat(400) }),
      fc.record({ do: fc.constant("due" as const), now: fc.integer({ min: 0, max: 50 }) }),
    ),
    { maxLength: 400, size: "max" },
  );
  fc.assert(
    fc.property(program, (steps) => {
      const heap = new TimerHeap();
      const made: Timer[] = [];
      let model: Timer[] = []; // the same, by sorting
      for (const step of steps) {
        if (step.do === "add") {
          const timer = heap.add(step.at, () => {});
          made.push(timer);
          model.push(timer);
        } else if (step.do === "cancel") {
          const timer = made[step.pick % made.length];
          if (timer !== undefined) heap.cancel(timer);
          model = model.filter((other) => other !== timer);
        } else {
          const expected = model.filter(({ at }) => at <= step.now).sort((a, b) => a.at - b.at || a.serial - b.serial);
          const batch = heap.due(step.now);
          assert.deepEqual(batch, expected);
          for (const timer of batch) assert.notEqual(heap.take(timer), undefined);
          model = model.filter((timer) => !expected.includes(timer));
        }
        assert.equal(heap.armed, model.length);
        assert.equal(heap.next(), Math.min(Infinity, ...model.map(({ at }) => at)));
      }
    }),
    { numRuns: 200 },
  );
});

test("timers that are called off do not pile up", () => {
  const heap = new TimerHeap();
  heap.add(1_000, () => {});
  for (let frame = 0; frame < 100_000; frame += 1) heap.cancel(heap.add(2_000 + frame, () => {}));
  assert.ok(heap.size <= 130, `${heap.size} entries for ${heap.armed} armed`);
});
