import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { replace, resolveTextTransforms, type TextTransform } from "../../src/reply/text_transforms.ts";
import { filterText } from "../../src/reply/text_filter.ts";
import { filterMarkdown } from "../../src/reply/filter_markdown.ts";
import { collect } from "../../streams/collect.ts";
import { toStream } from "../../streams/to_stream.ts";
import { transformLaws } from "../streams/laws.ts";

const run = (list: readonly TextTransform[] | null, chunks: readonly string[]): Promise<string[]> =>
  collect(resolveTextTransforms(list).reduce((text, stage) => stage(text), toStream(chunks)));

/** Splits a text at the given places, taken as shares of its length. */
const cut = (text: string, places: readonly number[]): string[] => {
  const at = [0, ...places.map((place) => Math.floor(place * text.length)).sort((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => text.slice(at[index], end));
};
const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

/** The same text whole, one unit at a time, and in a few other ways. */
const chunkings = (text: string): string[][] => [
  [text],
  text.split(""),
  text.match(/[^]{1,3}/g) ?? [],
  text.match(/[^]{1,7}/g) ?? [],
  text.match(/\s*\S+|\s+$/g) ?? [],
];

const MARKDOWN: [input: string, output: string][] = [
  ["Take **two** pills.", "Take two pills."],
  ["The total is 4 * 5 today and more", "The total is 4 * 5 today and more"],
  ["use a_b_c and _this_", "use a_b_c and this"],
  ["see [the docs](http://x.y) now", "see the docs now"],
  ["~~old~~ new", " new"],
  ["- one\n", "one\n"],
  ["10 > 5 ok", "10 > 5 ok"],
  ["1. first", "1. first"],
  ["text #tag here", "text #tag here"],
  ["***both***", "both"],
  ["---\nnext", "\nnext"],
  ["这是**重要**的", "这是重要的"],
  ["x **unclosed and long text goes on", "x **unclosed and long text goes on"],
  ["__init__ stays?", "init stays?"],
  ["# Title\n## Second ##\ntext", "Title\nSecond ##\ntext"],
  ["* one\n  + two\n> said\n", "one\ntwo\nsaid\n"],
  ["a ![cat](c.png), b", "a cat, b"],
  ["```python\nprint(1)\n```\ndone", "\nprint(1)\n\ndone"],
  ["call `run()` now", "call run() now"],
  ["**bold with *inner* word** end", "bold with inner word end"],
  ["snake_case stays", "snake_case stays"],
  ["a[0] is not a link, b[1](x) is", "a[0] is not a link, b1 is"],
  ["line\r\n- item\r\n", "line\r\nitem\r\n"],
  ["* * *\nafter", "\nafter"],
];

for (const [input, output] of MARKDOWN) {
  test(`Markdown ${JSON.stringify(input)} is spoken as ${JSON.stringify(output)}, however it is cut`, async () => {
    for (const chunks of chunkings(input)) assert.equal((await run(["filter_markdown"], chunks)).join(""), output);
  });
}

test("Markdown is given out word by word, and held back only while a mark is open", async () => {
  assert.deepEqual(
    await run(["filter_markdown"], ["Hel", "lo wor", "ld, it is *ve", "ry* good", "."]),
    ["Hello", " world, it is", " very good", "."],
  );
  const filter = filterMarkdown();
  assert.equal(filter.push("The total is 4 * 5 today and "), "The total is 4 * 5 today and");
});

test("an open mark holds back at most 200 characters, and what follows is cleaned again", async () => {
  const filter = filterMarkdown();
  const words = "word ".repeat(60);
  const early = filter.push("start *" + words);
  assert.ok(early.length > words.length - 200, `held ${words.length - early.length}`);
  const all = early + filter.push("and **this** too.") + filter.end();
  assert.equal(all, "start *" + words + "and this too.");
});

test("an address longer than the hold is not read aloud", async () => {
  const text = `See [the form](https://example.com/${"a".repeat(400)}), then **sign**.`;
  for (const chunks of chunkings(text)) {
    assert.equal((await run(["filter_markdown"], chunks)).join(""), "See the form, then sign.");
  }
});

const EMOJI: [input: string, output: string][] = [
  ["3\uFE0F\u20E3", "3"],
  ["☎ ★ ✅ ➡", "   "],
  ["© ™ ← stay", "© ™ ← stay"],
  ["Well done 👩‍👩‍👧 🇩🇪!", "Well done  !"],
];
for (const [input, output] of EMOJI) {
  test(`emoji ${JSON.stringify(input)} are spoken as ${JSON.stringify(output)}, however they are cut`, async () => {
    for (const chunks of chunkings(input)) assert.equal((await run(["filter_emoji"], chunks)).join(""), output);
  });
}

test("a replacement is made across chunks, and other words do not wait", async () => {
  assert.deepEqual(await run([replace({ Acme: "Ack-mee" })], ["Welcome to Ac", "me, please hold"]), [
    "Welcome to ",
    "Ack-mee, please hold",
  ]);
});

const REPLACED: [pairs: Record<string, string>, input: string, output: string][] = [
  [{ a: "b", b: "c" }, "aab", "bbc"],
  [{ ab: "X", abc: "Y" }, "abc", "Y"],
  [{ ab: "X", abc: "Y" }, "abd ab", "Xd X"],
  [{ us: "them" }, "US bus", "them bthem"],
  [{ "a.c": "$1 $&" }, "abc a.c", "abc $1 $&"],
  [{ aab: "X" }, "aaab", "aX"],
  [{}, "as it is", "as it is"],
  [{ "İst": "Ist" }, "İSTanbul", "Istanbul"],
];
for (const [pairs, input, output] of REPLACED) {
  test(`with ${JSON.stringify(pairs)} ${JSON.stringify(input)} is ${JSON.stringify(output)}, however it is cut`, async () => {
    for (const chunks of chunkings(input)) assert.equal((await run([replace(pairs)], chunks)).join(""), output);
  });
}

test("a replacement that minds the case leaves other cases alone", async () => {
  assert.deepEqual(await run([replace({ US: "United States" }, { caseSensitive: true })], ["us US"]), [
    "us United States",
  ]);
});

const soup = fc.string({
  unit: fc.constantFrom(..."ab c_*`~[]()#-+>!,.\n ", "é", "重", "😀", "**", "](", "\r\n"),
  maxLength: 400,
});
const lists: TextTransform[][] = [
  ["filter_markdown"],
  ["filter_emoji"],
  [replace({ ab: "X", abc: "Y", "*": "star", "b c": "" })],
  ["filter_markdown", "filter_emoji", replace({ a: "b", b: "a" })],
];
for (const [index, list] of lists.entries()) {
  test(`any cuts of any text give the same speech, list ${index}`, async () => {
    await fc.assert(
      fc.asyncProperty(soup, places, async (text, at) => {
        assert.equal((await run(list, cut(text, at))).join(""), (await run(list, [text])).join(""));
      }),
      { numRuns: 300 },
    );
  });
}

test("a long line with a stray mark costs time in proportion to its length", () => {
  const cost = (length: number): number => {
    const filter = filterMarkdown();
    let kept = 0;
    const started = process.cpuUsage().user;
    for (let index = 0; index < length; index++) kept += filter.push(index % 50 === 0 ? " *x" : "y").length;
    assert.ok(kept > 0);
    return process.cpuUsage().user - started;
  };
  cost(20_000);
  const short = Math.max(cost(20_000), 2_000);
  assert.ok(cost(160_000) < short * 8 * 4, "eight times the text may not cost more than 32 times the time");
});

test("custom functions keep their place among ours, and may be generators", async () => {
  const loud = async function* (text: ReadableStream<string>): AsyncGenerator<string> {
    for await (const piece of text) yield piece.toUpperCase();
  };
  assert.equal(
    (await run(["filter_markdown", loud, replace({ HI: "hey" }, { caseSensitive: true })], ["**hi** ", "you"])).join(
      "",
    ),
    "hey YOU",
  );
});

test("neighbouring transforms of ours share one stage; null means none", () => {
  assert.equal(resolveTextTransforms(["filter_markdown", "filter_emoji", replace({ a: "b" })]).length, 1);
  assert.equal(resolveTextTransforms(["filter_markdown", (text) => text, "filter_emoji"]).length, 3);
  assert.deepEqual(resolveTextTransforms(null), []);
});

test("a name that is unknown is refused at once, and named", () => {
  assert.throws(
    () => resolveTextTransforms(["filter_markdwn" as "filter_markdown"]),
    (error) =>
      error instanceof AgentError && error.code === "session.bad_option" && error.message.includes('"filter_markdwn"'),
  );
  assert.throws(() => resolveTextTransforms([42 as unknown as TextTransform]), { code: "session.bad_option" });
  assert.throws(() => resolveTextTransforms([null as unknown as TextTransform]), { code: "session.bad_option" });
  assert.throws(() => replace({ "": "x" }), { code: "session.bad_option" });
});

test("a source that fails does not have its held text spoken first", async () => {
  const failure = new Error("source");
  const source = new ReadableStream<string>({
    start(controller) {
      controller.enqueue("one two");
    },
    pull: (controller) => controller.error(failure),
  }, { highWaterMark: 0 });
  const read: string[] = [];
  await assert.rejects(async () => {
    for await (const piece of source.pipeThrough(filterText([filterMarkdown()]))) read.push(piece);
  }, failure);
  assert.ok(!read.join("").includes("two"));
});

transformLaws("filterText", {
  make: () => filterText([filterMarkdown()]),
  inputs: ["one", " two", " three", " four", " five"],
  expected: (inputs) => {
    if (inputs.length === 0) return [];
    const [first, ...rest] = inputs;
    const outputs: string[] = [];
    let held = first as string;
    for (const next of rest) {
      outputs.push(held);
      held = next;
    }
    return [...outputs, held];
  },
  holds: 4,
});
