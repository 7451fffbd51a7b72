/**
 * A program that joins rooms, at once and one after the other, by address and with rooms of its own, and then has nothing more to
 * do: it must end by itself. Started by `room_process_test.ts` with the address and a token for each room.
 */
import process from "node:process";
import { Room } from "@livekit/rtc-node";
import { roomIO } from "../../adapters/livekit/mod.ts";
import { Agent, AgentSession } from "../../mod.ts";

const [url = "", ...tokens] = process.argv.slice(2);
const [first = "", second = "", third = "", fourth = ""] = tokens;

async function start(at: Parameters<typeof roomIO>[0]): Promise<AgentSession> {
  const session = new AgentSession();
  await session.start({ agent: new Agent({ instructions: "" }), io: roomIO(at) });
  return session;
}

// Two at once: the native part must outlive the first that ends.
const sessions = await Promise.all([start({ url, token: first }), start({ url, token: second })]);
await sessions[0]?.close();
console.log("two at once");

// With the last one it is freed, just when this needs it anew.
const [next] = await Promise.all([start({ url, token: third }), sessions[1]?.close()]);
await next.close();
await (await start({ url, token: third })).close();
console.log("one more");

// A room of our own, which outlives its session.
const room = new Room();
await room.connect(url, fourth);
await (await start(room)).close();
console.log(room.isConnected ? "still joined" : "left");
await room.disconnect();

// One that cannot be joined.
await start({ url, token: "none" }).catch((error: { cause?: { code?: string } }) => console.log(error.cause?.code));
console.log("nothing more to do");
