import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import { ChatContext } from "../../src/chat/context.ts";
import type { ChatItem, ChatMessage } from "../../src/chat/item.ts";
import { agentConfigUpdate, agentHandoff, chatMessage, functionCall, functionCallOutput } from "../../src/chat/make.ts";
import { NO_TOOLS, toolContext } from "../../src/tool/tool_context.ts";
import { providerTool, tool } from "../../src/tool/define.ts";

const says = (id: string, createdAt = 0, role: ChatMessage["role"] = "user"): ChatMessage =>
  chatMessage({ id, createdAt, role, content: id });
const calls = (id: string, createdAt = 0, name = "weather"): ChatItem =>
  functionCall({ id, createdAt, callId: id, name, args: "{}" });
const answers = (id: string, createdAt = 0, name = "weather"): ChatItem =>
  functionCallOutput({ id: `${id}_output`, createdAt, callId: id, name, output: "rain" });
const handsOver = (id: string): ChatItem => agentHandoff({ id, createdAt: 0, newAgentId: "billing" });
const updates = (id: string): ChatItem => agentConfigUpdate({ id, createdAt: 0, toolsAdded: ["book"] });
const ids = (chatCtx: ChatContext): string[] => chatCtx.items.map((item) => item.id);
const refuses = (code: ErrorCode) => (error: unknown): boolean => error instanceof AgentError && error.code === code;

test("a message without a time is appended even when later times exist", () => {
  const chatCtx = new ChatContext([says("late", 5000)], { source: { now: () => 1000, random: () => 0 } });
  const message = chatCtx.addMessage({ role: "user", content: "now" });
  assert.equal(message.createdAt, 1000);
  assert.equal(chatCtx.at(-1), message);
});

test("a message with the time of another lands behind it", () => {
  const chatCtx = new ChatContext([says("a", 1), says("b", 2), says("c", 3)]);
  chatCtx.addMessage({ role: "user", content: "new", id: "new", createdAt: 2 });
  assert.deepEqual(ids(chatCtx), ["a", "b", "new", "c"]);
});

test("an item older than all others goes first, even before the instructions", () => {
  const chatCtx = new ChatContext([says("instructions", 5, "system"), says("a", 6)]);
  chatCtx.insert(says("old", 4));
  assert.deepEqual(ids(chatCtx), ["old", "instructions", "a"]);
});

test("insertion looks from the end, so that an unsorted beginning stays as it is", () => {
  const chatCtx = new ChatContext([says("x", 9), says("y", 1)]);
  chatCtx.insert([says("five", 5), says("two", 2)]);
  assert.deepEqual(ids(chatCtx), ["x", "y", "two", "five"]);
});

test("inserting items of rising or equal times in any order sorts them by time, and equal ones by arrival", () => {
  fc.assert(fc.property(fc.array(fc.nat(20), { maxLength: 150 }), (times) => {
    const chatCtx = ChatContext.empty();
    times.forEach((time, index) => chatCtx.insert(says(`${index}`, time)));
    const expected = times.map((time, index) => ({ time, index })).sort((a, b) => a.time - b.time || a.index - b.index);
    assert.deepEqual(ids(chatCtx), expected.map(({ index }) => `${index}`));
  }));
});

test("without a source, ids count up past those in use, and the time is that of the last item", () => {
  const chatCtx = new ChatContext([says("item_2", 70)]);
  const message = chatCtx.addMessage({ role: "user", content: "hello" });
  assert.equal(message.id, "item_3");
  assert.equal(message.createdAt, 70);
  assert.equal(ChatContext.empty().addMessage({ role: "user", content: "" }).createdAt, 0);
});

test("with a source, ids are a prefix and twelve hexadecimal characters", () => {
  const message = ChatContext.empty().addMessage(
    { role: "user", content: "hello" },
    { now: () => 7, random: () => 0.999999 },
  );
  assert.match(message.id, /^item_[0-9a-f]{12}$/);
  assert.equal(message.createdAt, 7);
});

