import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { words, wordSplitter } from "../../streams/words.ts";
import { transformLaws } from "./laws.ts";

const split = (chunks: readonly string[]): string[] => {
  const splitter = wordSplitter();
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.flush()];
};

const WORDS: [text: string, words: string[]][] = [
  ["Hello, big  world. ", ["Hello,", " big", "  world.", " "]],
  ['"Hi," he said (softly).', ['"Hi,"', " he", " said", " (softly)."]],
  ["你好，世界「こんにちは」ok", ["你", "好，", "世", "界", "「こ", "ん", "に", "ち", "は」", "ok"]],
  ["我用Python写", ["我", "用", "Python", "写"]],
  ["ครับ ดี", ["ค", "รั", "บ", " ดี"]],
  ["a 😀b", ["a", " 😀b"]],
  ["", []],
];
for (const [text, expected] of WORDS) {
  test(`${JSON.stringify(text)} is cut into ${expected.length} words, however it comes`, () => {
    assert.deepEqual(split([text]), expected);
    assert.deepEqual(split(text.split("")), expected);
  });
}

test("a word is given as soon as the next one begins", () => {
  const splitter = wordSplitter();
  assert.deepEqual(splitter.push("Hello wor"), ["Hello"]);
  assert.deepEqual(splitter.push("ld"), []);
  assert.deepEqual(splitter.push(" "), [" world"]);
});

test("a run without white space is given out in pieces of 200", () => {
  assert.deepEqual(split(["x".repeat(450)]).map((word) => word.length), [200, 200, 50]);
});

test("joined, the words are the text; and its chunks make no difference", () => {
  const text = fc.string({ unit: fc.constantFrom(..."ab ,.\n()「」你好かดีั".split(""), "😀", "\ud83d"), maxLength: 60 });
  fc.assert(fc.property(text, fc.array(fc.nat(60), { maxLength: 8 }), (value, places) => {
    const at = [0, ...places.sort((a, b) => a - b), value.length];
    const found = split(at.slice(1).map((end, index) => value.slice(at[index], end)));
    assert.equal(found.join(""), value);
    assert.deepEqual(found, split([value]));
  }));
});

transformLaws("words", {
  make: () => words(),
  inputs: ["one", " two", " three", " four", " five"],
  expected: (inputs) => [...inputs],
  holds: 4,
});
