import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../property.ts";
import { type ServerSentEvent, sseParser } from "../../../adapters/openai/sse.ts";

function parse(...blocks: readonly Uint8Array[]): ServerSentEvent[] {
  const parser = sseParser();
  return [...blocks.flatMap((block) => parser.push(block)), ...parser.end()];
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("an event is its data, its lines joined, and its kind", () => {
  assert.deepEqual(parse(bytes("data: one\n\nevent: error\ndata: two\ndata:three\n\n")), [
    { event: "message", data: "one" },
    { event: "error", data: "two\nthree" },
  ]);
});

test("lines end with LF, CR or CRLF, also where a block ends between the two", () => {
  const expected = [{ event: "message", data: "one" }, { event: "message", data: "two" }];
  for (const end of ["\n", "\r", "\r\n"]) {
    assert.deepEqual(parse(bytes(`data: one${end}${end}data: two${end}${end}`)), expected);
  }
  assert.deepEqual(parse(bytes("data: one\r"), bytes("\n\r"), bytes("\ndata: two\r\n\r\n")), expected);
});

test("comments, unknown fields and fields without a colon are passed over, one space after the colon too", () => {
  const text = ": ping\nid: 1\nretry: 5\nfoo\ndata:  two spaces\n\n:\n\ndata\n\n";
  assert.deepEqual(parse(bytes(text)), [{ event: "message", data: " two spaces" }, { event: "message", data: "" }]);
});

test("an event without its blank line is none, and a byte order mark is dropped", () => {
  assert.deepEqual(parse(bytes("\uFEFFdata: one\n\ndata: cut")), [{ event: "message", data: "one" }]);
});

test("an event without end is refused", () => {
  const parser = sseParser();
  const block = bytes("x".repeat(1024 * 1024));
  assert.throws(() => {
    for (let count = 0; count < 20; count += 1) parser.push(block);
  }, { code: "model.bad_response" });
});

test("however the bytes are cut, the events are the same", () => {
  const line = fc.constantFrom(
    "data: é漢😀",
    "data: {}",
    "data:",
    ": comment",
    "event: x",
    "id: 1",
    "",
    "",
    "data: a:b",
  );
  const end = fc.constantFrom("\n", "\r", "\r\n");
  fc.assert(fc.property(
    fc.array(fc.tuple(line, end), { maxLength: 20 }),
    fc.array(fc.nat({ max: 12 }), { maxLength: 60 }),
    (lines, sizes) => {
      const whole = bytes(lines.map((parts) => parts.join("")).join(""));
      const blocks: Uint8Array[] = [];
      let at = 0;
      for (const size of sizes) {
        blocks.push(whole.subarray(at, at + size));
        at += size;
      }
      blocks.push(whole.subarray(at));
      assert.deepEqual(parse(...blocks), parse(whole));
    },
  ));
});
