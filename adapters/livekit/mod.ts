/**
 * A session in a LiveKit room.
 *
 * Loads without LiveKit's packages; joining a room needs `@livekit/rtc-node`.
 *
 * @module
 */
export { type RoomAddress, type RoomIO, roomIO } from "./room_io.ts";
export type {
  AudioInputOptions,
  AudioOutputOptions,
  NoiseCancellation,
  NoiseFilter,
  RoomIOOptions,
  TextInputOptions,
  TextOutputOptions,
} from "./options.ts";
export type { TextInputCallback, TextInputEvent } from "./chat.ts";
export {
  waitForAgent,
  waitForParticipant,
  waitForParticipantAttribute,
  type WaitForParticipantOptions,
  type WaitForTrackOptions,
  waitForTrackPublication,
  type WaitOptions,
} from "./wait.ts";
export type {
  ParticipantKindName,
  RtcByteReader,
  RtcLocalParticipant,
  RtcLocalPublication,
  RtcParticipant,
  RtcPublication,
  RtcRoom,
  RtcTextReader,
  RtcTextWriter,
} from "./rtc.ts";
