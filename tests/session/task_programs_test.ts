/**
 * Random programs of calls over agents that hand over and wait for tasks, by text and voice: none holds up another, and
 * everything that was asked for ends.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import type { AgentError } from "../../src/base/error.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { Agent, type HookContext } from "../../src/session/agent.ts";
import { AgentTask } from "../../src/session/agent_task.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import { stageViolations } from "../../src/stage/invariants.ts";
import { tool } from "../../src/tool/define.ts";
import type { AnyTool } from "../../src/tool/tool.ts";
import { userSays, watch, type World, world } from "./harness.ts";

/** What the hooks of the next agents and tasks do. */
const MANNERS = ["says", "replies", "asks", "throws", "silent"] as const;
type Manner = (typeof MANNERS)[number];

const CALLS = [
  "task",
  "two tasks",
  "hand over",
  "tool hands over",
  "answer",
  "run",
  "say",
  "complete",
  "cancel",
  "interrupt",
  "drain",
  "speak task",
  "speak answer",
  "speak",
] as const;
type Call = readonly [what: (typeof CALLS)[number], manner: Manner, ms: number];

class Ask extends AgentTask<string> {
  readonly #manner: Manner;

  constructor(manner: Manner, tools: readonly AnyTool[] = []) {
    super({
      instructions: "Ask.",
      tools: [tool({ name: "set", description: "x", execute: () => this.complete("Ann") }), ...tools],
    });
    this.#manner = manner;
  }
  override async onEnter({ session, run }: HookContext): Promise<void> {
    if (this.#manner === "says") session.say("Yes?");
    if (this.#manner === "replies") await session.generateReply({ instructions: "Ask." });
    if (this.#manner === "asks") await run(new Ask("says")).catch(() => {});
    if (this.#manner === "throws") throw new Error("on purpose");
  }
  override async onExit({ session, run }: HookContext): Promise<void> {
    if (this.#manner === "replies") await session.say("Thanks.");
    if (this.#manner === "asks") await run(new Ask("says")).catch(() => {});
  }
}

/** One program. Everything is asserted on the way, and at the end. */
class Program {
  readonly w: World;
  readonly #voice: boolean;
  #manner: Manner = "says";
  #agents = 0;
  readonly #asked: { settled: boolean; error?: unknown }[] = [];
  readonly #handles: SpeechHandle[] = [];
  readonly #runs: { settled: boolean; error?: unknown }[] = [];

  constructor(voice: boolean) {
    this.#voice = voice;
    const call = (name: string): { name: string; id: string; args: object } => ({ name, id: "", args: {} });
    this.w = world({
      tts: { msPerChar: 20 },
      ears: voice,
      llm: [
        { when: { lastUser: "task" }, times: 3, ttftMs: 100, toolCalls: [call("ask")] },
        {
          when: { lastUser: "two tasks" },
          times: 2,
          ttftMs: 100,
          text: "Both.",
          toolCalls: [call("ask"), call("ask")],
        },
        { when: { user: "tool hands over" }, ttftMs: 100, toolCalls: [call("leave")] },
        { when: { user: "answer" }, ttftMs: 100, toolCalls: [call("set")] },
        { ttftMs: 100, text: "So it is." },
      ],
    });
  }

  async play(calls: readonly Call[], drain: boolean): Promise<void> {
    const { w } = this;
    await w.start(this.#guest());
    for (const [what, manner, ms] of calls) {
      this.#manner = manner;
      try {
        this.#call(what);
      } catch (error) {
        const { code } = error as AgentError;
        assert.ok(["session.closing", "session.not_running", "task.already_done", "run.active"].includes(code), code);
      }
      await w.clock.advance(ms);
      assert.deepEqual(stageViolations(w.session["~core"].root), []);
    }
    await w.clock.advance(90_000);
    const { stage } = w.session["~core"].root;
    assert.equal(stage.current?.phase, "active");
    assert.ok(stage.arrivals.length === 0 || stage.paused.some(({ activity }) => activity.inExit));
    assert.equal(w.session.agentState, "listening");
    assert.ok(this.#runs.every(({ settled }) => settled), "a run is open");

    if (drain) {
      w.session.shutdown();
      await w.clock.advance(40_000);
    } else await w.close();
    await w.clock.advance(3_000); // the script goes on talking
    assert.deepEqual([w.clock.armed, w.session.isRunning], [0, false]);
    assert.ok(this.#asked.every(({ settled }) => settled), "somebody waits for a task");
    assert.ok(this.#handles.every((handle) => handle.done()), "a handle is open");
    assertPaired(w.session.history.items);
    for (const { items } of w.llm.requests) assertPaired(items);
  }

  #call(what: (typeof CALLS)[number]): void {
    const { w } = this;
    const { session, clock } = w;
    const onStage = session.currentAgent;
    switch (what) {
      case "hand over":
        return session.updateAgent(this.#guest());
      case "interrupt":
        return void session.interrupt({ force: true }).catch(() => {});
      case "drain":
        return void session.drain().catch(() => {});
      case "say":
        return void this.#handles.push(session.say("Something."));
      case "run":
        return void this.#runs.push(watch(session.run({ userInput: "answer" })));
      case "complete":
        return onStage instanceof AgentTask ? onStage.complete("Eve") : undefined;
      case "cancel":
        return onStage instanceof AgentTask ? onStage.cancel() : undefined;
      case "speak":
      case "speak task":
      case "speak answer": {
        const text = what === "speak" ? "so many words" : what.slice("speak ".length);
        if (this.#voice) userSays(w, { from: clock.now(), until: clock.now() + 600, text });
        return;
      }
      default:
        this.#handles.push(session.generateReply({ userInput: what }));
    }
  }

  #guest(): Agent {
    const manner = (): Manner => this.#manner;
    return Agent.create({
      id: `guest${this.#agents++}`,
      instructions: "Guest.",
      tools: [
        this.#askTool("ask", [this.#askTool("ask_more", [])]),
        tool({ name: "leave", description: "x", execute: () => this.#guest() }),
      ],
      onEnter: (_agent, { session }) => void session.say("Hello."),
      async onExit(_agent, { session, run }) {
        await session.say("Bye.");
        if (manner() === "asks") await run(new Ask("says")).catch(() => {});
      },
    });
  }

  #askTool(name: string, tools: readonly AnyTool[]): AnyTool {
    return tool({
      name,
      description: "x",
      execute: (_args, { ctx }) => {
        const waiting = ctx.run(new Ask(this.#manner, tools));
        this.#asked.push(watch(waiting));
        return waiting;
      },
    });
  }
}

function assertPaired(items: readonly ChatItem[]): void {
  const outputs = new Map<string, number>();
  for (const item of items) {
    if (item.type === "function_call") {
      assert.ok(!outputs.has(item.callId), "a call is there once");
      outputs.set(item.callId, 0);
    }
    if (item.type === "function_call_output") {
      assert.equal(outputs.get(item.callId), 0, "an output follows its call, once");
      outputs.set(item.callId, 1);
    }
  }
  assert.ok([...outputs.values()].every((count) => count === 1), "no call is left open");
}

test("whatever is called over agents and tasks, whenever, all of it ends, and nobody waits for ever", async () => {
  const call = fc.tuple(
    fc.constantFrom(...CALLS),
    fc.constantFrom(...MANNERS),
    fc.constantFrom(0, 1, 150, 700, 1_500, 4_000, 12_000),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 14 }), fc.boolean(), fc.boolean(), async (calls, voice, drain) => {
      await new Program(voice).play(calls, drain);
    }),
    { numRuns: 60 },
  );
});
