import assert from "node:assert/strict";
import { test } from "node:test";
import { textLines, textSink } from "../../src/io/text.ts";

/** A place of text that shows what came. */
function page() {
  const parts: string[] = [];
  return {
    parts,
    text: () => parts.join(""),
    writable: new WritableStream<string>({ write: (t) => void parts.push(t) }),
  };
}

async function write(stream: WritableStream<{ text: string }>, ...texts: string[]): Promise<void> {
  const writer = stream.getWriter();
  for (const text of texts) await writer.write({ text });
  await writer.close();
}

test("a segment is written as it comes, and ended with a line break", async () => {
  const { text, writable } = page();
  const writer = textSink(writable, { before: "Agent: " }).open("a").getWriter();
  await writer.write({ text: "Hello" });
  assert.equal(text(), "Agent: Hello");
  await writer.write({ text: ", you" });
  await writer.close();
  assert.equal(text(), "Agent: Hello, you\n");
});

test("segments come out one after the other, in the order in which they were opened", async () => {
  const { text, writable } = page();
  const sink = textSink(writable);
  const first = sink.open("first");
  const second = write(sink.open("second"), "c", "d");
  const third = sink.open("third");
  await write(first, "a", "b");
  await second;
  await write(third, "e");
  assert.equal(text(), "ab\ncd\ne\n");
});

test("a segment without words leaves nothing behind", async () => {
  const { text, writable } = page();
  const sink = textSink(writable, { before: "> " });
  await write(sink.open("a"), "");
  await write(sink.open("b"));
  await write(sink.open("c"), "words");
  assert.equal(text(), "> words\n");
});

test("an aborted segment ends as far as it came, and holds up nobody", async () => {
  const { text, writable } = page();
  const sink = textSink(writable);
  const first = sink.open("first").getWriter();
  await first.write({ text: "I was" });
  const second = sink.open("second").getWriter();
  const waiting = second.write({ text: "never shown" });
  waiting.catch(() => {});
  const third = write(sink.open("third"), "next");
  await second.abort("changed my mind");
  await first.abort("interrupted");
  await third;
  assert.equal(text(), "I was\nnext\n");
});

test("a place that fails rejects the writer, and the process lives on", async () => {
  const broken = new Error("pipe closed");
  const sink = textSink(
    new WritableStream({
      write: () => {
        throw broken;
      },
    }),
  );
  await assert.rejects(write(sink.open("a"), "x"), broken);
  await assert.rejects(write(sink.open("b"), "y"), broken);
  await sink.open("c").abort();
});

async function linesOf(...parts: string[]): Promise<string[]> {
  const lines: string[] = [];
  const source = new ReadableStream<string>({
    pull: (controller) => parts.length > 0 ? controller.enqueue(parts.shift()!) : controller.close(),
  });
  for await (const line of source.pipeThrough(textLines())) lines.push(line);
  return lines;
}

test("lines are cut at any kind of break, wherever the text was split", async () => {
  const text = "one\ntwo\r\nthree\rfour\n\nsix";
  const expected = ["one", "two", "three", "four", "", "six"];
  assert.deepEqual(await linesOf(text), expected);
  assert.deepEqual(await linesOf(...text), expected);
  assert.deepEqual(await linesOf("one\r", "\ntwo"), ["one", "two"]);
  assert.deepEqual(await linesOf("a\n"), ["a"]);
  assert.deepEqual(await linesOf("a\r"), ["a"]);
  assert.deepEqual(await linesOf("a\n\r"), ["a", ""]);
  assert.deepEqual(await linesOf(""), []);
});
