/**
 * `repartee timeline FILE`, and the page that the demo leaves.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import type { AudioFrame } from "../src/audio/frame.ts";
import { peak } from "../src/audio/level.ts";
import { deinterleave } from "../src/audio/pcm.ts";
import { readWav, writeWav } from "../src/audio/wav.ts";
import { parseTrace } from "../src/trace/replay.ts";
import type { TraceRecord } from "../src/trace/record.ts";
import { timelineOf } from "../src/trace/timeline.ts";
import { type TimelineAudio, timelinePage } from "../src/trace/timeline_page.ts";
import { readText } from "./replay.ts";

/** One value of a waveform stands for this much sound. Chosen: a pixel of a minute on a wide screen. */
const STEP_MS = 20;

/** The sound of a call as the page wants it: caller on the first channel, agent on the second. */
export function timelineAudio(call: AudioFrame): TimelineAudio {
  const [caller = new Int16Array(), agent = caller] = deinterleave(call.data, call.channels);
  const step = Math.round((call.sampleRate * STEP_MS) / 1000);
  const wave = (samples: Int16Array): number[] => {
    const values: number[] = [];
    for (let at = 0; at < samples.length; at += step) values.push(peak(samples.subarray(at, at + step)));
    return values;
  };
  return {
    wavBase64: Buffer.from(writeWav(call)).toString("base64"),
    caller: wave(caller),
    agent: wave(agent),
    stepMs: STEP_MS,
  };
}

/** Makes the page of a recorded session. */
export function pageOf(records: readonly TraceRecord[], title: string, call: AudioFrame | undefined): string {
  return timelinePage(timelineOf(records), { title, ...(call && { audio: timelineAudio(call) }) });
}

/** Draws a trace. */
export async function timelineCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { out: { type: "string" }, audio: { type: "string" } },
  });
  const records = parseTrace(await readText(positionals[0], "the trace"));
  const call = values.audio === undefined ? undefined : readWav(new Uint8Array(await readFile(values.audio)));
  const out = values.out ?? `${positionals[0]}.html`;
  await writeFile(out, pageOf(records, positionals[0] ?? "Session", call));
  process.stdout.write(`${out}\n`);
  return 0;
}