test("a copy is another list of the same items", () => {
  const chatCtx = new ChatContext([says("a")]);
  const copy = chatCtx.copy();
  copy.append(says("b"));
  assert.notEqual(copy.items, chatCtx.items);
  assert.equal(copy.items[0], chatCtx.items[0]);
  assert.deepEqual(ids(chatCtx), ["a"]);
  assert.deepEqual(ids(copy), ["a", "b"]);
});

test("the array of items is made once and cannot be changed", () => {
  const chatCtx = new ChatContext([says("a")]);
  assert.equal(chatCtx.items, chatCtx.items);
  assert.throws(() => (chatCtx.items as ChatItem[]).push(says("b")), TypeError);
  assert.throws(() => ((chatCtx.items[0] as ChatMessage).content as string[]).push("b"), TypeError);
});

test("a copy leaves out what it is told to", () => {
  const empty = chatMessage({ id: "empty", createdAt: 0, role: "assistant", content: [] });
  const blank = chatMessage({ id: "blank", createdAt: 0, role: "assistant", content: [""] });
  const chatCtx = new ChatContext([
    says("system", 0, "system"),
    says("developer", 0, "developer"),
    says("user"),
    empty,
    blank,
    calls("call"),
    answers("call"),
    handsOver("handoff"),
    updates("update"),
  ]);
  assert.deepEqual(ids(chatCtx.copy({})), ids(chatCtx));
  assert.deepEqual(
    ids(chatCtx.copy({
      excludeInstructions: true,
      excludeEmptyMessage: true,
      excludeFunctionCall: true,
      excludeHandoff: true,
      excludeConfigUpdate: true,
    })),
    ["user", "blank"],
  );
});

test("a copy for some tools keeps their calls and outputs alone", () => {
  const weather = tool({ name: "weather", description: "", execute: () => "rain" });
  const search = providerTool({ id: "search" });
  const nameless = functionCallOutput({ id: "nameless", createdAt: 0, callId: "z", output: "" });
  const chatCtx = new ChatContext([
    says("a"),
    calls("x"),
    answers("x"),
    calls("y", 0, "search"),
    calls("z", 0, "other"),
    nameless,
  ]);
  assert.deepEqual(ids(chatCtx.copy({ toolCtx: NO_TOOLS })), ["a"]);
  assert.deepEqual(ids(chatCtx.copy({ toolCtx: toolContext([weather, search]) })), ["a", "x", "x_output", "y"]);
});

test("truncating keeps the last items and the first instructions, and never begins with a call or an output", () => {
  const chatCtx = new ChatContext([
    says("a"),
    says("system", 0, "system"),
    says("b"),
    calls("x"),
    answers("x"),
    says("c"),
    says("d"),
  ]);
  assert.deepEqual(ids(chatCtx.copy().truncate(7)), ids(chatCtx));
  assert.deepEqual(ids(chatCtx.copy().truncate(4)), ["system", "c", "d"]);
  assert.deepEqual(ids(chatCtx.copy().truncate(2)), ["system", "c", "d"]);
  assert.deepEqual(ids(chatCtx.copy().truncate(0)), ["system"]);
  assert.throws(() => chatCtx.truncate(-1), refuses("chat.bad_item"));
  assert.throws(() => chatCtx.truncate(1.5), refuses("chat.bad_item"));
});

const anyItem = (index: number): fc.Arbitrary<ChatItem> =>
  fc.constantFrom(
    says(`m${index}`),
    says(`s${index}`, 0, "system"),
    says(`d${index}`, 0, "developer"),
    calls(`c${index}`),
    answers(`o${index}`),
    handsOver(`h${index}`),
    updates(`u${index}`),
  );
const anyContext = fc.array(fc.nat(), { maxLength: 40 }).chain((list) =>
  fc.tuple(...list.map((_, index) => anyItem(index))).map((items) => new ChatContext(items))
);

test("truncating any conversation keeps its first instructions once, and its end in order", () => {
  fc.assert(fc.property(anyContext, fc.nat(45), (chatCtx, count) => {
    const before = chatCtx.items;
    const after = chatCtx.copy().truncate(count).items;
    const first = before.find((item) => item.type === "message" && item.role !== "user" && item.role !== "assistant");
    if (first !== undefined) assert.equal(after.filter((item) => item === first).length, 1);
    if (before.length > count) {
      assert.ok(after.length <= count + 1);
      assert.ok(after[0]?.type !== "function_call" && after[0]?.type !== "function_call_output");
    }
    assert.equal(new Set(after).size, after.length);
    assert.deepEqual(after, before.filter((item) => after.includes(item)));
  }));
});

