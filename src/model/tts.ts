/**
 * The contract of synthetic voices.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { ConnectionInfo, ModelHost } from "./host.ts";
import type { FlushMark, TimedString } from "./marks.ts";

/** A piece of synthesised speech. */
export interface SynthesizedAudio {
  /** The sound. */
  readonly frame: AudioFrame;
  /** The provider's id of the request; an id of ours where it names none. */
  readonly requestId?: string;
  /** Which segment of text this belongs to; a flush begins the next. */
  readonly segmentId?: string;
  /** Last frame of its segment. */
  readonly final?: boolean;
  /** Words that begin with this frame; times from the start of the segment. */
  readonly timedTranscript?: readonly TimedString[];
}

/** Text and flushes in, audio out. */
export type TTSStream = ReadableWritablePair<SynthesizedAudio, string | FlushMark>;

/** What a voice can do. */
export interface TTSCapabilities {
  /** It takes text as it comes. Otherwise only `synthesize` works, sentence by sentence. */
  readonly streaming: boolean;
  /** Its audio carries the times of words. */
  readonly alignedTranscript?: boolean;
}

/** How to speak. */
export interface TTSOptions {
  /** Who speaks, by the name that the provider has for it. */
  readonly voice?: string;
  /** Aborting it stops the work. */
  readonly signal?: AbortSignal;
  /** What the session lends to models that are made of models; providers leave it alone. */
  readonly host?: ModelHost;
  /** To be called by providers that connect, as soon as they have: it is measured. Default: nobody asks. */
  readonly onConnected?: (connection: ConnectionInfo) => void;
}

/** A synthetic voice. */
export interface TTS {
  /** Tells this contract from the others. */
  readonly kind: "tts";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** Samples a second of the sound, in Hz. */
  readonly sampleRate: number;
  /** Channels of the sound. */
  readonly channels: number;
  /** What it can do. The session asks here, and never by class. */
  readonly capabilities: TTSCapabilities;
  /** It is made of models and looks after them itself: no time-out, retry or measurement is added from outside. */
  readonly composite?: true;
  /** Opens a stream. Required when `capabilities.streaming`. */
  stream?(options?: TTSOptions): TTSStream;
  /** Speaks one text. The audio comes as it is made. */
  synthesize?(text: string, options?: TTSOptions): ReadableStream<SynthesizedAudio>;
  /** Loads what is loaded lazily. Idempotent. */
  prewarm?(): Promise<void>;
}
