/**
 * What the caller said before the agent was there: recorded by the caller's client, and sent when the agent comes.
 *
 * @module
 */
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { concatFrames, frameCutter } from "../../src/audio/frames.ts";
import { bytesToInt16 } from "../../src/audio/pcm.ts";
import type { Clock } from "../../src/base/runtime.ts";
import { frameConverter } from "./convert.ts";
import type { RtcByteReader, RtcPublication, RtcRoom } from "./rtc.ts";

/** The topic of such sound. */
export const PRE_CONNECT_TOPIC = "lk.agent.pre-connect-audio-buffer";

/** `AudioTrackFeature.TF_PRECONNECT_BUFFER`: the track announces such sound. */
const PRE_CONNECT_FEATURE = 6;
/** Sound that came in longer ago is of the past. Specified: 05 section 3.4; ours counts from its last byte, not its first. */
const FRESH_MS = 1_000;
/** Most of it. Chosen: who waited for longer says it again. The oldest is left out. */
const MAX_MS = 8_000;
/** A piece of it for the session. Chosen: all pieces fit into what a model may have waiting. */
const PIECE_MS = 200;
/** Tracks whose sound waits to be taken. Chosen: a caller has one. */
const MAX_TRACKS = 4;
/** The most that is read of it, at the highest rate with two channels: what is longer is no speech. */
const MAX_BYTES = 48_000 * 2 * 2 * 30;

/** What such sound needs. */
export interface PreConnectOptions {
  readonly clock: Clock;
  readonly sampleRate: number;
  readonly numChannels: number;
  /** How long it is waited for. */
  readonly timeoutMs: number;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Sound from before, by track. */
export interface PreConnect {
  /** Whether a track announces such sound. */
  isAnnounced(publication: RtcPublication): boolean;
  /** Waits for the sound of a track, but not for long; nothing when there is none. Never rejects. */
  take(trackSid: string): Promise<readonly AudioFrame[]>;
  /** Takes no more. */
  close(): void;
}

interface Buffer {
  readonly frames: readonly AudioFrame[];
  readonly at: number;
}

/** Listens for such sound, from now on. */
export function listenBefore(room: RtcRoom, o: PreConnectOptions): PreConnect {
  const filled = new Map<string, Buffer>();
  const waiting = new Map<string, () => void>();
  const wasLate = room.isConnected; // what was sent at once when we came in has gone by
  let isOver = false;

  const read = async (reader: RtcByteReader): Promise<void> => {
    const { trackId, sampleRate, channels } = reader.info.attributes ?? {};
    if (trackId === undefined) return o.warn("sound from before names no track", {});
    const parts: Uint8Array[] = [];
    let byteCount = 0;
    for await (const part of reader) {
      parts.push(part);
      byteCount += part.length;
      if (byteCount > MAX_BYTES) return o.warn("sound from before is too long", { trackSid: trackId });
    }
    const { mimeType } = reader.info;
    if (mimeType === "audio/opus" || mimeType.includes("codecs=opus")) {
      return o.warn("sound from before cannot be heard, as it must be PCM", { trackSid: trackId, mimeType });
    }
    const frames = framesOf(parts, byteCount, Number(sampleRate), Number(channels), o);
    if (frames === undefined) {
      return o.warn("sound from before does not tell its rate and channels", { trackSid: trackId });
    }
    if (isOver) return;
    filled.set(trackId, { frames, at: o.clock.now() });
    for (const [oldest] of filled) if (filled.size > MAX_TRACKS) filled.delete(oldest);
    waiting.get(trackId)?.();
  };

  try {
    room.registerByteStreamHandler(PRE_CONNECT_TOPIC, (reader) => {
      read(reader).catch((error: unknown) => o.warn("sound from before broke off", { error }));
    });
  } catch (error) {
    o.warn("sound from before is not heard, as something else takes it", { error });
    isOver = true;
  }

  return {
    isAnnounced: ({ info }) => info?.audioFeatures?.includes(PRE_CONNECT_FEATURE) === true,
    async take(trackSid) {
      if (isOver) return [];
      if (!filled.has(trackSid)) {
        if (wasLate) o.warn("sound from before may have been missed, as the room was joined first", { trackSid });
        let off = (): void => {};
        await new Promise<void>((go) => {
          off = o.clock.schedule(o.clock.now() + o.timeoutMs, go);
          waiting.set(trackSid, go);
        });
        off();
        waiting.delete(trackSid);
      }
      const buffer = filled.get(trackSid);
      filled.delete(trackSid);
      if (buffer === undefined) {
        if (!isOver) o.warn("sound from before did not come", { trackSid });
        return [];
      }
      if (o.clock.now() - buffer.at <= FRESH_MS) return buffer.frames;
      o.warn("sound from before is too old", { trackSid });
      return [];
    },
    close() {
      if (!isOver) room.unregisterByteStreamHandler(PRE_CONNECT_TOPIC);
      isOver = true;
      for (const go of waiting.values()) go();
    },
  };
}

function framesOf(
  parts: readonly Uint8Array[],
  byteCount: number,
  rate: number,
  channels: number,
  o: PreConnectOptions,
): AudioFrame[] | undefined {
  const isUsable = Number.isInteger(rate) && rate >= 4_000 && rate <= 192_000 && (channels === 1 || channels === 2);
  if (!isUsable) return undefined;
  const whole = byteCount - (byteCount % (2 * channels));
  const bytes = new Uint8Array(byteCount);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const skipped = Math.max(0, whole - Math.floor((MAX_MS * rate) / 1000) * 2 * channels);
  const samples = bytesToInt16(bytes.subarray(skipped, whole));
  if (samples.length === 0) return [];
  const convert = frameConverter(o.sampleRate, o.numChannels);
  const sound = concatFrames([convert.push(audioFrame(samples, rate, channels)), convert.flush()]);
  const cutter = frameCutter({ durationMs: PIECE_MS });
  return [...cutter.push(sound), ...cutter.flush()];
}
