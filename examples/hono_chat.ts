/**
 * A chat in the browser, over HTTP: the bookshop answers by text, looks things up, and remembers who asks. Rules stand in for a
 * language model; with `OPENAI_API_KEY` or `OPENAI_BASE_URL` in the environment, a real one answers.
 *
 *     deno run -A examples/hono_chat.ts      (or `bun`, or `node`), then open the address that it prints
 */
import { Hono } from "hono";
import { mountChat } from "../adapters/hono/mod.ts";
import { openaiFromEnv } from "../adapters/openai/mod.ts";
import { detectRuntime } from "../adapters/runtime/detect.ts";
import { chatPage } from "./hono_chat/page.ts";
import { Bookseller, booksellerModel } from "./shared/bookshop.ts";
import { serveApp } from "./shared/serve.ts";

const { clock, env = () => undefined } = detectRuntime();
const llm = openaiFromEnv(env) ?? booksellerModel(clock);

const app = new Hono();
mountChat(app, "/chat", { agent: () => new Bookseller(clock), session: { llm } });
app.get("/", (c) => c.html(chatPage("Harbour Bookshop", ["When are you open on Sunday?", "Tell me your history"])));

const { origin } = await serveApp(app, Number(env("PORT") ?? 3000));
console.log(`Open ${origin}`);
