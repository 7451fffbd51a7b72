import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { AgentError } from "../../src/base/error.ts";
import { checkTimelines } from "../../scripts/timelines.ts";
import { parseScenario } from "../../src/testing/mod.ts";
import { playSuite, type Row, tableLine } from "./suite.ts";

const cases = fileURLToPath(new URL("cases", import.meta.url));
const folder = (files: Readonly<Record<string, unknown>>): string => {
  const path = mkdtempSync(`${tmpdir()}/scenarios-`);
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(`${path}/${name}`, typeof value === "string" ? value : JSON.stringify(value));
  }
  return path;
};
const two = JSON.parse(readFileSync(`${cases}/two-questions-by-text.json`, "utf8"));
const outcomes = (rows: readonly Row[]): string[] => rows.map((row) => `${row.name} ${row.compat} ${row.outcome}`);

test("every case of our own does what it must, in both modes", async () => {
  const { rows, leftOut } = await playSuite({ folders: [cases], topics: null, known: {} });

  const broken = rows.filter(({ outcome }) => outcome !== "pass").map(tableLine);
  assert.deepEqual(broken, []);
  assert.equal(rows.length, 2 * readdirSync(cases).length);
  assert.equal(leftOut.size, 0);
});

test("the worked timelines show what the specification says, at its times, and their files are what is written", async () => {
  assert.deepEqual(await checkTimelines(false), []);
});

test("a case that expects something else fails, with the first difference", async () => {
  const wrong = structuredClone(two);
  wrong.expect.events.find((event: { ev: string }) => event.ev === "llm_request").t += 100;
  const { rows } = await playSuite({ folders: [folder({ "a.json": wrong })], topics: null, known: {} });

  assert.deepEqual(outcomes(rows), [`${two.name} reference FAIL`, `${two.name} fixed FAIL`]);
  assert.match(rows[0]?.difference ?? "", /^llm\[0\] llm_request\.t: 100 is not near 200/);
});

test("topics that are not named are left out and counted; what needs more than the player has is left out by itself", async () => {
  const spoken = { ...two, name: "spoken", topic: "realtime", models: ["realtime"] };
  const path = folder({ "a.json": two, "b.json": spoken, "c.json": { ...two, name: "other", topic: "mine" } });

  const named = await playSuite({ folders: [path], topics: new Set(["text"]), known: {} });
  const all = await playSuite({ folders: [path], topics: null, known: {} });
  const demanded = await playSuite({ folders: [path], topics: new Set(["realtime"]), known: {} });

  assert.deepEqual([...named.leftOut], [["realtime", 1], ["mine", 1]]);
  assert.deepEqual(outcomes(named.rows), [`${two.name} reference pass`, `${two.name} fixed pass`]);
  assert.deepEqual([...all.leftOut], [["realtime", 1]]);
  assert.equal(all.rows.length, 4);
  assert.equal(demanded.rows.every(({ outcome }) => outcome === "FAIL"), true);
});

test("what is known to differ is not counted, until it no longer differs", async () => {
  const wrong = { ...structuredClone(two), name: "wrong" };
  wrong.expect.history = [];
  const { rows } = await playSuite({
    folders: [folder({ "a.json": two, "b.json": wrong })],
    topics: null,
    known: { wrong: "a reason", [two.name]: "a reason that is over" },
  });

  assert.deepEqual(rows.map(({ outcome }) => outcome), ["FAIL", "FAIL", "known", "known"]);
});

test("a folder that is not there, or holds nothing, is refused", async () => {
  const empty = folder({});
  mkdirSync(`${empty}/inner`);
  for (const path of [`${empty}/none`, empty, `${cases}/two-questions-by-text.json`]) {
    await assert.rejects(
      playSuite({ folders: [path], topics: null, known: {} }),
      (error) => error instanceof AgentError && error.code === "cli.bad_argument" && error.message.includes(path),
    );
  }
});

test("a file that is no scenario fails as one case, and says which field is wrong", async () => {
  const path = folder({ "a.json": "{", "b.json": { ...two, mode: "video" }, "c.json": two });
  const { rows } = await playSuite({ folders: [path], topics: null, known: {} });

  assert.deepEqual(outcomes(rows), [
    "a fixed FAIL",
    "b fixed FAIL",
    `${two.name} reference pass`,
    `${two.name} fixed pass`,
  ]);
  assert.match(rows[0]?.difference ?? "", /must be JSON/);
  assert.match(rows[1]?.difference ?? "", /`mode`.*"video"/);
});

test("a scenario needs all that it relies on", () => {
  const refused = (value: unknown, pattern: RegExp): void =>
    assert.throws(
      () => parseScenario(JSON.stringify(value)),
      (error) => error instanceof AgentError && error.code === "scenario.bad" && pattern.test(error.message),
    );

  refused(null, /Cannot read a scenario as it must have a `the whole`/);
  refused({ ...two, start: "nobody" }, /`start`.*nobody/);
  refused({ ...two, input: [{ t: 1 }] }, /`input\.0\.do`/);
  refused({ ...two, end: -1 }, /`end`/);
  refused({ ...two, differs: ["because"] }, /`differs\.0`/);
});
