/**
 * The caller's microphone: whatever track the caller has just now, as one stream of frames.
 *
 * @module
 */
import { fromPush, type Inlet } from "../../streams/from_push.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { silence } from "../../src/audio/frames.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type { NoiseCancellation } from "./options.ts";
import type { PreConnect } from "./pre_connect.ts";
import { onRoom, type Rtc, type RtcParticipant, type RtcPublication, type RtcRoom, SOURCE_MICROPHONE } from "./rtc.ts";

/** Frames that wait for a slow session before the oldest is dropped. Chosen: a second of 20 ms frames. */
const WAITING_FRAMES = 50;
/**
 * How long a microphone that is gone is heard as silence. Chosen: longer than detectors take to be sure that speech has ended
 * (550 ms) and the session to end the turn, so that who loses the track in the middle of a word is answered all the same.
 */
const SILENCE_MS = 3_000;

/** What the microphone needs. */
export interface MicrophoneOptions {
  readonly clock: Clock;
  readonly sampleRate: number;
  readonly numChannels: number;
  readonly frameSizeMs: number;
  readonly noiseCancellation: NoiseCancellation | undefined;
  /** What was said before. */
  readonly before?: PreConnect | undefined;
  readonly log: (level: "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** The caller's microphone. */
export interface Microphone {
  /** Frames of the wanted rate. Ends when the microphone is closed. */
  readonly audio: ReadableStream<AudioFrame>;
  /** The track that is heard just now. */
  readonly trackSid: string | undefined;
  /** Listens to somebody else, or to nobody. */
  bind(identity: string | null): void;
  /** Ends everything. */
  close(): Promise<void>;
}

interface Line {
  readonly sid: string;
  readonly reader: ReadableStreamDefaultReader<AudioFrame>;
  /** Ends it; no frame of it comes after this was called. */
  end(): Promise<void>;
}

/** Listens to tracks of a room. Frames of two tracks never mix, and none of the old one comes after the first of the new. */
export function openMicrophone(rtc: Rtc, room: RtcRoom, o: MicrophoneOptions): Microphone {
  let inlet: Inlet<AudioFrame> | undefined;
  let identity: string | null = null;
  let line: Line | undefined;
  let isClosed = false;
  let stopSilence = (): void => {};
  const ending = new Set<Promise<void>>();

  const audio = fromPush<AudioFrame>((it) => {
    inlet = it;
    return () => (inlet = undefined);
  }, {
    limit: WAITING_FRAMES,
    onDrop(_, dropped) {
      if (dropped % WAITING_FRAMES === 1) o.log("warn", "the session is slower than the microphone", { dropped });
    },
  });

  const leave = (): void => {
    stopSilence();
    if (line === undefined) return;
    const work = line.end();
    ending.add(work);
    void work.then(() => ending.delete(work));
    line = undefined;
  };

  /** In true time, as a microphone that is muted. */
  const beSilent = (): void => {
    stopSilence();
    if (isClosed) return;
    const from = o.clock.now();
    let count = 0;
    let off = (): void => {};
    const next = (): void => {
      count += 1;
      off = o.clock.schedule(from + count * o.frameSizeMs, () => {
        inlet?.push(silence(o.frameSizeMs, o.sampleRate, o.numChannels));
        if (count * o.frameSizeMs < SILENCE_MS) next();
      });
    };
    stopSilence = () => off();
    next();
  };

  const take = (publication: RtcPublication, participant: RtcParticipant): boolean => {
    const { sid, track, source } = publication;
    if (isClosed || participant.identity !== identity || source !== SOURCE_MICROPHONE) return false;
    if (sid === undefined || track === undefined) return false;
    if (line?.sid === sid) return true;
    leave();
    try {
      line = openLine(sid, track, publication, participant);
    } catch (error) {
      o.log("error", "a track cannot be heard", { trackSid: sid, error });
      return false;
    }
    return true;
  };

  const openLine = (sid: string, track: object, publication: RtcPublication, participant: RtcParticipant): Line => {
    const { noiseCancellation } = o;
    const chosen = typeof noiseCancellation === "function"
      ? noiseCancellation({ participantIdentity: participant.identity, trackSid: sid })
      : noiseCancellation;
    const stream = new rtc.AudioStream(track, {
      sampleRate: o.sampleRate,
      numChannels: o.numChannels,
      frameSizeMs: o.frameSizeMs,
      ...(chosen !== undefined && {
        noiseCancellation: chosen,
        // One that is given as it is serves every track; one that was chosen for this track ends with it.
        autoCloseNoiseCancellation: typeof noiseCancellation === "function",
      }),
    });
    const reader = stream.getReader();
    let isOver = false;
    const forward = async (): Promise<void> => {
      // What was said before comes first; what is said meanwhile waits in the stream.
      const before = o.before?.isAnnounced(publication) ? await o.before.take(sid) : [];
      if (isOver) return;
      for (const frame of before) inlet?.push(frame);
      for (;;) {
        const { done, value } = await reader.read();
        if (isOver) return;
        if (done) break;
        inlet?.push(audioFrame(value.data, value.sampleRate, value.channels));
      }
      isOver = true;
      if (line?.reader !== reader) return;
      line = undefined;
      findTrack(); // it ended by itself
    };
    const forwarded = forward().catch((error: unknown) => o.log("warn", "a track failed", { trackSid: sid, error }));
    return {
      sid,
      reader,
      async end() {
        isOver = true;
        await reader.cancel().catch(() => {}); // a track that failed has told so
        await forwarded;
      },
    };
  };

  /** Takes the first track of the caller that can be heard; without one there is silence. */
  const findTrack = (): void => {
    const participant = identity === null ? undefined : room.remoteParticipants.get(identity);
    for (const publication of participant?.trackPublications.values() ?? []) {
      if (take(publication, participant as RtcParticipant)) return;
    }
    if (identity !== null) beSilent();
  };

  const lost = (publication: RtcPublication, participant: RtcParticipant): void => {
    if (participant.identity !== identity || line === undefined || publication.sid !== line.sid) return;
    leave();
    findTrack();
  };

  const offs = [
    onRoom(room, "trackSubscribed", (_, publication, participant) => void take(publication, participant)),
    onRoom(room, "trackUnsubscribed", (_, publication, participant) => lost(publication, participant)),
    onRoom(room, "trackUnpublished", lost),
    onRoom(room, "participantDisconnected", (participant) => {
      if (participant.identity !== identity || line === undefined) return;
      leave();
      beSilent();
    }),
  ];

  return {
    audio,
    get trackSid() {
      return line?.sid;
    },
    bind(next) {
      if (next === identity) return;
      leave();
      identity = next;
      if (next !== null && room.remoteParticipants.has(next)) findTrack();
    },
    async close() {
      if (!isClosed) {
        isClosed = true;
        for (const off of offs) off();
        leave();
        inlet?.end();
        if (typeof o.noiseCancellation === "object") o.noiseCancellation.close?.();
      }
      await Promise.all(ending);
    },
  };
}
