import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatContext } from "../../src/chat/context.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { functionCall, functionCallOutput } from "../../src/chat/make.ts";
import { Agent } from "../../src/session/agent.ts";
import { tool } from "../../src/tool/define.ts";
import type { JournalCall } from "../../src/tool/journal.ts";
import { told, userSays, type World, world } from "./harness.ts";

/** A tool that ends when the test says so, or when its call is called off. */
function slow(name = "work", flags = {}) {
  const ends: ((value: unknown) => void)[] = [];
  const seen: string[] = [];
  const made = tool({
    name,
    description: "",
    flags,
    execute: (_args, { toolCallId, abortSignal }) => {
      seen.push(toolCallId);
      abortSignal.addEventListener("abort", () => seen.push(`${toolCallId} aborted`));
      return new Promise((end) => void ends.push(end));
    },
  });
  return { tool: made, ends, seen };
}

const journal = (w: World): readonly JournalCall[] => w.session["~core"].toolCalls.journal.calls;

/** Every call has one output, and every output a call. */
function assertPaired(items: readonly ChatItem[]): void {
  const calls = items.flatMap((item) => item.type === "function_call" ? [item.callId] : []);
  const outputs = items.flatMap((item) => item.type === "function_call_output" ? [item.callId] : []);
  assert.deepEqual(calls.toSorted(), outputs.toSorted());
  assert.equal(new Set(calls).size, calls.length);
}

