import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import type { AgentError } from "../../src/base/error.ts";
import { Agent, type HookContext } from "../../src/session/agent.ts";
import { AgentTask, TaskCancelledError } from "../../src/session/agent_task.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import type { ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { tool } from "../../src/tool/define.ts";
import { ToolError } from "../../src/tool/error.ts";
import type { AnyTool } from "../../src/tool/tool.ts";
import { refusesWith, told, userSays, watch, type World, world } from "./harness.ts";

/** Asks for a name, and completes with it when the model calls `set_<id>`. */
class AskName extends AgentTask<string> {
  readonly hooks: string[] = [];

  constructor(id = "ask_name", tools: readonly AnyTool[] = []) {
    super({
      id,
      instructions: `Ask (${id}).`,
      tools: [
        tool({
          name: `set_${id}`,
          description: "The name.",
          parameters: { type: "object", properties: { name: { type: "string" } } },
          execute: (args) => this.complete((args as { name: string }).name),
        }),
        ...tools,
      ],
    });
  }
  override onEnter({ session }: HookContext): void {
    this.hooks.push("enter");
    session.say("Your name?");
  }
  override onExit(): void {
    this.hooks.push("exit");
  }
}

/** A tool that waits for a task and answers with what it came to. */
function asks(make: () => AgentTask<string>, o: { name?: string; seen?: unknown[] } = {}): AnyTool {
  return tool({
    name: o.name ?? "book",
    description: "Books a table.",
    execute: async (_args, { ctx }) => {
      try {
        return `Booked for ${await ctx.run(make())}.`;
      } catch (error) {
        o.seen?.push(error);
        throw error;
      }
    },
  });
}

const BOOK: ScriptedReply = { when: { user: "Book" }, ttftMs: 100, toolCalls: [{ name: "book", id: "c1", args: {} }] };
const ANN: ScriptedReply = {
  when: { user: "Ann" },
  ttftMs: 100,
  toolCalls: [{ name: "set_ask_name", id: "c2", args: { name: "Ann" } }],
};
const DONE: ScriptedReply = { ttftMs: 100, text: "All done." };

function handoffs(w: World): string[] {
  return w.session.history.items.flatMap((item) =>
    item.type === "agent_handoff" ? [`${item.oldAgentId ?? "-"}>${item.newAgentId}`] : []
  );
}

async function end(w: World): Promise<void> {
  await w.close();
  assert.equal(w.clock.armed, 0);
}

test("a tool waits for a task over two runs; the agent speaks the result, and knows what was said", async () => {
  let task: AskName | undefined;
  const w = world({
    llm: [BOOK, ANN, DONE],
    agent: { tools: [asks(() => task = new AskName())] },
    trace: true,
  });
  await w.start();
  const first = await w.until(w.session.run({ userInput: "Book" }));
  assert.deepEqual(first.events.map(({ type }) => type), ["function_call", "agent_handoff", "message"]);
  assert.equal(w.session.currentAgent, task);
  const second = await w.until(w.session.run({ userInput: "Ann" }));
  assert.equal(w.session.currentAgent, w.agent);
  assert.deepEqual(second.events.map(({ type }) => type), [
    "function_call",
    "function_call_output",
    "agent_handoff",
    "function_call_output",
    "message",
  ]);
  assert.deepEqual(handoffs(w), ["->default_agent", "default_agent>ask_name", "ask_name>default_agent"]);
  assert.deepEqual(told(w.agent.chatCtx.items), [
    "user: Book",
    "call book c1 {}",
    "assistant: Your name?",
    "user: Ann",
    "output c1: Booked for Ann.",
    "assistant: All done.",
  ]);
  assert.deepEqual(task?.hooks, ["enter", "exit"]);
  await end(w);
});

