import { test } from "node:test";
import assert from "node:assert/strict";
import { spokenCharacters, weightOf } from "../../src/reply/word_weight.ts";

const WEIGHTS: [word: string, weight: number][] = [
  ["a", 3],
  ["hello", 7],
  ["**Straße**", 8],
  ["it's", 5],
  ["2024", 14],
  ["重", 3],
  ["—", 0],
  ["😀", 0],
];
for (const [word, weight] of WEIGHTS) {
  test(`${word} weighs ${weight}`, () => assert.equal(weightOf(spokenCharacters(` ${word},`)), weight));
}
