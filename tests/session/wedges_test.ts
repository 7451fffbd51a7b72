/**
 * What has left agents of the field mute, said things twice or run tools twice: each is provoked here, and does not happen.
 *
 * The names begin with the number of the class, and end with a report of it elsewhere.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import type { AgentError } from "../../src/base/error.ts";
import type { PlayoutAck, PlayoutSink } from "../../src/io/playout.ts";
import { Agent, type HookContext } from "../../src/session/agent.ts";
import type { AgentSession } from "../../src/session/agent_session.ts";
import { AgentTask, TaskCancelledError } from "../../src/session/agent_task.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import { tool } from "../../src/tool/define.ts";
import { told, userSays, watch, type World, world } from "./harness.ts";

/** The agent still listens, and answers: by text. */
async function assertAlive(w: World, answer: string): Promise<void> {
  const handle = w.session.generateReply({ userInput: "Are you there" });
  const over = watch(handle);
  await w.clock.advance(30_000);
  assert.equal(over.settled, true, "the turn is over");
  assert.equal(told(w.session.history.items).at(-1), `assistant: ${answer}`);
  assert.equal(w.session.agentState, "listening");
}

async function end(w: World): Promise<void> {
  await w.close();
  assert.equal(w.clock.armed, 0);
  assert.equal(w.session.isRunning, false);
}

const later = (w: World, ms: number): Promise<void> =>
  new Promise((go) => void w.clock.schedule(w.clock.now() + ms, go));

// --- A. silent or wedged -------------------------------------------------------------------------------------------

test("1: a reply cut off before it is heard leaves the floor to the next one (agents-js#2065, #1124, #2114)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 1_400 }), async (at) => {
      const w = world({
        tts: { ttfbMs: 500, msPerChar: 50 },
        llm: [{ when: { user: "Are you there" }, text: "I am." }, { ttftMs: 400, text: "Something long." }],
      });
      await w.start();
      const handle = w.session.generateReply({ userInput: "Tell me" });
      await w.clock.advance(at);
      handle.interrupt();
      await w.clock.advance(5_000);
      assert.equal(handle.done(), true);
      await assertAlive(w, "I am.");
      await end(w);
    }),
    { numRuns: 25 },
  );
});

test("2: a sink that takes everything and says nothing does not hold the agent in `speaking` (agents#3418, #4461)", async () => {
  const deaf = (): PlayoutSink => ({
    capabilities: { pause: false, position: false },
    frames: new WritableStream(),
    acks: new ReadableStream<PlayoutAck>(),
    pause: () => {},
    resume: () => {},
    clear: () => {},
  } as unknown as PlayoutSink);
  const w = world({ tts: { msPerChar: 20 }, sink: deaf() });
  await w.start();
  const handle = w.session.say("Is anybody there?");
  const over = watch(handle);
  await w.clock.advance(60_000);
  assert.equal(over.settled, true);
  assert.notEqual(w.session.agentState, "speaking");
  assert.notEqual(w.session.agentState, "thinking");
  assert.ok(w.events.some(({ type }) => type === "error"), "it is told why nothing was heard");
  await end(w);
});

test("2: a model and a voice that never give anything do not hold the agent in `thinking` (agents#2928)", async () => {
  const w = world({
    tts: { hangs: ["I hang."], msPerChar: 20 },
    llm: [
      { when: { user: "One" }, hangs: true },
      { when: { user: "Two" }, text: "I hang." },
      { when: { user: "Are you there" }, text: "I am." },
    ],
    options: {
      connOptions: {
        maxUnrecoverableErrors: 10,
        llmConnOptions: { timeoutMs: 2_000, maxRetry: 1 },
        ttsConnOptions: { timeoutMs: 2_000, maxRetry: 1 },
      },
    },
  });
  await w.start();
  for (const userInput of ["One", "Two"]) {
    const over = watch(w.session.generateReply({ userInput }));
    await w.clock.advance(60_000);
    assert.equal(over.settled, true, userInput);
    assert.equal(w.session.agentState, "listening", userInput);
  }
  await assertAlive(w, "I am.");
  await end(w);
});

