/**
 * The contract of speech recognisers.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { ModelHost } from "./host.ts";
import type { AudioInputPart, TimedString } from "./marks.ts";

/** One reading of what was said. Times are milliseconds from the start of the stream. */
export interface SpeechData {
  readonly text: string;
  /** Language code, as `en` or `en-GB`; empty when unknown. */
  readonly language: string;
  readonly startTimeMs: number;
  readonly endTimeMs: number;
  /** From 0 to 1. */
  readonly confidence: number;
  readonly speakerId?: string;
  readonly words?: readonly TimedString[];
}

/** What a recogniser says. */
export type SpeechEvent =
  | { readonly type: "start_of_speech"; readonly requestId?: string; readonly speechStartTimeMs?: number }
  | { readonly type: "end_of_speech"; readonly requestId?: string }
  | {
    readonly type: "interim_transcript" | "preflight_transcript" | "final_transcript";
    readonly requestId?: string;
    /** Best first; empty when nothing was understood. */
    readonly alternatives: readonly SpeechData[];
  }
  | {
    readonly type: "recognition_usage";
    readonly requestId?: string;
    readonly audioDurationMs: number;
    readonly inputTokens?: number;
    readonly outputTokens?: number;
  };

/** Audio and marks in, events out. Closing the input yields the last final and then the end. */
export type STTStream = ReadableWritablePair<SpeechEvent, AudioInputPart>;

/** What a recogniser can do. */
export interface STTCapabilities {
  /** It takes audio as it comes. Otherwise only `recognize` works, and a VAD must cut the segments. */
  readonly streaming: boolean;
  readonly interimResults: boolean;
  /** Whether words carry times, and how fine. */
  readonly alignedTranscript?: "word" | "chunk" | false;
  readonly keyterms?: boolean;
  readonly chatContext?: boolean;
  readonly diarization?: boolean;
}

/** How one stream or request is to be recognised. */
export interface STTOptions {
  readonly language?: string;
  readonly keyterms?: readonly string[];
  readonly signal?: AbortSignal;
  /** What the session lends to models that are made of models; providers leave it alone. */
  readonly host?: ModelHost;
}

/** A speech recogniser. */
export interface STT {
  readonly kind: "stt";
  readonly model: string;
  readonly provider: string;
  readonly capabilities: STTCapabilities;
  /** It is made of models and looks after them itself: no retry or measurement is added from outside. */
  readonly composite?: true;
  /** Opens a stream. Required when `capabilities.streaming`. */
  stream?(options?: STTOptions): STTStream;
  /**
   * Recognises one segment. Resolves with its final transcript. `previous` is the last partial text of the same segment,
   * which a recogniser may use to save work.
   */
  recognize?(
    frames: readonly AudioFrame[],
    options?: STTOptions & { readonly previous?: string },
  ): Promise<SpeechEvent>;
  /** Loads what is loaded lazily. Idempotent. */
  prewarm?(): Promise<void>;
}
