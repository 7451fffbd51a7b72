/**
 * The contract of speech recognisers.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { ConnectionInfo, ModelHost } from "./host.ts";
import type { AudioInputPart, TimedString } from "./marks.ts";

/** One reading of what was said. Times are milliseconds from the start of the stream. */
export interface SpeechData {
  /** The words. */
  readonly text: string;
  /** Language code, as `en` or `en-GB`; empty when unknown. */
  readonly language: string;
  /** When the first word began, in milliseconds of the stream. */
  readonly startTimeMs: number;
  /** When the last word ended. */
  readonly endTimeMs: number;
  /** From 0 to 1. */
  readonly confidence: number;
  /** Who spoke, where the recogniser tells speakers apart. */
  readonly speakerId?: string;
  /** Each word with its times, where the recogniser gives them. */
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
  /** It tells words before they are final. */
  readonly interimResults: boolean;
  /** Whether words carry times, and how fine. */
  readonly alignedTranscript?: "word" | "chunk" | false;
  /** Words to listen for. */
  readonly keyterms?: boolean;
  /** It listens better when it knows the conversation. */
  readonly chatContext?: boolean;
  /** It tells speakers apart. */
  readonly diarization?: boolean;
}

/** How one stream or request is to be recognised. */
export interface STTOptions {
  /** The language that was heard, where the recogniser says it. */
  readonly language?: string;
  /** Words to listen for. */
  readonly keyterms?: readonly string[];
  /** Aborting it stops the work. */
  readonly signal?: AbortSignal;
  /** What the session lends to models that are made of models; providers leave it alone. */
  readonly host?: ModelHost;
  /** To be called by providers that connect, as soon as they have: it is measured. Default: nobody asks. */
  readonly onConnected?: (connection: ConnectionInfo) => void;
}

/** A speech recogniser. */
export interface STT {
  /** Tells this contract from the others. */
  readonly kind: "stt";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** What it can do. The session asks here, and never by class. */
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
