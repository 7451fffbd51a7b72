import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatContext } from "../../src/chat/context.ts";
import { Instructions } from "../../src/chat/instructions.ts";
import type { ChatContent, ChatItem } from "../../src/chat/item.ts";
import {
  agentConfigUpdate,
  agentHandoff,
  chatMessage,
  functionCall,
  functionCallOutput,
  itemFactory,
} from "../../src/chat/make.ts";
import { formatChatHistory, validateChatContextStructure } from "../../src/chat/validate.ts";

const says = (id: string, content: ChatContent | readonly ChatContent[] = id, createdAt = 0): ChatItem =>
  chatMessage({ id, createdAt, role: "user", content });
const { image } = itemFactory({ now: () => 0, random: () => 0 });
const call = functionCall({ id: "c", createdAt: 1, callId: "c", name: "weather", args: '{"city":"Oslo"}' });
const output = functionCallOutput({ id: "o", createdAt: 2, callId: "c", name: "weather", output: "rain" });

test("a conversation without faults is valid", () => {
  const report = validateChatContextStructure(new ChatContext([says("a"), call, output]));
  assert.deepEqual(report, { valid: true, errors: 0, warnings: 0, issues: [] });
});

test("each fault is named with its code, severity and place", () => {
  const faults: readonly [code: string, severity: string, index: number, items: readonly ChatItem[]][] = [
    ["duplicate_id", "error", 1, [says("a"), says("a")]],
    ["timestamp_order", "error", 1, [says("a", "a", 5), says("b", "b", 4)]],
    ["empty_message_content", "warning", 0, [says("a", [])]],
    ["empty_text_term", "warning", 0, [says("a", ["x", " "])]],
    ["missing_image_term", "error", 0, [says("a", image({ image: "" }))]],
    ["invalid_audio_term", "error", 0, [says("a", { type: "audio_content", frame: [] })]],
    ["invalid_function_call", "error", 0, [{ ...call, name: "" }]],
    ["invalid_function_call", "error", 0, [{ ...call, callId: "" }]],
    ["invalid_function_call_args", "warning", 0, [{ ...call, args: "{" }]],
    ["invalid_function_call_output", "error", 1, [call, { ...output, callId: "" }]],
    ["orphan_function_call_output", "warning", 0, [{ ...output, createdAt: 0 }, call]],
  ];
  for (const [code, severity, index, items] of faults) {
    const { valid, issues } = validateChatContextStructure(new ChatContext(items));
    assert.deepEqual(issues.map((issue) => [issue.code, issue.severity, issue.index]), [[code, severity, index]], code);
    assert.equal(valid, severity === "warning", code);
    assert.equal(issues[0]!.itemId, items[index]!.id);
  }
});

test("a conversation reads as lines", () => {
  const chatCtx = new ChatContext([
    says("a", "Is it raining?"),
    call,
    output,
    functionCallOutput({ id: "p", createdAt: 3, callId: "d", name: "book", output: "full", isError: true }),
    chatMessage({ id: "b", createdAt: 4, role: "assistant", content: "It is", interrupted: true }),
    says("c2", [image({ image: "data:image/png;base64,AAAA" }), image({ image: "https://a.b/c.png" })], 5),
    says("d", [{ type: "audio_content", frame: [], transcript: "hum" }, new Instructions({ audio: "speak" })], 6),
    agentHandoff({ id: "h", createdAt: 7, newAgentId: "billing" }),
    agentConfigUpdate({ id: "k", createdAt: 8, instructions: "x", toolsAdded: ["book"], toolsRemoved: ["find"] }),
  ]);
  assert.equal(
    formatChatHistory(chatCtx),
    [
      "user: Is it raining?",
      'call weather({"city":"Oslo"})',
      "weather answered: rain",
      "book failed: full",
      "assistant: It is (interrupted)",
      "user: (a picture) (a picture: https://a.b/c.png)",
      "user: (a recording: hum) speak",
      "hand-off: (nobody) to billing",
      "configuration: new instructions; tools added: book; tools removed: find",
    ].join("\n"),
  );
  const first = formatChatHistory(chatCtx, { includeIds: true, includeTimestamps: true }).split("\n")[1];
  assert.equal(first, '1 [c] call weather({"city":"Oslo"})');
});
