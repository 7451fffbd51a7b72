/**
 * Says how well the local backchannel policy tells interruptions from backchannels, on the labelled set.
 *
 *     npm run backchannels            the half that is tuned on, with its mistakes, and the figures of the unseen half
 *     npm run backchannels -- --all   the mistakes of the unseen half, too: whoever has looked must label a new one
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { judgeBackchannel } from "../src/turn/backchannel.ts";
import { root } from "./places.ts";

interface Utterance {
  readonly language: string;
  readonly text: string;
  readonly durationMs: number;
  readonly heardMs: number;
  readonly untilEndMs: number | null;
  readonly isQuestion: boolean;
  readonly takesFloor: boolean;
  readonly unseen: boolean;
}

const set = JSON.parse(readFileSync(`${root}tests/fixtures/backchannels.json`, "utf8")) as readonly Utterance[];
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

for (const unseen of [false, true]) {
  const half = set.filter((utterance) => utterance.unseen === unseen);
  const judged = half.map((utterance) => ({ utterance, answer: judgeBackchannel({ ...utterance, isFinal: true }) }));
  const count = (said: boolean, is: boolean): number =>
    judged.filter(({ utterance, answer }) => answer.takesFloor === said && utterance.takesFloor === is).length;
  const [hits, falseAlarms, misses, rests] = [
    count(true, true),
    count(true, false),
    count(false, true),
    count(false, false),
  ];
  console.log(`${unseen ? "unseen" : "seen"} half: ${half.length} utterances, ${hits + misses} interruptions`);
  console.log(
    `  interruptions: precision ${percent(hits, hits + falseAlarms)}, recall ${percent(hits, hits + misses)}`,
  );
  console.log(
    `  backchannels:  precision ${percent(rests, rests + misses)}, recall ${percent(rests, rests + falseAlarms)}`,
  );
  if (unseen && !process.argv.includes("--all")) continue;
  for (const { utterance, answer } of judged) {
    if (answer.takesFloor === utterance.takesFloor) continue;
    const { language, text, heardMs, untilEndMs } = utterance;
    console.log(
      `  ${
        answer.takesFloor ? "takes" : "leaves"
      } the floor (${answer.reason}): ${language} "${text}" at ${heardMs}, ${untilEndMs} to come`,
    );
  }
}
