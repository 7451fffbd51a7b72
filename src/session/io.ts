/**
 * The slots of a session: where it listens, speaks and writes. Each can be filled, replaced and switched off at any time.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import type { PlayoutSink, TranscriptSink } from "../io/playout.ts";

/** Where a session listens. */
export class AgentInput {
  #audio: ReadableStream<AudioFrame> | null = null;
  #audioEnabled = true;
  readonly #changed: (what: "audio" | "audioEnabled") => void;

  /** @ignore */
  constructor(changed: (what: "audio" | "audioEnabled") => void) {
    this.#changed = changed;
  }

  /**
   * The microphone; null: none. Setting it ends the reading of the one before.
   *
   * @throws {AgentError} `session.bad_option` when set to something that is no stream, or that somebody reads already.
   */
  get audio(): ReadableStream<AudioFrame> | null {
    return this.#audio;
  }
  set audio(audio: ReadableStream<AudioFrame> | null) {
    if (audio === this.#audio) return;
    if (audio !== null && (typeof audio !== "object" || typeof audio.getReader !== "function" || audio.locked)) {
      throw new AgentError(
        "session.bad_option",
        `Cannot listen as \`input.audio\` must be a ReadableStream that nobody reads: current value is ${
          typeof audio === "object" && audio.locked ? "locked" : typeof audio
        }`,
      );
    }
    this.#audio = audio;
    this.#changed("audio");
  }

  /** Whether it is listened to. Default true. */
  get audioEnabled(): boolean {
    return this.#audioEnabled;
  }

  /** Mutes and unmutes the user. */
  setAudioEnabled(enabled: boolean): void {
    if (enabled === this.#audioEnabled) return;
    this.#audioEnabled = enabled;
    this.#changed("audioEnabled");
  }
}

/** Where a session speaks and writes. */
export class AgentOutput {
  #audio: PlayoutSink | null = null;
  #transcription: TranscriptSink | null = null;
  #audioEnabled = true;
  #transcriptionEnabled = true;
  /** The transcript keeps pace with the sound, and history holds what was heard. Default true; matters with both sinks. */
  syncTranscription = true;
  readonly #changed: () => void;

  /** @ignore */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** The sink of sound; null: none. */
  get audio(): PlayoutSink | null {
    return this.#audio;
  }
  set audio(audio: PlayoutSink | null) {
    if (audio === this.#audio) return;
    this.#audio = audio;
    this.#changed();
  }

  /** The sink of words; null: none. */
  get transcription(): TranscriptSink | null {
    return this.#transcription;
  }
  set transcription(sink: TranscriptSink | null) {
    this.#transcription = sink;
  }

  /** Whether the agent has a voice. Counts for the next speech. Default true. */
  get audioEnabled(): boolean {
    return this.#audioEnabled;
  }
  /** Switches the sound on or off. */
  setAudioEnabled(enabled: boolean): void {
    if (enabled === this.#audioEnabled) return;
    this.#audioEnabled = enabled;
    this.#changed();
  }

  /** Whether the agent's words are shown. Counts for the next speech. Default true. */
  get transcriptionEnabled(): boolean {
    return this.#transcriptionEnabled;
  }
  /** Switches the text on or off. */
  setTranscriptionEnabled(enabled: boolean): void {
    this.#transcriptionEnabled = enabled;
  }
}
