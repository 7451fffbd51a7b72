import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { APIStatusError } from "../../src/model/error.ts";
import { AgentError } from "../../src/base/error.ts";
import { itemFactory } from "../../src/chat/make.ts";
import { Agent } from "../../src/session/agent.ts";
import type { RunEvent } from "../../src/session/run_result.ts";
import { expectRun, RunAssertionError, scriptedLLM, type ScriptedReply } from "../../src/testing/mod.ts";
import { tool } from "../../src/tool/define.ts";
import { handoff } from "../../src/tool/result.ts";
import { world } from "../session/harness.ts";

class Desk extends Agent {}

const items = itemFactory({ now: () => 0, random: () => 0 });
const said = (text: string, interrupted = false): RunEvent => ({
  type: "message",
  item: items.message({ role: "assistant", content: [text], interrupted }),
});
const called = (name: string, args: unknown): RunEvent => ({
  type: "function_call",
  item: items.functionCall({
    callId: "c1",
    name,
    args: typeof args === "string" ? args : JSON.stringify(args),
  }),
});
const answered = (output: string, isError = false): RunEvent => ({
  type: "function_call_output",
  item: items.functionCallOutput({ callId: "c1", name: "weather", output, isError }),
});
const moved = (): RunEvent => ({
  type: "agent_handoff",
  item: items.agentHandoff({ oldAgentId: "host", newAgentId: "desk" }),
  oldAgent: undefined,
  newAgent: new Desk({ instructions: "" }),
});
const run = (): RunEvent[] => [
  called("weather", { city: "Oslo", opts: { days: [1, 2], unit: "C" } }),
  answered("sunny"),
  moved(),
  said("It is sunny."),
];

/** The message of the assertion that fails. */
function failing(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof RunAssertionError, String(error));
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, "test.failed");
    assert.equal(error.name, "AssertionError");
    return error.message;
  }
  return assert.fail("nothing failed");
}

test("a run is asserted event by event, and each kind by its criteria", () => {
  const expected = expectRun(run());
  const call = expected.nextEvent().isFunctionCall({ name: "weather", args: { city: "Oslo" } });
  assert.equal(call.event().item.callId, "c1");
  expected.nextEvent().isFunctionCallOutput({ output: "sunny", isError: false, name: "weather" });
  expected.nextEvent().isAgentHandoff({ newAgentType: Desk, newAgentId: "desk" });
  const message = expected.nextEvent({ type: "message" }).isMessage({ role: "assistant", text: "It is sunny." });
  assert.equal(message.index, 3);
  expected.noMoreEvents();
});

test("the cursor belongs to the run: another call of expectRun goes on where it was", () => {
  const events = run();
  expectRun(events).nextEvent().isFunctionCall();
  expectRun({ events }).nextEvent().isFunctionCallOutput();
  expectRun(run()).nextEvent().isFunctionCall(); // another run begins anew
});

test("nextEvent with a type goes past others, and skipNext past as many as it is told", () => {
  const expected = expectRun(run());
  assert.equal(expected.nextEvent({ type: "agent_handoff" }).event().item.newAgentId, "desk");
  expected.skipNext().noMoreEvents();
  assert.match(failing(() => expected.skipNext()), /^Expected 1 more event to skip, and there are 0\n/);
  assert.match(failing(() => expected.nextEvent()), /^Expected another event, and there is none\n/);
  assert.match(failing(() => expectRun([]).nextEvent({ type: "message" })), /of type message, and there is none\n/);
});

test("skipNextEventIf goes on only when the event fits", () => {
  const expected = expectRun(run());
  assert.equal(expected.skipNextEventIf({ type: "message" }), undefined);
  assert.equal(expected.skipNextEventIf({ type: "function_call", name: "other" }), undefined);
  assert.equal(expected.skipNextEventIf({ type: "function_call", name: "weather" })?.event().item.name, "weather");
  expected.nextEvent().isFunctionCallOutput();
});

test("events are found by their place, from either end, without moving the cursor", () => {
  const expected = expectRun(run());
  expected.at(1).isFunctionCallOutput();
  expected.at(-1).isMessage();
  expected.nextEvent().isFunctionCall();
  assert.match(failing(() => expected.at(4)), /^Expected an event at 4, and there are 4\n/);
  assert.match(failing(() => expected.at(-5)), /^Expected an event at -5/);
});

