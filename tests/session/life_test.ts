import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import type { PlayoutAck, PlayoutSink } from "../../src/io/playout.ts";
import { Agent, type HookContext } from "../../src/session/agent.ts";
import { tool } from "../../src/tool/define.ts";
import { microphone, names, refusesWith, told, watch, world } from "./harness.ts";

test("a session that was opened and closed leaves nothing behind", async () => {
  const w = world({ tts: {}, ears: true });
  await w.start();
  await w.clock.advance(1_000);
  await w.close();
  assert.equal(w.clock.armed, 0);
  assert.deepEqual(names(w.events), ["added handoff", "agent initializing>listening", "close"]);
});

test("close before start does nothing and tells nothing", async () => {
  const w = world();
  await w.close();
  assert.deepEqual(w.events, []);
  assert.equal(w.session.isRunning, false);
});

test("closing twice, in turn and at once, tells it once", async () => {
  const w = world({ tts: {} });
  await w.start();
  await w.until(Promise.all([w.session.close(), w.session.close(), w.session.close()]));
  await w.close();
  assert.equal(w.events.filter(({ type }) => type === "close").length, 1);
  assert.equal(w.events.at(-1)?.type, "close");
});

test("starting twice at once starts one agent, and both calls wait until it is on stage", async () => {
  let ready = false;
  const w = world({
    agent: {
      tools: [{
        type: "toolset",
        id: "slow",
        tools: [],
        async setup() {
          await new Promise<void>((go) => w.clock.schedule(1_000, go));
          ready = true;
        },
      }],
    },
  });
  const first = w.session.start({ agent: w.agent });
  const second = w.session.start({ agent: w.agent }).then(() => ready);
  assert.equal(await w.until(second), true);
  await w.until(first);
  assert.equal(w.events.filter((e) => e.type === "conversation_item_added").length, 1);
  await w.close();
});

test("two starts that attach an io attach it once, and close disposes of it", async () => {
  const w = world();
  let attachCount = 0;
  let disposeCount = 0;
  const io = {
    async attach() {
      attachCount++;
      await new Promise<void>((go) => w.clock.schedule(w.clock.now() + 100, go));
      return { [Symbol.asyncDispose]: () => (disposeCount++, Promise.resolve()) };
    },
  };
  await w.until(Promise.all([w.session.start({ agent: w.agent, io }), w.session.start({ agent: w.agent, io })]));
  assert.equal(attachCount, 1);
  await w.close();
  assert.equal(disposeCount, 1);
});

test("a close during the attaching of an io waits for it, and closes", async () => {
  const w = world();
  let disposeCount = 0;
  const io = {
    async attach() {
      await new Promise<void>((go) => w.clock.schedule(100, go));
      return { [Symbol.asyncDispose]: () => (disposeCount++, Promise.resolve()) };
    },
  };
  const starting = w.session.start({ agent: w.agent, io });
  await w.close();
  await w.until(starting);
  assert.equal(w.session.isRunning, false);
  assert.equal(disposeCount, 1);
  assert.equal(w.clock.armed, 0);
});

test("a start during a close comes after it; a close behind that start closes what it started", async () => {
  const w = world({ tts: {} });
  await w.start();
  w.session.say("Hello there.");
  const closing = w.session.close();
  const starting = w.session.start({ agent: w.agent });
  await w.until(Promise.all([closing, starting]));
  assert.equal(w.session.isRunning, true);
  const all = Promise.all([w.session.close(), w.session.start({ agent: w.agent }), w.session.close({ deadline: 0 })]);
  await w.until(all);
  assert.equal(w.session.isRunning, false);
  assert.equal(w.events.filter(({ type }) => type === "close").length, 3);
  assert.equal(w.clock.armed, 0);
});

test("an io that cannot be attached fails the start and leaves the session as it was", async () => {
  const w = world();
  await refusesWith(
    "session.start_failed",
    () => w.until(w.session.start({ agent: w.agent, io: { attach: () => Promise.reject(new Error("no room")) } })),
  );
  assert.equal(w.session.isRunning, false);
  await refusesWith("session.no_agent", () => w.session.currentAgent);
  await w.start();
  assert.equal(w.session.agentState, "listening");
  await w.close();
});

test("a start that fails behind its io disposes of the io again", async () => {
  const other = world();
  await other.start();
  const w = world({ runtime: other.runtime });
  let disposeCount = 0;
  const io = { attach: () => Promise.resolve({ [Symbol.asyncDispose]: () => (disposeCount++, Promise.resolve()) }) };
  await refusesWith("agent.already_running", () => w.until(w.session.start({ agent: other.agent, io })));
  assert.equal(disposeCount, 1);
  await refusesWith("session.no_agent", () => w.session.currentAgent);
  await w.start();
  await w.close();
  await other.close();
  assert.equal(w.clock.armed, 0);
});

