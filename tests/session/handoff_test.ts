import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { summarize } from "../../src/chat/summary.ts";
import { Agent, type HookContext } from "../../src/session/agent.ts";
import { AgentTask } from "../../src/session/agent_task.ts";
import { SPEECH_PRIORITY_HIGH, SPEECH_PRIORITY_LOW, type SpeechHandle } from "../../src/session/speech_handle.ts";
import { tool } from "../../src/tool/define.ts";
import { toolset } from "../../src/tool/define.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { parseTrace, replay } from "../../src/trace/replay.ts";
import { refusesWith, told, userSays, watch, type World, world } from "./harness.ts";

/** Says that it is there. */
class Guest extends Agent {
  constructor(id: string) {
    super({ id, instructions: `You are ${id}.` });
  }
  override onEnter({ session }: HookContext): void {
    session.say(`I am ${this.id}.`);
  }
}

/** Takes its time to say goodbye. */
class Leaving extends Agent {
  override async onExit({ session }: HookContext): Promise<void> {
    void session.say("A goodbye that takes a while to be said.");
    await Promise.resolve();
  }
}

async function end(w: World): Promise<void> {
  await w.close();
  assert.equal(w.clock.armed, 0);
}

test("what is asked for while an agent leaves is said by the one that comes, behind its greeting", async () => {
  const w = world({ tts: { msPerChar: 50 }, llm: [{ text: "An answer." }] });
  await w.start(new Leaving({ instructions: "Leaving." }));
  w.session.updateAgent(new Guest("next"));
  await w.clock.advance(500); // the goodbye is being said, and nothing more is taken
  const said = w.session.say("Something more.");
  const run = w.session.run({ userInput: "A question" });
  assert.equal(said.done(), false);
  const result = await w.until(run);
  assert.deepEqual(told(w.session.history.items), [
    "assistant: A goodbye that takes a while to be said.",
    "user: A question", // written when it reached an agent
    "assistant: I am next.",
    "assistant: Something more.",
    "assistant: An answer.",
  ]);
  assert.deepEqual(result.events.map(({ type }) => type), [
    "message",
    "agent_handoff",
    "message",
    "message",
    "message",
  ]);
  const { items } = w.llm.requests.at(-1) ?? { items: [] };
  assert.ok(
    items.some((item) => item.type === "message" && item.textContent === "You are next."),
    "it is asked as itself",
  );
  await end(w);
});

test("what is asked for while toolsets are set up is said as soon as the agent is there", async () => {
  const slow = toolset({
    id: "slow",
    tools: [],
    setup: () => new Promise<void>((go) => void w.clock.schedule(w.clock.now() + 1_000, go)),
  });
  const w = world({ agent: { tools: [slow] } });
  const started = w.session.start({ agent: w.agent });
  await w.clock.advance(100);
  const handle = w.session.say("Good morning.");
  await w.until(started);
  await w.until(handle);
  assert.deepEqual([handle.interrupted, told(w.session.history.items)], [false, ["assistant: Good morning."]]);
  await end(w);
});

test("what is asked for while a task is about to come is said by the task", async () => {
  class Ask extends AgentTask<string> {}
  const w = world({
    tts: { msPerChar: 50 },
    llm: [{ text: "One moment, I have to ask somebody.", toolCalls: [{ name: "ask", id: "c1", args: {} }] }, {}],
    agent: {
      tools: [
        tool({ name: "ask", description: "x", execute: (_a, { ctx }) => ctx.run(new Ask({ instructions: "Ask." })) }),
      ],
    },
  });
  await w.start();
  w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(500);
  const handle = w.session.say("Who is it?");
  await w.until(handle);
  assert.equal(w.session.currentAgent.id, "ask");
  assert.deepEqual(told(w.session.currentAgent.chatCtx.items), ["assistant: Who is it?"]);
  await end(w);
});

test("what is asked for an agent that never comes is over at the close, and so is what is cut off before it came", async () => {
  const w = world({ tts: { msPerChar: 50 } });
  await w.start(new Leaving({ instructions: "Leaving." }));
  w.session.updateAgent(new Guest("next"));
  await w.clock.advance(500);
  const cut = w.session.say("Never heard.");
  const left = w.session.say("Neither.");
  cut.interrupt();
  const overs = [watch(cut), watch(left)];
  await end(w);
  assert.ok(overs.every(({ settled }) => settled) && cut.interrupted && left.interrupted);
  assert.deepEqual(
    told(w.session.history.items).filter((line) => line.includes("ever") || line.includes("either")),
    [],
  );
});

