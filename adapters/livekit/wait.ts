/**
 * Waiting for what happens in a room. Whatever comes of it, no listener is left behind.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import {
  onRoom,
  PARTICIPANT_KINDS,
  type ParticipantKindName,
  type RtcParticipant,
  type RtcPublication,
  type RtcRoom,
} from "./rtc.ts";

/** How to wait. */
export interface WaitOptions {
  /** Ends the waiting, which rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Whom to wait for. */
export interface WaitForParticipantOptions extends WaitOptions {
  /** Only this one. */
  readonly identity?: string;
  /** Only these kinds. Default: any. */
  readonly kind?: ParticipantKindName | readonly ParticipantKindName[];
}

/** What to wait for. */
export interface WaitForTrackOptions extends WaitOptions {
  /** Only of this one; the waiting ends when that participant leaves. */
  readonly identity?: string;
  /** Until it can be heard, and not only until it is there. Default false. */
  readonly waitForSubscription?: boolean;
}

/**
 * Waits for somebody in a room, who may be there already.
 *
 * @throws {AgentError} `room.not_connected` when the room is not joined, or is left meanwhile.
 *
 * @example
 * ```ts
 * const caller = await waitForParticipant(room, { kind: ["standard", "sip"] });
 * ```
 */
export function waitForParticipant(room: RtcRoom, options: WaitForParticipantOptions = {}): Promise<RtcParticipant> {
  const { identity, kind } = options;
  const names = kind === undefined ? undefined : typeof kind === "string" ? [kind] : kind;
  const fits = (one: RtcParticipant): boolean =>
    (identity === undefined || one.identity === identity) &&
    (names === undefined || names.some((name) => PARTICIPANT_KINDS[name] === one.kind));
  return waitIn(room, "wait for a participant", options, (found) => {
    for (const one of room.remoteParticipants.values()) if (fits(one)) return found(one);
    return [onRoom(room, "participantConnected", (one) => void (fits(one) && found(one)))];
  });
}

/**
 * Waits for an agent in a room, by its name (`lk.agent.name`) where one is given.
 *
 * @throws {AgentError} `room.not_connected` when the room is not joined, or is left meanwhile.
 */
export function waitForAgent(
  room: RtcRoom,
  options: WaitOptions & { readonly agentName?: string } = {},
): Promise<RtcParticipant> {
  const fits = (one: RtcParticipant): boolean =>
    one.kind === PARTICIPANT_KINDS.agent &&
    (options.agentName === undefined || one.attributes["lk.agent.name"] === options.agentName);
  return waitIn(room, "wait for an agent", options, (found) => {
    for (const one of room.remoteParticipants.values()) if (fits(one)) return found(one);
    return [
      onRoom(room, "participantConnected", (one) => void (fits(one) && found(one))),
      onRoom(room, "participantAttributesChanged", (_, one) => void (fits(one) && found(one))),
    ];
  });
}

/**
 * Waits for something that others publish.
 *
 * @throws {AgentError} `room.not_connected` when the room is not joined, or is left meanwhile; `room.participant_left` when the one
 *   that was asked for leaves.
 */
export function waitForTrackPublication(room: RtcRoom, options: WaitForTrackOptions = {}): Promise<RtcPublication> {
  const { identity, waitForSubscription = false } = options;
  const fits = (one: RtcParticipant): boolean => identity === undefined || one.identity === identity;
  return waitIn(room, "wait for a track", options, (found, failed) => {
    for (const one of room.remoteParticipants.values()) {
      if (!fits(one)) continue;
      for (const publication of one.trackPublications.values()) {
        if (!waitForSubscription || publication.track !== undefined) return found(publication);
      }
    }
    return [
      waitForSubscription
        ? onRoom(room, "trackSubscribed", (_, publication, one) => void (fits(one) && found(publication)))
        : onRoom(room, "trackPublished", (publication, one) => void (fits(one) && found(publication))),
      whenLeft(room, identity, "wait for a track", failed),
    ];
  });
}

/**
 * Waits until an attribute of a participant has a value.
 *
 * @throws {AgentError} `room.not_connected` when the room is not joined, or is left meanwhile; `room.participant_left` when the
 *   participant is not there, or leaves.
 *
 * @example
 * ```ts
 * await waitForParticipantAttribute(room, "agent", "lk.agent.state", "listening");
 * ```
 */
export async function waitForParticipantAttribute(
  room: RtcRoom,
  identity: string,
  attribute: string,
  value: string,
  options: WaitOptions = {},
): Promise<void> {
  const action = "wait for an attribute";
  await waitIn<true>(room, action, options, (found, failed) => {
    const participant = room.remoteParticipants.get(identity);
    if (participant === undefined) return failed(gone(action, identity));
    if (participant.attributes[attribute] === value) return found(true);
    return [
      onRoom(room, "participantAttributesChanged", (_, one) => {
        if (one.identity === identity && one.attributes[attribute] === value) found(true);
      }),
      whenLeft(room, identity, action, failed),
    ];
  });
}

function gone(action: string, identity: string): AgentError {
  return new AgentError(
    "room.participant_left",
    `Cannot ${action} as the participant must be in the room: current value is ${identity}, who is not`,
  );
}

function whenLeft(
  room: RtcRoom,
  identity: string | undefined,
  action: string,
  failed: (error: AgentError) => void,
): () => void {
  if (identity === undefined) return () => {};
  return onRoom(room, "participantDisconnected", (one) => {
    if (one.identity === identity) failed(gone(action, identity));
  });
}

/** Looks and listens in one go, so that nothing is missed between; lets go of everything, whatever comes of it. */
function waitIn<T>(
  room: RtcRoom,
  action: string,
  { signal }: WaitOptions,
  look: (found: (value: T) => void, failed: (error: unknown) => void) => readonly (() => void)[] | void,
): Promise<T> {
  const notConnected = (): AgentError =>
    new AgentError(
      "room.not_connected",
      `Cannot ${action} as the room must be joined: current value is ${room.name ?? "a room"} that is not`,
    );
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    if (!room.isConnected) return reject(notConnected());
    let offs: (() => void)[] = [];
    let isOver = false;
    const end = (): void => {
      isOver = true;
      for (const off of offs) off();
      signal?.removeEventListener("abort", abort);
    };
    const failed = (error: unknown): void => {
      end();
      reject(error);
    };
    const abort = (): void => failed(signal?.reason);
    const found = look((value) => {
      end();
      resolve(value);
    }, failed);
    if (isOver) return;
    offs = [...(found ?? []), onRoom(room, "disconnected", () => failed(notConnected()))];
    signal?.addEventListener("abort", abort);
  });
}
