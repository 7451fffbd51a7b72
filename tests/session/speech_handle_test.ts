import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatChunk, LLM } from "../../src/model/llm.ts";
import type { ReplyPart } from "../../src/reply/part.ts";
import { Agent } from "../../src/session/agent.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import { tool } from "../../src/tool/define.ts";
import type { RunContext } from "../../src/tool/context.ts";
import { handoff } from "../../src/tool/result.ts";
import { names, refusesWith, told, watch, world } from "./harness.ts";

const LONG = "One two three four five six seven eight nine ten.";

test("a handle is interrupted before it is done, and never afterwards", async () => {
  const w = world({ tts: {} });
  await w.start();
  const cut = w.session.say(LONG);
  await w.clock.advance(500);
  cut.interrupt();
  assert.deepEqual([cut.interrupted, cut.done()], [true, false]);
  await w.until(cut);
  assert.deepEqual([cut.interrupted, cut.done()], [true, true]);

  const whole = w.session.say("Short.");
  await w.until(whole);
  assert.equal(whole.interrupt({ force: true }), whole);
  assert.equal(whole.interrupted, false);
  await w.close();
});

test("a handle that is cut off in the queue says nothing, stores nothing, and lets the next one through", async () => {
  const w = world({ tts: {} });
  await w.start();
  const first = w.session.say("First.");
  const second = w.session.say("Second.");
  const third = w.session.say("Third.");
  second.interrupt();
  await w.until(Promise.all([first, second, third]));
  assert.deepEqual(told(w.session.history.items), ["assistant: First.", "assistant: Third."]);
  assert.deepEqual(second.chatItems, []);
  await w.close();
});

