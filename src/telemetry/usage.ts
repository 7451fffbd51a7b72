/**
 * What the models of a session have used so far.
 *
 * @module
 */
import type { LLMMetrics, ModelMetrics, RealtimeModelMetrics, STTMetrics, TTSMetrics } from "../model/metrics.ts";

/** Whose usage it is. */
export interface UsageOwner {
  /** Empty when the model does not say. */
  readonly provider: string;
  /** Empty when the model does not say. */
  readonly model: string;
}

/** What a language model used, realtime models included. Only the latter fill the kinds of tokens and the duration. */
export interface LLMModelUsage extends UsageOwner {
  /** Tells this kind from the others. */
  readonly type: "llm_usage";
  /** Tokens that went in; 0 when the provider does not count. */
  readonly inputTokens: number;
  /** Of those, from the cache. */
  readonly inputCachedTokens: number;
  /** Of those, written to the cache. */
  readonly inputCacheCreationTokens: number;
  /** Of those, sound. */
  readonly inputAudioTokens: number;
  /** Of the cached, sound. */
  readonly inputCachedAudioTokens: number;
  /** Of those, text. */
  readonly inputTextTokens: number;
  /** Of the cached, text. */
  readonly inputCachedTextTokens: number;
  /** Of those, images. */
  readonly inputImageTokens: number;
  /** Of the cached, images. */
  readonly inputCachedImageTokens: number;
  /** Tokens that came out; 0 when the provider does not count. */
  readonly outputTokens: number;
  /** Of those, sound. */
  readonly outputAudioTokens: number;
  /** Of those, text. */
  readonly outputTextTokens: number;
  /** How long the connection has lasted. */
  readonly sessionDurationMs: number;
}

/** What a voice used. */
export interface TTSModelUsage extends UsageOwner {
  /** Tells this kind from the others. */
  readonly type: "tts_usage";
  /** Tokens that went in; 0 when the provider does not count. */
  readonly inputTokens: number;
  /** Tokens that came out; 0 when the provider does not count. */
  readonly outputTokens: number;
  /** Characters of the text. */
  readonly charactersCount: number;
  /** How long the sound lasts. */
  readonly audioDurationMs: number;
}

/** What a recogniser used. */
export interface STTModelUsage extends UsageOwner {
  /** Tells this kind from the others. */
  readonly type: "stt_usage";
  /** Tokens that went in; 0 when the provider does not count. */
  readonly inputTokens: number;
  /** Tokens that came out; 0 when the provider does not count. */
  readonly outputTokens: number;
  /** How long the sound lasts. */
  readonly audioDurationMs: number;
}

/** What a detector of interruptions, or of ends of turns, used. */
export interface DetectorUsage extends UsageOwner {
  /** Tells this kind from the others. */
  readonly type: "interruption_usage" | "eot_usage";
  /** Questions asked. */
  readonly totalRequests: number;
}

/** What one model used. */
export type ModelUsage = LLMModelUsage | TTSModelUsage | STTModelUsage | DetectorUsage;

