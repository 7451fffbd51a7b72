/** The route on the runtime's own server, with a client of the runtime's own. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Hono } from "hono";
import type { UpgradeWebSocket } from "hono/ws";
import { voiceClientModule, voicePage, type VoiceRoute, voiceRoute } from "../../../adapters/hono/mod.ts";
import type { ServerMessage } from "../../../adapters/hono/voice_wire.ts";
import { detectRuntime } from "../../../adapters/runtime/detect.ts";
import { listen, upgradeOf, type WebServer } from "../../../cli/web_server.ts";
import { Agent } from "../../../src/session/agent.ts";
import type { AgentSession } from "../../../src/session/agent_session.ts";
import { scriptedLLM } from "../../../src/testing/scripted_llm.ts";
import { scriptedTTS } from "../../../src/testing/scripted_tts.ts";

const runtime = detectRuntime();
const { clock } = runtime;
const sessions: AgentSession[] = [];
const logged: Record<string, unknown>[] = [];
let server: WebServer;
let route: VoiceRoute;
let guarded: VoiceRoute;

/** A page without a sound card: it says at once that it played what it got. */
class Client {
  readonly messages: ServerMessage[] = [];
  readonly #socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #wake = (): void => {};
  #received = new Map<number, number>();

  constructor(path: string) {
    this.#socket = new WebSocket(server.url.replace("http", "ws") + path);
    this.#socket.binaryType = "arraybuffer";
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener("close", ({ code, reason }) => {
        resolve({ code, reason });
        this.#wake();
      });
    });
    this.#socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === "string") {
        const message = JSON.parse(data) as ServerMessage;
        this.messages.push(message);
        if (message.type === "segment") {
          this.send({ type: "played", segment: message.segment, event: "finished", samples: message.samples });
        }
      } else {
        const view = new DataView(data);
        const segment = view.getUint32(0, true);
        const samples = view.getUint32(4, true) + (data.byteLength - 8) / 2;
        this.send({
          type: "played",
          segment,
          event: this.#received.has(segment) ? "position" : "started",
          samples: this.#received.has(segment) ? samples : 0,
        });
        this.#received.set(segment, samples);
        this.send({ type: "played", segment, event: "position", samples });
      }
      this.#wake();
    });
  }

  async opened(): Promise<this> {
    if (this.#socket.readyState === 0) {
      await new Promise((go) => this.#socket.addEventListener("open", go, { once: true }));
    }
    return this;
  }

  send(data: unknown): void {
    if (this.#socket.readyState !== 1) return;
    this.#socket.send(typeof data === "string" || data instanceof Uint8Array ? data as string : JSON.stringify(data));
  }

  /** Waits for a message. */
  async until<T extends ServerMessage["type"]>(
    type: T,
    fits: (message: Extract<ServerMessage, { type: T }>) => boolean = () => true,
  ): Promise<Extract<ServerMessage, { type: T }>> {
    for (;;) {
      const found = this.messages.find((message) => message.type === type && fits(message as never));
      if (found !== undefined) return found as never;
      assert.ok(this.#socket.readyState < 2, `closed before ${type}: ${JSON.stringify(this.messages)}`);
      await new Promise<void>((go) => (this.#wake = go));
    }
  }

  close(code = 1000): void {
    this.#socket.close(code);
  }
}

const HELLO = { type: "hello", version: 1, sampleRate: 16_000 };

async function call(path = "voice"): Promise<Client> {
  const client = await new Client(path).opened();
  client.send(HELLO);
  return client;
}

/** Waits until no session is alive. */
async function quiet(): Promise<void> {
  while (route.callCount() + guarded.callCount() > 0 || sessions.some((session) => session.isRunning)) {
    await new Promise((go) => setTimeout(go, 5));
  }
}

describe("the voice route", () => {
  before(async () => {
    const upgradeWebSocket = await upgradeOf(runtime) as UpgradeWebSocket;
    const options = {
      runtime,
      upgradeWebSocket,
      agent: () => new Agent({ instructions: "" }),
      session: () => ({
        llm: scriptedLLM([{ text: "Certainly." }], { clock }),
        tts: scriptedTTS({ msPerChar: 5 }, { clock }),
      }),
      onSession: (session: AgentSession) => void sessions.push(session),
    };
    route = voiceRoute({ ...options, graceMs: 400, maxCalls: 2 });
    guarded = voiceRoute({
      ...options,
      graceMs: 60_000,
      origins: ["https://shop.example"],
      authorize: (c) => c.req.query("user") ?? null,
    });
    const app = new Hono();
    app.get("/", (c) => c.html(voicePage({ title: "Talk <now>", suggestions: ["Who's there?"] })));
    app.get("/voice", route);
    app.get("/guarded", guarded);
    app.get(
      "/broken",
      voiceRoute({
        ...options,
        session: {},
        agent: () => Promise.reject(new Error("out of order")),
        logger: {
          debug() {},
          info() {},
          warn() {},
          error: (message, fields) => void logged.push({ message, ...fields }),
        },
      }),
    );
    server = await listen(runtime, app, 0);
  });
  after(async () => {
    await route.close();
    await guarded.close();
    await server.close();
  });

  test("a typed question is answered with words and sound, and hanging up closes normally", async () => {
    const client = await call();
    const welcome = await client.until("welcome");
    assert.deepEqual({ resumed: welcome.resumed, graceMs: welcome.graceMs, sampleRate: welcome.sampleRate }, {
      resumed: false,
      graceMs: 400,
      sampleRate: 24_000,
    });
    assert.match(welcome.token, /^[\w-]{32}$/);
    client.send({ type: "text", text: "Are you open?" });
    const answer = await client.until("message", ({ role }) => role === "assistant");
    assert.deepEqual({ text: answer.text, interrupted: answer.interrupted }, {
      text: "Certainly.",
      interrupted: false,
    });
    assert.ok(client.messages.some(({ type }) => type === "agent_transcript"));
    assert.ok(client.messages.some(({ type }) => type === "segment"));
    client.send({ type: "end" });
    assert.equal((await client.until("end")).reason, "participant_disconnected");
    assert.equal((await client.closed).code, 1000);
    await quiet();
  });

  test("messages that make no sense are answered with a typed error, and the call goes on", async () => {
    const client = await call();
    await client.until("welcome");
    for (const bad of ["{", '{"type":"dance"}', new Uint8Array(3), HELLO]) client.send(bad);
    await client.until(
      "error",
      ({ seq }) => client.messages.filter(({ type }) => type === "error").length === 4 && seq > 0,
    );
    assert.ok(client.messages.every((message) => message.type !== "error" || message.code === "voice.bad_message"));
    client.send({ type: "text", text: "Still there?" });
    await client.until("message", ({ role }) => role === "assistant");
    for (let count = 4; count <= 20; count++) client.send("{"); // Deno breaks a socket that is sent to behind its close
    assert.equal((await client.closed).code, 4400);
    await quiet(); // nobody comes back
  });

  test("a first message that is no hello, or of another version, is refused with its reason", async () => {
    for (
      const [first, code, closeCode] of [
        [{ type: "text", text: "Hello" }, "voice.bad_message", 4400],
        [new Uint8Array(10), "voice.bad_message", 4400],
        [{ ...HELLO, version: 2 }, "voice.bad_version", 4400],
        [{ ...HELLO, resume: { token: "x", seen: 0, received: [], reports: [] } }, "voice.unknown_call", 4404],
      ] as const
    ) {
      const client = await new Client("voice").opened();
      client.send(first);
      assert.equal((await client.until("refused")).code, code);
      assert.equal((await client.closed).code, closeCode);
    }
    assert.equal(route.callCount(), 0);
  });

  test("two pages are two sessions; one too many is refused, and there is room again when one has left", async () => {
    const [first, second] = [await call(), await call()];
    const tokens = [(await first.until("welcome")).token, (await second.until("welcome")).token];
    assert.notEqual(tokens[0], tokens[1]);
    assert.equal(route.callCount(), 2);
    const third = await call();
    assert.equal((await third.until("refused")).code, "voice.too_many_calls");
    assert.equal((await third.closed).code, 4429);
    first.send({ type: "text", text: "Only I asked." });
    await first.until("message", ({ role }) => role === "assistant");
    assert.ok(second.messages.every(({ type }) => type !== "message"));
    first.close();
    second.close();
    await quiet();
    const fourth = await call();
    await fourth.until("welcome");
    fourth.send({ type: "end" });
    await fourth.closed;
    await quiet();
  });

  test("a page that lost its connection comes back with its token, and sees what it missed", async () => {
    const client = await call();
    const { token } = await client.until("welcome");
    client.send({ type: "text", text: "Are you open?" });
    await client.until("message", ({ role }) => role === "user");
    client.close(); // without `end`: as far as the server knows, it broke
    const again = await new Client("voice").opened();
    const seen = Math.max(0, ...client.messages.map((message) => "seq" in message ? message.seq : 0));
    again.send({ ...HELLO, resume: { token, seen, received: [], reports: [] } });
    assert.equal((await again.until("welcome")).resumed, true);
    const answer = await again.until("message", ({ role }) => role === "assistant");
    assert.equal(answer.text, "Certainly.");
    assert.ok(again.messages.every((message) => !("seq" in message) || message.seq > seen));
    assert.equal(route.callCount(), 1);
    again.send({ type: "end" });
    await again.closed;
    await quiet();
  });

  test("a page of another origin, or of nobody, gets no socket", async () => {
    const ask = async (origin: string | undefined, user: string): Promise<number> => {
      const headers = { upgrade: "websocket", connection: "upgrade", ...(origin && { origin }) };
      const response = await appOf(guarded).request(`http://shop.example/guarded${user}`, { headers });
      const body = await response.json() as { error: { code: string } };
      assert.match(body.error.code, /^voice\./);
      return response.status;
    };
    assert.equal(await ask("https://evil.example", "?user=ann"), 403);
    assert.equal(await ask("http://shop.example", "?user=ann"), 403); // the list counts, not the host
    assert.equal(await ask("https://shop.example", ""), 401);
    const own = await appOf(route).request("http://shop.example/guarded", {
      headers: { host: "shop.example", origin: "https://evil.example" },
    });
    assert.equal(own.status, 403);
    const noSocket = await appOf(route).request("http://shop.example/guarded", {
      headers: { host: "shop.example", origin: "http://shop.example" },
    });
    assert.equal(noSocket.status, 426);
  });

  test("a call belongs to who made it", async () => {
    const mine = await call("guarded?user=ann");
    const { token } = await mine.until("welcome");
    const resume = { ...HELLO, resume: { token, seen: 0, received: [], reports: [] } };
    const theirs = await new Client("guarded?user=bob").opened();
    theirs.send(resume);
    assert.equal((await theirs.until("refused")).code, "voice.unknown_call");
    mine.send({ type: "end" });
    await mine.closed;
    await quiet();
  });

  test("a session that cannot start tells the page, and the log why", async () => {
    const client = await call("broken");
    const error = await client.until("error");
    assert.equal(error.code, "session.start_failed");
    assert.ok(!JSON.stringify(client.messages).includes("out of order"));
    assert.equal(logged[0]?.["message"], "a call could not begin");
    assert.equal((logged[0]?.["error"] as Error).message, "out of order");
    assert.equal((await client.closed).code, 1000);
  });

  test("closing the route ends its calls, and resolves when they are over", async () => {
    const client = await call("guarded?user=ann");
    await client.until("state");
    await guarded.close();
    assert.equal(guarded.callCount(), 0);
    assert.equal((await client.until("end")).reason, "job_shutdown");
    assert.equal((await client.closed).code, 1000);
  });

  test("the page is one document, in which nothing that it is given can run", async () => {
    const page = await (await fetch(server.url)).text();
    assert.match(page, /<title>Talk &#60;now&#62;<\/title>/);
    assert.match(page, /Who&#39;s there\?/);
    assert.doesNotMatch(page, /(?:src|href)="(?!data:)/);
    assert.equal(page.split("</script>").length, 3);
  });

  test("the client is a module that stands for itself", () => {
    const body = voiceClientModule().replace(/export\s*\{\s*connectVoice\s*\};?/, "return connectVoice");
    assert.equal(typeof new Function(body)(), "function");
    assert.doesNotMatch(voiceClientModule(), /(^|[;}\s])import[\s("{*]/);
  });
});

function appOf(handler: VoiceRoute): Hono {
  return new Hono().get("/guarded", handler);
}
