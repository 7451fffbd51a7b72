/**
 * One session in one room, from the joining to the parting.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { AgentSession } from "../../src/session/agent_session.ts";
import { AGENT_STATE, latestWriter } from "./agent_state.ts";
import { listenToChat } from "./chat.ts";
import { endsConversation, mayLink, speaksFor } from "./linking.ts";
import { type Microphone, openMicrophone } from "./microphone.ts";
import type { ResolvedRoomOptions } from "./options.ts";
import { listenBefore } from "./pre_connect.ts";
import {
  CONN_RECONNECTING,
  DISCONNECT_REASON,
  onRoom,
  type Rtc,
  type RtcAudioSource,
  type RtcParticipant,
  type RtcRoom,
  SOURCE_MICROPHONE,
} from "./rtc.ts";
import { LEAD_MS, roomSpeaker, type Speaker } from "./speaker.ts";
import { agentTranscript, type UserTranscript, userTranscript } from "./transcription.ts";

/** LiveKit's queue. Specified: 05 section 5.1. More than the lead, so that it never makes a frame wait. */
const QUEUE_MS = 2 * LEAD_MS;
/** What was played last is on its way for so long: the room is not left before. Chosen: the queue, and half of that for the way. */
const LINGER_MS = 300;
/** How long the caller may take to listen to the agent, who then speaks all the same. Chosen: clients do it in some 100 ms. */
const LISTEN_LIMIT_MS = 10_000;
/** How long one step of the parting may take. Chosen: a server that does not answer holds nobody up. */
const STEP_LIMIT_MS = 2_000;
/** As `close()` without a deadline. */
const CLOSE_LIMIT_MS = 20_000;

/** One session in one room. */
export interface Attachment extends AsyncDisposable {
  /** Who the caller is, while in the room. */
  readonly linked: RtcParticipant | undefined;
  /** Settles when the caller is linked and can hear the agent; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Makes somebody else the caller, whatever the rules say; null: nobody. */
  setParticipant(identity: string | null): void;
}

