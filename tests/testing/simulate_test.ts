import assert from "node:assert/strict";
import { test } from "node:test";
import { Bookseller, booksellerModel } from "../../examples/shared/bookshop.ts";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { AgentError } from "../../src/base/error.ts";
import { Agent, type HookContext } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import {
  describeConversation,
  expectRun,
  heldLLM,
  modelUser,
  phoneLine,
  type PhoneLineOptions,
  scriptedLLM,
  type ScriptedReply,
  scriptedUser,
  simulate,
  type SimulatedUser,
} from "../../src/testing/mod.ts";
import { tool } from "../../src/tool/define.ts";
import { handoff } from "../../src/tool/result.ts";

const rejectsWith = (work: Promise<unknown>, code: string, message: RegExp = /./): Promise<void> =>
  assert.rejects(work, (error) => error instanceof AgentError && error.code === code && message.test(error.message));

/** The bookshop of the demo, and whoever calls it. */
function shop(line?: Omit<PhoneLineOptions, "clock">) {
  const runtime = virtualRuntime({ seed: 1 });
  const { clock } = runtime;
  const phone = line === undefined ? undefined : phoneLine({ clock, ...line });
  const session = new AgentSession({ runtime, llm: booksellerModel(clock), ...phone?.models });
  return { runtime, clock, session, agent: new Bookseller(clock), ...(phone && { line: phone }) };
}

/** An agent that answers as a script says. */
function scripted(script: readonly ScriptedReply[], agent: Partial<ConstructorParameters<typeof Agent>[0]> = {}) {
  const runtime = virtualRuntime({ seed: 1 });
  const llm = scriptedLLM(script, { clock: runtime.clock });
  const session = new AgentSession({ runtime, llm });
  return { runtime, clock: runtime.clock, llm, session, agent: new Agent({ instructions: "Be brief.", ...agent }) };
}

const spoken = (history: { items: readonly unknown[] }): string[] =>
  describeConversation(history as never).split("\n").filter((line) => /^(user|assistant)/.test(line));

test("by text: a scripted user and an agent speak in turn, from the greeting to the end of the script", async () => {
  const { session, agent, clock } = shop();
  const user = scriptedUser(["Where are the cookbooks?", "Are you open on Sunday?", "Goodbye."]);
  const { history, runs, turns, endedBy, reason, goalReached } = await simulate(session, { agent, user });
  assert.deepEqual(spoken(history), [
    "assistant: Good morning, this is the Harbour Bookshop. How can I help you?",
    "user: Where are the cookbooks?",
    "assistant: The cookbooks are on the ground floor, right beside the door. We have about three hundred of them, from soups to desserts.",
    "user: Are you open on Sunday?",
    "assistant: On Sunday we are open from ten in the morning until four in the afternoon.",
    "user: Goodbye.",
    "assistant: Thank you for calling. Goodbye!",
  ]);
  assert.deepEqual([turns, endedBy, reason, goalReached], [3, "user", "the script is over", undefined]);
  expectRun(runs[1]!).containsFunctionCall({ name: "opening_hours", args: { day: "sunday" } });
  assert.equal(session.isRunning, false);
  assert.equal(clock.armed, 0);
});

test("a line waits for what it must hear, and the simulation fails where it is not said", async () => {
  const good = shop();
  const heard = await simulate(good.session, {
    agent: good.agent,
    user: scriptedUser([{ hears: "harbour bookshop", text: "Are you open on Sunday?" }, {
      hears: /ten .* four/,
      text: "Bye.",
    }]),
  });
  assert.equal(heard.turns, 2);
  const bad = shop();
  const user = scriptedUser(["Are you open on Sunday?", { hears: /at noon/g, text: "Bye." }]);
  await rejectsWith(
    simulate(bad.session, { agent: bad.agent, user }),
    "test.failed",
    /\/at noon\/g before line 1, and it said "On Sun/,
  );
  assert.equal(bad.session.isRunning, false);
  assert.equal(bad.clock.armed, 0);
});