test("interrupting everything cuts off what waits for the next agent too, but not what is protected", async () => {
  const w = world({ tts: { msPerChar: 50 } });
  await w.start(new Leaving({ instructions: "Leaving." }));
  w.session.updateAgent(new Guest("next"));
  await w.clock.advance(500);
  const cut = w.session.say("Not this.");
  const kept = w.session.say("But this.", { allowInterruptions: false });
  void w.session.interrupt().catch(() => {});
  await w.clock.advance(10_000);
  assert.deepEqual([cut.interrupted, kept.interrupted], [true, false]);
  assert.equal(told(w.session.history.items).at(-1), "assistant: But this.");
  await end(w);
});

test("words that are said while agents change, by voice, are answered by the one that comes, once", async () => {
  for (let at = 300; at <= 4_300; at += 250) {
    const w = world({ tts: { msPerChar: 50 }, ears: true, llm: [{ ttftMs: 100, text: "Yes." }] });
    await w.start(new Leaving({ instructions: "Leaving." }));
    userSays(w, { from: 1_000, until: 1_900, text: "Is anybody there" });
    await w.clock.advance(at);
    w.session.updateAgent(new Guest("next"));
    await w.clock.advance(25_000);
    const lines = told(w.session.history.items);
    assert.equal(lines.filter((line) => line === "user: Is anybody there").length, 1, `at ${at}`);
    assert.equal(lines.filter((line) => line === "assistant: Yes.").length, 1, `at ${at}`);
    await end(w);
  }
});

test("a tool that ends before, during and after a hand-off has its result in the history, once", async () => {
  for (const ms of [100, 900, 3_000, 9_000, 30_000]) {
    const w = world({
      tts: { msPerChar: 20 },
      llm: [{ when: { user: "Go" }, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "So." }],
      agent: {
        tools: [tool({
          name: "work",
          description: "x",
          execute: () => new Promise((go) => void w.clock.schedule(w.clock.now() + ms, () => go("worked"))),
        })],
      },
    });
    await w.start();
    w.session.generateReply({ userInput: "Go" });
    await w.clock.advance(800);
    w.session.updateAgent(new Guest("next"));
    await w.clock.advance(60_000);
    assert.equal(w.session.currentAgent.id, "next");
    const outputs = told(w.session.history.items).filter((line) => line.startsWith("output c1"));
    assert.equal(outputs.length, 1, `${ms} ms`);
    assert.equal(outputs[0] === "output c1: worked", ms <= 9_000, `${ms} ms: ${outputs[0]}`);
    await end(w);
  }
});

test("the history is carried over by giving the next agent a copy, without the old one's instructions", async () => {
  const w = world({ llm: [{ text: "So." }] });
  const leave = tool({
    name: "leave",
    description: "x",
    execute: () =>
      new Agent({
        id: "next",
        instructions: "You are next.",
        chatCtx: w.agent.chatCtx.copy({ excludeInstructions: true, excludeFunctionCall: true }),
      }),
  });
  w.agent.updateTools([leave]);
  await w.start();
  await w.until(w.session.run({ userInput: "My name is Ann" }));
  w.session.updateAgent(leave.execute({}, {} as never) as Agent);
  await w.clock.advance(10);
  await w.until(w.session.run({ userInput: "Who am I" }));
  const { items } = w.llm.requests.at(-1) ?? { items: [] };
  assert.deepEqual(
    items.flatMap((item) => item.type === "message" ? [`${item.role}: ${item.textContent}`] : []),
    ["system: You are next.", "user: My name is Ann", "assistant: So.", "user: Who am I"],
  );
  await end(w);
});

test("an `onEnter` that never returns is told after 30 s, and holds up no run", async () => {
  let signal: AbortSignal | undefined;
  class Hangs extends Agent {
    override onEnter(ctx: HookContext): Promise<void> {
      signal = ctx.signal;
      return new Promise(() => {});
    }
  }
  const w = world();
  const over = watch(w.session.start({ agent: new Hangs({ instructions: "Hangs." }), captureRun: true }));
  await w.clock.advance(29_000);
  assert.equal(over.settled, false);
  await w.clock.advance(2_000);
  assert.equal(over.settled, true);
  assert.equal(signal?.aborted, true);
  assert.ok(w.events.some((event) => event.type === "error" && event.source === "onEnter"));
  await end(w);
});

