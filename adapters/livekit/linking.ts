/**
 * Who is the caller: the rules, as pure functions.
 *
 * @module
 */
import { DISCONNECT_REASON, PARTICIPANT_KINDS, type ParticipantKindName, type RtcParticipant } from "./rtc.ts";

/** The attribute of a participant that speaks for another one, such as an avatar. */
export const ON_BEHALF = "lk.publish_on_behalf";

/** Kinds that are linked by default. */
export const DEFAULT_PARTICIPANT_KINDS: readonly ParticipantKindName[] = ["connector", "sip", "standard"];

/** Reasons for leaving that end the conversation: the others may be a network that fails, and the caller may come back. */
const FINAL_REASONS: readonly number[] = [
  DISCONNECT_REASON.clientInitiated,
  DISCONNECT_REASON.roomDeleted,
  DISCONNECT_REASON.userRejected,
];

/** What the rules go by. */
export interface LinkingRules {
  /** Only this one; undefined: whoever comes first. */
  readonly identity: string | undefined;
  /** Kinds that may be linked, by name. */
  readonly kinds: readonly ParticipantKindName[];
  /** The agent's own name. */
  readonly localIdentity: string | undefined;
}

/** Whether somebody may be the caller, when nobody is yet. */
export function mayLink(participant: RtcParticipant, { identity, kinds, localIdentity }: LinkingRules): boolean {
  if (identity !== undefined && participant.identity !== identity) return false;
  if (identity === undefined && speaksFor(participant, localIdentity)) return false; // our own avatar
  return participant.kind === undefined || kinds.some((name) => PARTICIPANT_KINDS[name] === participant.kind);
}

/** Whether it speaks for this side. */
export function speaksFor({ attributes }: RtcParticipant, localIdentity: string | undefined): boolean {
  return localIdentity !== undefined && attributes[ON_BEHALF] === localIdentity;
}

/** Whether leaving for this reason ends the conversation. */
export function endsConversation(reason: number | undefined): boolean {
  return reason !== undefined && FINAL_REASONS.includes(reason);
}
