/**
 * Puts small faults into the machines, one at a time, and says who catches each: a rule of the simulation, or a test.
 *
 *     npm run mutations                        those that every change runs; writes docs/simulation.md with --write
 *     npm run mutations -- --per-region 20     more of each region
 *     npm run mutations -- --only streaming    one region
 *
 * A mutant that nobody catches must be explained in `survivors.ts`. It ends with a line of counts.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { AgentError } from "../../src/base/error.ts";
import { choose, type Mutant, mutantsOf, OPERATORS } from "./mutants.ts";
import { SURVIVORS } from "./survivors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Conversations that a mutant is tried with. Chosen: most are caught within a hundred. */
const CONVERSATIONS = 1_000;
/** A mutant that takes longer goes round in circles. */
const LIMIT_MS = 60_000;
/** Not machines: their types, their configuration, and who checks them. */
const NO_REGIONS = new Set(["config", "effect", "event", "invariants", "mode", "regions", "state"]);

/** Who caught a mutant. */
interface Verdict {
  readonly mutant: Mutant;
  readonly by: "rule" | "test" | "explained" | "nobody";
  readonly what: string;
}

async function main(args: string[]): Promise<number> {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args.splice(at, 2)[1] ?? "";
  };
  const perRegion = Number(option("--per-region") ?? 5);
  const only = option("--only");
  const at = args.indexOf("--write");
  const isWritten = at >= 0 && args.splice(at, 1).length > 0;
  if (!Number.isInteger(perRegion) || perRegion < 1 || args.length > 0) {
    throw new AgentError(
      "cli.bad_argument",
      `Cannot mutate as it takes --per-region NUMBER, --only REGION and --write: current value is ${
        args[0] ?? perRegion
      }`,
    );
  }
  const mutants = choose(files().flatMap((file) => mutantsOf(file, readFileSync(root + file, "utf8"))), perRegion)
    .filter(({ region }) => only === undefined || region === only);
  const verdicts: Verdict[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < mutants.length) {
      const index = next++;
      const verdict = await judge(mutants[index] as Mutant);
      verdicts[index] = verdict;
      const { mutant, by, what } = verdict;
      console.log(
        `${by === "nobody" ? "SURVIVES" : "caught"} ${mutant.file}:${mutant.line} ${mutant.operator}: ${what}`,
      );
      if (by === "nobody") console.log(`    ${mutant.was}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
  const count = (by: Verdict["by"]): number => verdicts.filter((verdict) => verdict.by === by).length;
  console.log(
    `\n${verdicts.length} mutants: ${count("rule")} caught by a rule, ${count("test")} by a test, ` +
      `${count("explained")} change nothing that can be seen, ${count("nobody")} survive`,
  );
  const stale = only === undefined && perRegion === 5
    ? Object.keys(SURVIVORS).filter((key) => !verdicts.some(({ mutant }) => keyOf(mutant) === key))
    : [];
  for (const key of stale) console.log(`explained, but not among those that were chosen now: ${key}`);
  if (isWritten) writeFileSync(`${root}docs/simulation.md`, page(verdicts));
  const failed = count("nobody");
  console.log(`${verdicts.length - count("nobody")} passed, ${failed} failed`);
  return failed === 0 && verdicts.length > 0 ? 0 : 1;
}

function files(): string[] {
  return ["turn", "stage"].flatMap((folder) =>
    readdirSync(`${root}src/${folder}`).sort()
      .filter((name) => !NO_REGIONS.has(name.slice(0, -".ts".length)))
      .map((name) => `src/${folder}/${name}`)
  );
}

/** How a survivor is named: by what was done to which line, wherever it stands now. */
function keyOf({ operator, region, was }: Mutant): string {
  return `${region}: ${operator}: ${was}`;
}

async function judge(mutant: Mutant): Promise<Verdict> {
  const why = SURVIVORS[keyOf(mutant)];
  if (why !== undefined) return { mutant, by: "explained", what: why };
  const rule = await byRule(mutant);
  if (rule !== undefined) return { mutant, by: "rule", what: rule };
  const test = await byTest(mutant);
  return test === undefined ? { mutant, by: "nobody", what: "nobody" } : { mutant, by: "test", what: test };
}

/** Conversations with the machines. */
function byRule({ file, source }: Mutant): Promise<string | undefined> {
  const worker = new Worker(new URL("./mutant_worker.ts", import.meta.url), {
    workerData: { mutantFile: file, mutantSource: source, count: CONVERSATIONS },
    stderr: true,
  });
  return new Promise((resolve) => {
    const end = (what: string | undefined): void => {
      clearTimeout(limit);
      void worker.terminate();
      resolve(what);
    };
    const limit = setTimeout(() => end("S1: it goes round in circles"), LIMIT_MS);
    worker.once("message", (found: { readonly message: string } | null) => end(found?.message));
    worker.once("error", (error) => end(`throws: ${error.message.split("\n")[0]}`));
  });
}

/** The tests of the machines: the name of the first that fails. */
async function byTest({ file, source }: Mutant): Promise<string | undefined> {
  const folder = mkdtempSync(`${tmpdir()}/mutant-`);
  writeFileSync(`${folder}/source.ts`, source);
  try {
    const child = spawn(process.execPath, [
      "--import",
      `${root}tests/sim/mutant_hook.ts`,
      `${root}tests/sim/mutant_tests.ts`,
    ], {
      cwd: root,
      env: { ...process.env, MUTANT_FILE: file, MUTANT_SOURCE: `${folder}/source.ts`, NODE_TEST_CONTEXT: "" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LIMIT_MS,
    });
    let out = "";
    child.stdout.on("data", (piece) => void (out += piece));
    child.stderr.on("data", (piece) => void (out += piece));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    if (code === 0) return undefined;
    const name = /^(?:not ok \d+ - |✖ )(.*?)(?: \([\d.]+ms\))?$/m.exec(out)?.[1];
    return name ?? (code === null ? "a test that does not end" : `a test that cannot begin: ${out.slice(0, 200)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The page of the documentation. */
function page(verdicts: readonly Verdict[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("`", "'");
  const count = (by: Verdict["by"]): number => verdicts.filter((verdict) => verdict.by === by).length;
  const regions = new Set(verdicts.map(({ mutant }) => mutant.region));
  const operators = OPERATORS.map(({ name }) => {
    const mine = verdicts.filter(({ mutant }) => mutant.operator === name);
    const seen = mine.filter(({ by }) => by === "rule" || by === "test").length;
    return `| ${name} | ${mine.length} | ${seen} |`;
  });
  const rows = verdicts.map(({ mutant, by, what }) =>
    `| ${mutant.region} | ${mutant.operator} | \`${cell(mutant.was)}\` | ${by === "explained" ? "nobody: " : ""}${
      cell(what)
    } |`
  );
  return `${readFileSync(new URL("./page.md", import.meta.url), "utf8").trim()}

## Who catches what

${verdicts.length} faults in ${regions.size} regions: ${count("rule")} are caught by a rule of the simulation, ${
    count("test")
  } by a named test of the machines, and
${
    count("explained")
  } change nothing that anybody could see. None survives unexplained. \`npm run mutations\` plays them, and
\`npm run mutations -- --write\` writes this page.

| operator | faults | caught |
| --- | --- | --- |
${operators.join("\n")}

| region | what was done | to this line | caught by |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof AgentError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  console.log("0 passed, 1 failed");
  return 2;
});