test("3: turns that end while the hook of an earlier one is at work are answered, all words kept (agents-js#1430)", async () => {
  class Slow extends Agent {
    override async onUserTurnCompleted(): Promise<void> {
      await later(w, 2_500);
    }
  }
  const w = world({ tts: { msPerChar: 20 }, ears: true, llm: [{ when: { user: "Second" }, text: "Both." }, {}] });
  await w.start(new Slow({ instructions: "Slow." }));
  userSays(w, { from: 100, until: 700, text: "First" });
  userSays(w, { from: 2_000, until: 2_600, text: "Second" });
  await w.clock.advance(20_000);
  const lines = told(w.session.history.items);
  assert.deepEqual(lines.filter((line) => line.startsWith("user")), ["user: First", "user: Second"]);
  assert.equal(lines.at(-1), "assistant: Both.");
  await end(w);
});

test("4: speech that a tool asks for, with a barge-in over it, blocks nothing (agents#4413, #1613, agents-js#725)", async () => {
  const w = world({
    tts: { msPerChar: 60 },
    ears: true,
    llm: [
      { when: { user: "Go" }, toolCalls: [{ name: "work", id: "c1", args: {} }] },
      { when: { user: "Are you there" }, text: "I am." },
      { when: { lastUser: "Stop please" }, text: "Stopped." },
      { text: "Never mind." },
    ],
    agent: {
      tools: [tool({
        name: "work",
        description: "x",
        execute: async (_args, { ctx }) => {
          await (ctx.session as AgentSession).say("This takes a long while, so please be patient with me.");
          await (ctx.session as AgentSession).generateReply({ instructions: "Tell them." });
          return "done";
        },
      })],
    },
  });
  await w.start();
  w.session.generateReply({ userInput: "Go" });
  userSays(w, { from: 1_500, until: 2_500, text: "Stop please" });
  await w.clock.advance(30_000);
  const lines = told(w.session.history.items);
  assert.ok(lines.includes("assistant: Stopped."));
  assert.equal(lines.filter((line) => line === "output c1: done").length, 1);
  await assertAlive(w, "I am.");
  await end(w);
});

test("4: a tool that would wait for its own turn is told so at once, by its handle and by any other of the turn", async () => {
  const codes: string[] = [];
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Done." }],
    agent: {
      tools: [tool({
        name: "work",
        description: "x",
        execute: async (_args, { ctx }) => {
          for (
            const wait of [() => (ctx.speechHandle as SpeechHandle).waitForPlayout(), () => mine.waitForPlayout()]
          ) {
            try {
              await wait();
            } catch (error) {
              codes.push((error as AgentError).code);
            }
          }
        },
      })],
    },
  });
  await w.start();
  const mine = w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(2_000);
  assert.deepEqual(codes, ["speech.circular_wait", "speech.circular_wait"]);
  assert.equal(mine.done(), true);
  await end(w);
});

class Ask extends AgentTask<string> {
  constructor() {
    super({
      instructions: "Ask.",
      tools: [tool({ name: "set", description: "x", execute: () => this.complete("Ann") })],
    });
  }
}

const SET = { when: { user: "Ann" }, toolCalls: [{ name: "set", id: "s1", args: {} }] } as const;

test("5: a tool that hands over, beside one that takes longer than the drain: both are recorded (agents#7268, #6500)", async () => {
  const w = world({
    llm: [{
      when: { user: "Go" },
      toolCalls: [{ name: "leave", id: "c1", args: {} }, { name: "hang", id: "c2", args: {} }],
    }, { text: "Here I am." }],
    agent: {
      tools: [
        tool({ name: "leave", description: "x", execute: () => new Agent({ id: "desk", instructions: "Desk." }) }),
        tool({ name: "hang", description: "x", execute: () => new Promise(() => {}) }),
      ],
    },
  });
  await w.start();
  const run = w.session.generateReply({ userInput: "Go" });
  w.session.updateAgent(new Agent({ id: "next", instructions: "Next." }));
  await w.clock.advance(60_000);
  assert.equal(run.done(), true);
  const visited = w.session.history.items.flatMap((item) => item.type === "agent_handoff" ? [item.newAgentId] : []);
  assert.deepEqual(visited, ["default_agent", "next", "desk"], "both come, in the order in which they were decided");
  const lines = told(w.session.history.items);
  for (const id of ["c1", "c2"]) assert.equal(lines.filter((line) => line.startsWith(`output ${id}`)).length, 1, id);
  await end(w);
});