test("a call is in the journal from its start until its result is in the history", async () => {
  const work = slow();
  const w = world({
    llm: [{ when: { user: "Go" }, times: 1, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Done." }],
    agent: { tools: [work.tool] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(100);
  assert.deepEqual(journal(w).map(({ call, status, startedAt, branch }) => [call.callId, status, startedAt, branch]), [
    ["c1", "running", 0, "main"],
  ]);
  work.ends[0]!("yes");
  await w.until(handle);
  assert.deepEqual(journal(w), []);
  assertPaired(w.session.history.items);
  await w.close();
});

test("a result that comes after the interruption is stored once, and the next request has it", async () => {
  const work = slow();
  const w = world({
    tts: {},
    llm: [
      { when: { user: "Order" }, times: 1, text: "One moment.", toolCalls: [{ name: "work", id: "c1", args: {} }] },
      { text: "Ordered." },
    ],
    agent: { tools: [work.tool] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Order" });
  await w.clock.advance(300);
  void w.session.interrupt();
  await w.clock.advance(1_000);
  work.ends[0]!("order 1");
  await w.until(handle);
  assert.deepEqual(told(w.session.history.items).slice(-2), ["call work c1 {}", "output c1: order 1"]);
  await w.until(w.session.generateReply({ userInput: "Well?" }));
  assert.deepEqual(told(w.llm.requests.at(-1)!.items).filter((line) => line.includes("c1")), [
    "call work c1 {}",
    "output c1: order 1",
  ]);
  assert.equal(work.seen.length, 1);
  await w.close();
});

test("a result that comes after the speech was given up is stored all the same", async () => {
  const work = slow();
  const w = world({
    tts: {},
    llm: [{ when: { user: "Order" }, times: 1, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Well." }],
    agent: { tools: [work.tool] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Order" });
  await w.clock.advance(100);
  void w.session.interrupt();
  await w.clock.advance(5_100); // the watchdog
  assert.equal(handle.done(), true);
  assert.equal(journal(w)[0]?.status, "running");
  await w.until(w.session.generateReply({ userInput: "Well?" }));
  assert.match(told(w.llm.requests.at(-1)!.items).find((line) => line.startsWith("output c1")) ?? "", /in progress/);
  work.ends[0]!("order 1");
  await w.clock.advance(10);
  assertPaired(w.session.history.items);
  assert.ok(told(w.session.history.items).includes("output c1: order 1"));
  assert.deepEqual(journal(w), []);
  await w.close();
});

test("a model that uses an id twice gets both results, and so does the history", async () => {
  const w = world({
    llm: [
      { when: { user: "One" }, times: 1, toolCalls: [{ name: "echo", id: "call_0", args: { n: 1 } }] },
      { when: { user: "Two" }, times: 1, toolCalls: [{ name: "echo", id: "call_0", args: { n: 2 } }] },
      {
        when: { user: "Three" },
        times: 1,
        toolCalls: [{ name: "echo", id: "", args: { n: 3 } }, { name: "echo", id: "", args: { n: 4 } }],
      },
      { text: "Well." },
    ],
    agent: {
      tools: [
        tool({
          name: "echo",
          description: "",
          parameters: { type: "object", properties: {} },
          execute: ({ n }) => `got ${String(n)}`,
        }),
      ],
    },
  });
  await w.start();
  for (const userInput of ["One", "Two", "Three"]) await w.until(w.session.generateReply({ userInput }));
  assertPaired(w.session.history.items);
  const outputs = w.session.history.items.flatMap((item) => item.type === "function_call_output" ? [item.output] : []);
  assert.deepEqual(outputs.toSorted(), ["got 1", "got 2", "got 3", "got 4"]);
  await w.close();
});

test("an id that the agent's context knows from before is not used again", async () => {
  const work = tool({ name: "work", description: "", execute: () => "new" });
  const before = world({
    llm: [{ when: { user: "Go" }, times: 1, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Done." }],
    agent: { tools: [work] },
  });
  await before.start();
  await before.until(before.session.generateReply({ userInput: "Go" }));
  await before.close();
  const w = world({
    seed: 2,
    llm: [{ when: { user: "Again" }, times: 1, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Done." }],
    agent: { tools: [work], chatCtx: before.agent.chatCtx },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Again" }));
  assertPaired(w.agent.chatCtx.items);
  assert.equal(told(w.agent.chatCtx.items).filter((line) => line.startsWith("call work")).length, 2);
  await w.close();
});

test("neither order of a result and a hand-off loses either", async () => {
  for (const [handoffAt, endAt] of [[100, 200], [200, 100]] as const) {
    const work = slow();
    const next = new Agent({ id: "next", instructions: "" });
    const w = world({
      llm: [{ when: { user: "Go" }, times: 1, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Done." }],
      agent: { tools: [work.tool] },
    });
    await w.start();
    w.session.generateReply({ userInput: "Go" });
    w.clock.schedule(handoffAt, () => w.session.updateAgent(next));
    w.clock.schedule(endAt, () => work.ends[0]!("yes"));
    await w.clock.advance(1_000);
    assert.equal(w.session["~core"].activity?.agent, next);
    assert.ok(told(w.session.history.items).includes("output c1: yes"));
    assertPaired(w.session.history.items);
    assert.deepEqual(journal(w), []);
    await w.close();
  }
});

test("a call that a hand-off or a close ends has a result that says so, and its tool is told", async () => {
  for (const how of ["hand-off", "close"] as const) {
    const work = slow();
    const w = world({
      llm: [{ when: { user: "Go" }, times: 1, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Done." }],
      agent: { tools: [work.tool] },
    });
    await w.start();
    w.session.generateReply({ userInput: "Go" });
    await w.clock.advance(100);
    const closing = how === "close" ? w.session.close() : undefined;
    if (how === "hand-off") w.session.updateAgent(new Agent({ id: "next", instructions: "" }));
    await w.clock.advance(20_100);
    await closing;
    assert.deepEqual(work.seen, ["c1", "c1 aborted"]);
    assert.ok(
      told(w.session.history.items).includes("output c1 error: The call was cancelled before it finished."),
      how,
    );
    const ends = w.events.flatMap((event) =>
      event.type === "tool_execution_updated" && event.update.type === "tool_call_ended" ? [event.update.status] : []
    );
    assert.deepEqual(ends, ["cancelled"]);
    await w.close();
    assert.deepEqual(journal(w), []);
    assert.equal(w.clock.armed, 0);
  }
});

test("no tool of a reply that is given up runs, unless it is safe; what a safe one did is forgotten", async () => {
  const ran: string[] = [];
  const make = (name: string, flags = {}) =>
    tool({
      name,
      description: "",
      flags,
      execute: (_args, { abortSignal }) => {
        ran.push(name);
        abortSignal.addEventListener("abort", () => ran.push(`${name} aborted`));
        return new Promise((end) => w.clock.schedule(w.clock.now() + 2_000, () => end(`${name} result`)));
      },
    });
  const w = world({
    tts: {},
    ears: true,
    llm: [
      {
        when: { user: "Order a cab" },
        toolCalls: [{ name: "look", id: "c1", args: {} }, { name: "order", id: "c2", args: {} }],
      },
      { text: "Done." },
    ],
    agent: { tools: [make("look", { speculative: "safe" }), make("order")] },
  });
  await w.start();
  // The words are final before the turn is over, so that a reply is begun; then the turn is given up.
  userSays(w, { from: 1_000, until: 2_000, text: "Order a cab" });
  await w.clock.advance(2_400);
  assert.deepEqual(ran, ["look"]);
  assert.deepEqual(journal(w).map(({ call, branch }) => [call.callId, branch !== "main"]), [["c1", true]]);
  w.session.clearUserTurn();
  await w.clock.advance(10);
  await w.close();
  assert.deepEqual(ran, ["look", "look aborted"]);
  assert.deepEqual(told(w.session.history.items).filter((line) => /call|output/.test(line)), []);
  assert.deepEqual(journal(w), []);
  assert.equal(w.events.some((event) => event.type === "tool_execution_updated"), false);
});

test("a safe tool that ran ahead answers at once when its reply is used, and counts from then on", async () => {
  const startedAt: number[] = [];
  const w = world({
    tts: {},
    ears: true,
    llm: [
      { when: { user: "Any cabs" }, times: 1, toolCalls: [{ name: "look", id: "c1", args: {} }] },
      { text: "Three." },
    ],
    agent: {
      tools: [
        tool({
          name: "look",
          description: "",
          flags: { speculative: "safe" },
          execute: () => {
            startedAt.push(w.clock.now());
            return new Promise((end) => w.clock.schedule(w.clock.now() + 100, () => end("three")));
          },
        }),
      ],
    },
  });
  await w.start();
  userSays(w, { from: 1_000, until: 2_000, text: "Any cabs" });
  await w.clock.advance(6_000);
  const call = w.session.history.items.find((item) => item.type === "function_call");
  assert.equal(startedAt.length, 1);
  assert.ok(startedAt[0]! < 2_400, String(startedAt)); // with the final words, before the end of the turn
  assert.deepEqual(told(w.session.history.items), [
    "user: Any cabs",
    "call look c1 {}",
    "output c1: three",
    "assistant: Three.",
  ]);
  assert.ok(call !== undefined);
  assert.deepEqual(journal(w), []);
  await w.close();
});

test("a tool that ends the conversation runs when all was heard, and not when the user cut in or goes on", async () => {
  for (const user of ["listens", "cuts in", "goes on"] as const) {
    let hungUpAt: number | undefined;
    const w = world({
      tts: { msPerChar: 100 },
      ears: true,
      llm: [
        {
          when: { user: "Bye" },
          times: 1,
          text: "Goodbye then.",
          toolCalls: [{ name: "hang_up", id: "c1", args: {} }],
        },
        { text: "Yes?" },
      ],
      agent: {
        tools: [
          tool({
            name: "hang_up",
            description: "",
            flags: { terminal: true },
            execute: () => void (hungUpAt = w.clock.now()),
          }),
        ],
      },
      options: { aecWarmupDuration: null, turnHandling: { interruption: { enabled: user !== "goes on" } } },
    });
    await w.start();
    w.session.generateReply({ userInput: "Bye" });
    if (user !== "listens") {
      userSays(w, { from: 300, until: user === "goes on" ? 2_000 : 1_100, text: "Wait a moment" });
    }
    await w.clock.advance(8_000);
    if (user === "listens") assert.equal(hungUpAt, 1_300);
    else {
      assert.equal(hungUpAt, undefined, user);
      assert.ok(
        told(w.session.history.items).includes("output c1 error: The call was not made, as the user goes on speaking."),
        told(w.session.history.items).join("\n"),
      );
    }
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("arguments that do not fit go back to the model with what is wrong, three times in a row", async () => {
  const w = world({
    llm: [{ times: 3, toolCalls: [{ name: "seats", id: "c", args: { n: "many" } }] }, {
      text: "Sorry.",
    }],
    options: { maxToolSteps: 20 },
    agent: {
      tools: [
        tool({
          name: "seats",
          description: "",
          parameters: {
            schema: {
              "~standard": {
                version: 1,
                vendor: "test",
                validate: () => ({ issues: [{ message: "must be a number", path: ["n"] }] }),
              },
            },
            jsonSchema: { type: "object", properties: { n: { type: "number" } } },
          },
          execute: () => "never",
        }),
      ],
    },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  assert.deepEqual(w.llm.requests.map(({ request }) => request.toolChoice), [undefined, "auto", "auto", "none"]);
  const outputs = w.session.history.items.flatMap((item) => item.type === "function_call_output" ? [item.output] : []);
  assert.equal(outputs.length, 3);
  for (const output of outputs) assert.match(output, /- n: must be a number/);
  await w.close();
});

test("tools that change within a turn count from the next request of the turn on", async () => {
  const late = tool({ name: "late", description: "", execute: () => "late result" });
  const w = world({
    llm: [
      { when: { user: "Go" }, times: 1, toolCalls: [{ name: "now", id: "c1", args: {} }] },
      { when: { output: "changed" }, times: 1, toolCalls: [{ name: "late", id: "c2", args: {} }] },
      { text: "Done." },
    ],
    agent: {
      tools: [
        tool({
          name: "now",
          description: "",
          execute: () => {
            w.agent.updateTools([late]);
            return "changed";
          },
        }),
      ],
    },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  assert.ok(told(w.session.history.items).includes("output c2: late result"));
  await w.close();
});

test("calls and outputs that do not pair in a conversation that is given are mended before a model sees them", async () => {
  const call = (callId: string) => functionCall({ id: `id_${callId}`, createdAt: 1, callId, name: "work", args: "{}" });
  const output = (id: string, callId: string) =>
    functionCallOutput({ id, createdAt: 2, callId, name: "work", output: id, isError: false });
  const broken = new ChatContext([call("a"), call("b"), output("b1", "b"), output("b2", "b"), output("x1", "x")]);
  const w = world({ agent: { chatCtx: broken } });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  w.agent.updateChatCtx(broken);
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  await w.until(w.session.generateReply({ userInput: "Hi", chatCtx: broken }));
  assert.equal(w.llm.requests.length, 3);
  for (const { items } of w.llm.requests) {
    assertPaired(items);
    assert.deepEqual(told(items).filter((line) => /call|output/.test(line)), [
      "call work a {}",
      "call work b {}",
      "output a error: The call was cancelled before it finished. It has no result.",
      "output b: b1",
    ]);
  }
  assert.equal(broken.length, 5); // it is the program's
  assert.equal(w.log.filter(({ level, fields }) => level === "warn" && "mended" in fields).length, 3);
  await w.close();
});
