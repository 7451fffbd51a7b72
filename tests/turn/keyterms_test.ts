/** What must hold of section 23: words to listen for. */
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  applyKeytermPass,
  createKeyterms,
  effectiveKeyterms,
  type KeytermPass,
  type KeytermState,
  parseKeytermPass,
  sameKeyterms,
  withFixedKeyterms,
} from "../../src/turn/keyterms.ts";

const pass = (patch: Partial<KeytermPass>): KeytermPass => ({ pending: [], confirm: [], remove: [], ...patch });
const after = (passes: readonly Partial<KeytermPass>[], fixed: readonly string[] = [], max: number | null = null) =>
  passes.reduce<KeytermState>((state, patch) => applyKeytermPass(state, pass(patch), max), createKeyterms(fixed));

test("the effective terms are the program's, then the confirmed, each once and none empty", () => {
  const state = after([{ confirm: ["Priya", "Moby Dick"] }], ["Orly", " Moby Dick ", "", "Orly"]);
  assert.deepEqual(effectiveKeyterms(state), ["Orly", "Moby Dick", "Priya"]);
});

test("pending terms never reach the recogniser, and a confirmed term cannot become pending", () => {
  const state = after([{ pending: ["Natarajan"] }, { confirm: ["Natarajan"] }, { pending: ["Natarajan", "Chen"] }]);
  assert.deepEqual(effectiveKeyterms(state), ["Natarajan"]);
  assert.deepEqual(state.pending, [["Chen", 3]]);
  assert.deepEqual(effectiveKeyterms(after([{ pending: ["Chen"] }])), []);
});

test("a candidate that three passes did not confirm is forgotten", () => {
  assert.equal(after([{ pending: ["Chen"] }, {}, {}]).pending.length, 1);
  assert.equal(after([{ pending: ["Chen"] }, {}, {}, {}]).pending.length, 0);
  assert.equal(
    after([{ pending: ["Chen"] }, {}, { pending: ["Chen"] }, {}]).pending.length,
    0,
    "naming it again is no proof",
  );
});

test("removal takes a term from both lists, and never one of the program", () => {
  const state = after([{ confirm: ["Jon"], pending: ["Smyth"] }, { remove: ["Jon", "Smyth", "Orly"] }], ["Orly"]);
  assert.deepEqual([effectiveKeyterms(state), state.pending], [["Orly"], []]);
});

test("over the limit the oldest confirmed term goes", () => {
  assert.deepEqual(effectiveKeyterms(after([{ confirm: ["a", "b"] }, { confirm: ["c"] }], ["x"], 2)), ["x", "b", "c"]);
  assert.deepEqual(effectiveKeyterms(after([{ confirm: ["a"] }], [], 0)), []);
});

test("terms of the program are replaced, and what is told is compared as a whole", () => {
  const before = after([{ confirm: ["a"] }], ["x"]);
  assert.ok(sameKeyterms(before, withFixedKeyterms(before, ["x", "x"])));
  assert.deepEqual(effectiveKeyterms(withFixedKeyterms(before, ["y"])), ["y", "a"]);
});

test("arguments that are none are no pass", () => {
  assert.deepEqual(parseKeytermPass('{"confirm":["a"]}'), pass({ confirm: ["a"] }));
  for (const args of ["", "[", "null", "3", '{"confirm":"a"}', '{"pending":[1]}']) {
    assert.equal(parseKeytermPass(args), null, args);
  }
});