test("5: `onEnter` that waits for a task which needs the next turn of the user: `run()` ends, the next reaches it (agents#5371)", async () => {
  class Front extends Agent {
    override async onEnter({ run, session }: HookContext): Promise<void> {
      await session.say(`Welcome, ${await run(new Ask())}.`);
    }
  }
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "leave", id: "c1", args: {} }] }, SET, {}],
    agent: { tools: [tool({ name: "leave", description: "x", execute: () => new Front({ instructions: "Front." }) })] },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Go" }));
  assert.equal(w.session.currentAgent.id, "ask");
  const result = await w.until(w.session.run({ userInput: "Ann" }));
  assert.equal(result.events.at(-1)?.type, "message");
  assert.equal(told(w.session.history.items).at(-1), "assistant: Welcome, Ann.");
  await end(w);
});

test("5: a hand-off, a task and a close asked for in any order and at any time all end (agents#6313, #6858, agents-js#2483)", async () => {
  const action = fc.constantFrom("task", "handoff", "toolHandoff", "answer", "interrupt", "say", "complete");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(action, fc.constantFrom(0, 1, 150, 700, 4_000)), { maxLength: 12 }),
      async (plan) => {
        let n = 0;
        let serial = 0;
        const asked: { settled: boolean; error?: unknown }[] = [];
        const guest = (): Agent =>
          new (class extends Agent {
            override onEnter({ session }: HookContext): void {
              session.say("Hello.");
            }
            override async onExit({ session }: HookContext): Promise<void> {
              await session.say("Bye.");
            }
          })({
            id: `guest${n++}`,
            instructions: "Guest.",
            tools: [
              tool({
                name: "ask",
                description: "x",
                execute: async (_args, { ctx }) => {
                  const waiting = ctx.run(new Ask());
                  asked.push(watch(waiting));
                  return await waiting;
                },
              }),
              tool({ name: "leave", description: "x", execute: () => guest() }),
            ],
          });
        const w = world({
          tts: { msPerChar: 20 },
          llm: [
            { when: { user: "task" }, ttftMs: 100, toolCalls: [{ name: "ask", id: "", args: {} }] },
            { when: { user: "toolHandoff" }, ttftMs: 100, toolCalls: [{ name: "leave", id: "", args: {} }] },
            { when: { user: "answer" }, ttftMs: 100, toolCalls: [{ name: "set", id: "", args: {} }] },
            { ttftMs: 100, text: "So it is." },
          ],
        });
        await w.start(guest());
        const handles: SpeechHandle[] = [];
        for (const [what, ms] of plan) {
          try {
            if (what === "handoff") w.session.updateAgent(guest());
            else if (what === "interrupt") void w.session.interrupt({ force: true }).catch(() => {});
            else if (what === "say") handles.push(w.session.say(`Something ${serial++}.`));
            else if (what === "complete") (w.session.currentAgent as Ask).complete?.("Eve");
            else handles.push(w.session.generateReply({ userInput: what }));
          } catch (error) {
            const { code } = error as AgentError;
            assert.ok(["session.closing", "task.already_done"].includes(code), code);
          }
          await w.clock.advance(ms);
        }
        await w.clock.advance(60_000);
        if (w.session.currentAgent instanceof AgentTask) { // it waits for the user, which is not to be wedged
          await w.until(w.session.generateReply({ userInput: "answer" }));
          await w.clock.advance(20_000);
        }
        assert.equal(w.session.agentState, "listening");
        await end(w);
        assert.ok(asked.every(({ settled }) => settled), "whoever waited for a task was answered");
        assert.ok(handles.every((handle) => handle.done()), "every handle is done");
        const calls = w.session.history.items.filter(({ type }) => type === "function_call").length;
        const outputs = w.session.history.items.filter(({ type }) => type === "function_call_output").length;
        assert.equal(outputs, calls, "each call has one output");
      },
    ),
    { numRuns: 60 },
  );
});

test("5: a preemptive reply that is parked when the agent changes is not heard, and the words are answered (agents-js#2349)", async () => {
  const w = world({
    tts: { msPerChar: 20 },
    ears: true,
    llm: [{ when: { user: "Book a table" }, text: "A table, then." }, {}],
    options: { turnHandling: { endpointing: { minDelay: 1_500, maxDelay: 3_000 } } },
  });
  await w.start();
  userSays(w, { from: 100, until: 1_000, text: "Book a table" });
  await w.clock.advance(1_700); // the words are there, a reply is made, and the turn is not over
  w.session.updateAgent(new Agent({ id: "next", instructions: "Next." }));
  await w.clock.advance(20_000);
  assert.deepEqual(told(w.session.history.items), ["user: Book a table", "assistant: A table, then."]);
  assert.equal(w.session.currentAgent.id, "next");
  await end(w);
});

