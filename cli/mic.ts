/**
 * `repartee demo --mic`: a page on this machine, over which somebody talks to the agent of the demo by microphone.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { type Context, Hono } from "hono";
import type { UpgradeWebSocket } from "hono/ws";
import { fliteTTS } from "../adapters/flite/mod.ts";
import { voicePage, voiceRoute } from "../adapters/hono/mod.ts";
import { sileroVAD } from "../adapters/silero/mod.ts";
import { smartTurn } from "../adapters/smart_turn/mod.ts";
import { whisperSTT } from "../adapters/whisper/mod.ts";
import { Bookseller, booksellerModel } from "../examples/shared/bookshop.ts";
import type { AgentSession, Runtime } from "../mod.ts";
import { traceFile } from "../src/trace/file.ts";
import type { TraceRecord } from "../src/trace/record.ts";
import { showCall } from "./demo_screen.ts";
import { languageModel } from "./language_model.ts";
import { transcriptOf } from "./transcript.ts";
import { listen, upgradeOf } from "./web_server.ts";

/** How the page is served. */
export interface MicOptions {
  readonly runtime: Runtime;
  /** 0: any that is free. */
  readonly port: number;
  /** The folder in which each call leaves its transcript and its trace. */
  readonly out: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
  /** A detector tells from the sound whether the caller has finished. */
  readonly withSmartTurn: boolean;
}

/** Serves the page, on this machine only, until it is told to stop. */
export async function serveMic({ runtime, port, out, signal, write, withSmartTurn }: MicOptions): Promise<void> {
  const { clock, files } = runtime;
  // A detector of turns looks into the pause, so that silence alone may decide sooner.
  await using detector = withSmartTurn ? smartTurn({ clock }) : null;
  await using vad = sileroVAD({ clock, ...(detector !== null && { minSilenceDuration: 250 }) });
  await using tts = fliteTTS({ voice: "slt", clock });
  await using stt = whisperSTT({ clock });
  await Promise.all([vad.prewarm?.(), tts.prewarm(), stt.prewarm?.(), detector?.prewarm()]);
  const llm = languageModel(runtime, () => booksellerModel(clock));
  mkdirSync(out, { recursive: true });

  let count = 0;
  const calls = new WeakMap<Context, { readonly number: number; onRecord: (record: TraceRecord) => void }>();
  const route = voiceRoute({
    runtime,
    upgradeWebSocket: await upgradeOf(runtime) as UpgradeWebSocket,
    agent: () => new Bookseller(clock),
    async session(c) {
      const call = { number: ++count, onRecord: (_record: TraceRecord): void => {} };
      calls.set(c, call);
      const file = await files?.write(`${out}/call-${call.number}.jsonl`);
      const writer = file && traceFile(file).getWriter();
      const trace = new WritableStream<TraceRecord>({
        async write(record) {
          call.onRecord(record);
          await writer?.write(record);
        },
        close: () => writer?.close(),
      }, { highWaterMark: 1_024 });
      return { vad, tts, stt, llm, trace, turnHandling: { turnDetection: detector } };
    },
    onSession(session, c) {
      const call = calls.get(c);
      if (call !== undefined) call.onRecord = follow(session, call.number);
    },
  });
  const follow = (session: AgentSession, number: number): (record: TraceRecord) => void => {
    write(`\nCall ${number} begins.\n`);
    session.once("close", () => {
      writeFileSync(`${out}/call-${number}.md`, transcriptOf(session.history.messages()));
      write(`Call ${number} is over. Left in ${out}/: call-${number}.md, call-${number}.jsonl\n`);
    });
    return showCall(session, clock.now(), {
      write,
      isColoured: process.stdout.isTTY === true && runtime.env?.("NO_COLOR") === undefined,
    });
  };

  const app = new Hono();
  app.get("/", (c) =>
    c.html(voicePage({
      title: "The Harbour Bookshop",
      intro: "A small shop's telephone, answered on this machine.",
      suggestions: ["When do you open on Sunday?", "Tell me the history of the shop.", "Where are the cooking books?"],
    })));
  app.get("/voice", route);
  const server = await listen(runtime, app, port);
  write(`Open ${server.url} in a browser, and talk. Ctrl-C ends it.\n`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await route.close();
  await server.close();
}
