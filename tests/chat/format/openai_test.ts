import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatContext } from "../../../src/chat/context.ts";
import { toOpenAI } from "../../../src/chat/format/openai.ts";
import { Instructions } from "../../../src/chat/instructions.ts";
import type { ChatContent, ChatItem, ChatRole } from "../../../src/chat/item.ts";
import {
  agentConfigUpdate,
  agentHandoff,
  chatMessage,
  functionCall,
  functionCallOutput,
  itemFactory,
} from "../../../src/chat/make.ts";

const says = (role: ChatRole, content: ChatContent | readonly ChatContent[], id = `${role}_message`): ChatItem =>
  chatMessage({ id, createdAt: 0, role, content });
const { image } = itemFactory({ now: () => 0, random: () => 0 });
const sound: ChatContent = { type: "audio_content", frame: [], transcript: "never sent" };

test("a whole conversation with parallel calls is written as the API wants it", () => {
  const chatCtx = new ChatContext([
    says("system", "You are a waiter.", "lk.agent_task.instructions"),
    says("user", "A table, and the weather?"),
    says("assistant", "One moment.", "gen"),
    functionCall({ id: "gen/fnc_0", createdAt: 0, callId: "call_a", name: "find_table", args: '{"seats":2}' }),
    functionCall({ id: "gen/fnc_1", createdAt: 0, callId: "call_b", name: "weather", args: "{}" }),
    functionCallOutput({ id: "o1", createdAt: 0, callId: "call_b", name: "weather", output: "rain" }),
    functionCallOutput({ id: "o2", createdAt: 0, callId: "call_a", name: "find_table", output: "no", isError: true }),
    says("assistant", "No table, and it rains.", "gen2"),
    says("developer", "Be brief from now on."),
    says("user", "Thanks.", "last"),
  ]);
  assert.deepEqual(toOpenAI(chatCtx).messages, [
    { role: "system", content: "You are a waiter." },
    { role: "user", content: "A table, and the weather?" },
    {
      role: "assistant",
      content: "One moment.",
      tool_calls: [
        { id: "call_a", type: "function", function: { name: "find_table", arguments: '{"seats":2}' } },
        { id: "call_b", type: "function", function: { name: "weather", arguments: "{}" } },
      ],
    },
    { role: "tool", tool_call_id: "call_a", content: "no" },
    { role: "tool", tool_call_id: "call_b", content: "rain" },
    { role: "assistant", content: "No table, and it rains." },
    { role: "developer", content: "Be brief from now on." },
    { role: "user", content: "Thanks." },
  ]);
});

test("a call without words has no content, and an unfinished one is answered by a placeholder or left out", () => {
  const call = functionCall({ id: "c", createdAt: 0, callId: "call_a", name: "n", args: "{}" });
  const { messages, notes } = toOpenAI([call], { stateOf: () => "running" });
  assert.deepEqual(messages, [
    { role: "assistant", tool_calls: [{ id: "call_a", type: "function", function: { name: "n", arguments: "{}" } }] },
    { role: "tool", tool_call_id: "call_a", content: "The call is still in progress. Its result is not known yet." },
  ]);
  assert.deepEqual(notes.map((note) => note.callId), ["call_a"]);
  const dropped = toOpenAI([call], { unanswered: "drop" });
  assert.deepEqual(dropped.messages, []);
  assert.deepEqual(dropped.notes.map((note) => note.callId), ["call_a"]);
});

test("text parts become one string, and pictures come first in a list", () => {
  const picture = image({ image: "data:image/png;base64,AAAA", inferenceDetail: "low" });
  assert.deepEqual(toOpenAI([says("user", ["one", "two", sound])]).messages, [{ role: "user", content: "one\ntwo" }]);
  assert.deepEqual(toOpenAI([says("user", ["one", picture, "two"])]).messages, [{
    role: "user",
    content: [
      { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
      { type: "text", text: "one\ntwo" },
    ],
  }]);
});

test("messages with nothing to send are left out, and empty words are sent", () => {
  assert.deepEqual(toOpenAI([says("assistant", []), says("user", sound), says("user", "", "blank")]).messages, [
    { role: "user", content: "" },
  ]);
});

test("instructions are sent in the variant of the modality", () => {
  const items = [says("system", new Instructions({ audio: "speak", text: "write" }))];
  const content = (modality?: "audio" | "text"): unknown =>
    toOpenAI(items, modality === undefined ? {} : { modality }).messages[0]!["content"];
  assert.deepEqual([content(), content("audio"), content("text"), content()], ["speak", "speak", "write", "speak"]);
});

test("the role of developers can be sent as system, for servers that know no other", () => {
  const items = [says("developer", "Be brief.")];
  assert.equal(toOpenAI(items).messages[0]!["role"], "developer");
  assert.equal(toOpenAI(items, { developerRole: "system" }).messages[0]!["role"], "system");
});

test("what providers want to see again is sent, and no other extra", () => {
  const message = chatMessage({
    id: "g",
    createdAt: 0,
    role: "assistant",
    content: "x",
    extra: { google: { thought: 1 }, is_summary: true },
  });
  const call = functionCall({
    id: "g/1",
    createdAt: 0,
    callId: "c",
    name: "n",
    args: "{}",
    extra: { xai: 2, secret: 3 },
  });
  const [written] = toOpenAI([message, call]).messages;
  assert.deepEqual(written!["extra_content"], { google: { thought: 1 } });
  const [writtenCall] = written!["tool_calls"] as readonly Record<string, unknown>[];
  assert.deepEqual(writtenCall!["extra_content"], { xai: 2 });
});

test("hand-offs and configuration updates never change what is sent", () => {
  const items = [says("user", "hi"), says("assistant", "hello")];
  const noise = [
    agentHandoff({ id: "h", createdAt: 0, newAgentId: "b" }),
    agentConfigUpdate({ id: "k", createdAt: 0, instructions: "x" }),
  ];
  assert.deepEqual(toOpenAI(items.flatMap((item) => [...noise, item])).messages, toOpenAI(items).messages);
});

test("writing changes nothing, and an item is written once", () => {
  const chatCtx = new ChatContext([says("user", "hi"), says("assistant", "hello")]);
  const before = structuredClone(chatCtx.items);
  const first = toOpenAI(chatCtx).messages;
  assert.deepEqual(chatCtx.items, before);
  chatCtx.append(says("user", "more", "more"));
  const second = toOpenAI(chatCtx).messages;
  assert.equal(second[0], first[0]);
  assert.equal(second[1], first[1]);
  assert.ok(Object.isFrozen(first[0]));
});
