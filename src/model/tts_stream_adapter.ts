/**
 * Makes a voice that takes text as it comes out of one that speaks whole sentences.
 *
 * @module
 */
import { sentences } from "../../streams/sentences.ts";
import type { FlushMark } from "./marks.ts";
import type { SynthesizedAudio, TTS, TTSOptions, TTSStream } from "./tts.ts";

/**
 * A streaming voice over one that only has `synthesize`: sentence by sentence, the next being made while the last is read.
 * A flush ends a segment. Stopping it stops what is being made.
 */
export function ttsStreamAdapter(tts: TTS): TTS {
  return {
    kind: "tts",
    model: tts.model,
    provider: tts.provider,
    sampleRate: tts.sampleRate,
    channels: tts.channels,
    capabilities: { ...tts.capabilities, streaming: true },
    stream: (options) => openStream(tts, options),
    ...(tts.prewarm && { prewarm: () => (tts.prewarm as () => Promise<void>)() }),
  };
}

function openStream(tts: TTS, options: TTSOptions = {}): TTSStream {
  const synthesize = tts.synthesize?.bind(tts);
  if (synthesize === undefined) throw new TypeError(`${tts.model} can neither stream nor synthesise`);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const cutter = sentences();
  const cut = cutter.writable.getWriter();
  cut.closed.catch(() => {}); // its failure shows in the reader
  const reader = cutter.readable.getReader();
  let ready: Promise<{ readonly audio: ReadableStream<SynthesizedAudio> } | undefined> | undefined;

  /** Takes the next sentence and has it made; the first sound of it waits for its reader. */
  const next = async (): Promise<{ readonly audio: ReadableStream<SynthesizedAudio> } | undefined> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      if (value.trim() === "") continue;
      return { audio: synthesize(value, { ...options, signal }) };
    }
  };

  let current: ReadableStreamDefaultReader<SynthesizedAudio> | undefined;
  return {
    writable: new WritableStream<string | FlushMark>({
      write: (part) => typeof part === "string" ? cut.write(part) : cut.write("\n"),
      close: () => cut.close(),
      abort: (reason) => {
        stop.abort(reason);
        return cut.abort(reason);
      },
    }),
    readable: new ReadableStream<SynthesizedAudio>({
      async pull(controller) {
        for (;;) {
          if (current === undefined) {
            const made = await (ready ?? next());
            ready = undefined;
            if (made === undefined) return controller.close();
            current = made.audio.getReader();
            ready = next();
            ready.catch(() => {}); // it is awaited when its turn comes
          }
          const { done, value } = await current.read();
          if (!done) return controller.enqueue(value);
          current = undefined;
        }
      },
      async cancel(reason) {
        stop.abort(reason);
        await Promise.all([current?.cancel(reason), reader.cancel(reason)]);
      },
    }, { highWaterMark: 0 }),
  };
}
