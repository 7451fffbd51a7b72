import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  choose,
  detokenizer,
  END,
  isRunaway,
  NO_SPEECH,
  NO_TIMESTAMPS,
  probability,
  repeatsOf,
  START,
  VOCABULARY,
} from "../../../adapters/whisper/text.ts";

const vocabulary = await readFile(new URL("../../../models/whisper_tiny_en/vocabulary.txt", import.meta.url), "utf8");

/** Logits of which some stand out. */
function logits(of: Readonly<Record<number, number>>): Float32Array {
  const row = new Float32Array(VOCABULARY).fill(-10);
  for (const [token, value] of Object.entries(of)) row[Number(token)] = value;
  return row;
}

test("the marks are where the vocabulary has them", () => {
  const words = vocabulary.split("\n");
  assert.equal(words[START], "<|startoftranscript|>");
  assert.equal(words[END], "<|endoftext|>");
  assert.equal(words[NO_SPEECH], "<|nocaptions|>");
  assert.equal(words[NO_TIMESTAMPS], "<|notimestamps|>");
  assert.ok(words.length >= VOCABULARY);
});

test("tokens become text, also where a letter is in two of them", () => {
  const words = vocabulary.split("\n");
  const toText = detokenizer(vocabulary);
  const token = (word: string): number => words.indexOf(word);
  assert.equal(toText([token("ĠHello"), token(","), token("Ġworld"), token(".")]), "Hello, world.");
  assert.equal(toText([token("ĠCaf"), token("Ã©")]), "Café");
  assert.equal(toText([token("Ã"), token("©")]), "é");
  assert.equal(toText([START, NO_TIMESTAMPS, END]), "");
  assert.equal(toText([]), "");
});

test("the likeliest word is chosen, and never a mark, a time or a sign that nobody says", () => {
  assert.equal(choose(logits({ 400: 3, 500: 2 }), false), 400);
  assert.equal(choose(logits({ [START]: 9, [NO_SPEECH]: 9, 51_000: 9, 500: 2 }), false), 500);
  assert.equal(choose(logits({ 1: 9, 58: 9, 500: 2 }), false), 500);
});

test("the first word is neither blank nor the end", () => {
  const row = logits({ 220: 9, [END]: 8, 500: 2 });
  assert.equal(choose(row, true), 500);
  assert.equal(choose(row, false), 220);
});

test("probabilities add up to 1, however large the logits are", () => {
  const row = new Float32Array(VOCABULARY).fill(-2_000);
  row[3] = 1_000;
  row[4] = 1_000;
  assert.ok(Math.abs(probability(row, 3) - 0.5) < 1e-9);
  assert.equal(probability(row, 5), 0);
});

test("repeats at the end are found, whatever stands before them", () => {
  assert.deepEqual(repeatsOf([]), { period: 0, times: 0 });
  assert.deepEqual(repeatsOf([1, 2, 3]), { period: 0, times: 0 });
  assert.deepEqual(repeatsOf([9, 8, 1, 2, 1, 2, 1, 2]), { period: 2, times: 3 });
  assert.deepEqual(repeatsOf([5, 5, 5, 5]), { period: 1, times: 4 });
  assert.deepEqual(repeatsOf([1, 2, 1, 2, 3]), { period: 0, times: 0 });
});

test("who repeats himself is believed, a model that goes on for ever is not", () => {
  const said = (period: number, times: number): { period: number; times: number } => ({ period, times });
  assert.equal(isRunaway(said(2, 3)), false, "no, no, no");
  assert.equal(isRunaway(said(2, 6)), false, "no, no, no, no, no, no");
  assert.equal(isRunaway(said(10, 2)), false, "a sentence twice");
  assert.equal(isRunaway(said(2, 8)), true);
  assert.equal(isRunaway(said(10, 3)), true);
  assert.equal(isRunaway(said(2, 6), true), true, "and there was no room for more");
  assert.equal(isRunaway(said(2, 2), true), false);
});
