/** Builds the package and holds a text conversation with it on the oldest Node that we promise. */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { bin, environment, oldestNode, root } from "./places.ts";

const built = spawnSync(bin("tsc"), ["-p", "tsconfig.build.json"], { cwd: root, env: environment(), stdio: "inherit" });
if (built.status !== 0 || oldestNode === undefined) process.exit(1);

const program = `
import assert from "node:assert/strict";
import process from "node:process";
import { Agent, AgentSession } from "./mod.js";
assert.match(process.version, /^v22\\./);
const llm = {
  kind: "llm",
  model: "echo",
  provider: "test",
  chat: ({ chatCtx }) => ReadableStream.from([{ id: "1", delta: { content: "You said: " + chatCtx.items.at(-1).textContent } }]),
};
const session = new AgentSession({ llm });
await session.start({ agent: new Agent({ instructions: "Echo." }) });
for (const words of ["Hello", "Goodbye"]) {
  const result = await session.run({ userInput: words });
  assert.equal(result.events[0].item.textContent, "You said: " + words);
}
assert.equal(session.history.messages().length, 4);
await session.close();
console.log("1 passed, 0 failed");
`;
const path = `${root}dist/node22_program.mjs`;
writeFileSync(path, program);
const ran = spawnSync(oldestNode, [path], { stdio: "inherit", timeout: 60_000 });
rmSync(path);
process.exit(ran.status ?? 1);