test("6: `close` ends by its deadline whatever hangs, and nothing is armed after it (agents-js#1731, #1100, agents#5602)", async () => {
  class Stuck extends Agent {
    override onExit(): Promise<void> {
      return new Promise(() => {});
    }
  }
  const w = world({
    tts: { hangs: ["Working."], msPerChar: 20 },
    ears: true,
    llm: [{ text: "Working.", toolCalls: [{ name: "hang", id: "c1", args: {} }] }, { hangs: true }],
  });
  await w.start(
    new Stuck({
      instructions: "Stuck.",
      tools: [tool({ name: "hang", description: "x", execute: () => new Promise(() => {}) })],
    }),
  );
  w.session.generateReply({ userInput: "Go" });
  w.session.generateReply({ userInput: "And again" });
  await w.clock.advance(1_000);
  const from = w.clock.now();
  await w.close({ deadline: 3_000 });
  assert.ok(w.clock.now() - from <= 3_000);
  assert.equal(w.events.at(-1)?.type, "close");
  assert.equal(w.clock.armed, 0);
});

// --- B. said wrongly -----------------------------------------------------------------------------------------------

test("7: of a preemptive reply and the one that replaces it one is heard, once (agents-js#2059, #1955, pipecat#5091)", async () => {
  const w = world({
    tts: { msPerChar: 20 },
    ears: true,
    llm: [
      { when: { user: "I want" }, text: "What do you want?" },
      { when: { user: "I want a table" }, text: "A table it is." },
      {},
    ],
    options: { turnHandling: { endpointing: { minDelay: 1_500, maxDelay: 3_000 } } },
  });
  await w.start();
  userSays(w, { from: 100, until: 700, text: "I want" });
  userSays(w, { from: 1_500, until: 2_200, text: "a table" });
  await w.clock.advance(20_000);
  assert.ok(w.llm.requests.length >= 2, "a reply was begun early");
  assert.deepEqual(told(w.session.history.items), ["user: I want a table", "assistant: A table it is."]);
  assert.deepEqual(w.tts.requests.map(({ text }) => text), ["A table it is."]);
  await end(w);
});

test("8: a reply does not begin while the user speaks again (agents#5509, agents-js#2263)", async () => {
  const w = world({ tts: { msPerChar: 50 }, ears: true, llm: [{ ttftMs: 1_600, text: "An answer." }] });
  await w.start();
  userSays(w, { from: 100, until: 1_000, text: "A question" });
  userSays(w, { from: 2_400, until: 4_000, text: "And another" }); // while the model thinks
  await w.clock.advance(4_000);
  assert.deepEqual(w.events.filter((e) => e.type === "agent_state_changed" && e.newState === "speaking"), []);
  await w.clock.advance(15_000);
  assert.equal(told(w.session.history.items).at(-1), "assistant: An answer.");
  await end(w);
});

test("9: a speech that was paused for a noise goes on, and is heard whole (agents#4039, agents-js#2204, #2322)", async () => {
  const w = world({ tts: { msPerChar: 60 }, ears: true, options: { aecWarmupDuration: null } });
  await w.start();
  const handle = w.session.say("This is a long sentence that somebody coughs into while it is said.");
  userSays(w, { from: 1_000, until: 1_700, text: "", interims: false });
  await w.clock.advance(20_000);
  assert.deepEqual([handle.done(), handle.interrupted], [true, false]);
  assert.equal(
    told(w.session.history.items).at(-1),
    "assistant: This is a long sentence that somebody coughs into while it is said.",
  );
  assert.ok(w.events.some((e) => e.type === "agent_false_interruption"));
  await end(w);
});

test("10: a hum of attention leaves the agent the floor (agents#3984, #4019, #4549)", async () => {
  const w = world({ tts: { msPerChar: 60 }, ears: true, options: { aecWarmupDuration: null } });
  await w.start();
  const handle = w.session.say("This is a long story that somebody listens to with attention while it is told.");
  userSays(w, { from: 1_500, until: 2_200, text: "mm-hmm", interims: false });
  await w.clock.advance(20_000);
  assert.deepEqual([handle.done(), handle.interrupted], [true, false]);
  assert.deepEqual(told(w.session.history.items).filter((line) => line.startsWith("user")), []);
  await end(w);
});

