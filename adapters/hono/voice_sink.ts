/**
 * The agent's voice in a page: a sink whose positions are those that the page reports.
 *
 * @module
 */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { monoFrame } from "../../src/audio/frames.ts";
import { type FrameResampler, resampleFrames } from "../../src/audio/resample.ts";
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import { ackQueue } from "../../src/io/ack_queue.ts";
import type { PlayoutSink } from "../../src/io/playout.ts";
import type { PlayoutMessage, PlayoutReport, ResumeState } from "./voice_wire.ts";

/** What reaches the page; called only while it is connected. */
export interface VoiceLine {
  sound(segment: number, index: number, samples: Int16Array): void;
  control(message: PlayoutMessage): void;
}

/** How a {@linkcode VoiceSink} plays. */
export interface VoiceSinkOptions {
  readonly line: VoiceLine;
  /** Samples per second on the line. Sound of another rate is converted. */
  readonly sampleRate: number;
  /** How much unheard sound the page holds before a writer waits. Default 400: a hiccup of the network is not heard. */
  readonly aheadMs?: number;
}

/** A sink in a page, which may be away for a while. Disposing of it clears it and ends its acknowledgements. */
export interface VoiceSink extends PlayoutSink, Disposable {
  /** The page is there; `resume` says what it has, where it was away. */
  connected(resume?: Pick<ResumeState, "received" | "reports">): void;
  /** The page is away: sound waits for it, and so do writers. */
  disconnected(): void;
  /** The page says what it played. A report of what never was, or is over, counts for nothing. */
  reported(report: PlayoutReport): void;
}

const DEFAULT_AHEAD_MS = 400; // chosen: twice the worst round trip that a call is bearable with
const SLICE_MS = 100; // chosen: what one message holds at most

interface Segment {
  readonly id: string;
  readonly number: number;
  readonly resampler: FrameResampler;
  /** What may have to be sent, or sent again: everything that is not known to be played. */
  readonly blocks: Int16Array[];
  /** Index of the first sample in `blocks`. */
  base: number;
  written: number;
  sent: number;
  played: number;
  phase: "open" | "closed" | "clearing";
  isEndTold: boolean;
  /** When it was audible, while that could not be told. */
  startedAt: number | undefined;
  isBegun: boolean;
  /** Lets the waiting writer go on. */
  release: (() => void) | undefined;
  forget: () => void;
}

/**
 * Makes a sink of a page. What is sent is kept until the page reports it as played, so that a page which lost its connection can be
 * sent what it lacks. Pausing and clearing take effect in the page as soon as the message arrives.
 *
 * @throws {AgentError} `audio.bad_rate` for a rate that is no integer from 4,000 to 192,000; `stream.bad_option`, from `open`, while a
 *   segment of the same id is still playing.
 */
