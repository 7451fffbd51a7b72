import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { thinkingFilter } from "../../src/model/thinking.ts";

function split(...pieces: readonly string[]): { content: string; reasoning: string } {
  const filter = thinkingFilter();
  const all = [...pieces.map((piece) => filter.push(piece)), filter.end()];
  return {
    content: all.map(({ content }) => content).join(""),
    reasoning: all.map(({ reasoning }) => reasoning).join(""),
  };
}

test("thoughts are told from text, several times in a reply", () => {
  assert.deepEqual(split("<think>hm</think>Hello <think>so</think>there"), {
    content: "Hello there",
    reasoning: "hmso",
  });
});

test("a tag that is cut anywhere is hidden, and a lone bracket is not lost", () => {
  const whole = "a < b <think>c </ d</think> e </think> <thin";
  const expected = { content: "a < b  e </think> <thin", reasoning: "c </ d" };
  for (let at = 0; at <= whole.length; at += 1) {
    assert.deepEqual(split(whole.slice(0, at), whole.slice(at)), expected, `cut at ${at}`);
  }
  assert.deepEqual(split(...whole), expected);
});

test("a thought that never ends is no text", () => {
  assert.deepEqual(split("a<think>b</thi"), { content: "a", reasoning: "b</thi" });
});

test("however a text is cut, what is said is the same", () => {
  const part = fc.constantFrom("<think>", "</think>", "<", "<th", "ink>", "/", "word ", "</");
  fc.assert(fc.property(fc.array(part), fc.array(fc.nat({ max: 5 })), (parts, sizes) => {
    const whole = parts.join("");
    const pieces: string[] = [];
    let at = 0;
    for (const size of sizes) {
      pieces.push(whole.slice(at, at + size));
      at += size;
    }
    assert.deepEqual(split(...pieces, whole.slice(at)), split(whole));
  }));
});
