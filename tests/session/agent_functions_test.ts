import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "../../src/session/agent.ts";
import { AgentTask } from "../../src/session/agent_task.ts";
import { tool } from "../../src/tool/define.ts";
import { refusesWith, told, world } from "./harness.ts";

test("an agent of functions: each is given the agent, and takes the place of its method", async () => {
  const seen: unknown[] = [];
  const agent = Agent.create({
    instructions: "Be brief.",
    onEnter: (self, { session }) => {
      seen.push(self);
      session.say("Hello.");
    },
    onExit: (self) => void seen.push(self.session.currentAgent.id),
    async *llmNode(self, chatCtx) {
      yield `${self.instructions} ${chatCtx.length > 0}`;
    },
  });
  const w = world();
  await w.start(agent);
  await w.until(w.session.run({ userInput: "Hi" }));
  assert.equal(w.llm.requests.length, 0);
  await w.close();
  assert.deepEqual(seen, [agent, "default_agent"]);
  assert.deepEqual(told(w.session.history.items), ["assistant: Hello.", "user: Hi", "assistant: Be brief. true"]);
});

test("what is left out stays as it is, and an option that there is not is refused", async () => {
  const w = world({ llm: [{ text: "So." }] });
  await w.start(Agent.create({ id: "made", instructions: "x" }));
  await w.until(w.session.run({ userInput: "Hi" }));
  assert.equal(w.session.currentAgent.id, "made");
  assert.equal(told(w.session.history.items).at(-1), "assistant: So.");
  await w.close();
  await refusesWith("session.bad_option", () => Agent.create({ instructions: "x", onEntry: () => {} } as never));
});

test("a task of functions completes by its own hand", async () => {
  const make = (): AgentTask<string> =>
    AgentTask.create<string>({ id: "knows", instructions: "x", onEnter: (self) => self.complete("Eve") });
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "ask", id: "c1", args: {} }] }, { text: "So." }],
    agent: { tools: [tool({ name: "ask", description: "x", execute: (_args, { ctx }) => ctx.run(make()) })] },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Go" }));
  assert.ok(told(w.session.history.items).includes("output c1: Eve"));
  await w.close();
});
