/**
 * The session's ears: the microphone, and the voice activity detector and recogniser of whoever is on stage.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import type { AudioInputPart, ContextMark } from "../model/marks.ts";
import { FLUSH } from "../model/marks.ts";
import type { TurnDetectionInput, TurnPrediction } from "../model/turn_detector.ts";
import type { VADEvent } from "../model/vad.ts";
import { vadMeter } from "../model/vad_meter.ts";
import type { TurnEvent } from "../turn/event.ts";
import { audioRoute } from "../turn/query.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";
import { type Ear, openEar } from "./ear.ts";
import { RANK } from "./inbox.ts";
import { OverlapEar } from "./overlap_ear.ts";
import { finite, RecogniserEar } from "./recogniser_ear.ts";

/** The microphone and the models that listen to it. */
export class Listening {
  readonly #core: SessionCore;
  #activity: Activity | undefined;
  #vad: Ear<AudioInputPart> | undefined;
  readonly #stt: RecogniserEar;
  readonly overlap: OverlapEar;
  #detector: Ear<TurnDetectionInput> | undefined;
  #detectorOwner: Activity | undefined;
  #detectorFailed = false;
  #reader: ReadableStreamDefaultReader<AudioFrame> | undefined;
  #sampleRate = 0;
  #droppedCount = 0;
  #badCount = 0;
  /** Who was told what the sound is like. */
  #told: Activity | undefined;

  constructor(core: SessionCore) {
    this.#core = core;
    this.#stt = new RecogniserEar(core, () => this.#dropped());
    this.overlap = new OverlapEar(core, () => this.#dropped());
  }

  /** Reads another microphone, or none. */
  listen(audio: ReadableStream<AudioFrame> | null): void {
    const old = this.#reader;
    this.#reader = undefined;
    this.#sampleRate = 0;
    this.#badCount = 0;
    if (old !== undefined) {
      void old.cancel().catch(() => {}); // a microphone that fails while it is left
      old.releaseLock();
    }
    if (audio !== null) void this.#read(audio);
  }

  /** Whoever is on stage hears from now on. */
  bind(activity: Activity): void {
    this.#activity = activity;
    this.#openVad(activity);
    this.overlap.open(activity);
    this.#stt.bind(activity);
    if (this.#detectorOwner !== activity) this.rebindDetector(activity);
  }

  /** The detector of ends of turns may be another one now. */
  rebindDetector(activity: Activity): void {
    if (this.#activity !== activity) return;
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
    this.#activity = undefined;
    this.#vad?.close();
    this.#vad = undefined;
    this.overlap.close();
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

  async #read(audio: ReadableStream<AudioFrame>): Promise<void> {
    let reader: ReadableStreamDefaultReader<AudioFrame> | undefined;
    try {
      reader = audio.getReader();
      this.#reader = reader;
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#reader !== reader) return;
        if (done) break;
        this.#hear(value);
      }
    } catch (error) {
      if (reader !== undefined && this.#reader !== reader) return; // it was left
      this.#core.inbox.report(RANK.life, () => this.#core.partFailed("the microphone failed", "input.audio", error));
    }
    if (reader === undefined) return;
    this.#reader = undefined;
    reader.releaseLock();
  }

  #hear(frame: AudioFrame): void {
    const core = this.#core;
    const activity = this.#activity ?? this.#stt.owner; // between two agents the words are the next one's
    if (activity === undefined || !core.input.audioEnabled) return;
    const problem = problemOf(frame);
    if (problem !== undefined) return this.#refuse(problem);
    if (frame.samplesPerChannel === 0) return;
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

  /** A frame that is none is left out, and told once: a source that is wrong is wrong fifty times a second. */
  #refuse(problem: string): void {
    if (this.#badCount++ > 0) return;
    const error = new AgentError("audio.bad_frame", `Cannot hear a frame of the microphone as ${problem}`);
    this.#core.inbox.report(
      RANK.life,
      () => this.#core.partFailed("frames of the microphone are left out", "input.audio", error),
    );
  }

  #openVad(activity: Activity): void {
    const { vad } = activity.resolved;
    if (vad === null) return;
    const measure = vadMeter(vad, { clock: this.#core.clock, report: this.#core.report(vad) });
    this.#vad = openEar<AudioInputPart, VADEvent>({
      open: (audio, signal) => audio.pipeThrough(vad.stream({ signal })),
      take: (event) => {
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

  #predicted(activity: Activity, { id, probability, inferenceDurationMs }: TurnPrediction): void {
    const { detector } = activity.resolved;
    const language = this.#core.root.floors[activity.id]?.recognition.lastLanguage ?? "";
    const threshold = detector?.kind === "streaming_turn_detector" ? detector.unlikelyThreshold(language) : undefined;
    this.#fact(RANK.detector, activity, {
      type: "eot.answer",
      t: 0,
      id,
      probability: finite(probability),
      threshold: threshold ?? null,
      backchannelProbability: null,
      inferenceDuration: finite(inferenceDurationMs),
    });
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

/** What is wrong with a frame, or undefined. */
function problemOf(frame: AudioFrame): string | undefined {
  if (typeof frame !== "object" || frame === null) return `it must be an AudioFrame: current value is ${typeof frame}`;
  const { data, sampleRate, channels, samplesPerChannel } = frame;
  if (!(data instanceof Int16Array)) return `\`data\` must be an Int16Array: current value is ${typeof data}`;
  if (!(sampleRate > 0 && sampleRate < Infinity)) {
    return `\`sampleRate\` must be positive: current value is ${sampleRate}`;
  }
  if (!(Number.isInteger(channels) && channels > 0)) {
    return `\`channels\` must be a count: current value is ${channels}`;
  }
  if (samplesPerChannel * channels === data.length) return undefined;
  return `\`data\` must hold ${samplesPerChannel} samples of ${channels} channels: current value is ${data.length}`;
}

function vadFact(event: VADEvent): TurnEvent {
  switch (event.type) {
    case "start_of_speech":
      return {
        type: "vad.start",
        t: 0,
        speechDuration: finite(event.speechDurationMs),
        inferenceDuration: finite(event.inferenceDurationMs),
      };
    case "end_of_speech":
      return {
        type: "vad.end",
        t: 0,
        speechDuration: finite(event.speechDurationMs),
        silenceDuration: finite(event.silenceDurationMs),
        inferenceDuration: finite(event.inferenceDurationMs),
      };
    default:
      return {
        type: "vad.inference",
        t: 0,
        speechDuration: finite(event.speechDurationMs),
        silenceDuration: finite(event.silenceDurationMs),
        rawSpeech: finite(event.rawSpeechMs),
        rawSilence: finite(event.rawSilenceMs),
        speaking: event.speaking,
      };
  }
}
