import assert from "node:assert/strict";
import { test } from "node:test";
import { answerId, cutBack, lastUserMessage, uiMessages } from "../../../adapters/hono/chat_messages.ts";
import {
  agentConfigUpdate,
  agentHandoff,
  chatMessage,
  functionCall,
  functionCallOutput,
} from "../../../src/chat/make.ts";
import type { ChatItem } from "../../../src/chat/item.ts";
import type { SessionSnapshot } from "../../../src/session/snapshot.ts";
import { readContext, readItem, writeItem } from "../../../src/session/snapshot_items.ts";

let time = 0;
const at = (id: string) => ({ id, createdAt: ++time });
const said = (id: string, role: "user" | "assistant", content: string): ChatItem =>
  chatMessage({ ...at(id), role, content });

const ITEMS: readonly ChatItem[] = [
  agentHandoff({ ...at("h0"), oldAgentId: null, newAgentId: "door" }),
  agentConfigUpdate({ ...at("k0"), instructions: "secret instructions" }),
  said("g", "assistant", "Welcome."),
  said("u1", "user", "Hello"),
  said("a1", "assistant", "Hi."),
  said("u2", "user", "Buy"),
  functionCall({ ...at("f1"), callId: "c1", name: "price", args: '{"of":"book"}' }),
  functionCallOutput({ ...at("o1"), callId: "c1", name: "price", output: "9" }),
  agentHandoff({ ...at("h1"), oldAgentId: "door", newAgentId: "desk" }),
  said("a2", "assistant", "At the desk."),
  said("u3", "user", "Bye"),
];

const snapshot: SessionSnapshot = {
  version: 1,
  history: ITEMS.map(writeItem),
  agents: [{ id: "desk", context: [{ item: writeItem(said("own", "assistant", "mine")) }, { from: "a2", count: 2 }] }],
  userData: { points: 3 },
  options: {},
  usage: [],
};

test("a page sees what was said and done, each message under an id that stays, and nothing of the instructions", () => {
  const messages = uiMessages(snapshot);
  assert.deepEqual(messages.map(({ id, role }) => [id, role]), [
    ["re_start", "assistant"],
    ["u1", "user"],
    ["re_u1", "assistant"],
    ["u2", "user"],
    ["re_u2", "assistant"],
    ["u3", "user"],
  ]);
  assert.deepEqual(messages[4]?.parts, [
    { type: "tool-price", toolCallId: "c1", input: { of: "book" }, state: "output-available", output: "9" },
    { type: "data-handoff", data: { from: "door", to: "desk" } },
    { type: "text", text: "At the desk.", state: "done" },
  ]);
  assert.equal(JSON.stringify(messages).includes("secret"), false);
  assert.equal(answerId("u2"), "re_u2");
  assert.equal(lastUserMessage(snapshot)?.id, "u3");
});

test("cutting back leaves what was before the message, and whoever was on stage then", () => {
  const cut = cutBack(snapshot, "u2");
  assert.deepEqual(cut?.history.map(({ id }) => id), ["h0", "k0", "g", "u1", "a1"]);
  assert.equal(cut?.agents.at(-1)?.id, "door");
  const history = cut?.history.map(readItem) ?? [];
  assert.deepEqual(readContext(cut?.agents[0]?.context ?? [], history)?.map(({ id }) => id), ["k0", "g", "u1", "a1"]);
  assert.deepEqual(cut?.userData, { points: 3 });

  const last = cutBack(snapshot, "u3");
  const kept = last?.history.map(readItem) ?? [];
  assert.equal(last?.agents[0]?.id, "desk");
  assert.deepEqual(readContext(last?.agents[0]?.context ?? [], kept)?.map(({ id }) => id), ["own", "a2"]);

  assert.equal(cutBack(snapshot, "u9"), undefined);
  assert.equal(cutBack(snapshot, "a1"), undefined, "a message of the agent is none of the user");
});
