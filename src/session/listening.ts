/**
 * The session's ears: the microphone, and the voice activity detector and recogniser of whoever is on stage.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { type AudioInputPart, type ContextMark, FLUSH } from "../model/marks.ts";
import type { TurnDetectionInput, TurnPrediction } from "../model/turn_detector.ts";
import type { VADEvent } from "../model/vad.ts";
import { vadMeter } from "../model/vad_meter.ts";
import type { TurnEvent } from "../turn/event.ts";
import { audioRoute } from "../turn/query.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";
import { type Ear, openEar } from "./ear.ts";
import { predictionFact, vadFact } from "./heard_facts.ts";
import { RANK } from "./inbox.ts";
import { Microphone, PreRoll } from "./microphone.ts";
import { OverlapEar } from "./overlap_ear.ts";
import { RecogniserEar } from "./recogniser_ear.ts";
import type { Resolved } from "./resolve.ts";

/** The microphone and the models that listen to it. */
export class Listening {
  readonly #core: SessionCore;
  readonly #microphone: Microphone;
  readonly #preRoll = new PreRoll();
  /** The user is in the middle of a sentence, by the detector of voice. */
  #isSpoken = false;
  #activity: Activity | undefined;
  #vad: Ear<AudioInputPart> | undefined;
  readonly #stt: RecogniserEar;
  readonly overlap: OverlapEar;
  #detector: Ear<TurnDetectionInput> | undefined;
  #detectorOwner: Activity | undefined;
  #detectorFailed = false;
  #sampleRate = 0;
  #droppedCount = 0;
  /** Who was told what the sound is like. */
  #told: Activity | undefined;

