/**
 * A sink that plays by a clock: the reference for what a {@linkcode PlayoutSink} does, and what gives pausing and reporting to
 * places that have neither.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import type { Clock } from "../base/runtime.ts";
import { ackQueue } from "./ack_queue.ts";
import type { PlayoutSink } from "./playout.ts";

/** Hears frames of a {@linkcode PacedSink}. `at` is the clock's time at which the first sample is audible. */
export type FrameListener = (frame: AudioFrame, at: number) => void;

/** How a {@linkcode PacedSink} plays. */
export interface PacedSinkOptions {
  /** How much unheard sound a segment takes before a writer waits. Default: 200; `Infinity` for never. */
  readonly aheadMs?: number;
  /** How often `position` is acknowledged while playing, in milliseconds of sound. Default: 200. It is always on a pause. */
  readonly positionEveryMs?: number;
  /** The rate it asks for. Default: any. */
  readonly sampleRate?: number;
  /**
   * Told what was really heard, in order, within `positionEveryMs` after it was: frames that a pause or `clear` cut off come as
   * far as they were heard. This is how a recorder gets the truth. When it throws, the sink fails.
   */
  readonly onPlayed?: FrameListener;
  /**
   * Told what begins to be heard, at that moment, in slices of at most `sliceMs`. This is how sound gets to a device.
   * A slice that was handed out counts as heard: a pause falls silent after it. When it throws, the sink fails.
   */
  readonly onFrame?: FrameListener;
  /** The longest slice for `onFrame`. Default: 20. */
  readonly sliceMs?: number;
  /**
   * For a device that can throw away what it has not played yet. With it sound is handed to `onFrame` up to `leadMs` before it
   * is heard, so that a busy process leaves no gaps; a pause or a cut takes back what is not heard yet, to the sample, and
   * calls this to have it thrown away. After `resume` it is handed out again. When it throws, the sink fails.
   */
  readonly onTakeBack?: () => void;
  /** How long before it is heard sound is handed out, with `onTakeBack`. Default: 100. */
  readonly leadMs?: number;
}

/** A {@linkcode PlayoutSink} that plays by a clock. Disposing it clears it and ends its acknowledgements. */
export interface PacedSink extends PlayoutSink, Disposable {
  /** True while something is heard: neither paused nor out of sound. */
  readonly isPlaying: boolean;
  /** Clears the sink and fails its acknowledgements: for what drives a device that broke. */
  fail(reason: unknown): void;
}

interface Segment {
  readonly id: string;
  /** What is not heard to its end. Sound before `offset` in the first frame has been heard. */
  readonly frames: AudioFrame[];
  offset: number;
  /** Milliseconds in `frames`, from the start of the first one. */
  heldMs: number;
  /** Milliseconds heard before the present run of frames of one rate, and samples heard since. */
  heardMs: number;
  heardSamples: number;
  heardRate: number;
  nextPositionMs: number;
  hasBegun: boolean;
  phase: "open" | "closed" | "over";
  /** Lets the waiting writer go on. */
  release: (() => void) | undefined;
  /** Lets go of the signal. */
  forget: () => void;
}

const DEFAULT_AHEAD_MS = 200; // the device buffer of the reference, spec 03 section 12.3
const DEFAULT_POSITION_MS = 200; // chosen: five acknowledgements a second
const DEFAULT_SLICE_MS = 20; // chosen: the frame of telephony and WebRTC
const DEFAULT_LEAD_MS = 100; // chosen: a process that is busy for longer has other problems
const ROUNDING_MS = 1e-6; // sums of durations are not exact
const MAX_SLEEP_MS = 10_000; // chosen: how far it looks for the end of what is held

/**
 * Makes a sink that plays in the time of the clock. The first frame is audible as soon as it is written, later ones without a gap
 * as long as they come in time; after a gap the next one is audible as soon as it comes. Positions are exact to the sample.
 *
 * After `clear()` a segment takes what is still written to it and drops it. Pausing outlives `clear()`.
 *
 * @throws {AgentError} `stream.bad_option`, from `open`, while a segment of the same id is still playing.
 *
 * @example
 * ```ts
 * const sink = pacedSink(runtime.clock, { onPlayed: (frame, at) => recorder.agent(frame, at) });
 * await synthesised.pipeTo(sink.open("speech_1"));
 * ```
 */
