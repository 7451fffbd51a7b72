/** The examples run with one command, as a newcomer would run them, on the runtime that runs this. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a program prints; fails when it ends with anything but 0. */
function outputOf(file: string): Promise<string> {
  const before = "Deno" in globalThis ? ["run", "-A"] : [];
  const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...before, file], { cwd: root, env, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${file}: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

test("hello: the agent says what it hears", async () => {
  assert.equal(await outputOf("examples/hello.ts"), "You said: Hello there!\n");
});

/** What a conversation prints. */
async function conversationOf(name: string): Promise<string[]> {
  return (await outputOf(`examples/${name}.ts`)).trimEnd().split("\n");
}

test("basic: an agent greets, and answers", async () => {
  assert.deepEqual(await conversationOf("basic"), [
    "agent   Good evening! Would you like to see the menu?",
    "you     Yes, the menu please.",
    "agent   Tonight there is trout, and a mushroom risotto.",
    "you     Is the fish fresh?",
    "agent   The trout is from this morning. I can recommend it.",
    "you     I take it.",
    "agent   Gladly.",
  ]);
});

test("tools: questions are answered with a tool, and its failure is told", async () => {
  assert.deepEqual(await conversationOf("tools"), [
    "you     Do you have Moby Dick?",
    'tool    find_book({"title":"Moby Dick"}) gave {"title":"Moby Dick","copies":3}',
    "agent   There are 3 copies of Moby Dick.",
    "you     And Emma?",
    'tool    find_book({"title":"Emma"}) gave {"title":"Emma","copies":0}',
    "agent   Emma is sold out.",
    "you     What about Ulysses?",
    'tool    find_book({"title":"Ulysses"}) failed There is no book called Ulysses',
    "agent   There is no book called Ulysses, I am sorry.",
  ]);
});

test("handoff: another agent takes over, and knows what was said", async () => {
  assert.deepEqual(await conversationOf("handoff"), [
    "you     When is breakfast?",
    "agent   Breakfast is from seven to ten.",
    "you     I am hungry now.",
    "tool    to_the_kitchen({}) gave The kitchen takes over.",
    "agent   One moment, I pass you on to the kitchen.",
    "        reception -> kitchen",
    "agent   The kitchen here, good evening. You are hungry, I hear. What may I bring you?",
    "you     A soup, please.",
    "agent   A soup for your room, in twenty minutes.",
  ]);
});

test("structured_output: one field is said, the others are kept", async () => {
  assert.deepEqual(await conversationOf("structured_output"), [
    "you     Good morning.",
    "agent   Good morning. What can I do for you?",
    "you     My daughter has had a fever since yesterday.",
    "agent   Bring her in at eleven. Give her enough to drink until then.",
    "notes   calm; worried, urgent",
  ]);
});

test("custom_node: the history shows no more of a number than its end", async () => {
  assert.deepEqual(await conversationOf("custom_node"), [
    "you     What is the number of my card?",
    "agent   It is **** **** **** 4444, valid until 2029.",
  ]);
});

test("fallback_models: the second model answers while the first is down", async () => {
  assert.deepEqual(await conversationOf("fallback_models"), [
    "you     Who is there?",
    "        flagship is down",
    "        flagship is back",
    "agent   The small model answers.",
    "you     And now?",
    "agent   The flagship answers, at length and with care.",
    "you     Who is there now?",
    "agent   The flagship answers, at length and with care.",
  ]);
});

test("every example is one file of at most 60 lines that a test runs, and the README lists it", () => {
  const files = readdirSync(`${root}examples`).filter((name) => name.endsWith(".ts"));
  const tests = globSync("tests/**/*_test.ts", { cwd: root }).map((path) => readFileSync(root + path, "utf8")).join("");
  const readme = readFileSync(`${root}README.md`, "utf8");
  for (const file of files) {
    const name = file.replace(/\.ts$/, "");
    const lines = readFileSync(`${root}examples/${file}`, "utf8").trimEnd().split("\n").length;
    assert.ok(lines <= 60, `${file} has ${lines} lines`);
    assert.ok(tests.includes(`"${name}: `) || tests.includes(`examples/${file}`), `${file} is not run`);
    assert.ok(readme.includes(`examples/${file}`), `the README does not list ${file}`);
  }
});
