/**
 * Makes a synthetic set of pauses: 40 speakers, each with a pace of his own, who pause inside their turns and at the ends of them,
 * and a detector that judges by how a turn sounds before the silence.
 *
 *     node bench/endpointing/generate.ts > pauses.csv
 *
 * What was chosen, since no data is free to ship: pauses inside turns are log-normal with a median of 450 ms times the pace of the
 * speaker (0.6 to 1.6 for two thirds of them); the detector's score is a logistic of a normal value, 1.9 above zero at the ends of
 * turns and 1.5 below inside them, 1.5 wide, which is right 87 times of 100; from look to look it wavers by 0.35 and rises by 0.2
 * in a second, since what it judges by is the melody before the silence, and not the silence.
 *
 * @module
 */
import process from "node:process";
import { seededRandom } from "../../src/base/random.ts";
import { type Conversation, type Score, type Span, writePauses } from "./pauses.ts";

const SPEAKERS = 40;
const TURNS = 40;
const LOOK_EVERY_MS = 100;
const FIRST_LOOK_MS = 200;
const LOOKED_AT_MS = 3_000;

/** Makes the set. The same seed makes the same set. */
export function generatePauses(seed: number): Conversation[] {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const looks = (isEnd: boolean, lengthMs: number): Score[] => {
    const heard = (isEnd ? 1.9 : -1.5) + 1.5 * normal();
    const at: number[] = [];
    for (let since = FIRST_LOOK_MS; since < lengthMs; since += LOOK_EVERY_MS) at.push(since);
    if (!isEnd) at.push(lengthMs);
    return at.map((sinceMs) => {
      const value = heard + 0.35 * normal() + (0.2 * (sinceMs - FIRST_LOOK_MS)) / 1_000;
      return { sinceMs, probability: 1 / (1 + Math.exp(-value)) };
    });
  };
  return Array.from({ length: SPEAKERS }, () => {
    const pace = Math.exp(0.5 * normal());
    const spans: Span[] = [];
    let now = 1_000;
    for (let turn = 0; turn < TURNS; turn++) {
      const pauseCount = Math.floor(random() * 4);
      for (let pause = 0; pause <= pauseCount; pause++) {
        now += Math.round(700 + 1_800 * random());
        const isEnd = pause === pauseCount;
        const lengthMs = isEnd
          ? LOOKED_AT_MS
          : Math.round(Math.min(2_900, Math.max(110, 450 * pace * Math.exp(0.55 * normal()))));
        spans.push({ startMs: now, isEnd, lengthMs: isEnd ? Infinity : lengthMs, scores: looks(isEnd, lengthMs) });
        now += isEnd ? 6_000 : lengthMs;
      }
    }
    return spans;
  });
}

if (import.meta.main) process.stdout.write(writePauses(generatePauses(Number(process.argv[2] ?? 1))));
