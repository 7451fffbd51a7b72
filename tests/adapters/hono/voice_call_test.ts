import assert from "node:assert/strict";
import { test } from "node:test";
import { type VoiceCall, voiceCall } from "../../../adapters/hono/voice_call.ts";
import { virtualRuntime } from "../../../adapters/runtime/virtual.ts";
import { AgentError } from "../../../src/base/error.ts";
import { Agent } from "../../../src/session/agent.ts";
import { AgentSession } from "../../../src/session/agent_session.ts";
import { scriptedSTT, scriptedVAD } from "../../../src/testing/scripted_ears.ts";
import { scriptedLLM } from "../../../src/testing/scripted_llm.ts";
import { scriptedTTS } from "../../../src/testing/scripted_tts.ts";
import type { TraceRecord } from "../../../src/trace/record.ts";
import { told, userSays, type World } from "../../session/harness.ts";
import { wirePage } from "./wire_page.ts";

const GREETING = "Good morning, this is the bookshop, and I am glad that you call.";

/** A call with scripted models, and the page that makes it. */
function setUp({ graceMs = 5_000, text = GREETING }: { readonly graceMs?: number; readonly text?: string } = {}) {
  const runtime = virtualRuntime({ seed: 1 });
  const { clock } = runtime;
  const page = wirePage(clock);
  let isOver = false;
  const call: VoiceCall = voiceCall({
    runtime,
    sampleRate: 8_000,
    graceMs,
    onOver: () => (isOver = true),
  }, page.hello());
  const stt = scriptedSTT();
  const vad = scriptedVAD();
  const llm = scriptedLLM([{ text: "Certainly." }], { clock });
  const session = new AgentSession({
    runtime,
    llm,
    stt,
    vad,
    tts: scriptedTTS({}, { clock, sampleRate: 8_000 }),
    aecWarmupDuration: null,
    userAwayTimeout: null,
    trace: new WritableStream<TraceRecord>({ write: (record) => call.record(record) }),
  });
  const agent = new Agent({ instructions: "" });
  page.at(call);
  let connection = page.connection();
  const join = (): void => {
    const hello = page.hello();
    connection = page.connection();
    call.join(connection, hello);
  };
  return {
    runtime,
    clock,
    page,
    call,
    session,
    stt,
    vad,
    llm,
    isOver: () => isOver,
    join,
    leave: () => call.left(connection),
    async begin() {
      join();
      await clock.until(session.start({ agent, io: call.io }));
      call.begun();
      if (text !== "") session.say(text);
    },
    says: (from: number, until: number, words: string) =>
      userSays({ clock, vad, stt } as unknown as World, { from, until, text: words }),
  };
}

test("a page hears the greeting, reads it as it is spoken, and is told when it was heard", async () => {
  const w = setUp();
  await w.begin();
  await w.clock.advance(1_000);
  const early = w.page.messages.flatMap((message) => message.type === "agent_transcript" ? [message.text] : []).join(
    "",
  );
  assert.ok(early.length > 0 && early.length < GREETING.length, early);
  await w.clock.advance(10_000);
  const shown = w.page.messages.flatMap((message) => message.type === "agent_transcript" ? [message.text] : []).join(
    "",
  );
  assert.equal(shown.trim(), GREETING);
  assert.equal(w.page.first("message")?.text, GREETING);
  assert.ok(Math.abs(w.page.heardMs() - GREETING.length * 50) < 1, `${w.page.heardMs()} ms were heard`);
  const states = w.page.messages.flatMap((message) => message.type === "state" ? [message.agent] : []);
  assert.deepEqual(states.slice(-2), ["speaking", "listening"]);
  await w.clock.until(w.call.close("job_shutdown"));
  assert.equal(w.clock.armed, 0);
});

test("cutting in leaves in the history what was heard, and the page is told so", async () => {
  const w = setUp();
  await w.begin();
  w.says(1_000, 2_200, "Stop, please.");
  await w.clock.advance(6_000);
  const said = w.page.messages.flatMap((message) => message.type === "message" ? [message] : []);
  assert.equal(said[0]?.interrupted, true);
  assert.ok(GREETING.startsWith(said[0]!.text) && said[0]!.text.length < GREETING.length, said[0]?.text);
  assert.deepEqual(told(w.session.history.items)[0], `assistant: ${said[0]?.text}/`);
  assert.equal(w.page.first("interruption")?.resumed, false);
  assert.deepEqual(said.slice(1).map(({ role, text }) => `${role}: ${text}`), [
    "user: Stop, please.",
    "assistant: Certainly.",
  ]);
  await w.clock.until(w.call.close("job_shutdown"));
});

