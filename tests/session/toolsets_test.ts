import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "../../src/session/agent.ts";
import { tool, toolset } from "../../src/tool/define.ts";
import type { Toolset, ToolsetContext } from "../../src/tool/tool.ts";
import { names, refusesWith, told, world } from "./harness.ts";

const plainTool = (name: string) => tool({ name, description: "", execute: () => `${name} result` });

function recorded(id: string, log: string[], more: Partial<Toolset> = {}): Toolset {
  return toolset({
    id,
    tools: [plainTool(`${id}_tool`)],
    setup: () => void log.push(`${id} setup`),
    aclose: () => void log.push(`${id} aclose`),
    ...more,
  });
}

test("an agent's toolset begins and ends with it, nested ones too; a session's ends with the session", async () => {
  const log: string[] = [];
  const nested = recorded("nested", log);
  const own = recorded("own", log, { tools: [nested] });
  const shared = recorded("session", log);
  const next = new Agent({ id: "next", instructions: "" });
  const w = world({ agent: { tools: [own] }, options: { tools: [shared] } });
  await w.start();
  assert.deepEqual(log.splice(0).toSorted(), ["nested setup", "own setup", "session setup"]);
  w.session.updateAgent(next);
  await w.clock.advance(10);
  assert.deepEqual(log.splice(0).toSorted(), ["nested aclose", "own aclose", "session setup"]);
  await w.close();
  assert.deepEqual(log, ["session aclose"]);
});

test("a toolset that two agents have goes on from one to the other; with a second session it lives as long as both", async () => {
  const log: string[] = [];
  const desk = recorded("desk", log);
  const next = new Agent({ id: "next", instructions: "", tools: [desk] });
  const w = world({ agent: { tools: [desk] } });
  const other = world({ agent: { tools: [desk] } });
  await w.start();
  w.session.updateAgent(next);
  await w.clock.advance(10);
  assert.deepEqual(log.splice(0), ["desk setup", "desk setup"]); // it never ended
  w.session.updateAgent(w.agent);
  await w.clock.advance(10);
  log.length = 0;
  await other.start();
  w.session.updateAgent(next);
  await w.clock.advance(10);
  assert.deepEqual(log, ["desk setup", "desk setup"]);
  await w.close();
  assert.equal(log.includes("desk aclose"), false);
  await other.close();
  assert.equal(log.filter((line) => line === "desk aclose").length, 1);
});

test("a toolset that is needed again while it ends begins when it has ended", async () => {
  const log: string[] = [];
  let end = (): void => {};
  const desk = recorded("desk", log, {
    aclose: () => new Promise<void>((resolve) => (end = () => (log.push("desk aclose"), resolve()))),
  });
  const w = world({ agent: { tools: [desk] } });
  const plain = new Agent({ id: "plain", instructions: "" });
  await w.start();
  w.session.updateAgent(plain);
  w.session.updateAgent(w.agent);
  await w.clock.advance(1_000);
  assert.deepEqual(log, ["desk setup"]);
  end();
  await w.clock.advance(10);
  assert.deepEqual(log, ["desk setup", "desk aclose", "desk setup"]);
  assert.equal(w.session["~core"].activity?.agent, w.agent);
  const closing = w.session.close();
  await w.clock.advance(10);
  end();
  await w.until(closing);
});

test("a setup that fails or hangs is told, and the agent goes on with the rest", async () => {
  const log: string[] = [];
  const broken = recorded("broken", log, {
    setup: () => Promise.reject(new Error("no desk")),
    aclose: () => Promise.reject(new Error("no end")),
  });
  const hanging = recorded("hanging", log, { setup: () => new Promise(() => {}) });
  const w = world({ agent: { tools: [broken, hanging, recorded("well", log)] } });
  const starting = w.session.start({ agent: w.agent });
  await w.clock.advance(4_900);
  assert.deepEqual(log, ["well setup"]);
  await w.clock.advance(200);
  await w.until(starting);
  const errors = w.events.flatMap((event) =>
    event.type === "error" ? [String((event.error as { error: unknown }).error)] : []
  );
  assert.match(errors.join("\n"), /no desk/);
  assert.match(errors.join("\n"), /toolsets/);
  assert.equal(w.session.agentState, "listening");
  await w.close();
  assert.match(w.log.map(({ fields }) => String(fields["error"])).join("\n"), /no end/);
  assert.equal(w.clock.armed, 0);
});

