import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { sentences, type SentencesOptions, sentenceSplitter } from "../../streams/sentences.ts";
import { transformLaws } from "./laws.ts";

const split = (chunks: readonly string[], options?: SentencesOptions): string[] => {
  const splitter = sentenceSplitter(options);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.flush()];
};

const SENTENCES: [name: string, sentences: string[]][] = [
  ["a short sentence is joined to the next one, and initials are no ends", [
    "Hi! LiveKit is a platform for live audio and video applications and services. \n\n",
    "R.T.C stands for Real-Time Communication... again R.T.C. ",
    "Mr. Theo is testing the sentence tokenizer.",
  ]],
  ["titles, decimals, companies and files are no ends", [
    "Dr. Smith paid $3.14 to Acme Inc. for node.js. ",
    "Then he left for the U.S. ",
    "The end came at 5 p.m. ",
    "It was late in the day.",
  ]],
  ["a quotation ends within its sentence, or with it", [
    '"Stop right there, you!" he said. ',
    '"I will not stop at all." ',
    "She left the room quickly.",
  ]],
  ["Chinese marks need no space, and its characters weigh more", [
    "你好。今天天气很好，我们去公园吧！",
    "你觉得怎么样？我很想去。",
  ]],
  ["list numbers stay with their line, and lines end", [
    "1. First thing to do here\n",
    "2. Second thing to do now\n",
    "- and the third thing\n",
  ]],
  ["runs of stops end nothing", [
    "Wait... what is it that you want? ",
    "Let me think… okay, I see what you mean now.",
  ]],
  ["a number may end a sentence, and a missing space is forgiven between words", [
    "It was the year 2024. ",
    "Then came all of the rest.",
    "Next year begins without a space.",
  ]],
  ["hosts and addresses stay whole", [
    "See https://example.com/a.b?q=1 for the rest of it. ",
    "Mail me at joe@x.org. ",
    "Thanks a lot for that!",
  ]],
  ["several marks are one end", ["What on earth was that?! ", "Nobody here can say for sure!!!"]],
  ["emphasis closes with its sentence", ["**This is very important.** ", "The rest of it is not."]],
  ["a single text without an end is one sentence", ["no end here at all"]],
];
for (const [name, expected] of SENTENCES) {
  test(`${name}, however the text comes`, () => {
    const text = expected.join("");
    assert.deepEqual(split([text]), expected);
    for (const size of [1, 2, 4, 7]) {
      assert.deepEqual(split(text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? []), expected);
    }
  });
}

test("a sentence is given as soon as the next one begins, and at most one is held", () => {
  const splitter = sentenceSplitter();
  assert.deepEqual(splitter.push("The first sentence is here."), []);
  assert.deepEqual(splitter.push(" "), []);
  assert.deepEqual(splitter.push("A"), ["The first sentence is here. "]);
  assert.deepEqual(splitter.push("h. Short ones wait for"), []);
  assert.deepEqual(splitter.push(" others. N"), ["Ah. Short ones wait for others. "]);
});

test("a flush gives what is held, and text may go on", () => {
  const splitter = sentenceSplitter();
  splitter.push("Hold on");
  assert.deepEqual(splitter.flush(), ["Hold on"]);
  assert.deepEqual(splitter.flush(), []);
  assert.deepEqual(splitter.push("And this is a new sentence. Y"), ["And this is a new sentence. "]);
});

test("without a least length each sentence stands alone", () => {
  assert.deepEqual(split(["Hi. Ho! 好。Yes?"], { minLength: 0 }), ["Hi. ", "Ho! ", "好。", "Yes?"]);
});

test("text without an end is cut between words, or at last anywhere but within a character", () => {
  const words = split(["word and ".repeat(100)], { maxLength: 100 });
  assert.ok(words.every((part) => part.length <= 100 && / $/.test(part)));
  assert.deepEqual(split(["x".repeat(130)], { maxLength: 50 }).map((part) => part.length), [50, 50, 30]);
  assert.ok(split(["x" + "😀".repeat(60)], { maxLength: 50 }).every((part) => part.isWellFormed()));
});

test("lengths that cannot be are refused", () => {
  for (const options of [{ minLength: -1 }, { minLength: NaN }, { maxLength: 10 }, { minLength: 600 }]) {
    assert.throws(() => sentenceSplitter(options), { code: "stream.bad_option" });
  }
});

test("joined, the sentences are the text; its chunks make no difference; and no sentence is too long", () => {
  const unit = fc.constantFrom(
    ...[
      "a",
      "B",
      "x ",
      " ",
      ".",
      ". ",
      "!",
      "?",
      "\n",
      '"',
      "'",
      ")",
      "1",
      "…",
      "。",
      "好",
      "😀",
      "𝐀",
      "Mr",
      "The ",
      "U.S",
      "Inc",
      ",",
      "\t",
    ],
  );
  const text = fc.oneof(
    fc.string({ unit, maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(" ", ".", "A", "\n"), maxLength: 200 }),
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(300), { maxLength: 12 }), fc.constantFrom(0, 20), (value, places, minLength) => {
      const options = { minLength, maxLength: 60 };
      const at = [0, ...places.map((place) => Math.min(place, value.length)).sort((a, b) => a - b), value.length];
      const found = split(at.slice(1).map((end, index) => value.slice(at[index], end)), options);
      assert.equal(found.join(""), value);
      assert.deepEqual(found, split([value], options));
      assert.deepEqual(found, split(value.split(""), options));
      assert.ok(found.every((part) => part.length <= 60 + 48));
    }),
    { numRuns: 1_000 },
  );
});

transformLaws("sentences", {
  make: () => sentences({ minLength: 0 }),
  inputs: ["One here. ", "Two here. ", "Three. ", "Four. ", "Five. "],
  expected: (inputs) => [...inputs],
  holds: 4,
});
