import assert from "node:assert/strict";
import { test } from "node:test";
import type { UIMessageChunk } from "ai";
import { type ChatChunk, ChatMessageWriter } from "../../../adapters/hono/chat_chunks.ts";
import { functionCall, functionCallOutput } from "../../../src/chat/make.ts";
import type { ReplyPart } from "../../../src/reply/part.ts";

const call = (step: string, n: number, args = "{}"): ReplyPart => ({
  type: "tool_call",
  call: functionCall({ id: `${step}/fnc_${n}`, createdAt: 1, callId: `c${step}${n}`, name: "look", args }),
});
const result = (step: string, n: number, output: string, isError = false): ReplyPart => ({
  type: "tool_result",
  output: functionCallOutput({
    id: `o${step}${n}`,
    createdAt: 1,
    callId: `c${step}${n}`,
    name: "look",
    output,
    isError,
  }),
});
const text = (delta: string): ReplyPart => ({ type: "text", delta });
const END: ReplyPart = { type: "end", interrupted: false, error: undefined };

function written(parts: readonly ReplyPart[], writer = new ChatMessageWriter()): ChatChunk[] {
  return [...parts.flatMap((part) => [...writer.write(part)]), ...writer.end({ kind: "finished", agent: "host" })];
}

/** The chunks in a word each. */
const short = (chunks: readonly ChatChunk[]): string[] =>
  chunks.map((chunk) =>
    "delta" in chunk ? chunk.delta : "toolCallId" in chunk ? `${chunk.type} ${chunk.toolCallId}` : chunk.type
  );

test("words are one block, until something else comes", () => {
  assert.deepEqual(short(written([text("Hello "), text("there."), END])), [
    "start-step",
    "text-start",
    "Hello ",
    "there.",
    "text-end",
    "finish-step",
    "finish",
  ]);
});

test("thoughts are a block of their own, before the words and between them", () => {
  const chunks = written([
    { type: "reasoning", delta: "Hm." },
    text("Yes."),
    { type: "reasoning", delta: "Or?" },
    text("No."),
  ]);
  assert.deepEqual(short(chunks), [
    "start-step",
    "reasoning-start",
    "Hm.",
    "reasoning-end",
    "text-start",
    "Yes.",
    "text-end",
    "reasoning-start",
    "Or?",
    "reasoning-end",
    "text-start",
    "No.",
    "text-end",
    "finish-step",
    "finish",
  ]);
  const ids = chunks.flatMap((chunk) => chunk.type.endsWith("-start") && "id" in chunk ? [chunk.id] : []);
  assert.equal(new Set(ids).size, 4);
});

test("a step is one request: calls of one answer are in one, however their results come, and what follows is in the next", () => {
  const parts = [
    text("Let me see."),
    call("a", 0),
    result("a", 0, "1"),
    call("a", 1),
    result("a", 1, "2"),
    text("Both."),
    END,
  ];
  assert.deepEqual(short(written(parts)), [
    "start-step",
    "text-start",
    "Let me see.",
    "text-end",
    "tool-input-available ca0",
    "tool-output-available ca0",
    "tool-input-available ca1",
    "tool-output-available ca1",
    "finish-step",
    "start-step",
    "text-start",
    "Both.",
    "text-end",
    "finish-step",
    "finish",
  ]);
  const rounds = [call("a", 0), result("a", 0, "1"), call("b", 0), result("b", 0, "2"), text("Done.")];
  assert.equal(written(rounds).filter(({ type }) => type === "start-step").length, 3);
});

test("inputs and outputs are values where they are JSON, and texts where they are not", () => {
  const parts = [
    call("a", 0, '{"city":"Oslo"}'),
    call("a", 1, "{city"),
    result("a", 0, '{"sky":"blue"}'),
    result("a", 1, "[not a list"),
    call("a", 2),
    result("a", 2, "broken", true),
  ];
  const chunks = written(parts);
  assert.deepEqual(chunks.flatMap((chunk) => chunk.type === "tool-input-available" ? [chunk.input] : []), [
    { city: "Oslo" },
    "{city",
    {},
  ]);
  assert.deepEqual(chunks.flatMap((chunk) => chunk.type === "tool-output-available" ? [chunk.output] : []), [
    { sky: "blue" },
    "[not a list",
  ]);
  assert.deepEqual(chunks.find(({ type }) => type === "tool-output-error"), {
    type: "tool-output-error",
    toolCallId: "ca2",
    errorText: "broken",
  });
});

test("usage is added up, states are told once, and neither is part of the message", () => {
  const usage = { promptTokens: 5, completionTokens: 2, totalTokens: 7, promptCachedTokens: 3 };
  const chunks = written([
    { type: "state", state: "thinking" },
    { type: "state", state: "thinking" },
    { type: "usage", usage },
    { type: "usage", usage },
    { type: "handoff", oldAgentId: "a", newAgentId: "b" },
  ]);
  assert.deepEqual(chunks, [
    { type: "data-agent-state", data: { state: "thinking" }, transient: true },
    { type: "data-handoff", data: { from: "a", to: "b" } },
    {
      type: "finish",
      finishReason: "stop",
      messageMetadata: {
        agent: "host",
        usage: { inputTokens: 10, outputTokens: 4, totalTokens: 14, cachedInputTokens: 6 },
      },
    },
  ]);
});

test("what was cut off, and what failed, closes what is open and says so", () => {
  const cut = new ChatMessageWriter();
  cut.write(text("Well, "));
  assert.deepEqual(short(cut.end({ kind: "stopped", reason: "left" })), ["text-end", "finish-step", "abort"]);
  const failed = new ChatMessageWriter();
  failed.write(text("Well, "));
  failed.write({ type: "error", error: new Error("inside") });
  const error = { code: "model.timeout", message: "The model did not answer in time. Try again." };
  const chunks = failed.end({ kind: "failed", agent: "host", error });
  assert.deepEqual(short(chunks), ["finish-step", "data-error", "error", "finish"]);
  assert.equal(JSON.stringify(chunks).includes("inside"), false);
});

test("every chunk that is written is one of the protocol", () => {
  const chunks: readonly UIMessageChunk[] = written([text("Hi")]) satisfies readonly UIMessageChunk[];
  assert.ok(chunks.length > 0);
});
