/** A device that plays what it is given, one after the other, and can throw away what it has not played yet. */
import type { AudioFrame } from "../../src/audio/frame.ts";
import { frameDurationMs } from "../../src/audio/frame.ts";
import type { Clock } from "../../src/base/runtime.ts";

export interface Device {
  /** What was or will be audible, as things are: a frame, and the clock's time of its first sample. */
  readonly heard: readonly { readonly frame: AudioFrame; readonly at: number }[];
  /** How much is in it that was not played, in milliseconds. */
  queuedMs(): number;
  write(frame: AudioFrame): void;
  clear(): void;
}

export function device(clock: Clock): Device {
  const heard: { frame: AudioFrame; at: number }[] = [];
  const end = (): number => {
    const last = heard.at(-1);
    return last === undefined ? 0 : last.at + frameDurationMs(last.frame);
  };
  return {
    heard,
    queuedMs: () => Math.max(0, end() - clock.now()),
    write: (frame) => void heard.push({ frame, at: Math.max(clock.now(), end()) }),
    clear() {
      const now = clock.now();
      for (let last = heard.at(-1); last !== undefined && end() > now; last = heard.at(-1)) {
        const { frame, at } = heard.pop()!;
        const { sampleRate, channels } = frame;
        const count = Math.floor(((now - at) * sampleRate) / 1000 + 1e-6);
        if (count <= 0) continue;
        heard.push({
          frame: { ...frame, data: frame.data.subarray(0, count * channels), samplesPerChannel: count },
          at,
        });
        return;
      }
    },
  };
}
