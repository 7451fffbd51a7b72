/**
 * The turns that `voice_latency.ts` measures, on whichever side is handed in.
 *
 * @module
 */
import process from "node:process";
import { idle, type Measured, percentiles } from "./measure.ts";
import type { VoiceBench, VoiceWatch } from "./voice_bench.ts";

const WARM = 100;
const TURNS = 300;

/** A moment, on the wall and in CPU time of the process, in milliseconds. */
interface Moment {
  readonly wall: number;
  readonly cpu: number;
}

function moment(): Moment {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}

/** What lies between two moments; `own` is the part of it in which the process was at work, since others may have had the core. */
class Spans {
  readonly all: number[] = [];
  readonly own: number[] = [];

  add(from: Moment, to: Moment): void {
    const wall = to.wall - from.wall;
    this.all.push(wall);
    this.own.push(Math.min(wall, to.cpu - from.cpu));
  }

  figures(key: string): Measured {
    return { ...percentiles(key, this.all), [`${key}_own_p99`]: percentiles("own", this.own)["own_p99"]! };
  }
}

/** Milliseconds to the model, to the first frame, and to silence, of either side. */
export async function voiceLatency(open: (watch: VoiceWatch) => Promise<VoiceBench>): Promise<Measured> {
  let isPlayingOn = false;
  let begun = moment();
  let chatAt: Moment | undefined;
  let frameAt: Moment | undefined;
  let clearAt: Moment | undefined;
  const bench = await open({
    onChat: () => chatAt ??= moment(),
    onFrame: () => frameAt ??= moment(),
    onClear: () => clearAt ??= moment(),
    finishes: () => !isPlayingOn,
  });
  const { session } = bench;
  const begin = (): void => {
    chatAt = frameAt = clearAt = undefined;
    begun = moment();
  };
  const until = async (isTrue: () => boolean): Promise<void> => {
    const deadline = performance.now() + 5_000;
    while (!isTrue()) {
      if (performance.now() > deadline) {
        throw new Error(`Cannot go on as the session is stuck: it is ${session.agentState}`);
      }
      await idle();
    }
  };
  const toModel = new Spans();
  const toFrame = new Spans();
  const toClear = new Spans();
  for (let turn = 0; turn < WARM + TURNS; turn++) {
    isPlayingOn = true;
    bench.speech("start_of_speech", 50);
    await idle();
    bench.speech("end_of_speech", 400);
    await idle();
    begin();
    bench.final(`what about ${turn}`);
    await until(() => frameAt !== undefined && session.agentState === "speaking");
    if (turn >= WARM) toModel.add(begun, chatAt!);
    if (turn >= WARM) toFrame.add(begun, frameAt!);
    for (let index = 0; index < 10; index++) await idle(); // the rest of the reply reaches the sink

    begin();
    bench.speech("start_of_speech", 600);
    bench.speech("inference_done", 600);
    await until(() => clearAt !== undefined);
    if (turn >= WARM) toClear.add(begun, clearAt!);
    isPlayingOn = false;
    bench.speech("end_of_speech", 600);
    await until(() => session.agentState === "listening");
  }
  await session.close();
  return { ...toModel.figures("to_model"), ...toFrame.figures("to_frame"), ...toClear.figures("to_clear") };
}
