/**
 * What models cost, in time and in tokens. Durations are milliseconds; `timestamp` is a time of the session's clock.
 *
 * @module
 */
import type { ModelMetadata } from "../chat/item.ts";

/** What every measurement has. */
export interface MetricsBase {
  /** When it was taken, by the session's clock. */
  readonly timestamp: number;
  /** Which part of the session was measured, as `provider/model`. */
  readonly label: string;
  readonly metadata?: ModelMetadata;
}

/** One request to a language model. */
export interface LLMMetrics extends MetricsBase {
  readonly type: "llm_metrics";
  /** The provider's id of the request. */
  readonly requestId: string;
  /** From the request, with all its attempts, to its end. */
  readonly durationMs: number;
  /** From the request to the first text or call; -1 when there was none. */
  readonly ttftMs: number;
  /** It was stopped before its end. */
  readonly cancelled: boolean;
  readonly completionTokens: number;
  readonly promptTokens: number;
  readonly promptCachedTokens: number;
  readonly cacheCreationTokens: number;
  readonly totalTokens: number;
  /** Completion tokens by duration; 0 when the provider does not count. */
  readonly tokensPerSecond: number;
  readonly speechId?: string;
  /** The request was a probe of a model that had failed, for nobody's ears. */
  readonly probe?: true;
}

/** One segment of synthetic speech. */
export interface TTSMetrics extends MetricsBase {
  readonly type: "tts_metrics";
  readonly requestId: string;
  /** From the first text that was handed over to the first sound; -1 without sound. */
  readonly ttfbMs: number;
  readonly durationMs: number;
  readonly audioDurationMs: number;
  readonly cancelled: boolean;
  readonly charactersCount: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly streamed: boolean;
  readonly segmentId?: string;
  readonly speechId?: string;
  readonly probe?: true;
}

/** One report of a recogniser, or one recognition of a whole segment. */
export interface STTMetrics extends MetricsBase {
  readonly type: "stt_metrics";
  readonly requestId: string;
  /** How long the recognition took; 0 when streamed. */
  readonly durationMs: number;
  readonly audioDurationMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly streamed: boolean;
  readonly probe?: true;
}

/** About a second of voice activity detection. */
export interface VADMetrics extends MetricsBase {
  readonly type: "vad_metrics";
  /** Since the last speech, by the clock of the audio. */
  readonly idleTimeMs: number;
  readonly inferenceDurationTotalMs: number;
  readonly inferenceCount: number;
}

/** How the end of one turn of the user was found. */
export interface EOUMetrics extends MetricsBase {
  readonly type: "eou_metrics";
  /** From the end of the speech to the decision. */
  readonly endOfUtteranceDelayMs: number;
  /** From the end of the speech to the last words. */
  readonly transcriptionDelayMs: number;
  readonly onUserTurnCompletedDelayMs: number;
  /** When the user was last heard, by the session's clock. */
  readonly lastSpeakingTimeMs?: number;
  readonly speechId?: string;
}

/** How the tokens of a realtime model split. */
export interface TokenDetails {
  readonly audioTokens: number;
  readonly textTokens: number;
  readonly imageTokens: number;
}

/** One response of a realtime model. */
export interface RealtimeModelMetrics extends MetricsBase {
  readonly type: "realtime_model_metrics";
  readonly requestId: string;
  readonly durationMs: number;
  readonly sessionDurationMs: number;
  /** To the first sound; -1 when there was none. */
  readonly ttftMs: number;
  readonly cancelled: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly tokensPerSecond: number;
  readonly inputTokenDetails: TokenDetails & {
    readonly cachedTokens: number;
    readonly cachedTokensDetails?: TokenDetails;
  };
  readonly outputTokenDetails: TokenDetails;
  readonly speechId?: string;
}

/** Increments of what a detector of interruptions did. */
export interface InterruptionMetrics extends MetricsBase {
  readonly type: "interruption_metrics";
  readonly totalDurationMs: number;
  readonly predictionDurationMs: number;
  readonly detectionDelayMs: number;
  readonly numInterruptions: number;
  readonly numBackchannels: number;
  readonly numRequests: number;
}

/** Increments of what a detector of ends of turns did. */
export interface EOTInferenceMetrics extends MetricsBase {
  readonly type: "eot_inference_metrics";
  readonly totalDurationMs: number;
  readonly predictionDurationMs: number;
  readonly detectionDelayMs: number;
  readonly numRequests: number;
}

/** Every measurement there is, told apart by `type`. */
export type ModelMetrics =
  | LLMMetrics
  | TTSMetrics
  | STTMetrics
  | VADMetrics
  | EOUMetrics
  | RealtimeModelMetrics
  | InterruptionMetrics
  | EOTInferenceMetrics;