test("by voice: the same script is spoken, heard with the delays of a line, and paced", async () => {
  const { session, agent, line, clock } = shop({});
  const user = scriptedUser(["Where are the cookbooks?", { text: "Are you open on Sunday?", pauseMs: 3_000 }]);
  const { history, runs, durationMs } = await simulate(session, { agent, user, line: line! });
  assert.deepEqual(spoken(history), [
    "assistant: Good morning, this is the Harbour Bookshop. How can I help you?",
    "user: Where are the cookbooks?",
    "assistant: The cookbooks are on the ground floor, right beside the door. We have about three hundred of them, from soups to desserts.",
    "user: Are you open on Sunday?",
    "assistant: On Sunday we are open from ten in the morning until four in the afternoon.",
  ]);
  assert.deepEqual(runs, []);
  const letters = spoken(history).join("").length;
  assert.ok(durationMs > letters * 50 && durationMs < letters * 90, `${durationMs} ms for ${letters} letters`);
  assert.equal(clock.armed, 0);
});

test("a whole conversation is asserted as a run is, with hand-offs and the user's messages", async () => {
  class Desk extends Agent {
    override onEnter({ session }: HookContext): void {
      session.say("The desk here.");
    }
  }
  const desk = new Desk({ instructions: "Book." });
  const toDesk = tool({ name: "to_desk", description: "Hands over.", execute: () => handoff({ agent: desk }) });
  const { session, agent } = scripted([
    { when: { user: "Book it." }, toolCalls: [{ name: "to_desk", id: "1", args: {} }] },
    { text: "At your service." },
  ], { tools: [toDesk] });
  const conversation = await simulate(session, { agent, user: scriptedUser(["Book it.", "Thanks."]) });
  const expected = expectRun(conversation);
  expected.nextEvent().isAgentHandoff({ newAgentType: Agent });
  expected.nextEvent().isMessage({ role: "user", text: "Book it." });
  expected.nextEvent().isFunctionCall({ name: "to_desk" });
  expected.nextEvent().isFunctionCallOutput({ isError: false });
  const { oldAgent, newAgent } = expected.nextEvent().isAgentHandoff({ newAgentType: Desk }).event();
  assert.equal(oldAgent, agent);
  assert.equal(newAgent, desk);
  expected.nextEvent().isMessage({ text: "The desk here." });
  expected.nextEvent().isMessage({ role: "user", text: "Thanks." });
  expected.nextEvent().isMessage({ text: "At your service." });
  expected.noMoreEvents();
});

test("by voice: a user cuts in, and the history holds what was heard until then", async () => {
  const { session, agent, line } = shop({});
  const user = scriptedUser([
    { text: "Tell me the history of the shop.", cutIn: { afterMs: 4_000, text: "Stop, are you open on Sunday?" } },
  ]);
  const { history } = await simulate(session, { agent, user, line: line! });
  const lines = spoken(history).slice(1);
  assert.equal(lines.length, 4, lines.join("\n"));
  assert.match(lines[1]!, /^assistant: The shop was founded .+ \[interrupted\]$/);
  assert.doesNotMatch(lines[1]!, /garden/);
  assert.match(lines[3]!, /On Sunday we are open/);
});

test("by voice: a cough on the line is no turn, and the agent goes on", async () => {
  const { session, agent, line, clock } = shop({});
  clock.schedule(12_000, () => void line!.noise(300));
  const { history } = await simulate(session, {
    agent,
    user: scriptedUser(["Tell me the history of the shop."]),
    line: line!,
  });
  assert.equal(spoken(history).length, 3);
  assert.match(spoken(history)[2]!, /the whole town comes to listen\.$/);
});