test("a range looks for the first event that fits, and the cursor stays", () => {
  const expected = expectRun([said("One."), ...run(), said("Two.")]);
  assert.equal(expected.containsMessage({ text: /two/i }).index, 5);
  assert.equal(expected.containsMessage().index, 0);
  assert.equal(expected.range(1).containsMessage().index, 4);
  assert.equal(expected.range(-1).containsMessage().index, 5);
  expected.range(0, 3).containsFunctionCall({ name: "weather" });
  expected.containsFunctionCallOutput({ output: /sun/ });
  expected.containsAgentHandoff({ newAgentType: Agent });
  expected.nextEvent().isMessage({ text: "One." });
  assert.match(
    failing(() => expected.range(0, 2).containsAgentHandoff()),
    /^Expected an agent hand-off among the events 0 to 1, and there is none\n/,
  );
  assert.match(
    failing(() => expected.containsFunctionCall({ name: "book" })),
    /a function call with name "book" in the/,
  );
});

test("a failure shows the whole run with a mark at the event that is wrong", () => {
  assert.equal(
    failing(() => expectRun(run()).at(1).isMessage({ role: "assistant" })),
    [
      'Expected a message with role "assistant", and event 1 is a function call output',
      "",
      "The run:",
      '  0  function call: weather({"city":"Oslo","opts":{"days":[1,2],"unit":"C"}})',
      '> 1  function call output of weather: "sunny"',
      "  2  agent hand-off: host to desk",
      '  3  message from assistant: "It is sunny."',
    ].join("\n"),
  );
  const [, , ...lines] = failing(() => expectRun([said("Hm", true), answered("no", true)]).skipNext(2).nextEvent())
    .split("\n");
  assert.deepEqual(lines, [
    "The run:",
    '  0  message from assistant, interrupted: "Hm"',
    '  1  function call output of weather, an error: "no"',
    ">    (no more events)",
  ]);
  assert.match(failing(() => expectRun([]).at(0)), /> \(no events\)$/);
});

test("a failure of noMoreEvents marks the first event that is left", () => {
  const message = failing(() => expectRun(run()).skipNext(2).noMoreEvents());
  assert.match(message, /^Expected no more events, and there are 2\n/);
  assert.match(message, /^> 2 {2}agent hand-off/m);
});

