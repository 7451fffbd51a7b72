/**
 * The recogniser's ear. It outlives a hand-off between agents that share their recogniser, so that no word is lost between them.
 *
 * @module
 */
import { toStream } from "../../streams/to_stream.ts";
import { type AudioFrame, audioFrame, frameDurationMs } from "../audio/frame.ts";
import type { AudioInputPart, ContextMark } from "../model/marks.ts";
import type { SpeechEvent } from "../model/stt.ts";
import { SILENCE_CHUNK_MS } from "../turn/config.ts";
import type { TurnEvent } from "../turn/event.ts";
import type { Activity } from "./activity.ts";
import { Agent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { type Ear, openEar } from "./ear.ts";
import { sttFact } from "./heard_facts.ts";
import { RANK } from "./inbox.ts";

/** Pause before a recogniser that failed for good is tried again. Specified: 02 section 2.4. */
const STT_RETRY_MS = 500;

/** The recogniser's ear. */
export class RecogniserEar {
  readonly #core: SessionCore;
  readonly #dropped: () => void;
  #owner: Activity | undefined;
  #ear: Ear<AudioInputPart> | undefined;
  #retry: (() => void) | undefined;
  /** Clock time of the first frame of this stream: what the recogniser's times count from. */
  #startedAt: number | undefined;

  constructor(core: SessionCore, dropped: () => void) {
    this.#core = core;
    this.#dropped = dropped;
  }

  /** Whose words they are. */
  get owner(): Activity | undefined {
    return this.#owner;
  }

  get startedAt(): number | undefined {
    return this.#startedAt;
  }

  /** This agent hears: by the stream that there is, if it was kept for it, or by a new one that begins with `missed`. */
  bind(activity: Activity, missed: readonly AudioFrame[]): void {
    if (this.#owner === activity) return;
    this.#owner = activity;
    this.#open(activity);
    if (this.#ear === undefined || missed.length === 0) return;
    this.#startedAt = this.#core.clock.now() - missed.reduce((sum, frame) => sum + frameDurationMs(frame), 0);
    for (const frame of missed) this.#ear.push(frame);
  }

  /** The agent leaves. Its stream stays for the next one, where that hears by the same recogniser in the same way. */
  leave(next: Activity | undefined): void {
    const before = this.#owner;
    if (before !== undefined && next !== undefined && this.#ear !== undefined && isShared(before, next)) {
      this.#owner = next;
    } else this.close();
  }

  close(): void {
    this.#owner = undefined;
    this.#retry?.();
    this.#retry = undefined;
    this.#end();
  }

  /** A fresh stream: what the old one still holds is not wanted. */
  restart(): void {
    if (this.#owner === undefined) return;
    if (this.#ear !== undefined) this.#fact({ type: "stt.closed", t: 0 });
    this.#end();
    this.#open(this.#owner);
  }

  /** Takes a frame, or silence of its length. True: it is the first of this stream. */
  hear(frame: AudioFrame, durationMs: number, isHeard: boolean): boolean {
    if (this.#ear === undefined) return false;
    const isFirst = this.#startedAt === undefined;
    this.#startedAt ??= this.#core.clock.now() - durationMs;
    this.#ear.push(isHeard ? frame : { ...frame, data: new Int16Array(frame.data.length) });
    return isFirst;
  }

  /** Words and messages that the recogniser should know. */
  tell(mark: ContextMark): void {
    this.#ear?.push(mark);
  }

  pushSilence(durationMs: number, sampleRate: number): void {
    for (let left = durationMs; left > 0; left -= SILENCE_CHUNK_MS) {
      this.#ear?.push(audioFrame(new Int16Array(Math.round((sampleRate * SILENCE_CHUNK_MS) / 1000)), sampleRate));
    }
  }

  #end(): void {
    this.#ear?.close();
    this.#ear = undefined;
    this.#startedAt = undefined;
  }

  #open(activity: Activity): void {
    if (activity.resolved.stt === null) return;
    this.#ear = openEar<AudioInputPart, SpeechEvent>({
      open: async (audio) => {
        const node = await activity.agent.sttNode(audio, {});
        return node === null ? null : toStream(node);
      },
      take: (event) => this.#heard(event),
      over: (error) => {
        this.#ear = undefined;
        this.#startedAt = undefined;
        this.#fact({ type: "stt.closed", t: 0 });
        if (error === undefined || this.#core.isClosing) return;
        this.#core.log("error", "the recogniser failed", { area: "stt", error });
        const { clock } = this.#core;
        this.#retry = clock.schedule(clock.now() + STT_RETRY_MS, () => {
          this.#retry = undefined;
          const { owner } = this;
          if (owner !== undefined && this.#ear === undefined && !this.#core.isClosing) this.#open(owner);
        });
      },
      dropped: this.#dropped,
    });
  }

  #heard(event: SpeechEvent): void {
    const fact = sttFact(event);
    if (fact !== undefined) this.#fact(fact);
  }

  #fact(event: TurnEvent): void {
    if (this.#owner === undefined) return;
    this.#core.report(RANK.stt, { type: "floor", t: 0, activityId: this.#owner.id, event });
  }
}

/** Both hear by the same model, and neither has a node of its own in between. */
function isShared(before: Activity, next: Activity): boolean {
  const { stt, vad } = before.resolved;
  if (stt === null || stt !== next.resolved.stt) return false;
  if (!stt.capabilities.streaming && vad !== next.resolved.vad) return false; // its segments are cut by the VAD
  return before.agent.sttNode === Agent.prototype.sttNode && next.agent.sttNode === Agent.prototype.sttNode;
}
