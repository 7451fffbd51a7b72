import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { meterSession } from "../../src/telemetry/meter.ts";
import { userSays, world } from "../session/harness.ts";

let exporter: InMemoryMetricExporter;
let provider: MeterProvider;
beforeEach(() => {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1 << 30 });
  provider = new MeterProvider({ readers: [reader] });
  metrics.disable();
  metrics.setGlobalMeterProvider(provider);
});
after(() => metrics.disable());

/** Instrument and model, with the sum of a counter or the count and sum of a histogram. */
async function exported(): Promise<Record<string, unknown>> {
  await provider.forceFlush();
  const all: Record<string, unknown> = {};
  for (const { scopeMetrics } of exporter.getMetrics()) {
    for (const { descriptor, dataPoints } of scopeMetrics.flatMap((scope) => scope.metrics)) {
      for (const { value, attributes } of dataPoints) {
        const { model_provider: provider, model_name: model } = attributes;
        all[`${descriptor.name} ${provider}/${model}`] = typeof value === "number"
          ? value
          : [value.count, Math.round((value.sum ?? 0) * 1000) / 1000, descriptor.unit];
      }
    }
  }
  await provider.shutdown();
  return all;
}

test("what a spoken turn used, and how long it took, is counted by model", async () => {
  const w = world({
    tts: { ttfbMs: 200 },
    ears: true,
    llm: [{
      ttftMs: 100,
      text: "Fine, thanks.",
      usage: { promptTokens: 40, promptCachedTokens: 8, completionTokens: 5, totalTokens: 45 },
    }],
  });
  meterSession(w.session);
  await w.start();
  userSays(w, { from: 1_000, until: 2_000, text: "How are you" });
  await w.clock.advance(6_000);
  await w.close();
  const seen = await exported();
  assert.equal(seen["lk.agents.usage.llm_input_tokens repartee/scripted"], 40);
  assert.equal(seen["lk.agents.usage.llm_input_cached_tokens repartee/scripted"], 8);
  assert.equal(seen["lk.agents.usage.llm_output_tokens repartee/scripted"], 5);
  assert.equal(seen["lk.agents.usage.tts_characters repartee/scripted"], 13);
  assert.equal(seen["lk.agents.usage.tts_audio_duration repartee/scripted"], 0.65);
  assert.deepEqual(seen["lk.agents.turn.llm_ttft repartee/scripted"], [1, 0.1, "s"]);
  assert.deepEqual(seen["lk.agents.turn.tts_ttfb repartee/scripted"], [1, 0.2, "s"]);
  const message = w.session.history.items.findLast((item) => item.type === "message" && item.role === "assistant");
  assert.ok(message?.type === "message");
  assert.deepEqual(seen["lk.agents.turn.e2e_latency repartee/scripted"], [
    1,
    message.metrics.e2eLatency! / 1000,
    "s",
  ]);
  assert.deepEqual((seen["lk.agents.turn.end_of_turn_delay repartee/scripted"] as unknown[])[0], 1);
});

test("a session that is started again tells of its old turns once, and an ended meter of nothing", async () => {
  const w = world();
  const end = meterSession(w.session);
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  await w.close();
  await w.start();
  await w.close();
  end();
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  await w.close();
  const seen = await exported();
  assert.deepEqual((seen["lk.agents.turn.llm_ttft repartee/scripted"] as unknown[])[0], 1);
});
