/** Until tts and stt attempts land in src/model. */
import type { Clock } from "../base/runtime.ts";
import type { APIConnectOptions } from "../model/connect_options.ts";
import { APIConnectionError, isAPIError } from "../model/error.ts";
import type { AttemptReport, ModelErrorEvent } from "../model/host.ts";
import type { STT, STTOptions, STTStream } from "../model/stt.ts";
import type { SynthesizedAudio, TTS, TTSStream } from "../model/tts.ts";
import type { FlushMark } from "../model/marks.ts";
interface Common { readonly clock: Clock; readonly connOptions: APIConnectOptions; readonly report: AttemptReport; readonly requestId: () => string }
const sleep = (clock: Clock, ms: number): Promise<void> => new Promise((go) => { clock.schedule(clock.now() + ms, () => go()); });
async function* attempts<T>(kind: ModelErrorEvent["type"], label: string, o: Common, signal: AbortSignal | undefined, open: () => ReadableStream<T>, has: (v: T) => boolean): AsyncGenerator<T> {
  for (let n = 0;; n++) {
    let came = false;
    try {
      for await (const v of open()) { if (has(v)) came = true; yield v; }
      return;
    } catch (error) {
      if (signal?.aborted) return;
      const retryable = isAPIError(error) && error.retryable && !came && n < o.connOptions.maxRetry;
      o.report.error({ type: kind, timestamp: o.clock.now(), label, error, recoverable: retryable });
      if (!retryable) throw isAPIError(error) && n > 0 && n >= o.connOptions.maxRetry ? new APIConnectionError({ message: "retries exhausted", options: { retryable: false, cause: error } }) : error;
      await sleep(o.clock, n === 0 ? 100 : o.connOptions.retryIntervalMs);
      if (signal?.aborted) return;
    }
  }
}
function toStream<T>(g: AsyncGenerator<T>): ReadableStream<T> {
  return new ReadableStream<T>({ async pull(c) { const { done, value } = await g.next(); if (done) c.close(); else c.enqueue(value); }, async cancel() { await g.return(undefined); } }, { highWaterMark: 0 });
}
export function ttsAttempt(tts: TTS, o: Common & { signal: AbortSignal }): TTSStream {
  const held: (string | FlushMark)[] = []; let ended = false; let wake = (): void => {};
  const input = (): ReadableStream<string | FlushMark> => { let i = 0; return new ReadableStream({ async pull(c) { while (i >= held.length && !ended) await new Promise<void>((go) => { const w = wake; wake = () => { w(); go(); }; }); if (i < held.length) c.enqueue(held[i++] as string); else c.close(); } }, { highWaterMark: 0 }); };
  const nudge = (): void => { const w = wake; wake = () => {}; w(); };
  return {
    writable: new WritableStream<string | FlushMark>({ write(p) { held.push(p); nudge(); }, close() { ended = true; nudge(); }, abort() { ended = true; nudge(); } }),
    readable: toStream(attempts<SynthesizedAudio>("tts_error", tts.model, o, o.signal, () => input().pipeThrough((tts.stream as NonNullable<TTS["stream"]>)({ signal: o.signal })), () => true)),
  };
}
export function sttAttempt(stt: STT, o: Common & { options: STTOptions }): STTStream {
  const s = (stt.stream as NonNullable<STT["stream"]>)(o.options);
  return { writable: s.writable, readable: toStream((async function* () { try { for await (const e of s.readable) yield e; } catch (error) { o.report.error({ type: "stt_error", timestamp: o.clock.now(), label: stt.model, error, recoverable: false }); throw error; } })()) };
}