export function voiceSink(clock: Clock, { line, sampleRate, aheadMs = DEFAULT_AHEAD_MS }: VoiceSinkOptions): VoiceSink {
  const acks = ackQueue();
  const live = new Map<number, Segment>(); // in the order in which they play
  const perMs = sampleRate / 1000;
  const ahead = Math.round(aheadMs * perMs);
  const slice = Math.round(SLICE_MS * perMs);
  let lastNumber = 0;
  let isConnected = false;
  let isPaused = false;
  let isPumping = false;
  let closing: AgentError | undefined;

  const control = (message: PlayoutMessage): void => {
    if (isConnected) line.control(message);
  };

  /** Sends what the page may hold, in order. */
  const pump = (): void => {
    if (!isConnected || isPumping) return;
    isPumping = true; // the page may answer at once
    send();
    isPumping = false;
  };

  const send = (): void => {
    let room = ahead;
    for (const { sent, played } of live.values()) room -= sent - played;
    for (const segment of live.values()) {
      if (segment.phase === "clearing") continue;
      while (room > 0 && segment.sent < segment.written) {
        const samples = pieceOf(segment, segment.sent, Math.min(room, slice));
        const index = segment.sent;
        segment.sent += samples.length;
        room -= samples.length;
        line.sound(segment.number, index, samples);
      }
      // Not before all of it: what is held of a later one would leave no room for the rest of this.
      if (segment.phase === "open" || segment.sent < segment.written) return;
      if (!segment.isEndTold) {
        segment.isEndTold = true;
        line.control({ type: "segment", segment: segment.number, samples: segment.written });
      }
    }
  };

  const release = (segment: Segment): void => {
    segment.release?.();
    segment.release = undefined;
  };

  const positionOf = ({ played }: Segment): number => played / perMs;

  const clear = (segment: Segment): void => {
    if (segment.phase === "clearing" || !live.has(segment.number)) return;
    segment.phase = "clearing";
    segment.blocks.length = 0;
    release(segment);
    control({ type: "clear", segment: segment.number });
  };

  const end = (segment: Segment, type: "finished" | "cleared"): void => {
    live.delete(segment.number);
    release(segment);
    segment.forget();
    acks.push({ type, segmentId: segment.id, positionMs: positionOf(segment) });
  };

  const tellStarted = (segment: Segment): void => {
    if (segment.startedAt === undefined || isPaused) return;
    acks.push({ type: "started", segmentId: segment.id, at: segment.startedAt });
    segment.startedAt = undefined;
  };

  const write = (segment: Segment, frames: readonly AudioFrame[]): Promise<void> | undefined => {
    if (closing !== undefined) throw closing;
    if (segment.phase === "clearing") return undefined;
    for (const { data } of frames) {
      if (data.length === 0) continue;
      segment.blocks.push(data);
      segment.written += data.length;
    }
    pump();
    if (segment.written - segment.played <= ahead) return undefined;
    return new Promise((go) => (segment.release = go));
  };

  return {
    capabilities: { pause: true, sampleRate },
    acks: acks.stream,
    open(id, { signal } = {}) {
      if ([...live.values()].some((segment) => segment.id === id && segment.phase !== "clearing")) {
        throw new AgentError(
          "stream.bad_option",
          `Cannot open a segment as its id must not be playing: current value is ${id}`,
        );
      }
      const segment: Segment = {
        id,
        number: ++lastNumber,
        resampler: resampleFrames(sampleRate),
        blocks: [],
        base: 0,
        written: 0,
        sent: 0,
        played: 0,
        phase: "open",
        isEndTold: false,
        startedAt: undefined,
        isBegun: false,
        release: undefined,
        forget: () => signal?.removeEventListener("abort", cut),
      };
      const cut = (): void => clear(segment);
      if (closing === undefined) live.set(segment.number, segment);
      signal?.addEventListener("abort", cut, { once: true });
      if (signal?.aborted) cut();
      return new WritableStream<AudioFrame>({
        // `abort` below waits for a write under way, which may last as long as sound that is ahead: this does not.
        start: (controller) => controller.signal.addEventListener("abort", cut, { once: true }),
        write(frame) {
          if (!(frame.sampleRate > 0)) {
            throw new AgentError(
              "audio.bad_frame",
              `Cannot play a frame as its rate must be positive: current value is ${frame.sampleRate}`,
            );
          }
          return write(segment, segment.resampler.push(monoFrame(frame)));
        },
        close() {
          if (segment.phase !== "open" || closing !== undefined) return;
          void write(segment, segment.resampler.flush());
          segment.phase = "closed";
          pump();
        },
        abort: cut,
      });
    },
    pause() {
      if (isPaused) return;
      isPaused = true;
      control({ type: "pause", paused: true });
    },
    resume() {
      if (!isPaused) return;
      isPaused = false;
      for (const segment of live.values()) {
        if (segment.startedAt !== undefined) segment.startedAt = clock.now();
        tellStarted(segment);
      }
      control({ type: "pause", paused: false });
    },
    clear() {
      for (const segment of [...live.values()]) clear(segment);
    },
    connected(resume) {
      if (closing !== undefined) return;
      for (const report of resume?.reports ?? []) this.reported(report);
      const received = new Map(resume?.received.map(({ segment, samples }) => [segment, samples]));
      isConnected = true;
      if (isPaused || resume !== undefined) line.control({ type: "pause", paused: isPaused });
      for (const segment of [...live.values()]) {
        segment.sent = Math.min(Math.max(received.get(segment.number) ?? 0, segment.played), segment.written);
        segment.isEndTold = false;
        if (segment.phase === "clearing") line.control({ type: "clear", segment: segment.number });
      }
      pump();
    },
    disconnected() {
      isConnected = false;
    },
    reported({ segment: number, event, samples, latencyMs = 0 }) {
      const segment = live.get(number);
      if (segment === undefined) return;
      segment.played = Math.max(segment.played, Math.min(samples, segment.sent));
      forgetPlayed(segment);
      if (!segment.isBegun && (event === "started" || segment.played > 0)) {
        segment.isBegun = true;
        segment.startedAt = clock.now() + latencyMs - positionOf(segment);
        tellStarted(segment);
      }
      if (event === "position") acks.push({ type: "position", segmentId: segment.id, positionMs: positionOf(segment) });
      if (event === "finished" || event === "cleared") end(segment, event);
      else if (segment.release !== undefined && segment.written - segment.played <= ahead / 2) release(segment);
      pump();
    },
    [Symbol.dispose]() {
      if (closing !== undefined) return;
      closing = new AgentError("sink.closed", "Cannot play as the sink must be open: current value is closed");
      for (const segment of [...live.values()]) end(segment, "cleared");
      isConnected = false;
      acks.end();
    },
  };
}

/** Samples from an index on, as far as one block has them. */
function pieceOf({ blocks, base }: Segment, index: number, most: number): Int16Array {
  let at = index - base;
  for (const block of blocks) {
    if (at < block.length) return block.subarray(at, at + most);
    at -= block.length;
  }
  return new Int16Array(0);
}

function forgetPlayed(segment: Segment): void {
  for (let [block] = segment.blocks; block !== undefined; [block] = segment.blocks) {
    if (segment.base + block.length > segment.played) return;
    segment.base += block.length;
    segment.blocks.shift();
  }
}
