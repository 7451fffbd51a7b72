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
  /** Whose model it was. */
  readonly metadata?: ModelMetadata;
}

/** One request to a language model. */
export interface LLMMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "llm_metrics";
  /** The provider's id of the request. */
  readonly requestId: string;
  /** From the request, with all its attempts, to its end. */
  readonly durationMs: number;
  /** From the request to the first text or call; -1 when there was none. */
  readonly ttftMs: number;
  /** It was stopped before its end. */
  readonly cancelled: boolean;
  /** Tokens of the answer; 0 when the provider does not count. */
  readonly completionTokens: number;
  /** Tokens of the request; 0 when the provider does not count. */
  readonly promptTokens: number;
  /** Of the tokens of the request, those that the provider had in its cache. */
  readonly promptCachedTokens: number;
  /** Of the tokens of the request, those that were written to the cache. */
  readonly cacheCreationTokens: number;
  /** Tokens of request and answer together. */
  readonly totalTokens: number;
  /** Completion tokens by duration; 0 when the provider does not count. */
  readonly tokensPerSecond: number;
  /** The speech it was made for. */
  readonly speechId?: string;
  /** The request was a probe of a model that had failed, for nobody's ears. */
  readonly probe?: true;
}

/** One segment of synthetic speech. */
export interface TTSMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "tts_metrics";
  /** The provider's id of the request; an id of ours where it names none. */
  readonly requestId: string;
  /** From the first text that was handed over to the first sound; -1 without sound. */
  readonly ttfbMs: number;
  /** From the request, with all its attempts, to its end. */
  readonly durationMs: number;
  /** How long the sound lasts. */
  readonly audioDurationMs: number;
  /** It was stopped before its end. */
  readonly cancelled: boolean;
  /** Characters of the text. */
  readonly charactersCount: number;
  /** Tokens that went in; 0 when the provider does not count. */
  readonly inputTokens: number;
  /** Tokens that came out; 0 when the provider does not count. */
  readonly outputTokens: number;
  /** It came in parts while it was being made. */
  readonly streamed: boolean;
  /** How long it took to get the connection, in milliseconds; absent when the provider does not say. */
  readonly acquireTimeMs?: number;
  /** The connection was open already; absent when the provider does not say. */
  readonly connectionReused?: boolean;
  /** The segment of the speech. */
  readonly segmentId?: string;
  /** The speech it was made for. */
  readonly speechId?: string;
  /** The request was a probe of a model that had failed, for nobody's ears. */
  readonly probe?: true;
}

/** One report of a recogniser, or one recognition of a whole segment. */
export interface STTMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "stt_metrics";
  /** The provider's id of the request; an id of ours where it names none. */
  readonly requestId: string;
  /** How long the recognition took; 0 when streamed. */
  readonly durationMs: number;
  /** How long the sound lasts. */
  readonly audioDurationMs: number;
  /** Tokens that went in; 0 when the provider does not count. */
  readonly inputTokens: number;
  /** Tokens that came out; 0 when the provider does not count. */
  readonly outputTokens: number;
  /** It came in parts while it was being made. */
  readonly streamed: boolean;
  /** How long it took to get the connection, in milliseconds; absent when the provider does not say. */
  readonly acquireTimeMs?: number;
  /** The connection was open already; absent when the provider does not say. */
  readonly connectionReused?: boolean;
  /** The request was a probe of a model that had failed, for nobody's ears. */
  readonly probe?: true;
}

/** About a second of voice activity detection. */
export interface VADMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "vad_metrics";
  /** Since the last speech, by the clock of the audio. */
  readonly idleTimeMs: number;
  /** Time that judging took, added up. */
  readonly inferenceDurationTotalMs: number;
  /** How many windows were judged. */
  readonly inferenceCount: number;
}

/** How the end of one turn of the user was found. */
export interface EOUMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "eou_metrics";
  /** From the end of the speech to the decision. */
  readonly endOfUtteranceDelayMs: number;
  /** From the end of the speech to the last words. */
  readonly transcriptionDelayMs: number;
  /** How long the agent's hook on the turn took. */
  readonly onUserTurnCompletedDelayMs: number;
  /** When the user was last heard, by the session's clock. */
  readonly lastSpeakingTimeMs?: number;
  /** The speech it was made for. */
  readonly speechId?: string;
}

/** How the tokens of a realtime model split. */
export interface TokenDetails {
  /** Tokens of sound. */
  readonly audioTokens: number;
  /** Tokens of text. */
  readonly textTokens: number;
  /** Tokens of images. */
  readonly imageTokens: number;
}

/** One response of a realtime model. */
export interface RealtimeModelMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "realtime_model_metrics";
  /** The provider's id of the request; an id of ours where it names none. */
  readonly requestId: string;
  /** From the request, with all its attempts, to its end. */
  readonly durationMs: number;
  /** How long the connection has lasted. */
  readonly sessionDurationMs: number;
  /** To the first sound; -1 when there was none. */
  readonly ttftMs: number;
  /** It was stopped before its end. */
  readonly cancelled: boolean;
  /** Tokens that went in; 0 when the provider does not count. */
  readonly inputTokens: number;
  /** Tokens that came out; 0 when the provider does not count. */
  readonly outputTokens: number;
  /** Tokens of request and answer together. */
  readonly totalTokens: number;
  /** Tokens that came out, by duration. */
  readonly tokensPerSecond: number;
  /** How the tokens that went in split, and which of them were cached. */
  readonly inputTokenDetails: TokenDetails & {
    readonly cachedTokens: number;
    readonly cachedTokensDetails?: TokenDetails;
  };
  /** How the tokens that came out split. */
  readonly outputTokenDetails: TokenDetails;
  /** How long it took to get the connection, in milliseconds; absent when the provider does not say. */
  readonly acquireTimeMs?: number;
  /** The connection was open already; absent when the provider does not say. */
  readonly connectionReused?: boolean;
  /** The speech it was made for. */
  readonly speechId?: string;
}

/** Increments of what a detector of interruptions did. */
export interface InterruptionMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "interruption_metrics";
  /** From the question to the answer, added up. */
  readonly totalDurationMs: number;
  /** Of it, the time of the model alone. */
  readonly predictionDurationMs: number;
  /** From the start of the sound to the answer. */
  readonly detectionDelayMs: number;
  /** Answers that it was an interruption. */
  readonly numInterruptions: number;
  /** Answers that it was none, but a sign of listening. */
  readonly numBackchannels: number;
  /** Questions asked. */
  readonly numRequests: number;
}

/** Increments of what a detector of ends of turns did. */
export interface EOTInferenceMetrics extends MetricsBase {
  /** Tells this kind from the others. */
  readonly type: "eot_inference_metrics";
  /** From the question to the answer, added up. */
  readonly totalDurationMs: number;
  /** Of it, the time of the model alone. */
  readonly predictionDurationMs: number;
  /** From the start of the sound to the answer. */
  readonly detectionDelayMs: number;
  /** Questions asked. */
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
