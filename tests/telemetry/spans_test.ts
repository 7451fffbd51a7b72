import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { SpanStatusCode, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { ChatContext } from "../../src/chat/context.ts";
import { llmAttempt } from "../../src/model/attempt.ts";
import { connectOptions } from "../../src/model/connect_options.ts";
import { sessionTracer, type TracedLLMNode, TRACER_NAME } from "../../src/telemetry/spans.ts";
import { scriptedLLM } from "../../src/testing/scripted_llm.ts";
import { drain, recording } from "../model/recording.ts";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

beforeEach(() => {
  exporter.reset();
  trace.disable();
  trace.setGlobalTracerProvider(provider);
});
after(() => trace.disable());

const WALL = 1_735_689_600_000; // where the virtual clock begins

function spans(): Map<string, ReadableSpan[]> {
  const found = new Map<string, ReadableSpan[]>();
  for (const span of exporter.getFinishedSpans()) found.set(span.name, [...(found.get(span.name) ?? []), span]);
  return found;
}
const ms = ([seconds, nanos]: ReadableSpan["startTime"]): number => seconds * 1000 + nanos / 1e6 - WALL;
const times = (span: ReadableSpan | undefined): [number, number] => [ms(span!.startTime), ms(span!.endTime)];
const isChild = (child: ReadableSpan | undefined, parent: ReadableSpan | undefined): void =>
  assert.equal(child!.parentSpanContext?.spanId, parent!.spanContext().spanId, `${child!.name} below ${parent!.name}`);

function node(chatCtx: () => unknown = () => []): TracedLLMNode {
  return {
    model: { provider: "p", model: "m" },
    chatCtx,
    functionTools: ["weather"],
    providerTools: [],
    toolsets: [],
  };
}

test("without an SDK nothing is recorded, asked or changed", async () => {
  trace.disable();
  const tracer = sessionTracer({ clock: virtualClock() });
  tracer.sessionStarted("main");
  assert.equal(tracer.isRecording, false);
  tracer.turnStarted("s1");
  let wasAsked = false;
  const { result, end } = tracer.llmNode("s1", node(() => (wasAsked = true)), () => 7);
  end();
  assert.deepEqual([result, wasAsked], [7, false]);
  const report = recording();
  assert.equal(tracer.request("llm", { provider: "p", model: "m" }, report), report);
  assert.equal(await tracer.hook("enter", "main", () => Promise.resolve(8)), 8);
  tracer.sessionEnded();
});

test("an SDK that comes after the import records the sessions that start then", () => {
  trace.disable();
  const early = sessionTracer({ clock: virtualClock() });
  early.sessionStarted("main");
  trace.setGlobalTracerProvider(provider);
  const late = sessionTracer({ clock: virtualClock(), attributes: { "lk.job_id": "j1" } });
  late.sessionStarted("main");
  early.sessionEnded();
  late.sessionEnded();
  const all = exporter.getFinishedSpans();
  assert.deepEqual(all.map(({ name }) => name), ["agent_session"]);
  assert.equal(all[0]!.instrumentationScope.name, TRACER_NAME);
  assert.deepEqual(all[0]!.attributes, { "lk.agent_label": "main", "lk.job_id": "j1" });
});

test("spans of the machine carry its times, and hang where they belong", async () => {
  const clock = virtualClock();
  const tracer = sessionTracer({ clock });
  tracer.sessionStarted("main");
  await clock.advance(1_000);
  tracer.start("user_turn", 200);
  tracer.start("user_speaking", 200);
  tracer.end("user_speaking", 900, { "lk.is_interruption": "false" });
  tracer.start("eou_detection", 900);
  tracer.end("eou_detection", 1_000, { "lk.eou.probability": 0.5 });
  tracer.turnStarted("s1", { userInput: "Hello" });
  tracer.turnStarted("s2");
  tracer.end("user_turn", 1_000);
  tracer.start("agent_speaking", 1_000);
  await clock.advance(500);
  tracer.end("agent_speaking", 1_500);
  tracer.end("agent_speaking", 1_600); // none is open
  tracer.turnEnded("s1");
  tracer.turnEnded("s2");
  tracer.sessionEnded();
  const found = spans();
  const one = (name: string): ReadableSpan | undefined => found.get(name)?.[0];
  assert.deepEqual(times(one("user_turn")), [200, 1_000]);
  assert.deepEqual(times(one("user_speaking")), [200, 900]);
  assert.deepEqual(times(one("eou_detection")), [900, 1_000]);
  assert.deepEqual(times(one("agent_speaking")), [1_000, 1_500]);
  assert.deepEqual(times(one("agent_session")), [0, 1_500]);
  isChild(one("user_turn"), one("agent_session"));
  isChild(one("eou_detection"), one("user_turn"));
  isChild(one("agent_speaking"), found.get("agent_turn")!.find((span) => span.attributes["lk.speech_id"] === "s1"));
  assert.equal(one("user_speaking")!.attributes["lk.is_interruption"], "false");
});

test("a turn has a span for each generation, with its nodes and tools below it", async () => {
  const clock = virtualClock();
  const tracer = sessionTracer({ clock });
  tracer.sessionStarted("main");
  tracer.turnStarted("s1", { userInput: "Weather?", instructions: "Be kind." });
  const { end } = tracer.llmNode("s1", node(() => [{ text: "Weather?" }]), () => undefined);
  await clock.advance(300);
  end({
    ttftMs: 250,
    text: "Let me see.",
    calls: [{ name: "weather" }],
    usage: { promptTokens: 5, completionTokens: 2, totalTokens: 7 },
  });
  const voice = tracer.ttsNode("s1", { provider: "p", model: "v" }, () => undefined);
  voice.end({ ttfbMs: 120 });
  tracer.turnPlayed("s1", { interrupted: false, text: "Let me see.", e2eLatencyMs: 900 });
  await tracer.tool(
    "s1",
    { callId: "c1", name: "weather", args: "{}" },
    () => Promise.resolve({ output: "sunny", isError: false }),
  );
  tracer.turnStarted("s1");
  tracer.turnEnded("s1");
  tracer.sessionEnded();
  const found = spans();
  const [first, second] = found.get("agent_turn") as [ReadableSpan, ReadableSpan];
  assert.deepEqual(first.attributes, {
    "lk.speech_id": "s1",
    "lk.generation_id": "s1_1",
    "lk.pii.user_input": "Weather?",
    "lk.pii.instructions": "Be kind.",
    "lk.interrupted": false,
    "lk.pii.response.text": "Let me see.",
    "lk.e2e_latency": 0.9,
  });
  assert.deepEqual([second.attributes["lk.generation_id"], second.attributes["lk.parent_generation_id"]], [
    "s1_2",
    "s1_1",
  ]);
  for (const name of ["llm_node", "tts_node", "function_tool"]) isChild(found.get(name)![0], first);
  assert.deepEqual(found.get("llm_node")![0]!.attributes, {
    "gen_ai.provider.name": "p",
    "gen_ai.request.model": "m",
    "lk.pii.chat_ctx": '[{"text":"Weather?"}]',
    "lk.function_tools": ["weather"],
    "lk.provider_tools": [],
    "lk.tool_sets": [],
    "lk.pii.response.text": "Let me see.",
    "lk.pii.response.function_calls": '[{"name":"weather"}]',
    "lk.response.ttft": 0.25,
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 2,
  });
  assert.equal(found.get("tts_node")![0]!.attributes["lk.response.ttfb"], 0.12);
  assert.deepEqual(found.get("function_tool")![0]!.attributes, {
    "lk.function_tool.id": "c1",
    "lk.function_tool.name": "weather",
    "lk.pii.function_tool.arguments": "{}",
    "lk.pii.function_tool.output": "sunny",
    "lk.function_tool.is_error": false,
  });
});

test("a request that is retried is one span, with one below it for each attempt", async () => {
  const clock = virtualClock();
  const tracer = sessionTracer({ clock });
  tracer.sessionStarted("main");
  tracer.turnStarted("s1");
  const usage = { promptTokens: 5, completionTokens: 2, totalTokens: 7 };
  const llm = scriptedLLM([{ error: { attempts: 1 }, text: "Hello", usage }], { clock });
  const chatCtx = new ChatContext();
  const outer = recording();
  const { result, end } = tracer.llmNode("s1", node(), () =>
    llmAttempt(llm, { chatCtx }, {
      clock,
      report: tracer.request("llm", llm, outer),
      connOptions: connectOptions(),
      requestId: () => "own",
    }));
  await clock.until(drain(result));
  end();
  tracer.turnEnded("s1");
  tracer.sessionEnded();
  const found = spans();
  const [request] = found.get("llm_request")!;
  isChild(request, found.get("llm_node")![0]);
  assert.equal(request!.attributes["gen_ai.usage.input_tokens"], 5);
  assert.equal(JSON.parse(String(request!.attributes["lk.llm_metrics"])).requestId, "chat_0");
  const runs = found.get("llm_request_run")!;
  for (const run of runs) isChild(run, request);
  assert.deepEqual(runs.map(({ attributes, status }) => [attributes["lk.retry_count"], status.code]), [
    [0, SpanStatusCode.ERROR],
    [1, SpanStatusCode.UNSET],
  ]);
  assert.deepEqual(runs[1]!.attributes["lk.provider_request_ids"], ["chat_0"]);
  assert.deepEqual([outer.errors.length, outer.measured.length, outer.attempts.length, outer.closedCount], [
    1,
    1,
    2,
    1,
  ]);
});

test("a request ends its span when it fails, and when it is stopped", async () => {
  for (const how of ["fails", "stops"] as const) {
    exporter.reset();
    const clock = virtualClock();
    const tracer = sessionTracer({ clock });
    tracer.sessionStarted("main");
    const llm = scriptedLLM([how === "fails" ? { error: { retryable: false } } : { hangs: true }], { clock });
    const stop = new AbortController();
    clock.schedule(100, () => stop.abort());
    await clock.until(drain(llmAttempt(llm, { chatCtx: new ChatContext(), signal: stop.signal }, {
      clock,
      report: tracer.request("llm", llm, recording()),
      connOptions: connectOptions(),
      requestId: () => "own",
    })));
    const [request] = spans().get("llm_request")!;
    assert.equal(request!.status.code, how === "fails" ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
    assert.equal(spans().get("llm_request_run")!.length, 1);
    tracer.sessionEnded();
  }
});

test("hooks hang below their move, which may end before them, and tell of their failure", async () => {
  const clock = virtualClock();
  const tracer = sessionTracer({ clock });
  tracer.sessionStarted("main");
  const moved = tracer.move("start", "main");
  const entering = tracer.hook("enter", "main", async () => {
    await new Promise<void>((go) => clock.schedule(100, go));
  });
  moved();
  await clock.until(entering);
  const error = new Error("secret words");
  tracer.move("drain", "main");
  await assert.rejects(tracer.hook("exit", "main", () => Promise.reject(error)), error);
  tracer.sessionEnded();
  const found = spans();
  isChild(found.get("on_enter")![0], found.get("start_agent_activity")![0]);
  isChild(found.get("on_exit")![0], found.get("drain_agent_activity")![0]);
  assert.deepEqual(times(found.get("on_enter")![0]), [0, 100]);
  const exit = found.get("on_exit")![0]!;
  assert.deepEqual([exit.status.code, exit.status.message, exit.attributes["exception.type"]], [
    SpanStatusCode.ERROR,
    "secret words",
    "Error",
  ]);
  assert.equal(exit.events[0]!.name, "exception");
});

test("what is open when the session closes is ended", () => {
  const tracer = sessionTracer({ clock: virtualClock() });
  tracer.sessionStarted("main");
  tracer.turnStarted("s1");
  tracer.start("user_turn", 0);
  tracer.start("eou_detection", 0);
  tracer.llmNode("s1", node(), () => undefined);
  tracer.ttsNode("s1", null, () => undefined);
  tracer.move("start", "main");
  void tracer.hook("enter", "main", () => new Promise(() => {}));
  void tracer.tool("s1", { callId: "c1", name: "f", args: "" }, () => new Promise<never>(() => {}));
  tracer.request("tts", { provider: "p", model: "v" }, recording()).attempt!(0);
  assert.deepEqual(exporter.getFinishedSpans(), []);
  tracer.sessionEnded(new Error("broken"));
  assert.deepEqual([...spans().keys()].sort(), [
    "agent_session",
    "agent_turn",
    "eou_detection",
    "function_tool",
    "llm_node",
    "on_enter",
    "start_agent_activity",
    "tts_node",
    "tts_request",
    "tts_request_run",
    "user_turn",
  ]);
  assert.equal(exporter.getFinishedSpans().at(-1)!.name, "agent_session");
});

test("a node that throws ends its span", () => {
  const tracer = sessionTracer({ clock: virtualClock() });
  tracer.sessionStarted("main");
  tracer.turnStarted("s1");
  const throwing = (): never => {
    throw new Error("A bug of the user");
  };
  assert.throws(() => tracer.llmNode("s1", node(), throwing), /A bug/);
  assert.equal(spans().get("llm_node")![0]!.status.code, SpanStatusCode.ERROR);
  tracer.sessionEnded();
});

test("with redaction nothing that was said, and no text of an error, leaves", async () => {
  const tracer = sessionTracer({ clock: virtualClock(), pii: false });
  tracer.sessionStarted("main");
  tracer.turnStarted("s1", { userInput: "secret", instructions: "secret" });
  tracer.start("user_turn", 0);
  tracer.end("user_turn", 0, { "lk.pii.user_transcript": "secret", "lk.transcript_confidence": 0.9 });
  tracer.llmNode("s1", node(() => "secret"), () => undefined).end({
    text: "secret",
    calls: ["secret"],
    error: new Error("secret"),
  });
  await tracer.tool(
    "s1",
    { callId: "c1", name: "f", args: "secret" },
    () => Promise.resolve({ output: "secret", isError: true, cause: new TypeError("secret") }),
  );
  tracer.turnPlayed("s1", { interrupted: true, text: "secret" });
  tracer.turnEnded("s1", new Error("secret"));
  tracer.sessionEnded();
  const all = exporter.getFinishedSpans().map(({ name, attributes, events, status }) => ({
    name,
    attributes,
    events,
    status,
  }));
  assert.doesNotMatch(JSON.stringify(all), /secret/);
  const tool = all.find(({ name }) => name === "function_tool")!;
  assert.equal(tool.attributes["exception.type"], "TypeError");
  assert.equal(tool.status.message, "exception details redacted");
  assert.equal(all.find(({ name }) => name === "user_turn")!.attributes["lk.transcript_confidence"], 0.9);
});
