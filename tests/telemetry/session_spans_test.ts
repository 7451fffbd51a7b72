import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { Agent, AgentSession, tool } from "../../mod.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import { scriptedLLM } from "../../src/testing/scripted_llm.ts";
import { scriptedTTS } from "../../src/testing/scripted_tts.ts";
import type { TurnDetector } from "../../src/model/turn_detector.ts";
import { userSays, world } from "../session/harness.ts";

const exporter = new InMemorySpanExporter();
beforeEach(() => {
  exporter.reset();
  trace.disable();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
after(() => trace.disable());

/** The tree of all spans, as lines of names, those of one parent in the order of their start. */
function tree(): string[] {
  const all = exporter.getFinishedSpans();
  const time = ({ startTime: [seconds, nanos] }: ReadableSpan): number => seconds * 1000 + nanos / 1e6;
  const below = (parent: string | undefined, indent: string): string[] =>
    all.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)
      .map((span, order) => ({ span, order }))
      .sort((a, b) => time(a.span) - time(b.span) || a.span.name.localeCompare(b.span.name) || a.order - b.order)
      .flatMap(({ span }) => [`${indent}${span.name}`, ...below(span.spanContext().spanId, `${indent}  `)]);
  return below(undefined, "");
}

const weather = tool({
  name: "weather",
  description: "Tells the weather.",
  parameters: { type: "object", properties: {} },
  execute: () => "sunny",
});

test("a turn that is spoken after a tool has the spans that it should, and all are ended", async () => {
  const runtime = virtualRuntime();
  const { clock } = runtime;
  const llm = scriptedLLM([
    {
      when: { user: "Weather?" },
      ttftMs: 100,
      error: { attempts: 1 },
      toolCalls: [{ name: "weather", id: "c1", args: {} }],
    },
    { when: { output: "sunny" }, ttftMs: 100, text: "It is sunny." },
  ], { clock });
  const tts = scriptedTTS({ ttfbMs: 200, msPerChar: 50 }, { clock });
  const session = new AgentSession({ llm, tts, runtime });
  session.output.audio = pacedSink(clock);
  await clock.until(session.start({ agent: new Agent({ id: "main", instructions: "Be kind.", tools: [weather] }) }));
  await clock.until(session.generateReply({ userInput: "Weather?" }).waitForPlayout());
  await clock.until(session.close());
  assert.deepEqual(
    tree(),
    [
      "agent_session",
      "  agent_turn",
      "    llm_node",
      "      llm_request",
      "        llm_request_run",
      "        llm_request_run",
      "    tts_node", // it is opened with the turn, and gets no text
      "      tts_request",
      "        tts_request_run",
      "    function_tool",
      "  start_agent_activity",
      "    on_enter",
      "  agent_turn",
      "    llm_node",
      "      llm_request",
      "        llm_request_run",
      "    tts_node",
      "      tts_request",
      "        tts_request_run",
      "    agent_speaking",
      "  drain_agent_activity",
      "    on_exit",
    ].filter((line) => line !== ""),
  );
  const spoken = exporter.getFinishedSpans().filter(({ name }) => name === "agent_turn").at(-1)!;
  assert.equal(spoken.attributes["lk.pii.response.text"], "It is sunny.");
  assert.equal(spoken.attributes["lk.interrupted"], false);
  assert.equal(clock.armed, 0);
});

test("a turn of the user has spans of its voice, of its end, and of itself, with what they are known by", async () => {
  const detector: TurnDetector = {
    kind: "turn_detector",
    model: "ends",
    provider: "tests",
    unlikelyThreshold: () => 0.5,
    supportsLanguage: () => true,
    predictEndOfTurn: () => Promise.resolve(0.9),
  };
  const w = world({ ears: true, options: { turnHandling: { turnDetection: detector } } });
  await w.start();
  userSays(w, { from: 500, until: 2_000, text: "Weather?" });
  await w.clock.runUntil(5_000);
  await w.close();

  const named = (name: string): ReadableSpan => {
    const found = exporter.getFinishedSpans().filter((span) => span.name === name);
    assert.equal(found.length, 1, name);
    return found[0] as ReadableSpan;
  };
  const { attributes: turn } = named("user_turn");
  assert.equal(turn["lk.pii.user_transcript"], "Weather?");
  assert.equal(turn["lk.transcript_confidence"], 0.9);
  assert.equal(turn["lk.transcription_delay"], 0.3);
  assert.equal(turn["lk.end_of_turn_delay"], 0.55);
  assert.equal(turn["gen_ai.request.model"], w.stt.model);
  assert.equal(turn["gen_ai.provider.name"], w.stt.provider);
  const { attributes: end, parentSpanContext } = named("eou_detection");
  assert.equal(parentSpanContext?.spanId, named("user_turn").spanContext().spanId);
  assert.equal(end["lk.eou.probability"], 0.9);
  assert.equal(end["lk.eou.unlikely_threshold"], 0.5);
  assert.equal(end["lk.eou.endpointing_delay"], 0.5);
  assert.equal(end["lk.eou.language"], "en");
  assert.equal(end["lk.eou.source"], "vad");
  assert.equal(end["lk.eou.from_cache"], false);
  assert.equal(end["lk.eou.detection_delay"], 0.55);
  assert.equal(typeof end["lk.pii.chat_ctx"], "string");
  named("user_speaking");
  const metrics = w.events.flatMap((e) =>
    e.type === "metrics_collected" && e.metrics.type === "eou_metrics" ? [e.metrics] : []
  );
  assert.deepEqual(metrics.map(({ metadata }) => metadata), [{ modelName: "ends", modelProvider: "tests" }]);
});
