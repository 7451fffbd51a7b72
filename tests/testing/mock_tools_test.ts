import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { valibotSchema } from "../../adapters/valibot/mod.ts";
import { Agent } from "../../src/session/agent.ts";
import { expectRun, mockTools, type ScriptedReply } from "../../src/testing/mod.ts";
import { tool } from "../../src/tool/define.ts";
import { ToolError } from "../../src/tool/error.ts";
import { world } from "../session/harness.ts";

const ran: string[] = [];
const stock = tool({
  name: "stock",
  description: "How many of a book there are.",
  parameters: valibotSchema(v.object({ title: v.string(), shop: v.optional(v.string(), "harbour") })),
  execute: ({ title }) => {
    ran.push(title);
    return { copies: 7 };
  },
});
class Seller extends Agent {
  constructor() {
    super({ instructions: "Sell.", tools: [stock] });
  }
}
class BetterSeller extends Seller {}

const calls = (args: unknown = { title: "Emma" }): ScriptedReply[] => [
  { when: { user: "Emma?" }, toolCalls: [{ name: "stock", id: "c", args }] },
  { text: "Done." },
];

async function ask(w: ReturnType<typeof world>): Promise<string> {
  const result = await w.until(w.session.run({ userInput: "Emma?" }));
  return expectRun(result).containsFunctionCallOutput({ name: "stock" }).event().item.output;
}

test("a mock runs in the place of the tool, with checked arguments, and the model sees the real schema", async () => {
  const w = world({ llm: calls() });
  await w.start(new Seller());
  ran.length = 0;
  {
    using mocked = mockTools(w.session, Seller, { stock: ({ title }: { title: string }) => `none of ${title}` });
    assert.equal(await ask(w), "none of Emma");
    assert.deepEqual(mocked.calls, [{ name: "stock", args: { title: "Emma", shop: "harbour" } }]);
    assert.deepEqual(ran, []);
    assert.equal(w.llm.requests[0]!.request.toolCtx!.functionTools.get("stock"), stock);
  }
  assert.equal(await ask(w), '{"copies":7}');
  assert.deepEqual(ran, ["Emma"]);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("arguments that do not fit never reach a mock, and what it throws is the tool's", async () => {
  const bad = world({ llm: calls({ title: 7 }) });
  await bad.start(new Seller());
  const mocked = mockTools(bad.session, Seller, { stock: () => "x" });
  assert.match(await ask(bad), /title/);
  assert.deepEqual(mocked.calls, []);
  await bad.close();

  const w = world({ llm: calls() });
  await w.start(new Seller());
  const error = mockTools(w.session, Seller, {
    stock: () => {
      throw new ToolError("The till is broken");
    },
  });
  assert.equal(await ask(w), "The till is broken");
  error.restore();
  error.restore();
  assert.equal(await ask(w), '{"copies":7}');
  await w.close();
});

test("mocks belong to the very class, and to one session", async () => {
  const [one, other] = [world({ llm: calls() }), world({ llm: calls() })];
  await one.start(new Seller());
  await other.start(new Seller());
  using _mocked = mockTools(one.session, Seller, { stock: () => "mock" });
  assert.equal(await ask(one), "mock");
  assert.equal(await ask(other), '{"copies":7}');
  one.session.updateAgent(new BetterSeller());
  await one.clock.advance(100);
  assert.equal(await ask(one), '{"copies":7}');
  await one.close();
  await other.close();
});

test("of nested scopes the inner holds alone for its class, others stay, and none gives the real tools back", async () => {
  const w = world({ llm: calls() });
  await w.start(new Seller());
  using _outer = mockTools(w.session, Seller, { stock: () => "outer" });
  using _other = mockTools(w.session, BetterSeller, { stock: () => "better" });
  {
    using _inner = mockTools(w.session, Seller, { stock: () => "inner" });
    assert.equal(await ask(w), "inner");
    {
      using _none = mockTools(w.session, Seller, {});
      assert.equal(await ask(w), '{"copies":7}');
    }
    assert.equal(await ask(w), "inner");
  }
  assert.equal(await ask(w), "outer");
  w.session.updateAgent(new BetterSeller());
  await w.clock.advance(100);
  assert.equal(await ask(w), "better");
  await w.close();
});

test("a mock may take its time, and report its progress", async () => {
  const w = world({ llm: calls() });
  await w.start(new Seller());
  using _mocked = mockTools(w.session, Seller, {
    stock: async (_args, { ctx }) => {
      await new Promise<void>((resolve) => void w.clock.schedule(w.clock.now() + 2_000, resolve));
      await ctx.update("Still counting");
    },
  });
  assert.match(await ask(w), /Still counting/);
  assert.ok(w.clock.now() >= 2_000);
  await w.close();
  assert.equal(w.clock.armed, 0);
});