test("`captureRun` gives what the first agent does by itself, also after a close", async () => {
  const w = world();
  for (let n = 0; n < 2; n++) {
    const run = await w.until(w.session.start({ agent: new Guest("host"), captureRun: true }));
    assert.deepEqual(run?.events.map(({ type }) => type), ["agent_handoff", "message"]);
    await end(w);
  }
});

test("a start that fails rejects its run, and leaves the way free", async () => {
  const w = world();
  const io = { attach: () => Promise.reject(new Error("no room")) };
  await refusesWith("session.start_failed", () => w.until(w.session.start({ agent: w.agent, io, captureRun: true })));
  await w.start();
  await w.until(w.session.run({ userInput: "Hello" }));
  await end(w);
});

test("higher priorities come first, equal ones in order, and what is being said stays", async () => {
  const w = world({ tts: { msPerChar: 20 } });
  await w.start();
  const order: string[] = [];
  const say = (text: string, priority?: number): SpeechHandle =>
    w.session.say(text, priority === undefined ? {} : { priority }).addDoneCallback(() => order.push(text));
  say("current");
  say("low", SPEECH_PRIORITY_LOW);
  say("first");
  say("second");
  say("high", SPEECH_PRIORITY_HIGH);
  await refusesWith("session.bad_option", () => w.session.say("never", { priority: Number.NaN }));
  await w.clock.advance(10_000);
  assert.deepEqual(order, ["current", "high", "first", "second", "low"]);
  await end(w);
});

test("a session that is started again is recorded again, and each recording replays", async () => {
  const traces: TraceRecord[][] = [];
  const w = world({
    runtime: virtualRuntime({ seed: 3 }),
    tts: { msPerChar: 20 },
    options: {
      trace: () => {
        const records: TraceRecord[] = [];
        traces.push(records);
        return new WritableStream({ write: (record) => void records.push(record) });
      },
    },
  });
  for (let n = 0; n < 2; n++) {
    await w.start(new Guest("host"));
    await w.clock.advance(3_000);
    await w.close();
  }
  assert.equal(traces.length, 2);
  for (const records of traces) {
    const lines = records.map((record) => JSON.stringify(record)).join("\n");
    const result = replay(parseTrace(lines));
    assert.equal(result.difference, undefined);
    assert.ok(result.stepCount > 5);
    assert.equal(result.root.stage.phase, "closed");
  }
});

test("a session whose trace is one stream says that it cannot be recorded again", async () => {
  const w = world({ trace: true });
  await w.start();
  await w.close();
  await w.start();
  await w.close();
  assert.equal(w.log.filter(({ fields }) => fields["area"] === "trace").length, 1);
});

test("a summary is carried over in place of the words", async () => {
  const w = world({ llm: [{ when: { user: "My name is Ann" }, text: "Hello Ann." }, { text: "So." }] });
  await w.start();
  await w.until(w.session.run({ userInput: "My name is Ann" }));
  await w.until(w.session.run({ userInput: "And I like tea" }));
  const chatCtx = w.agent.chatCtx.copy({ excludeInstructions: true, excludeConfigUpdate: true });
  const asked: string[] = [];
  const did = await summarize(chatCtx, (prompt) => {
    asked.push(JSON.stringify(prompt.items));
    return Promise.resolve("Ann is here.");
  }, { keepLastTurns: 1 });
  assert.ok(did && asked[0]?.includes("My name is Ann"));
  w.session.updateAgent(new Agent({ id: "next", instructions: "You are next.", chatCtx }));
  await w.clock.advance(10);
  await w.until(w.session.run({ userInput: "Who am I" }));
  const prompt = (w.llm.requests.at(-1)?.items ?? []).flatMap((item) =>
    item.type === "message" ? [item.textContent] : []
  );
  assert.equal(prompt[0], "You are next.");
  assert.ok(prompt[1]?.includes("Ann is here."));
  assert.deepEqual(prompt.slice(2), ["And I like tea", "So.", "Who am I"]);
  await end(w);
});
