import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../property.ts";
import {
  MAX_MESSAGE_SIZE,
  MAX_TEXT_LENGTH,
  parseMicrophoneFrame,
  parsePageMessage,
  speechFrame,
} from "../../../adapters/hono/voice_wire.ts";
import { AgentError } from "../../../src/base/error.ts";

const refuses = (work: () => unknown, rule: RegExp): void => {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof AgentError, String(error));
    assert.equal(error.code, "voice.bad_message");
    assert.match(error.message, rule);
    assert.match(error.message, /^Cannot .+ as .+: current value is /);
    return true;
  });
};

test("messages of a page are read, without what is not known of them", () => {
  assert.deepEqual(parsePageMessage('{"type":"hello","version":1,"sampleRate":16000,"extra":1}'), {
    type: "hello",
    version: 1,
    sampleRate: 16_000,
  });
  assert.deepEqual(
    parsePageMessage('{"type":"played","segment":2,"event":"position","samples":480,"latencyMs":12.5}'),
    {
      type: "played",
      segment: 2,
      event: "position",
      samples: 480,
      latencyMs: 12.5,
    },
  );
  assert.deepEqual(parsePageMessage('{"type":"text","text":"  Hello "}'), { type: "text", text: "Hello" });
  assert.deepEqual(parsePageMessage('{"type":"end"}'), { type: "end" });
});

test("a message that makes no sense is refused, and the part that does not fit is named", () => {
  refuses(() => parsePageMessage("{"), /must be JSON/);
  refuses(() => parsePageMessage("[]"), /must be/);
  refuses(() => parsePageMessage('{"type":"dance"}'), /`type` must be .*"hello"/);
  refuses(() => parsePageMessage('{"type":"hello","version":1,"sampleRate":400}'), /`sampleRate` must be >=8000/);
  refuses(() => parsePageMessage('{"type":"played","segment":0,"event":"started","samples":0}'), /`segment`/);
  refuses(() => parsePageMessage('{"type":"text","text":"   "}'), /`text`/);
  refuses(() => parsePageMessage(JSON.stringify({ type: "text", text: "a".repeat(MAX_TEXT_LENGTH + 1) })), /`text`/);
  refuses(() => parsePageMessage(" ".repeat(MAX_MESSAGE_SIZE + 1)), /characters/);
});

test("what is refused does not come back in the error: it may be what somebody said", () => {
  assert.throws(() => parsePageMessage("my secret is 42"), (error: Error) => !error.message.includes("secret"));
});

test("a frame of the microphone is an index and samples, little-endian", () => {
  const { index, samples } = parseMicrophoneFrame(Uint8Array.of(1, 2, 0, 0, 0xff, 0xff, 0x00, 0x80));
  assert.equal(index, 0x201);
  assert.deepEqual([...samples], [-1, -32_768]);
});

test("a frame inside a larger buffer is read from where it is, even at an odd place", () => {
  const bytes = Uint8Array.of(9, 1, 0, 0, 0, 7, 0, 9).subarray(1, 7);
  assert.deepEqual([...parseMicrophoneFrame(bytes).samples], [7]);
});

test("torn, empty and endless frames are refused", () => {
  refuses(() => parseMicrophoneFrame(new Uint8Array(0)), /index of 4 bytes/);
  refuses(() => parseMicrophoneFrame(new Uint8Array(4)), /index of 4 bytes/);
  refuses(() => parseMicrophoneFrame(new Uint8Array(7)), /whole samples/);
  refuses(() => parseMicrophoneFrame(new Uint8Array(MAX_MESSAGE_SIZE + 2)), /bytes/);
});

test("a frame of speech names its segment and where in it the samples belong", () => {
  const view = new DataView(speechFrame(3, 70_000, Int16Array.of(5, -5)).buffer);
  assert.equal(view.getUint32(0, true), 3);
  assert.equal(view.getUint32(4, true), 70_000);
  assert.deepEqual([view.getInt16(8, true), view.getInt16(10, true)], [5, -5]);
});

test("whatever comes, it is read or refused with the code", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array({ maxLength: 40 })), (data) => {
    try {
      if (typeof data === "string") parsePageMessage(data);
      else parseMicrophoneFrame(data);
    } catch (error) {
      assert.ok(error instanceof AgentError && error.code === "voice.bad_message", String(error));
    }
  }));
});
