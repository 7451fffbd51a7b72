/**
 * What a session costs and how quick it is, as instruments of OpenTelemetry, through its API alone.
 *
 * @module
 */
import { type Attributes, type Counter, type Histogram, metrics as api } from "@opentelemetry/api";
import type { ChatItem, MetricsReport, ModelMetadata } from "../chat/item.ts";
import type { ModelMetrics } from "../model/metrics.ts";
import { TRACER_NAME } from "./spans.ts";

/** As much of a session as is measured. An `AgentSession` fits. */
export interface MeteredSession {
  /** Everything that was said. */
  readonly history: { readonly items: readonly ChatItem[] };
  /** Calls back for each measurement, and when the session is over. Returns the function that ends it. */
  on(
    name: "metrics_collected" | "close",
    listener: (event: { readonly type: string; readonly metrics?: ModelMetrics }) => unknown,
  ): () => void;
}

/** A duration of one message, and the model that it is a matter of. */
const OF_A_TURN: readonly (readonly [
  field: keyof MetricsReport,
  name: string,
  model: "llmMetadata" | "ttsMetadata" | "sttMetadata",
])[] = [
  ["e2eLatency", "e2e_latency", "llmMetadata"],
  ["llmNodeTtft", "llm_ttft", "llmMetadata"],
  ["ttsNodeTtfb", "tts_ttfb", "ttsMetadata"],
  ["transcriptionDelay", "transcription_delay", "sttMetadata"],
  ["endOfTurnDelay", "end_of_turn_delay", "sttMetadata"],
  ["onUserTurnCompletedDelay", "on_user_turn_completed_delay", "sttMetadata"],
];

/**
 * Counts what the models of a session use, as it is used, and tells how long each turn took when the session closes, as
 * counters and histograms under `lk.agents`. Durations are in seconds, as OpenTelemetry wants them. Without a provider of
 * metrics in the process it does nothing.
 *
 * @returns What ends it.
 *
 * @example
 * ```ts
 * const session = new AgentSession({ llm });
 * meterSession(session);
 * ```
 */
export function meterSession(session: MeteredSession): () => void {
  const meter = api.getMeter(TRACER_NAME);
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  const count = (name: string, value: number, attributes: Attributes): void => {
    if (value <= 0) return;
    const counter = counters.get(name) ?? meter.createCounter(`lk.agents.usage.${name}`);
    counters.set(name, counter);
    counter.add(value, attributes);
  };
  const seconds = (name: string, ms: number, attributes: Attributes): void => {
    const histogram = histograms.get(name) ?? meter.createHistogram(`lk.agents.${name}`, { unit: "s" });
    histograms.set(name, histogram);
    histogram.record(ms / 1000, attributes);
  };

  const collect = (metrics: ModelMetrics): void => {
    const attributes = attributesOf(metrics.metadata);
    switch (metrics.type) {
      case "llm_metrics":
        count("llm_input_tokens", metrics.promptTokens, attributes);
        count("llm_input_cached_tokens", metrics.promptCachedTokens, attributes);
        count("llm_output_tokens", metrics.completionTokens, attributes);
        break;
      case "realtime_model_metrics": {
        const { inputTokenDetails: input, outputTokenDetails: output } = metrics;
        count("llm_input_tokens", metrics.inputTokens, attributes);
        count("llm_input_cached_tokens", input.cachedTokens, attributes);
        count("llm_output_tokens", metrics.outputTokens, attributes);
        count("llm_input_audio_tokens", input.audioTokens, attributes);
        count("llm_input_text_tokens", input.textTokens, attributes);
        count("llm_output_audio_tokens", output.audioTokens, attributes);
        count("llm_output_text_tokens", output.textTokens, attributes);
        count("llm_session_duration", metrics.sessionDurationMs / 1000, attributes);
        break;
      }
      case "tts_metrics":
        count("tts_characters", metrics.charactersCount, attributes);
        count("tts_audio_duration", metrics.audioDurationMs / 1000, attributes);
        break;
      case "stt_metrics":
        count("stt_audio_duration", metrics.audioDurationMs / 1000, attributes);
        break;
      case "interruption_metrics":
        count("interruption_num_requests", metrics.numRequests, attributes);
        break;
      default: // voice activity and ends of turns cost nothing that is counted
        return;
    }
    if (!("acquireTimeMs" in metrics) || metrics.acquireTimeMs === undefined || metrics.acquireTimeMs <= 0) return;
    seconds("connection.acquire_time", metrics.acquireTimeMs, {
      ...attributes,
      connection_reused: String(metrics.connectionReused === true),
    });
  };

  const told = new Set<string>(); // a session that is started again keeps its history
  const turns = (): void => {
    for (const item of session.history.items) {
      if (item.type !== "message" || told.has(item.id)) continue;
      told.add(item.id);
      for (const [field, name, model] of OF_A_TURN) {
        const ms = item.metrics[field];
        if (typeof ms === "number") seconds(`turn.${name}`, ms, attributesOf(item.metrics[model]));
      }
    }
  };

  const off = [
    session.on("metrics_collected", ({ metrics }) => metrics && collect(metrics)),
    session.on("close", turns),
  ];
  return () => {
    for (const end of off) end();
  };
}

function attributesOf(model: ModelMetadata | undefined): Attributes {
  return { model_name: model?.modelName ?? "", model_provider: model?.modelProvider ?? "" };
}