test("a session starts again after its close, and its history goes on", async () => {
  const w = world({ llm: [{ when: { user: "One" }, text: "First." }, { when: { user: "Two" }, text: "Second." }] });
  await w.start();
  await w.until(w.session.run({ userInput: "One" }));
  await w.close();
  await w.start();
  await w.until(w.session.run({ userInput: "Two" }));
  assert.deepEqual(told(w.session.history.items), [
    "user: One",
    "assistant: First.",
    "user: Two",
    "assistant: Second.",
  ]);
  assert.deepEqual(
    w.llm.requests[1]?.items.filter((item) => item.type === "message").map((item) => item.textContent),
    ["Be brief.", "One", "First.", "Two"],
  );
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a session starts again with another agent, which is named at once", async () => {
  const w = world();
  await w.start();
  await w.close();
  const next = new Agent({ id: "next", instructions: "" });
  await w.start(next);
  assert.equal(w.session.currentAgent.id, "next");
  await w.close();
});

test("the close event sees the states as they were, and after it they are as before the start", async () => {
  const w = world();
  const seen: string[] = [];
  w.session.on("close", () => seen.push(`${w.session.agentState} ${w.session.userState} ${w.session.isRunning}`));
  await w.start();
  await w.close();
  assert.deepEqual(seen, ["listening listening false"]);
  assert.equal(w.session.agentState, "initializing");
  assert.equal(w.session.userState, "listening");
});

test("`await using` closes", async () => {
  const w = world();
  let done: Promise<void> | undefined;
  {
    const run = async (): Promise<void> => {
      await using session = w.session;
      await session.start({ agent: w.agent });
    };
    done = run();
  }
  await w.until(done);
  assert.equal(w.events.at(-1)?.type, "close");
});

test("streams of events end with the close, after what they hold", async () => {
  const w = world();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of w.session.events()) seen.push(event.type);
  })();
  await w.start();
  await w.close();
  await w.until(reading);
  assert.equal(seen.at(-1), "close");
});

test("listeners stay over a restart", async () => {
  const w = world();
  await w.start();
  await w.close();
  await w.start();
  await w.close();
  assert.equal(w.events.filter(({ type }) => type === "close").length, 2);
});

test("a tool that never ends is called off at close, its output says so, and close keeps its bound", async () => {
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "stuck", id: "c1", args: {} }] }],
    agent: { tools: [tool({ name: "stuck", description: "Never ends.", execute: () => new Promise(() => {}) })] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(1_000);
  const from = w.clock.now();
  await w.close();
  assert.ok(w.clock.now() - from <= 20_000, `took ${w.clock.now() - from} ms`);
  assert.equal(handle.done(), true);
  assert.equal(w.clock.armed, 0);
  const outputs = w.session.history.items.filter((item) => item.type === "function_call_output");
  assert.equal(outputs.length, 1);
  assert.equal(outputs[0]?.isError, true);
});

test("a short deadline of close holds against a tool that never ends", async () => {
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "stuck", id: "c1", args: {} }] }],
    agent: { tools: [tool({ name: "stuck", description: "Never ends.", execute: () => new Promise(() => {}) })] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(1_000);
  const from = w.clock.now();
  await w.close({ deadline: 300 });
  assert.equal(w.clock.now() - from, 300);
  await w.clock.advance(0);
  assert.equal(handle.done(), true);
  assert.equal(w.clock.armed, 0);
  assert.equal(w.events.at(-1)?.type, "close");
});

test("a model that never answers does not hold up the close", async () => {
  const w = world({ llm: [{ hangs: true }] });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Hello?" });
  await w.clock.advance(100);
  const from = w.clock.now();
  await w.close();
  assert.ok(w.clock.now() - from <= 200, `took ${w.clock.now() - from} ms`);
  assert.equal(handle.done(), true);
  assert.equal(w.llm.requests[0]?.cancelled, true);
  assert.equal(w.clock.armed, 0);
});

test("a voice that never answers does not hold up the close", async () => {
  const w = world({ tts: { hangs: ["Hello there."] } });
  await w.start();
  const handle = w.session.say("Hello there.");
  await w.clock.advance(100);
  const from = w.clock.now();
  await w.close();
  assert.ok(w.clock.now() - from <= 5_200, `took ${w.clock.now() - from} ms`);
  assert.equal(handle.done(), true);
  assert.equal(w.clock.armed, 0);
  assert.deepEqual(told(w.session.history.items), []);
});

