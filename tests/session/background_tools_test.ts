import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "../../src/session/agent.ts";
import type { SessionEvent } from "../../src/session/events.ts";
import type { RunContext } from "../../src/tool/context.ts";
import { asyncToolset, tool } from "../../src/tool/define.ts";
import type { ToolFlags } from "../../src/tool/tool.ts";
import { refusesWith, told, watch, type World, world, type WorldOptions } from "./harness.ts";

/** A tool that says what the test has it say, when the test has it say it. */
function remote(
  name = "book",
  o: { readonly flags?: ToolFlags; readonly onDuplicate?: "reject" | "replace" | "confirm" } = {},
) {
  const calls: { ctx: RunContext; args: unknown; end: (value?: unknown) => void; fail: (error: unknown) => void }[] =
    [];
  return {
    calls,
    tool: tool({
      name,
      description: "Works for long.",
      parameters: { type: "object", properties: {} },
      ...o,
      execute: (args, { ctx }) => new Promise((end, fail) => void calls.push({ ctx, args, end, fail })),
    }),
  };
}

const updates = (events: readonly SessionEvent[]): string[] =>
  events.flatMap((event) => {
    if (event.type !== "tool_execution_updated") return [];
    const { update } = event;
    switch (update.type) {
      case "tool_call_started":
        return [`started ${update.functionCall.callId}`];
      case "tool_call_updated":
        return [`updated ${update.id} ${JSON.stringify(update.message)}`];
      case "tool_call_ended":
        return [`ended ${update.id} ${update.status} ${update.message}`];
      case "tool_reply_updated":
        return [`reply ${update.updateIds.join("+")} ${update.status}`];
    }
  });

const plain = { toolHandling: { asyncOptions: { updateTemplate: "{functionName}: {message}" } } };

function busy(
  o: WorldOptions & { readonly set?: ReturnType<typeof remote> } = {},
): World & { readonly booking: ReturnType<typeof remote> } {
  const booking = o.set ?? remote();
  const w = world({
    llm: [
      { when: { user: "Book" }, times: 1, toolCalls: [{ name: "book", id: "c1", args: {} }] },
      { when: { output: "book: started" }, text: "I am on it." },
      { when: { user: "Hi" }, text: "Hello." },
      { text: "There is news." },
    ],
    agent: { tools: [booking.tool] },
    ...o,
    options: { ...plain, ...o.options },
  });
  return Object.assign(w, { booking });
}

test("a tool that never reports is an ordinary one", async () => {
  const w = busy();
  await w.start();
  const handle = w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(1_000);
  w.booking.calls[0]!.end("done");
  await w.until(handle);
  assert.deepEqual(told(w.session.history.items), [
    "user: Book",
    "call book c1 {}",
    "output c1: done",
    "assistant: There is news.",
  ]);
  assert.deepEqual(updates(w.events), ["started c1", "ended c1 done done"]);
  await w.close();
});

