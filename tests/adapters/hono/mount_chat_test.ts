import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { type ChatOptions, mountChat } from "../../../adapters/hono/mod.ts";
import { type VirtualRuntime, virtualRuntime } from "../../../adapters/runtime/virtual.ts";
import { Bookseller, booksellerModel } from "../../../examples/shared/bookshop.ts";
import { Agent, type ChatItem, type HookContext, memoryStore, type SessionStore, tool } from "../../../mod.ts";
import { type ScriptedLLM, scriptedLLM, type ScriptedReply } from "../../../src/testing/scripted_llm.ts";
import { refusesWith } from "../../session/harness.ts";
import { jsonStore } from "./json_store.ts";

type Chunk = { readonly type: string; readonly [key: string]: unknown };

interface Site {
  readonly app: Hono;
  readonly runtime: VirtualRuntime;
  readonly llm: ScriptedLLM;
  readonly log: string[];
}

function site(o: {
  readonly llm?: readonly ScriptedReply[];
  readonly runtime?: VirtualRuntime;
  readonly options?: Partial<ChatOptions>;
} = {}): Site {
  const runtime = o.runtime ?? virtualRuntime({ seed: 1 });
  const llm = scriptedLLM(o.llm ?? [{ text: "Hello there." }], { clock: runtime.clock });
  const log: string[] = [];
  const line = (message: string): void => void log.push(message);
  const app = new Hono();
  mountChat(app, "/chat", {
    agent: () => new Agent({ id: "host", instructions: "Be brief." }),
    session: { llm, runtime, connOptions: { llmConnOptions: { maxRetry: 0 } } },
    logger: { debug: line, info: line, warn: line, error: line },
    ...o.options,
  });
  return { app, runtime, llm, log };
}

function post(app: Hono, body: unknown): Promise<Response> {
  return Promise.resolve(app.request("/chat", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }));
}

const body = (id: string, text: string, messageId = `u-${text}`): unknown => ({
  id,
  messages: [{ id: messageId, role: "user", parts: [{ type: "text", text }] }],
});

function chunksOf(text: string): Chunk[] {
  const frames = text.split("\n\n").filter((frame) => frame.startsWith("data: {"));
  return frames.map((frame) => JSON.parse(frame.slice(6)) as Chunk);
}

/** A whole turn. */
async function turn(s: Site, id: string, text: string): Promise<readonly Chunk[]> {
  return await s.runtime.clock.until(
    (async () => chunksOf(await (await post(s.app, body(id, text))).text()))(),
  );
}

const words = (chunks: readonly Chunk[]): string =>
  chunks.map((chunk) => chunk.type === "text-delta" ? chunk["delta"] : "").join("");

async function said(s: Site, id: string): Promise<string[]> {
  const response = await s.app.request(`/chat/${id}`);
  const { messages } = await response.json() as { messages: { parts: { text?: string }[] }[] };
  return messages.map(({ parts }) => parts.map(({ text }) => text ?? "").join(""));
}

const prompt = (s: Site): string[] =>
  (s.llm.requests.at(-1)?.items ?? []).flatMap((item: ChatItem) =>
    item.type === "message" && item.role !== "system" ? [`${item.role}: ${item.textContent}`] : []
  );

test("two instances over one store hold one conversation, through JSON", async () => {
  const store = jsonStore();
  const first = site({ options: { store } });
  const second = site({ options: { store }, runtime: virtualRuntime({ seed: 2, wallStart: 1 }) }); // a clock far behind
  await turn(first, "c", "one");
  await turn(second, "c", "two");
  await turn(first, "c", "three");
  assert.deepEqual(prompt(first), [
    "user: one",
    "assistant: Hello there.",
    "user: two",
    "assistant: Hello there.",
    "user: three",
  ]);
  assert.deepEqual(await said(second, "c"), ["one", "Hello there.", "two", "Hello there.", "three", "Hello there."]);
  assert.equal(first.runtime.clock.armed + second.runtime.clock.armed, 0);
});

