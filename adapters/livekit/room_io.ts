/**
 * Joins a session to a LiveKit room.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { AgentSession, SessionIO } from "../../src/session/agent_session.ts";
import { type Attachment, attachRoom } from "./attachment.ts";
import { keepNative } from "./native.ts";
import { resolveRoomOptions, type RoomIOOptions } from "./options.ts";
import { loadRtc, type RtcParticipant, type RtcRoom } from "./rtc.ts";

/** Where a room is, and the right to join it. */
export interface RoomAddress {
  /** The server, as `wss://...`. */
  readonly url: string;
  /** A token for the room. It should allow `canUpdateOwnMetadata`, so that the room sees what the agent does. */
  readonly token: string;
}

/** A session's place in a room. */
export interface RoomIO extends SessionIO {
  /** The room; undefined while there is none: of an address, before the session starts and after it closed. */
  readonly room: RtcRoom | undefined;
  /** The caller, while in the room. */
  readonly linkedParticipant: RtcParticipant | undefined;
  /**
   * Settles when the caller is there and hears the agent. What the agent says before waits for it, and is not lost.
   *
   * @throws {AgentError} `room.not_connected` while no session is attached; `room.lost` when that ends before.
   */
  waitForReady(): Promise<void>;
  /**
   * Makes somebody the caller, now or as soon as they come, whatever their kind; null: nobody.
   *
   * @throws {AgentError} `room.not_connected` while no session is attached.
   */
  setParticipant(identity: string | null): void;
}

/**
 * Makes what joins a session to a LiveKit room: the first participant that comes is the caller, who is heard, hears the agent,
 * may type, and reads what both say. The session closes when the caller leaves.
 *
 * Needs the package `@livekit/rtc-node`, on Node, Bun or Deno.
 *
 * @param room A room of that package, joined or not: it stays as it is when the session closes. Or an address: then the room is
 *   joined when the session starts and left when it closes.
 * @throws {AgentError} `session.bad_option` for an option that does not exist or does not fit. In `start`, as the cause of
 *   `session.start_failed`: `runtime.missing` without the package, `room.connect_failed` when the room cannot be joined.
 *
 * @example
 * ```ts
 * const session = new AgentSession({ vad, stt, llm, tts });
 * await session.start({ agent, io: roomIO({ url, token }) });
 * ```
 */
export function roomIO(room: RtcRoom | RoomAddress, options: RoomIOOptions = {}): RoomIO {
  checkRoom(room);
  const resolved = resolveRoomOptions(options);
  let current: { readonly room: RtcRoom; readonly attachment: Attachment } | undefined;
  let isAttaching = false;

  const attached = (action: string): Attachment => {
    if (current !== undefined) return current.attachment;
    throw new AgentError(
      "room.not_connected",
      `Cannot ${action} as a session must be attached to the room: current value is none`,
    );
  };

  const attach = async (session: AgentSession): Promise<AsyncDisposable> => {
    const rtc = await loadRtc();
    const isOurs = !isRoom(room);
    const joined = isOurs ? new rtc.Room() : room;
    const release = await keepNative(rtc, joined);
    let attachment: Attachment;
    try {
      attachment = attachRoom(rtc, joined, session, resolved);
    } catch (error) {
      await release();
      throw error;
    }
    current = { room: joined, attachment };
    const part = async (): Promise<void> => {
      try {
        await attachment[Symbol.asyncDispose]();
      } finally {
        current = undefined;
        if (isOurs) await joined.disconnect();
        await release();
      }
    };
    if (isOurs) {
      try {
        await joined.connect(room.url, room.token);
      } catch (cause) {
        await part();
        throw new AgentError(
          "room.connect_failed",
          "Cannot join a room as its server must let us in: current value is a refusal or no answer, see the cause",
          { cause },
        );
      }
    }
    return { [Symbol.asyncDispose]: part };
  };

  return {
    get room() {
      return isRoom(room) ? room : current?.room;
    },
    get linkedParticipant() {
      return current?.attachment.linked;
    },
    async waitForReady() {
      await attached("wait for the caller").ready;
    },
    setParticipant: (identity) => attached("choose the caller").setParticipant(identity),
    async attach(session) {
      if (current !== undefined || isAttaching) {
        throw new AgentError(
          "session.bad_option",
          "Cannot attach a session as a `roomIO` is for one session at a time: current value is attached",
        );
      }
      isAttaching = true;
      try {
        return await attach(session);
      } finally {
        isAttaching = false;
      }
    },
  };
}

function isRoom(room: RtcRoom | RoomAddress): room is RtcRoom {
  return "remoteParticipants" in room;
}

function checkRoom(room: unknown): void {
  const given = (typeof room === "object" && room !== null ? room : {}) as Partial<RtcRoom & RoomAddress>;
  if (typeof given.url === "string" && typeof given.token === "string") return;
  if (given.remoteParticipants !== undefined && typeof given.on === "function") return;
  throw new AgentError(
    "session.bad_option",
    `Cannot join a room as it must be a \`Room\` of @livekit/rtc-node or { url, token }: current value is ${
      room === null ? "null" : typeof room
    }`,
  );
}
