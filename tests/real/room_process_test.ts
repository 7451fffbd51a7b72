/** A process that has left its rooms ends by itself, on each runtime, and may join others before it does. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { type LiveKitServer, missingLiveKitServer, openLiveKitServer } from "../../scripts/livekit_server.ts";
import { environment, root } from "../../scripts/places.ts";
import { COMMANDS, type RuntimeName } from "./held_call.ts";

/** Far more than it takes; who is still there by then waits for ever. */
const LIMIT_MS = 30_000;

const reason = missingLiveKitServer();

describe("a process with rooms", { skip: reason ?? false }, () => {
  let server: LiveKitServer;
  before(async () => void (server = await openLiveKitServer()));
  after(() => server.stop());

  for (const on of ["node", "bun", "deno"] satisfies RuntimeName[]) {
    it(`ends by itself on ${on}`, async () => {
      const names = ["a", "b", "c", "d"].map((name) => `process-${on}-${name}`);
      const tokens = await Promise.all(names.map((room) => server.token({ identity: "agent", room })));
      const [command, ...args] = [...COMMANDS[on], `${root}tests/real/room_process.ts`, server.url, ...tokens];
      const child = spawn(command as string, args, { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
      let output = "";
      child.stdout.on("data", (data) => (output += data));
      child.stderr.on("data", (data) => (output += data));
      const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
      const code = await new Promise((resolve) => child.once("close", resolve));
      clearTimeout(timer);
      const lines = output.split("\n").filter((line) => line !== "" && !line.includes("lk-rtc"));
      assert.deepEqual(lines.filter((line) => !line.includes("livekit")), [
        "two at once",
        "one more",
        "still joined",
        "room.connect_failed",
        "nothing more to do",
      ], output);
      assert.equal(code, 0, output);
    });
  }
});