test("two instances that answer one conversation at once both keep their turn, and the next one knows both", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const { clock } = runtime;
  const store = jsonStore(() => new Promise((go) => void clock.schedule(clock.now() + 5, go)));
  const llm: ScriptedReply[] = [
    { when: { user: "left" }, text: "To the left.", ttftMs: 200 },
    { when: { user: "right" }, text: "To the right.", ttftMs: 100 },
    { text: "Well." },
  ];
  const [first, second] = [site({ options: { store }, runtime, llm }), site({ options: { store }, runtime, llm })];
  await turn(first, "c", "Hi");
  const both = await clock.until(Promise.all([turn(first, "c", "left"), turn(second, "c", "right")]));
  assert.deepEqual(both.map(words), ["To the left.", "To the right."]);
  assert.deepEqual(both.map((chunks) => chunks.at(-1)?.type), ["finish", "finish"]);
  await turn(second, "c", "And?");
  assert.deepEqual(prompt(second), [
    "user: Hi",
    "assistant: Well.",
    "user: right",
    "assistant: To the right.",
    "user: left",
    "assistant: To the left.",
    "user: And?",
  ]);
});

test("three messages at once are answered one after the other: each cuts the one before off, and none is lost", async () => {
  const s = site({ llm: [{ chunks: [{ text: "Well " }, { text: "now.", afterMs: 1_000 }] }] });
  const answers = await s.runtime.clock.until(
    Promise.all(["one", "two", "three"].map((text) => turn(s, "c", text))),
  );
  assert.deepEqual(answers.map((chunks) => chunks.at(-1)?.type), ["abort", "abort", "finish"]);
  assert.deepEqual((await said(s, "c")).filter((text) => !text.startsWith("Well")), ["one", "two", "three"]);
  assert.equal((await said(s, "c")).at(-1), "Well now.");
  assert.equal(s.runtime.clock.armed, 0);
});

test("a turn that takes too long is cut off, says so, and what was said is kept", async () => {
  const s = site({
    llm: [{ chunks: [{ text: "Wait " }, { text: "for ", afterMs: 100 }, { text: "it.", afterMs: 60_000 }] }],
    options: { turnTimeout: 5_000 },
  });
  const startedAt = s.runtime.clock.now();
  const chunks = await turn(s, "c", "Hi");
  assert.ok(s.runtime.clock.now() - startedAt < 6_000);
  assert.deepEqual(chunks.find(({ type }) => type === "data-error")?.["data"], {
    code: "http.timeout",
    message: "The answer took too long and was cut off.",
  });
  assert.deepEqual(await said(s, "c"), ["Hi", "Wait for "]);
});

test("a tool that never ends does not keep a turn that was cut off, and its call is in the history as such", async () => {
  const stuck = tool({ name: "stuck", description: "Never ends.", execute: () => new Promise<string>(() => {}) });
  const s = site({
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "stuck", id: "c1", args: {} }] }, { text: "Fine." }],
    options: { turnTimeout: 1_000, agent: () => new Agent({ id: "host", instructions: "x", tools: [stuck] }) },
  });
  await turn(s, "c", "Go");
  assert.ok(s.runtime.clock.now() < 20_000, `it took ${s.runtime.clock.now()} ms`);
  assert.equal(s.runtime.clock.armed, 0);
  assert.equal(words(await turn(s, "c", "And now?")), "Fine.");
});

test("a stream that is idle shows that it is alive", async () => {
  const s = site({ llm: [{ text: "At last.", ttftMs: 4_500 }], options: { pingInterval: 1_000 } });
  const text = await s.runtime.clock.until(post(s.app, body("c", "Hi")).then((response) => response.text()));
  assert.equal(text.split("\n\n").filter((frame) => frame === ": ping").length, 3);
});

test("words that a client never took were not said", async () => {
  const chunks = Array.from({ length: 500 }, (_, n) => ({ text: `${n} `, afterMs: 100 }));
  const s = site({ llm: [{ chunks }] });
  const response = await s.runtime.clock.until(post(s.app, body("c", "Hi")));
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await s.runtime.clock.until(reader.read());
  await s.runtime.clock.advance(10_000);
  await s.runtime.clock.until(reader.cancel());
  await s.runtime.clock.advance(1_000);
  const kept = (await said(s, "c")).at(-1)?.trim().split(" ").length ?? 0;
  assert.ok(kept > 0 && kept < 40, `${kept} words of 500 are kept`);
  assert.equal(s.llm.requests[0]?.cancelled, true);
  assert.equal(s.runtime.clock.armed, 0);
});

