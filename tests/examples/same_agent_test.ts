/** One agent file behind every door: nothing in it knows which. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import { mountChat } from "../../adapters/hono/mod.ts";
import { detectRuntime } from "../../adapters/runtime/detect.ts";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { Bookseller, booksellerModel } from "../../examples/shared/bookshop.ts";
import { AgentSession } from "../../mod.ts";
import { callByText } from "../edge/voice_case.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const QUESTION = "When do you open on Sunday?";
const ANSWER = "On Sunday we are open from ten in the morning until four in the afternoon.";

/** Who lets the agent of that file in. */
const DOORS = {
  "the demo": "cli/demo.ts",
  "the page": "cli/mic.ts",
  "the room": "examples/room.ts",
  "the chat": "examples/hono_chat.ts",
};

for (const [door, file] of Object.entries(DOORS)) {
  test(`${door} has the bookseller of the shared file`, () => {
    const text = readFileSync(root + file, "utf8");
    assert.match(text, /import \{[^}]*\bBookseller\b[^}]*\} from "[./]*(?:examples\/)?shared\/bookshop\.ts"/);
  });
}

test("the shared file knows no door", () => {
  const text = readFileSync(`${root}examples/shared/bookshop.ts`, "utf8");
  for (const [, target] of text.matchAll(/from "([^"]+)"/g)) {
    assert.doesNotMatch(target!, /hono|livekit|runtime|cli|silero|whisper|flite/);
  }
});

test("by hand: a session on a virtual clock", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const { clock } = runtime;
  const session = new AgentSession({ runtime, llm: booksellerModel(clock) });
  await clock.until(session.start({ agent: new Bookseller(clock) }));
  await clock.until(session.run({ userInput: QUESTION }));
  assert.equal(session.history.messages().at(-1)?.textContent, ANSWER);
  await clock.until(session.close());
});

test("by chat: a POST in the AI SDK's stream", async () => {
  const runtime = detectRuntime();
  const app = new Hono();
  mountChat(app, "/chat", {
    agent: () => new Bookseller(runtime.clock),
    session: () => ({ runtime, llm: booksellerModel(runtime.clock) }),
  });
  const response = await app.request("/chat", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      id: "one",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: QUESTION }] }],
    }),
  });
  const deltas = (await response.text()).split("\n").flatMap((line) => {
    if (!line.startsWith("data: {")) return [];
    const chunk = JSON.parse(line.slice(6)) as { readonly type: string; readonly delta?: string };
    return chunk.type === "text-delta" ? [chunk.delta] : [];
  });
  assert.ok(deltas.join("").includes(ANSWER), deltas.join(""));
});

test("by voice: a page's WebSocket", async () => {
  const runtime = detectRuntime();
  const { messages } = await callByText(runtime, {
    agent: () => new Bookseller(runtime.clock),
    llm: booksellerModel(runtime.clock),
    text: QUESTION,
    until: ANSWER,
  });
  const told = messages.flatMap((message) => message.type === "message" ? [message["text"]] : []);
  assert.deepEqual(told.slice(-2), [QUESTION, ANSWER]);
  assert.ok(messages.some((message) => message.type === "tool" && message["name"] === "opening_hours"));
});
