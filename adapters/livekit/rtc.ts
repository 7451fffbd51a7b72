/**
 * The part of `@livekit/rtc-node` used here, an optional peer that is imported when the first room is joined.
 *
 * Its types are written out, so that a program that joins no room needs none of its declarations, and any version that fits
 * will do.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";

/** The name of a kind of participant. */
export type ParticipantKindName = "standard" | "ingress" | "egress" | "sip" | "agent" | "connector" | "bridge";

/** Kinds of participants, as LiveKit numbers them. */
export const PARTICIPANT_KINDS: Readonly<Record<ParticipantKindName, number>> = {
  standard: 0,
  ingress: 1,
  egress: 2,
  sip: 3,
  agent: 4,
  connector: 5,
  bridge: 6,
};

/** Why somebody, or the room, was disconnected, as LiveKit numbers it. */
export const DISCONNECT_REASON = {
  clientInitiated: 1,
  participantRemoved: 4,
  roomDeleted: 5,
  roomClosed: 10,
  userRejected: 12,
} as const;

/** `TrackSource.SOURCE_MICROPHONE`. */
export const SOURCE_MICROPHONE = 2;
/** `ConnectionState.CONN_RECONNECTING`. */
export const CONN_RECONNECTING = 2;

/** A block of sound as LiveKit has it. */
export interface RtcAudioFrame {
  /** Interleaved samples. */
  readonly data: Int16Array;
  /** Samples per second and channel. */
  readonly sampleRate: number;
  /** Number of interleaved channels. */
  readonly channels: number;
  /** Length in samples. */
  readonly samplesPerChannel: number;
}

/** Something that is published. */
export interface RtcPublication {
  /** Its id. */
  readonly sid?: string | undefined;
  /** Where it comes from, by number. */
  readonly source?: number | undefined;
  /** What is heard of it, while it is subscribed. */
  readonly track?: object | undefined;
  /** What more is known of it. */
  readonly info?: { readonly audioFeatures?: readonly number[] } | undefined;
}

/** Somebody in a room. */
export interface RtcParticipant {
  /** Its name in the room, unique. */
  readonly identity: string;
  /** Its kind, by number. */
  readonly kind?: number | undefined;
  /** What it tells about itself. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Why it left. */
  readonly disconnectReason?: number | undefined;
  /** What it publishes, by id. */
  readonly trackPublications: ReadonlyMap<string, RtcPublication>;
}

/** A text that is being sent. */
export interface RtcTextWriter {
  /** Sends a piece. */
  write(text: string): Promise<void>;
  /** Ends it. */
  close(): Promise<void>;
}

/** What is published by this side. */
export interface RtcLocalPublication extends RtcPublication {
  /** Settles when somebody hears it. */
  waitForSubscription(): Promise<void>;
}

/** This side, in a room. */
export interface RtcLocalParticipant extends RtcParticipant {
  /** Tells something about this side. */
  setAttributes(attributes: Record<string, string>): Promise<void>;
  /** Begins to send a text. */
  streamText(options?: {
    topic?: string;
    attributes?: Record<string, string>;
    senderIdentity?: string;
  }): Promise<RtcTextWriter>;
  /** Publishes a track. */
  publishTrack(track: never, options: never): Promise<RtcLocalPublication>;
  /** Ends the publication of a track. */
  unpublishTrack(sid: string, stopOnUnpublish?: boolean): Promise<void>;
}

/** A text that comes in. */
export interface RtcTextReader extends AsyncIterable<string> {
  /** What is known of it from the start. */
  readonly info: { readonly streamId: string; readonly attributes?: Record<string, string> | undefined };
}

/** Bytes that come in. */
export interface RtcByteReader extends AsyncIterable<Uint8Array> {
  /** What is known of them from the start. */
  readonly info: { readonly mimeType: string; readonly attributes?: Record<string, string> | undefined };
}