test("a turn may go on when its client leaves, and is there when the page comes back", async () => {
  const s = site({
    llm: [{ chunks: [{ text: "One " }, { text: "two.", afterMs: 1_000 }] }],
    options: { onDisconnect: "continue" },
  });
  const response = await s.runtime.clock.until(post(s.app, body("c", "Hi")));
  await response.body?.cancel();
  await s.runtime.clock.advance(500);
  const again = await s.app.request("/chat/c/stream");
  assert.equal(again.status, 200);
  assert.equal(words(chunksOf(await s.runtime.clock.until(again.text()))), "One two.");
  assert.equal((await s.app.request("/chat/c/stream")).status, 204);
  assert.deepEqual(await said(s, "c"), ["Hi", "One two."]);
});

test("the agent of the demo serves a chat as it is: it greets, looks up, and answers", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const s = site({
    runtime,
    options: { agent: () => new Bookseller(runtime.clock), session: { llm: booksellerModel(runtime.clock), runtime } },
  });
  const opened = await runtime.clock.until(post(s.app, { id: "c", messages: [] }).then((response) => response.text()));
  assert.match(words(chunksOf(opened)), /^Good morning, this is the Harbour Bookshop/);
  const chunks = await turn(s, "c", "When are you open on Sunday?");
  assert.match(words(chunks), /^On Sunday we are open from ten/);
  assert.ok(chunks.some(({ type, toolName }) => type === "tool-input-available" && toolName === "opening_hours"));
  assert.equal((await said(s, "c")).length, 3, "it greets once");
  assert.equal((await post(s.app, { id: "c", messages: [] })).status, 400, "there is nothing to answer");
  const again = { id: "c", messages: [], trigger: "regenerate-message" };
  const made = await runtime.clock.until(post(s.app, again).then((response) => response.text()));
  assert.match(words(chunksOf(made)), /^On Sunday we are open from ten/);
  assert.equal((await said(s, "c")).length, 3);
});

test("a greeting that takes its time is said before the answer, and the model knows it", async () => {
  class Greeter extends Agent {
    override async onEnter({ session }: HookContext): Promise<void> {
      await new Promise<void>((go) => void s.runtime.clock.schedule(s.runtime.clock.now() + 300, go));
      session.say("Welcome!");
    }
  }
  const s: Site = site({ options: { agent: () => new Greeter({ id: "host", instructions: "x" }) } });
  assert.equal(words(await turn(s, "c", "Hi")), "Welcome!Hello there.");
  assert.deepEqual(prompt(s), ["assistant: Welcome!", "user: Hi"]);
});

test("pictures reach the model", async () => {
  const s = site();
  const parts = [{ type: "file", mediaType: "image/png", url: "data:image/png;base64,AAAA" }];
  await s.runtime.clock.until(
    post(s.app, { id: "c", messages: [{ id: "u", role: "user", parts }] }).then((r) => r.text()),
  );
  const last = s.llm.requests[0]?.items.at(-1);
  assert.ok(
    last?.type === "message" && typeof last.content[0] === "object" && last.content[0].type === "image_content",
  );
  assert.equal(last.content[0].image, "data:image/png;base64,AAAA");
});

test("a store that fails is a typed error, before the stream or at its end, and the next turn works", async () => {
  const inner = memoryStore();
  let failing: "load" | "save" | undefined = "load";
  const fail = (): never => {
    throw new Error("redis://user:password@host is down");
  };
  const store: SessionStore = {
    ...inner,
    load: (key) => failing === "load" ? fail() : inner.load(key),
    save: (...args) => failing === "save" ? fail() : inner.save(...args),
  };
  const s = site({ options: { store } });
  const refused = await s.runtime.clock.until(post(s.app, body("c", "Hi")));
  assert.equal(refused.status, 500);
  assert.deepEqual(await refused.json(), { error: { code: "store.failed", message: "Something failed. Try again." } });
  failing = "save";
  const chunks = await turn(s, "c", "Hi");
  assert.equal(words(chunks), "Hello there.");
  assert.equal((chunks.find(({ type }) => type === "data-error")?.["data"] as { code: string }).code, "store.failed");
  failing = undefined;
  assert.equal((await turn(s, "c", "Hi")).at(-1)?.["finishReason"], "stop");
  assert.deepEqual(s.log.filter((line) => line.includes("failed")), ["a chat request failed", "a turn failed"]);
});

