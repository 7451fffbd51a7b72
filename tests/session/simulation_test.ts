import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { AgentError } from "../../src/base/error.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { type PacedSink, pacedSink } from "../../src/io/paced_sink.ts";
import { Agent, type AgentOptions, type HookContext } from "../../src/session/agent.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import { tool } from "../../src/tool/define.ts";
import { ToolError } from "../../src/tool/error.ts";
import type { AnyTool } from "../../src/tool/tool.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { parseTrace, replay } from "../../src/trace/replay.ts";
import { userSays, type World, world } from "./harness.ts";

const ACTIONS = [
  "say",
  "sayProtected",
  "reply",
  "replyTools",
  "replyFails",
  "replyHangs",
  "run",
  "interrupt",
  "force",
  "cutOne",
  "speak",
  "cough",
  "commit",
  "clear",
  "move",
  "drain",
  "options",
  "mute",
  "unmute",
  "silence",
  "sound",
  "swapSink",
  "failSink",
  "deafSink",
  "moveStuck",
  "failStt",
  "failVad",
  "restart",
] as const;
type Action = (typeof ACTIONS)[number];
type Moment = { readonly action: Action; readonly ms: number };

class Guest extends Agent {
  constructor(n: number, tools: AgentOptions["tools"] = []) {
    super({ id: `guest${n}`, instructions: `Guest ${n}.`, tools });
  }
  override onEnter({ session }: HookContext): void {
    session.say(`I am ${this.id}.`);
  }
  override async onExit({ session }: HookContext): Promise<void> {
    await session.say("Bye.");
  }
}

/** Never comes back from a hook. */
class Stuck extends Guest {
  override onExit(): Promise<void> {
    return new Promise(() => {});
  }
}

/** All that anybody says: what is stored is a beginning of one of these. */
const TEXTS = [
  "Something that takes a while to say.",
  "Something that must be heard.",
  "In a tool.",
  "One moment.",
  "Half",
  "Bye.",
  "That is how it is with these things, I am afraid.",
];

function assertPaired(items: readonly ChatItem[], where: string): void {
  const outputs = new Map<string, number>();
  for (const item of items) {
    if (item.type === "function_call_output") outputs.set(item.callId, (outputs.get(item.callId) ?? 0) + 1);
  }
  for (const item of items) {
    if (item.type === "function_call") assert.equal(outputs.get(item.callId), 1, `${where}: call ${item.callId}`);
  }
}