/** Joins a session to a room that is, or is going to be, joined. */
export function attachRoom(rtc: Rtc, room: RtcRoom, session: AgentSession, o: ResolvedRoomOptions): Attachment {
  const core = session["~core"];
  const { clock } = core;
  const log: typeof core.log = (level, message, fields) => core.log(level, message, { area: "room", ...fields });
  const warn = (message: string, fields: Readonly<Record<string, unknown>>): void => log("warn", message, fields);
  const newId = (prefix: string): string => core.newId(prefix);
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {}); // nobody has to wait for it
  let identity = o.participantIdentity;
  let isChosen = false; // by the program, which knows better than the rules
  let linked: RtcParticipant | undefined;
  let isOver = false;
  const offs: (() => void)[] = [];

  const mayFill = (slot: unknown, name: string): boolean => {
    if (slot !== null) log("warn", "a slot is filled already and stays as it is", { slot: name });
    return slot === null;
  };
  const hears = o.audioInput !== false && mayFill(session.input.audio, "input.audio") ? o.audioInput : undefined;
  const speaks = o.audioOutput !== false && mayFill(session.output.audio, "output.audio") ? o.audioOutput : undefined;
  const writes = o.textOutput !== false && mayFill(session.output.transcription, "output.transcription")
    ? o.textOutput
    : undefined;

  // What is heard, said and written. Nothing is published before there is somebody to hear it.
  const before = hears?.preConnectAudio === true
    ? listenBefore(room, { clock, warn, ...hears, timeoutMs: hears.preConnectAudioTimeout })
    : undefined;
  const microphone: Microphone | undefined = hears && openMicrophone(rtc, room, {
    clock,
    log,
    before,
    ...hears,
    noiseCancellation: hears.noiseCancellation,
  });
  const track = speaks && openTrack(rtc, speaks);
  const speaker: Speaker | undefined = track && speaks && roomSpeaker(clock, {
    write: (frame) =>
      track.source.captureFrame(
        new rtc.AudioFrame(frame.data, frame.sampleRate, frame.channels, frame.samplesPerChannel),
      ),
    clear: () => track.source.clearQueue(),
  }, speaks);
  speaker?.hold("nobody listens");
  let publishing: Promise<string | undefined> | undefined;
  let agentTrackSid: string | undefined;
  const agentWords = writes && agentTranscript({
    room,
    clock,
    newId,
    warn,
    jsonFormat: writes.jsonFormat,
    trackSid: () => agentTrackSid,
  });
  const userWords: UserTranscript | undefined = o.textOutput === false ? undefined : userTranscript({
    room,
    clock,
    newId,
    warn,
    trackSid: () => microphone?.trackSid,
  });
  const state = latestWriter(
    (value) => room.isConnected ? room.localParticipant?.setAttributes({ [AGENT_STATE]: value }) : undefined,
    (error) => void (room.isConnected && log("warn", "the agent's state could not be told to the room", { error })),
  );

  const link = (participant: RtcParticipant): void => {
    linked = participant;
    identity = participant.identity;
    log("debug", "a participant is linked", { participant: identity });
    microphone?.bind(identity);
    userWords?.bind(identity);
    publishing ??= publish();
    const release = (): void => {
      if (!isOver && linked === participant) speaker?.release("nobody listens");
    };
    const off = clock.schedule(clock.now() + LISTEN_LIMIT_MS, () => {
      if (!isOver && linked === participant) warn("the caller does not listen to the agent", { participant: identity });
      release();
    });
    offs.push(off);
    void publishing.then((sid) => {
      off();
      release();
      if (!isOver && linked === participant && (sid !== undefined || track === undefined)) ready.resolve();
    });
  };

  /** Publishes the agent's voice, and waits until somebody hears it. Never rejects. */
  const publish = async (): Promise<string | undefined> => {
    const local = room.localParticipant;
    if (track === undefined || speaks === undefined || local === undefined) return undefined;
    try {
      const options = new rtc.TrackPublishOptions({ source: SOURCE_MICROPHONE });
      const publication = await local.publishTrack(track.track as never, options as never);
      agentTrackSid = publication.sid;
      await publication.waitForSubscription();
      return publication.sid;
    } catch (error) {
      if (!isOver) core.partFailed("the agent's voice could not be published", "output.audio", error);
      ready.reject(error);
      return undefined;
    }
  };

  const consider = (participant: RtcParticipant): void => {
    if (linked !== undefined || isOver) return;
    if (isChosen) return void (participant.identity === identity && link(participant));
    const localIdentity = room.localParticipant?.identity;
    if (mayLink(participant, { identity, kinds: o.participantKinds, localIdentity })) link(participant);
  };

  const considerAll = (): void => {
    for (const participant of room.remoteParticipants.values()) consider(participant);
  };

  const unlink = (): void => {
    linked = undefined;
    speaker?.hold("nobody listens");
  };

  const joined = (): void => {
    if (!room.isConnected) return;
    state.poke();
    considerAll();
  };

  const close = (reason: Parameters<AgentSession["~close"]>[0]): void => {
    void session["~close"](reason, false, CLOSE_LIMIT_MS);
  };

  const lost = (reason: number | undefined): void => {
    if (isOver) return;
    const error = new AgentError(
      "room.lost",
      `Cannot go on as the room must stay joined: current value is disconnected, reason ${reason ?? "unknown"}`,
    );
    ready.reject(error);
    if (reason === DISCONNECT_REASON.clientInitiated) return close("user_initiated");
    const isEnded = reason === DISCONNECT_REASON.roomDeleted || reason === DISCONNECT_REASON.roomClosed ||
      reason === DISCONNECT_REASON.participantRemoved;
    if (isEnded) return close("participant_disconnected");
    core.partFailed("the room is lost", "io", error);
    close("error");
  };

  offs.push(
    onRoom(room, "participantConnected", consider),
    onRoom(room, "participantAttributesChanged", (_, participant) => {
      // Our own avatar may say so only after it came in.
      const isOurs = speaksFor(participant, room.localParticipant?.identity);
      if (participant.identity !== linked?.identity || o.participantIdentity !== undefined || isChosen || !isOurs) {
        return;
      }
      unlink();
      identity = undefined;
      microphone?.bind(null);
      userWords?.bind(null);
      considerAll();
    }),
    onRoom(room, "participantDisconnected", (participant) => {
      if (participant.identity !== linked?.identity) return;
      unlink(); // under the same name it is linked again
      const { disconnectReason } = participant;
      log("debug", "the caller has left", { participant: participant.identity, disconnectReason });
      if (o.closeOnDisconnect && endsConversation(disconnectReason)) close("participant_disconnected");
    }),
    onRoom(room, "connectionStateChanged", (now) => {
      if (now === CONN_RECONNECTING) speaker?.hold("reconnecting");
      else if (room.isConnected) speaker?.release("reconnecting");
      joined();
    }),
    onRoom(room, "disconnected", lost),
    session.on("agent_state_changed", ({ newState }) => state.set(newState)),
    session.on("user_input_transcribed", ({ transcript, isFinal }) => userWords?.push(transcript, isFinal)),
  );
  if (o.textInput !== false) {
    offs.push(listenToChat(room, {
      session,
      clock,
      log,
      callback: o.textInput.textInputCallback,
      accepts: (sender) =>
        linked === undefined ? identity === undefined || identity === sender : linked.identity === sender,
    }));
  }

  if (microphone !== undefined) session.input.audio = microphone.audio;
  if (speaker !== undefined) session.output.audio = speaker;
  if (agentWords !== undefined) session.output.transcription = agentWords;
  if (writes !== undefined) session.output.syncTranscription = writes.syncTranscription;
  state.set(session.agentState);
  joined();

  const step = (what: string, work: () => PromiseLike<void> | void): Promise<void> =>
    core.calls.within(`room: ${what}`, STEP_LIMIT_MS, work);

  const part = async (): Promise<void> => {
    isOver = true;
    for (const off of offs) off();
    ready.reject(new AgentError("room.lost", "Cannot be ready as the session has closed: current value is closed"));
    state.stop();
    const lastHeardAt = speaker?.heardAt ?? -Infinity;
    if (room.isConnected) {
      await step("what was said last", () => linger(lastHeardAt + LINGER_MS - clock.now()));
    }
    before?.close();
    await step("microphone", () => microphone?.close());
    await step("the caller's words", () => userWords?.close());
    await step("the agent's words", () => agentWords?.close());
    speaker?.close();
    if (session.output.audio === speaker) session.output.audio = null;
    await step("track", async () => {
      if (agentTrackSid !== undefined && room.isConnected) {
        await room.localParticipant?.unpublishTrack(agentTrackSid);
      }
    });
    await step("voice", () => track?.close());
  };

  const linger = (ms: number): Promise<void> => {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => void clock.schedule(clock.now() + Math.min(ms, LINGER_MS), resolve));
  };

  let parting: Promise<void> | undefined;
  return {
    get linked() {
      return linked;
    },
    ready: ready.promise,
    setParticipant(next) {
      if (next === (linked?.identity ?? null)) return;
      if (linked !== undefined) unlink();
      identity = next ?? undefined;
      isChosen = next !== null;
      microphone?.bind(next);
      userWords?.bind(next);
      const participant = next === null ? undefined : room.remoteParticipants.get(next);
      if (participant !== undefined && room.isConnected) link(participant);
    },
    [Symbol.asyncDispose]: () => parting ??= part(),
  };
}

/** The agent's track, which is not published yet. */
function openTrack(
  rtc: Rtc,
  { sampleRate, numChannels, trackName }: {
    readonly sampleRate: number;
    readonly numChannels: number;
    readonly trackName: string;
  },
): { readonly source: RtcAudioSource; readonly track: object; close(): Promise<void> } {
  const source = new rtc.AudioSource(sampleRate, numChannels, QUEUE_MS);
  const track = rtc.LocalAudioTrack.createAudioTrack(trackName, source);
  return { source, track, close: () => track.close(true) };
}