test("each answered turn has its latency account, which adds up", async () => {
  const w = setUp({ text: "" });
  await w.begin();
  w.says(500, 1_500, "Hello?");
  await w.clock.advance(6_000);
  const account = w.page.first("latency");
  assert.ok(account !== undefined && account.totalMs > 0);
  assert.equal(account.spans.reduce((sum, { ms }) => sum + ms, 0), account.totalMs);
  await w.clock.until(w.call.close("job_shutdown"));
});

test("the connection breaks for two seconds and comes back: nothing is lost, said twice or heard twice", async () => {
  const w = setUp();
  await w.begin();
  await w.clock.advance(700);
  w.leave();
  await w.clock.advance(2_000);
  const before = w.page.heardMs();
  assert.ok(before < 1_200, `${before} ms: no more was heard than the page had`);
  w.join();
  await w.clock.advance(10_000);
  const shown = w.page.messages.flatMap((message) => message.type === "agent_transcript" ? [message.text] : []).join(
    "",
  );
  assert.equal(shown.trim(), GREETING);
  assert.deepEqual(told(w.session.history.items), [`assistant: ${GREETING}`]);
  assert.ok(Math.abs(w.page.heardMs() - GREETING.length * 50) < 1);
  assert.deepEqual(w.page.messages.map(({ seq }) => seq), w.page.messages.map((_, index) => index + 1));
  await w.clock.until(w.call.close("job_shutdown"));
  assert.equal(w.clock.armed, 0);
});

test("a page that does not come back ends its session when the grace is over, and leaves nothing", async () => {
  const w = setUp({ graceMs: 3_000 });
  await w.begin();
  await w.clock.advance(500);
  w.leave();
  await w.clock.advance(2_999);
  assert.equal(w.session.isRunning, true);
  await w.clock.advance(5_000);
  assert.equal(w.session.isRunning, false);
  assert.equal(w.isOver(), true);
  assert.equal(w.clock.armed, 0);
});

test("without a grace the call ends with its connection", async () => {
  const w = setUp({ graceMs: 0 });
  await w.begin();
  w.leave();
  await w.clock.run();
  assert.equal(w.session.isRunning, false);
  assert.equal(w.isOver(), true);
});

test("hanging up ends the session: the page is told, and its connection closes normally", async () => {
  const w = setUp();
  await w.begin();
  await w.clock.advance(300);
  w.call.message({ type: "end" });
  await w.clock.run();
  assert.equal(w.session.isRunning, false);
  assert.equal(w.page.messages.at(-1)?.type, "end");
  assert.deepEqual(w.page.closed, [1000]);
  assert.equal(w.clock.armed, 0);
});

test("a page that comes back before its old connection is known to be gone takes its place", async () => {
  const w = setUp();
  await w.begin();
  const old = w.leave;
  w.join();
  assert.deepEqual(w.page.closed, [4409]);
  old();
  await w.clock.advance(100);
  assert.equal(w.page.all.filter(({ type }) => type === "welcome").length, 2);
  await w.clock.until(w.call.close("job_shutdown"));
});

test("a connection that brings nothing for 30 s is closed; pings keep it", async () => {
  const w = setUp({ text: "" });
  await w.begin();
  for (let at = 0; at < 60_000; at += 10_000) {
    await w.clock.advance(10_000);
    w.call.message({ type: "ping", id: at, seen: 0 });
  }
  assert.deepEqual(w.page.closed, []);
  assert.equal(w.page.all.filter(({ type }) => type === "pong").length, 6);
  await w.clock.advance(30_001);
  assert.deepEqual(w.page.closed, [4408]);
  await w.clock.run();
  assert.equal(w.isOver(), true);
});

test("a page that takes nothing is let go, and may come back", async () => {
  const w = setUp();
  await w.begin();
  w.page.buffered = 2 * 1024 * 1024;
  await w.clock.advance(1_000);
  assert.deepEqual(w.page.closed, [4413]);
  w.page.buffered = 0;
  w.join();
  await w.clock.advance(10_000);
  assert.equal(w.page.first("message")?.text, GREETING);
  await w.clock.until(w.call.close("job_shutdown"));
});

test("what is typed is answered, also before the session runs", async () => {
  const w = setUp({ text: "" });
  w.join();
  w.call.message({ type: "text", text: "Is anybody there?" });
  assert.equal(w.page.first("error"), undefined);
  await w.begin();
  await w.clock.advance(3_000);
  assert.deepEqual(told(w.session.history.items), ["user: Is anybody there?", "assistant: Certainly."]);
  await w.clock.until(w.call.close("job_shutdown"));
});