/** A room of `@livekit/rtc-node`: its `Room` fits. */
export interface RtcRoom {
  /** Its name. */
  readonly name?: string | undefined;
  /** This side has joined it and was not parted from it. */
  readonly isConnected: boolean;
  /** How the connection is, by number. */
  readonly connectionState: number;
  /** This side, once it has joined. */
  readonly localParticipant?: RtcLocalParticipant | undefined;
  /** The others, by identity. */
  readonly remoteParticipants: ReadonlyMap<string, RtcParticipant>;
  /** Joins it. */
  connect(url: string, token: string): Promise<void>;
  /** Leaves it. */
  disconnect(): Promise<void>;
  /** Calls back for an event. */
  on(event: never, listener: never): unknown;
  /** Ends what `on` began. */
  off(event: never, listener: never): unknown;
  /** Takes texts of a topic. Throws when somebody does already. */
  registerTextStreamHandler(
    topic: string,
    handler: (reader: RtcTextReader, from: { identity: string }) => void,
  ): void;
  /** Takes bytes of a topic. Throws when somebody does already. */
  registerByteStreamHandler(
    topic: string,
    handler: (reader: RtcByteReader, from: { identity: string }) => void,
  ): void;
  /** Takes no more bytes of a topic. */
  unregisterByteStreamHandler(topic: string): void;
  /** Takes no more texts of a topic. */
  unregisterTextStreamHandler(topic: string): void;
}

/** The events used here, and what they bring. */
export interface RtcRoomEvents {
  participantConnected: (participant: RtcParticipant) => void;
  participantDisconnected: (participant: RtcParticipant) => void;
  participantAttributesChanged: (changed: Readonly<Record<string, string>>, participant: RtcParticipant) => void;
  trackPublished: (publication: RtcPublication, participant: RtcParticipant) => void;
  trackSubscribed: (track: object, publication: RtcPublication, participant: RtcParticipant) => void;
  trackUnsubscribed: (track: object, publication: RtcPublication, participant: RtcParticipant) => void;
  trackUnpublished: (publication: RtcPublication, participant: RtcParticipant) => void;
  connectionStateChanged: (state: number) => void;
  disconnected: (reason: number | undefined) => void;
}

/** Calls back for an event of a room, until the function that it returns is called. A listener must not throw. */
export function onRoom<Name extends keyof RtcRoomEvents>(
  room: RtcRoom,
  name: Name,
  listener: RtcRoomEvents[Name],
): () => void {
  room.on(name as never, listener as never);
  return () => void room.off(name as never, listener as never);
}

/** Where sound is put for others to hear. */
export interface RtcAudioSource {
  /** Takes a frame; settles when it has room for the next. */
  captureFrame(frame: RtcAudioFrame): Promise<void>;
  /** Throws away what it has not sent. */
  clearQueue(): void;
  /** Frees it. */
  close(): Promise<void>;
}

/** The module. */
export interface Rtc {
  readonly Room: new () => RtcRoom;
  readonly AudioSource: new (sampleRate: number, channels: number, queueSizeMs: number) => RtcAudioSource;
  readonly AudioFrame: new (data: Int16Array, sampleRate: number, channels: number, samples: number) => RtcAudioFrame;
  readonly AudioStream: new (
    track: object,
    options: Readonly<Record<string, unknown>>,
  ) => ReadableStream<RtcAudioFrame>;
  readonly LocalAudioTrack: {
    createAudioTrack(name: string, source: RtcAudioSource): { close(closeSource?: boolean): Promise<void> };
  };
  readonly TrackPublishOptions: new (options: Readonly<Record<string, unknown>>) => object;
  /** Frees everything native. */
  dispose(): PromiseLike<void> | void;
}

let loading: Promise<Rtc> | undefined;

/**
 * Imports LiveKit's package, once; a failure may be tried again.
 *
 * @throws {AgentError} `runtime.missing` where it is not installed, or has no native part for this place.
 */
export function loadRtc(): Promise<Rtc> {
  loading ??= import("@livekit/rtc-node").then(
    (module) => module as unknown as Rtc,
    (cause) => {
      loading = undefined;
      throw new AgentError(
        "runtime.missing",
        "Cannot join a room as the package must be installed (`npm install @livekit/rtc-node`): current value is no such package",
        { cause },
      );
    },
  );
  return loading;
}
