import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import type { Clock } from "../base/runtime.ts";
import type { PlayoutAck, PlayoutSink } from "./playout.ts";
interface Seg { id: string; written: number; played: number; closed: boolean; started: boolean; over: boolean }
export function pacedSink(clock: Clock, o: { aheadMs?: number } = {}): PlayoutSink {
  const ahead = o.aheadMs ?? 200;
  let segs: Seg[] = []; let paused = false; let since: number | undefined; let off: (() => void) | undefined;
  let ctl!: ReadableStreamDefaultController<PlayoutAck>; let waiting: (() => void)[] = [];
  const acks = new ReadableStream<PlayoutAck>({ start(c) { ctl = c; } }, { highWaterMark: Infinity });
  const wake = (): void => { const w = waiting; waiting = []; for (const go of w) go(); };
  const advance = (): void => {
    const now = clock.now();
    for (let s = segs[0]; s !== undefined; s = segs[0]) {
      if (!paused && s.written > s.played) {
        if (since === undefined) since = now;
        if (!s.started) { s.started = true; ctl.enqueue({ type: "started", segmentId: s.id, at: now }); }
        const can = now - since; const take = Math.min(can, s.written - s.played); s.played += take; since += take;
      }
      if (s.played >= s.written - 1e-6) {
        since = undefined;
        if (s.closed) { s.over = true; segs.shift(); ctl.enqueue({ type: "finished", segmentId: s.id, positionMs: s.played }); continue; }
      }
      break;
    }
    off?.(); off = undefined; const s = segs[0];
    if (s !== undefined && !paused && since !== undefined) {
      const target = ahead === Infinity ? s.written - s.played : Math.min(s.written - s.played, 20);
      off = clock.schedule(since + target, () => { off = undefined; advance(); });
    }
    wake();
  };
  const cut = (): void => { advance(); const all = segs; segs = []; since = undefined; off?.(); off = undefined; for (const s of all) { s.over = true; ctl.enqueue({ type: "cleared", segmentId: s.id, positionMs: s.played }); } wake(); };
  return {
    capabilities: { pause: true }, acks,
    open(id) {
      const s: Seg = { id, written: 0, played: 0, closed: false, started: false, over: false }; segs.push(s);
      return new WritableStream<AudioFrame>({
        async write(f) { if (s.over) return; s.written += frameDurationMs(f); advance(); while (!s.over && s.written - s.played > ahead) await new Promise<void>((go) => waiting.push(go)); },
        close() { s.closed = true; advance(); }, abort() { if (!s.over) cut(); },
      });
    },
    pause() { if (paused) return; advance(); paused = true; since = undefined; off?.(); off = undefined; },
    resume() { if (!paused) return; paused = false; advance(); },
    clear: cut,
  };
}