test("merging adds what is missing by time, keeps what is known, and does nothing the second time", () => {
  const chatCtx = new ChatContext([says("a", 1), says("c", 3)]);
  const known = chatMessage({ id: "a", createdAt: 1, role: "user", content: "other words" });
  const other = new ChatContext([known, says("b", 2), calls("x", 4), says("system", 0, "system"), updates("u")]);
  const options = { excludeFunctionCall: true, excludeInstructions: true, excludeConfigUpdate: true };
  assert.deepEqual(ids(chatCtx.copy().merge(other, options)), ["a", "b", "c"]);
  chatCtx.merge(other);
  assert.equal((chatCtx.getById("a") as ChatMessage).textContent, "a");
  const once = ids(chatCtx);
  assert.deepEqual(ids(chatCtx.merge(other)), once);
});

test("upserting puts an item in the place of its namesake, or at the end", () => {
  const chatCtx = new ChatContext([says("a"), says("b"), says("c")]);
  chatCtx.upsert(chatMessage({ id: "b", createdAt: 0, role: "user", content: "changed" }));
  chatCtx.upsert(says("d"));
  assert.deepEqual(chatCtx.messages().map((message) => message.textContent), ["a", "changed", "c", "d"]);
  assert.throws(() => chatCtx.upsert(calls("b")), refuses("chat.bad_item"));
  chatCtx.upsert(calls("b"), { allowTypeMismatch: true });
  assert.equal(chatCtx.getById("b")?.type, "function_call");
});

test("items are found and removed by id", () => {
  const chatCtx = new ChatContext([says("a"), says("b")]);
  assert.equal(chatCtx.indexById("b"), 1);
  assert.equal(chatCtx.indexById("nobody"), undefined);
  assert.equal(chatCtx.getById("nobody"), undefined);
  assert.equal(chatCtx.remove("a").id, "a");
  assert.equal(chatCtx.indexById("b"), 0);
  assert.throws(() => chatCtx.remove("a"), refuses("chat.bad_item"));
});

test("every change of a read-only view throws and leaves the view and its source as they are", () => {
  const source = new ChatContext([says("a", 1), says("b", 2)]);
  const view = source.readonly();
  const changes: Record<string, (chatCtx: ChatContext) => unknown> = {
    addMessage: (chatCtx) => chatCtx.addMessage({ role: "user", content: "x" }),
    addMessageWithTime: (chatCtx) => chatCtx.addMessage({ role: "user", content: "x", createdAt: 0 }),
    insert: (chatCtx) => chatCtx.insert(says("x", 0)),
    insertAt: (chatCtx) => chatCtx.insertAt(0, says("x", 0)),
    append: (chatCtx) => chatCtx.append(says("x")),
    upsert: (chatCtx) => chatCtx.upsert(says("a")),
    remove: (chatCtx) => chatCtx.remove("a"),
    truncate: (chatCtx) => chatCtx.truncate(1),
    merge: (chatCtx) => chatCtx.merge(new ChatContext([says("x")])),
  };
  for (const [name, change] of Object.entries(changes)) {
    assert.throws(() => change(view), refuses("chat.readonly"), name);
    assert.deepEqual(ids(view), ["a", "b"], name);
    assert.deepEqual(ids(source), ["a", "b"], name);
  }
  assert.equal(view.isReadonly, true);
  const copy = view.copy();
  copy.append(says("c"));
  assert.deepEqual(ids(copy), ["a", "b", "c"]);
});

test("a read-only view keeps what was there when it was made", () => {
  const source = new ChatContext([says("a")]);
  const view = source.readonly();
  source.append(says("b"));
  assert.deepEqual(ids(view), ["a"]);
});