/** What a session used: language models first, then voices, recognisers, detectors of interruptions and of turns. */
export interface SessionUsage {
  /** One entry for each model that was used. */
  readonly modelUsage: readonly ModelUsage[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Kind = ModelUsage["type"];

const ORDER: readonly Kind[] = ["llm_usage", "tts_usage", "stt_usage", "interruption_usage", "eot_usage"];

/** Adds measurements up, for each kind of model, provider and model. What is measured twice counts twice. */
export class UsageCollector {
  readonly #byKind = new Map<Kind, Map<string, Map<string, Writable<ModelUsage>>>>();

  /** Adds a measurement. False when it costs nothing that is counted, such as voice activity and ends of utterances. */
  collect(metrics: ModelMetrics): boolean {
    switch (metrics.type) {
      case "llm_metrics":
        addLLM(this.#entry("llm_usage", metrics, newLLM), metrics);
        return true;
      case "realtime_model_metrics":
        addRealtime(this.#entry("llm_usage", metrics, newLLM), metrics);
        return true;
      case "tts_metrics":
        addTTS(this.#entry("tts_usage", metrics, newTTS), metrics);
        return true;
      case "stt_metrics":
        addSTT(this.#entry("stt_usage", metrics, newSTT), metrics);
        return true;
      case "interruption_metrics":
        this.#entry("interruption_usage", metrics, newDetector("interruption_usage")).totalRequests +=
          metrics.numRequests;
        return true;
      case "eot_inference_metrics":
        this.#entry("eot_usage", metrics, newDetector("eot_usage")).totalRequests += metrics.numRequests;
        return true;
      case "vad_metrics":
      case "eou_metrics":
        return false;
      default:
        return metrics satisfies never;
    }
  }

  /** What was used so far, as copies. */
  flatten(): ModelUsage[] {
    const all: ModelUsage[] = [];
    for (const kind of ORDER) {
      for (const models of this.#byKind.get(kind)?.values() ?? []) {
        for (const usage of models.values()) all.push({ ...usage });
      }
    }
    return all;
  }

  /** What was used so far, as copies. */
  snapshot(): SessionUsage {
    return { modelUsage: this.flatten() };
  }

  /** Goes on from what was used before, as `flatten` gave it. */
  restore(usage: readonly ModelUsage[]): void {
    this.#byKind.clear();
    for (const entry of usage) {
      const kind = setDefault(this.#byKind, entry.type, () => new Map<string, Map<string, Writable<ModelUsage>>>());
      const models = setDefault(kind, entry.provider, () => new Map<string, Writable<ModelUsage>>());
      models.set(entry.model, { ...nothing(entry.type, entry), ...entry });
    }
  }

  /** Goes back to nothing. */
  reset(): void {
    this.#byKind.clear();
  }

  #entry<U extends ModelUsage>(kind: U["type"], metrics: ModelMetrics, make: (owner: UsageOwner) => U): Writable<U> {
    const { modelProvider: provider = "", modelName: model = "" } = metrics.metadata ?? {};
    const providers = setDefault(this.#byKind, kind, () => new Map<string, Map<string, Writable<ModelUsage>>>());
    const models = setDefault(providers, provider, () => new Map<string, Writable<ModelUsage>>());
    return setDefault(models, model, () => make({ provider, model })) as Writable<U>; // each kind has a map of its own
  }
}

/** The usage without its zeroes, to show it. */
export function filterZeroValues(usage: ModelUsage): Partial<ModelUsage> {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== 0)) as Partial<ModelUsage>;
}

function nothing(type: Kind, { provider, model }: UsageOwner): ModelUsage {
  const owner = { provider, model };
  switch (type) {
    case "llm_usage":
      return newLLM(owner);
    case "tts_usage":
      return newTTS(owner);
    case "stt_usage":
      return newSTT(owner);
    default:
      return newDetector(type)(owner);
  }
}

function setDefault<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

function newLLM(owner: UsageOwner): LLMModelUsage {
  return {
    type: "llm_usage",
    ...owner,
    inputTokens: 0,
    inputCachedTokens: 0,
    inputCacheCreationTokens: 0,
    inputAudioTokens: 0,
    inputCachedAudioTokens: 0,
    inputTextTokens: 0,
    inputCachedTextTokens: 0,
    inputImageTokens: 0,
    inputCachedImageTokens: 0,
    outputTokens: 0,
    outputAudioTokens: 0,
    outputTextTokens: 0,
    sessionDurationMs: 0,
  };
}

function newTTS(owner: UsageOwner): TTSModelUsage {
  return { type: "tts_usage", ...owner, inputTokens: 0, outputTokens: 0, charactersCount: 0, audioDurationMs: 0 };
}

function newSTT(owner: UsageOwner): STTModelUsage {
  return { type: "stt_usage", ...owner, inputTokens: 0, outputTokens: 0, audioDurationMs: 0 };
}

function newDetector(type: DetectorUsage["type"]): (owner: UsageOwner) => DetectorUsage {
  return (owner) => ({ type, ...owner, totalRequests: 0 });
}

function addLLM(usage: Writable<LLMModelUsage>, metrics: LLMMetrics): void {
  usage.inputTokens += metrics.promptTokens;
  usage.inputCachedTokens += metrics.promptCachedTokens;
  usage.inputCacheCreationTokens += metrics.cacheCreationTokens;
  usage.outputTokens += metrics.completionTokens;
}

function addRealtime(usage: Writable<LLMModelUsage>, metrics: RealtimeModelMetrics): void {
  const { inputTokenDetails: input, outputTokenDetails: output } = metrics;
  usage.inputTokens += metrics.inputTokens;
  usage.inputCachedTokens += input.cachedTokens;
  usage.inputAudioTokens += input.audioTokens;
  usage.inputTextTokens += input.textTokens;
  usage.inputImageTokens += input.imageTokens;
  usage.inputCachedAudioTokens += input.cachedTokensDetails?.audioTokens ?? 0;
  usage.inputCachedTextTokens += input.cachedTokensDetails?.textTokens ?? 0;
  usage.inputCachedImageTokens += input.cachedTokensDetails?.imageTokens ?? 0;
  usage.outputTokens += metrics.outputTokens;
  usage.outputAudioTokens += output.audioTokens;
  usage.outputTextTokens += output.textTokens;
  usage.sessionDurationMs += metrics.sessionDurationMs;
}

function addTTS(usage: Writable<TTSModelUsage>, metrics: TTSMetrics): void {
  usage.inputTokens += metrics.inputTokens;
  usage.outputTokens += metrics.outputTokens;
  usage.charactersCount += metrics.charactersCount;
  usage.audioDurationMs += metrics.audioDurationMs;
}

function addSTT(usage: Writable<STTModelUsage>, metrics: STTMetrics): void {
  usage.inputTokens += metrics.inputTokens;
  usage.outputTokens += metrics.outputTokens;
  usage.audioDurationMs += metrics.audioDurationMs;
}
