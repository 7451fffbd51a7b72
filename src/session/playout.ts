/**
 * The session's voice: the sink that is in use, and what it acknowledges.
 *
 * @module
 */
import type { PlayoutAck, PlayoutSink } from "../io/playout.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";

/** The sink that is in use. */
export class Playout {
  readonly #core: SessionCore;
  #sink: PlayoutSink | null = null;
  #reader: ReadableStreamDefaultReader<PlayoutAck> | undefined;
  #told = "";

  constructor(core: SessionCore) {
    this.#core = core;
  }

  pause(): void {
    if (this.#sink !== null) this.#call(this.#sink, "pause");
  }

  resume(): void {
    if (this.#sink !== null) this.#call(this.#sink, "resume");
  }

  /** Throws away what a sink has not played yet. */
  clear(sink: PlayoutSink): void {
    this.#call(sink, "clear");
  }

  /** A sink that throws must not stop the session. */
  #call(sink: PlayoutSink, what: "pause" | "resume" | "clear"): void {
    try {
      sink[what]();
    } catch (error) {
      this.#core.partFailed(`the audio output failed to ${what}`, "output.audio", error);
    }
  }

  /** The slot was filled, emptied or switched. */
  changed(): void {
    const { audio, audioEnabled } = this.#core.output;
    if (audio !== this.#sink) {
      const old = this.#sink;
      this.#sink = audio;
      if (old !== null) this.#core.speeches.sinkLost(old);
      if (old !== null) this.clear(old);
      this.#reader?.releaseLock();
      this.#reader = undefined;
      if (audio !== null) void this.#listen(audio);
    }
    const canPause = audio?.capabilities.pause === true;
    const told = `${audio !== null} ${audioEnabled} ${canPause}`;
    if (told === this.#told || this.#core.activity === undefined) return;
    this.#told = told;
    this.#core.floor(this.#core.activity.id, {
      type: "output.audioChanged",
      t: 0,
      present: audio !== null,
      enabled: audioEnabled,
      canPause,
    });
  }

  async #listen(sink: PlayoutSink): Promise<void> {
    let reader: ReadableStreamDefaultReader<PlayoutAck> | undefined;
    try {
      reader = sink.acks.getReader();
      this.#reader = reader;
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#reader !== reader) return;
        if (done) break;
        this.#acknowledged(value);
      }
    } catch (error) {
      if (reader !== undefined && this.#reader !== reader) return; // it was left
      this.#core.inbox.report(RANK.life, () => this.#core.partFailed("the audio output failed", "output.audio", error));
    }
    this.#core.inbox.report(RANK.playout, () => this.#core.speeches.sinkLost(sink));
  }

  #acknowledged(ack: PlayoutAck): void {
    const live = this.#core.speeches.bySegment(ack.segmentId);
    if (live === undefined) return;
    this.#core.report(RANK.playout, {
      type: "playout.ack",
      t: 0,
      activityId: live.activity.id,
      handleId: live.handle.id,
      segmentId: ack.segmentId,
      ack: ack.type,
      positionMs: ack.type === "started" ? 0 : ack.positionMs,
      at: ack.type === "started" ? ack.at : this.#core.clock.now(),
      first: true,
    });
  }
}
