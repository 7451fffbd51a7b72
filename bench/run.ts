/**
 * Runs all questions, both sides in turn, and writes `bench/results.json` and `bench/RESULTS.md`.
 *
 *     npm run bench
 *     npm run bench -- --only text_turn,memory --rounds 1
 *
 * Each side of each round is a process of its own, one after the other: none warms up, fills the heap or takes the core of
 * another. With `--only` the rows of the other questions stay as they were.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Measured } from "./measure.ts";
import { type Place, type Question, QUESTIONS } from "./questions.ts";
import { makeRow, page, type Results, type Row } from "./results.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = `${root}node_modules/.bin`;
const peerPackage = `${root}bench/peers/node_modules/@livekit/agents/package.json`;
const TIMEOUT_MS = 120_000;

const { values: options } = parseArgs({ options: { only: { type: "string" }, rounds: { type: "string" } } });
const only = options.only?.split(",");
const unknown = only?.filter((name) => !QUESTIONS.some((question) => question.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(
    `Cannot ask ${unknown.join(", ")} as the questions are: ${QUESTIONS.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}
const hasPeer = existsSync(peerPackage);
if (!hasPeer) {
  console.log("The peer is not there, so ours is measured alone; get it: cd bench/peers && npm ci --ignore-scripts");
}
const peerName = hasPeer ? `@livekit/agents ${versionOf(peerPackage)}` : "";

const loadBefore = loadavg()[0] ?? 0;
const rows: Row[] = [];
for (const question of QUESTIONS) {
  if (only === undefined || only.includes(question.name)) rows.push(...ask(question));
}
const kept = only === undefined ? [] : before().filter((row) => !rows.some((it) => it.question === row.question));
const order = QUESTIONS.map(({ question }) => question);
const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ` +
    `${process.platform} ${process.arch}; load of others before the run ${loadBefore.toFixed(1)}`,
  versions: {
    node: spawn("node", ["--version"]).trim().replace("v", ""),
    bun: spawn("bun", ["--version"]).trim(),
    deno: spawn("deno", ["--version"]).split(" ")[1] ?? "",
    ...(hasPeer && { "@livekit/agents": versionOf(peerPackage) }),
    ...(hasPeer && { "@livekit/rtc-node": versionOf(peerPackage.replace("/agents/", "/rtc-node/")) }),
    commit: spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "",
  },
  rows: [...kept, ...rows].sort((a, b) => order.indexOf(a.question) - order.indexOf(b.question)),
};
writeFileSync(`${root}bench/results.json`, JSON.stringify(results, null, 2) + "\n");
writeFileSync(`${root}bench/RESULTS.md`, page(results, "npm run bench"));
const missed = rows.filter(({ met }) => met === false);
console.log(`\n${rows.length} rows in bench/RESULTS.md; budget missed: ${missed.length === 0 ? "none" : ""}`);
for (const row of missed) {
  console.log(`  ${row.figure} (${row.runtime}): ${row.ours} ${row.unit}, budget ${row.budget}`);
}

/** Asks both sides in turn, round by round. */
function ask(question: Question): Row[] {
  const { peer } = question;
  const isThere = hasPeer || peer !== undefined;
  const isPeerAsked = isThere && question.hasPeer;
  const ours = new Map<Place, Measured[]>(question.places.map((place) => [place, []]));
  const peerPlaces: readonly Place[] = peer === undefined ? ["node"] : question.places;
  const peers = new Map<Place, Measured[]>(peerPlaces.map((place) => [place, []]));
  let why: string | null = question.hasPeer && !isThere ? "the peer was not installed" : null;
  const rounds = Math.min(question.rounds, Number(options.rounds ?? Infinity));
  if (question.name === "import_time") spawnSync(`${bin}/node`, ["scripts/build.ts"], { cwd: root, stdio: "inherit" });
  for (let round = 0; round < rounds; round++) {
    for (const place of question.places) {
      const args = question.name === "import_time" && place === "node" ? ["../dist/mod.js"] : [];
      try {
        ours.get(place)!.push(runOnce(place, `bench/${question.name}.ts`, question, args));
      } catch (error) {
        why = `ours failed on ${place}: ${String(error).split("\n")[0]}`;
      }
    }
    if (!isPeerAsked) continue;
    for (const place of peerPlaces) {
      try {
        peers.get(place)!.push(
          runOnce(place, `bench/peers/${peer?.folder ?? "livekit"}/${question.name}.js`, question, []),
        );
      } catch (error) {
        why = `the peer failed on ${place}: ${String(error).split("\n")[0]}`;
      }
    }
  }
  const made = question.figures.flatMap((spec) =>
    question.places.map((place) =>
      makeRow({
        question: question.question,
        spec: { ...spec, budget: spec.budgetOn?.[place] ?? spec.budget },
        runtime: place,
        ours: valuesOf(ours.get(place)!, spec.key),
        peer: valuesOf(peers.get(place) ?? peers.get("node")!, spec.key),
        peerName: peer === undefined
          ? peerName
          : `${peer.package} ${versionOf(`${root}node_modules/${peer.package}/package.json`)}`,
        why,
      })
    )
  );
  for (const row of made) {
    const peer = row.peer === null ? "" : `, peer ${row.peer}${row.ratio === null ? "" : ` (${row.ratio} x)`}`;
    console.log(`${row.met === false ? "MISSED " : ""}${row.figure}, ${row.runtime}: ${row.ours} ${row.unit}${peer}`);
  }
  if (why !== null) console.log(`  ${why}`);
  return made;
}

function valuesOf(rounds: readonly Measured[], key: string): number[] {
  return rounds.map((round) => round[key]).filter((value) => value !== undefined);
}

/** One round of one side: its last line is what it measured. */
function runOnce(place: Place, file: string, { exposesGc }: Question, args: readonly string[]): Measured {
  const flags = place === "deno"
    ? ["run", "-A", "--no-check"]
    : exposesGc === true && place === "node"
    ? ["--expose-gc"]
    : [];
  return JSON.parse(spawn(place, [...flags, file, ...args]).trim().split("\n").at(-1)!) as Measured;
}

function spawn(place: Place, args: readonly string[]): string {
  const { stdout, stderr, status, signal } = spawnSync(`${bin}/${place}`, args, {
    cwd: root,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) {
    throw new Error(`${args.join(" ")} ended with ${signal ?? status}: ${stderr?.trim().split("\n").at(-1)}`);
  }
  return stdout;
}

function versionOf(packageFile: string): string {
  return (JSON.parse(readFileSync(packageFile, "utf8")) as { version: string }).version;
}

/** The rows of the run before. */
function before(): readonly Row[] {
  const file = `${root}bench/results.json`;
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results).rows : [];
}
