/**
 * The turns that `voice_latency.ts` measures, on whichever side is handed in.
 *
 * @module
 */
import type { VoiceBench, VoiceWatch } from "./voice_bench.ts";
import { idle, type Measured, percentiles } from "./measure.ts";

const WARM = 100;
const TURNS = 300;

/** Milliseconds to the model, to the first frame, and to silence, of either side. */
export async function voiceLatency(open: (watch: VoiceWatch) => Promise<VoiceBench>): Promise<Measured> {
  let isPlayingOn = false;
  let startedAt = 0;
  let chatAt: number | undefined;
  let frameAt: number | undefined;
  let clearAt: number | undefined;
  const bench = await open({
    onChat: () => chatAt ??= performance.now(),
    onFrame: () => frameAt ??= performance.now(),
    onClear: () => clearAt ??= performance.now(),
    finishes: () => !isPlayingOn,
  });
  const { session } = bench;
  const begin = (): void => {
    chatAt = frameAt = clearAt = undefined;
    startedAt = performance.now();
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
  const toModel: number[] = [];
  const toFrame: number[] = [];
  const toClear: number[] = [];
  for (let turn = 0; turn < WARM + TURNS; turn++) {
    isPlayingOn = true;
    bench.speech("start_of_speech", 50);
    await idle();
    bench.speech("end_of_speech", 400);
    await idle();
    begin();
    bench.final(`what about ${turn}`);
    await until(() => frameAt !== undefined && session.agentState === "speaking");
    const [chat, frame] = [chatAt! - startedAt, frameAt! - startedAt];
    for (let index = 0; index < 10; index++) await idle(); // the rest of the reply reaches the sink

    begin();
    bench.speech("start_of_speech", 600);
    bench.speech("inference_done", 600);
    await until(() => clearAt !== undefined);
    const clear = clearAt! - startedAt;
    isPlayingOn = false;
    bench.speech("end_of_speech", 600);
    await until(() => session.agentState === "listening");
    if (turn < WARM) continue;
    toModel.push(chat);
    toFrame.push(frame);
    toClear.push(clear);
  }
  await session.close();
  return {
    ...percentiles("to_model", toModel),
    ...percentiles("to_frame", toFrame),
    ...percentiles("to_clear", toClear),
  };
}
