/**
 * `repartee demo`: a caller's sound, a real detector, a real recogniser, a real voice, and what comes of it.
 *
 * @module
 */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { detectRuntime } from "../adapters/runtime/detect.ts";
import { type VirtualRuntime, virtualRuntime } from "../adapters/runtime/virtual.ts";
import { FLITE_VOICES, fliteTTS, type FliteVoice } from "../adapters/flite/mod.ts";
import { sileroVAD } from "../adapters/silero/mod.ts";
import { smartTurn } from "../adapters/smart_turn/mod.ts";
import { whisperSTT } from "../adapters/whisper/mod.ts";
import { Bookseller, booksellerModel } from "../examples/shared/bookshop.ts";
import { AgentError, type AudioFrame, type Runtime } from "../mod.ts";
import { frameDurationMs } from "../src/audio/frame.ts";
import { readWav } from "../src/audio/wav.ts";
import type { TraceRecord } from "../src/trace/record.ts";
import { CALL, speakCall } from "./caller.ts";
import { type CallFiles, type CallResult, holdCall } from "./call.ts";
import { languageModel } from "./language_model.ts";
import { showCall } from "./demo_screen.ts";
import { pageOf } from "./timeline.ts";
import { transcriptOf } from "./transcript.ts";

/** Runs the demo. 0: the call was held; 1: it was cut off. */
export async function demo(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      call: { type: "string" },
      out: { type: "string", default: "out" },
      voice: { type: "string", default: "kal16" },
      fast: { type: "boolean", default: false },
      "smart-turn": { type: "boolean", default: false },
      mic: { type: "boolean", default: false },
      port: { type: "string", default: "3000" },
    },
  });
  const out = values.out ?? "out";
  const place = detectRuntime();
  const { files } = place;
  if (files === undefined) {
    throw new AgentError(
      "cli.bad_argument",
      `Cannot run the demo as its results need files: current value is ${place.name}`,
    );
  }
  const runtime = values.fast === true ? virtualRuntime({ seed: 1 }) : place;
  const write = (text: string): void => void process.stdout.write(text);
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once("SIGINT", interrupted);
  try {
    if (values.mic === true) {
      const port = portOf(values.port);
      write("Loading: a voice, a detector and a recogniser, all on this machine.\n");
      const { serveMic } = await loadMic();
      await serveMic({
        runtime: place,
        port,
        out,
        signal: stop.signal,
        write,
        withSmartTurn: values["smart-turn"] === true,
      });
      return 0;
    }
    write("Loading: a voice, a detector and a recogniser, all on this machine.\n");
    const caller = values.call === undefined ? await speakCall(CALL, voiceOf(values.voice)) : readCall(values.call);
    const left = { recording: await files.write(`${out}/call.wav`), trace: await files.write(`${out}/trace.jsonl`) };
    const { result, isCut } = await inTime(
      runtime,
      () => hold(runtime, caller, left, stop.signal, write, values["smart-turn"] === true),
    );
    finish(out, result);
    write(`\nLeft in ${out}/: call.wav, transcript.md, trace.jsonl, timeline.html\n`);
    return isCut ? 1 : 0;
  } finally {
    process.off("SIGINT", interrupted);
  }
}

/** Holds the call with the embedded models. */
export async function hold(
  runtime: Runtime,
  caller: AudioFrame,
  files: CallFiles,
  signal: AbortSignal,
  write: (text: string) => void,
  withSmartTurn: boolean = false,
): Promise<{ readonly result: CallResult; readonly isCut: boolean }> {
  const { clock } = runtime;
  // A detector of turns looks into the pause, so that silence alone may decide sooner.
  await using detector = withSmartTurn ? smartTurn({ clock }) : null;
  await using vad = sileroVAD({ clock, ...(detector !== null && { minSilenceDuration: 250 }) });
  await using tts = fliteTTS({ voice: "slt", clock });
  await using stt = whisperSTT({ clock });
  await Promise.all([vad.prewarm?.(), tts.prewarm(), stt.prewarm?.(), detector?.prewarm()]);
  write(`A call of ${Math.round(frameDurationMs(caller) / 1000)} seconds. Times are seconds from its start.\n\n`);
  let onRecord = (_record: TraceRecord): void => {};
  const startedAt = clock.now();
  const result = await holdCall({
    runtime,
    caller,
    files,
    agent: new Bookseller(clock),
    session: {
      vad,
      tts,
      stt,
      llm: languageModel(runtime, () => booksellerModel(clock)),
      turnHandling: { turnDetection: detector },
    },
    signal,
    onSession: (session) => {
      onRecord = showCall(session, startedAt, {
        write,
        isColoured: process.stdout.isTTY === true && runtime.env?.("NO_COLOR") === undefined,
      });
    },
    onRecord: (record) => onRecord(record),
  });
  return { result, isCut: signal.aborted };
}

/** Runs work to its end; where time is virtual, moves it. */
export async function inTime<T>(runtime: Runtime, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const done = work().finally(() => (isOver = true));
  done.catch(() => {}); // it is awaited below
  const { clock } = runtime as VirtualRuntime;
  if (clock.gather !== undefined) {
    while (!isOver) {
      await clock.runUntil(clock.now() + 100);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  return await done;
}

function portOf(text: string | undefined): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new AgentError(
    "cli.bad_argument",
    `Cannot serve the page as --port must be a number from 0 to 65535: current value is ${text}`,
  );
}

/** The page needs packages that the rest of the command does not. */
async function loadMic(): Promise<typeof import("./mic.ts")> {
  try {
    return await import("./mic.ts");
  } catch (cause) {
    throw new AgentError(
      "runtime.missing",
      "Cannot serve the page as hono must be there: install `hono`, and on Node `@hono/node-server` and `ws`",
      { cause },
    );
  }
}

function voiceOf(name: string | undefined): FliteVoice {
  const voice = FLITE_VOICES.find((one) => one === name);
  if (voice === undefined) {
    throw new AgentError(
      "cli.bad_argument",
      `Cannot make the caller as --voice must be one of ${FLITE_VOICES.join(", ")}: current value is ${name}`,
    );
  }
  return voice;
}

function readCall(path: string): AudioFrame {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new AgentError(
      "cli.bad_argument",
      `Cannot read the call as the file must be readable: current value is ${path}`,
      { cause },
    );
  }
  return readWav(bytes);
}

/** Completes what a call left: the recording and the trace are there already. */
function finish(folder: string, { records, session, wavHeader }: CallResult): void {
  const file = openSync(`${folder}/call.wav`, "r+");
  writeSync(file, wavHeader, 0, wavHeader.length, 0);
  closeSync(file);
  const call = readWav(new Uint8Array(readFileSync(`${folder}/call.wav`)));
  writeFileSync(`${folder}/transcript.md`, transcriptOf(session.history.messages()));
  writeFileSync(`${folder}/timeline.html`, pageOf(records, "A call to the Harbour Bookshop", call));
}
