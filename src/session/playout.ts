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
    this.#sink?.pause();
  }

  resume(): void {
    this.#sink?.resume();
  }

  /** The slot was filled, emptied or switched. */
  changed(): void {
    const { audio, audioEnabled } = this.#core.output;
    if (audio !== this.#sink) {
      this.#sink?.clear();
      this.#reader?.releaseLock();
      this.#reader = undefined;
      this.#sink = audio;
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
    const reader = sink.acks.getReader();
    this.#reader = reader;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.#reader !== reader) return;
        this.#acknowledged(value);
      }
    } catch (error) {
      if (this.#reader === reader) this.#core.log("error", "the audio output failed", { area: "output", error });
    }
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
