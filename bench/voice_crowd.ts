/**
 * The crowd that `voice_load.ts` measures, on whichever side is handed in.
 *
 * @module
 */
import { FRAME_MS, type VoiceBench, type VoiceWatch } from "./voice_bench.ts";
import { cpuSeconds, type Measured, quantile, sleep } from "./measure.ts";

const SESSIONS = 50;
const LISTEN_MS = 4_000;
const TALK_MS = 6_000;
const TURN_EVERY_MS = 2_000;

/** Percent of a core a listening session, and lateness while all of them talk. */
export async function voiceLoad(open: (watch?: VoiceWatch) => Promise<VoiceBench>): Promise<Measured> {
  let hear: (index: number) => void = () => {};
  for (let index = 0; index < SESSIONS; index++) {
    setTimeout(() => setInterval(() => hear(index), FRAME_MS), (index * FRAME_MS) / SESSIONS);
  }
  await sleep(500);
  const floor = await coreShare(LISTEN_MS / 2);
  const lateFloor = await lateness(LISTEN_MS / 2);

  let frames = 0;
  const benches = await Promise.all(Array.from({ length: SESSIONS }, () => open({ onFrame: () => frames++ })));
  hear = (index) => benches[index]!.hear();
  await sleep(1_500);
  const share = await coreShare(LISTEN_MS);

  for (const [index, bench] of benches.entries()) {
    setTimeout(() => setInterval(() => void talk(bench), TURN_EVERY_MS), (index * TURN_EVERY_MS) / SESSIONS);
  }
  await sleep(TURN_EVERY_MS); // every one has begun
  const late = await lateness(TALK_MS);
  const turns = SESSIONS * TALK_MS / TURN_EVERY_MS;
  if (frames < turns * 10) throw new Error(`Cannot measure the load as the sessions did not talk: ${frames} frames`);
  return {
    voice_core: (share - floor) * 100 / SESSIONS,
    voice_loop_p99: late.all,
    voice_loop_own: late.own,
    voice_loop_floor: lateFloor.all,
  };
}

async function talk(bench: VoiceBench): Promise<void> {
  bench.speech("start_of_speech", 50);
  await sleep(100);
  bench.speech("end_of_speech", 400);
  bench.final("what about this");
}

/** CPU time of the process over wall time. */
async function coreShare(durationMs: number): Promise<number> {
  const startedAt = performance.now();
  const seconds = await cpuSeconds(() => sleep(durationMs));
  return seconds * 1000 / (performance.now() - startedAt);
}

/** How late a timer of 5 ms comes, and how much of that this process was at work; 99th percentiles, in milliseconds. */
async function lateness(durationMs: number): Promise<{ readonly all: number; readonly own: number }> {
  const all: number[] = [];
  const own: number[] = [];
  for (const end = performance.now() + durationMs; performance.now() < end;) {
    const startedAt = performance.now();
    const cpuMs = await cpuSeconds(() => sleep(5)) * 1000;
    const late = performance.now() - startedAt - 5;
    all.push(late);
    own.push(Math.min(late, cpuMs));
  }
  const p99 = (values: number[]): number => quantile(values.sort((a, b) => a - b), 0.99);
  return { all: p99(all), own: p99(own) };
}
