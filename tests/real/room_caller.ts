/**
 * Somebody who calls: a second participant in a room, who speaks, types, and remembers all that is heard and read.
 */
import {
  AudioFrame as RtcFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  type RemoteParticipant,
  Room,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
} from "@livekit/rtc-node";
import type { LiveKitServer } from "../../scripts/livekit_server.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { monoFrame } from "../../src/audio/frames.ts";
import { int16ToBytes } from "../../src/audio/pcm.ts";
import { resampler } from "../../src/audio/resample.ts";

/** The rate at which the caller speaks and hears. */
export const RATE = 16_000;
const FRAME_MS = 20;
/** Louder than this is sound: far above what an empty line carries, far below a soft vowel. */
const AUDIBLE = 300;

/** A text that came in, as it stands. */
export interface Text {
  readonly from: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
  isOver: boolean;
  /** What came with its last packet: the package for Node does not show it to readers. */
  trailer: Readonly<Record<string, string>>;
}

/** The events of LiveKit's native part, as far as they are read here. */
interface NativeEvent {
  readonly message: {
    readonly value?: {
      readonly message?: {
        readonly case?: string;
        readonly value?: {
          readonly trailer?: { readonly streamId: string; readonly attributes: Record<string, string> };
        };
      };
    };
  };
}
interface NativeClient {
  on(name: "ffi_event", listener: (event: NativeEvent) => void): void;
  off(name: "ffi_event", listener: (event: NativeEvent) => void): void;
}

/** A stretch of sound, by the wall clock. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Milliseconds since 1970, that never go back. */
export const wallNow = (): number => performance.timeOrigin + performance.now();

