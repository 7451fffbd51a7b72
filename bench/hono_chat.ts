/**
 * Question: what does a chat over HTTP cost the server?
 *
 * 4,000 turns, 50 at once over kept connections, each of a new conversation: the request is read, a session made, a model of
 * twenty chunks that costs nothing asked, the UI message stream of the AI SDK written, and the conversation kept in memory.
 * CPU time of the serving process for each, its collector included, and turns a second by the wall; the client is a process
 * of its own. Beside it the floor: the same app streams a text of that length, with no session and no protocol to write.
 *
 *     node bench/hono_chat.ts
 */
import { Hono } from "hono";
import { mountChat } from "../adapters/hono/mod.ts";
import { serveApp } from "../examples/shared/serve.ts";
import { Agent } from "../mod.ts";
import { load } from "./http_load.ts";
import { instantLLM } from "./instant_llm.ts";
import { type Measured, report } from "./measure.ts";

const llm = instantLLM();
const encoder = new TextEncoder();
const frames = Array.from(
  { length: 24 },
  (_, at) => encoder.encode(`data: {"type":"text-delta","id":"t","delta":"word${at} "}\n\n`),
);
frames.push(encoder.encode("data: [DONE]\n\n"));

await report(async (): Promise<Measured> => {
  const app = new Hono();
  mountChat(app, "/chat", { agent: () => new Agent({ instructions: "Answer.", llm }) });
  app.post("/floor", async (c) => {
    await c.req.json();
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const frame = frames[at++];
        if (frame === undefined) controller.close();
        else controller.enqueue(frame);
      },
    }, { highWaterMark: 0 });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  const { origin } = await serveApp(app);
  const chat = await load(`${origin}/chat`);
  const floor = await load(`${origin}/floor`);
  return { chat_cpu: chat.cpuMs, chat_per_second: chat.perSecond, chat_floor: floor.cpuMs };
});
