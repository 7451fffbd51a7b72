import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { AgentError } from "../../src/base/error.ts";
import type { ChatContext } from "../../src/chat/context.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import type { TimedString } from "../../src/model/marks.ts";
import { Agent, type AgentOptions, type NodeResult } from "../../src/session/agent.ts";
import { tool } from "../../src/tool/define.ts";
import { StopResponse, ToolError } from "../../src/tool/error.ts";
import { refusesWith, told, type World, world, type WorldOptions } from "../session/harness.ts";

const LONG = "One two three four five six seven eight nine ten.";
const errorsOf = (w: World): unknown[] => w.events.flatMap((e) => e.type === "error" ? [e.error.error] : []);

/** A world whose agent is of a class. */
async function on(Class: new (options: AgentOptions) => Agent, o: WorldOptions = {}): Promise<World> {
  const w = world(o);
  await w.start(new Class({ instructions: "Be brief.", ...o.agent }));
  return w;
}

/** Every call in a prompt has exactly one output, behind it. */
function assertPaired(items: readonly ChatItem[]): void {
  const calls = items.flatMap((item, at) => item.type === "function_call" ? [{ id: item.callId, at }] : []);
  for (const { id, at } of calls) {
    const outputs = items.flatMap((item, place) =>
      item.type === "function_call_output" && item.callId === id ? [place] : []
    );
    assert.equal(outputs.length, 1, `call ${id}`);
    assert.ok((outputs[0] as number) > at, `output of ${id} before its call`);
  }
  for (const item of items) {
    if (item.type === "function_call_output") {
      assert.ok(calls.some(({ id }) => id === item.callId), `output ${item.callId} of no call`);
    }
  }
}

// --- models that fail ----------------------------------------------------------------------------------------------

test("a model that fails before a word leaves the user's message and an error, and the session goes on", async () => {
  const w = world({ llm: [{ times: 1, error: { retryable: false }, when: { user: "One" } }, { text: "Fine." }] });
  await w.start();
  const handle = w.session.generateReply({ userInput: "One" });
  await w.until(handle);
  assert.ok(handle.exception() instanceof Error);
  assert.equal(errorsOf(w).length, 1);
  await w.until(w.session.generateReply({ userInput: "Two" }));
  assert.deepEqual(told(w.session.history.items), ["user: One", "user: Two", "assistant: Fine."]);
  await w.close();
});

test("a model that fails after some words: these are said and stored", async () => {
  const w = world({ tts: {}, llm: [{ error: { retryable: false, afterText: "I was going to say" } }] });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go on" });
  await w.until(handle);
  assert.ok(handle.exception() instanceof Error);
  assert.deepEqual(told(w.session.history.items), ["user: Go on", "assistant: I was going to say"]);
  assert.equal(w.session.agentState, "listening");
  await w.close();
});

test("the fourth reply in a row that fails closes the session with its error; a spoken one in between begins the count anew", async () => {
  const w = world({ llm: [{ when: { user: "ok" }, text: "Fine." }, { error: { retryable: false } }] });
  await w.start();
  for (const input of ["1", "2", "3", "ok", "1", "2", "3"]) {
    await w.until(w.session.generateReply({ userInput: input }));
  }
  assert.equal(w.session.isRunning, true);
  await w.until(w.session.generateReply({ userInput: "4" }));
  await w.clock.advance(30_000);
  const close = w.events.at(-1);
  assert.ok(close?.type === "close");
  assert.equal(close.reason, "error");
  assert.ok(close.error !== undefined);
  assert.equal(w.clock.armed, 0);
});

