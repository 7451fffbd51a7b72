/** The AI SDK's own client against a chat in a bare isolate of workerd. Run on Node, which starts it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Workerd } from "../../../scripts/workerd.ts";
import { cases } from "./chat_cases.ts";

const isNode = !("Bun" in globalThis) && !("Deno" in globalThis);
const skip = isNode ? false : "started by Node";
let workerd: Workerd | undefined;
before(async () => {
  if (!isNode) return;
  const { openWorkerd } = await import("../../../scripts/workerd.ts");
  workerd = await openWorkerd(
    `import { chatApp } from "./tests/adapters/hono/chat_app.ts"; export default chatApp();`,
  );
});
after(() => workerd?.[Symbol.asyncDispose]());

for (const { name, run } of cases) test(name, { skip }, () => run(workerd?.origin ?? ""));

test("a model behind the chat completions API serves a chat at the edge, and is hung up on when the client leaves", {
  skip,
}, async () => {
  const { openWorkerd } = await import("../../../scripts/workerd.ts");
  const { openServer } = await import("../openai/server.ts");
  await using provider = await openServer(async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let n = 1; n <= 300 && !response.destroyed; n++) {
      response.write(`data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content: `${n} ` } }] })}\n\n`);
      await new Promise((go) => setTimeout(go, 20));
    }
    response.end("data: [DONE]\n\n");
  });
  await using place = await openWorkerd(`
    import { Hono } from "hono";
    import { mountChat } from "./adapters/hono/mod.ts";
    import { openaiLLM } from "./adapters/openai/mod.ts";
    import { Agent } from "./mod.ts";
    const app = new Hono();
    const llm = openaiLLM({ model: "m", apiKey: "key", baseURL: ${JSON.stringify(provider.baseURL)} });
    mountChat(app, "/chat", { agent: () => new Agent({ instructions: "Count.", llm }) });
    export default app;`);
  const leaving = new AbortController();
  const response = await fetch(`${place.origin}/chat`, {
    method: "POST",
    signal: leaving.signal,
    body: JSON.stringify({ id: "c", messages: [{ id: "u", role: "user", parts: [{ type: "text", text: "Count" }] }] }),
  });
  let seen = "";
  const reader = (response.body as ReadableStream<BufferSource>).pipeThrough(new TextDecoderStream()).getReader();
  while (!seen.includes('"delta":"5 "')) seen += (await reader.read()).value ?? assert.fail(`it ended: ${seen}`);
  const leftAt = performance.now();
  leaving.abort();
  await reader.read().catch(() => {});
  const [request] = provider.received;
  assert.equal(request?.headers.authorization, "Bearer key");
  await request?.closed;
  assert.ok(performance.now() - leftAt < 2_000, "the provider would have gone on for 6 s");
});
