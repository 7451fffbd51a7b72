import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { repairJson, stripTemplateMarkers } from "../../src/tool/repair_json.ts";

test("JSON that is nearly right is read as it was meant", () => {
  const cases: readonly [text: string, value: unknown][] = [
    ['{"city":"Oslo","days":3', { city: "Oslo", days: 3 }],
    ['{"city":"Oslo', { city: "Oslo" }],
    ['{"a":[1,2', { a: [1, 2] }],
    ['{"a":{"b":{"c":1', { a: { b: { c: 1 } } }],
    ['{"a":1,}', { a: 1 }],
    ['{"a":[1,2,],}', { a: [1, 2] }],
    ["{'city': 'Oslo'}", { city: "Oslo" }],
    ["{city: 'Oslo', days: 3}", { city: "Oslo", days: 3 }],
    ["{city: Oslo}", { city: "Oslo" }],
    ["{city: New York, days: 3}", { city: "New York", days: 3 }],
    ['{"a": True, "b": False, "c": None, "d": undefined}', { a: true, b: false, c: null, d: null }],
    ['{"a":1 "b":2}', { a: 1, b: 2 }],
    ['{"a":"x" "b":"y"}', { a: "x", b: "y" }],
    ['{"a" = 1}', { a: 1 }],
    ["{“city”: “Oslo”}", { city: "Oslo" }],
    ['```json\n{"a":1}\n```', { a: 1 }],
    ['Here you are: {"a":1}. Enjoy!', { a: 1 }],
    ['{"a":1, // one\n"b":2 /* two */, # three\n"c":3}', { a: 1, b: 2, c: 3 }],
    ['{"text":"two\nlines"}', { text: "two\nlines" }],
    ['{"text":"she said "hi" to me"}', { text: 'she said "hi" to me' }],
    ['{"text":"it\\\'s \\u00e9 \\q"}', { text: "it's é q" }],
    ['{"a":1,"b":}', { a: 1, b: null }],
    ['{"a":1,"b":', { a: 1, b: null }],
    ['{"a":1,"b', { a: 1 }],
    ['{"a":[{"b":1},{"c":2]}', { a: [{ b: 1 }, { c: 2 }] }],
    ['{"n": -1.5e3, "m": .5, "k": 1_000}', { n: -1500, m: 0.5, k: 1000 }],
    ["[1 2", ["1 2"]],
    ["{", {}],
    ['{"a":1}}}', { a: 1 }],
  ];
  for (const [text, value] of cases) assert.deepEqual(repairJson(text), value, text);
});

test("where there is no object and no list, nothing is read", () => {
  for (const text of ["", "hello", '"text"', "12", "}"]) assert.equal(repairJson(text), undefined, text);
});

test("a key that would change the prototype stays an ordinary key", () => {
  const value = repairJson('{"__proto__": {"polluted": true}, a: 1') as Record<string, unknown>;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(value["polluted"], undefined);
  assert.deepEqual(Object.keys(value), ["__proto__", "a"]);
});

test("JSON cut off anywhere is read without an error, and holds what was complete", () => {
  fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.jsonValue()), fc.nat(300), (whole, cut) => {
    const text = JSON.stringify(whole);
    const value = repairJson(text.slice(0, Math.max(1, Math.min(cut, text.length))));
    assert.equal(typeof value, "object");
    JSON.stringify(value);
  }));
});

test("valid objects without quotes in their texts are read as JSON.parse reads them", () => {
  const text = fc.stringMatching(/^[A-Za-z .,;:]*$/);
  const value = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text)));
  fc.assert(fc.property(value, (whole) => {
    assert.deepEqual(repairJson(JSON.stringify(whole)), JSON.parse(JSON.stringify(whole)));
  }));
});

test("no text at all makes it fail or hang, however deep or odd", () => {
  assert.ok(repairJson("[".repeat(100_000)) !== undefined);
  assert.ok(repairJson('{"a":'.repeat(100_000)) !== undefined);
  const odd = fc.string({ unit: fc.constantFrom(..."{}[]\"':,=\\/*#ab1 \n<|>“”`") });
  fc.assert(fc.property(odd, (text) => void JSON.stringify(repairJson(text) ?? null)), { numRuns: 2_000 });
});

test("marks of a chat template are taken out of texts, and list entries that were nothing else are dropped", () => {
  assert.deepEqual(
    stripTemplateMarkers({
      a: "Oslo<|end|>",
      b: ["<|im_end|>", "x", ""],
      c: { d: "<start_of_turn>y<end_of_turn>" },
      e: "half <|im_",
      f: "|>half",
      g: "a < b | c > d",
      h: 7,
    }),
    { a: "Oslo", b: ["x", ""], c: { d: "y" }, e: "half ", f: "half", g: "a < b | c > d", h: 7 },
  );
});
