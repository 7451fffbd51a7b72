/**
 * One text through one voice.
 *
 * @module
 */
import { toStream } from "../../streams/to_stream.ts";
import type { AudioFrame } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import type { SynthesizedAudio } from "../model/tts.ts";
import { FrameQueue } from "./frame_queue.ts";

/** What a voice node gives, once promises are resolved. */
export type TtsOutput =
  | ReadableStream<AudioFrame | SynthesizedAudio>
  | AsyncIterable<AudioFrame | SynthesizedAudio>
  | null;

/** A voice at work. */
export interface TtsStep {
  readonly frames: FrameQueue;
  /** The node gave null: there will be no sound. Known when `ready` has settled. */
  silent: boolean;
  /** The node has answered. */
  readonly ready: Promise<void>;
  /** The node has ended, however. Never rejects. */
  readonly over: Promise<void>;
  /** Milliseconds from the first text to the first frame. */
  ttfb: number | undefined;
  error: unknown;
}

/** Starts the voice. It ends with the text, or when the signal is aborted. */
export function startTtsStep(o: {
  readonly clock: Clock;
  readonly text: ReadableStream<string>;
  readonly speak: (text: ReadableStream<string>) => TtsOutput | Promise<TtsOutput>;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
  /** The first frame has come. */
  readonly onFirst: () => void;
}): TtsStep {
  let ready = (): void => {};
  const step: TtsStep = {
    frames: new FrameQueue(),
    silent: false,
    ready: new Promise((resolve) => (ready = resolve)),
    over: Promise.resolve(),
    ttfb: undefined,
    error: undefined,
  };
  (step as { over: Promise<void> }).over = run(step, o, ready);
  return step;
}

async function run(step: TtsStep, o: Parameters<typeof startTtsStep>[0], ready: () => void): Promise<void> {
  let firstTextAt: number | undefined;
  const text = o.text.pipeThrough(
    new TransformStream<string, string>({
      transform(piece, controller) {
        firstTextAt ??= o.clock.now();
        controller.enqueue(piece);
      },
    }),
  );
  try {
    const output = await o.speak(text);
    if (output === null) {
      step.silent = true;
      await text.cancel();
      return;
    }
    ready();
    const reader = toStream(output).getReader();
    const stop = (): void => {
      step.frames.clear();
      void reader.cancel(o.signal.reason).catch(() => {}); // a voice that errors while it is being stopped
    };
    if (o.signal.aborted) return stop();
    o.signal.addEventListener("abort", stop, { once: true });
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || o.signal.aborted) return;
        if (step.ttfb === undefined) {
          step.ttfb = o.clock.now() - (firstTextAt ?? o.clock.now());
          o.onFirst();
        }
        const wait = "frame" in value
          ? step.frames.push({ frame: value.frame, ...(value.timedTranscript && { words: value.timedTranscript }) })
          : step.frames.push({ frame: value });
        if (wait !== undefined) await wait;
      }
    } finally {
      o.signal.removeEventListener("abort", stop);
    }
  } catch (error) {
    if (!o.signal.aborted) {
      step.error = error;
      o.onError(error);
    }
  } finally {
    step.frames.end();
    ready();
  }
}
