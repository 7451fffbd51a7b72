import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import { ChatContext } from "../../src/chat/context.ts";
import { Agent } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import { tool } from "../../src/tool/define.ts";
import { names, refusesWith, told, userSays, watch, world } from "./harness.ts";

test("before the start and after the close every call is refused, and nothing is announced", async () => {
  const w = world();
  const calls: (() => unknown)[] = [
    () => w.session.say("x"),
    () => w.session.generateReply({ userInput: "x" }),
    () => w.session.run({ userInput: "x" }),
    () => w.session.interrupt(),
    () => w.session.commitUserTurn(),
    () => w.session.clearUserTurn(),
    () => w.session.drain(),
  ];
  for (const call of calls) await refusesWith("session.not_running", call);
  assert.deepEqual(w.events, []);
  await w.start();
  await w.close();
  w.events.length = 0;
  for (const call of calls) await refusesWith("session.not_running", call);
  assert.deepEqual(w.events, []);
});

test("a reply without a model and a text without a voice are refused, and nothing is announced", async () => {
  const w = world({ tts: {}, options: { llm: null, tts: null } });
  await w.start();
  w.events.length = 0;
  await refusesWith("session.no_llm", () => w.session.generateReply());
  await refusesWith("session.no_llm", () => w.session.run({ userInput: "x" }));
  await refusesWith("session.no_tts", () => w.session.say("x"));
  w.session.output.setAudioEnabled(false);
  await w.until(w.session.say("By text."));
  assert.deepEqual(told(w.session.history.items), ["assistant: By text."]);
  await w.close();
});

test("a reply that may use a tool that there is not is refused with the names that there are", async () => {
  const w = world({ agent: { tools: [tool({ name: "now", description: "The time.", execute: () => "" })] } });
  await w.start();
  w.events.length = 0;
  await refusesWith("tool.unknown", () => w.session.generateReply({ tools: ["then"] }));
  assert.deepEqual(names(w.events), []);
  assert.equal(w.llm.requests.length, 0);
  await w.close();
});

test("a refused run leaves the way free for the next one", async () => {
  const w = world();
  await w.start();
  await refusesWith("tool.unknown", () => w.session.run({ userInput: "x", tools: ["none"] }));
  const run = w.session.run({ userInput: "Hi" });
  await refusesWith("run.active", () => w.session.run({ userInput: "Hi" }));
  await w.until(run);
  assert.deepEqual(run.events.map(({ type }) => type), ["message"]);
  await w.close();
});

test("a run that the session closes under rejects with the reason, and one that failed with its error", async () => {
  const w = world({ llm: [{ when: { user: "hang" }, hangs: true }, { error: { retryable: false } }] });
  await w.start();
  const run = w.session.run({ userInput: "hang" });
  const state = watch(run.wait());
  await w.clock.advance(10);
  await w.close();
  assert.equal(state.settled, true);
  assert.ok(state.error instanceof AgentError);
  assert.equal((state.error as AgentError).code, "run.closed");
  await refusesWith("run.no_output", () => run.finalOutput);
});

test("the order at the start: hand-off, then listening", async () => {
  const w = world();
  await w.start();
  assert.deepEqual(names(w.events), ["added handoff", "agent initializing>listening"]);
  await w.close();
});

test("the order of a spoken turn", async () => {
  const w = world({ tts: {}, ears: true, llm: [{ ttftMs: 100, text: "Fine, thanks." }] });
  await w.start();
  w.events.length = 0;
  userSays(w, { from: 1_000, until: 2_000, text: "How are you" });
  await w.clock.advance(6_000);
  const seen = names(w.events).filter((name, index, all) =>
    name !== "user_input_transcribed" || all[index - 1] !== name
  );
  const without = seen.filter((name) => name !== "speech_created");
  assert.deepEqual(without, [
    "user listening>speaking",
    "user_input_transcribed",
    "user speaking>listening",
    "added user",
    "agent listening>thinking",
    "agent thinking>speaking",
    "added assistant",
    "agent speaking>listening",
  ]);
  assert.ok(seen.indexOf("speech_created") >= 0 && seen.indexOf("speech_created") < seen.indexOf("added user"));
  await w.close();
});

test("a reply that is cut off before it is heard adds nothing of the agent", async () => {
  const w = world({ tts: { ttfbMs: 500 } });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Hi" });
  await w.clock.advance(100);
  await w.until(w.session.interrupt());
  assert.equal(handle.interrupted, true);
  assert.deepEqual(told(w.session.history.items), ["user: Hi"]);
  await w.close();
});

