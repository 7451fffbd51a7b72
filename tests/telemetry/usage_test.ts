import assert from "node:assert/strict";
import { test } from "node:test";
import type { LLMMetrics, ModelMetrics, RealtimeModelMetrics, TTSMetrics } from "../../src/model/metrics.ts";
import { filterZeroValues, UsageCollector } from "../../src/telemetry/usage.ts";

const base = { timestamp: 0, label: "p/m", requestId: "r", durationMs: 1, cancelled: false } as const;
const of = (modelProvider: string, modelName: string) => ({ metadata: { modelProvider, modelName } });

function llm(owner: Pick<LLMMetrics, "metadata">): LLMMetrics {
  return {
    type: "llm_metrics",
    ...base,
    ...owner,
    ttftMs: 1,
    completionTokens: 5,
    promptTokens: 10,
    promptCachedTokens: 4,
    cacheCreationTokens: 2,
    totalTokens: 15,
    tokensPerSecond: 1,
  };
}

function tts(owner: Pick<TTSMetrics, "metadata">): TTSMetrics {
  return {
    type: "tts_metrics",
    ...base,
    ...owner,
    ttfbMs: 1,
    audioDurationMs: 700,
    charactersCount: 20,
    inputTokens: 0,
    outputTokens: 0,
    streamed: true,
  };
}

const realtime: RealtimeModelMetrics = {
  type: "realtime_model_metrics",
  ...base,
  ...of("p", "m"),
  sessionDurationMs: 900,
  ttftMs: 1,
  inputTokens: 100,
  outputTokens: 50,
  totalTokens: 150,
  tokensPerSecond: 1,
  inputTokenDetails: {
    audioTokens: 60,
    textTokens: 30,
    imageTokens: 10,
    cachedTokens: 8,
    cachedTokensDetails: { audioTokens: 5, textTokens: 2, imageTokens: 1 },
  },
  outputTokenDetails: { audioTokens: 40, textTokens: 10, imageTokens: 0 },
};

function total(...all: ModelMetrics[]): UsageCollector {
  const collector = new UsageCollector();
  for (const metrics of all) collector.collect(metrics);
  return collector;
}

test("a measurement collected twice counts twice", () => {
  const [usage] = total(llm(of("p", "m")), llm(of("p", "m"))).flatten();
  assert.deepEqual(filterZeroValues(usage!), {
    type: "llm_usage",
    provider: "p",
    model: "m",
    inputTokens: 20,
    inputCachedTokens: 8,
    inputCacheCreationTokens: 4,
    outputTokens: 10,
  });
});

test("a language model and a realtime model of one name share one record", () => {
  const usage = total(llm(of("p", "m")), realtime).flatten();
  assert.equal(usage.length, 1);
  assert.deepEqual(filterZeroValues(usage[0]!), {
    type: "llm_usage",
    provider: "p",
    model: "m",
    inputTokens: 110,
    inputCachedTokens: 12,
    inputCacheCreationTokens: 2,
    inputAudioTokens: 60,
    inputCachedAudioTokens: 5,
    inputTextTokens: 30,
    inputCachedTextTokens: 2,
    inputImageTokens: 10,
    inputCachedImageTokens: 1,
    outputTokens: 55,
    outputAudioTokens: 40,
    outputTextTokens: 10,
    sessionDurationMs: 900,
  });
});

test("kinds come in one order, whichever was measured first, and names with colons never meet", () => {
  const usage = total(
    {
      type: "eot_inference_metrics",
      ...base,
      totalDurationMs: 1,
      predictionDurationMs: 1,
      detectionDelayMs: 1,
      numRequests: 3,
    },
    {
      type: "interruption_metrics",
      ...base,
      totalDurationMs: 1,
      predictionDurationMs: 1,
      detectionDelayMs: 1,
      numInterruptions: 1,
      numBackchannels: 1,
      numRequests: 2,
    },
    { type: "stt_metrics", ...base, audioDurationMs: 300, inputTokens: 1, outputTokens: 2, streamed: true },
    tts(of("a:b", "c")),
    tts(of("a", "b:c")),
    llm({}),
  ).flatten();
  assert.deepEqual(usage.map(({ type, provider, model }) => [type, provider, model]), [
    ["llm_usage", "", ""],
    ["tts_usage", "a:b", "c"],
    ["tts_usage", "a", "b:c"],
    ["stt_usage", "", ""],
    ["interruption_usage", "", ""],
    ["eot_usage", "", ""],
  ]);
  assert.deepEqual(filterZeroValues(usage[1]!), {
    type: "tts_usage",
    provider: "a:b",
    model: "c",
    charactersCount: 20,
    audioDurationMs: 700,
  });
});

test("voice activity and ends of utterances use nothing", () => {
  const collector = new UsageCollector();
  assert.equal(
    collector.collect({ type: "vad_metrics", ...base, idleTimeMs: 1, inferenceDurationTotalMs: 1, inferenceCount: 1 }),
    false,
  );
  assert.equal(
    collector.collect({
      type: "eou_metrics",
      ...base,
      endOfUtteranceDelayMs: 1,
      transcriptionDelayMs: 1,
      onUserTurnCompletedDelayMs: 1,
    }),
    false,
  );
  assert.deepEqual(collector.snapshot(), { modelUsage: [] });
});

test("what was given out does not change afterwards, and a reset forgets", () => {
  const collector = total(llm(of("p", "m")));
  const before = collector.snapshot();
  collector.collect(llm(of("p", "m")));
  assert.equal((before.modelUsage[0] as { inputTokens: number }).inputTokens, 10);
  collector.reset();
  assert.deepEqual(collector.flatten(), []);
});