test("arguments need only be among those of the call, at any depth", () => {
  const event = expectRun(run()).at(0);
  event.isFunctionCall({ args: {} });
  event.isFunctionCall({ args: { opts: { unit: "C" } } });
  event.isFunctionCall({ args: { opts: { days: [1, 2] } } });
  const wrong = (args: Record<string, unknown>): string =>
    failing(() => event.isFunctionCall({ args })).split("\n")[0]!.replace(/^.*, and event 0 /, "");
  assert.equal(wrong({ city: "Rome" }), 'has `args.city` "Oslo"');
  assert.equal(wrong({ town: "Oslo" }), "has `args.town` undefined");
  assert.equal(wrong({ opts: { days: [1] } }), "has `args.opts.days` [1,2]");
  assert.equal(wrong({ opts: { days: [1, 3] } }), "has `args.opts.days[1]` 2");
  assert.equal(wrong({ opts: { days: {} } }), "has `args.opts.days` [1,2]");
  assert.equal(wrong({ city: null }), 'has `args.city` "Oslo"');
  assert.match(failing(() => expectRun([called("x", "{oops")]).at(0).isFunctionCall({ args: {} })), /no JSON: \{oops/);
  expectRun([called("x", "")]).at(0).isFunctionCall({ args: {} });
});

test("each criterion that does not fit is named with what is there", () => {
  const first = (body: () => unknown): string => failing(body).split("\n")[0]!;
  const at = (index: number) => expectRun(run()).at(index);
  assert.match(first(() => at(3).isMessage({ role: "user" })), /event 3 has the role "assistant"$/);
  assert.match(first(() => at(3).isMessage({ text: "It is" })), /event 3 has the text "It is sunny."$/);
  assert.match(first(() => at(3).isMessage({ text: /rain/ })), /with text \/rain\/, and event 3 has the text/);
  assert.match(first(() => at(3).isMessage({ interrupted: true })), /has the `interrupted` false$/);
  assert.match(first(() => at(1).isFunctionCallOutput({ output: "rain" })), /event 1 has the output "sunny"$/);
  assert.match(first(() => at(1).isFunctionCallOutput({ isError: true })), /has the `isError` false$/);
  assert.match(first(() => at(2).isAgentHandoff({ newAgentId: "host" })), /has the new agent "desk"$/);
  class Other extends Agent {}
  assert.match(
    first(() => at(2).isAgentHandoff({ newAgentType: Other })),
    /with newAgentType Other, and event 2 has the new agent Desk$/,
  );
});

test("a pattern with a memory of its own fits each time", () => {
  const text = /sunny/g;
  for (let round = 0; round < 3; round++) expectRun(run()).at(3).isMessage({ text });
});

test("the run is printed when it is asked for", () => {
  const lines: string[] = [];
  expectRun([said("Hello.")], { print: (line) => lines.push(line) });
  assert.deepEqual(lines, ['  0  message from assistant: "Hello."']);
});

test("a real run with a tool and a hand-off is asserted from what run() gives", async () => {
  const desk = new Desk({ instructions: "You book." });
  const toDesk = tool({
    name: "to_desk",
    description: "Hands over.",
    execute: () => handoff({ agent: desk, returns: "Moved." }),
  });
  const w = world({
    llm: [
      { when: { user: "Book it." }, toolCalls: [{ name: "to_desk", id: "c1", args: {} }] },
      { text: "At your service." },
    ],
    agent: { tools: [toDesk] },
  });
  await w.start();
  const result = await w.until(w.session.run({ userInput: "Book it." }));
  const expected = expectRun(result);
  expected.nextEvent().isFunctionCall({ name: "to_desk" });
  expected.nextEvent().isFunctionCallOutput({ output: "Moved." });
  const { oldAgent, newAgent } = expected.range(2).containsAgentHandoff({ newAgentType: Desk }).event();
  assert.equal(oldAgent, w.agent);
  assert.equal(newAgent, desk);
  assert.equal(expectRun(result), expected);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

/** A judge on a virtual clock, that follows a script. */
function judge(script: readonly ScriptedReply[], model = "judge") {
  const clock = virtualClock();
  return { clock, llm: scriptedLLM(script, { clock, model }) };
}
const verdict = (args: unknown): ScriptedReply => ({ toolCalls: [{ name: "check_intent", id: "v", args }] });

test("judge asks a model once, with the intent and the message, and gives the message back when it is content", async () => {
  const { clock, llm } = judge([verdict({ success: true, reason: "It does." })]);
  const message = expectRun([said("It is sunny.")]).nextEvent().isMessage();
  assert.equal(await clock.until(message.judge(llm, { intent: "tells the weather", clock })), message);
  assert.equal(llm.requests.length, 1);
  const [{ items: asked, request }] = llm.requests as [typeof llm.requests[0]];
  assert.match((asked[1] as { textContent: string }).textContent, /tells the weather[\s\S]*It is sunny\./);
  assert.equal(request.toolChoice, "required");
  assert.deepEqual([...request.toolCtx!.functionTools.keys()], ["check_intent"]);
  assert.deepEqual(request.extraKwargs, { temperature: 0 });
  assert.equal(clock.armed, 0);
});

test("judge fails with the reason of the model and shows the run", async () => {
  const { clock, llm } = judge([verdict({ success: false, reason: "It tells the time." })]);
  const message = expectRun(run()).nextEvent({ type: "message" });
  const failed = clock.until(message.judge(llm, { intent: "tells the time", clock }));
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof RunAssertionError);
    assert.match(error.message, /do this: tells the time\nThe judge says: It tells the time\.\n\nThe run:/);
    assert.match(error.message, /^> 3 {2}message/m);
    return true;
  });
});

test("judge fails without a request when there is no message or no intent, and without a verdict", async () => {
  const { clock, llm } = judge([{ when: { request: 0 }, text: "Fine, I guess." }, verdict({ reason: "?" })]);
  const of = (text: string, intent: string) =>
    clock.until(expectRun([said(text)]).nextEvent().isMessage().judge(llm, { intent, clock }));
  await assert.rejects(of(" ", "greets"), /The message is empty/);
  await assert.rejects(of("Hello.", " "), /There is no intent/);
  assert.equal(llm.requests.length, 0);
  await assert.rejects(of("Hello.", "greets"), /gave no verdict, but said "Fine, I guess\."/);
  await assert.rejects(of("Hello.", "greets"), /gave no verdict/);
});

test("judge rejects with the model's own error, is stopped by a signal, and leaves the temperature of gpt-5 alone", async () => {
  const failing = judge([{
    error: {
      error: new APIStatusError({ message: "no", options: { statusCode: 401 } }),
    },
  }]);
  const message = expectRun([said("Hello.")]).nextEvent().isMessage();
  await assert.rejects(
    failing.clock.until(message.judge(failing.llm, { intent: "greets", clock: failing.clock })),
    (error) => !(error instanceof RunAssertionError),
  );
  const slow = judge([{ hangs: true, ttftMs: 10 }], "gpt-5-mini");
  const controller = new AbortController();
  slow.clock.schedule(500, () => controller.abort(new Error("enough")));
  await assert.rejects(
    slow.clock.until(message.judge(slow.llm, { intent: "greets", clock: slow.clock, signal: controller.signal })),
    /enough/,
  );
  assert.equal(slow.llm.requests[0]!.request.extraKwargs, undefined);
  assert.equal(slow.clock.armed, 0);
});