/** Waits until something holds. */
export async function until(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it took more than ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface CallerOptions {
  readonly identity?: string;
  readonly room: string;
  /** Publishes a microphone. Default true. */
  readonly speaks?: boolean;
  /** The rate and channels of the microphone. */
  readonly rate?: number;
  readonly channels?: number;
  readonly kind?: "standard" | "agent" | "sip";
  /** Hears what others publish. Default true. */
  readonly subscribes?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Whom to listen to. Default: "agent". */
  readonly hears?: string;
}

/** Whether a text says that it is final, in its head or with its last packet. */
export const isFinal = ({ attributes, trailer }: Text): boolean =>
  (trailer["lk.transcription_final"] ?? attributes["lk.transcription_final"]) === "true";

export class Caller implements AsyncDisposable {
  readonly room: Room = new Room();
  readonly texts: Text[] = [];
  readonly states: string[] = [];
  /** What was heard, block by block of 10 ms, with the time of its arrival. */
  readonly heard: { readonly at: number; readonly data: Int16Array }[] = [];
  readonly identity: string;
  #source: AudioSource | undefined;
  #trackSid: string | undefined;
  #rate: number;
  #channels: number;
  #queue: { readonly data: Int16Array; sent(at: number): void }[] = [];
  readonly #byStream = new Map<string, Text>();
  #stopTrailers = (): void => {};
  #isOver = false;
  #line: Promise<void> | undefined;

  private constructor(o: CallerOptions) {
    this.identity = o.identity ?? "caller";
    this.#rate = o.rate ?? 48_000;
    this.#channels = o.channels ?? 1;
  }

  static async join(server: LiveKitServer, o: CallerOptions): Promise<Caller> {
    const caller = new Caller(o);
    const { room } = caller;
    const hears = o.hears ?? "agent";
    room.registerTextStreamHandler("lk.transcription", (reader, { identity }) => {
      const text: Text = {
        from: identity,
        attributes: { ...reader.info.attributes },
        text: "",
        isOver: false,
        trailer: {},
      };
      caller.texts.push(text);
      caller.#byStream.set(reader.info.streamId, text);
      void (async () => {
        for await (const piece of reader) text.text += piece;
        text.isOver = true;
      })().catch(() => {}); // the room was left
    });
    room.on(RoomEvent.TrackSubscribed, (track, _, participant) => {
      if (participant.identity === hears) caller.#listen(new AudioStream(track, { sampleRate: RATE, numChannels: 1 }));
    });
    const look = (participant: RemoteParticipant): void => {
      const state = participant.attributes["lk.agent.state"];
      if (participant.identity === hears && state !== undefined && caller.states.at(-1) !== state) {
        caller.states.push(state);
      }
    };
    room.on(RoomEvent.ParticipantConnected, look);
    room.on(RoomEvent.ParticipantAttributesChanged, (_, participant) => look(participant as RemoteParticipant));
    await room.connect(
      server.url,
      await server.token({
        identity: caller.identity,
        room: o.room,
        ...(o.kind && { kind: o.kind }),
        ...(o.attributes && { attributes: o.attributes }),
      }),
      { autoSubscribe: o.subscribes ?? true, dynacast: false },
    );
    for (const participant of room.remoteParticipants.values()) look(participant);
    caller.#readTrailers();
    if (o.speaks ?? true) await caller.publish();
    return caller;
  }

  /** Publishes a microphone, which is silent while nothing is said. */
  async publish({ announces = false }: { readonly announces?: boolean } = {}): Promise<void> {
    const source = new AudioSource(this.#rate, this.#channels, 200);
    const track = LocalAudioTrack.createAudioTrack("microphone", source);
    const options = new TrackPublishOptions({
      source: TrackSource.SOURCE_MICROPHONE,
      ...(announces && { preconnectBuffer: true }),
    });
    const publication = await this.room.localParticipant!.publishTrack(track, options);
    this.#source = source;
    this.#trackSid = publication.sid;
    this.#line = this.#speakOn(source);
  }

  /** Sends sound as recorded before, for the microphone. */
  async sendBefore(
    sound: AudioFrame,
    trackId: string | undefined = this.#trackSid,
    mimeType: string = "audio/pcm",
  ): Promise<void> {
    const writer = await this.room.localParticipant!.streamBytes({
      topic: "lk.agent.pre-connect-audio-buffer",
      mimeType,
      attributes: {
        trackId: trackId ?? "",
        sampleRate: String(sound.sampleRate),
        channels: String(sound.channels),
      },
    });
    await writer.write(int16ToBytes(sound.data));
    await writer.close();
  }

  async unpublish(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    await this.#line;
    if (this.#trackSid !== undefined) await this.room.localParticipant!.unpublishTrack(this.#trackSid);
    await source?.close();
  }

  get trackSid(): string | undefined {
    return this.#trackSid;
  }

  /** Says something; resolves when it was said, with when its first and its last sound were given to the room. */
  async say(sound: AudioFrame): Promise<Stretch> {
    const samples = convert(sound, this.#rate);
    const isAudible = (value: number): boolean => Math.abs(value) > AUDIBLE;
    const size = (this.#rate * FRAME_MS) / 1000;
    const sentAt: number[] = [];
    for (let at = 0; at < samples.length; at += size) {
      const data = new Int16Array(size);
      data.set(samples.subarray(at, at + size));
      this.#queue.push({ data, sent: (time) => void sentAt.push(time) });
    }
    await until("it was said", () => this.#queue.length === 0, this.#queue.length * FRAME_MS + 5_000);
    const timeOf = (index: number): number =>
      (sentAt[Math.floor(index / size)] ?? NaN) + ((index % size) * 1000) / this.#rate;
    return { from: timeOf(samples.findIndex(isAudible)), to: timeOf(samples.findLastIndex(isAudible)) };
  }

  /** Types a message. */
  async type(text: string): Promise<void> {
    await this.room.localParticipant!.sendText(text, { topic: "lk.chat" });
  }

  /** What was heard since then, in stretches: pauses shorter than `pauseMs` belong to them. */
  stretches(since = 0, pauseMs = 700): Stretch[] {
    const found: { from: number; to: number }[] = [];
    for (const { at, data } of this.heard) {
      if (at < since || !data.some((value) => Math.abs(value) > AUDIBLE)) continue;
      const last = found.at(-1);
      if (last !== undefined && at - last.to <= pauseMs) last.to = at + 10;
      else found.push({ from: at, to: at + 10 });
    }
    return found;
  }

  /** Waits for something to be said after `since`, and for a pause behind it. */
  async hearsOut(since: number, pauseMs = 700, limitMs = 30_000): Promise<Stretch> {
    const find = (): Stretch | undefined => {
      const [first] = this.stretches(since, pauseMs);
      return first !== undefined && wallNow() > first.to + pauseMs ? first : undefined;
    };
    await until("the agent says something", () => find() !== undefined, limitMs);
    return find() as Stretch;
  }

  /** Waits until the agent is heard after `since`; resolves with when it was. */
  async hears(since: number, limitMs = 20_000): Promise<number> {
    await until("the agent is heard", () => this.stretches(since).length > 0, limitMs);
    return (this.stretches(since)[0] as Stretch).from;
  }

  /** What was heard between two times, as one frame. */
  sound(from: number, to: number): AudioFrame {
    const blocks = this.heard.filter(({ at }) => at >= from && at <= to).map(({ data }) => data);
    const all = new Int16Array(blocks.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const block of blocks) {
      all.set(block, offset);
      offset += block.length;
    }
    return audioFrame(all, RATE);
  }

  async leave(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTrailers();
    const source = this.#source;
    this.#source = undefined;
    await this.#line;
    await this.room.disconnect();
    await source?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  #readTrailers(): void {
    const { _ffiClientInstance: client } = globalThis as unknown as { _ffiClientInstance: NativeClient };
    const listener = ({ message: { value } }: NativeEvent): void => {
      const trailer = value?.message?.case === "streamTrailerReceived" ? value.message.value?.trailer : undefined;
      const text = trailer === undefined ? undefined : this.#byStream.get(trailer.streamId);
      if (text !== undefined) text.trailer = trailer?.attributes ?? {};
    };
    client.on("ffi_event", listener);
    this.#stopTrailers = () => client.off("ffi_event", listener);
  }

  #listen(stream: AudioStream): void {
    void (async () => {
      for await (const { data } of stream as unknown as AsyncIterable<{ data: Int16Array }>) {
        this.heard.push({ at: wallNow(), data });
      }
    })().catch(() => {}); // the room was left
  }

  /** In true time: what is to be said, or silence. */
  async #speakOn(source: AudioSource): Promise<void> {
    const size = (this.#rate * FRAME_MS) / 1000;
    let dueAt = performance.now();
    while (this.#source === source) {
      const wait = dueAt - performance.now();
      if (wait > 0) await sleep(wait);
      // Who is late goes on from there: sound that piles up in LiveKit's queue would be late for the rest of the call.
      dueAt = Math.max(dueAt, performance.now() - FRAME_MS) + FRAME_MS;
      const next = this.#queue.shift();
      next?.sent(wallNow());
      const mono = next?.data ?? new Int16Array(size);
      const data = new Int16Array(size * this.#channels);
      for (let at = 0; at < data.length; at++) data[at] = mono[Math.floor(at / this.#channels)] as number;
      await source.captureFrame(new RtcFrame(data, this.#rate, this.#channels, size)).catch(() => {}); // it was left
    }
  }
}

function convert(sound: AudioFrame, rate: number): Int16Array {
  const { data, sampleRate } = monoFrame(sound);
  if (sampleRate === rate) return data;
  const line = resampler({ from: sampleRate, to: rate });
  const parts = [line.push(data), line.flush()];
  const all = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
