import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../property.ts";
import { speakablePieces } from "../../../adapters/flite/speakable.ts";

const written = (text: string): string[] => speakablePieces(text).map(({ written }) => written);
const spoken = (text: string): string[] => speakablePieces(text).map(({ spoken }) => spoken);

test("a text is cut after each sentence", () => {
  assert.deepEqual(written("Hello! How are you? I am fine."), ["Hello! ", "How are you? ", "I am fine."]);
  assert.deepEqual(written('She said "Stop." Then she left.'), ['She said "Stop." ', "Then she left."]);
  assert.deepEqual(written("First line\nsecond line"), ["First line\n", "second line"]);
});

test("a full stop that ends no sentence cuts nothing", () => {
  for (
    const text of [
      "It costs 3.50 today.",
      "Ask Dr. Smith.",
      "At 5 p.m. sharp.",
      "J. R. Smith called.",
      "See e.g. the menu.",
    ]
  ) {
    assert.deepEqual(written(text), [text]);
  }
});

test("a sentence that is too long is cut at a clause, then at a space, then anywhere", () => {
  const clause = `${"word ".repeat(30)}here, ${"word ".repeat(30)}end.`;
  assert.deepEqual(written(clause)[0], `${"word ".repeat(30)}here, `);
  assert.ok(written("word ".repeat(200)).every((piece) => piece.length <= 240 && piece.endsWith(" ")));
  assert.deepEqual(written("x".repeat(500)).map(({ length }) => length), [240, 240, 20]);
});

test("marks, accents and symbols become what an English voice can read", () => {
  assert.deepEqual(spoken("\u201cNa\u00efve caf\u00e9\u201d \u2014 that\u2019s d\u00e9j\u00e0 vu\u2026"), [
    '"Naive cafe", that\'s deja vu...',
  ]);
  assert.deepEqual(spoken("It is 20\u00b0 and costs \u20ac5.50 or \u00a34"), [
    "It is 20 degrees and costs 5.50 euros or 4 pounds",
  ]);
});

test("what has no letter and no digit is not spoken", () => {
  assert.deepEqual(spoken("\u{1F600} ... !"), ["", ""]);
  assert.deepEqual(spoken("OK \u{1F600}"), ["OK"]);
  assert.deepEqual(speakablePieces(""), []);
});

test("the pieces of any text join to the text, none is too long, and none holds what the voice cannot read", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 1_000 }), (text) => {
    const pieces = speakablePieces(text);
    assert.equal(pieces.map(({ written }) => written).join(""), text);
    for (const { written, spoken } of pieces) {
      assert.ok(written.length > 0 && written.length <= 240);
      assert.match(spoken, /^[\x20-\x7e]*$/);
    }
  }));
});
