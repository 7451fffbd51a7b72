import { test } from "node:test";
import assert from "node:assert/strict";
import { partsOf, spokenCharacters } from "../../src/reply/hyphenation.ts";

const PARTS: [word: string, parts: number][] = [
  ["hello", 2],
  ["conversation", 4],
  ["table", 2],
  ["yesterday", 3],
  ["expected", 3],
  ["communication", 5],
  ["window", 2],
  ["welcome", 2],
  ["upon", 1],
  ["there", 1],
  ["lived", 1],
  ["wanted", 2],
  ["Straße", 2],
  ["привет", 2],
  ["2024", 4],
  ["重要", 2],
  ["—", 0],
  ["😀", 0],
];
for (const [word, parts] of PARTS) {
  test(`${word} has ${parts} parts`, () => assert.equal(partsOf(spokenCharacters(` ${word},`)), parts));
}

test("every word with a letter or digit has some, in any script", () => {
  for (const word of ["a", "rhythm", "مرحبا", "שלום", "नमस्ते", "か", "ก", "x7", "ΑΒΓ", "Ⅷ"]) {
    assert.ok(partsOf(spokenCharacters(word)) > 0, word);
  }
});
