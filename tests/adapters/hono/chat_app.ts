/**
 * The app that chat clients talk to in tests. Loads in a bare isolate: nothing of Node is imported here.
 *
 * Its model does what the user says: `weather` calls a tool, `count` counts slowly, `throw` fails, `stall` says nothing
 * ever, `ponder` says a word and then nothing,
 * `desk` hands over, and everything else is repeated with the number of messages that the model was shown.
 */
import { Hono } from "hono";
import { mountChat } from "../../../adapters/hono/mod.ts";
import { detectRuntime } from "../../../adapters/runtime/detect.ts";
import { Agent, APIConnectionError, type ChatChunk, type LLM, type SessionStore, tool } from "../../../mod.ts";

/** What happened to the model, for tests to ask. */
export interface Seen {
  chats: number;
  /** Requests that were stopped before their answer was whole. */
  aborted: number;
}

const text = (content: string): ChatChunk => ({ id: "t", delta: { content } });

function obedient(seen: Seen, delay: (ms: number) => Promise<void>): LLM {
  let calls = 0;
  return {
    kind: "llm",
    model: "obedient",
    provider: "test",
    chat({ chatCtx, signal }) {
      seen.chats++;
      let isOver = false;
      signal?.addEventListener("abort", () => void (isOver || seen.aborted++), { once: true });
      const last = chatCtx.items.at(-1);
      const said = last?.type === "message" ? last.textContent ?? "" : "";
      const call = (name: string, args: string): ChatChunk => ({
        id: "t",
        delta: { toolCalls: [{ type: "function", callId: `call_${++calls}`, name, args }] },
      });
      let step = 0;
      return new ReadableStream<ChatChunk>({
        async pull(controller) {
          if (signal?.aborted) return controller.close();
          step++;
          if (said === "stall") return new Promise<void>(() => {});
          if (said === "ponder" && step > 1) return new Promise<void>(() => {});
          if (said === "throw") return controller.error(new APIConnectionError({ message: "secret of the inside" }));
          if (said === "count" && step <= 200) {
            await delay(15);
            return signal?.aborted ? controller.close() : controller.enqueue(text(`${step} `));
          }
          if (step > 1) {
            isOver = true;
            controller.enqueue({ id: "t", usage: { promptTokens: 10, completionTokens: 3, totalTokens: 13 } });
            return controller.close();
          }
          if (last?.type === "function_call_output") controller.enqueue(text(`It is ${last.output}.`));
          else if (said === "weather") controller.enqueue(call("weather", '{"city":"Oslo"}'));
          else if (said === "desk") controller.enqueue(call("desk", "{}"));
          else controller.enqueue(text(`${said}, after ${chatCtx.messages().length - 1}`));
        },
      }, { highWaterMark: 0 });
    },
  };
}

/** Makes the app, over a store of its own unless one is given. */
export function chatApp(
  o: { readonly store?: SessionStore; readonly onDisconnect?: "interrupt" | "continue" } = {},
): Hono {
  const runtime = detectRuntime();
  const seen: Seen = { chats: 0, aborted: 0 };
  const delay = (ms: number) => new Promise<void>((go) => void runtime.clock.schedule(runtime.clock.now() + ms, go));
  const llm = obedient(seen, delay);
  const weather = tool({
    name: "weather",
    description: "The weather.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    execute: () => "18 degrees and sunny",
  });
  const desk = (): Agent => new Agent({ id: "desk", instructions: "Sell." });
  const door = (): Agent =>
    new Agent({
      id: "door",
      instructions: "Do what you are told.",
      tools: [weather, tool({ name: "desk", description: "Hands over.", execute: desk })],
    });
  const app = new Hono();
  app.get("/seen", (c) => c.json(seen));
  mountChat(app, "/chat", {
    agents: { door, desk },
    session: { llm, connOptions: { llmConnOptions: { maxRetry: 0, timeoutMs: 1_500 }, maxUnrecoverableErrors: 10 } },
    authorize: (c) => c.req.header("authorization") ?? null,
    maxBodySize: 100_000,
    ...o,
  });
  return app;
}
