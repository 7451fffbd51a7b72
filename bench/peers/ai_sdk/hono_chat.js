/** The peer's side of `bench/hono_chat.ts`: hono and `streamText` of the AI SDK, with a model of the same twenty chunks. */
import { convertToModelMessages, streamText } from "ai";
import { Hono } from "hono";
import { serveApp } from "../../../examples/shared/serve.ts";
import { load } from "../../http_load.ts";
import { report } from "../../measure.ts";

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 20, text: 20, reasoning: 0 },
};
const parts = [
  { type: "stream-start", warnings: [] },
  { type: "text-start", id: "t" },
  ...Array.from({ length: 20 }, (_, index) => ({ type: "text-delta", id: "t", delta: `word${index} ` })),
  { type: "text-end", id: "t" },
  { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage },
];
const model = {
  specificationVersion: "v4",
  provider: "bench",
  modelId: "instant",
  supportedUrls: {},
  async doStream() {
    let index = 0;
    return {
      stream: new ReadableStream({
        pull(controller) {
          const part = parts[index++];
          if (part === undefined) controller.close();
          else controller.enqueue(part);
        },
      }),
    };
  },
};

await report(async () => {
  const app = new Hono();
  app.post("/chat", async (c) => {
    const { messages } = await c.req.json();
    const result = streamText({ model, system: "Answer.", messages: await convertToModelMessages(messages) });
    return result.toUIMessageStreamResponse();
  });
  const { origin } = await serveApp(app);
  const chat = await load(`${origin}/chat`);
  return { chat_cpu: chat.cpuMs, chat_per_second: chat.perSecond };
});