test("what the program's own functions throw is no secret of the inside told, and hono's own exceptions are hono's", async () => {
  const throwing = (error: unknown): () => never => () => {
    throw error;
  };
  const secret = throwing(new Error("secret"));
  for (const options of [{ authorize: secret }, { agent: secret }, { session: secret }]) {
    const s = site({ options });
    const response = await s.runtime.clock.until(post(s.app, body("c", "Hi")));
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), {
      error: { code: "http.failed", message: "Something failed. Try again." },
    });
  }
  const s = site({ options: { authorize: throwing(new HTTPException(418, { message: "tea" })) } });
  const response = await s.runtime.clock.until(post(s.app, body("c", "Hi")));
  assert.deepEqual([response.status, await response.text()], [418, "tea"]);
});

test("an agent that a new version has no longer is a typed error, and the conversation is still there", async () => {
  const store = memoryStore();
  const old = site({ options: { store, agent: () => new Agent({ id: "old", instructions: "x" }) } });
  await turn(old, "c", "Hi");
  const s = site({ options: { store } });
  const response = await s.runtime.clock.until(post(s.app, body("c", "Hello?")));
  assert.equal((await response.json() as { error: { code: string } }).error.code, "snapshot.unknown_agent");
  assert.deepEqual(await said(s, "c"), ["Hi", "Hello there."]);
});

test("user data is kept from turn to turn, and what JSON cannot hold is told", async () => {
  const count = tool({
    name: "count",
    description: "Counts.",
    execute: (_args, { ctx }) => String(++(ctx.userData as { n: number }).n),
  });
  const llm: ScriptedReply[] = [
    { when: { user: "count" }, toolCalls: [{ name: "count", id: "c1", args: {} }] },
    { when: { output: "1" }, text: "One." },
    { when: { output: "2" }, text: "Two." },
  ];
  const s = site({ llm });
  const options: Partial<ChatOptions> = {
    agent: () => new Agent({ id: "host", instructions: "x", tools: [count] }),
    session: () => ({ llm: s.llm, runtime: s.runtime, userData: { n: 0 } }),
    store: jsonStore(),
  };
  const kept = site({ llm, runtime: s.runtime, options });
  assert.equal(words(await turn(kept, "c", "count")), "One.");
  const second = await s.runtime.clock.until(
    post(kept.app, body("c", "count", "again")).then((response) => response.text()),
  );
  assert.equal(words(chunksOf(second)), "Two.");
  const lost = site({
    options: { session: { llm: s.llm, runtime: s.runtime, userData: { now: () => 0 } } },
    runtime: s.runtime,
  });
  const chunks = await turn(lost, "c", "Hi");
  assert.equal(
    (chunks.find(({ type }) => type === "data-error")?.["data"] as { code: string }).code,
    "snapshot.bad_user_data",
  );
});

test("a store that is not atomic is told once", async () => {
  const s = site({ options: { store: jsonStore(undefined, false) } });
  await turn(s, "c", "one");
  await turn(s, "c", "two");
  assert.equal(s.log.filter((line) => line.includes("not atomic")).length, 1);
});

test("a chat without an agent is refused when it is mounted", async () => {
  await refusesWith("http.bad_option", () => mountChat(new Hono(), "/chat", {}));
  await refusesWith("http.bad_option", () => mountChat(new Hono(), "/chat", { agents: {} }));
});

test("what a turn that was put down leaves behind is nothing", async () => {
  const s = site();
  for (let n = 0; n < 5; n++) await turn(s, `c${n}`, "Hi");
  assert.equal(s.runtime.clock.armed, 0);
  assert.equal((await s.app.request("/chat/c1/stream")).status, 204);
});
