import type { AudioFrame } from "../audio/frame.ts";
import type { TimedString } from "../model/marks.ts";
export interface TranscriptPacer { pushText(t: string): void; pushTimed(w: TimedString): void; pushAudio(f: AudioFrame): void; endText(): void; endAudio(): void; start(at: number): void; pause(at: number): void; resume(at: number): void; take(t: number): { readonly words: readonly TimedString[]; readonly nextAt: number | undefined }; finish(): readonly TimedString[]; heardAt(p: number): string }
export function transcriptPacer(_o?: { speed?: number }): TranscriptPacer {
  let text = ""; let ms = 0;
  return { pushText: (t) => void (text += t), pushTimed() {}, pushAudio: (f) => void (ms += f.samplesPerChannel * 1000 / f.sampleRate), endText() {}, endAudio() {}, start() {}, pause() {}, resume() {}, take: () => ({ words: [], nextAt: undefined }), finish: () => [{ text }], heardAt: (p) => text.slice(0, text.lastIndexOf(" ", text.length * Math.min(1, p / ms))) };
}
