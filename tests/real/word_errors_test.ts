import assert from "node:assert/strict";
import { test } from "node:test";
import { plainWords, wordErrorRate, wordErrors } from "./word_errors.ts";

test("case, punctuation and the way numbers are written make no difference", () => {
  const same = [
    ["Hello, World!", "hello world"],
    ["I'll be there at seven thirty.", "ill be there at 7:30"],
    ["at seven a.m.", "at 7:00 AM"],
    ["twenty-five people", "25 people"],
    ["one thousand two hundred", "1,200"],
    ["on the twenty first of May", "on the 21st of May"],
    ["that is forty dollars", "that is $40"],
    ["five percent", "5%"],
    ["Okay, five pm", "OK, 5pm"],
    ["one two three four five", "12345"],
  ] as const;
  for (const [reference, hypothesis] of same) {
    assert.deepEqual(plainWords(hypothesis), plainWords(reference), reference);
    assert.equal(wordErrorRate(reference, hypothesis), 0, reference);
  }
});

test("a wrong, a missing and an added word are one error each", () => {
  const count = (said: string, heard: string): number => wordErrors(plainWords(said), plainWords(heard));
  assert.equal(count("the cat sat down", "the bat sat down"), 1);
  assert.equal(count("the cat sat down", "the sat down"), 1);
  assert.equal(count("the cat sat down", "the cat sat right down"), 1);
  assert.equal(count("a b c d", "b c d e"), 2);
});

test("nothing heard is all wrong, and words in silence are, too", () => {
  assert.equal(wordErrorRate("one two", ""), 1);
  assert.equal(wordErrorRate("", ""), 0);
  assert.equal(wordErrorRate("", "thank you"), 1);
  assert.equal(wordErrorRate("one", "one two three"), 2);
});