  constructor(core: SessionCore) {
    this.#core = core;
    this.#microphone = new Microphone({
      heard: (frame) => this.#hear(frame),
      failed: (message, error) => core.inbox.report(RANK.life, () => core.partFailed(message, "input.audio", error)),
    });
    this.#stt = new RecogniserEar(core, () => this.#dropped());
    this.overlap = new OverlapEar(core, () => this.#dropped());
  }

  /** Reads another microphone, or none. */
  listen(audio: ReadableStream<AudioFrame> | null): void {
    this.#sampleRate = 0;
    this.#preRoll.clear();
    this.#microphone.listen(audio);
  }

  /**
   * Whoever is on stage hears from now on. Models that were not there before begin with what they have missed: the sound of
   * the move, and of a second before it when the user is in the middle of a sentence.
   */
  bind(activity: Activity): void {
    const missed = this.#preRoll.frames.slice();
    this.#preRoll.clear();
    this.#activity = activity;
    this.#openVad(activity);
    for (const frame of missed) this.#vad?.push(frame);
    this.overlap.open(activity);
    this.#core.keyterms.bind(activity);
    this.#stt.bind(activity, missed);
    if (this.#detectorOwner === activity) return;
    this.#rebindDetector(activity);
    for (const frame of missed) this.#detector?.push(frame);
  }

  /** Some of its models may be others now: those that listened end, and their successors begin. */
  change(activity: Activity, before: Resolved): void {
    if (this.#activity !== activity) return;
    const { stt, vad, detector, config } = activity.resolved;
    if (vad !== before.vad) {
      this.#vad?.close();
      this.#vad = undefined;
      this.#isSpoken = false;
      this.#fact(RANK.vad, activity, { type: "vad.closed", t: 0 });
      this.#openVad(activity);
    }
    const isCutByVad = stt?.capabilities.streaming === false;
    if (stt !== before.stt || (isCutByVad && vad !== before.vad)) this.#stt.restart();
    if (detector !== before.detector) this.#rebindDetector(activity);
    if (!config.adaptive) this.overlap.close();
  }

  #rebindDetector(activity: Activity): void {
    this.#detector?.close();
    this.#detector = undefined;
    this.#detectorFailed = false;
    this.#detectorOwner = activity;
    this.#openDetector(activity);
  }

  /** Whether this agent hears already. */
  isBoundTo(activity: Activity): boolean {
    return this.#activity === activity;
  }

  /** The agent hears no more; `next` may go on by the streams that it shares with it. */
  leave(next: Activity | undefined): void {
    const before = this.#activity;
    if (!this.#isSpoken) this.#preRoll.clear(); // what was said before has been heard
    this.#isSpoken = false;
    this.#activity = undefined;
    this.#vad?.close();
    this.#vad = undefined;
    this.overlap.close();
    this.#core.keyterms.leave();
    this.#stt.leave(next);
    if (before !== undefined && next !== undefined && before.resolved.detector === next.resolved.detector) {
      this.#detectorOwner = next;
      return;
    }
    this.#detector?.close();
    this.#detector = this.#detectorOwner = undefined;
  }

  /** A fresh stream of the recogniser. */
  restartStt(): void {
    this.#stt.restart();
  }

  /** Words and messages that the recogniser should know. */
  tellStt(mark: ContextMark): void {
    this.#stt.tell(mark);
  }

  flushVad(): void {
    this.#vad?.push(FLUSH);
  }

  /** Asks the detector about the sound so far. Without one, the turn is as good as over. */
  predictTurn(id: number): void {
    if (this.#detector !== undefined) return this.#detector.push({ type: "predict", id });
    if (this.#activity !== undefined) this.#predicted(this.#activity, { id, probability: 1, inferenceDurationMs: 0 });
  }

  /** The last question is moot. */
  cancelPrediction(timedOut: boolean): void {
    this.#detector?.push({ type: "cancel", timedOut });
  }

  /** The turn is over: what the detector hears from now on is another one. One that has failed is tried again. */
  flushDetector(): void {
    if (this.#detector !== undefined) return this.#detector.push(FLUSH);
    if (this.#activity !== undefined) this.#openDetector(this.#activity);
  }

  pushSilence(durationMs: number): void {
    this.#stt.pushSilence(durationMs, this.#sampleRate === 0 ? 16_000 : this.#sampleRate);
  }

  #hear(frame: AudioFrame): void {
    const core = this.#core;
    if (!core.input.audioEnabled) return;
    this.#preRoll.push(frame);
    const activity = this.#activity ?? this.#stt.owner; // between two agents the words are the next one's
    if (activity === undefined) return;
    const durationMs = frameDurationMs(frame);
    this.#vad?.push(frame);
    this.#detector?.push(frame);
    this.overlap.hear(frame);
    const floor = core.root.floors[activity.id];
    const isHeard = floor === undefined ||
      audioRoute(floor, core.root.shared, activity.resolved.config).stt === "frame";
    const isFirst = this.#stt.hear(frame, durationMs, isHeard);
    if (!isFirst && frame.sampleRate === this.#sampleRate && activity === this.#told) return;
    this.#sampleRate = frame.sampleRate;
    this.#told = activity;
    this.#fact(RANK.vad, activity, {
      type: "audio.began",
      t: 0,
      durationMs,
      sampleRate: frame.sampleRate,
      startedAt: this.#stt.startedAt ?? core.clock.now() - durationMs,
    });
  }

  #openVad(activity: Activity): void {
    const { vad } = activity.resolved;
    if (vad === null) return;
    const measure = vadMeter(vad, { clock: this.#core.clock, report: this.#core.report(vad) });
    this.#vad = openEar<AudioInputPart, VADEvent>({
      open: (audio, signal) => audio.pipeThrough(vad.stream({ signal })),
      take: (event) => {
        if (event.type !== "inference_done") this.#isSpoken = event.type === "start_of_speech";
        this.#fact(RANK.vad, activity, vadFact(event));
        measure(event);
      },
      over: (error) => {
        this.#vad = undefined;
        this.#fact(RANK.vad, activity, { type: "vad.closed", t: 0 });
        this.#failed("the voice activity detector failed", "vad", error);
      },
      dropped: () => this.#dropped(),
    });
  }

  #openDetector(activity: Activity): void {
    const { detector } = activity.resolved;
    if (detector?.kind !== "streaming_turn_detector") return;
    let asked: number | undefined;
    const ear = openEar<TurnDetectionInput, TurnPrediction>({
      open: (audio, signal) => audio.pipeThrough(detector.stream({ signal })),
      take: (answer) => {
        if (answer.id === asked) asked = undefined;
        this.#predicted(this.#detectorOwner ?? activity, answer);
      },
      over: (error) => {
        this.#detector = undefined;
        if (asked !== undefined) this.#predicted(activity, { id: asked, probability: 1, inferenceDurationMs: 0 });
        if (!this.#detectorFailed) this.#failed("the turn detector failed", "turn_detector", error);
        this.#detectorFailed ||= error !== undefined;
      },
      dropped: () => this.#dropped(),
    });
    this.#detector = {
      push(part) {
        if ("type" in part) asked = part.type === "predict" ? part.id : undefined;
        ear.push(part);
      },
      close: ear.close,
    };
  }

  #predicted(activity: Activity, answer: TurnPrediction): void {
    const { detector } = activity.resolved;
    const language = this.#core.root.floors[activity.id]?.recognition.lastLanguage ?? "";
    const threshold = detector?.kind === "streaming_turn_detector" ? detector.unlikelyThreshold(language) : undefined;
    this.#fact(RANK.detector, activity, predictionFact(answer, threshold));
  }

  #failed(message: string, part: string, error: unknown): void {
    if (error === undefined || this.#core.isClosing) return;
    this.#core.inbox.report(RANK.life, () => this.#core.partFailed(message, part, error));
  }

  #dropped(): void {
    this.#droppedCount++;
    if (this.#droppedCount % 50 === 1) {
      this.#core.log("warn", "a model is slower than the microphone; frames are dropped", {
        area: "input",
        droppedCount: this.#droppedCount,
      });
    }
  }

  #fact(rank: number, activity: Activity, event: TurnEvent): void {
    this.#core.report(rank, { type: "floor", t: 0, activityId: activity.id, event });
  }
}
