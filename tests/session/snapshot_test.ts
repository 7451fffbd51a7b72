import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { Instructions } from "../../src/chat/instructions.ts";
import { Agent, type AgentOptions, type HookContext } from "../../src/session/agent.ts";
import { parseSnapshot } from "../../src/session/snapshot.ts";
import { handoff } from "../../src/tool/result.ts";
import { tool } from "../../src/tool/define.ts";
import type { ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { refusesWith, userSays, type World, world } from "./harness.ts";
import { scriptedInterruptionDetector } from "../../src/testing/scripted_interruption_detector.ts";

const throughJSON = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** What the model was told in its last request, without ids and times. */
function lastPrompt(w: World): readonly string[] {
  return (w.llm.requests.at(-1)?.items ?? []).map((item) => {
    switch (item.type) {
      case "message":
        return `${item.role}: ${item.textContent}`;
      case "function_call":
        return `call ${item.name}(${item.args})`;
      case "function_call_output":
        return `output ${item.output}`;
      default:
        return item.type;
    }
  });
}

async function ask(w: World, userInput: string): Promise<void> {
  await w.until(w.session.generateReply({ userInput }));
  await w.until(w.session.waitForQuiet());
}

class Host extends Agent {
  readonly seen: string[];
  constructor(seen: string[] = [], options: Partial<AgentOptions> = {}) {
    super({ instructions: "You are a host.", ...options });
    this.seen = seen;
  }
  override onEnter({ session }: HookContext): void {
    this.seen.push("enter");
    session.say("Welcome.");
  }
  override onExit(): void {
    this.seen.push("exit");
  }
}

test("a session that was put down goes on elsewhere: history, what the model sees, user data, usage", async () => {
  const seen: string[] = [];
  const usage = { completionTokens: 2, promptTokens: 3, promptCachedTokens: 1, totalTokens: 5 };
  const script: ScriptedReply[] = [{ when: { user: "Hi" }, text: "Hello!", usage }, { text: "Again.", usage }];
  const first = world({ llm: script, options: { userData: { points: 1, tags: ["a"] } } });
  await first.start(new Host(seen));
  await first.until(first.session.waitForQuiet());
  await ask(first, "Hi");
  (first.session.userData as { points: number }).points = 2;
  const saved = throughJSON(await first.until(first.session.suspend()));
  assert.deepEqual(seen, ["enter"]);
  assert.equal(first.clock.armed, 0);
  assert.equal(first.events.at(-1)?.type === "close" && first.events.at(-1), first.events.at(-1));
  assert.deepEqual(first.events.filter((event) => event.type === "close").map(({ reason }) => reason), ["suspended"]);

  const second = world({ llm: script, seed: 2 });
  await second.until(second.session.resume(saved, { agents: { host: () => new Host(seen) } }));
  assert.equal(second.session.currentAgent.id, "host");
  assert.deepEqual(second.session.userData, { points: 2, tags: ["a"] });
  await ask(second, "And?");
  assert.deepEqual(lastPrompt(second), [
    "system: You are a host.",
    "agent_config_update",
    "assistant: Welcome.",
    "user: Hi",
    "assistant: Hello!",
    "user: And?",
  ]);
  assert.deepEqual(seen, ["enter"], "nobody enters twice");
  const [used] = second.session.usage.modelUsage;
  assert.deepEqual(used?.type === "llm_usage" && [used.inputTokens, used.outputTokens], [6, 4]);
  assert.deepEqual(second.session.history.items.map(({ type }) => type), [
    "agent_handoff",
    "agent_config_update",
    "message",
    "message",
    "message",
    "message",
    "message",
  ]);
  await second.close();
  assert.deepEqual(seen, ["enter", "exit"]);
  assert.equal(second.clock.armed, 0);
});

test("a snapshot does not change with the session, and one that goes on does not change it", async () => {
  const w = world({ options: { userData: { list: [1] } } });
  await w.start();
  await ask(w, "Hi");
  const snapshot = w.session.snapshot();
  const before = JSON.stringify(snapshot);
  (w.session.userData as { list: number[] }).list.push(2);
  await ask(w, "More");
  assert.equal(JSON.stringify(snapshot), before);
  await w.close();

  const next = world();
  await next.until(
    next.session.resume(snapshot, { agents: { default_agent: () => new Agent({ instructions: "x" }) } }),
  );
  (next.session.userData as { list: number[] }).list.push(3);
  await ask(next, "Still?");
  assert.equal(JSON.stringify(snapshot), before);
  await next.close();
});

test("new items are younger than those of the snapshot, however far the clock is behind", async () => {
  const ahead = world({ runtime: virtualRuntime({ seed: 1, wallStart: 2_000_000_000_000 }) });
  await ahead.start();
  await ask(ahead, "Hi");
  const saved = throughJSON(ahead.session.snapshot());
  await ahead.close();

  const behind = world({ runtime: virtualRuntime({ seed: 2, wallStart: 1_000_000_000_000 }) });
  await behind.until(
    behind.session.resume(saved, { agents: { default_agent: () => new Agent({ instructions: "x" }) } }),
  );
  await ask(behind, "Late");
  assert.deepEqual(behind.session.history.messages().map(({ textContent }) => textContent), [
    "Hi",
    "Hello there.",
    "Late",
    "Hello there.",
  ]);
  const times = behind.session.history.items.map(({ createdAt }) => createdAt);
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
  await behind.close();
});

test("whoever took over is on stage again, with instructions, options and a context of its own", async () => {
  const desk = () => new Host([], { id: "desk", instructions: "Sell." });
  const w = world({
    llm: [
      { when: { user: "Buy" }, toolCalls: [{ name: "transfer", id: "c1", args: {} }] },
      { text: "At the desk." },
    ],
    agent: {
      tools: [tool({ name: "transfer", description: "Hands over.", execute: () => handoff({ agent: desk() }) })],
    },
  });
  await w.start();
  await ask(w, "Buy");
  const current = w.session.currentAgent;
  assert.equal(current.id, "desk");
  current.updateInstructions(new Instructions({ audio: "Sell aloud.", text: "Sell in writing." }));
  w.session.updateOptions({ turnHandling: { endpointing: { minDelay: 700 } } });
  const own = current.chatCtx.copy();
  own.addMessage({ role: "system", content: "The customer is in a hurry.", id: "note" });
  current.updateChatCtx(own);
  await ask(w, "And now?");
  const prompt = lastPrompt(w);
  const saved = throughJSON(await w.until(w.session.suspend()));

  const next = world({ llm: [{ text: "Yes." }] });
  await next.until(next.session.resume(saved, { agents: { desk } }));
  await ask(next, "Go on");
  assert.deepEqual(lastPrompt(next), [...prompt, "assistant: At the desk.", "user: Go on"]);
  assert.equal(prompt[0], "system: Sell in writing.");
  assert.ok(prompt.some((line) => line === "system: The customer is in a hurry."));
  assert.deepEqual(throughJSON(next.session.snapshot().options), { turnHandling: { endpointing: { minDelay: 700 } } });
  await next.close();
});

test("there is no snapshot while something is at work, and the error says what", async () => {
  let release = (): void => {};
  const w = world({
    tts: {},
    ears: true,
    llm: [{ when: { user: "Tool" }, toolCalls: [{ name: "slow", id: "c1", args: {} }] }, { text: "Done." }],
    agent: {
      tools: [tool({
        name: "slow",
        description: "Takes its time.",
        execute: () => new Promise<string>((go) => (release = () => go("ready"))),
      })],
    },
  });
  await refusesWith("session.not_running", () => w.session.snapshot());
  await w.start();
  await w.clock.advance(0);
  assert.equal(w.session.snapshot().version, 1);
  const saying = w.session.say("One two three.");
  await refusesWith("snapshot.not_quiet", () => w.session.snapshot());
  await w.until(saying);
  await w.until(w.session.waitForQuiet());
  w.session.snapshot();
  const reply = w.session.generateReply({ userInput: "Tool" });
  await w.clock.advance(100);
  await refusesWith("snapshot.not_quiet", () => w.session.snapshot());
  release();
  await w.until(reply);
  await w.until(w.session.waitForQuiet());
  w.session.snapshot();
  userSays(w, { from: w.clock.now(), until: w.clock.now() + 300, text: "Hm" });
  await w.clock.advance(100);
  await refusesWith("snapshot.not_quiet", () => w.session.snapshot());
  await w.clock.advance(10_000);
  await w.until(w.session.waitForQuiet());
  w.session.snapshot();
  await w.close();
});

test("waiting for an idle session waits for whoever takes over, and is refused when the session is none", async () => {
  const w = world();
  await assert.rejects(w.session.waitForQuiet(), { code: "session.not_running" });
  await w.start();
  let said = false;
  class Slow extends Agent {
    override async onEnter({ session }: HookContext): Promise<void> {
      await new Promise<void>((go) => w.clock.schedule(w.clock.now() + 500, go));
      await session.say("Here I am.");
      said = true;
    }
  }
  w.session.updateAgent(new Slow({ instructions: "Wait." }));
  await w.until(w.session.waitForQuiet());
  assert.equal(said, true);
  w.session.say("Bye.");
  const waiting = assert.rejects(w.session.waitForQuiet(), { code: "session.not_running" });
  await w.close();
  await waiting;
});

test("what cannot be waited for is cut off by `suspend`, and stands in the snapshot as such", async () => {
  const w = world({
    llm: [{ when: { user: "Tool" }, toolCalls: [{ name: "stuck", id: "c1", args: {} }] }, { text: "Done." }],
    agent: {
      tools: [tool({ name: "stuck", description: "Never ends.", execute: () => new Promise<string>(() => {}) })],
    },
  });
  await w.start();
  w.session.generateReply({ userInput: "Tool" });
  const startedAt = w.clock.now();
  const saved = await w.until(w.session.suspend({ deadline: 3_000 }));
  assert.ok(w.clock.now() - startedAt <= 3_100, `it took ${w.clock.now() - startedAt} ms`);
  assert.deepEqual(saved.history.map(({ type }) => type), [
    "agent_handoff",
    "agent_config_update",
    "message",
    "function_call",
    "function_call_output",
  ]);
  assert.equal(w.clock.armed, 0);

  const next = world({ llm: [{ text: "On we go." }] });
  await next.until(
    next.session.resume(throughJSON(saved), { agents: { default_agent: () => new Agent({ instructions: "x" }) } }),
  );
  await ask(next, "Go on");
  assert.ok(lastPrompt(next).includes("user: Go on"));
  await next.close();
});

test("a session that has closed can still be taken down, and one that never began cannot", async () => {
  const w = world();
  await assert.rejects(w.session.suspend(), { code: "session.not_running" });
  await w.start();
  await ask(w, "Hi");
  const running = JSON.stringify(w.session.snapshot());
  await w.close();
  assert.equal(JSON.stringify(await w.session.suspend()), running);
});

test("values that are no snapshot are refused, and nothing has started", async () => {
  const w = world();
  await w.start();
  await ask(w, "Hi");
  const good = throughJSON(w.session.snapshot()) as Record<string, unknown>;
  await w.close();
  const [agent] = good["agents"] as Record<string, unknown>[];
  const [item] = good["history"] as Record<string, unknown>[];
  const bad: Record<string, unknown> = {
    nothing: undefined,
    text: "{}",
    list: [],
    empty: {},
    "another version": { ...good, version: 2 },
    "no agent": { ...good, agents: [] },
    "two agents": { ...good, agents: [agent, agent] },
    "a context that points nowhere": { ...good, agents: [{ ...agent, context: [{ from: "nowhere", count: 1 }] }] },
    "a run that is too long": { ...good, agents: [{ ...agent, context: [{ from: item?.["id"], count: 1e6 }] }] },
    "an item that is none": { ...good, history: [{ ...item, type: "dance" }] },
    "an item that is a number": { ...good, history: [1] },
    "usage that is text": { ...good, usage: [{ type: "llm_usage", provider: "", model: "", inputTokens: "many" }] },
    "an option that does not exist": { ...good, options: { turnHandling: { mood: "good" } } },
  };
  for (const [what, value] of Object.entries(bad)) {
    const next = world();
    await assert.rejects(
      next.session.resume(value, { agents: { default_agent: () => new Agent({ instructions: "x" }) } }),
      { code: "snapshot.bad_value" },
      what,
    );
    assert.deepEqual([next.session.isRunning, next.session.history.length], [false, 0], what);
  }
  assert.ok(parseSnapshot(good));
  for (const agents of [{}, { default_agent: () => new Host() }, { default_agent: () => ({}) as Agent }]) {
    await assert.rejects(world().session.resume(good, { agents }), { code: "snapshot.unknown_agent" });
  }
  const running = world();
  await running.start();
  await assert.rejects(running.session.resume(good, { agents: {} }), { code: "session.already_running" });
  await running.close();
});

test("user data that JSON cannot hold is refused, and the error names the place", async () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  for (
    const [userData, place] of [
      [{ cart: { items: [1, () => 2] } }, "userData.cart.items[1]"],
      [{ when: new Date(0) }, "userData.when"],
      [{ ratio: NaN }, "userData.ratio"],
      [loop, "userData.self"],
      [10n, "userData"],
    ] as const
  ) {
    const w = world({ options: { userData } });
    await w.start();
    await w.until(w.session.waitForQuiet());
    assert.throws(() => w.session.snapshot(), (error: Error & { code?: string }) => {
      return error.code === "snapshot.bad_user_data" && error.message.includes(`\`${place}\``);
    });
    await w.close();
  }
});