test("a voice that fails before its sound: nothing counts as said", async () => {
  const w = world({ tts: { errors: [{ text: LONG, retryable: false }] } });
  await w.start();
  const handle = w.session.say(LONG);
  await w.until(handle);
  assert.ok(handle.exception() instanceof Error);
  assert.deepEqual(told(w.session.history.items), []);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a voice that fails in the middle: what was heard counts", async () => {
  const w = world({
    captions: true,
    tts: { msPerChar: 100, errors: [{ text: LONG, retryable: false, afterAudioMs: 2_000 }] },
  });
  await w.start();
  const handle = w.session.say(LONG);
  await w.until(handle);
  const [line] = told(w.session.history.items);
  assert.ok(
    line !== undefined && line.length > "assistant: ".length &&
      LONG.startsWith(line.slice("assistant: ".length).replace("/", "")),
    line,
  );
  assert.doesNotMatch(line, /ten/);
  await w.close();
});

test("a model and a voice that never answer, and a text that never ends, can all be cut off", async () => {
  const w = world({ llm: [{ hangs: true }], tts: { hangs: ["Hello."] } });
  await w.start();
  const endless = new ReadableStream<string>({ start: (c) => c.enqueue("Well, ") });
  const handles = [w.session.say(endless), w.session.generateReply({ userInput: "?" }), w.session.say("Hello.")];
  await w.clock.advance(3_000);
  await w.until(w.session.interrupt());
  assert.deepEqual(handles.map((h) => h.done()), [true, true, true]);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a text that errors says what came before, and the turn has the error", async () => {
  const w = world();
  await w.start();
  const text = new ReadableStream<string>({
    pull(controller) {
      if (controller.desiredSize === 1) controller.enqueue("Half a");
      else controller.error(new Error("torn"));
    },
  }, { highWaterMark: 2 });
  const handle = w.session.say(text);
  await w.until(handle);
  assert.match(String(handle.exception()), /torn/);
  await w.close();
});

test("a text that somebody else reads is refused by the turn, not by a crash", async () => {
  const w = world();
  await w.start();
  const text = new ReadableStream<string>();
  text.getReader();
  const handle = w.session.say(text);
  await w.until(handle);
  assert.ok(handle.exception() !== undefined);
  assert.equal(w.session.isRunning, true);
  await w.close();
});

test("a sound that is given with the text and errors ends the turn", async () => {
  const w = world({ tts: {} });
  await w.start();
  const audio = new ReadableStream<AudioFrame>({ start: (c) => c.error(new Error("torn")) });
  const handle = w.session.say("Hello there.", { audio });
  await w.until(handle);
  assert.ok(handle.exception() !== undefined);
  assert.deepEqual(told(w.session.history.items), []);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a sound that is given with the text is played in place of the voice", async () => {
  const w = world({ tts: {} });
  await w.start();
  const audio = new ReadableStream<AudioFrame>({
    start(c) {
      c.enqueue(audioFrame(new Int16Array(500), 1_000));
      c.close();
    },
  });
  const from = w.clock.now();
  await w.until(w.session.say("Jingle.", { audio }));
  assert.equal(w.clock.now() - from, 500);
  assert.equal(w.tts.requests.length, 0);
  assert.deepEqual(told(w.session.history.items), ["assistant: Jingle."]);
  await w.close();
});

// --- nodes ---------------------------------------------------------------------------------------------------------

test("an `llmNode` may be a generator, a stream, a promise of either, give chunks or strings, or null", async () => {
  const kinds: Record<string, () => NodeResult<string>> = {
    generator: async function* () {
      yield "Hello ";
      yield "you.";
    },
    stream: () =>
      new ReadableStream({
        start(c) {
          c.enqueue("Hello ");
          c.enqueue("you.");
          c.close();
        },
      }),
    promise: () =>
      Promise.resolve((async function* () {
        yield "Hello you.";
      })()),
  };
  for (const [name, make] of Object.entries(kinds)) {
    class Own extends Agent {
      override llmNode(): NodeResult<string> {
        return make();
      }
    }
    const w = await on(Own, { tts: {}, options: { llm: null } });
    await w.until(w.session.generateReply({ userInput: "Hi" }));
    assert.deepEqual(told(w.session.history.items), ["user: Hi", "assistant: Hello you."], name);
    assert.deepEqual(w.tts.requests.map(({ text }) => text), ["Hello you."], name);
    await w.close();
  }
  for (const make of [() => null, () => Promise.resolve(null)]) {
    class Silent extends Agent {
      override llmNode(): NodeResult<string> {
        return make();
      }
    }
    const w = await on(Silent, { tts: {} });
    const handle = w.session.generateReply({ userInput: "Hi" });
    await w.until(handle);
    assert.equal(handle.exception(), undefined);
    assert.deepEqual(told(w.session.history.items), ["user: Hi"]);
    assert.equal(w.session.agentState, "listening");
    await w.close();
  }
});