test("a toolset that learns its tools when it is set up, or later, has them in the next request", async () => {
  let ctx: ToolsetContext | undefined;
  const remote = toolset({
    id: "remote",
    tools: [],
    setup: (given) => {
      ctx = given;
      given.updateTools([plainTool("first")]);
    },
  });
  const w = world({
    agent: { tools: [remote] },
    llm: [{ when: { user: "Go" }, times: 1, toolCalls: [{ name: "first", id: "c1", args: {} }] }, { text: "Done." }],
  });
  await w.start();
  const toolsOf = (n: number): string[] => [...w.llm.requests.at(n)!.request.toolCtx!.functionTools.keys()];
  await w.until(w.session.generateReply({ userInput: "Go" }));
  assert.deepEqual(toolsOf(0), ["first"]);
  assert.ok(told(w.session.history.items).includes("output c1: first result"));
  ctx!.updateTools([plainTool("second"), plainTool("third")]);
  await w.until(w.session.generateReply({ userInput: "Again" }));
  assert.deepEqual(toolsOf(-1), ["second", "third"]);
  const updates = w.session.history.items.flatMap((item) => item.type === "agent_config_update" ? [item] : []);
  assert.deepEqual(updates.at(-1)?.toolsAdded, ["second", "third"]);
  assert.deepEqual(updates.at(-1)?.toolsRemoved, ["first"]);
  ctx!.updateTools([plainTool("fourth"), plainTool("fourth")]); // two of one name: told, and nothing changes
  await w.until(w.session.generateReply({ userInput: "Again" }));
  assert.deepEqual(toolsOf(-1), ["second", "third"]);
  assert.ok(names(w.events).includes("error"));
  await w.close();
});

test("toolsets that an agent gets or loses on stage begin and end then; what does not fit changes nothing", async () => {
  const log: string[] = [];
  const one = recorded("one", log);
  const two = recorded("two", log);
  const w = world({ agent: { tools: [one] } });
  await w.start();
  w.agent.updateTools([two]);
  await w.clock.advance(0);
  assert.deepEqual(log.splice(0), ["one setup", "one aclose", "two setup"]);
  await refusesWith("tool.bad_definition", () => w.agent.updateTools([plainTool("a"), plainTool("a")]));
  assert.deepEqual(w.agent.tools, [two]);
  assert.deepEqual(log, []);
  await w.until(w.session.generateReply({ userInput: "Hi", tools: ["two"] }));
  assert.deepEqual([...w.llm.requests.at(-1)!.request.toolCtx!.functionTools.keys()], ["two_tool"]);
  await w.close();
  assert.deepEqual(log, ["two aclose"]);
});

test("tools that are for no reply of onEnter, and tools of a provider, are passed on as they are", async () => {
  class Greeter extends Agent {
    override async onEnter({ session }: Parameters<Agent["onEnter"]>[0]): Promise<void> {
      await session.generateReply({ instructions: "Greet." });
    }
  }
  const hidden = tool({ name: "hidden", description: "", flags: { ignoreOnEnter: true }, execute: () => "" });
  const agent = new Greeter({
    instructions: "",
    tools: [toolset({ id: "set", tools: [hidden, plainTool("shown")] }), {
      type: "provider",
      id: "search",
      config: { max: 3 },
    }],
  });
  const w = world();
  await w.start(agent);
  await w.clock.advance(10);
  const { toolCtx } = w.llm.requests[0]!.request;
  assert.deepEqual([...toolCtx!.functionTools.keys()], ["shown"]);
  assert.deepEqual(toolCtx!.providerTools, [{ type: "provider", id: "search", config: { max: 3 } }]);
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  assert.deepEqual([...w.llm.requests[1]!.request.toolCtx!.functionTools.keys()], ["hidden", "shown"]);
  await w.close();
});
