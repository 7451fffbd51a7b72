/**
 * From what the rounds measured to rows, and from rows to a page.
 *
 * @module
 */
import { type Figure, figure } from "./measure.ts";
import type { FigureSpec } from "./questions.ts";

/** One line of the results. `ratio` is how many times better than the peer. */
export interface Row {
  readonly question: string;
  readonly figure: string;
  readonly unit: string;
  readonly runtime: string;
  /** Median of the rounds; null when it failed. */
  readonly ours: number | null;
  readonly oursSpread: readonly [least: number, most: number] | null;
  readonly peer: number | null;
  readonly peerSpread: readonly [least: number, most: number] | null;
  readonly peerName: string | null;
  readonly ratio: number | null;
  readonly budget: number | null;
  readonly atLeast: boolean;
  readonly met: boolean | null;
  readonly rounds: number;
  /** Why something is missing. */
  readonly why: string | null;
}

/** All of a run. */
export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** Makes a row of what the rounds of both sides gave; empty: that side was not asked, or failed. */
export function makeRow(o: {
  readonly question: string;
  readonly spec: FigureSpec;
  readonly runtime: string;
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  readonly peerName: string;
  readonly why: string | null;
}): Row {
  const { spec } = o;
  const ours = o.ours.length === 0 ? null : figure(o.ours);
  const peer = o.peer.length === 0 ? null : figure(o.peer);
  const atLeast = spec.atLeast === true;
  return {
    question: o.question,
    figure: spec.figure,
    unit: spec.unit,
    runtime: o.runtime,
    ours: ours && round(ours.median),
    oursSpread: spread(ours),
    peer: peer && round(peer.median),
    peerSpread: spread(peer),
    peerName: peer && o.peerName,
    ratio: spec.isContext === true
      ? null
      : ours && peer && times(atLeast ? ours.median / peer.median : peer.median / ours.median),
    budget: spec.budget,
    atLeast,
    met: ours === null || spec.budget === null
      ? null
      : atLeast
      ? ours.median >= spec.budget
      : ours.median <= spec.budget,
    rounds: o.ours.length,
    why: o.why ?? (peer === null ? spec.whyNoPeer ?? null : null),
  };
}

/** The page of a run, in Markdown. */
export function page({ date, machine, versions, rows }: Results, command: string): string {
  const lines = rows.map((row) =>
    "| " + [
      row.figure,
      row.runtime,
      value(row.ours, row.oursSpread, row.unit),
      value(row.peer, row.peerSpread, row.unit),
      row.ratio === null ? "" : `${row.ratio} x`,
      row.budget === null ? "" : `${row.atLeast ? ">=" : "<="} ${show(row.budget)} ${row.unit}`,
      row.met === null ? "" : row.met ? "yes" : "**no**",
    ].join(" | ") + " |"
  );
  const reasons = new Set(rows.filter(({ why }) => why !== null).map((row) => `- ${row.figure}: ${row.why}.`));
  const names = [...new Set(rows.flatMap(({ peerName }) => peerName ?? []))];
  const peer = names.find((name) => name.startsWith("@livekit")) ?? "none";
  const others = names.filter((name) => name !== peer);
  return [
    "# Results",
    "",
    `Made by \`${command}\` on ${date}; do not edit.`,
    "",
    `- Machine: ${machine}`,
    `- Versions: ${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")}`,
    `- Peer: ${peer}, on Node whatever ours runs on${
      others.length === 0 ? "" : `; ${others.join(", ")} with hono for chats over HTTP, where ours runs`
    }`,
    '- Each side of each round in a process of its own, in turn. Median of the rounds, least and most in brackets; "better"',
    "  says how many times. The head of each `bench/*.ts` says exactly what is measured.",
    "",
    "| figure | runtime | ours | peer | better | budget | met |",
    "|---|---|---|---|---|---|---|",
    ...lines,
    "",
    ...(reasons.size === 0 ? [] : ["## What is missing, and why", "", ...reasons, ""]),
  ].join("\n");
}

function value(median: number | null, range: readonly [number, number] | null, unit: string): string {
  if (median === null) return "none";
  const isOne = range === null || range[0] === range[1];
  return `${show(median)} ${unit}${isOne ? "" : ` (${show(range[0])} to ${show(range[1])})`}`;
}

function show(number: number): string {
  return number.toLocaleString("en", { maximumSignificantDigits: 3 });
}

function spread(it: Figure | null): readonly [number, number] | null {
  return it && [round(it.min), round(it.max)];
}

function round(number: number): number {
  return Number(number.toPrecision(4));
}

/** Two digits; null where a side took nothing that can be measured. */
function times(ratio: number): number | null {
  return Number.isFinite(ratio) && ratio > 0 ? Number(ratio.toPrecision(2)) : null;
}
