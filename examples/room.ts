/**
 * The bookshop answers in a LiveKit room: a detector, a recogniser and a voice on this machine; rules stand in for a language
 * model, and with `OPENAI_API_KEY` or `OPENAI_BASE_URL` in the environment a real one answers.
 *
 *     LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_TOKEN=... node examples/room.ts      (or `bun`, or `deno run -A`)
 *
 * Instead of a token: `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`, and the room's name in `LIVEKIT_ROOM` (default "bookshop").
 * Needs the package `@livekit/rtc-node`. Ends when the caller leaves.
 */
import { AccessToken } from "livekit-server-sdk";
import { AgentSession } from "../mod.ts";
import { fliteTTS } from "../adapters/flite/mod.ts";
import { roomIO } from "../adapters/livekit/mod.ts";
import { openaiFromEnv } from "../adapters/openai/mod.ts";
import { detectRuntime } from "../adapters/runtime/detect.ts";
import { sileroVAD } from "../adapters/silero/mod.ts";
import { whisperSTT } from "../adapters/whisper/mod.ts";
import { Bookseller, booksellerModel } from "./shared/bookshop.ts";

const runtime = detectRuntime();
const { clock, env = () => undefined } = runtime;

async function newToken(): Promise<string> {
  const token = new AccessToken(env("LIVEKIT_API_KEY"), env("LIVEKIT_API_SECRET"), { identity: "bookseller" });
  token.kind = "agent";
  token.addGrant({ roomJoin: true, room: env("LIVEKIT_ROOM") ?? "bookshop", canUpdateOwnMetadata: true });
  return await token.toJwt();
}

await using vad = sileroVAD();
await using stt = whisperSTT();
await using tts = fliteTTS({ voice: "slt" });
await Promise.all([vad.prewarm?.(), stt.prewarm?.(), tts.prewarm()]);

const llm = openaiFromEnv(env) ?? booksellerModel(clock);
const session = new AgentSession({ runtime, vad, stt, tts, llm });
session.on("user_input_transcribed", ({ transcript, isFinal }) => isFinal && console.log(`caller  ${transcript}`));
session.on("conversation_item_added", ({ item }) => {
  if (item.type === "message" && item.role === "assistant") console.log(`agent   ${item.textContent}`);
});
const closed = new Promise<string>((resolve) => void session.once("close", ({ reason }) => resolve(reason)));

const url = env("LIVEKIT_URL") ?? "ws://127.0.0.1:7880";
await session.start({
  agent: new Bookseller(clock),
  io: roomIO({ url, token: env("LIVEKIT_TOKEN") ?? await newToken() }, { audioInput: { sampleRate: 16_000 } }),
});
console.log(`waiting for a caller in the room`);
console.log(`over: ${await closed}`);
await session.close();
