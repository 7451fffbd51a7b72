import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { audioFrame } from "../../src/audio/frame.ts";
import { ChatContext } from "../../src/chat/context.ts";
import { Instructions } from "../../src/chat/instructions.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import {
  agentConfigUpdate,
  agentHandoff,
  chatMessage,
  functionCall,
  functionCallOutput,
  itemFactory,
} from "../../src/chat/make.ts";

const { image } = itemFactory({ now: () => 0, random: () => 0 });
const everything = { excludeImage: false, excludeAudio: false, excludeTimestamp: false } as const;

const text = fc.string({ unit: "grapheme" });
const base = fc.record({ id: fc.uuid(), createdAt: fc.nat(9e7) });
const option = <T>(value: fc.Arbitrary<T>, key: string): fc.Arbitrary<Record<string, T>> =>
  fc.option(value).map((given) => given === null ? {} : { [key]: given });
const item: fc.Arbitrary<ChatItem> = fc.oneof(
  fc.tuple(base, fc.constantFrom("user", "assistant", "system", "developer"), fc.array(text), fc.boolean()).map(
    ([fields, role, content, interrupted]) =>
      chatMessage({ ...fields, role: role as "user", content, interrupted, extra: { openai: { phase: "x" } } }),
  ),
  fc.tuple(base, text, text, text, option(text, "groupId")).map(([fields, callId, name, args, more]) =>
    functionCall({ ...fields, callId, name, args, ...more })
  ),
  fc.tuple(base, text, text, fc.boolean(), fc.boolean()).map(([fields, callId, output, isError, replyRequired]) =>
    functionCallOutput({ ...fields, callId, output, isError, replyRequired })
  ),
  fc.tuple(base, fc.option(text), text).map(([fields, oldAgentId, newAgentId]) =>
    agentHandoff({ ...fields, oldAgentId, newAgentId })
  ),
  fc.tuple(base, option(text, "instructions"), option(fc.array(text), "toolsAdded")).map(([fields, one, two]) =>
    agentConfigUpdate({ ...fields, ...one, ...two })
  ),
);

test("what was written is read back equivalent, and with times the very same", () => {
  fc.assert(fc.property(fc.array(item, { maxLength: 20 }), (items) => {
    const chatCtx = new ChatContext(items);
    const read = ChatContext.fromJSON(JSON.parse(JSON.stringify(chatCtx)));
    assert.equal(read.isEquivalent(chatCtx), true);
    const whole = ChatContext.fromJSON(JSON.parse(JSON.stringify(chatCtx.toJSON(everything))));
    assert.deepEqual(whole.items, chatCtx.items);
  }));
});

test("pictures, sound and times are left out unless asked for", () => {
  const picture = image({ image: "data:image/png;base64,AAAA", mimeType: "image/png" });
  const sound = { type: "audio_content" as const, frame: [audioFrame(new Int16Array([1, -2, 32767]), 16000)] };
  const chatCtx = new ChatContext([
    chatMessage({ id: "a", createdAt: 1e12, role: "user", content: ["look", picture, sound] }),
  ]);
  assert.deepEqual(chatCtx.toJSON(), {
    items: [{ id: "a", type: "message", role: "user", content: ["look"], interrupted: false }],
  });
  const whole = ChatContext.fromJSON(JSON.parse(JSON.stringify(chatCtx.toJSON(everything))));
  assert.deepEqual(whole.items, chatCtx.items);
});

test("metrics, calls and configuration updates are left out when told to", () => {
  const chatCtx = new ChatContext([
    chatMessage({ id: "a", createdAt: 0, role: "user", content: "a", metrics: { e2eLatency: 300 } }),
    functionCall({ id: "b", createdAt: 0, callId: "b", name: "n", args: "{}" }),
    functionCallOutput({ id: "c", createdAt: 0, callId: "b", output: "" }),
    agentConfigUpdate({ id: "d", createdAt: 0 }),
  ]);
  const { items } = chatCtx.toJSON({ excludeMetrics: true, excludeFunctionCall: true, excludeConfigUpdate: true });
  assert.deepEqual(items, [{ id: "a", type: "message", role: "user", content: ["a"], interrupted: false }]);
  assert.deepEqual(chatCtx.toJSON().items[0]!["metrics"], { e2eLatency: 300 });
});

