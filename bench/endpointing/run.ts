/**
 * Question: whom do our endpointing policies cut off, and how long do they keep people waiting, beside a plain threshold?
 *
 *     node bench/endpointing/run.ts                 a synthetic set (`generate.ts`), seed 1
 *     node bench/endpointing/run.ts --seed 7
 *     node bench/endpointing/run.ts --data my.csv   published or own predictions (format: `pauses.ts`)
 *
 * Writes `out/endpointing.svg` and a table; with `--write`, `bench/endpointing/RESULTS.md` and its picture. Fails when the
 * graded policy waits longer than the plain threshold that cuts off as many.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Curve, drawCurves } from "./chart.ts";
import { generatePauses } from "./generate.ts";
import { readPauses } from "./pauses.ts";
import { type Outcome, playPolicy, playSweep, type Policy } from "./replay.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: {
    data: { type: "string" },
    seed: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const source = values.data ?? `synthetic, seed ${seed}`;
const pauses = values.data === undefined ? generatePauses(seed) : readPauses(readFileSync(values.data, "utf8"));
const spans = pauses.flat();
const THRESHOLDS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99];
const DELAYS = [300, 400, 500, 700, 900, 1_200, 1_600, 2_000, 2_500];

const machine = (name: string, policies: readonly (readonly [label: string, policy: Policy])[]): Curve => ({
  name,
  points: policies.map(([label, policy]) => ({ label, ...playPolicy(pauses, policy) })),
});
const detector = (minDelay: number, mode: "fixed" | "dynamic" | "graded"): Curve =>
  machine(
    `detector, ${mode}, ${minDelay} / 2,500 ms`,
    THRESHOLDS.map((
      threshold,
    ) => [`below ${threshold}`, { endpointing: { mode, minDelay, maxDelay: 2_500 }, threshold }]),
  );

const sweep: Curve = {
  name: "plain threshold on the score, 2,500 ms at the latest",
  points: THRESHOLDS.map((threshold) => ({ label: `from ${threshold}`, ...playSweep(pauses, threshold, 2_500) })),
};
const fixed = machine(
  "fixed",
  DELAYS.map((minDelay) => [`${minDelay} ms`, { endpointing: { minDelay, maxDelay: 3_000 } }]),
);
const dynamic = machine(
  "dynamic",
  DELAYS.map((minDelay) => [`from ${minDelay} ms`, { endpointing: { mode: "dynamic", minDelay, maxDelay: 3_000 } }]),
);
const graded = detector(250, "graded");
const curves = [
  sweep,
  fixed,
  dynamic,
  detector(300, "fixed"),
  detector(500, "fixed"),
  detector(300, "dynamic"),
  graded,
];

/** What the sweep takes for so many cut off: the least delay of a mix of two of its thresholds. */
function sweepDelay(cutOff: number): number {
  const points = [...sweep.points].sort((a, b) => a.cutOff - b.cutOff);
  let least = Infinity;
  for (const [index, a] of points.entries()) {
    if (a.cutOff <= cutOff) least = Math.min(least, a.delayMs);
    for (const b of points.slice(index + 1)) {
      if (a.cutOff > cutOff || b.cutOff <= cutOff) continue;
      least = Math.min(least, a.delayMs + ((b.delayMs - a.delayMs) * (cutOff - a.cutOff)) / (b.cutOff - a.cutOff));
    }
  }
  return least;
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
const ms = (value: number): string => Number.isFinite(value) ? Math.round(value).toLocaleString("en") : "none";
const row = (name: string, { label, ...o }: Outcome & { readonly label: string }): string =>
  `| ${name} | ${label} | ${percent(o.cutOff)} | ${ms(o.delayMs)} | ${ms(o.delayP90Ms)} | ${
    ms(sweepDelay(o.cutOff) - o.delayMs)
  } |`;
// A per cent of noise: what so many pauses cannot tell apart.
const behind = graded.points.filter((point) => point.delayMs > sweepDelay(point.cutOff) * 1.01)
  .map((point) => row(graded.name, point));
const table = [
  "| policy | setting | cut off | mean delay, ms | 9 of 10, ms | sooner than the sweep, ms |",
  "|---|---|---|---|---|---|",
  ...curves.flatMap(({ name, points }) => points.map((point) => row(name, point))),
].join("\n");
const summary = `${spans.filter(({ isEnd }) => isEnd).length} ends of turns and ${
  spans.filter(({ isEnd }) => !isEnd).length
} pauses inside turns, ${pauses.length} conversations (${source})`;

mkdirSync(`${root}out`, { recursive: true });
writeFileSync(`${root}out/endpointing.svg`, drawCurves(curves));
console.log(`${summary}\n\n${table}`);
if (values.write) {
  writeFileSync(`${root}bench/endpointing/curves.svg`, drawCurves(curves));
  writeFileSync(
    `${root}bench/endpointing/RESULTS.md`,
    `# Endpointing: cut off against delay

Made by \`node bench/endpointing/run.ts --write\`; do not edit. ${summary}.

Cut off: of the pauses inside turns, the part in which the turn was called over. Delay: from the end of the voice to the end of the
turn. Ours are the turn machine itself, fact by fact; the plain threshold ends a turn at the first score, one each 100 ms, that is
not below it. The last column compares with the plain threshold that cuts off as many.

![Curves](curves.svg)

${table}
`,
  );
}
if (behind.length > 0) {
  console.log(`\nSlower than the plain threshold that cuts off as many:\n${behind.join("\n")}`);
  process.exitCode = 1;
}