test("a call of ten minutes by voice goes the same way twice", async () => {
  const call = async () => {
    const { session, agent, line, clock } = shop({});
    const questions = ["Where are the cookbooks?", "Are you open on Sunday?", "Tell me the history of the shop."];
    const user: SimulatedUser = {
      next: ({ turn, elapsedMs }) =>
        elapsedMs >= 600_000 ? { hangUp: true } : { text: questions[turn % 3]!, pauseMs: 1_000 },
    };
    const { history, durationMs, turns } = await simulate(session, { agent, user, line: line! });
    assert.equal(clock.armed, 0);
    return { told: spoken(history), durationMs, turns };
  };
  const first = await call();
  assert.ok(first.durationMs >= 600_000 && first.turns > 30, `${first.turns} turns in ${first.durationMs} ms`);
  assert.deepEqual(await call(), first);
});

test("an agent that says nothing is waited for, and the user speaks again", async () => {
  const { session, agent, line, clock } = shop({});
  class Silent extends Agent {
    override llmNode(): null {
      return null;
    }
  }
  void agent;
  const heard: string[] = [];
  const user: SimulatedUser = {
    next({ said, turn }) {
      heard.push(said);
      return turn === 2 ? { hangUp: true, reason: "nobody there" } : { text: "Hello?" };
    },
  };
  const silent = new Silent({ instructions: "" });
  const { turns, durationMs } = await simulate(session, { agent: silent, user, line: line!, patienceMs: 5_000 });
  assert.deepEqual(heard, ["", "", ""]);
  assert.equal(turns, 2);
  assert.ok(durationMs >= 10_000 && durationMs < 13_000, String(durationMs));
  assert.equal(clock.armed, 0);
});

test("an agent that ends the conversation ends the simulation", async () => {
  const hangUp = tool({
    name: "hang_up",
    description: "Ends the call.",
    execute: () => void session.shutdown(),
  });
  const { session, agent, clock } = scripted([
    { when: { user: "Bye." }, toolCalls: [{ name: "hang_up", id: "1", args: {} }] },
    { text: "Yes?" },
  ], { tools: [hangUp] });
  const { endedBy, turns } = await simulate(session, { agent, user: scriptedUser(["Hello?", "Bye.", "Still there?"]) });
  assert.deepEqual([endedBy, turns], ["agent", 2]);
  assert.equal(clock.armed, 0);
});

test("a conversation ends at its limits of turns and of time", async () => {
  const endless: SimulatedUser = { next: () => ({ text: "And then?", pauseMs: 1_000 }) };
  const script = [{ text: "Then this.", ttftMs: 1_000 }];
  const turns = scripted(script);
  const short = await simulate(turns.session, { agent: turns.agent, user: endless, maxTurns: 5 });
  assert.deepEqual([short.endedBy, short.reason, short.turns], ["limit", "after 5 turns", 5]);
  const time = scripted(script);
  const long = await simulate(time.session, { agent: time.agent, user: endless, maxDurationMs: 60_000 });
  assert.deepEqual([long.endedBy, long.durationMs, long.turns], ["limit", 60_000, 30]);
  const stuck = scripted([{ hangs: true, ttftMs: 1 }]);
  const hung = await simulate(stuck.session, { agent: stuck.agent, user: endless, maxDurationMs: 4_000 });
  assert.deepEqual([hung.endedBy, hung.durationMs], ["limit", 4_000]);
  assert.equal(stuck.clock.armed, 0);
});

test("what makes no sense is refused with a code, and so is a start that fails", async () => {
  const { session, agent } = scripted([]);
  const user = scriptedUser([]);
  await rejectsWith(simulate(session, { agent, user, maxTurns: -1 }), "test.bad_option", /`maxTurns`/);
  await rejectsWith(simulate(session, { agent, user, patienceMs: NaN }), "test.bad_option", /`patienceMs`/);
  await rejectsWith(simulate(session, { agent, user: {} as never }), "test.bad_option", /`user`/);
  await rejectsWith(simulate(session, { agent: {} as never, user }), "session.no_agent");
  const cut = scriptedUser([{ text: "Hi.", cutIn: { afterMs: 1, text: "Stop." } }]);
  await rejectsWith(simulate(session, { agent, user: cut }), "test.bad_option", /`cutIn`/);
  assert.equal(session.isRunning, false);
});

