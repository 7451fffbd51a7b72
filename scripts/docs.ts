/**
 * Writes the generated parts of the documents: in the README the example, the examples, the entry points, the table of support
 * and the table of error codes; `docs/moving_from_livekit.md`; and `llms.txt`.
 *
 *     node scripts/docs.ts            writes them
 *     node scripts/docs.ts --check    fails where one is not fresh
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { REMEDIES } from "../src/base/error.ts";
import { ENTRIES } from "./exports.ts";
import { movingPage } from "./moving.ts";
import { turnTakingPage } from "./turn_charts.ts";
import { turnSettings } from "./turn_pictures.ts";
import { root } from "./places.ts";
import { table } from "./markdown.ts";
import { type Place, PLACES, SUPPORT } from "./support.ts";

const read = (path: string): string => readFileSync(root + path, "utf8");
const NAME = "@repartee/agents";

/** The first sentence of a file's module comment. */
function firstSentence(path: string): string {
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(read(path))?.[1] ?? "";
  const words = comment.replace(/^\s*\* ?/gm, "").split(/\n\s*\n|@module/)[0]?.replace(/\s+/g, " ").trim() ?? "";
  const sentence = /^.*?\.(?=\s|$)/.exec(words)?.[0] ?? words;
  if (sentence === "") throw new Error(`${path} has no module comment`);
  return sentence.replace(/\.$/, "");
}

/** An example as a user's program: the source with its imports by name. */
function example(path: string): string {
  const program = read(path).replace(/^\/\*\*[\s\S]*?\*\/\n/, "").replaceAll('"../mod.ts"', `"${NAME}"`).trimEnd();
  return `\`\`\`ts\n${program}\n\`\`\``;
}

function entries(): string {
  return table(
    ["entry", "what it is"],
    Object.entries(ENTRIES).map(([entry, path]) => [`\`${NAME}${entry.slice(1)}\``, firstSentence(path)]),
  );
}

function support(): string {
  const places = Object.keys(PLACES) as Place[];
  return table(
    ["feature", ...Object.values(PLACES), "proved by"],
    SUPPORT.map(({ feature, places: proved, test, note }) => {
      if (globSync(test, { cwd: root }).length === 0) {
        throw new Error(`the table of support names ${test}, which is not there`);
      }
      const words = note === undefined ? feature : `${feature} (${note})`;
      return [words, ...places.map((place) => proved.includes(place) ? "yes" : ""), `\`${test}\``];
    }),
  );
}

function errors(): string {
  return table(["code", "what to do"], Object.entries(REMEDIES).map(([code, remedy]) => [`\`${code}\``, remedy]));
}

/** The order in which a newcomer reads them; those that are not named follow. */
const EXAMPLE_ORDER = [
  "hello",
  "basic",
  "tools",
  "long_running_tool",
  "handoff",
  "nested_task",
  "parallel_tasks",
  "structured_output",
  "custom_node",
  "fallback_models",
  "testing_an_agent_test",
];

function examples(): string {
  const place = (path: string): number => {
    const at = EXAMPLE_ORDER.indexOf(path.replace(/^examples\/|\.ts$/g, ""));
    return at < 0 ? EXAMPLE_ORDER.length : at;
  };
  const paths = globSync("examples/*.ts", { cwd: root }).map((path) => path.replaceAll("\\", "/")).sort();
  return table(
    ["example", "what it shows"],
    paths.sort((a, b) => place(a) - place(b)).map((path) => [`[\`${path}\`](${path})`, firstSentence(path)]),
  );
}

function llms(): string {
  const documents = globSync("docs/*.md", { cwd: root }).map((path) => path.replaceAll("\\", "/")).sort();
  const title = (path: string): string => /^# (.*)$/m.exec(read(path))?.[1] ?? path;
  return `# repartee

> ${(JSON.parse(read("package.json")) as { description: string }).description}

One session is one conversation. Audio and text are Web Streams; decisions are pure functions; time comes from a clock that
is handed in. Milliseconds everywhere; \`undefined\` is not given, \`null\` is explicitly none. Errors are \`AgentError\` with a
\`code\`.

## Example

${example("examples/hello.ts")}

## Entry points

${Object.entries(ENTRIES).map(([entry, path]) => `- \`${NAME}${entry.slice(1)}\`: ${firstSentence(path)}.`).join("\n")}

## Documents

${
    ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", ...documents].map((path) => `- [${title(path)}](${path})`).join(
      "\n",
    )
  }

## Error codes

${Object.entries(REMEDIES).map(([code, remedy]) => `- \`${code}\`: ${remedy}`).join("\n")}
`;
}

const BLOCKS: Readonly<Record<string, () => string>> = {
  example: () => example("examples/hello.ts"),
  examples,
  entries,
  support,
  errors,
};

function readme(text: string): string {
  const seen = new Set<string>();
  const made = text.replace(/(<!-- generated: (\w+) -->\n)[\s\S]*?(<!-- \/generated -->)/g, (_, open, name, close) => {
    const block = BLOCKS[name];
    if (block === undefined) throw new Error(`nothing generates ${name}`);
    seen.add(name);
    return `${open}\n${block()}\n\n${close}`;
  });
  const missing = Object.keys(BLOCKS).filter((name) => !seen.has(name));
  if (missing.length > 0) throw new Error(`the README has no place for ${missing.join(", ")}`);
  return made;
}

const isCheck = process.argv.includes("--check");
const stale: string[] = [];
const settings = await turnSettings();
const made = [
  ["README.md", () => readme(read("README.md"))],
  ["docs/moving_from_livekit.md", () => movingPage(table)],
  ["docs/turn-taking.md", turnTakingPage],
  ...[...settings].map(([path, text]) => [path, () => text] as const),
  ["llms.txt", llms],
] as const;
for (const [path, make] of made) {
  const fresh = make();
  let old = "";
  try {
    old = read(path);
  } catch {
    // It is not there yet.
  }
  if (old === fresh) continue;
  if (isCheck) stale.push(path);
  else writeFileSync(root + path, fresh);
}
if (stale.length > 0) {
  console.error(`error: not fresh: ${stale.join(", ")}. Run \`npm run docs\`.`);
  process.exit(1);
}