test("the first report answers the call; what comes later is stored at once and told in one reply", async () => {
  const w = busy({ tts: { msPerChar: 100 } });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(100);
  const [call] = w.booking.calls;
  await call!.ctx.update("started");
  await w.until(handle); // it is not held up by the tool
  const talk = w.session.say("Meanwhile, something else that takes its time.");
  await w.clock.advance(500);
  await call!.ctx.update("half");
  await call!.ctx.update({ percent: 90 });
  call!.end("booked");
  await w.clock.advance(0);
  assert.deepEqual(told(w.session.history.items).slice(-6), [
    "call book c1_update_1 {}",
    "output c1_update_1: book: half",
    "call book c1_update_2 {}",
    'output c1_update_2: {"percent":90}',
    "call book c1_final {}",
    "output c1_final: booked",
  ]);
  const asked = w.llm.requests.length;
  await w.until(talk);
  await w.clock.advance(5_000);
  assert.equal(w.llm.requests.length, asked + 1);
  assert.equal(told(w.session.history.items).at(-1), "assistant: There is news.");
  assert.deepEqual(updates(w.events), [
    "started c1",
    'updated c1 "started"',
    'updated c1_update_1 "half"',
    'updated c1_update_2 {"percent":90}',
    "ended c1_final done booked",
    "reply c1_update_1+c1_update_2+c1_final scheduled",
    "reply c1_update_1+c1_update_2+c1_final completed",
  ]);
  assert.equal(w.llm.requests.at(-1)!.request.toolChoice, "none");
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("news after which somebody spoke ask the model to say only what was not said; nothing is then skipped", async () => {
  const w = busy({
    llm: [
      { when: { user: "Book" }, times: 1, toolCalls: [{ name: "book", id: "c1", args: {} }] },
      { when: { output: "book: started" }, times: 1, text: "I am on it." },
      { text: "" },
    ],
    options: {
      toolHandling: {
        asyncOptions: {
          updateTemplate: ({ functionName, message }) => `${functionName}: ${message}`,
          replyAtTailTemplate: "TAIL {callIds}",
          replyMaybeCoveredTemplate: "COVERED {callIds}",
        },
      },
    },
    tts: { msPerChar: 100 },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  const [call] = w.booking.calls;
  await call!.ctx.update("started");
  await w.until(handle);
  const talk = w.session.say("Something else.");
  await w.clock.advance(100);
  call!.end("booked");
  await w.until(talk);
  await w.clock.advance(1_000);
  const instructions = w.llm.requests.at(-1)!.items.at(-1);
  assert.match(JSON.stringify(instructions), /COVERED c1_final/);
  assert.equal(updates(w.events).at(-1), "reply c1_final skipped");
  await w.close();
});

test("while a call is at work every model is told so, and the placeholder is never stored", async () => {
  const w = busy();
  await w.start();
  const handle = w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  await w.until(w.session.generateReply({ userInput: "Hi", toolChoice: "none" }));
  const seen = JSON.stringify(w.llm.requests.at(-1)!.items);
  assert.match(seen, /"c1"/);
  assert.match(seen, /in progress/);
  assert.doesNotMatch(JSON.stringify(w.session.history.items), /in progress/);
  w.booking.calls[0]!.end("done");
  await w.until(handle);
  assert.equal(told(w.session.history.items).filter((line) => line.startsWith("output c1")).length, 1);
  await w.close();
});

test("an interruption never reaches a tool in the background, and its result comes through", async () => {
  const w = busy({ tts: { msPerChar: 200 } });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  const [call] = w.booking.calls;
  await call!.ctx.update("started");
  await w.clock.advance(500); // "I am on it." is being said
  await w.until(w.session.interrupt());
  assert.equal(handle.interrupted, true);
  assert.equal(call!.ctx.signal.aborted, false);
  call!.end("booked");
  await w.clock.advance(5_000);
  assert.deepEqual(told(w.session.history.items).slice(-3), [
    "call book c1_final {}",
    "output c1_final: booked",
    "assistant: There is news.",
  ]);
  await w.close();
});

test("a run does not wait for a tool in the background, but does for news that come within it", async () => {
  const w = busy();
  await w.start();
  const run = w.session.run({ userInput: "Book" });
  await w.clock.advance(10);
  await w.booking.calls[0]!.ctx.update("started");
  await w.until(run);
  assert.equal(w.booking.calls[0]!.ctx.signal.aborted, false);
  const second = w.session.run({ userInput: "Hi" });
  w.booking.calls[0]!.end("booked");
  await w.until(second);
  assert.deepEqual(second.events.map(({ type }) => type), [
    "function_call",
    "function_call_output",
    "message",
    "message",
  ]);
  await w.close();
});

test("the speech of a call can be waited for once the call has reported, and not before", async () => {
  const w = busy();
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  const { ctx, end } = w.booking.calls[0]!;
  await refusesWith("speech.circular_wait", () => ctx.speechHandle.waitForPlayout());
  await ctx.update("started");
  await w.until(ctx.speechHandle.waitForPlayout());
  end();
  await w.clock.advance(10);
  await refusesWith("tool.over", () => ctx.update("more"));
  assert.deepEqual(ctx.updates, ["started"]);
  assert.deepEqual(updates(w.events).at(-1), "ended c1_final done null"); // nothing to tell, so nothing is told
  assert.equal(told(w.session.history.items).at(-1), "assistant: I am on it.");
  await w.close();
});

test("a hand-off after a report, and a report that JSON cannot say, are errors", async () => {
  const w = busy();
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  const { ctx, end } = w.booking.calls[0]!;
  await refusesWith("tool.bad_result", () => ctx.update(() => 1));
  await ctx.update("started");
  end(new Agent({ id: "other", instructions: "" }));
  await w.clock.advance(10);
  assert.match(
    told(w.session.history.items).find((line) => line.startsWith("output c1_final")) ?? "",
    /error: No hand-off/,
  );
  assert.equal(w.session.currentAgent, w.agent);
  await w.close();
});

test("a tool that fails in the background ends once, and its secrets stay in the log", async () => {
  const w = busy();
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  await w.booking.calls[0]!.ctx.update("started");
  await w.clock.advance(10);
  w.booking.calls[0]!.fail(new Error("password 1234"));
  await w.clock.advance(10);
  assert.match(
    updates(w.events).find((line) => line.startsWith("ended")) ?? "",
    /^ended c1_final error An internal error/,
  );
  assert.doesNotMatch(JSON.stringify(w.session.history.items), /1234/);
  assert.ok(w.log.some(({ fields }) => String(fields["error"]).includes("1234")));
  await w.close();
});

test("a model sees what runs and calls it off, if that may be; the call then has one end", async () => {
  const booking = remote("book", { flags: { cancellable: true } });
  const w = busy({
    set: booking,
    llm: [
      { when: { user: "Book" }, times: 1, toolCalls: [{ name: "book", id: "c1", args: {} }] },
      { when: { output: "book: started" }, text: "I am on it." },
      {
        when: { user: "What runs?" },
        times: 1,
        toolCalls: [{ name: "lk_agents_get_running_tasks", id: "c2", args: {} }],
      },
      {
        when: { user: "Stop it" },
        times: 1,
        toolCalls: [{ name: "lk_agents_cancel_task", id: "c3", args: { call_id: "c1" } }],
      },
      {
        when: { user: "Again" },
        times: 1,
        toolCalls: [{ name: "lk_agents_cancel_task", id: "c4", args: { call_id: "c1" } }],
      },
      { text: "So it is." },
    ],
  });
  await w.start();
  await w.clock.advance(0);
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  await booking.calls[0]!.ctx.update("started");
  await w.clock.advance(10);
  await w.until(w.session.generateReply({ userInput: "What runs?" }));
  assert.ok(
    told(w.session.history.items).includes('output c2: [{"call_id":"c1","function":"book","arguments":"{}"}]'),
  );
  await w.until(w.session.generateReply({ userInput: "Stop it" }));
  assert.equal(booking.calls[0]!.ctx.signal.aborted, true);
  await w.until(w.session.generateReply({ userInput: "Again" }));
  const lines = told(w.session.history.items);
  assert.ok(lines.includes("output c3: The call c1 was called off."), lines.join("\n"));
  assert.ok(lines.includes("output c1_final error: The call was called off."));
  assert.ok(lines.includes("output c4: There is no running call with the id c1."));
  assert.deepEqual(updates(w.events).filter((line) => line.startsWith("ended c1")), [
    "ended c1_final cancelled The call was called off.",
  ]);
  booking.calls[0]!.end("too late");
  await w.clock.advance(10);
  assert.equal(told(w.session.history.items).filter((line) => line.includes("too late")).length, 0);
  await w.close();
});

test("the tools to call off are there only where something may be called off", async () => {
  const w = busy();
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  assert.deepEqual([...w.llm.requests[0]!.request.toolCtx!.functionTools.keys()], ["book"]);
  await w.close();
});

for (const rule of ["reject", "replace", "confirm"] as const) {
  test(`a second call while one runs: ${rule}`, async () => {
    const booking = remote("book", { onDuplicate: rule, flags: { cancellable: true } });
    const w = busy({
      set: booking,
      llm: [
        { when: { user: "Book" }, times: 1, toolCalls: [{ name: "book", id: "c1", args: {} }] },
        { when: { output: "book: started" }, text: "I am on it." },
        { when: { user: "Once more" }, times: 1, toolCalls: [{ name: "book", id: "c2", args: {} }] },
        {
          when: { user: "Yes" },
          times: 1,
          toolCalls: [{ name: "book", id: "c3", args: { lk_agents_confirm_duplicate: true } }],
        },
        { text: "Well." },
      ],
    });
    await w.start();
    w.session.generateReply({ userInput: "Book" });
    await w.clock.advance(10);
    await booking.calls[0]!.ctx.update("started");
    await w.clock.advance(10);
    const second = w.session.generateReply({ userInput: "Once more" });
    await w.clock.advance(10);
    if (rule === "replace") {
      assert.equal(booking.calls[0]!.ctx.signal.aborted, true);
      assert.equal(booking.calls.length, 1); // it waits for the one that it replaces
      booking.calls[0]!.end();
      await w.clock.advance(10);
      assert.equal(booking.calls.length, 2);
      booking.calls[1]!.end("booked");
      await w.until(second);
      assert.ok(told(w.session.history.items).includes("output c1_final error: Another call replaced it."));
    } else {
      await w.until(second);
      assert.equal(booking.calls.length, 1);
      assert.match(told(w.session.history.items).find((line) => line.startsWith("output c2")) ?? "", /c1 with \{\}/);
      const third = w.session.generateReply({ userInput: "Yes" });
      await w.clock.advance(10);
      assert.equal(booking.calls.length, rule === "confirm" ? 2 : 1);
      if (rule === "confirm") assert.deepEqual(booking.calls[1]!.args, {});
      booking.calls[1]?.end("booked twice");
      await w.until(third);
      booking.calls[0]!.end("booked");
    }
    await w.close();
    assert.equal(w.clock.armed, 0);
  });
}

test("a call that replaces one which does not end goes ahead after 5 s", async () => {
  const booking = remote("book", { onDuplicate: "replace", flags: { cancellable: true } });
  const w = busy({
    set: booking,
    llm: [{ times: 2, toolCalls: [{ name: "book", id: "c", args: {} }] }, { text: "Well." }],
  });
  await w.start();
  w.session.generateReply({ userInput: "One" });
  await w.clock.advance(10);
  w.session.generateReply({ userInput: "Two" });
  await w.clock.advance(4_000);
  assert.equal(booking.calls.length, 1);
  await w.clock.advance(1_100);
  assert.equal(booking.calls.length, 2);
  booking.calls[1]!.end("ok");
  await w.close();
});

test("after a hand-off an agent's call never speaks through the next one; a session's async toolset does", async () => {
  const own = remote("own", { flags: { cancellable: true } });
  const shared = remote("shared");
  const next = new Agent({ id: "next", instructions: "" });
  const w = world({
    llm: [
      {
        when: { user: "Go" },
        times: 1,
        toolCalls: [{ name: "own", id: "c1", args: {} }, { name: "shared", id: "c2", args: {} }],
      },
      { text: "Well." },
    ],
    agent: { tools: [own.tool] },
    options: { ...plain, tools: [asyncToolset({ id: "jobs", tools: [shared.tool] })] },
  });
  await w.start();
  w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(10);
  await Promise.all([own.calls[0]!.ctx.update("started"), shared.calls[0]!.ctx.update("started")]);
  await w.clock.advance(10);
  w.session.updateAgent(next);
  await w.clock.advance(10);
  assert.equal(w.session.currentAgent, next);
  assert.equal(own.calls[0]!.ctx.signal.aborted, true);
  assert.equal(shared.calls[0]!.ctx.signal.aborted, false);
  assert.ok(told(w.session.history.items).some((line) => line.startsWith("output c1_final error")));
  const before = told(next.chatCtx.items).length;
  shared.calls[0]!.end("shipped");
  await w.clock.advance(10);
  assert.deepEqual(told(next.chatCtx.items).slice(before), [
    "call shared c2_final {}",
    "output c2_final: shipped",
    "assistant: Well.",
  ]);
  await w.close();
});

test("a leaving agent waits for calls in the background that may not be called off, for 10 s", async () => {
  for (const ends of [true, false]) {
    const booking = remote();
    const next = new Agent({ id: "next", instructions: "" });
    const w = busy({ set: booking });
    await w.start();
    w.session.generateReply({ userInput: "Book" });
    await w.clock.advance(10);
    await booking.calls[0]!.ctx.update("started");
    await w.clock.advance(10);
    w.session.updateAgent(next);
    await w.clock.advance(5_000);
    assert.equal(w.session["~core"].activity?.agent, w.agent);
    if (ends) booking.calls[0]!.end("booked");
    await w.clock.advance(ends ? 0 : 5_100);
    assert.equal(w.session["~core"].activity?.agent, next);
    const lines = told(w.session.history.items).filter((line) => line.startsWith("output c1_final"));
    assert.deepEqual(lines, [
      ends ? "output c1_final: booked" : "output c1_final error: The call was cancelled before it finished.",
    ]);
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("a close ends calls in the background with a result in the history, and nothing is left", async () => {
  const booking = remote("book", { flags: { cancellable: true } });
  const jobs = remote("job");
  const w = busy({
    set: booking,
    llm: [
      { times: 1, toolCalls: [{ name: "book", id: "c1", args: {} }, { name: "job", id: "c2", args: {} }] },
      { text: "On it." },
    ],
    options: { tools: [asyncToolset({ id: "jobs", tools: [jobs.tool] })] },
  });
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  await booking.calls[0]!.ctx.update("started");
  await jobs.calls[0]!.ctx.update("started");
  await w.clock.advance(10);
  await w.close();
  for (const { ctx } of [booking.calls[0]!, jobs.calls[0]!]) assert.equal(ctx.signal.aborted, true);
  const lines = told(w.session.history.items);
  for (const id of ["c1_final", "c2_final"]) assert.ok(lines.some((line) => line.startsWith(`output ${id} error`)), id);
  assert.deepEqual(w.session["~core"].toolCalls.journal.calls, []);
  assert.equal(w.events.at(-1)?.type, "close");
  assert.equal(w.clock.armed, 0);
});

test("the user is not away while a tool works in the background, and is in full time afterwards", async () => {
  const w = busy({ options: { userAwayTimeout: 3_000 }, ears: true });
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  await w.booking.calls[0]!.ctx.update("started");
  await w.clock.advance(20_000);
  assert.equal(w.session.userState, "listening");
  w.booking.calls[0]!.end();
  await w.clock.advance(2_900);
  assert.equal(w.session.userState, "listening");
  await w.clock.advance(200);
  assert.equal(w.session.userState, "away");
  await w.close();
});

test("a tool that takes the floor comes when nobody speaks, keeps other news out, and keeps its run open", async () => {
  const w = busy({ tts: { msPerChar: 100 } });
  await w.start();
  const run = w.session.run({ userInput: "Book" });
  const state = watch(run.wait());
  await w.clock.advance(10);
  const { ctx, end } = w.booking.calls[0]!;
  await ctx.update("started");
  const order: string[] = [];
  const work = ctx.foreground(async (session) => {
    order.push("floor");
    await session.say("I need your date of birth.");
    order.push(`said ${state.settled}`);
    await session.waitForIdle(); // whoever holds the floor need not wait for itself
  });
  await w.clock.advance(0);
  void w.session.waitForIdle().then(() => order.push("others"));
  await w.until(work);
  await w.clock.advance(10);
  assert.deepEqual(order, ["floor", "said false", "others"]);
  await w.clock.advance(10);
  assert.equal(state.settled, true);
  end();
  await w.close();
});

test("a step of a call is done once, whatever it is asked again; what failed may be tried again", async () => {
  const w = busy();
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(10);
  const { ctx, end } = w.booking.calls[0]!;
  let count = 0;
  const pay = () => ctx.step("pay", () => ++count);
  assert.deepEqual(await Promise.all([pay(), pay()]), [1, 1]);
  assert.equal(await pay(), 1);
  await assert.rejects(ctx.step("fail", () => Promise.reject(new Error("no"))), /no/);
  assert.equal(await ctx.step("fail", () => "yes"), "yes");
  assert.deepEqual(w.session["~core"].toolCalls.journal.calls[0]?.steps, { pay: 1, fail: "yes" });
  end("done");
  await w.close();
});

test("a call whose cut-off reply was given up at a hand-off has ended, once; what it says later is refused", async () => {
  const shared = remote();
  const w = busy({
    set: shared,
    agent: {},
    options: { ...plain, tools: [asyncToolset({ id: "jobs", tools: [shared.tool] })] },
  });
  await w.start();
  w.session.generateReply({ userInput: "Book" });
  await w.clock.advance(1_000);
  void w.session.interrupt({ force: true });
  await w.clock.advance(100);
  w.session.updateAgent(new Agent({ instructions: "" }));
  await w.clock.advance(12_000);
  const [call] = shared.calls;
  await refusesWith("tool.over", () => w.until(call!.ctx.update("started")));
  call!.fail(new Error("too late"));
  await w.clock.advance(1_000);
  const ends = updates(w.events).filter((text) => text.startsWith("ended"));
  assert.equal(ends.length, 1, ends.join("; "));
  await w.close();
  assert.equal(w.clock.armed, 0);
});