/** A sink that takes everything, or nothing, and never says a word. */
function silentSink(takes: boolean): PlayoutSink {
  return {
    capabilities: { pause: true },
    acks: new ReadableStream<PlayoutAck>(),
    open: () => new WritableStream({ write: () => takes ? undefined : new Promise<void>(() => {}) }),
    pause() {},
    resume() {},
    clear() {},
  };
}

for (const takes of [true, false]) {
  test(`a sink that never acknowledges, and takes ${takes ? "everything" : "nothing"}, does not hold up the close`, async () => {
    const w = world({ tts: {}, sink: silentSink(takes) });
    await w.start();
    const handle = w.session.say("Hello there.");
    await w.clock.advance(100);
    const from = w.clock.now();
    await w.close();
    assert.ok(w.clock.now() - from <= 5_200, `took ${w.clock.now() - from} ms`);
    assert.equal(handle.done(), true);
    assert.equal(w.clock.armed, 0);
  });

  test(`a sink that never acknowledges, and takes ${takes ? "everything" : "nothing"}, does not hold up the next speech for ever`, async () => {
    const w = world({ tts: {}, sink: silentSink(takes) });
    await w.start();
    const first = w.session.say("Hello there.");
    const second = w.session.say("And again.");
    await w.clock.advance(60_000);
    assert.equal(first.done(), true);
    assert.equal(second.done(), true);
    assert.ok(w.log.some(({ level }) => level === "warn" || level === "error"));
    await w.close();
    assert.equal(w.clock.armed, 0);
  });
}

for (const hook of ["onEnter", "onExit"] as const) {
  test(`an \`${hook}\` that never returns does not hold up the close`, async () => {
    let signal: AbortSignal | undefined;
    class Stuck extends Agent {
      override onEnter(ctx: HookContext): void | Promise<void> {
        if (hook === "onEnter") return stuck(ctx);
      }
      override onExit(ctx: HookContext): void | Promise<void> {
        if (hook === "onExit") return stuck(ctx);
      }
    }
    const stuck = (ctx: HookContext): Promise<void> => {
      signal = ctx.signal;
      return new Promise(() => {});
    };
    const w = world();
    await w.start(new Stuck({ instructions: "" }));
    await w.clock.advance(100);
    const from = w.clock.now();
    await w.close();
    assert.ok(w.clock.now() - from <= 20_000, `took ${w.clock.now() - from} ms`);
    assert.equal(signal?.aborted, true);
    assert.equal(w.clock.armed, 0);
  });
}

test("an `onExit` that never returns counts as failed after 30 s, and the next agent comes", async () => {
  class Stuck extends Agent {
    override onExit(): Promise<void> {
      return new Promise(() => {});
    }
  }
  const w = world();
  await w.start(new Stuck({ instructions: "" }));
  w.session.updateAgent(new Agent({ id: "next", instructions: "" }));
  await w.clock.advance(30_000);
  assert.deepEqual(
    w.events.flatMap((e) =>
      e.type === "conversation_item_added" && e.item.type === "agent_handoff" ? [e.item.newAgentId] : []
    ),
    ["stuck", "next"],
  );
  assert.ok(w.events.some(({ type }) => type === "error"));
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a hook of the user's turn that never returns stores the turn after 30 s", async () => {
  class Stuck extends Agent {
    override onUserTurnCompleted(): Promise<void> {
      return new Promise(() => {});
    }
  }
  const w = world({ ears: true });
  await w.start(new Stuck({ instructions: "" }));
  w.stt.push({
    type: "final_transcript",
    alternatives: [{ text: "Hello", language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 1 }],
  });
  await w.clock.advance(100);
  w.session.commitUserTurn().catch(() => {});
  await w.clock.advance(40_000);
  assert.deepEqual(told(w.session.history.items), ["user: Hello"]);
  assert.ok(w.events.some(({ type }) => type === "user_turn_dropped"));
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a close lets the microphone go", async () => {
  const runtime = virtualRuntime();
  const mic = microphone(runtime.clock);
  const w = world({ runtime, ears: true, microphone: mic });
  await w.start();
  await w.clock.advance(500);
  await w.close();
  assert.equal(mic.locked, false);
  assert.equal(w.vad.streams.every(({ isOpen }) => !isOpen), true);
  assert.equal(w.stt.streams.every(({ isOpen }) => !isOpen), true);
  assert.equal(w.session.output.audio, null);
});