test("a model plays a user with a persona and a goal: it sees the other side, and hangs up when it has what it wants", async () => {
  const { session, agent, clock } = shop();
  const player = scriptedLLM([
    { when: { request: 0 }, text: "Are you open on Sunday? " },
    {
      when: { lastUser: "On Sunday we are open from ten in the morning until four in the afternoon." },
      toolCalls: [{ name: "hang_up", id: "1", args: { goal_reached: true, reason: "I know when to come." } }],
    },
  ], { clock });
  const user = modelUser({
    llm: player,
    persona: "A sailor, short of words",
    goal: "Knows when the shop opens on Sunday",
  });
  const { endedBy, reason, goalReached, history } = await simulate(session, { agent, user });
  assert.deepEqual([endedBy, reason, goalReached], ["user", "I know when to come.", true]);
  assert.equal(spoken(history)[1], "user: Are you open on Sunday?");
  const asked = player.requests.map(({ items }) =>
    items.map((item) => item.type === "message" ? [item.role, item.textContent] : [])
  );
  assert.match(asked[0]![0]![1]!, /A sailor, short of words[\s\S]*when the shop opens/);
  assert.deepEqual(asked[1]!.slice(1), [
    ["user", "Good morning, this is the Harbour Bookshop. How can I help you?"],
    ["assistant", "Are you open on Sunday?"],
    ["user", "On Sunday we are open from ten in the morning until four in the afternoon."],
  ]);
  assert.equal(player.requests[0]!.request.toolChoice, "auto");
  assert.equal(player.requests[0]!.request.extraKwargs, undefined);
  assert.equal(clock.armed, 0);
});

test("a model that plays a user is told of silence, and what it fails with fails the simulation", async () => {
  const { session, agent, clock } = scripted([{ text: "" }]);
  const player = scriptedLLM([{ when: { request: 0 }, text: "Hello?" }, { text: "" }], { clock });
  const user = modelUser({ llm: player, persona: "Anybody", goal: "An answer" });
  const { reason } = await simulate(session, { agent, user });
  assert.equal(reason, "the user said nothing more");
  const last = (n: number) => player.requests[n]!.items.at(-1) as { textContent?: string };
  assert.match(last(0).textContent!, /Nobody has spoken yet/);
  assert.match(last(1).textContent!, /says nothing/);

  const other = scripted([{ text: "Yes?" }]);
  const broken = scriptedLLM([{ error: {} }], { clock: other.clock });
  const failing = modelUser({ llm: broken, persona: "Anybody", goal: "An answer", maxRetry: 0 });
  await assert.rejects(simulate(other.session, { agent: other.agent, user: failing }));
  assert.equal(other.session.isRunning, false);
  assert.equal(other.clock.armed, 0);
});

test("a model that is asked over the network holds the clock while it works", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const real = heldLLM({
    kind: "llm",
    model: "slow",
    provider: "test",
    chat: () =>
      new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          controller.enqueue({ id: "1", delta: { content: "Here." } });
          controller.close();
        },
      }),
  }, runtime.clock);
  const session = new AgentSession({ runtime, llm: real });
  class Greeter extends Agent {
    override onEnter({ session }: HookContext): void {
      session.generateReply();
    }
  }
  const agent = new Greeter({ instructions: "" });
  const { history, durationMs } = await simulate(session, { agent, user: scriptedUser(["Hello?"]) });
  assert.deepEqual(spoken(history), ["assistant: Here.", "user: Hello?", "assistant: Here."]);
  assert.ok(durationMs >= 530 && durationMs < 5_000, `two answers and a pause took ${durationMs} ms`);
});
