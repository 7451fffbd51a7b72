/**
 * A call over a WebSocket inside one isolate: where the place has `WebSocketPair`, that; elsewhere, two ends made here.
 */
import { Hono } from "hono";
import { upgradeWebSocket as upgradeEdge } from "hono/cloudflare-workers";
import { defineWebSocketHelper, WSContext, type WSEvents } from "hono/ws";
import { voiceRoute } from "../../adapters/hono/mod.ts";
import type { Agent, LLM } from "../../mod.ts";
import type { Runtime } from "../../src/base/runtime.ts";
import { scriptedTTS } from "../../src/testing/mod.ts";

/** What a page has of its socket. */
interface PageSocket {
  send(data: string | Uint8Array): void;
  onMessage(listener: (data: string | ArrayBuffer) => void): void;
  onClose(listener: (code: number) => void): void;
}

type Message = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Two ends, for places without `WebSocketPair`: `take` gives the page's end. */
function ownPair(): { readonly upgrade: ReturnType<typeof defineWebSocketHelper>; readonly take: () => PageSocket } {
  let events!: WSEvents;
  let toPage = (_data: string | ArrayBuffer): void => {};
  let closed = (_code: number): void => {};
  const later = (work: () => void): void => void Promise.resolve().then(work);
  const context = new WSContext({
    readyState: 1,
    send: (data) => later(() => toPage(typeof data === "string" ? data : new Uint8Array(data).slice().buffer)),
    close: (code = 1000) => later(() => closed(code)),
  });
  return {
    upgrade: defineWebSocketHelper((_c, given) => {
      events = given;
      return new Response(null);
    }),
    take: () => ({
      send: (data) =>
        later(() => {
          const given = typeof data === "string" ? data : data.slice().buffer;
          events.onMessage?.(new MessageEvent("message", { data: given }), context);
        }),
      onMessage: (listener) => void (toPage = listener),
      onClose: (listener) => void (closed = listener),
    }),
  };
}

interface EdgeSocket {
  binaryType: string;
  accept(): void;
  send(data: string | Uint8Array): void;
  addEventListener(type: string, listener: (event: { data: string | ArrayBuffer; code: number }) => void): void;
}

/** Who answers, what is asked, and the answer after which the page hangs up. */
export interface CallByText {
  readonly agent: () => Agent;
  readonly llm: LLM;
  readonly text: string;
  readonly until: string;
}

/** Calls, types a question, hears the answer out, hangs up. Returns what the page saw, and the code of the closing. */
export async function callByText(
  runtime: Runtime,
  { agent, llm, text, until }: CallByText,
): Promise<
  { readonly messages: readonly Message[]; readonly soundMs: number; readonly code: number; readonly left: number }
> {
  const { clock } = runtime;
  const isEdge = "WebSocketPair" in globalThis;
  const pair = ownPair();
  const route = voiceRoute({
    runtime,
    upgradeWebSocket: isEdge ? upgradeEdge : pair.upgrade,
    agent,
    session: () => ({ llm, tts: scriptedTTS({ msPerChar: 10 }, { clock }) }),
  });
  const response = await new Hono().get("/voice", route).request("http://shop.example/voice", {
    headers: { upgrade: "websocket" },
  });
  let socket: PageSocket;
  if (isEdge) {
    const edge = (response as Response & { readonly webSocket?: EdgeSocket | null }).webSocket;
    if (!edge) throw new Error(`no socket: status ${response.status}`);
    edge.binaryType = "arraybuffer"; // newer dates of compatibility give Blobs
    edge.accept();
    socket = {
      send: (data) => edge.send(data),
      onMessage: (listener) => edge.addEventListener("message", ({ data }) => listener(data)),
      onClose: (listener) => edge.addEventListener("close", ({ code }) => listener(code)),
    };
  } else socket = pair.take();

  const messages: Message[] = [];
  let samples = 0;
  const code = await new Promise<number>((resolve) => {
    const send = (message: object): void => socket.send(JSON.stringify(message));
    socket.onClose(resolve);
    socket.onMessage((data) => {
      if (typeof data !== "string") {
        const view = new DataView(data);
        const count = (data.byteLength - 8) / 2;
        samples += count;
        const [segment, index] = [view.getUint32(0, true), view.getUint32(4, true)];
        if (index === 0) send({ type: "played", segment, event: "started", samples: 0 });
        return send({ type: "played", segment, event: "position", samples: index + count });
      }
      const message = JSON.parse(data) as Message;
      messages.push(message);
      if (message.type === "welcome") send({ type: "text", text });
      if (message.type === "segment") {
        send({ type: "played", segment: message["segment"], event: "finished", samples: message["samples"] });
      }
      if (message.type === "clear") {
        send({ type: "played", segment: message["segment"], event: "cleared", samples: 0 });
      }
      if (message.type === "message" && message["text"] === until) send({ type: "end" });
    });
    send({ type: "hello", version: 1, sampleRate: 16_000 });
    socket.send(new Uint8Array(4 + 640)); // 20 ms of silence
  });
  await route.close();
  return { messages, soundMs: samples / 24, code, left: route.callCount() };
}