test("an `llmNode` that throws, rejects, or fails in the middle fails the turn alone", async () => {
  const kinds: (() => NodeResult<string>)[] = [
    () => {
      throw new Error("mine");
    },
    () => Promise.reject(new Error("mine")),
    async function* () {
      yield "Half";
      throw new Error("mine");
    },
    () => new ReadableStream({ start: (c) => c.error(new Error("mine")) }),
    () => 7 as never,
    () => undefined as never,
  ];
  for (const make of kinds) {
    class Bad extends Agent {
      override llmNode(): NodeResult<string> {
        return make();
      }
    }
    const w = await on(Bad);
    const handle = w.session.generateReply({ userInput: "Hi" });
    await w.until(handle);
    assert.ok(handle.exception() !== undefined, String(make));
    assert.equal(errorsOf(w).length, 1);
    assert.equal(w.session.isRunning, true);
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("a `transcriptionNode` rewrites what is shown and stored, not what is spoken", async () => {
  class Shouting extends Agent {
    override async *transcriptionNode(text: ReadableStream<string | TimedString>): AsyncGenerator<string> {
      for await (const piece of text) yield (typeof piece === "string" ? piece : piece.text).toUpperCase();
    }
  }
  const w = await on(Shouting, { tts: {}, captions: true });
  await w.until(w.session.say("Hello there."));
  assert.deepEqual(told(w.session.history.items), ["assistant: HELLO THERE."]);
  assert.deepEqual(w.captions, ["HELLO THERE."]);
  assert.deepEqual(w.tts.requests.map(({ text }) => text), ["Hello there."]);
  await w.close();
});

test("a `transcriptionNode` that gives null shows and stores nothing, and all is heard", async () => {
  class Secret extends Agent {
    override transcriptionNode(): null {
      return null;
    }
  }
  const w = await on(Secret, { tts: {}, captions: true });
  const from = w.clock.now();
  await w.until(w.session.say("Hello there."));
  assert.equal(w.clock.now() - from, 600);
  assert.deepEqual(told(w.session.history.items), []);
  assert.deepEqual(w.captions.join(""), "");
  await w.close();
});

test("a `transcriptionNode` that throws, or fails in the middle, fails the turn, which ends", async () => {
  for (
    const make of [
      () => {
        throw new Error("mine");
      },
      async function* () {
        yield "One";
        throw new Error("mine");
      },
    ]
  ) {
    class Bad extends Agent {
      override transcriptionNode(): NodeResult<string> {
        return make();
      }
    }
    const w = await on(Bad, { tts: {}, captions: true });
    const handle = w.session.say(LONG);
    await w.until(handle);
    assert.match(String(handle.exception()), /mine/);
    assert.equal(w.session.agentState, "listening");
    const next = w.session.say("Next.");
    await w.until(next);
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("a `ttsNode` that gives null is silence: the words are shown and stored all the same", async () => {
  class Mute extends Agent {
    override ttsNode(): null {
      return null;
    }
  }
  const w = await on(Mute, { tts: {}, captions: true });
  await w.until(w.session.say("Hello there."));
  assert.deepEqual(told(w.session.history.items), ["assistant: Hello there."]);
  assert.deepEqual(w.captions, ["Hello there."]);
  await w.close();
});

test("a `ttsNode` that throws, or gives something that is no frame, fails the turn, which ends", async () => {
  for (
    const make of [
      () => {
        throw new Error("mine");
      },
      async function* () {
        yield 7 as never;
      },
      async function* () {
        yield audioFrame(new Int16Array(0), 1_000);
        yield audioFrame(new Int16Array(10), 0);
      },
    ]
  ) {
    class Bad extends Agent {
      override ttsNode(): NodeResult<AudioFrame> {
        return make();
      }
    }
    const w = await on(Bad, { tts: {} });
    const handle = w.session.say("Hello there.");
    await w.clock.advance(30_000);
    assert.equal(handle.done(), true, String(make));
    assert.ok(handle.exception() !== undefined, String(make));
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("an override may call the default node, and change its input and output", async () => {
  class Polite extends Agent {
    override async *llmNode(...args: Parameters<Agent["llmNode"]>): AsyncGenerator<string> {
      args[0].addMessage({ role: "system", content: ["Say please."] });
      for await (const part of (await super.llmNode(...args)) as AsyncIterable<{ delta?: { content?: string } }>) {
        yield (part.delta?.content ?? "").replace(".", ", please.");
      }
    }
  }
  const w = await on(Polite);
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  assert.deepEqual(told(w.session.history.items), ["user: Hi", "assistant: Hello there, please."]);
  await w.close();
});

// --- what was heard, and how far ahead -----------------------------------------------------------------------------

for (const cutAt of [100, 700, 1_500, 2_600, 4_000]) {
  test(`a speech that is cut off after ${cutAt} ms is stored as far as it was heard`, async () => {
    const w = world({ captions: true, tts: { msPerChar: 100 } });
    await w.start();
    const handle = w.session.say(LONG);
    await w.clock.advance(cutAt);
    handle.interrupt();
    await w.until(handle);
    const [line] = told(w.session.history.items);
    const heard = (line ?? "assistant: /").slice("assistant: ".length, -1);
    assert.ok(LONG.startsWith(heard), heard);
    assert.ok(heard.length * 100 <= cutAt + 600, `${heard} after ${cutAt} ms`);
    assert.ok(heard.length * 100 >= cutAt - 1_100, `${heard} after ${cutAt} ms`);
    assert.ok(LONG === heard || heard === "" || /[\s.]/.test(LONG[heard.length] ?? " "), `${heard} ends in a word`);
    assert.ok(LONG.startsWith(w.captions.join("")));
    await w.close();
  });
}

test("a voice is read at most 10 s ahead of what is played, and the sink holds 200 ms", async () => {
  let givenMs = 0;
  class Fast extends Agent {
    override ttsNode(): NodeResult<AudioFrame> {
      return new ReadableStream<AudioFrame>({
        pull(controller) {
          if (givenMs >= 60_000) return controller.close();
          givenMs += 100;
          controller.enqueue(audioFrame(new Int16Array(100), 1_000));
        },
      }, { highWaterMark: 0 });
    }
  }
  const w = await on(Fast, { tts: {} });
  const handle = w.session.say("Long.");
  for (const playedMs of [0, 5_000, 30_000]) {
    await w.clock.runUntil(playedMs);
    assert.ok(givenMs <= playedMs + 10_000 + 200 + 300, `${givenMs} ms given after ${playedMs} ms`);
    assert.ok(givenMs >= playedMs + 9_000, `${givenMs} ms given after ${playedMs} ms`);
  }
  await w.until(handle);
  assert.equal(w.clock.now(), 60_000);
  await w.close();
});

test("a model is read as fast as it comes, whatever is played", async () => {
  const w = world({
    tts: { msPerChar: 100 },
    llm: [
      { when: { user: "Go" }, text: LONG, toolCalls: [{ name: "now", id: "c1", args: {} }] },
      { when: { output: "noon" }, text: "Noon." },
    ],
    agent: { tools: [tool({ name: "now", description: "The time.", execute: () => (ranAt = w.clock.now(), "noon") })] },
  });
  let ranAt = -1;
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  assert.equal(ranAt, 0);
  await w.close();
});

test("a reply that never stops is stopped at 256 KiB with a typed error, and what it said counts", async () => {
  class Endless extends Agent {
    override async *llmNode(): AsyncGenerator<string> {
      for (;;) yield "blah ".repeat(1_000);
    }
  }
  const w = await on(Endless);
  const handle = w.session.generateReply({ userInput: "Hi" });
  await w.until(handle);
  assert.ok(handle.exception() instanceof AgentError);
  assert.equal((handle.exception() as AgentError).code, "reply.too_long");
  assert.ok(handle.chatItems.length === 1);
  await w.close();
});

test("a text of `say` that never stops is stopped too", async () => {
  const w = world();
  await w.start();
  let isCancelled = false;
  const text = new ReadableStream<string>({
    pull: (c) => c.enqueue("blah ".repeat(1_000)),
    cancel: () => void (isCancelled = true),
  });
  const handle = w.session.say(text);
  await w.until(handle);
  assert.equal((handle.exception() as AgentError).code, "reply.too_long");
  assert.equal(isCancelled, true);
  await w.close();
});

// --- tools ---------------------------------------------------------------------------------------------------------

test("tools of one round run side by side, and the model gets each call with its output", async () => {
  const spans: string[] = [];
  const slow = (name: string, ms: number) =>
    tool({
      name,
      description: name,
      execute: async () => {
        spans.push(`${name} ${w.clock.now()}`);
        await new Promise<void>((go) => w.clock.schedule(w.clock.now() + ms, go));
        spans.push(`${name} ${w.clock.now()}`);
        return name;
      },
    });
  const w = world({
    llm: [
      { when: { user: "Go" }, toolCalls: [{ name: "a", id: "c1", args: {} }, { name: "b", id: "c2", args: {} }] },
      { when: { request: 1 }, text: "Both." },
    ],
    agent: { tools: [slow("a", 300), slow("b", 100)] },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  assert.deepEqual(spans, ["a 0", "b 0", "b 100", "a 300"]);
  assertPaired(w.llm.requests[1]?.items ?? []);
  assert.deepEqual(told(w.session.history.items), [
    "user: Go",
    "call a c1 {}",
    "call b c2 {}",
    "output c2: b",
    "output c1: a",
    "assistant: Both.",
  ]);
  await w.close();
});

test("a model that always calls a tool is asked five times with three steps allowed, the last time without", async () => {
  let runs = 0;
  const w = world({
    llm: [{ toolCalls: [{ name: "more", id: "same", args: {} }], text: "Again." }],
    agent: { tools: [tool({ name: "more", description: "More.", execute: () => `run ${++runs}` })] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go", toolChoice: "required" });
  await w.until(handle);
  assert.equal(w.llm.requests.length, 5);
  assert.equal(runs, 4);
  assert.deepEqual(w.llm.requests.map(({ request }) => request.toolChoice), [
    "required",
    "auto",
    "auto",
    "auto",
    "none",
  ]);
  await w.close();
});

test("calls that go wrong tell the model why, and never what broke inside", async () => {
  const w = world({
    llm: [
      {
        when: { user: "Go" },
        toolCalls: [
          { name: "broken", id: "c1", args: {} },
          { name: "refuses", id: "c2", args: {} },
          { name: "nobody", id: "c3", args: {} },
          { name: "strict", id: "c4", args: { n: "x" } },
          { name: "strict", id: "c5", args: "{ not json" },
        ],
      },
      { text: "Sorry." },
    ],
    agent: {
      tools: [
        tool({
          name: "broken",
          description: "Fails.",
          execute: () => {
            throw new Error("secret");
          },
        }),
        tool({
          name: "refuses",
          description: "Refuses.",
          execute: () => {
            throw new ToolError("no such table");
          },
        }),
        tool({
          name: "strict",
          description: "Takes a number.",
          parameters: {
            schema: v.object({ n: v.number() }),
            jsonSchema: { type: "object", properties: { n: { type: "number" } } },
          },
          execute: ({ n }: { n: number }) => n,
        }),
      ],
    },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  const prompt = w.llm.requests[1]?.items ?? [];
  assertPaired(prompt);
  const outputs = new Map(
    prompt.flatMap((item) => item.type === "function_call_output" ? [[item.callId, item] as const] : []),
  );
  assert.equal([...outputs.values()].every(({ isError }) => isError), true);
  assert.equal(outputs.size, 5);
  assert.doesNotMatch(JSON.stringify([...outputs.values()]), /secret/);
  assert.equal(outputs.get("c2")?.output, "no such table");
  assert.match(outputs.get("c3")?.output ?? "", /broken.*refuses.*strict/);
  await w.close();
});

test("a tool that stops the response, or answers nothing, wants no reply", async () => {
  for (
    const execute of [
      () => {
        throw new StopResponse();
      },
      () => undefined,
    ]
  ) {
    const w = world({
      llm: [{ when: { user: "Go" }, toolCalls: [{ name: "quiet", id: "c1", args: {} }] }, { text: "Again." }],
      agent: { tools: [tool({ name: "quiet", description: "Quiet.", execute })] },
    });
    await w.start();
    await w.until(w.session.generateReply({ userInput: "Go" }));
    assert.equal(w.llm.requests.length, 1);
    await w.until(w.session.generateReply({ userInput: "And?" }));
    assertPaired(w.llm.requests[1]?.items ?? []);
    await w.close();
  }
});

test("a reply in a tool cannot call tools, and its call is not left without an output meanwhile", async () => {
  const w = world({
    llm: [
      { when: { user: "Go" }, toolCalls: [{ name: "ask", id: "c1", args: {} }] },
      { when: { output: "asked" }, text: "There." },
      { when: { system: "Say something." }, text: "In the tool.", toolCalls: [{ name: "ask", id: "c9", args: {} }] },
      { text: "There." },
    ],
    agent: {
      tools: [tool({
        name: "ask",
        description: "Asks the model.",
        execute: async (_args, { ctx }) => {
          await (ctx.session as World["session"]).generateReply({ instructions: "Say something." });
          return "asked";
        },
      })],
    },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  assert.equal(w.llm.requests[1]?.request.toolChoice, "none");
  for (const { items } of w.llm.requests) assertPaired(items);
  assert.deepEqual(told(w.session.history.items).filter((line) => line.startsWith("call")), ["call ask c1 {}"]);
  await w.close();
});

test("tools of a turn that is cut off are recorded, and every later prompt has one output for each call", async () => {
  const w = world({
    tts: { msPerChar: 100 },
    llm: [
      {
        when: { user: "Go" },
        text: LONG,
        toolCalls: [{ name: "slow", id: "c1", args: {} }, { name: "stuck", id: "c2", args: {} }],
      },
      { text: "Yes." },
    ],
    agent: {
      tools: [
        tool({
          name: "slow",
          description: "Slow.",
          execute: () => new Promise((done) => w.clock.schedule(w.clock.now() + 1_000, () => done("booked"))),
        }),
        tool({ name: "stuck", description: "Never ends.", execute: () => new Promise(() => {}) }),
      ],
    },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(500);
  handle.interrupt();
  for (const input of ["a", "b", "c"]) {
    w.session.generateReply({ userInput: input });
    await w.clock.advance(4_000);
  }
  await w.close();
  assert.equal(w.llm.requests.length, 4);
  for (const { items } of w.llm.requests) assertPaired(items);
  assertPaired(w.session.history.items);
  const lines = told(w.session.history.items);
  assert.ok(lines.includes("output c1: booked"), lines.join("\n"));
  assert.ok(lines.some((line) => line.startsWith("output c2 error")), lines.join("\n"));
  assert.equal(w.clock.armed, 0);
});

test("a hand-off waits 10 s for a tool of the leaving agent, then calls it off and records that", async () => {
  const w = world({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "stuck", id: "c1", args: {} }] }],
    agent: { tools: [tool({ name: "stuck", description: "Never ends.", execute: () => new Promise(() => {}) })] },
  });
  await w.start();
  w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(1_000);
  w.session.updateAgent(new Agent({ id: "next", instructions: "" }));
  await w.clock.advance(9_900);
  const agents = (): string[] =>
    w.session.history.items.flatMap((i) => i.type === "agent_handoff" ? [i.newAgentId] : []);
  assert.deepEqual(agents(), ["default_agent"]);
  await w.clock.advance(200);
  assert.deepEqual(agents(), ["default_agent", "next"]);
  assertPaired(w.session.history.items);
  assert.equal(w.session.history.items.some((i) => i.type === "function_call_output" && i.isError), true);
  await w.close();
});

test("a tool that hands over to an agent of another stage is an error event, and the turn goes on", async () => {
  const other = world();
  await other.start();
  const w = world({
    runtime: other.runtime,
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "move", id: "c1", args: {} }] }],
    agent: { tools: [tool({ name: "move", description: "Moves.", execute: () => other.agent })] },
  });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Go" });
  await w.until(handle);
  assert.equal(w.session.currentAgent, w.agent);
  assert.ok(errorsOf(w).some((error) => error instanceof AgentError && error.code === "agent.already_running"));
  await refusesWith("agent.already_running", () => w.session.updateAgent(other.agent));
  await w.close();
  await other.close();
});

test("a call of a reply that may call none is dropped without an output", async () => {
  const w = world({
    llm: [{ text: "Hm.", toolCalls: [{ name: "now", id: "c1", args: {} }] }],
    agent: { tools: [tool({ name: "now", description: "The time.", execute: () => "noon" })] },
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go", toolChoice: "none" }));
  assert.deepEqual(told(w.session.history.items), ["user: Go", "assistant: Hm."]);
  await w.close();
});

test("the agent's context and the history hold the same, in the same order", async () => {
  const w = world({
    tts: {},
    llm: [
      { when: { user: "Go" }, text: "Let me see.", toolCalls: [{ name: "now", id: "c1", args: {} }] },
      { when: { output: "noon" }, text: "It is noon now, and has been for a while." },
      { text: "Well." },
    ],
    agent: { tools: [tool({ name: "now", description: "The time.", execute: () => "noon" })] },
  });
  await w.start();
  const first = w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(1_500);
  await w.until(w.session.interrupt());
  await w.until(first);
  await w.until(w.session.say("Pardon."));
  await w.until(w.session.generateReply({ userInput: "And?" }));
  const ctx: ChatContext = w.agent.chatCtx;
  assert.deepEqual(told(ctx.items), told(w.session.history.items));
  const ids = w.session.history.items.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  await w.close();
});

test("a turn that is cut off after its sink is gone settles", async () => {
  const w = world({ tts: {} });
  await w.start();
  const sink = pacedSink(w.clock);
  w.session.output.audio = sink;
  const handle = w.session.say(LONG);
  await w.clock.advance(100);
  sink[Symbol.dispose]();
  handle.interrupt();
  await w.clock.advance(1_000);
  assert.equal(handle.done(), true);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("the result of a tool that ended while its turn hung is stored when the turn is given up", async () => {
  const w = world({
    tts: { hangs: ["One moment."] },
    llm: [{ when: { user: "Go" }, text: "One moment.", toolCalls: [{ name: "now", id: "c1", args: {} }] }],
    agent: { tools: [tool({ name: "now", description: "The time.", execute: () => "noon" })] },
  });
  await w.start();
  w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(1_000);
  await w.close({ deadline: 0 });
  assert.deepEqual(told(w.session.history.items), ["user: Go", "call now c1 {}", "output c1: noon"]);
});