test("calling off the reply, or the hand-off, of a round of tools in the listener holds", async () => {
  const next = new Agent({ id: "next", instructions: "" });
  const w = world({
    llm: [
      { when: { user: "Go" }, toolCalls: [{ name: "now", id: "c1", args: {} }] },
      { when: { user: "Move" }, toolCalls: [{ name: "move", id: "c2", args: {} }] },
      { text: "Never." },
    ],
    agent: {
      tools: [
        tool({ name: "now", description: "The time.", execute: () => "noon" }),
        tool({ name: "move", description: "Hands over.", execute: () => next }),
      ],
    },
  });
  const seen: unknown[] = [];
  w.session.on("function_tools_executed", (event) => {
    seen.push([event.hasToolReply, event.hasAgentHandoff]);
    event.cancelToolReply();
    event.cancelAgentHandoff();
    seen.push([event.hasToolReply, event.hasAgentHandoff]);
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  await w.until(w.session.generateReply({ userInput: "Move" }));
  assert.equal(w.llm.requests.length, 2);
  assert.equal(w.session.currentAgent.id, "default_agent");
  assert.deepEqual(seen, [[true, false], [false, false], [false, true], [false, false]]);
  assert.equal(w.session.history.items.filter(({ type }) => type === "function_call_output").length, 2);
  await w.close();
});

test("listeners that throw or reject touch neither others nor the session", async () => {
  const w = world();
  for (const name of ["speech_created", "conversation_item_added", "agent_state_changed", "close"] as const) {
    w.session.on(name, () => {
      throw new Error("careless");
    });
    w.session.on(name, () => Promise.reject(new Error("careless later")));
  }
  const seen: string[] = [];
  w.session.on("conversation_item_added", ({ item }) => seen.push(item.type));
  await w.start();
  await w.until(w.session.run({ userInput: "Hi" }));
  await w.close();
  assert.deepEqual(seen, ["agent_handoff", "message", "message"]);
  assert.equal(w.events.at(-1)?.type, "close");
  assert.ok(w.log.filter(({ message }) => message === "a listener failed").length >= 8);
});

test("a listener may call the session: what it asks for comes after what is being told", async () => {
  const w = world();
  let once = true;
  w.session.on("agent_state_changed", ({ newState }) => {
    if (newState !== "listening" || !once) return;
    once = false;
    w.session.say("From a listener.");
  });
  await w.start();
  await w.clock.advance(1_000);
  assert.deepEqual(told(w.session.history.items), ["assistant: From a listener."]);
  await w.close();
});

test("a close from within a listener, a tool and a hook closes", async () => {
  for (const place of ["listener", "tool", "hook"] as const) {
    const w = world({
      llm: [{ when: { user: "Go" }, toolCalls: [{ name: "end", id: "c1", args: {} }] }, { text: "Hello." }],
      agent: {
        tools: [tool({
          name: "end",
          description: "Closes.",
          execute: (_args, { ctx }) => void (ctx.session as AgentSession).shutdown(),
        })],
      },
    });
    class Hook extends Agent {
      override onEnter(): void {
        if (place === "hook") w.session.shutdown();
      }
    }
    if (place === "listener") w.session.on("speech_created", () => void w.session.close());
    await w.start(new Hook(w.agent.options));
    if (place !== "hook") w.session.generateReply({ userInput: "Go" });
    await w.clock.advance(30_000);
    assert.equal(w.events.at(-1)?.type, "close", place);
    assert.equal(w.clock.armed, 0, place);
  }
});

test("options that do not exist or do not fit are refused, and change nothing", async () => {
  for (
    const options of [
      { voice: "x" },
      { maxToolSteps: -1 },
      { maxToolSteps: 1.5 },
      { userAwayTimeout: Number.NaN },
      { turnHandling: { endpointing: { minDelay: -1 } } },
      { turnHandling: { endPointing: {} } },
      { turnHandling: { interruption: { minWords: "two" } } },
      { connOptions: { llm: {} } },
      { llm: "gpt" },
      { tools: [{}] },
      { compat: "exact" },
    ]
  ) await refusesWith("session.bad_option", () => new AgentSession(options as never));

  const w = world({ tts: {}, ears: true });
  await w.start();
  const before = JSON.stringify(w.session["~core"].activity?.resolved.config);
  await refusesWith("session.bad_option", () => w.session.updateOptions({ turnHandling: { endpoint: 1 } as never }));
  await refusesWith(
    "session.bad_option",
    () => w.session.updateOptions({ turnHandling: { endpointing: { minDelay: 5_000, maxDelay: 1_000 } } }),
  );
  await refusesWith("session.bad_option", () => w.session.updateOptions(undefined as never));
  assert.equal(JSON.stringify(w.session["~core"].activity?.resolved.config), before);
  w.session.updateOptions({ turnHandling: { endpointing: { minDelay: 100 } } });
  w.session.updateOptions({ turnHandling: { interruption: { minWords: 2 } } });
  const config = w.session["~core"].activity?.resolved.config;
  assert.deepEqual([config?.endpointing.minDelay, config?.interruption.minWords], [100, 2]);
  await w.close();
});

test("options that are wrong together are refused at the start, and the session may be started with others", async () => {
  const w = world();
  await refusesWith("session.bad_option", () =>
    w.until(w.session.start({
      agent: new Agent({ instructions: "", turnHandling: { endpointing: { minDelay: 2, maxDelay: 1 } } }),
    })));
  await w.start();
  await w.close();
});

test("an agent that is none, and one that is on another stage, are refused", async () => {
  const a = world();
  const b = world({ runtime: a.runtime });
  for (const agent of [undefined, null, {}, "agent", Agent]) {
    await refusesWith("session.no_agent", () => a.session.start({ agent } as never));
  }
  await refusesWith("session.no_agent", () => a.session.start(undefined as never));
  await a.start();
  await refusesWith("agent.already_running", () => b.until(b.session.start({ agent: a.agent })));
  await b.start();
  await refusesWith("agent.already_running", () => b.session.updateAgent(a.agent));
  await refusesWith("session.no_agent", () => b.session.updateAgent({} as never));
  assert.equal(b.session.currentAgent, b.agent);
  await a.close();
  await b.close();
});

test("the user's data is refused while unset, and one value for all afterwards", async () => {
  const w = world();
  await refusesWith("session.no_user_data", () => w.session.userData);
  w.session.userData = { name: "Ada" };
  assert.deepEqual(w.session.userData, { name: "Ada" });
  await w.close();
});

test("`chatCtx` of a reply is used and left as it was", async () => {
  const w = world();
  await w.start();
  const chatCtx = new ChatContext();
  chatCtx.addMessage({ role: "user", content: ["Elsewhere"] });
  const before = JSON.stringify(chatCtx.items);
  await w.until(w.session.generateReply({ chatCtx, instructions: "Be kind." }));
  assert.equal(JSON.stringify(chatCtx.items), before);
  assert.deepEqual(
    w.llm.requests[0]?.items.flatMap((item) => item.type === "message" ? [`${item.role}: ${item.textContent}`] : [])
      .slice(-2),
    ["user: Elsewhere", "system: Be kind."],
  );
  await w.close();
});

test("an empty input is none, and a message keeps its id", async () => {
  const w = world();
  await w.start();
  await w.until(w.session.generateReply({ userInput: "" }));
  assert.deepEqual(told(w.session.history.items), ["assistant: Hello there."]);
  const message = w.session["~core"].items.message({ role: "user", content: ["Mine"] });
  await w.until(w.session.generateReply({ userInput: message }));
  assert.ok(w.session.history.getById(message.id) !== undefined);
  await w.close();
});

test("interrupting when nothing is said resolves", async () => {
  const w = world();
  await w.start();
  await w.until(w.session.interrupt());
  await w.until(w.session.interrupt({ force: true }));
  await w.close();
});

test("interrupting cuts off what is said and what waits", async () => {
  const w = world({ tts: {} });
  await w.start();
  const handles = [
    w.session.say("One two three."),
    w.session.say("Four."),
    w.session.generateReply({ userInput: "x" }),
  ];
  await w.clock.advance(300);
  await w.until(w.session.interrupt());
  assert.deepEqual(handles.map((handle) => [handle.interrupted, handle.done()]), [[true, true], [true, true], [
    true,
    true,
  ]]);
  assert.equal(w.session.agentState, "listening");
  await w.close();
});

test("a committed turn resolves with its words; a newer commit replaces an older one; the close rejects it", async () => {
  const w = world({ ears: true, options: { turnHandling: { turnDetection: "manual" } } });
  await w.start();
  const final = (text: string): void =>
    void w.stt.push({
      type: "final_transcript",
      alternatives: [{ text, language: "", startTimeMs: 0, endTimeMs: 0, confidence: 1 }],
    });
  final("Hello");
  await w.clock.advance(10);
  assert.equal(await w.until(w.session.commitUserTurn()), "Hello");
  await w.clock.advance(5_000);
  const older = watch(w.session.commitUserTurn());
  const newer = watch(w.session.commitUserTurn());
  await w.clock.advance(0);
  assert.equal((older.error as AgentError).code, "task.cancelled");
  await w.clock.advance(5_000);
  assert.equal(newer.settled, true);
  const last = watch(w.session.commitUserTurn({ transcriptTimeout: 60_000 }));
  await w.close();
  assert.equal(last.settled, true);
  assert.equal(w.clock.armed, 0);
});

test("numbers of a commit that are none are refused", async () => {
  const w = world({ ears: true });
  await w.start();
  await refusesWith("session.bad_option", () => w.session.commitUserTurn({ transcriptTimeout: Number.NaN }));
  await refusesWith("session.bad_option", () => w.session.commitUserTurn({ sttFlushDuration: -1 }));
  await refusesWith("session.bad_option", () => w.session.close({ deadline: Number.NaN }));
  await w.close();
});