/** Lives through the moments, closes, and checks what must hold of any session. */
async function live(moments: readonly Moment[], deadline: number, seed: number): Promise<string> {
  const runtime = virtualRuntime({ seed });
  const { clock } = runtime;
  let sink: PacedSink = pacedSink(clock);
  let callCount = 0;
  const later = (ms: number): Promise<void> => new Promise((go) => clock.schedule(clock.now() + ms, go));
  const tools: AnyTool[] = [
    tool({ name: "quick", description: "At once.", execute: () => "now" }),
    tool({ name: "slow", description: "3 s.", execute: () => later(3_000).then(() => "later") }),
    tool({ name: "stuck", description: "Never.", execute: () => new Promise(() => {}) }),
    tool({ name: "fails", description: "Fails.", execute: () => Promise.reject(new ToolError("no")) }),
    tool({
      name: "says",
      description: "Speaks.",
      execute: async (_args, { ctx }) => {
        await (ctx.session as World["session"]).say("In a tool.");
        return "said";
      },
    }),
    tool({ name: "moves", description: "Hands over.", execute: () => new Guest(++callCount, tools) }),
  ];
  const begun = new Set<string>();
  for (const [n, one] of tools.entries()) {
    if (one.type !== "function") continue;
    tools[n] = {
      ...one,
      execute: (args, options) => {
        begun.add(options.toolCallId);
        return one.execute(args, options);
      },
    };
  }
  const names = ["quick", "slow", "stuck", "fails", "says", "moves"];
  const trace: TraceRecord[] = [];
  const w = world({
    runtime,
    tts: { ttfbMs: 100, msPerChar: 50 },
    sink,
    ears: true,
    captions: true,
    options: { trace: new WritableStream<TraceRecord>({ write: (record) => void trace.push(record) }) },
    llm: [
      { when: { user: "fail" }, error: { retryable: false, afterText: "Half" }, ttftMs: 50 },
      { when: { user: "hang" }, hangs: true },
      ...names.flatMap((name, n) => [
        {
          when: { user: `use ${name}` },
          ttftMs: 100,
          text: "One moment.",
          toolCalls: [
            { name, id: `call${n}a`, args: {} },
            { name: names[(n + 1) % 3] as string, id: `call${n}b`, args: {} },
          ],
          times: 1,
        },
      ]),
      { ttftMs: 100, text: "That is how it is with these things, I am afraid." },
    ],
  });
  const handles = new Set<SpeechHandle>();
  w.session.on("speech_created", ({ speechHandle }) => void handles.add(speechHandle));
  const promises: { readonly what: string; settled: boolean }[] = [];
  const watched = (what: string, work: PromiseLike<unknown>): void => {
    const entry = { what, settled: false };
    promises.push(entry);
    work.then(() => void (entry.settled = true), () => void (entry.settled = true));
  };

  let toolTurn = 0;
  const act = (action: Action): void => {
    const { session } = w;
    const now = clock.now();
    switch (action) {
      case "say":
        return void session.say("Something that takes a while to say.");
      case "sayProtected":
        return void session.say("Something that must be heard.", { allowInterruptions: false });
      case "reply":
        return void session.generateReply({ userInput: "Hello" });
      case "replyTools":
        return void session.generateReply({ userInput: `use ${names[toolTurn++ % names.length]}` });
      case "replyFails":
        return void session.generateReply({ userInput: "fail" });
      case "replyHangs":
        return void session.generateReply({ userInput: "hang" });
      case "run":
        return watched("run", session.run({ userInput: "Hello" }));
      case "interrupt":
        return watched("interrupt", session.interrupt());
      case "force":
        return watched("force", session.interrupt({ force: true }));
      case "cutOne":
        return void [...handles].at(-1)?.interrupt();
      case "speak":
        return userSays(w, { from: now, until: now + 900, text: "What about that" });
      case "cough":
        return userSays(w, { from: now, until: now + 600, text: "", interims: false });
      case "commit":
        return watched("commit", session.commitUserTurn());
      case "clear":
        return session.clearUserTurn();
      case "move":
        return session.updateAgent(new Guest(++callCount, tools));
      case "drain":
        return watched("drain", session.drain());
      case "options":
        return session.updateOptions({ turnHandling: { interruption: { minDuration: now % 2 === 0 ? 300 : 500 } } });
      case "mute":
      case "unmute":
        return session.input.setAudioEnabled(action === "unmute");
      case "silence":
      case "sound":
        return session.output.setAudioEnabled(action === "sound");
      case "swapSink":
        return void (session.output.audio = sink = pacedSink(clock));
      case "failSink":
        return sink.fail(new Error("unplugged"));
      case "deafSink":
        return void (session.output.audio = { ...sink, acks: new ReadableStream() });
      case "moveStuck":
        return session.updateAgent(new Stuck(++callCount, tools));
      case "failStt":
        return void w.stt.fail(new Error("stt"));
      case "failVad":
        return void w.vad.fail(new Error("vad"));
      case "restart":
        watched("close", session.close({ deadline: 1_000 }));
        return watched("start", session.start({ agent: new Guest(++callCount, tools) }));
      default:
        return action satisfies never;
    }
  };

  await w.start(new Guest(0, tools));
  for (const { action, ms } of moments) {
    await clock.advance(ms);
    try {
      act(action);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error; // what is refused is refused with a code
    }
  }
  const from = clock.now();
  const closing = w.session.close({ deadline });
  watched("last close", closing);
  await clock.until(closing);
  await clock.advance(0);
  assert.ok(clock.now() - from <= Math.max(deadline, 1_000), `the close took ${clock.now() - from} ms`);
  for (const handle of handles) assert.equal(handle.done(), true, `${handle.id} is open`);
  for (const { what, settled } of promises) assert.equal(settled, true, `${what} is open`);
  // Tools and voices of the world may have something scheduled still; a session has nothing.
  await clock.advance(10_000);
  assert.equal(clock.armed, 0);
  assert.equal(w.session.isRunning, false);
  assert.equal(w.events.at(-1)?.type, "close");
  assertPaired(w.session.history.items, "history");
  for (const { items, n } of w.llm.requests) assertPaired(items, `request ${n}`);
  for (const item of w.session.history.items) {
    if (item.type !== "message" || item.role !== "assistant") continue;
    const said = item.textContent ?? "";
    const isBeginning = TEXTS.some((one) => one.startsWith(said) && (item.interrupted || one === said));
    assert.ok(said !== "" && (isBeginning || /^I( am( guest\d+\.)?)?$/.test(said)), `${said} was never said`);
  }
  const recorded = w.session.history.items.flatMap((item) => item.type === "function_call" ? [item.callId] : []);
  for (const id of begun) assert.ok(recorded.includes(id), `the call ${id} is forgotten`);
  const ids = w.session.history.items.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(
    w.log.some(({ message }) => message === "an order failed"),
    false,
    JSON.stringify(
      w.log.find(({ message }) => message === "an order failed")?.fields,
      (_k, v) => v instanceof Error ? v.stack : v,
    ),
  );
  const text = trace.map((record) => `${JSON.stringify(record)}\n`).join("");
  const { difference } = replay(parseTrace(text));
  assert.equal(difference, undefined, JSON.stringify(difference));
  return text;
}

const moment: fc.Arbitrary<Moment> = fc.record({
  action: fc.constantFrom(...ACTIONS),
  ms: fc.constantFrom(0, 0, 10, 130, 400, 900, 2_500, 7_000),
});

test("whatever happens when, a session closes in time, settles everything, pairs its calls, and replays", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(moment, { minLength: 1, maxLength: 14 }),
      fc.constantFrom(0, 300, 20_000),
      fc.nat(1_000),
      async (moments, deadline, seed) => void (await live(moments, deadline, seed)),
    ),
    { numRuns: 120, seed: 20_261_124 },
  );
});

test("the same moments and the same seed give the same trace", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(moment, { minLength: 3, maxLength: 12 }), async (moments) => {
      assert.equal(await live(moments, 20_000, 3), await live(moments, 20_000, 3));
    }),
    { numRuns: 20, seed: 7 },
  );
});
