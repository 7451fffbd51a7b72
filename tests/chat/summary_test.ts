import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import { ChatContext } from "../../src/chat/context.ts";
import type { ChatItem, ChatRole } from "../../src/chat/item.ts";
import { agentHandoff, chatMessage, functionCall, functionCallOutput } from "../../src/chat/make.ts";
import { type Complete, summarize } from "../../src/chat/summary.ts";

const says = (id: string, role: ChatRole, createdAt: number, content = id): ChatItem =>
  chatMessage({ id, createdAt, role, content });

function conversation(): ChatContext {
  return new ChatContext([
    says("system", "system", 0),
    says("I want <a> table", "user", 10),
    functionCall({ id: "call", createdAt: 20, callId: "c1", name: "find", args: '{"seats":2}' }),
    functionCallOutput({ id: "output", createdAt: 30, callId: "c1", name: "find", output: "full", isError: true }),
    says("There is none", "assistant", 40),
    agentHandoff({ id: "handoff", createdAt: 45, newAgentId: "b" }),
    says("u2", "user", 50),
    says("a2", "assistant", 60),
    says("u3", "user", 70),
    says("a3", "assistant", 80),
  ]);
}

/** A model that writes what it read, word for word, so that what was lost on the way can be seen. */
const echo = (asked: string[]): Complete => async (chatCtx) => {
  const [instructions, history] = chatCtx.messages();
  assert.equal(instructions?.role, "system");
  asked.push(history!.textContent!);
  return `memory of ${history!.textContent!}`;
};

test("the older part becomes one message, and what was no talk of it stays", async () => {
  const chatCtx = conversation();
  const asked: string[] = [];
  assert.equal(await summarize(chatCtx, echo(asked)), true);
  const summary = chatCtx.at(2)!;
  assert.ok(summary.type === "message" && summary.role === "assistant");
  assert.deepEqual(chatCtx.items.map((item) => item.id), ["system", "handoff", summary.id, "u2", "a2", "u3", "a3"]);
  assert.equal(summary.extra["is_summary"], true);
  assert.ok(summary.createdAt < 50 && summary.createdAt > 49);
  assert.match(summary.textContent!, /^<chat_history_summary>\nmemory of [^]*<\/chat_history_summary>$/);
});

test("the model reads messages, calls and outputs as elements, with errors marked and text escaped", async () => {
  const asked: string[] = [];
  await summarize(conversation(), echo(asked));
  assert.match(asked[0]!, /<user>\nI want &lt;a&gt; table\n<\/user>/);
  assert.match(asked[0]!, /<function_call name="find" call_id="c1">\n\{&quot;seats&quot;:2\}\n<\/function_call>/);
  assert.match(asked[0]!, /<function_call_output name="find" call_id="c1">\n<error>\nfull\n<\/error>\n/);
  assert.doesNotMatch(asked[0]!, /u2|system/);
});

test("after two summaries, what the first one said is still there", async () => {
  const chatCtx = conversation();
  await summarize(chatCtx, async () => "the user is called Ada");
  for (const [index, id] of ["u4", "a4", "u5", "a5"].entries()) {
    chatCtx.append(says(id, index % 2 === 0 ? "user" : "assistant", 90 + index));
  }
  const asked: string[] = [];
  await summarize(chatCtx, echo(asked));
  assert.match(asked[0]!, /<chat_history_summary>\nthe user is called Ada\n<\/chat_history_summary>/);
  const summaries = chatCtx.messages().filter((message) => message.extra["is_summary"] === true);
  assert.equal(summaries.length, 1);
  assert.match(summaries[0]!.textContent!, /the user is called Ada/);
  assert.equal(new Set(chatCtx.items.map((item) => item.id)).size, chatCtx.length);
});

test("nothing changes and nobody is asked when there is too little, or only a summary, to summarise", async () => {
  const refuse: Complete = () => Promise.reject(new Error("asked"));
  const short = new ChatContext([says("u", "user", 0), says("a", "assistant", 1)]);
  assert.equal(await summarize(short, refuse), false);
  const exact = new ChatContext(conversation().items.slice(-4));
  assert.equal(await summarize(exact, refuse), false);
  const summarised = conversation();
  await summarize(summarised, async () => "summary");
  const before = summarised.items;
  assert.equal(await summarize(summarised, refuse), false);
  assert.deepEqual(summarised.items, before);
});

test("an empty answer changes nothing, and a failure is passed on", async () => {
  const chatCtx = conversation();
  assert.equal(await summarize(chatCtx, async () => " \n"), false);
  await assert.rejects(summarize(chatCtx, () => Promise.reject(new Error("no model"))), /no model/);
  assert.deepEqual(chatCtx.items, conversation().items);
});

test("keeping no turns summarises everything", async () => {
  const chatCtx = conversation();
  await summarize(chatCtx, async () => "all", { keepLastTurns: 0 });
  assert.deepEqual(chatCtx.items.map((item) => item.type), ["message", "agent_handoff", "message"]);
  assert.equal(chatCtx.at(-1)!.createdAt, 80);
});

test("what is said while the model writes is kept", async () => {
  const chatCtx = conversation();
  await summarize(chatCtx, async () => {
    chatCtx.append(says("meanwhile", "user", 100));
    return "summary";
  });
  assert.equal(chatCtx.at(-1)!.id, "meanwhile");
});

test("a read-only view is not summarised", async () => {
  await assert.rejects(
    summarize(conversation().readonly(), async () => "summary"),
    (error) => error instanceof AgentError && error.code === "chat.readonly",
  );
});