test("with `preserveFunctionCallHistory` whoever waited sees the task's calls too", async () => {
  class Keeps extends AgentTask<string> {
    constructor() {
      super({
        instructions: "Ask.",
        preserveFunctionCallHistory: true,
        tools: [tool({ name: "set_ask_name", description: "x", execute: () => this.complete("Ann") })],
      });
    }
  }
  const w = world({ llm: [BOOK, ANN, DONE], agent: { tools: [asks(() => new Keeps())] } });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  await w.until(w.session.run({ userInput: "Ann" }));
  assert.ok(told(w.agent.chatCtx.items).includes("output c2: "));
  await end(w);
});

test("an error that the task completes with is thrown where it was waited for", async () => {
  const seen: unknown[] = [];
  const error = new ToolError("The caller hung up.");
  const failing = tool({
    name: "fail",
    description: "x",
    execute: () => (w.session.currentAgent as AskName).complete(error),
  });
  const w = world({
    llm: [BOOK, { when: { user: "No" }, toolCalls: [{ name: "fail", id: "c2", args: {} }] }, DONE],
    agent: { tools: [asks(() => new AskName("ask_name", [failing]), { seen })] },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  await w.until(w.session.run({ userInput: "No" }));
  assert.deepEqual(seen, [error]);
  assert.ok(told(w.session.history.items).includes("output c1 error: The caller hung up."));
  await end(w);
});

test("tasks may wait for tasks: each is answered by the one above it", async () => {
  const inner = new AskName("inner");
  const outer = new AskName("outer", [asks(() => inner, { name: "confirm" })]);
  const w = world({
    llm: [
      BOOK,
      { when: { user: "Go deeper" }, toolCalls: [{ name: "confirm", id: "c2", args: {} }] },
      { when: { user: "Inner" }, toolCalls: [{ name: "set_inner", id: "c3", args: { name: "I" } }] },
      { when: { output: "Booked for I." }, text: "Confirmed." },
      { when: { user: "Outer" }, toolCalls: [{ name: "set_outer", id: "c4", args: { name: "O" } }] },
      DONE,
    ],
    agent: { tools: [asks(() => outer)] },
  });
  await w.start();
  for (const userInput of ["Book", "Go deeper", "Inner", "Outer"]) await w.until(w.session.run({ userInput }));
  assert.deepEqual(handoffs(w), [
    "->default_agent",
    "default_agent>outer",
    "outer>inner",
    "inner>outer",
    "outer>default_agent",
  ]);
  assert.deepEqual([outer.hooks, inner.hooks], [["enter", "exit"], ["enter", "exit"]]);
  assert.deepEqual(told(w.agent.chatCtx.items).filter((line) => line.startsWith("assistant")), [
    "assistant: Your name?",
    "assistant: Your name?",
    "assistant: Confirmed.",
    "assistant: All done.",
  ]);
  await end(w);
});

test("tasks that are asked for in parallel come one after the other, and both tools have their outputs", async () => {
  const w = world({
    llm: [
      {
        when: { user: "Book" },
        toolCalls: [{ name: "book", id: "c1", args: {} }, { name: "order", id: "c2", args: {} }],
      },
      { when: { user: "A" }, toolCalls: [{ name: "set_first", id: "c3", args: { name: "A" } }] },
      { when: { user: "B" }, toolCalls: [{ name: "set_second", id: "c4", args: { name: "B" } }] },
      DONE,
    ],
    agent: { tools: [asks(() => new AskName("first")), asks(() => new AskName("second"), { name: "order" })] },
  });
  await w.start();
  for (const userInput of ["Book", "A", "B"]) await w.until(w.session.run({ userInput }));
  assert.deepEqual(handoffs(w), [
    "->default_agent",
    "default_agent>first",
    "first>default_agent",
    "default_agent>second",
    "second>default_agent",
  ]);
  const lines = told(w.session.history.items);
  assert.ok(lines.includes("output c1: Booked for A.") && lines.includes("output c2: Booked for B."));
  assert.equal(lines.at(-1), "assistant: All done.");
  await end(w);
});

test("one tool may wait for several tasks at once", async () => {
  const both = tool({
    name: "book",
    description: "x",
    execute: async (_args, { ctx }) =>
      (await Promise.all([ctx.run(new AskName("first")), ctx.run(new AskName("second"))])).join(" and "),
  });
  const w = world({
    llm: [
      BOOK,
      { when: { user: "A" }, toolCalls: [{ name: "set_first", id: "c3", args: { name: "A" } }] },
      { when: { user: "B" }, toolCalls: [{ name: "set_second", id: "c4", args: { name: "B" } }] },
      DONE,
    ],
    agent: { tools: [both] },
  });
  await w.start();
  for (const userInput of ["Book", "A", "B"]) await w.until(w.session.run({ userInput }));
  assert.ok(told(w.session.history.items).includes("output c1: A and B"));
  await end(w);
});

test("a task of `onEnter`: the next run reaches it, and `onEnter` goes on when it is over", async () => {
  const names: string[] = [];
  class Front extends Agent {
    override async onEnter({ run, session }: HookContext): Promise<void> {
      names.push(await run(new AskName()));
      await session.say("Welcome.");
      names.push("greeted");
    }
  }
  const w = world({ llm: [ANN, DONE] });
  await w.start(new Front({ instructions: "Front." }));
  assert.equal(w.session.currentAgent.id, "ask_name");
  const result = await w.until(w.session.run({ userInput: "Ann" }));
  assert.deepEqual(names, ["Ann", "greeted"]);
  assert.equal(w.session.currentAgent.id, "front");
  assert.deepEqual(result.events.map(({ type }) => type).slice(-2), ["agent_handoff", "message"]);
  await end(w);
});

test("a task of `onExit` comes before the hand-off", async () => {
  const names: string[] = [];
  class Front extends Agent {
    override async onExit({ run }: HookContext): Promise<void> {
      names.push(await run(new AskName()));
    }
  }
  const w = world({ llm: [ANN, DONE] });
  await w.start(new Front({ instructions: "Front." }));
  w.session.updateAgent(new Agent({ id: "next", instructions: "Next." }));
  await w.clock.advance(60_000); // longer than a hook may take: people may
  assert.deepEqual(handoffs(w), ["->front", "front>ask_name"]);
  await w.until(w.session.run({ userInput: "Ann" }));
  assert.deepEqual(names, ["Ann"]);
  assert.equal(handoffs(w).at(-1), "ask_name>next");
  await end(w);
});

test("bare `task.run()` finds its tool, where the place has ambient storage", async () => {
  const w = world({
    llm: [BOOK, ANN, DONE],
    agent: {
      tools: [tool({ name: "book", description: "x", execute: async () => `For ${await new AskName().run()}.` })],
    },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  await w.until(w.session.run({ userInput: "Ann" }));
  assert.ok(told(w.session.history.items).includes("output c1: For Ann."));
  await end(w);
});

test("a task that nobody can wait for is refused with a code", async () => {
  const refusals: unknown[] = [];
  let late: HookContext["run"] | undefined;
  class Front extends Agent {
    override onEnter({ run }: HookContext): void {
      late = run;
    }
    override async onUserTurnCompleted(_ctx: unknown, _message: unknown, { run }: HookContext): Promise<void> {
      await run(new AskName()).catch((error: unknown) => refusals.push(error));
      await new AskName().run().catch((error: unknown) => refusals.push(error));
    }
  }
  const w = world({ ears: true, tts: {} });
  await refusesWith("task.no_context", () => new AskName().run());
  await w.start(new Front({ instructions: "Front." }));
  userSays(w, { from: 100, until: 1_000, text: "Hello" });
  await w.clock.advance(5_000);
  assert.deepEqual(refusals.map((error) => (error as AgentError).code), ["task.no_context", "task.no_context"]);
  await refusesWith("task.no_context", () => late?.(new AskName()));
  await end(w);
});

test("a task runs once, and completes once", async () => {
  const seen: unknown[] = [];
  const task = new AskName();
  const again = tool({
    name: "again",
    description: "x",
    execute: async (_args, { ctx }) => void await ctx.run(task).catch((error: unknown) => seen.push(error)),
  });
  const w = world({
    llm: [BOOK, ANN, { when: { output: "Booked for Ann." }, toolCalls: [{ name: "again", id: "c3", args: {} }] }, DONE],
    agent: { tools: [asks(() => task), again] },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  await w.until(w.session.run({ userInput: "Ann" }));
  assert.deepEqual(seen.map((error) => (error as AgentError).code), ["task.already_run"]);
  assert.equal(task.done, true);
  await refusesWith("task.already_done", () => task.complete("Eve"));
  await end(w);
});

test("a task that has its result before it is waited for gives it, and does not come on stage", async () => {
  const task = new AskName();
  task.complete("Eve");
  const w = world({ llm: [BOOK, DONE], agent: { tools: [asks(() => task)] } });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  assert.ok(told(w.session.history.items).includes("output c1: Booked for Eve."));
  assert.deepEqual(task.hooks, []);
  await end(w);
});

test("while a task is there, the speech that waits for it cannot be cut off; then it is as it was", async () => {
  const holds: boolean[] = [];
  let handle: SpeechHandle | undefined;
  const w = world({
    llm: [BOOK, ANN, DONE],
    agent: {
      tools: [tool({
        name: "book",
        description: "x",
        execute: async (_args, { ctx }) => {
          handle = ctx.speechHandle as SpeechHandle;
          const waiting = ctx.run(new AskName());
          holds.push(handle.allowInterruptions);
          await waiting;
          holds.push(handle.allowInterruptions);
        },
      })],
    },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  await refusesWith("speech.not_interruptible", () => handle?.interrupt());
  await w.until(w.session.run({ userInput: "Ann" }));
  assert.deepEqual(holds, [false, true]);
  await end(w);
});

test("what the agent was saying is heard whole before the task comes on", async () => {
  const w = world({
    tts: { msPerChar: 50 },
    llm: [{ ...BOOK, text: "One moment, please." }, ANN, DONE],
    agent: { tools: [asks(() => new AskName())] },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  assert.deepEqual(told(w.session.history.items).filter((line) => line.startsWith("assistant")), [
    "assistant: One moment, please.",
    "assistant: Your name?",
  ]);
  await end(w);
});

test("the user speaks with the task, by voice, and what is said while agents change is answered once", async () => {
  const w = world({
    tts: { msPerChar: 50 },
    ears: true,
    llm: [BOOK, ANN, DONE],
    agent: { tools: [asks(() => new AskName())] },
  });
  await w.start();
  userSays(w, { from: 500, until: 1_000, text: "Book" });
  userSays(w, { from: 5_000, until: 5_500, text: "Ann" });
  await w.clock.advance(15_000);
  assert.deepEqual(told(w.session.history.items), [
    "user: Book",
    "call book c1 {}",
    "assistant: Your name?",
    "user: Ann",
    'call set_ask_name c2 {"name":"Ann"}',
    "output c2: ",
    "output c1: Booked for Ann.",
    "assistant: All done.",
  ]);
  await end(w);
});

test("`cancel` cuts the task off and tells whoever waits", async () => {
  const seen: unknown[] = [];
  const task = new AskName();
  const w = world({ llm: [BOOK, DONE], agent: { tools: [asks(() => task, { seen })] } });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  task.cancel();
  task.cancel();
  await w.clock.advance(1_000);
  assert.ok(seen[0] instanceof TaskCancelledError && seen[0] instanceof ToolError);
  assert.equal(w.session.currentAgent, w.agent);
  assert.equal(told(w.session.history.items).at(-1), "assistant: All done.");
  await end(w);
});

test("a tool that returns without its task calls the task off", async () => {
  let rejected: unknown;
  const impatient = tool({
    name: "book",
    description: "x",
    execute: async (_args, { ctx }) => {
      void ctx.run(new AskName()).catch((error: unknown) => (rejected = error));
      await new Promise<void>((go) => w.clock.schedule(w.clock.now() + 2_000, go));
      return "Without a name, then.";
    },
  });
  const w = world({ llm: [BOOK, DONE], agent: { tools: [impatient] } });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  assert.equal(w.session.currentAgent.id, "ask_name");
  await w.clock.advance(5_000);
  assert.ok(rejected instanceof TaskCancelledError);
  assert.equal(w.session.currentAgent, w.agent);
  assert.equal(told(w.session.history.items).at(-1), "assistant: All done.");
  await end(w);
});

test("another agent takes over from a task: whoever waited is told, leaves too, and says nothing more", async () => {
  const seen: unknown[] = [];
  const exits: string[] = [];
  class Front extends Agent {
    override onExit(): void {
      exits.push("front");
    }
  }
  const task = new AskName();
  const w = world({ llm: [BOOK, DONE] });
  await w.start(new Front({ instructions: "Front.", tools: [asks(() => task, { seen })] }));
  await w.until(w.session.run({ userInput: "Book" }));
  w.session.updateAgent(new Agent({ id: "desk", instructions: "Desk." }));
  await w.clock.advance(1_000);
  assert.ok(seen[0] instanceof TaskCancelledError);
  assert.deepEqual([task.hooks, exits], [["enter", "exit"], ["front"]]);
  assert.deepEqual(handoffs(w), ["->front", "front>ask_name", "ask_name>desk"]);
  assert.deepEqual(told(w.session.history.items), [
    "user: Book",
    "call book c1 {}",
    "assistant: Your name?",
    "output c1 error: The task was called off.",
  ]);
  await end(w);
});

test("closing while two tasks are nested ends each once, from the inside out, and leaves no promise open", async () => {
  const exits: string[] = [];
  class Root extends Agent {
    override onExit(): void {
      exits.push("root");
    }
  }
  class Nested extends AskName {
    override onExit(): void {
      exits.push(this.id);
    }
  }
  const seen: unknown[] = [];
  const outer = new Nested("outer", [asks(() => new Nested("inner"), { name: "confirm", seen })]);
  const w = world({
    llm: [BOOK, { when: { user: "Deeper" }, toolCalls: [{ name: "confirm", id: "c2", args: {} }] }, DONE],
  });
  await w.start(new Root({ instructions: "Root.", tools: [asks(() => outer, { seen })] }));
  await w.until(w.session.run({ userInput: "Book" }));
  await w.until(w.session.run({ userInput: "Deeper" }));
  await end(w);
  assert.deepEqual(exits, ["inner", "outer", "root"]);
  assert.deepEqual(seen.map((error) => error instanceof TaskCancelledError), [true, true]);
  const lines = told(w.session.history.items);
  assert.equal(lines.filter((line) => line.startsWith("output c1")).length, 1);
  assert.equal(lines.filter((line) => line.startsWith("output c2")).length, 1);
});

test("closing while `onEnter` waits for a task ends, and the hook is told", async () => {
  const seen: unknown[] = [];
  class Front extends Agent {
    override async onEnter({ run }: HookContext): Promise<void> {
      await run(new AskName()).catch((error: unknown) => seen.push(error));
    }
  }
  const w = world();
  await w.start(new Front({ instructions: "Front." }));
  await end(w);
  assert.ok(seen[0] instanceof TaskCancelledError);
});

test("a task that is asked for while the session closes is refused", async () => {
  const seen: unknown[] = [];
  class Front extends Agent {
    override async onExit({ run }: HookContext): Promise<void> {
      await run(new AskName()).catch((error: unknown) => seen.push(error));
    }
  }
  const w = world();
  await w.start(new Front({ instructions: "Front." }));
  await end(w);
  assert.ok(seen[0] instanceof TaskCancelledError);
});

test("a task asked for by a tool of a later turn does not wait for the tool of an earlier one", async () => {
  const w = world({
    llm: [
      BOOK,
      { when: { user: "Order" }, toolCalls: [{ name: "order", id: "c2", args: {} }] },
      { when: { user: "A" }, toolCalls: [{ name: "set_first", id: "c3", args: { name: "A" } }] },
      { when: { output: "Booked for A." }, text: "First booked." },
      { when: { user: "B" }, toolCalls: [{ name: "set_second", id: "c4", args: { name: "B" } }] },
      DONE,
    ],
    agent: {
      tools: [
        tool({
          name: "book",
          description: "x",
          execute: async (_args, { ctx }) => {
            await new Promise<void>((go) => w.clock.schedule(w.clock.now() + 3_000, go));
            return `Booked for ${await ctx.run(new AskName("second"))}.`;
          },
        }),
        asks(() => new AskName("first"), { name: "order" }),
      ],
    },
  });
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(1_000);
  w.session.generateReply({ userInput: "Order" });
  await w.clock.advance(20_000);
  assert.equal(w.session.currentAgent.id, "first");
  await w.until(w.session.run({ userInput: "A" }));
  await w.clock.advance(1_000);
  assert.equal(w.session.currentAgent.id, "second");
  await w.until(w.session.run({ userInput: "B" }));
  assert.equal(w.session.currentAgent, w.agent);
  assert.equal(told(w.session.history.items).at(-1), "assistant: All done.");
  await end(w);
});

test("a task that completes in its own `onEnter`", async () => {
  class Knows extends AgentTask<string> {
    override onEnter(): void {
      this.complete("Eve");
    }
  }
  const w = world({ llm: [BOOK, DONE], agent: { tools: [asks(() => new Knows({ instructions: "Knows." }))] } });
  await w.start();
  const result = await w.until(w.session.run({ userInput: "Book" }));
  assert.deepEqual(result.events.map(({ type }) => type), [
    "function_call",
    "agent_handoff",
    "agent_handoff",
    "function_call_output",
    "message",
  ]);
  await end(w);
});

test("an outer task that completes while an inner one is there takes the inner one with it", async () => {
  const seen: unknown[] = [];
  const inner = new AskName("inner");
  const outer = new AskName("outer", [asks(() => inner, { name: "confirm", seen })]);
  const w = world({
    llm: [BOOK, { when: { user: "Deeper" }, toolCalls: [{ name: "confirm", id: "c2", args: {} }] }, DONE],
    agent: { tools: [asks(() => outer)] },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Book" }));
  await w.until(w.session.run({ userInput: "Deeper" }));
  outer.complete("O");
  await w.clock.advance(2_000);
  assert.ok(seen[0] instanceof TaskCancelledError);
  assert.equal(w.session.currentAgent, w.agent);
  assert.ok(told(w.session.history.items).includes("output c1: Booked for O."));
  await end(w);
});

test("a task as the first agent: what it completes with in a tool is the run's final output", async () => {
  const w = world({ llm: [ANN] });
  await w.start(new AskName());
  const result = await w.until(w.session.run({ userInput: "Ann" }));
  assert.equal(result.finalOutput, "Ann");
  await end(w);
});

test("a task as the first agent that completes with an error rejects the run", async () => {
  const failing = tool({ name: "fail", description: "x", execute: () => task.complete(new Error("none")) });
  const task = new AskName("ask_name", [failing]);
  const w = world({ llm: [{ toolCalls: [{ name: "fail", id: "c1", args: {} }] }] });
  await w.start(task);
  await w.clock.advance(100);
  await assert.rejects(w.until(w.session.run({ userInput: "No" })), /none/);
  await end(w);
});

test("nobody is away while a task's tool works, but a user who does not answer a task is", async () => {
  const w = world({
    tts: {},
    ears: true,
    llm: [BOOK, DONE],
    agent: { tools: [asks(() => new AskName())] },
    options: { userAwayTimeout: 5_000 },
  });
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(12_000);
  assert.equal(w.session.userState, "away");
  assert.equal(w.session.agentState, "listening");
  await end(w);
});

test("words that end while a task is about to come are answered by the task", async () => {
  const w = world({
    tts: { msPerChar: 50 },
    ears: true,
    llm: [{ ...BOOK, text: "One moment, please, I look for it." }, ANN, DONE],
    agent: { tools: [asks(() => new AskName())] },
  });
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  userSays(w, { from: 500, until: 1_200, text: "Ann" }); // while it says that it looks
  await w.clock.advance(20_000);
  const users = told(w.session.history.items).filter((line) => line.startsWith("user"));
  assert.deepEqual(users, ["user: Book", "user: Ann"]);
  assert.ok(told(w.session.history.items).includes("output c1: Booked for Ann."));
  await end(w);
});

test("equal seeds give equal traces, with tasks", async () => {
  const play = async (): Promise<string> => {
    const w = world({
      runtime: virtualRuntime({ seed: 5 }),
      trace: true,
      llm: [BOOK, ANN, DONE],
      agent: { tools: [asks(() => new AskName())] },
    });
    await w.start();
    await w.until(w.session.run({ userInput: "Book" }));
    await w.until(w.session.run({ userInput: "Ann" }));
    await w.close();
    return JSON.stringify(w.trace, (_key, value) => value instanceof Set ? [...value] : value);
  };
  assert.equal(await play(), await play());
});

test("a handle that its own tool waits for refuses, however it was reached", async () => {
  const codes: unknown[] = [];
  const w = world({
    llm: [BOOK, DONE],
    agent: {
      tools: [tool({
        name: "book",
        description: "x",
        execute: () => {
          try {
            return void mine.waitForPlayout();
          } catch (error) {
            codes.push((error as AgentError).code);
          }
        },
      })],
    },
  });
  await w.start();
  const mine = w.session.generateReply({ userInput: "Book" });
  const over = watch(mine);
  await w.clock.advance(2_000);
  assert.deepEqual(codes, ["speech.circular_wait"]);
  assert.equal(over.settled, true);
  await end(w);
});

test("a tool of another turn that never ends holds a task up for 10 s at most, and its result is stored later", async () => {
  const w = world({
    llm: [
      { when: { user: "Wait" }, toolCalls: [{ name: "hang", id: "c0", args: {} }] },
      BOOK,
      ANN,
      DONE,
    ],
    agent: {
      tools: [
        asks(() => new AskName()),
        tool({
          name: "hang",
          description: "x",
          execute: () => new Promise((go) => void w.clock.schedule(w.clock.now() + 60_000, () => go("late"))),
        }),
      ],
    },
  });
  await w.start();
  const waiting = w.session.generateReply({ userInput: "Wait" });
  await w.clock.advance(500);
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(9_000);
  assert.equal(w.session.currentAgent, w.agent);
  await w.clock.advance(2_000);
  assert.equal(w.session.currentAgent.id, "ask_name");
  await w.clock.advance(60_000); // it ends below the task: its reply waits until the agent is back
  assert.equal(waiting.done(), false);
  assert.equal(told(w.session.history.items).includes("output c0: late"), true);
  await w.until(w.session.run({ userInput: "Ann" }));
  await w.clock.advance(5_000);
  assert.equal(waiting.done(), true);
  assert.equal(told(w.session.history.items).filter((line) => line === "assistant: All done.").length, 2);
  await end(w);
});

test("while `onExit` waits for a task, runs end and begin, though an agent is to come", async () => {
  class Front extends Agent {
    override async onExit({ run }: HookContext): Promise<void> {
      await run(new AskName());
    }
  }
  const w = world({ llm: [{ when: { user: "Why" }, text: "I need it." }, ANN, DONE] });
  await w.start(new Front({ instructions: "Front." }));
  w.session.updateAgent(new Agent({ id: "next", instructions: "Next." }));
  await w.clock.advance(100);
  const result = await w.until(w.session.run({ userInput: "Why" }));
  assert.deepEqual(result.events.map(({ type }) => type), ["message"]);
  await w.until(w.session.run({ userInput: "Ann" }));
  assert.equal(w.session.currentAgent.id, "next");
  await end(w);
});