test("contexts are equivalent when they say the same, whatever times, metrics and extras are", () => {
  const one = new ChatContext([says("a", 1), calls("x", 2), answers("x", 3), handsOver("h")]);
  const other = new ChatContext([
    chatMessage({ id: "a", createdAt: 9, role: "user", content: ["a"], metrics: { e2eLatency: 1 }, extra: { k: 1 } }),
    calls("x", 5),
    answers("x", 6),
    agentHandoff({ id: "h", createdAt: 0, newAgentId: "someone else" }),
  ]);
  assert.equal(one.isEquivalent(other), true);
  assert.equal(one.isEquivalent(one.copy()), true);
});

test("contexts are not equivalent when anything that is said differs", () => {
  const base = (): ChatItem[] => [says("a"), calls("x"), answers("x")];
  const other: Record<string, ChatItem[]> = {
    shorter: base().slice(1),
    order: base().reverse(),
    role: [says("a", 0, "assistant"), ...base().slice(1)],
    words: [chatMessage({ id: "a", createdAt: 0, role: "user", content: "b" }), ...base().slice(1)],
    parts: [chatMessage({ id: "a", createdAt: 0, role: "user", content: ["a", ""] }), ...base().slice(1)],
    interrupted: [
      chatMessage({ id: "a", createdAt: 0, role: "user", content: "a", interrupted: true }),
      ...base().slice(1),
    ],
    call: [says("a"), calls("x", 0, "book"), answers("x")],
    output: [says("a"), calls("x"), functionCallOutput({ id: "x_output", createdAt: 0, callId: "x", output: "sun" })],
  };
  for (const [name, items] of Object.entries(other)) {
    assert.equal(new ChatContext(base()).isEquivalent(new ChatContext(items)), false, name);
  }
});

test("a turn of a conversation costs the same at any length: copies, appends, insertions, look-ups and comparison", () => {
  const chatCtx = ChatContext.empty();
  const history = ChatContext.empty();
  const costs: number[] = [];
  for (let turn = 0; turn < 4_000; turn++) {
    let work = -chatCtx["~work"] - history["~work"];
    const user = says(`user_${turn}`, turn * 10);
    chatCtx.insert(user);
    history.insert(user);
    const reply = chatCtx.copy();
    const before = reply["~work"];
    reply.append(calls(`call_${turn}`, turn * 10 + 2));
    reply.append(answers(`call_${turn}`, turn * 10 + 3));
    const compared = reply.copy();
    assert.equal(compared.isEquivalent(reply), true);
    assert.equal(reply.indexById(`user_${turn}`) !== undefined, true);
    const said = says(`agent_${turn}`, turn * 10 + 1, "assistant");
    for (const context of [chatCtx, history]) {
      context.insert([calls(`call_${turn}`, turn * 10 + 2), answers(`call_${turn}`, turn * 10 + 3)]);
      context.insert(said); // older than the two before: a distance of two from the end
    }
    work += chatCtx["~work"] + history["~work"] + reply["~work"] - before + compared["~work"];
    costs.push(work);
  }
  const mean = (from: number, to: number): number =>
    costs.slice(from, to).reduce((sum, cost) => sum + cost, 0) / (to - from);
  // Four items a turn in two contexts, each moved about log2(16,000 / 64) = 8 times in its life, and copies of at most 64.
  assert.ok(mean(0, 1_000) < 300, `${mean(0, 1_000)} moves a turn at first`);
  assert.ok(mean(3_000, 4_000) < 400, `${mean(3_000, 4_000)} moves a turn later`);
});

test("what was added to a context since an earlier copy is found wherever it stands", () => {
  const chatCtx = new ChatContext([
    chatMessage({ id: "a", createdAt: 1, role: "user", content: ["a"] }),
    chatMessage({ id: "c", createdAt: 3, role: "user", content: ["c"] }),
  ]);
  const before = chatCtx.copy();
  assert.deepEqual(chatCtx.addedTo(before), []);
  chatCtx.insert(chatMessage({ id: "b", createdAt: 2, role: "user", content: ["b"] }));
  chatCtx.insert(chatMessage({ id: "d", createdAt: 4, role: "user", content: ["d"] }));
  chatCtx.remove("c");
  assert.deepEqual(chatCtx.addedTo(before).map(({ id }) => id), ["b", "d"]);
});
