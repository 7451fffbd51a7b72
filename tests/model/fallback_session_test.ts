import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { Agent, AgentSession } from "../../mod.ts";
import { fallbackLLM } from "../../src/model/fallback.ts";
import { scriptedLLM } from "../../src/testing/scripted_llm.ts";

test("a session whose first model fails answers by the second, and leaves no probe when it closes", async () => {
  const runtime = virtualRuntime();
  const { clock } = runtime;
  const first = scriptedLLM([{ times: 1, error: {} }, { hangs: true }], { clock, model: "first" });
  const second = scriptedLLM([{ text: "Hello!" }], { clock, model: "second" });
  const session = new AgentSession({ llm: fallbackLLM([first, second]), runtime });
  await clock.until(session.start({ agent: new Agent({ instructions: "Be kind." }) }));
  const result = await clock.until(session.run({ userInput: "Hi" }));
  const [event] = result.events;
  assert.equal(event?.type === "message" ? event.item.textContent : undefined, "Hello!");
  assert.equal(first.requests.length, 2);
  await clock.until(session.close());
  await clock.advance(0);
  assert.equal(first.requests[1]!.cancelled, true);
  assert.equal(clock.armed, 0);
});
