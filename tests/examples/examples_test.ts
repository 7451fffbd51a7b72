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
  return run(["Deno" in globalThis ? ["run", "-A"] : [], file].flat());
}

/** What this runtime prints. Without a key, and without a test runner that waits for a report. */
function run(args: readonly string[]): Promise<string> {
  const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, NODE_TEST_CONTEXT: _runner, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, env, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${args.join(" ")}: ${stdout}${stderr}`, { cause: error }));
      else resolve(`${stdout}${"Bun" in globalThis && args[0] === "test" ? stderr : ""}`);
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

test("long_running_tool: the conversation goes on, and the result is told when nobody speaks", async () => {
  const [asked, called, ...rest] = await conversationOf("long_running_tool");
  assert.equal(asked, "you     I need a taxi.");
  assert.match(called!, /^tool {4}call_taxi\(\{\}\) gave .*Three taxi companies are being asked/);
  assert.deepEqual(rest, [
    "agent   I am calling one. Anything else?",
    "you     And when is checkout?",
    "agent   Checkout is at eleven.",
    "agent   Good news: your taxi comes in five minutes.",
  ]);
});

test("nested_task: a tool waits for a conversation of its own", async () => {
  assert.deepEqual(await conversationOf("nested_task"), [
    "you     A table for two, please.",
    "        host -> ask_name",
    "agent   And what is your name?",
    "you     My name is Ada.",
    'tool    record_name({"name":"Ada"}) gave ',
    "        ask_name -> host",
    "tool    book_table({}) gave A table is booked for Ada",
    "agent   A table is booked for Ada. See you tonight!",
    "you     Thank you.",
    "agent   You are welcome.",
  ]);
});

test("parallel_tasks: two tasks take the stage one after the other", async () => {
  assert.deepEqual(await conversationOf("parallel_tasks"), [
    "you     A table, please.",
    "        host -> ask_guests",
    "agent   For how many?",
    "you     Four.",
    "        ask_guests -> host",
    "        host -> ask_day",
    "agent   And on which day?",
    "you     Friday.",
    "        ask_day -> host",
    "tool    ask_guests({}) gave Four",
    "tool    ask_day({}) gave Friday",
    "agent   Thank you. Your table is booked.",
  ]);
});

test("testing_an_agent_test: its tests pass under the runner of the place", async () => {
  const file = "./examples/testing_an_agent_test.ts";
  const runner = "Deno" in globalThis
    ? ["test", "-A"]
    : "Bun" in globalThis
    ? ["test"]
    : ["--test", "--test-reporter=tap"];
  assert.match(await run([...runner, file]), /# pass 4|4 passed \| 0 failed|\b4 pass\b/);
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

test("every example is one file of less than 60 lines that a test runs, and the README lists it", () => {
  const files = readdirSync(`${root}examples`).filter((name) => name.endsWith(".ts"));
  const tests = globSync("tests/**/*_test.ts", { cwd: root }).map((path) => readFileSync(root + path, "utf8")).join("");
  const readme = readFileSync(`${root}README.md`, "utf8");
  for (const file of files) {
    const name = file.replace(/\.ts$/, "");
    const lines = readFileSync(`${root}examples/${file}`, "utf8").trimEnd().split("\n").length;
    assert.ok(lines < 60, `${file} has ${lines} lines`);
    assert.ok(tests.includes(`"${name}: `) || tests.includes(`examples/${file}`), `${file} is not run`);
    assert.ok(readme.includes(`examples/${file}`), `the README does not list ${file}`);
  }
});
