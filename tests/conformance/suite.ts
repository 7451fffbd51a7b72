/**
 * Plays folders of conformance scenarios, and says of each case in each mode whether it does what it must.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { AgentError } from "../../src/base/error.ts";
import { firstDifference } from "../../src/testing/conformance/compare.ts";
import { playScenario } from "../../src/testing/conformance/player.ts";
import {
  type Observed,
  parseScenario,
  type Scenario,
  UnplayableError,
} from "../../src/testing/conformance/scenario.ts";

/** A mode of the session. */
export type Compat = "reference" | "fixed";

/** A line of the table. */
export interface Row {
  readonly name: string;
  readonly topic: string;
  readonly compat: Compat;
  /** `known`: it differs, and `known.json` says why. */
  readonly outcome: "pass" | "FAIL" | "known";
  /** The first difference, or why it could not be played. */
  readonly difference: string | undefined;
  readonly events: readonly Observed[];
}

/** What is played. */
export interface Selection {
  readonly folders: readonly string[];
  /** Topics that must be played; null: all that can be. */
  readonly topics: ReadonlySet<string> | null;
  /** One scenario, by name. */
  readonly only?: string | undefined;
  /** Scenarios that are known to differ, and why. */
  readonly known: Readonly<Record<string, string>>;
}

/** Lines of the table, and how many cases of which topics were left out. */
export interface Played {
  readonly rows: readonly Row[];
  readonly leftOut: ReadonlyMap<string, number>;
}

/**
 * Plays a selection. Where no topics are named, a case that needs what the player lacks is left out with its topic.
 *
 * @throws {AgentError} `cli.bad_argument` for a folder that is not there or holds no scenario.
 */
export async function playSuite(o: Selection, onRow: (row: Row) => void = () => {}): Promise<Played> {
  const rows: Row[] = [];
  const leftOut = new Map<string, number>();
  const put = (row: Row): void => {
    rows.push(row);
    onRow(row);
  };
  for (const file of o.folders.flatMap(filesOf)) {
    let scenario: Scenario;
    try {
      scenario = parseScenario(readFileSync(file, "utf8"));
    } catch (error) {
      const name = file.slice(file.lastIndexOf("/") + 1, -".json".length);
      if (o.only === undefined || o.only === name) {
        put({ name, topic: "-", compat: "fixed", outcome: "FAIL", difference: sentence(error), events: [] });
      }
      continue;
    }
    const { name, topic } = scenario;
    if (o.only !== undefined && o.only !== name) continue;
    const isListed = o.topics === null || o.topics.has(topic);
    if (!isListed && o.only === undefined) {
      leftOut.set(topic, (leftOut.get(topic) ?? 0) + 1);
      continue;
    }
    for (const compat of ["reference", "fixed"] as const) {
      const row = await playCase(scenario, compat, o.known[name]);
      if (row !== undefined) put(row);
      else if (o.topics === null) {
        leftOut.set(topic, (leftOut.get(topic) ?? 0) + 1);
        break;
      } else put({ name, topic, compat, outcome: "FAIL", difference: "the player lacks what it needs", events: [] });
    }
  }
  return { rows, leftOut };
}

/** Plays one case in one mode; undefined when the player cannot. */
async function playCase(scenario: Scenario, compat: Compat, known: string | undefined): Promise<Row | undefined> {
  const { name, topic } = scenario;
  let difference: string | undefined;
  let events: readonly Observed[] = [];
  try {
    const played = await playScenario(scenario, { compat, runtime: virtualRuntime({ seed: 1 }) });
    events = played.events;
    difference = firstDifference(scenario, played, compat);
  } catch (error) {
    if (error instanceof UnplayableError && known === undefined) return undefined;
    difference = sentence(error);
  }
  if (known === undefined) {
    return { name, topic, compat, outcome: difference === undefined ? "pass" : "FAIL", difference, events };
  }
  return difference === undefined
    ? { name, topic, compat, outcome: "FAIL", difference: "does as it must: take it off known.json", events }
    : { name, topic, compat, outcome: "known", difference, events };
}

/** The scenarios of a folder, in order of their names. */
function filesOf(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new AgentError(
      "cli.bad_argument",
      `Cannot play conformance scenarios as the folder must exist: current value is ${folder}`,
    );
  }
  const files = readdirSync(folder).filter((file) => file.endsWith(".json") && !file.endsWith(".schema.json")).sort();
  if (files.length === 0) {
    throw new AgentError(
      "cli.bad_argument",
      `Cannot play conformance scenarios as the folder must hold .json files: current value is ${folder}`,
    );
  }
  return files.map((file) => `${folder.replace(/\/$/, "")}/${file}`);
}

function sentence(error: unknown): string {
  return error instanceof AgentError
    ? error.message
    : error instanceof Error
    ? `${error.name}: ${error.message}`
    : `${error}`;
}

/** A line of the table. */
export function tableLine({ name, compat, outcome, difference }: Row): string {
  const cells = [name.padEnd(44), compat.padEnd(9), outcome.padEnd(5), difference?.slice(0, 700) ?? ""];
  return cells.join(" ").trimEnd();
}
