/**
 * What is around the session of a scenario: a microphone that hears nothing, a sink that tells what it plays, captions, and
 * a detector of voice that follows the script.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../../audio/frame.ts";
import type { Clock } from "../../base/runtime.ts";
import { pacedSink } from "../../io/paced_sink.ts";
import type { PlayoutSink, TranscriptSink } from "../../io/playout.ts";
import type { TimedString } from "../../model/marks.ts";
import type { VADEvent } from "../../model/vad.ts";
import type { Observe } from "./models.ts";

/** Silent frames, one every 100 ms until `end`. */
export function silentMicrophone(clock: Clock, end: number): ReadableStream<AudioFrame> {
  let off = (): void => {};
  return new ReadableStream({
    start: (controller) => {
      const next = (at: number): void => {
        off = clock.schedule(at, () => {
          controller.enqueue(audioFrame(new Int16Array(100), 1_000));
          if (at < end) next(at + 100);
        });
      };
      next(100);
    },
    cancel: () => off(),
  }, { highWaterMark: 1_000 });
}

/** A sink that plays in the time of the clock, and tells the edges of it. */
export function observedSink(clock: Clock, canPause: boolean, observe: Observe): PlayoutSink {
  const sink = pacedSink(clock, { aheadMs: Infinity });
  let isPaused = false;
  const open = new Set<string>();
  let cutCount = 0;
  let isResumeLate = false;
  const acks = sink.acks.pipeThrough(
    new TransformStream({
      transform(ack, controller) {
        if (ack.type === "started") observe("playout_started");
        if (ack.type === "finished" || ack.type === "cleared") {
          const isCut = ack.type === "cleared";
          open.delete(ack.segmentId);
          observe("playout_finished", { positionMs: Math.round(ack.positionMs), interrupted: isCut });
          if (isCut && cutCount > 0 && --cutCount === 0 && isResumeLate) {
            isResumeLate = false;
            observe("playout_resumed");
          }
        }
        controller.enqueue(ack);
      },
    }),
  );
  return {
    capabilities: { pause: canPause },
    acks,
    open(id) {
      open.add(id);
      return sink.open(id);
    },
    pause() {
      if (!isPaused) observe("playout_paused");
      isPaused = true;
      sink.pause();
    },
    resume() {
      // The sink answers a clear a moment later; what comes after it is told after the answer.
      if (isPaused && cutCount > 0) isResumeLate = true;
      else if (isPaused) observe("playout_resumed");
      isPaused = false;
      sink.resume();
    },
    clear() {
      if (open.size > 0) observe("playout_cleared");
      cutCount += open.size;
      open.clear();
      sink.clear();
    },
  };
}

/** Tells each segment of captions when it is whole. */
export function observedCaptions(observe: Observe): TranscriptSink {
  return {
    open: () => {
      let text = "";
      return new WritableStream<TimedString>({
        write: (word) => void (text += word.text),
        close: () => observe("captions", { text }),
      });
    },
  };
}

/** The sequence of a voice activity detector for speech from `from` to `until`: U(from, until) of the format. */
export function tellSpeech(
  clock: Clock,
  tell: (event: VADEvent) => void,
  from: number,
  until: number,
  silence: number,
): void {
  const at = (
    t: number,
    type: "start_of_speech" | "inference_done" | "end_of_speech",
    raw: readonly [number, number],
    speech: number,
    quiet: number,
  ): void =>
    void clock.schedule(t, () =>
      tell({
        type,
        timestampMs: t,
        speechDurationMs: speech,
        silenceDurationMs: quiet,
        rawSpeechMs: raw[0],
        rawSilenceMs: raw[1],
        speaking: type !== "end_of_speech",
        probability: 1,
        inferenceDurationMs: 0,
      }));
  at(from + 50, "start_of_speech", [50, 0], 50, 0);
  for (let x = from + 100; x < until + silence; x += 50) {
    at(x, "inference_done", x <= until ? [x - from, 0] : [0, x - until], x - from, x <= until ? 0 : x - until);
  }
  at(until + silence, "end_of_speech", [0, silence], until - from, silence);
}
