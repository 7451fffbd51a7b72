/**
 * Plays conformance scenarios and prints a table: case, mode, outcome, first difference.
 *
 *     npm run conformance                                  our cases, and the reference's recordings beside the repository
 *     npm run conformance -- DIR                           the scenarios of a folder
 *     npm run conformance -- [DIR] --topics close,errors   these topics alone
 *     npm run conformance -- [DIR] --only NAME [--verbose] one of them, with what it did
 *     npm run conformance -- --failures                    only the lines that do not pass
 *
 * Without a folder, the topics are those of `topics.json`. In a folder that is named, all are played but those that need
 * what the player lacks. It ends with a line of counts, and with a code other than 0 unless all passed.
 */
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { AgentError } from "../../src/base/error.ts";
import { playSuite, type Row, tableLine } from "./suite.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const readJson = (path: string): unknown => JSON.parse(readFileSync(here(path), "utf8"));

async function main(args: string[]): Promise<number> {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    if (at < 0) return undefined;
    const value = args.splice(at, 2)[1];
    if (value === undefined || value.startsWith("--")) throw badArgument(`${name} must be followed by a value`, value);
    return value;
  };
  const flag = (name: string): boolean => {
    const at = args.indexOf(name);
    return at >= 0 && args.splice(at, 1).length > 0;
  };
  const isVerbose = flag("--verbose");
  const isShort = flag("--failures");
  const only = option("--only");
  const named = option("--topics")?.split(",");
  const folder = args.shift();
  if (args.length > 0 || folder?.startsWith("--")) throw badArgument("it takes one folder", args[0] ?? folder);
  const folders = folder !== undefined
    ? [folder]
    : [here("cases"), here("../../../shared/conformance")].filter((path) => existsSync(path));
  const topics = named ?? (folder === undefined ? readJson("topics.json") as string[] : null);
  const known = readJson("known.json") as Readonly<Record<string, string>>;

  console.log(`${"case".padEnd(44)} mode      pass  first difference`);
  const show = (row: Row): void => {
    if (!isShort || row.outcome !== "pass") console.log(tableLine(row));
    if (!isVerbose || (row.outcome === "pass" && only === undefined)) return;
    for (const event of row.events) console.log(`    ${JSON.stringify(event).slice(0, 240)}`);
  };
  const { rows, leftOut } = await playSuite(
    { folders, topics: topics === null ? null : new Set(topics), only, known },
    show,
  );

  console.log("");
  const left = [...leftOut].map(([topic, count]) => `${topic} (${count})`);
  console.log(left.length > 0 ? `topics left out: ${left.join(", ")}` : "no topic left out");
  for (const name of new Set(rows.filter(({ outcome }) => outcome === "known").map((row) => row.name))) {
    console.log(`known to differ, and not counted: ${name}: ${known[name]}`);
  }
  const passed = rows.filter(({ outcome }) => outcome === "pass").length;
  const failed = rows.filter(({ outcome }) => outcome === "FAIL").length;
  if (passed + failed === 0) console.log("nothing was played");
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function badArgument(rule: string, value: unknown): AgentError {
  return new AgentError(
    "cli.bad_argument",
    `Cannot play conformance scenarios as ${rule}: current value is ${value ?? "nothing"}`,
  );
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof AgentError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  console.log("0 passed, 1 failed");
  return 2;
});
