import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { Sequence } from "../../src/chat/sequence.ts";

interface Thing {
  readonly id: string;
}

const thing = (number: number): Thing => ({ id: `thing_${number}` });
const things = (count: number): Thing[] => Array.from({ length: count }, (_, index) => thing(index));

/** One change of a list, described so that a plain array can follow it. */
const change = fc.oneof(
  fc.record({ type: fc.constant("push" as const), id: fc.nat(500) }),
  fc.record({ type: fc.constant("splice" as const), at: fc.nat(400), removed: fc.nat(3), ids: fc.array(fc.nat(500)) }),
  fc.record({ type: fc.constant("copy" as const) }),
  fc.record({ type: fc.constant("grow" as const), count: fc.integer({ min: 50, max: 150 }) }),
);

test("a sequence and its copies hold what plain arrays would, whatever is done to any of them", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), change), { maxLength: 40 }), (changes) => {
      const lists: { readonly sequence: Sequence<Thing>; readonly model: Thing[] }[] = [
        { sequence: new Sequence(things(3)), model: things(3) },
      ];
      for (const [which, entry] of changes) {
        const { sequence, model } = lists[which % lists.length]!;
        switch (entry.type) {
          case "push":
            sequence.push(thing(entry.id));
            model.push(thing(entry.id));
            break;
          case "grow":
            for (const added of things(entry.count)) {
              sequence.push(added);
              model.push(added);
            }
            break;
          case "splice": {
            const at = Math.min(entry.at, model.length);
            sequence.splice(at, entry.removed, ...entry.ids.map(thing));
            model.splice(at, entry.removed, ...entry.ids.map(thing));
            break;
          }
          case "copy":
            lists.push({ sequence: sequence.copy(), model: model.slice() });
            break;
        }
      }
      for (const { sequence, model } of lists) {
        assert.deepEqual(sequence.toArray(), model);
        assert.equal(sequence.length, model.length);
        const middle = model.length >> 1;
        assert.deepEqual(sequence.toArray(middle), model.slice(middle));
        assert.deepEqual(sequence.at(middle), model[middle]);
        assert.deepEqual(sequence.at(-1), model.at(-1));
        for (const { id } of [thing(0), thing(7), thing(149), thing(9999)]) {
          assert.equal(sequence.indexOf(id), model.findIndex((item) => item.id === id));
        }
        const endsInSeven = ({ id }: Thing): boolean => id.endsWith("7");
        assert.equal(sequence.positionAfterLast(endsInSeven), model.findLastIndex(endsInSeven) + 1);
      }
    }),
    { numRuns: 150 },
  );
});

test("what two lists share is never more than what they have in common", () => {
  const first = new Sequence(things(300));
  const second = first.copy();
  assert.equal(first.sharedWith(second), 300);
  second.splice(250, 1, thing(999));
  const shared = first.sharedWith(second);
  assert.ok(shared <= 250, `shared ${shared}`);
  assert.ok(shared >= 200, `shared ${shared}`);
  assert.equal(new Sequence(things(300)).sharedWith(first), 0);
});

test("positions outside of the list hold nothing", () => {
  const sequence = new Sequence(things(2));
  assert.equal(sequence.at(2), undefined);
  assert.equal(sequence.at(-3), undefined);
  assert.deepEqual(sequence.toArray(5), []);
});

test("appending costs each item a few moves, and their number grows with the logarithm alone", () => {
  const costOf = (count: number): number => {
    const sequence = new Sequence<Thing>();
    for (const item of things(count)) sequence.push(item);
    return sequence.work / count;
  };
  assert.ok(costOf(1_000) < 8, `${costOf(1_000)} moves per item`);
  assert.ok(costOf(64_000) < 14, `${costOf(64_000)} moves per item`);
});

test("copying, and changing something near the end, costs the same at any length", () => {
  const costAt = (length: number): number => {
    const sequence = new Sequence(things(length));
    const copy = sequence.copy();
    const before = copy.work;
    copy.splice(copy.length - 3, 1, thing(9999));
    return copy.work - before + copy.copy().work;
  };
  assert.ok(costAt(100) <= 200, `${costAt(100)}`);
  assert.ok(costAt(100_000) <= 200, `${costAt(100_000)}`);
});
