/**
 * The agent's voice in a room: a sink that is ahead of LiveKit's queue and takes back what was not heard.
 *
 * @module
 */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { concatFrames } from "../../src/audio/frames.ts";
import type { Clock } from "../../src/base/runtime.ts";
import { ackQueue } from "../../src/io/ack_queue.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import type { PlayoutSink } from "../../src/io/playout.ts";
import { frameConverter } from "./convert.ts";

/** How far sound is handed to LiveKit before it is heard. Chosen: a process that is busy for longer has other problems. */
export const LEAD_MS = 100;
/** A block of sound for LiveKit. It sends 10 ms at a time. */
const SLICE_MS = 20;
/** Frames that wait for LiveKit before the sink waits for it. Chosen: far beyond the lead, so that it means a stop. */
const MOST_WAITING = 25;
/** How long LiveKit may take for what it was given before that is counted as gone. Chosen. */
const ANSWER_LIMIT_MS = 2_000;
/** While nobody can hear, the session is told that the sink is alive: it gives up one that is silent for 10 s. */
const ALIVE_EVERY_MS = 2_000;

/** Why nothing is played although the session wants it. */
export type HoldReason = "nobody listens" | "reconnecting" | "slow";

/** Where the sound goes: an audio source of LiveKit. */
export interface SpeakerDevice {
  /** Takes a frame of the wanted rate. Settles when it was taken. */
  write(frame: AudioFrame): Promise<void>;
  /** Throws away what was not sent yet. */
  clear(): void;
}

/** How a {@linkcode Speaker} is made. */
export interface SpeakerOptions {
  /** The rate of the device. */
  readonly sampleRate: number;
  /** The channels of the device. */
  readonly numChannels: number;
}

/** The agent's voice. */
export interface Speaker extends PlayoutSink {
  /** Plays nothing, and loses nothing, until `release` with the same reason. */
  hold(reason: HoldReason): void;
  /** Takes a reason away; plays on when there is none. */
  release(reason: HoldReason): void;
  /** The clock's time at which something was heard last. */
  readonly heardAt: number;
  /** Clears it and ends its acknowledgements. */
  close(): void;
}

/** Makes a sink over a device that paces itself and can throw away what it has queued. */
export function roomSpeaker(clock: Clock, device: SpeakerDevice, o: SpeakerOptions): Speaker {
  const convert = frameConverter(o.sampleRate, o.numChannels);
  const reasons = new Set<HoldReason>();
  const acks = ackQueue();
  const open = new Map<string, number>(); // segments that have not ended, and how far they were heard
  const waiting: AudioFrame[] = [];
  let sending: object | undefined; // the loop that hands over
  let isTakenBack = false; // while something was on its way in
  let isPaused = false;
  let offLate = (): void => {};
  let heardAt = -Infinity;
  let offAlive = (): void => {};

  const sink = pacedSink(clock, {
    sampleRate: o.sampleRate,
    sliceMs: SLICE_MS,
    leadMs: LEAD_MS,
    onFrame(frame) {
      const converted = convert.push(frame);
      if (converted.samplesPerChannel === 0) return;
      waiting.push(converted);
      if (waiting.length >= MOST_WAITING) hold("slow");
      void send();
    },
    onTakeBack() {
      convert.reset();
      waiting.length = 0;
      isTakenBack = sending !== undefined;
      device.clear();
    },
  });

  /** Hands over what waits. One write at a time: LiveKit refuses a second one while its queue is full. */
  const send = async (): Promise<void> => {
    if (sending !== undefined) return;
    const me = sending = {};
    try {
      while (waiting.length > 0) {
        await device.write(concatFrames(waiting.splice(0)));
        if (sending !== me) return; // it was given up
        // What was taken back on its way in may have come in behind the clearing.
        if (isTakenBack) device.clear();
        isTakenBack = false;
      }
    } catch (error) {
      sink.fail(error);
    }
    sending = undefined;
    offLate();
    release("slow");
  };

  /** A write that is never answered would be waited for without end. */
  const giveUp = (): void => {
    sending = undefined;
    device.clear();
    release("slow");
    void send();
  };

  const hold = (reason: HoldReason): void => {
    if (reason === "slow" && !reasons.has(reason)) offLate = clock.schedule(clock.now() + ANSWER_LIMIT_MS, giveUp);
    reasons.add(reason);
    sink.pause();
    keepAlive();
  };

  const release = (reason: HoldReason): void => {
    if (!reasons.delete(reason) || reasons.size > 0) return;
    offAlive();
    if (!isPaused) sink.resume();
  };

  /** Tells again what was heard of the segment that waits. */
  const keepAlive = (): void => {
    offAlive();
    offAlive = clock.schedule(clock.now() + ALIVE_EVERY_MS, () => {
      const [first] = open;
      if (first !== undefined) acks.push({ type: "position", segmentId: first[0], positionMs: first[1] });
      keepAlive();
    });
  };

  void (async () => {
    for await (const ack of sink.acks) {
      if (ack.type === "finished" || ack.type === "cleared") {
        open.delete(ack.segmentId);
        heardAt = clock.now();
      } else if (ack.type === "position") open.set(ack.segmentId, ack.positionMs);
      acks.push(ack);
    }
    acks.end();
  })().catch((reason: unknown) => acks.end({ reason }));

  return {
    capabilities: sink.capabilities,
    acks: acks.stream,
    open(segmentId, options) {
      const segment = sink.open(segmentId, options);
      open.set(segmentId, 0);
      return segment;
    },
    pause() {
      isPaused = true;
      sink.pause();
    },
    resume() {
      isPaused = false;
      if (reasons.size === 0) sink.resume();
    },
    clear: () => sink.clear(),
    hold,
    release,
    get heardAt() {
      return sink.isPlaying ? clock.now() : heardAt;
    },
    close() {
      offAlive();
      offLate();
      sink[Symbol.dispose]();
    },
  };
}
