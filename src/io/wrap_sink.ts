/**
 * Sinks for places that only take frames.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import { type PacedSink, pacedSink, type PacedSinkOptions } from "./paced_sink.ts";
import type { PlayoutSink } from "./playout.ts";

/** How {@linkcode wrapSink} feeds its place. */
export interface WrapSinkOptions extends Omit<PacedSinkOptions, "onFrame" | "onTakeBack" | "leadMs"> {
  /** How much sound may be on its way into the place before the sink waits for it. Default: 200. */
  readonly deviceMs?: number;
}

/** A {@linkcode PlayoutSink} over a stream of frames. Disposing it clears it and closes the stream, within 2,000 ms. */
export interface WrappedSink extends PlayoutSink, AsyncDisposable {}

const DEFAULT_DEVICE_MS = 200; // the device buffer of the reference, spec 03 section 12.3
const DEFAULT_SLICE_MS = 20; // chosen: the frame of telephony and WebRTC
const CLOSE_TIMEOUT_MS = 2_000; // chosen: a place that does not take what it has is left behind

/**
 * Makes a sink of a place that takes frames and knows neither pause nor acknowledgement: a socket, a track, a player's pipe.
 *
 * Frames are written when they are due, in slices of at most `sliceMs`, so that a pause or `clear` is heard after no more than one
 * slice and what the place itself holds. When the place takes them more slowly than they play, the sink waits as if paused. When
 * writing fails, the sink's acknowledgements fail with the same reason.
 *
 * @example
 * ```ts
 * const sink = wrapSink(runtime.clock, encodeMulaw(socket.writable), { sampleRate: 8_000 });
 * ```
 */
export function wrapSink(clock: Clock, place: WritableStream<AudioFrame>, options: WrapSinkOptions = {}): WrappedSink {
  const { deviceMs = DEFAULT_DEVICE_MS, sliceMs = DEFAULT_SLICE_MS, ...rest } = options;
  const mostUnderWay = Math.max(1, Math.floor(deviceMs / sliceMs));
  const writer = place.getWriter();
  let underWay = 0;
  let isHeld = false; // by the place
  let isPaused = false; // by the session

  const sink: PacedSink = pacedSink(clock, {
    ...rest,
    sliceMs,
    onFrame(frame) {
      underWay += 1;
      if (underWay >= mostUnderWay && !isHeld) {
        isHeld = true;
        sink.pause();
      }
      writer.write(frame).then(written, (reason) => sink.fail(reason));
    },
  });

  const written = (): void => {
    underWay -= 1;
    if (!isHeld || underWay > mostUnderWay / 2) return;
    isHeld = false;
    if (!isPaused) sink.resume();
  };

  return {
    capabilities: sink.capabilities,
    acks: sink.acks,
    open: (segmentId, openOptions) => sink.open(segmentId, openOptions),
    pause() {
      isPaused = true;
      sink.pause();
    },
    resume() {
      isPaused = false;
      if (!isHeld) sink.resume();
    },
    clear: () => sink.clear(),
    async [Symbol.asyncDispose]() {
      sink[Symbol.dispose]();
      const closed = writer.close().catch(() => {}); // a place that failed before has been told of by the acknowledgements
      let off = (): void => {};
      await Promise.race([
        closed,
        new Promise<void>((go) => (off = clock.schedule(clock.now() + CLOSE_TIMEOUT_MS, go))),
      ]);
      off();
    },
  };
}
