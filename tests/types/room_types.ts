/** The rooms of `@livekit/rtc-node` are rooms of ours. */
import type { LocalParticipant, RemoteParticipant, Room } from "@livekit/rtc-node";
import {
  type RoomIO,
  roomIO,
  type RtcLocalParticipant,
  type RtcParticipant,
  type RtcRoom,
} from "../../adapters/livekit/mod.ts";
import { AgentSession } from "../../mod.ts";

declare const room: Room;
declare const remote: RemoteParticipant;
declare const local: LocalParticipant;

export const fits: readonly [RtcRoom, RtcParticipant, RtcLocalParticipant] = [room, remote, local];

export const joined: RoomIO = roomIO(room, { audioInput: { sampleRate: 16_000 }, participantKinds: ["sip"] });
export const addressed: RoomIO = roomIO({ url: "wss://host", token: "t" });
// @ts-expect-error: a room without a token cannot be joined
roomIO({ url: "wss://host" });
// @ts-expect-error: kinds have names
roomIO(room, { participantKinds: [3] });
// @ts-expect-error: no such option
roomIO(room, { videoInput: true });

declare const agent: Parameters<AgentSession["start"]>[0]["agent"];
void new AgentSession().start({ agent, io: joined });
