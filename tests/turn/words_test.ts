import { test } from "node:test";
import assert from "node:assert/strict";
import { countSpacedWords, countWords, joinText, sameWords } from "../../src/turn/words.ts";

test("words are split on white space, and punctuation alone is none", () => {
  assert.equal(countWords("Well, I'd like — a table!"), 5);
  assert.equal(countWords(" ... ! “” "), 0);
  assert.equal(countWords(""), 0);
});

test("each character of Chinese, Japanese and Thai counts as a word", () => {
  assert.equal(countWords("你好吗?"), 3);
  assert.equal(countWords("はい OK"), 3);
  assert.equal(countWords("สวัสดี"), 6);
});

test("the limit of a user turn counts words between white space only", () => {
  assert.equal(countSpacedWords("one two, three ."), 3);
  assert.equal(countSpacedWords("你好 吗"), 2);
});

test("texts say the same whatever their case and punctuation; two texts without words do not", () => {
  assert.ok(sameWords("Hello, how are you?", "hello how are you"));
  assert.ok(sameWords("", ""));
  assert.ok(!sameWords("Hello", "Hello there"));
  assert.ok(!sameWords("...", "!"));
});

test("texts are joined with one space, and an empty one adds none", () => {
  assert.equal(joinText("a", "b"), "a b");
  assert.equal(joinText("", "b"), "b");
  assert.equal(joinText("a", ""), "a");
});
