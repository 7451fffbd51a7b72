/** The examples run with one command, as a newcomer would run them, on the runtime that runs this. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a program prints; fails when it ends with anything but 0. */
function outputOf(file: string): Promise<string> {
  const before = "Deno" in globalThis ? ["run", "-A"] : [];
  const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...before, file], { cwd: root, env, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${file}: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

test("hello: the agent says what it hears", async () => {
  assert.equal(await outputOf("examples/hello.ts"), "You said: Hello there!\n");
});

test("text_chat: questions are answered, one of them with a tool", async () => {
  assert.deepEqual((await outputOf("examples/text_chat.ts")).trimEnd().split("\n"), [
    "you    Hello!",
    "agent  Ask me about the weather.",
    "you    How is the weather in Oslo?",
    'tool   weather({"city":"Oslo"})',
    "agent  It is 18 degrees and sunny in Oslo.",
    "you    Thanks, bye.",
    "agent  Goodbye!",
  ]);
});