test("toolsets of agent and session are closed once, and one that fails stops nothing", async () => {
  const closed: string[] = [];
  const set = (id: string, fails: boolean) => ({
    type: "toolset" as const,
    id,
    tools: [],
    aclose: () => {
      closed.push(id);
      return fails ? Promise.reject(new Error("stays open")) : Promise.resolve();
    },
  });
  const w = world({ agent: { tools: [set("agent", true)] }, options: { tools: [set("session", true)] } });
  await w.start();
  await w.close();
  assert.deepEqual(closed.sort(), ["agent", "session"]);
  assert.equal(w.events.at(-1)?.type, "close");
});

test("a toolset that throws while it is closed stops nothing", async () => {
  const set = {
    type: "toolset" as const,
    id: "bad",
    tools: [],
    aclose: () => {
      throw new Error("at once");
    },
  };
  const w = world({ agent: { tools: [set] } });
  await w.start();
  const from = w.clock.now();
  await w.close();
  assert.equal(w.clock.now(), from);
  assert.equal(w.events.at(-1)?.type, "close");
});

test("a toolset that is never ready is gone on without after 5 s", async () => {
  const w = world({
    agent: { tools: [{ type: "toolset", id: "slow", tools: [], setup: () => new Promise<void>(() => {}) }] },
  });
  const started = watch(w.session.start({ agent: w.agent }));
  await w.clock.advance(4_999);
  assert.equal(started.settled, false);
  await w.clock.advance(1);
  assert.equal(started.settled, true);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("an agent that hears nothing because its toolset was slow hears once it goes on without", async () => {
  const w = world({
    ears: true,
    agent: { tools: [{ type: "toolset", id: "slow", tools: [], setup: () => new Promise<void>(() => {}) }] },
  });
  void w.session.start({ agent: w.agent });
  await w.clock.advance(6_000);
  assert.equal(w.stt.streams.length, 1);
  assert.equal(w.vad.streams.length, 1);
  await w.close();
});

test("200 sessions opened and closed leave no timer on the clock they share", async () => {
  const runtime = virtualRuntime();
  for (let n = 0; n < 200; n++) {
    const w = world({ runtime, tts: {}, ears: n % 2 === 0 });
    await w.start();
    const handle = w.session.say("Hello there.");
    if (n % 3 === 0) await w.clock.advance(50);
    await w.close();
    assert.equal(handle.done(), true);
    assert.equal(runtime.clock.armed, 0, `session ${n}`);
  }
});

test("a say while the session closes is refused, and all handles settle", async () => {
  class Late extends Agent {
    override onExit({ session }: HookContext): void {
      session.say("Goodbye.");
    }
  }
  const w = world({ tts: {} });
  await w.start(new Late({ instructions: "" }));
  const first = w.session.say("A long story that is told for a while.");
  await w.clock.advance(200);
  await w.close();
  assert.equal(first.done(), true);
  await refusesWith("session.not_running", () => w.session.say("Too late."));
  assert.equal(w.clock.armed, 0);
});

test("drain, then another agent, then close: each agent leaves once", async () => {
  const calls: string[] = [];
  class Named extends Agent {
    override onEnter(): void {
      calls.push(`enter ${this.id}`);
    }
    override onExit(): void {
      calls.push(`exit ${this.id}`);
    }
  }
  const w = world();
  await w.start(new Named({ id: "a", instructions: "" }));
  await w.until(w.session.drain());
  await refusesWith("session.closing", () => w.session.say("No."));
  w.session.updateAgent(new Named({ id: "b", instructions: "" }));
  await w.clock.advance(100);
  assert.deepEqual(calls, ["enter a", "exit a", "enter b"]);
  await w.until(w.session.drain());
  await w.close();
  assert.deepEqual(calls, ["enter a", "exit a", "enter b", "exit b"]);
  assert.equal(w.clock.armed, 0);
});

test("a drain during which an agent arrives is over when the old one has left", async () => {
  const w = world({ tts: {} });
  await w.start();
  w.session.say("Hello there.");
  const drained = watch(w.session.drain());
  w.session.updateAgent(new Agent({ id: "b", instructions: "" }));
  await w.clock.advance(5_000);
  assert.equal(drained.settled, true);
  await w.close();
});

test("drain and interrupt that are refused reject, they do not throw", async () => {
  const w = world();
  await refusesWith("session.not_running", () => {
    const draining = w.session.drain();
    assert.ok(draining instanceof Promise);
    return draining;
  });
});