test("a snapshot at any quiet point goes on as if nothing had happened (S10)", async () => {
  const script: ScriptedReply[] = [
    { when: { user: "tool" }, toolCalls: [{ name: "now", id: "c", args: { n: 1 } }] },
    { when: { output: "noon" }, text: "It is noon." },
    { when: { user: "fail" }, error: { retryable: false, afterText: "I was going to " } },
    {
      when: { user: "long" },
      chunks: [{ text: "One " }, { text: "two ", afterMs: 50 }, { text: "three.", afterMs: 50 }],
    },
    { text: "Fine." },
  ];
  const agent = (): Agent =>
    new Agent({
      id: "host",
      instructions: "Be brief.",
      tools: [tool({ name: "now", description: "The time.", execute: () => "noon" })],
    });
  const options = { connOptions: { maxUnrecoverableErrors: 100 } };
  const prompts = async (turns: readonly string[], putDownAfter: ReadonlySet<number>): Promise<string[][]> => {
    let w = world({ llm: script, options });
    await w.start(agent());
    const told: string[][] = [];
    for (const [index, turn] of turns.entries()) {
      const handle = w.session.generateReply({ userInput: turn.replace("cut ", "") });
      if (turn.startsWith("cut ")) {
        await w.clock.advance(60);
        handle.interrupt();
      }
      await w.until(handle);
      await w.until(w.session.waitForQuiet());
      told.push([...lastPrompt(w)]);
      if (!putDownAfter.has(index)) continue;
      const saved = throughJSON(await w.until(w.session.suspend()));
      assert.equal(w.clock.armed, 0);
      w = world({ llm: script, options, seed: index + 2 });
      await w.until(w.session.resume(saved, { agents: { host: agent } }));
    }
    await w.close();
    return told;
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("hi", "tool", "fail", "long", "cut long"), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(5)),
      async (turns, stops) => {
        assert.deepEqual(await prompts(turns, new Set(stops)), await prompts(turns, new Set()));
      },
    ),
    { numRuns: 40 },
  );
});

test("models and functions that were set at run time are left out, with a line in the log; what is plain stays", async () => {
  const w = world();
  await w.start();
  const detector = scriptedInterruptionDetector({ clock: w.clock });
  w.session.updateOptions({
    turnHandling: { turnDetection: "manual", interruption: { detector, backchannel: () => true, minWords: 3 } },
  });
  assert.deepEqual(w.session.snapshot().options, {
    turnHandling: { turnDetection: "manual", interruption: { minWords: 3 } },
  });
  assert.equal(w.log.filter(({ message }) => /set at run time is not in the snapshot/.test(message)).length, 2);
  w.session.updateOptions({ turnHandling: { interruption: { detector: null, backchannel: null } } });
  assert.deepEqual(w.session.snapshot().options.turnHandling?.interruption, {
    minWords: 3,
    detector: null,
    backchannel: null,
  });
  await w.close();
});