test("a conversation in Python's style is read: its keys, its seconds and its nulls", () => {
  const chatCtx = ChatContext.fromJSON({
    items: [
      {
        id: "a",
        type: "message",
        role: "assistant",
        content: ["hi", { type: "instructions", audio: "speak", text: "write" }],
        interrupted: true,
        created_at: 1700000000.5,
        transcript_confidence: 0.5,
        metrics: {
          e2e_latency: 0.25,
          started_speaking_at: 1700000000,
          llm_node_tps: 20,
          llm_metadata: { model_name: "m", model_provider: "p" },
        },
      },
      { id: "b", type: "function_call", call_id: "b", name: "n", arguments: "{}", group_id: null, created_at: 1 },
      { id: "c", type: "function_call_output", call_id: "b", name: "n", output: "x", is_error: true },
      { id: "d", type: "agent_handoff", old_agent_id: null, new_agent_id: "next" },
      { id: "e", type: "agent_config_update", instructions: null, tools_added: ["n"], tools_removed: null },
    ],
  });
  const [message, call, output, handoff, update] = chatCtx.items;
  assert.ok(message?.type === "message");
  assert.equal(message.createdAt, 1700000000500);
  assert.equal(message.transcriptConfidence, 0.5);
  assert.ok(message.content[1] instanceof Instructions);
  assert.deepEqual(message.metrics, {
    e2eLatency: 250,
    startedSpeakingAt: 1700000000000,
    llmNodeTps: 20,
    llmMetadata: { modelName: "m", modelProvider: "p" },
  });
  assert.ok(call?.type === "function_call" && call.callId === "b" && call.createdAt === 1000);
  assert.ok(output?.type === "function_call_output" && output.isError && output.replyRequired);
  assert.ok(handoff?.type === "agent_handoff" && handoff.oldAgentId === null && handoff.newAgentId === "next");
  assert.ok(update?.type === "agent_config_update");
  assert.deepEqual([update.instructions, update.toolsAdded, update.toolsRemoved], [undefined, ["n"], undefined]);
});

test("times under our key are milliseconds, whether of 1970 or of a virtual clock, and seconds where they can only be that", () => {
  const time = (createdAt: number): number =>
    ChatContext.fromJSON([{ id: "a", type: "message", role: "user", content: "a", createdAt }]).at(0)!.createdAt;
  assert.equal(time(1700000000000), 1700000000000);
  assert.equal(time(1700000000), 1700000000000);
  assert.equal(time(0), 0);
  assert.equal(time(5000), 5000);
});

test("what has no id or time gets one, and the order stays", () => {
  const items = [{ type: "message", role: "user", content: "a" }, { type: "message", role: "user", content: "b" }];
  const plain = ChatContext.fromJSON({ items });
  assert.deepEqual(plain.items.map(({ id, createdAt }) => [id, createdAt]), [["item_1", 0], ["item_2", 0]]);
  let now = 10;
  const dated = ChatContext.fromJSON({ items }, { source: { now: () => now++, random: () => 0.5 } });
  assert.deepEqual(dated.items.map(({ id, createdAt }) => [id, createdAt]), [
    ["item_800000800000", 10],
    ["item_800000800000", 11],
  ]);
});

test("what cannot be read is refused with its place and field, and without what was said", () => {
  const message = (value: unknown): string => {
    try {
      ChatContext.fromJSON(value);
    } catch (error) {
      assert.ok(error instanceof AgentError && error.code === "chat.bad_item", String(error));
      return error.message;
    }
    throw new Error(`it was taken: ${JSON.stringify(value)}`);
  };
  const fine = { type: "message", role: "user", content: "secret" };
  assert.match(message("secret"), /list `items`: current value is string/);
  assert.match(message({ items: {} }), /list `items`/);
  assert.match(message([fine, null]), /item 1 .* the item must be an object: current value is null/);
  assert.match(message([{ ...fine, type: "secret" }]), /`type` must be/);
  assert.match(message([{ ...fine, role: "secret" }]), /item 0 .*`role`/);
  assert.match(message([{ ...fine, content: 7 }]), /`content`/);
  assert.match(message([{ ...fine, content: [{ secret: 1 }] }]), /`content`/);
  assert.match(message([{ ...fine, createdAt: "secret" }]), /`createdAt` must be a number/);
  assert.match(message([{ ...fine, interrupted: "secret" }]), /`interrupted`/);
  assert.match(message([{ ...fine, extra: ["secret"] }]), /`extra` must be an object: current value is a list/);
  assert.match(message([{ type: "function_call", name: "n" }]), /`callId` must be a text: current value is undefined/);
  assert.match(message([{ type: "agent_handoff" }]), /`newAgentId`/);
  for (const value of ["secret", [{ ...fine, role: "secret" }], [{ ...fine, content: [{ type: "secret" }] }]]) {
    assert.doesNotMatch(message(value), /secret/);
  }
});

test("any JSON is either read or refused by a typed error", () => {
  fc.assert(fc.property(fc.array(fc.jsonValue()), (items) => {
    try {
      ChatContext.fromJSON(items);
    } catch (error) {
      assert.ok(error instanceof AgentError, String(error));
    }
  }));
});
