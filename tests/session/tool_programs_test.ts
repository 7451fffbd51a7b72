/**
 * Random programs of tools, reports, interruptions, hand-offs and closes: whatever comes when, each call has one end, every
 * history pairs each call with one output, and nothing is left.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import type { ChatContext } from "../../src/chat/context.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import type { ChatChunk } from "../../src/model/llm.ts";
import { Agent } from "../../src/session/agent.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import { asyncToolset, tool } from "../../src/tool/define.ts";
import type { RunContext } from "../../src/tool/context.ts";
import { type World, world } from "./harness.ts";

type Action =
  | { readonly type: "ask"; readonly tools: readonly string[] }
  | { readonly type: "report" | "end" | "fail"; readonly call: number }
  | { readonly type: "say" | "interrupt" | "handoff" | "updateTools" | "foreground" }
  | { readonly type: "wait"; readonly ms: number };

const NAMES = ["plain", "cancellable", "replacing", "rejecting", "job", "lk_agents_cancel_task", "unknown"];

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("ask" as const),
      tools: fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom("report" as const, "end" as const, "fail" as const),
      call: fc.nat(2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom("say" as const, "updateTools" as const, "foreground" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("interrupt" as const, "handoff" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      ms: fc.constantFrom(0, 1, 50, 400, 3_000, 6_000, 12_000),
    }),
  },
);

interface Call {
  readonly ctx: RunContext;
  readonly end: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
}

function play(voice: boolean): {
  readonly w: World;
  readonly calls: Call[];
  readonly agents: Agent[];
  /** What the next replies call. */
  readonly scripts: string[][];
  /** What the model saw, each time. */
  readonly asked: (readonly ChatItem[])[];
} {
  const asked: (readonly ChatItem[])[] = [];
  const calls: Call[] = [];
  const scripts: string[][] = [];
  const make = (name: string, more: Partial<Parameters<typeof tool>[0]> = {}) =>
    tool({
      name,
      description: "",
      parameters: { type: "object", properties: {} },
      ...more,
      execute: (_args, { ctx }) => new Promise((end, fail) => void calls.push({ ctx: ctx as RunContext, end, fail })),
    });
  const own = [
    make("plain"),
    make("cancellable", { flags: { cancellable: true } }),
    make("replacing", { onDuplicate: "replace", flags: { cancellable: true } }),
    make("rejecting", { onDuplicate: "reject", duplicateScope: "name_and_args" }),
  ];
  let n = 0;
  class Caller extends Agent {
    override async *llmNode(chatCtx: ChatContext): AsyncGenerator<ChatChunk> {
      asked.push(chatCtx.items);
      await new Promise<void>((go) => void w.clock.schedule(w.clock.now() + 20, go));
      yield { id: "r", delta: { role: "assistant", content: "Well then." } };
      const toolCalls = (scripts.shift() ?? []).map((name) => ({
        type: "function" as const,
        name,
        callId: `c${n++ % 7}`, // some of them twice
        args: name === "lk_agents_cancel_task" ? `{"call_id":"c${n % 7}"}` : "{}",
      }));
      if (toolCalls.length > 0) yield { id: "r", delta: { role: "assistant", toolCalls } };
    }
  }
  const agents = [0, 1].map((index) => new Caller({ id: `agent_${index}`, instructions: "", tools: own }));
  const w: World = world({
    ...(voice && { tts: { msPerChar: 40 } }),
    options: { tools: [asyncToolset({ id: "jobs", tools: [make("job")] })] },
  });
  return { w, calls, agents, scripts, asked };
}

/** Each call has one output. */
function unpaired(items: readonly ChatItem[]): string[] {
  const count = new Map<string, [calls: number, outputs: number]>();
  for (const item of items) {
    if (item.type !== "function_call" && item.type !== "function_call_output") continue;
    const [calls, outputs] = count.get(item.callId) ?? [0, 0];
    count.set(item.callId, item.type === "function_call" ? [calls + 1, outputs] : [calls, outputs + 1]);
  }
  return [...count].flatMap(([id, [calls, outputs]]) =>
    calls === 1 && outputs === 1 ? [] : [`${id}: ${calls}/${outputs}`]
  );
}

test("whatever happens when, each call has one end, and every history pairs it with one output", async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(action, { minLength: 10, maxLength: 40 }), async (voice, actions) => {
      const { w, calls, agents, scripts, asked } = play(voice);
      const handles: SpeechHandle[] = [];
      const { session, clock } = w;
      const floors: Promise<unknown>[] = [];
      await w.start(agents[0]!);
      for (const act of actions) {
        const call = "call" in act ? calls.at(-1 - act.call) : undefined;
        switch (act.type) {
          case "ask":
            scripts.push([...act.tools]);
            try {
              handles.push(session.generateReply({ userInput: "Go" }));
            } catch {
              scripts.pop(); // the agent is leaving
            }
            await clock.advance(30); // until the model has answered
            break;
          case "report":
            await call?.ctx.update("at work").catch(() => {}); // it may be over
            break;
          case "end":
            call?.end("done");
            break;
          case "fail":
            call?.fail(new Error("broken"));
            break;
          case "say":
            try {
              handles.push(session.say("One moment please."));
            } catch { /* the agent is leaving */ }
            break;
          case "interrupt":
            await clock.advance(0);
            try {
              void session.interrupt({ force: true });
            } catch { /* the agent is leaving */ }
            break;
          case "handoff":
            session.updateAgent(session.currentAgent === agents[0] ? agents[1]! : agents[0]!);
            break;
          case "updateTools":
            session.currentAgent.updateTools(session.currentAgent.tools.length === 0 ? agents[0]!.options.tools! : []);
            break;
          case "foreground":
            if (calls.length > 0) floors.push(calls.at(-1)!.ctx.foreground(() => {}).catch(() => {}));
            break;
          case "wait":
            await clock.advance(act.ms);
        }
        await clock.advance(1);
      }
      await w.close();
      await Promise.all(floors);
      await clock.advance(0);

      for (const handle of handles) assert.equal(handle.done(), true);
      assert.deepEqual(unpaired(session.history.items), []);
      for (const agent of agents) assert.deepEqual(unpaired(agent.chatCtx.items), []);
      for (const items of asked) assert.deepEqual(unpaired(items), []);
      const lives = new Map<string, number>();
      for (const event of w.events) {
        if (event.type !== "tool_execution_updated") continue;
        const { update } = event;
        if (update.type === "tool_call_started") {
          assert.equal(lives.has(update.functionCall.callId), false);
          lives.set(update.functionCall.callId, 0);
        }
        if (update.type === "tool_call_ended") lives.set(update.callId, (lives.get(update.callId) ?? 9) + 1);
      }
      assert.deepEqual([...lives].filter(([, ends]) => ends !== 1), []);
      assert.deepEqual(session["~core"].toolCalls.journal.calls, []);
      assert.equal(w.events.at(-1)?.type, "close");
      await clock.advance(20); // a model that was cut off
      assert.equal(clock.armed, 0);
    }),
    { numRuns: 200 },
  );
});