test("11: the history holds what was heard: a beginning of what was said, cut at a word (agents#2201, agents-js#1573)", async () => {
  const text = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen.";
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 300, max: 4_500 }), async (at) => {
      const w = world({ tts: { msPerChar: 50 }, captions: true });
      await w.start();
      const handle = w.session.say(text);
      await w.clock.advance(at);
      handle.interrupt();
      await w.clock.advance(5_000);
      const last = w.session.history.items.at(-1);
      const heard = last?.type === "message" ? last.textContent ?? "" : "";
      assert.ok(text.startsWith(heard), heard);
      const share = heard.length / text.length;
      const played = Math.min(1, at / (text.length * 50));
      assert.ok(share <= played + 0.12 && share >= played - 0.2, `${heard.length} of ${text.length} after ${at} ms`);
      await end(w);
    }),
    { numRuns: 25 },
  );
});

test("12: no word of the user is lost: during a hook, over a hand-off, at the close (agents#3119, agents-js#2307)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 500, max: 4_500 }),
      fc.constantFrom("handoff", "close", "interrupt"),
      async (at, what) => {
        class Slow extends Agent {
          override async onUserTurnCompleted(): Promise<void> {
            await later(w, 700);
          }
        }
        const w = world({ tts: { msPerChar: 20 }, ears: true, llm: [{ ttftMs: 300, text: "So." }] });
        await w.start(new Slow({ instructions: "Slow." }));
        userSays(w, { from: 200, until: 1_000, text: "Remember this" });
        await w.clock.advance(at);
        if (what === "handoff") w.session.updateAgent(new Agent({ id: "next", instructions: "Next." }));
        if (what === "interrupt") void w.session.interrupt({ force: true });
        if (what !== "close") await w.clock.advance(20_000);
        await w.close();
        const users = told(w.session.history.items).filter((line) => line.startsWith("user"));
        assert.deepEqual(users, ["user: Remember this"]);
        await w.clock.advance(10_000); // the script goes on talking
        assert.equal(w.clock.armed, 0);
      },
    ),
    { numRuns: 40 },
  );
});

// --- C. tools ------------------------------------------------------------------------------------------------------

test("13: the result of a tool whose turn was cut off is in the next request, so that it is not called again (agents#3702)", async () => {
  let orders = 0;
  const w = world({
    tts: { msPerChar: 60 },
    ears: true,
    llm: [
      {
        when: { user: "Order" },
        text: "I place the order now, wait.",
        toolCalls: [{ name: "order", id: "c1", args: {} }],
      },
      { when: { user: "And then" }, text: "It is ordered." },
    ],
    agent: {
      tools: [tool({
        name: "order",
        description: "x",
        execute: async () => {
          await later(w, 3_000);
          return `order ${++orders}`;
        },
      })],
    },
  });
  await w.start();
  w.session.generateReply({ userInput: "Order" });
  userSays(w, { from: 500, until: 1_300, text: "And then" });
  await w.clock.advance(20_000);
  assert.equal(orders, 1);
  const lines = told(w.session.history.items);
  assert.equal(lines.filter((line) => line === "output c1: order 1").length, 1);
  const last = w.llm.requests.at(-1);
  const pairs = last?.items.filter((item) => "callId" in item && item.callId === "c1").map(({ type }) => type);
  assert.deepEqual(pairs, ["function_call", "function_call_output"]);
  await end(w);
});

test("14: every request pairs each call with one output, whatever became of the call (agents#5092, #1976)", async () => {
  const action = fc.constantFrom("slow", "fails", "quick", "cut", "talk");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(action, fc.constantFrom(0, 200, 1_500, 6_000)), { maxLength: 10 }),
      async (plan) => {
        const call = (name: string) => ({ when: { user: name }, toolCalls: [{ name, id: "", args: {} }] });
        const w = world({
          llm: [call("slow"), call("fails"), call("quick"), { text: "So." }],
          agent: {
            tools: [
              tool({ name: "slow", description: "x", execute: () => later(w, 5_000).then(() => "slow") }),
              tool({ name: "quick", description: "x", execute: () => "quick" }),
              tool({
                name: "fails",
                description: "x",
                execute: () => {
                  throw new Error("secret");
                },
              }),
            ],
          },
        });
        await w.start();
        for (const [what, ms] of plan) {
          if (what === "cut") void w.session.interrupt({ force: true });
          else w.session.generateReply({ userInput: what });
          await w.clock.advance(ms);
        }
        await w.clock.advance(30_000);
        for (const { items } of w.llm.requests) {
          const open = new Map<string, number>();
          for (const item of items) {
            if (item.type === "function_call") {
              assert.equal(open.get(item.callId), undefined, "a call is there once");
              open.set(item.callId, 0);
            }
            if (item.type === "function_call_output") {
              assert.equal(open.get(item.callId), 0, "an output follows its call, once");
              open.set(item.callId, 1);
            }
          }
          assert.ok([...open.values()].every((count) => count === 1), "no call is left open");
        }
        await end(w);
      },
    ),
    { numRuns: 40, examples: [[[["slow", 200], ["fails", 0], ["slow", 0]]]] },
  );
});