test("an interruption is over within 5 s, whatever the turn hangs in", async () => {
  const w = world({ llm: [{ hangs: true }], tts: { hangs: [LONG] } });
  await w.start();
  for (const handle of [w.session.generateReply({ userInput: "?" }), w.session.say(LONG)]) {
    await w.clock.advance(100);
    const from = w.clock.now();
    handle.interrupt();
    await w.until(handle);
    assert.ok(w.clock.now() - from <= 5_000);
  }
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("an interruption does not wait for a tool longer than 5 s, and the result of the tool is stored all the same", async () => {
  const slow = tool({
    name: "slow",
    description: "Takes 8 s.",
    execute: () => new Promise((done) => w.clock.schedule(w.clock.now() + 8_000, () => done("booked"))),
  });
  const w = world({
    llm: [{ when: { user: "Book" }, toolCalls: [{ name: "slow", id: "c1", args: {} }] }, {
      when: { user: "And?" },
      text: "Yes.",
    }],
    agent: { tools: [slow] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(1_000);
  handle.interrupt();
  await w.clock.advance(5_000);
  assert.equal(handle.done(), true);
  const executed = () => w.events.filter(({ type }) => type === "function_tools_executed").length;
  assert.equal(executed(), 0);
  await w.clock.advance(5_000);
  assert.equal(executed(), 1);
  await w.until(w.session.generateReply({ userInput: "And?" }));
  assert.deepEqual(told(w.session.history.items), [
    "user: Book",
    "call slow c1 {}",
    "output c1: booked",
    "user: And?",
    "assistant: Yes.",
  ]);
  await w.close();
});

test("done callbacks run once, in order; one that is added afterwards runs soon, but not at once", async () => {
  const w = world();
  await w.start();
  const calls: string[] = [];
  const gone = (): void => void calls.push("gone");
  const handle = w.session.say("Hello.")
    .addDoneCallback(() => calls.push("first"))
    .addDoneCallback(() => {
      throw new Error("careless");
    })
    .addDoneCallback(gone)
    .addDoneCallback((h) => calls.push(h.id))
    .removeDoneCallback(gone);
  await w.until(handle);
  handle.addDoneCallback(() => calls.push("late"));
  assert.deepEqual(calls, ["first", handle.id]);
  await Promise.resolve();
  assert.deepEqual(calls, ["first", handle.id, "late"]);
  assert.ok(w.log.some(({ message }) => message === "done callback failed"));
  await w.close();
});

test("a callback that is added afterwards and throws is contained", async () => {
  const w = world();
  await w.start();
  const handle = w.session.say("Hello.");
  await w.until(handle);
  handle.addDoneCallback(() => {
    throw new Error("careless");
  });
  await w.clock.advance(1);
  await w.close();
});

test("a callback that rejects is contained", async () => {
  const w = world();
  await w.start();
  const handle = w.session.say("Hello.").addDoneCallback(
    (async () => {
      await Promise.resolve();
      throw new Error("careless");
    }) as (handle: SpeechHandle) => void,
  );
  await w.until(handle);
  await w.clock.advance(1);
  await w.close();
});

test("a failed turn does not reject, and says what failed", async () => {
  const w = world({ llm: [{ error: { retryable: false } }] });
  await w.start();
  const handle = w.session.generateReply({ userInput: "?" });
  const settled = await w.until(handle);
  assert.equal(settled.id, handle.id);
  assert.ok(handle.exception() instanceof Error);
  await w.close();
});

test("`await` gives the handle, however often and from however many places", async () => {
  const w = world();
  await w.start();
  const handle = w.session.say("Hello.");
  const [a, b] = await w.until(Promise.all([handle, handle]));
  assert.equal(a.id, handle.id);
  assert.equal(b.id, handle.id);
  assert.equal("then" in a && (a as { then: unknown }).then !== undefined, false);
  assert.equal((await handle).done(), true);
  assert.equal((await a).id, handle.id);
  await w.close();
});

test("what is thrown in a handler of `then` rejects that promise alone", async () => {
  const w = world();
  await w.start();
  const handle = w.session.say("Hello.");
  const bad = handle.then(() => {
    throw new Error("mine");
  });
  const state = watch(bad);
  await w.until(handle);
  await w.clock.advance(0);
  assert.equal((state.error as Error).message, "mine");
  await w.close();
});

test("a tool may not wait for its own turn, but for the sound before it, and for another turn", async () => {
  const codes: unknown[] = [];
  const seen: string[] = [];
  const busy = tool({
    name: "busy",
    description: "Waits.",
    execute: async (_args, { ctx }) => {
      const { speechHandle, session } = ctx as RunContext & {
        readonly session: typeof w.session;
        readonly speechHandle: SpeechHandle;
      };
      for (
        const wait of [
          () => speechHandle.waitForPlayout(),
          () => speechHandle.then(),
          async () => await speechHandle,
        ]
      ) {
        try {
          await wait();
        } catch (error) {
          codes.push((error as { code?: string }).code);
        }
      }
      await ctx.waitForPlayout();
      seen.push(`preamble ${w.clock.now()}`);
      await session.say("One moment.");
      seen.push(`other ${w.clock.now()}`);
      return "done";
    },
  });
  const w = world({
    tts: {},
    llm: [
      { when: { user: "Go" }, text: "Let me see.", toolCalls: [{ name: "busy", id: "c1", args: {} }] },
      { when: { output: "done" }, text: "There." },
    ],
    agent: { tools: [busy] },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  assert.deepEqual(codes, ["speech.circular_wait", "speech.circular_wait", "speech.circular_wait"]);
  assert.deepEqual(seen, ["preamble 550", "other 1100"]);
  await w.close();
});

test("a protected handle cannot be interrupted but by force", async () => {
  const w = world({ tts: {} });
  await w.start();
  const handle = w.session.say(LONG, { allowInterruptions: false });
  await refusesWith("speech.not_interruptible", () => handle.interrupt());
  await refusesWith("speech.not_interruptible", () => w.session.interrupt());
  assert.equal(handle.interrupted, false);
  handle.interrupt({ force: true });
  await refusesWith("speech.already_interrupted", () => {
    handle.allowInterruptions = true;
    handle.allowInterruptions = false;
  });
  await w.until(handle);
  await w.close();
});

test("waiting for work ends with the work, or with the interruption, and work that fails is no failure", async () => {
  const w = world({ tts: {} });
  await w.start();
  const handle = w.session.say(LONG);
  await w.until(handle.waitIfNotInterrupted([Promise.reject(new Error("x")), Promise.resolve()]));
  const waiting = watch(handle.waitIfNotInterrupted([new Promise(() => {})]));
  await w.clock.advance(300);
  assert.equal(waiting.settled, false);
  handle.interrupt();
  await w.clock.advance(0);
  assert.equal(waiting.settled, true);
  await w.until(handle.waitIfNotInterrupted([new Promise(() => {})]));
  assert.equal(handle["~"].onInterrupted.size, 0);
  await w.until(handle);
  await w.close();
});

test("the parts of a turn come in order, and end with its end", async () => {
  const w = world({
    llm: [
      {
        when: { user: "Go" },
        chunks: [{ text: "Let " }, { text: "me.", afterMs: 10 }],
        toolCalls: [{ name: "now", id: "c1", args: {} }],
      },
      {
        when: { output: "noon" },
        text: "Noon.",
        usage: { completionTokens: 3, promptTokens: 5, promptCachedTokens: 0, totalTokens: 8 },
      },
    ],
    agent: { tools: [tool({ name: "now", description: "The time.", execute: () => "noon" })] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  const parts: ReplyPart[] = [];
  const reading = (async () => {
    for await (const part of handle.parts()) parts.push(part);
  })();
  await w.until(reading);
  assert.deepEqual(
    // Usage comes with the model's answer, which may be before its words are said.
    parts.map((part) => part.type === "text" ? part.delta : part.type === "state" ? part.state : part.type)
      .filter((part) => part !== "usage"),
    ["Let ", "speaking", "me.", "tool_call", "tool_result", "thinking", "Noon.", "speaking", "listening", "end"],
  );
  assert.equal(parts.filter(({ type }) => type === "usage").length, 1);
  const late: ReplyPart[] = [];
  for await (const part of handle.parts()) late.push(part);
  assert.deepEqual(late, [{ type: "end", interrupted: false, error: undefined }]);
  await w.close();
});

test("parts show what the model thinks, and a hand-off before the turn that made it ends", async () => {
  const desk = new Agent({ id: "desk", instructions: "Sell." });
  const thinks: LLM = {
    kind: "llm",
    model: "thinks",
    provider: "test",
    chat: () => {
      const chunks: ChatChunk[] = [
        { id: "1", delta: { reasoning: "A sale, " } },
        { id: "1", delta: { reasoning: "so the desk." } },
        { id: "1", delta: { toolCalls: [{ type: "function", callId: "c1", name: "transfer", args: "{}" }] } },
      ];
      return new ReadableStream({
        pull(controller) {
          const chunk = chunks.shift();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
      });
    },
  };
  const w = world({
    options: { llm: thinks },
    agent: {
      id: "door",
      tools: [tool({ name: "transfer", description: "Hands over.", execute: () => handoff({ agent: desk }) })],
    },
  });
  await w.start();
  const parts: ReplyPart[] = [];
  const handle = w.session.generateReply({ userInput: "I want to buy" });
  const reading = (async () => {
    for await (const part of handle.parts()) parts.push(part);
  })();
  await w.until(reading);
  assert.equal(parts.flatMap((part) => part.type === "reasoning" ? [part.delta] : []).join(""), "A sale, so the desk.");
  assert.deepEqual(
    parts.filter(({ type }) => type === "tool_call" || type === "handoff" || type === "end").map((part) => ({
      ...part,
      call: 0,
    })),
    [
      { type: "tool_call", call: 0 },
      { type: "handoff", oldAgentId: "door", newAgentId: "desk", call: 0 },
      { type: "end", interrupted: false, error: undefined, call: 0 },
    ],
  );
  assert.equal(w.session.history.items.some((item) => JSON.stringify(item).includes("so the desk")), false);
  await w.close();
});

test("parts that are cancelled, also while somebody waits for them, leave the turn alone", async () => {
  const w = world({ tts: {} });
  await w.start();
  const handle = w.session.say(LONG);
  const reader = handle.parts().getReader();
  const pending = watch(reader.read());
  await reader.cancel();
  await w.clock.advance(0);
  assert.equal(pending.settled, true);
  await w.until(handle);
  assert.equal(handle.interrupted, false);
  await w.close();
});

test("two steps of one turn share its handle and its speech_created", async () => {
  const w = world({
    llm: [
      { when: { user: "Go" }, toolCalls: [{ name: "now", id: "c1", args: {} }] },
      { when: { output: "noon" }, text: "Noon." },
    ],
    agent: { tools: [tool({ name: "now", description: "The time.", execute: () => "noon" })] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  assert.equal(handle.numSteps, 1);
  await w.until(handle);
  assert.equal(handle.numSteps, 2);
  assert.equal(names(w.events).filter((name) => name === "speech_created").length, 1);
  assert.deepEqual(handle.chatItems.map(({ type }) => type), ["function_call", "function_call_output", "message"]);
  await w.close();
});
