/**
 * Testing an agent: runs, mocks, a judge, and a whole telephone call, on a clock that moves only when nothing can run.
 *
 *     node --test examples/testing_an_agent_test.ts      (or `deno test -A`, or `bun test ./examples/testing_an_agent_test.ts`)
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentSession } from "../mod.ts";
import * as kit from "../src/testing/mod.ts";
import { Bookseller, booksellerModel } from "./shared/bookshop.ts";

const judge = (clock: kit.VirtualClock) =>
  // a real model judges in earnest; here one follows a script
  kit.scriptedLLM([{ toolCalls: [{ name: "check_intent", id: "1", args: { success: true, reason: "" } }] }], { clock });

async function open() {
  const runtime = kit.virtualRuntime();
  const { clock } = runtime;
  const session = new AgentSession({ runtime, llm: booksellerModel(clock) });
  await clock.until(session.start({ agent: new Bookseller(clock) }));
  return { clock, session, ask: (userInput: string) => clock.until(session.run({ userInput })) };
}

test("opening hours are looked up, and told", async () => {
  const { ask } = await open();
  const run = kit.expectRun(await ask("Are you open on Sunday?"));
  run.skipNextEventIf({ type: "message", role: "assistant", text: /Good morning/ }); // the greeting
  run.nextEvent().isFunctionCall({ name: "opening_hours", args: { day: "sunday" } });
  run.nextEvent().isFunctionCallOutput({ isError: false });
  run.nextEvent().isMessage({ role: "assistant", text: /from ten in the morning/ });
  run.noMoreEvents();
});

test("what the till says is what the caller hears", async () => {
  const { session, ask } = await open();
  using mocked = kit.mockTools(session, Bookseller, {
    opening_hours: () => ({ day: "sunday", hours: "day and night" }),
  });
  kit.expectRun(await ask("Are you open on Sunday?")).containsMessage({ text: "On Sunday we are open day and night." });
  assert.equal(mocked.calls.length, 1);
});

test("the answer to a question about cookbooks is of use, says a judge", async () => {
  const { clock, ask } = await open();
  const message = kit.expectRun(await ask("Where are the cookbooks?")).range(-1).containsMessage();
  await clock.until(message.judge(judge(clock), { intent: "tells where in the shop the cookbooks are", clock }));
});

test("a caller who cuts in is listened to", async () => {
  const runtime = kit.virtualRuntime();
  const line = kit.phoneLine({ clock: runtime.clock });
  const session = new AgentSession({ runtime, llm: booksellerModel(runtime.clock), ...line.models });
  const user = kit.scriptedUser([
    { text: "Tell me the history of the shop.", cutIn: { afterMs: 4_000, text: "Stop, are you open on Sunday?" } },
    { hears: /open from ten/, text: "Thank you, goodbye." },
  ]);
  const { history } = await kit.simulate(session, { agent: new Bookseller(runtime.clock), user, line });
  assert.equal(history.messages().filter(({ interrupted }) => interrupted).length, 1);
});
