/**
 * How long does a caller in a LiveKit room wait, from the last sample that was said to the first one that is heard, and for what?
 *
 *     node bench/room_latency.ts [node bun deno]
 *
 * Holds the call of `tests/real/room_call.ts` in a room of a real server on this machine, with embedded models and rules for a
 * language model (250 ms by their script), and prints a table. The network is loopback: what is before and behind the session's
 * account is LiveKit's way in and out, its jitter buffers, and the silence with which the voices begin and end.
 */
import { loadavg } from "node:os";
import process from "node:process";
import { dispose } from "@livekit/rtc-node";
import { missingLiveKitServer, openLiveKitServer } from "../scripts/livekit_server.ts";
import { COMMANDS, type RuntimeName } from "../tests/real/held_call.ts";
import { holdRoomCall } from "../tests/real/room_call.ts";

const reason = missingLiveKitServer();
if (reason !== undefined) {
  console.error(reason);
  process.exit(1);
}
const PARTS = ["transcription", "endpointing", "hook", "llm", "tools", "tts", "playout"] as const;
const given = process.argv.slice(2);
const runtimes = (Object.keys(COMMANDS) as RuntimeName[]).filter((name) => given.length === 0 || given.includes(name));
const head = ["agent on", "turn", "waited", "way in", ...PARTS, "way out"];
console.log(`Load of the machine before: ${loadavg()[0]?.toFixed(1)}\n`);
console.log(`| ${head.join(" | ")} |\n| ${head.map(() => "---").join(" | ")} |`);

const server = await openLiveKitServer();
for (const on of runtimes) {
  const call = await holdRoomCall(server, on);
  const exchanges = { question: call.question, story: call.story, stop: call.stop, goodbye: call.goodbye };
  for (const [index, [name, { said, answer }]] of Object.entries(exchanges).entries()) {
    const account = call.accounts[index];
    if (account === undefined) continue;
    const spent = PARTS.map((part) =>
      account.spans.filter((span) => span.part === part).reduce((sum, { from, to }) => sum + to - from, 0)
    );
    const row = [answer.from - said.to, account.from - said.to, ...spent, answer.from - account.to].map(Math.round);
    console.log(`| ${[on, name, ...row].join(" | ")} |`);
  }
}
await server.stop();
await dispose();
console.log(`\nLoad behind: ${loadavg()[0]?.toFixed(1)}`);