export function pacedSink(clock: Clock, options: PacedSinkOptions = {}): PacedSink {
  const { aheadMs = DEFAULT_AHEAD_MS, positionEveryMs = DEFAULT_POSITION_MS, onPlayed, onFrame, onTakeBack } = options;
  const leadMs = onTakeBack === undefined ? undefined : options.leadMs ?? DEFAULT_LEAD_MS;
  /** What is handed out counts as heard at once. */
  const isHeardWhenHanded = onFrame !== undefined && leadMs === undefined;
  const sliceMs = onFrame === undefined ? Infinity : options.sliceMs ?? DEFAULT_SLICE_MS;
  const acks = ackQueue();
  const segments: Segment[] = []; // the first is the one that plays
  let isPaused = false;
  let closing: { readonly error: unknown } | undefined;
  // While sound is heard, the sample `runSamples` after the anchor is the first one that is not heard yet.
  let anchorAt: number | undefined;
  let runSamples = 0;
  let runRate = 1;
  let hasHeadBegun = false;
  let busyUntil = -Infinity; // a slice that was handed out sounds until then
  let handedCount = 0; // frames of the head that were handed out ahead and are not heard to their end
  let disarm = (): void => {};

  const runTime = (samples: number): number => anchorAt! + (samples * 1000) / runRate;
  const positionOf = ({ heardMs, heardSamples, heardRate }: Segment): number =>
    heardMs + (heardSamples * 1000) / heardRate;

  /** Whole samples of the present frame that are heard and not yet counted. */
  const samplesSoFar = (): number =>
    Math.max(0, Math.floor(((clock.now() - anchorAt!) * runRate) / 1000 + ROUNDING_MS) - runSamples);

  const tell = (listener: FrameListener | undefined, frame: AudioFrame, at: number): void => {
    try {
      listener?.(frame, at);
    } catch (error) {
      fail(error);
    }
  };

  /** Counts samples of the first frame as heard, from its offset on. */
  const hear = (segment: Segment, frame: AudioFrame, count: number): void => {
    const at = runTime(runSamples);
    const from = segment.offset;
    if (segment.heardRate !== frame.sampleRate) {
      segment.heardMs = positionOf(segment);
      segment.heardSamples = 0;
      segment.heardRate = frame.sampleRate;
    }
    segment.heardSamples += count;
    runSamples += count;
    if (from + count < frame.samplesPerChannel) {
      segment.offset += count;
    } else {
      segment.frames.shift();
      segment.offset = 0;
      handedCount = Math.max(0, handedCount - 1);
      segment.heldMs = segment.frames.length === 0 ? 0 : segment.heldMs - frameDurationMs(frame);
      hasHeadBegun = false;
    }
    if (count > 0) tell(onPlayed, slice(frame, from, from + count), at);
  };

  const end = (segment: Segment, type: "finished" | "cleared"): void => {
    if (segment === segments[0]) hasHeadBegun = false;
    segment.phase = "over";
    segment.frames.length = 0;
    segments.splice(segments.indexOf(segment), 1);
    segment.release?.();
    segment.forget();
    acks.push({ type, segmentId: segment.id, positionMs: positionOf(segment) });
  };

  /** Plays up to now: everything that ended is heard, and what begins is begun. */
  const catchUp = (): void => {
    const now = clock.now();
    for (let segment = segments[0]; segment !== undefined; segment = segments[0]) {
      const frame = segment.frames[0];
      if (frame === undefined) {
        if (segment.phase === "open") break; // starving
        end(segment, "finished");
        continue;
      }
      if (isPaused) return;
      if (anchorAt === undefined || runRate !== frame.sampleRate) {
        anchorAt = anchorAt === undefined ? Math.max(now, busyUntil) : runTime(runSamples);
        runSamples = 0;
        runRate = frame.sampleRate;
      }
      const beginsAt = runTime(runSamples);
      if (beginsAt > now) return;
      if (leadMs !== undefined && handedCount === 0 && beginsAt < now) { // the device had run dry: it is heard from now on
        anchorAt = now;
        runSamples = 0;
      }
      if (!hasHeadBegun) begin(segment, frame);
      if (leadMs !== undefined) handOut(segment, leadMs);
      if (isPaused || segment.frames[0] !== frame) continue; // who heard of the beginning has changed what plays
      const left = frame.samplesPerChannel - segment.offset;
      if (runTime(runSamples + left) > now) return;
      hear(segment, frame, left);
    }
    anchorAt = undefined;
  };

  const begin = (segment: Segment, frame: AudioFrame): void => {
    hasHeadBegun = true;
    const at = runTime(runSamples);
    if (!segment.hasBegun) {
      segment.hasBegun = true;
      acks.push({ type: "started", segmentId: segment.id, at });
    }
    if (!isHeardWhenHanded) return;
    busyUntil = runTime(runSamples + frame.samplesPerChannel);
    tell(onFrame, frame, at);
  };

  /** Hands out what is heard within the lead, of the present run of frames of one rate. */
  const handOut = (segment: Segment, lead: number): void => {
    const now = clock.now();
    let samples = runSamples - segment.offset;
    for (let index = 0;; index++) {
      const frame = segment.frames[index];
      if (frame === undefined || frame.sampleRate !== runRate) return;
      const from = index === 0 ? segment.offset : 0;
      if (index >= handedCount) {
        const at = runTime(samples + from);
        if (at > now + lead || (index > 0 && at < now)) return; // what is late is heard later than this: `catchUp` sees to it
        handedCount = index + 1;
        tell(onFrame, slice(frame, from, frame.samplesPerChannel), at);
        if (segment !== segments[0] || anchorAt === undefined) return; // who was told has changed what plays
      }
      samples += frame.samplesPerChannel;
    }
  };

  const takeBack = (): void => {
    if (handedCount === 0) return;
    handedCount = 0;
    try {
      onTakeBack?.();
    } catch (error) {
      fail(error);
    }
  };

  /** Falls silent now. What was heard of the present frame is counted; a slice that was handed out, as a whole. */
  const stop = (): void => {
    const [segment] = segments;
    const frame = segment?.frames[0];
    if (segment !== undefined && frame !== undefined && hasHeadBegun) {
      const left = frame.samplesPerChannel - segment.offset;
      hear(segment, frame, isHeardWhenHanded ? left : Math.min(samplesSoFar(), left));
    }
    takeBack();
    anchorAt = undefined;
    hasHeadBegun = false;
  };

  const acknowledgePosition = (): void => {
    const [segment] = segments;
    if (segment === undefined || anchorAt === undefined || !hasHeadBegun) return;
    const sampleMs = 1000 / runRate; // the time may lie between two samples
    const positionMs = positionOf(segment) + samplesSoFar() * sampleMs;
    if (positionMs + sampleMs < segment.nextPositionMs) return;
    segment.nextPositionMs = (Math.floor((positionMs + sampleMs) / positionEveryMs) + 1) * positionEveryMs;
    acks.push({ type: "position", segmentId: segment.id, positionMs });
  };

  /** Unheard milliseconds of a segment. */
  const unheardMs = (segment: Segment): number => {
    const [frame] = segment.frames;
    if (frame === undefined) return 0;
    const isHead = segment === segments[0] && anchorAt !== undefined;
    const playingMs = isHead ? Math.max(0, clock.now() - runTime(runSamples)) : 0;
    return segment.heldMs - (segment.offset * 1000) / frame.sampleRate - playingMs;
  };

  /** Lets writers go on that have waited, when half of what may be held is heard: fewer awakenings than one for each frame. */
  const releaseWriters = (): void => {
    for (const segment of segments) {
      if (segment.release !== undefined && unheardMs(segment) <= aheadMs / 2 + ROUNDING_MS) segment.release();
    }
  };

  /** When to look again: at the next thing that somebody has to be told. */
  const nextWake = (): number => {
    const [segment] = segments;
    if (segment === undefined || anchorAt === undefined || isPaused) return Infinity;
    const now = clock.now();
    const cursorAt = runTime(runSamples);
    if (cursorAt > now) return cursorAt;
    let soonest = now + MAX_SLEEP_MS;
    if (segment.release !== undefined) soonest = Math.min(soonest, now + Math.max(0, unheardMs(segment) - aheadMs / 2));
    soonest = Math.min(soonest, cursorAt + segment.nextPositionMs - positionOf(segment));
    let samples = runSamples - segment.offset;
    for (const [index, frame] of segment.frames.entries()) {
      if (frame.sampleRate !== runRate) break;
      if (leadMs !== undefined && index >= handedCount) soonest = Math.min(soonest, runTime(samples) - leadMs);
      samples += frame.samplesPerChannel;
      if (isHeardWhenHanded || runTime(samples) - (leadMs ?? 0) >= soonest) break;
    }
    return Math.min(soonest, runTime(samples));
  };

  const update = (): void => {
    disarm();
    catchUp();
    acknowledgePosition();
    releaseWriters();
    const at = nextWake();
    disarm = at === Infinity ? () => {} : clock.schedule(Math.max(at, clock.now()), update);
  };

  const shutDown = (error: unknown, failure?: { readonly reason: unknown }): void => {
    if (closing !== undefined) return;
    closing = { error };
    sink.clear();
    acks.end(failure);
  };

  const fail = (reason: unknown): void => shutDown(reason, { reason });

  const write = (segment: Segment, frame: AudioFrame): Promise<void> | undefined => {
    if (closing !== undefined) throw closing.error;
    if (!(frame.sampleRate > 0)) {
      throw new AgentError(
        "audio.bad_frame",
        `Cannot play a frame as its rate must be positive: current value is ${frame.sampleRate}`,
      );
    }
    if (segment.phase === "over" || frame.samplesPerChannel === 0) return undefined;
    catchUp(); // before it is held: a gap ends now, and not when it began
    for (const part of slices(frame, sliceMs)) segment.frames.push(part);
    segment.heldMs += frameDurationMs(frame);
    let waiting: Promise<void> | undefined;
    if (unheardMs(segment) > aheadMs + ROUNDING_MS) {
      waiting = new Promise((go) => {
        segment.release = () => {
          segment.release = undefined;
          go();
        };
      });
    }
    update();
    return waiting;
  };

  const cut = (segment: Segment): void => {
    if (segment.phase === "over") return;
    catchUp();
    if (segment === segments[0]) stop();
    if (segments.includes(segment)) end(segment, "cleared"); // it may have ended by itself just now
    update();
  };

  const sink: PacedSink = {
    capabilities: { pause: true, ...(options.sampleRate !== undefined && { sampleRate: options.sampleRate }) },
    acks: acks.stream,
    get isPlaying() {
      return anchorAt !== undefined && !isPaused;
    },
    open(segmentId, { signal } = {}) {
      if (segments.some(({ id }) => id === segmentId)) {
        throw new AgentError(
          "stream.bad_option",
          `Cannot open a segment as its id must not be playing: current value is ${segmentId}`,
        );
      }
      const segment: Segment = {
        id: segmentId,
        frames: [],
        offset: 0,
        heldMs: 0,
        heardMs: 0,
        heardSamples: 0,
        heardRate: 1,
        nextPositionMs: positionEveryMs,
        hasBegun: false,
        phase: "open",
        release: undefined,
        forget: () => {},
      };
      const cutOff = (): void => cut(segment);
      if (closing === undefined) segments.push(segment);
      signal?.addEventListener("abort", cutOff, { once: true });
      segment.forget = () => signal?.removeEventListener("abort", cutOff);
      if (signal?.aborted) cutOff();
      return new WritableStream<AudioFrame>({
        // `abort` below waits for a write under way, which may last as long as sound that is ahead: this does not.
        start: (controller) => controller.signal.addEventListener("abort", cutOff, { once: true }),
        write: (frame) => write(segment, frame),
        close() {
          if (segment.phase !== "open") return;
          segment.phase = "closed";
          update();
        },
        abort: cutOff,
      });
    },
    pause() {
      if (isPaused) return;
      catchUp();
      const [segment] = segments;
      const wasHeard = anchorAt !== undefined && hasHeadBegun;
      stop();
      isPaused = true;
      if (wasHeard && segment !== undefined && segment.phase !== "over") {
        acks.push({ type: "position", segmentId: segment.id, positionMs: positionOf(segment) });
      }
      update();
    },
    resume() {
      if (!isPaused) return;
      isPaused = false;
      update();
    },
    clear() {
      catchUp();
      stop();
      for (const segment of [...segments]) end(segment, "cleared");
      update();
    },
    fail,
    [Symbol.dispose]: () =>
      shutDown(new AgentError("sink.closed", "Cannot play as the sink must be open: current value is closed")),
  };
  return sink;
}

function slice(frame: AudioFrame, from: number, to: number): AudioFrame {
  if (from === 0 && to === frame.samplesPerChannel) return frame;
  const { data, channels, sampleRate } = frame;
  return { data: data.subarray(from * channels, to * channels), sampleRate, channels, samplesPerChannel: to - from };
}

function* slices(frame: AudioFrame, sliceMs: number): Generator<AudioFrame> {
  const step = sliceMs === Infinity
    ? frame.samplesPerChannel
    : Math.max(1, Math.floor((frame.sampleRate * sliceMs) / 1000));
  for (let from = 0; from < frame.samplesPerChannel; from += step) {
    yield slice(frame, from, Math.min(from + step, frame.samplesPerChannel));
  }
}