test("15: a tool of a reply that nobody will hear does not run (pipecat#4997)", async () => {
  let hangUps = 0;
  const w = world({
    tts: { msPerChar: 20 },
    ears: true,
    llm: [
      { when: { user: "Goodbye" }, toolCalls: [{ name: "hang_up", id: "c1", args: {} }] },
      { when: { user: "Goodbye my friend asked" }, text: "What did he ask?" },
    ],
    agent: { tools: [tool({ name: "hang_up", description: "x", execute: () => void hangUps++ })] },
    options: { turnHandling: { endpointing: { minDelay: 2_000, maxDelay: 3_000 } } },
  });
  await w.start();
  userSays(w, { from: 100, until: 700, text: "Goodbye" });
  userSays(w, { from: 1_800, until: 2_600, text: "my friend asked" });
  await w.clock.advance(20_000);
  assert.ok(w.llm.requests.some(({ items }) => told(items).at(-1) === "user: Goodbye"), "it was begun early");
  assert.equal(hangUps, 0);
  assert.equal(told(w.session.history.items).at(-1), "assistant: What did he ask?");
  await end(w);
});

test("16: a call that is called off has one end, and the agent may leave (pipecat#3661, #5779)", async () => {
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "hang", id: "c1", args: {} }] }, { text: "So." }],
    agent: { tools: [tool({ name: "hang", description: "x", execute: () => new Promise(() => {}) })] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(500);
  handle.interrupt();
  w.session.updateAgent(new Agent({ id: "next", instructions: "Next." }));
  await w.clock.advance(30_000);
  assert.equal(w.session.currentAgent.id, "next");
  assert.deepEqual(told(w.session.history.items).filter((line) => line.startsWith("output c1")).length, 1);
  const { items } = (await w.until(w.session.run({ userInput: "Anything running" })), w.llm.requests.at(-1)) ?? {};
  assert.ok(!JSON.stringify(items).includes("in progress"));
  await end(w);
});

test("16: a task that is called off is over for everybody (agents#6071)", async () => {
  const seen: unknown[] = [];
  const task = new Ask();
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "ask", id: "c1", args: {} }] }, { text: "So." }],
    agent: {
      tools: [tool({
        name: "ask",
        description: "x",
        execute: (_args, { ctx }) => ctx.run(task).catch((error: unknown) => void seen.push(error)),
      })],
    },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Go" }));
  task.cancel();
  await w.clock.advance(5_000);
  assert.ok(seen[0] instanceof TaskCancelledError);
  assert.equal(w.session.currentAgent, w.agent);
  await end(w);
});

test("17: the model is told what is wrong with its arguments, and cannot go on for ever (agents-js#1606)", async () => {
  const outputs: string[] = [];
  const w = world({
    llm: [{ toolCalls: [{ name: "book", id: "", args: { seats: "two" } }] }],
    agent: {
      tools: [tool({
        name: "book",
        description: "x",
        parameters: {
          jsonSchema: { type: "object", properties: { seats: { type: "number" } } },
          schema: {
            "~standard": {
              version: 1,
              vendor: "test",
              validate: (value: unknown) =>
                typeof (value as { seats: unknown }).seats === "number"
                  ? { value }
                  : { issues: [{ message: "must be a number", path: ["seats"] }] },
            },
          },
        },
        execute: () => "booked",
      })],
    },
    options: { maxToolSteps: 100 },
  });
  w.session.on("function_tools_executed", ({ functionCallOutputs }) => {
    for (const { output } of functionCallOutputs) outputs.push(output);
  });
  await w.start();
  const over = watch(w.session.generateReply({ userInput: "Book" }));
  await w.clock.advance(60_000);
  assert.equal(over.settled, true);
  assert.ok(outputs.length >= 1 && outputs.length <= 5, `${outputs.length} rounds`);
  assert.match(outputs[0] as string, /seats.*must be a number/s);
  await end(w);
});
