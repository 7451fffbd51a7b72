/**
 * How long does a caller in a LiveKit room wait, from the last sample that was said to the first one that is heard, and for what?
 *
 *     node bench/room_latency.ts [node bun deno]
 *
 * Holds the call of `tests/real/room_call.ts` in a room of a real server on this machine, with embedded models and rules for a
 * language model (250 ms by their script), and prints a table. The network is loopback: what is before and behind the session's
 * account is LiveKit's way in and out with its jitter buffers. "voice silent" is the silence with which the agent's voice begins.
 */
import { loadavg } from "node:os";
import process from "node:process";
import { dispose } from "@livekit/rtc-node";
import { type FliteTTS, fliteTTS } from "../adapters/flite/mod.ts";
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
const head = ["agent on", "turn", "waited", "way in", ...PARTS, "voice silent", "way out"];
console.log(`Load of the machine before: ${loadavg()[0]?.toFixed(1)}\n`);
console.log(`| ${head.join(" | ")} |\n| ${head.map(() => "---").join(" | ")} |`);

/** How long a text is silent at its beginning. */
async function silenceOf(voice: FliteTTS, text: string): Promise<number> {
  let sampleCount = 0;
  for await (const { frame } of voice.synthesize(text)) {
    const index = frame.data.findIndex((value) => Math.abs(value) > 300);
    if (index >= 0) return ((sampleCount + index) * 1000) / frame.sampleRate;
    sampleCount += frame.data.length;
  }
  return NaN;
}

await using voice = fliteTTS({ voice: "slt" });
const server = await openLiveKitServer();
for (const on of runtimes) {
  const call = await holdRoomCall(server, on);
  const exchanges = { question: call.question, story: call.story, stop: call.stop, goodbye: call.goodbye };
  const said = call.texts.filter(({ from }) => from === "agent").slice(1); // behind the greeting
  for (const [index, [name, { said: asked, answer }]] of Object.entries(exchanges).entries()) {
    const account = call.accounts[index];
    if (account === undefined) continue;
    const spent = PARTS.map((part) =>
      account.spans.filter((span) => span.part === part).reduce((sum, { from, to }) => sum + to - from, 0)
    );
    const silent = await silenceOf(voice, said[index]?.text ?? "");
    const out = answer.from - account.to - silent;
    const row = [answer.from - asked.to, account.from - asked.to, ...spent, silent, out].map(Math.round);
    console.log(`| ${[on, name, ...row].join(" | ")} |`);
  }
}
await server.stop();
await dispose();
console.log(`\nLoad behind: ${loadavg()[0]?.toFixed(1)}`);