test("muting stops the ears, whatever still comes", async () => {
  const w = setUp({ text: "" });
  await w.begin();
  const heardMs = (): number => w.stt.streams.at(-1)?.heardMs ?? 0;
  const frame = (at: number) => ({ index: at * 320, samples: new Int16Array(320).fill(100) });
  for (let at = 0; at < 10; at++) w.call.sound(frame(at));
  await w.clock.advance(100);
  assert.equal(heardMs(), 200);
  w.call.message({ type: "mute", muted: true });
  assert.equal(w.session.input.audioEnabled, false);
  for (let at = 10; at < 20; at++) w.call.sound(frame(at));
  await w.clock.advance(100);
  assert.equal(heardMs(), 200);
  w.call.message({ type: "mute", muted: false });
  for (let at = 20; at < 30; at++) w.call.sound(frame(at));
  await w.clock.advance(100);
  assert.equal(heardMs(), 400);
  await w.clock.until(w.call.close("job_shutdown"));
});

test("sound that comes again is heard once, also where the index wraps; sound that comes too soon is refused", async () => {
  const w = setUp({ text: "" });
  await w.begin();
  const heardMs = (): number => w.stt.streams.at(-1)?.heardMs ?? 0;
  const samples = (count: number) => new Int16Array(count).fill(100);
  w.call.sound({ index: 0, samples: samples(320) });
  w.call.sound({ index: 0, samples: samples(320) });
  w.call.sound({ index: 160, samples: samples(320) });
  await w.clock.advance(10);
  assert.equal(heardMs(), 30);
  w.call.sound({ index: 2 ** 31 - 1, samples: samples(320) }); // the page let the oldest go
  w.call.sound({ index: 2 ** 32 - 320, samples: samples(320) });
  w.call.sound({ index: 0, samples: samples(320) });
  await w.clock.advance(10);
  assert.equal(heardMs(), 90);
  for (let at = 1; at < 1_200; at++) w.call.sound({ index: at * 320, samples: samples(320) });
  await w.clock.advance(10);
  assert.ok(heardMs() <= 10_100, `${heardMs()} ms`);
  const errors = w.page.messages.filter((message) => message.type === "error");
  assert.equal(errors.length, 1);
  await w.clock.until(w.call.close("job_shutdown"));
});

test("a page that was away for too long is told how many messages it missed", async () => {
  const w = setUp({ text: "" });
  await w.begin();
  w.leave();
  for (let count = 0; count < 300; count++) w.call.complain(new AgentError("voice.bad_message", `${count}`));
  w.join();
  const [gap, next] = w.page.messages.filter(({ type }) => type === "gap" || type === "error");
  assert.ok(gap?.type === "gap" && gap.count >= 44, JSON.stringify(gap));
  assert.ok(next?.type === "error");
  assert.equal(w.page.messages.at(-1)?.type, "error");
  await w.clock.until(w.call.close("job_shutdown"));
});

test("what failed is told by its part and its code, and never by what a provider said", async () => {
  const w = setUp({ text: "" });
  const secret = new Error("key sk-123 is wrong");
  const broken = scriptedLLM([{ error: { retryable: false, error: secret } }], { clock: w.clock });
  w.join();
  await w.clock.until(w.session.start({ agent: new Agent({ instructions: "", llm: broken }), io: w.call.io }));
  w.call.begun();
  w.call.message({ type: "text", text: "Hello" });
  await w.clock.advance(5_000);
  const error = w.page.first("error");
  assert.match(error?.message ?? "", /the language model failed/);
  assert.ok(!JSON.stringify(w.page.all).includes("sk-123"));
  await w.clock.until(w.call.close("job_shutdown"));
});

test("a call that could not begin says so and closes", async () => {
  const w = setUp();
  w.join();
  w.call.fail("session.no_agent", "Cannot begin the call");
  assert.equal(w.page.first("error")?.code, "session.no_agent");
  assert.equal(w.page.messages.at(-1)?.type, "end");
  assert.equal(w.isOver(), true);
  await assert.rejects(w.clock.until(w.session.start({ agent: new Agent({ instructions: "" }), io: w.call.io })), {
    code: "session.start_failed",
  });
  assert.equal(w.clock.armed, 0);
});

test("a session that fails to start when it is joined already is told of too", async () => {
  const w = setUp();
  const agent = new Agent({ instructions: "" });
  const other = new AgentSession({ runtime: w.runtime, llm: w.llm });
  await w.clock.until(other.start({ agent }));
  w.join();
  await assert.rejects(w.clock.until(w.session.start({ agent, io: w.call.io })), { code: "agent.already_running" });
  w.call.fail("agent.already_running", "Cannot begin the call");
  assert.equal(w.page.first("error")?.code, "agent.already_running");
  assert.equal(w.page.messages.at(-1)?.type, "end");
  assert.equal(w.isOver(), true);
  await w.clock.until(other.close());
  assert.equal(w.clock.armed, 0);
});
