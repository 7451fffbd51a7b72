import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { audioFrame } from "../../src/audio/frame.ts";
import { readWav, writeWav } from "../../src/audio/wav.ts";
import { parseTrace, replay } from "../../src/trace/replay.ts";
import { newFolder, readCall, repartee } from "./held_call.ts";

const spoken = /agent is speaking[\s\S]*\n/;

test("Ctrl-C while the agent speaks leaves complete files, with what was heard", async () => {
  const folder = newFolder();
  let isStopped = false;
  const { code, stdout, stderr } = await repartee(["demo", "--out", folder], "node", (output, kill) => {
    if (isStopped || !spoken.test(output)) return;
    isStopped = true;
    setTimeout(() => kill("SIGINT"), 2_000); // some words into the greeting
  });
  assert.equal(code, 1, `${stdout}\n${stderr}`);
  const call = readCall(folder);
  assert.ok(call.agent.length / call.sampleRate > 1.5 && call.agent.some((value) => Math.abs(value) > 1_000));
  assert.match(call.transcript, /\*\*Agent:\*\* Good morning/);
  assert.equal(replay(call.records).difference, undefined);
  assert.match(readFileSync(`${folder}/timeline.html`, "utf8"), /data:audio\/wav/);
});

test("Ctrl-C while the models are loaded leaves complete files too", async () => {
  const folder = newFolder();
  let isStopped = false;
  const { code, stderr } = await repartee(["demo", "--out", folder], "node", (output, kill) => {
    if (isStopped || !output.startsWith("Loading")) return;
    isStopped = true;
    kill("SIGINT");
  });
  assert.equal(code, 1, stderr);
  assert.equal(replay(readCall(folder).records).difference, undefined);
});

test("a process that is killed leaves a recording and a trace that can be read", async () => {
  const folder = newFolder();
  let isStopped = false;
  const { signal } = await repartee(["demo", "--out", folder], "node", (output, kill) => {
    if (isStopped || !spoken.test(output)) return;
    isStopped = true;
    setTimeout(() => kill("SIGKILL"), 3_000); // the recording is written about a second behind
  });
  assert.equal(signal, "SIGKILL");
  const call = readWav(new Uint8Array(readFileSync(`${folder}/call.wav`)));
  assert.ok(call.samplesPerChannel / call.sampleRate > 1 && call.data.some((value) => Math.abs(value) > 1_000));
  assert.equal(replay(parseTrace(readFileSync(`${folder}/trace.jsonl`, "utf8"))).difference, undefined);
});

test("a call in a file of another rate is held as well, and one without speech commits nothing", async () => {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  const tone = Int16Array.from({ length: 11_025 * 8 }, (_, index) => Math.round(60 * Math.sin(index / 3)));
  writeFileSync(`${folder}/odd.wav`, writeWav(audioFrame(tone, 11_025)));
  const { code, stderr } = await repartee(["demo", "--fast", "--call", `${folder}/odd.wav`, "--out", `${folder}/out`]);
  assert.equal(code, 0, stderr);
  const call = readCall(`${folder}/out`);
  assert.deepEqual(call.ordersAt("turn.commit"), []);
  assert.match(call.transcript, /\*\*Agent:\*\* Good morning, this is the Harbour Bookshop\. How can I help you\?/);
});

const folder = newFolder();
writeFileSync(`${folder}/empty.wav`, "");
writeFileSync(`${folder}/text.wav`, "This is no sound, whatever its name says. ".repeat(10));
const whole = writeWav(audioFrame(new Int16Array(1_600).fill(100), 16_000));
writeFileSync(`${folder}/damaged.wav`, whole.subarray(0, 30));
writeFileSync(`${folder}/soundless.wav`, writeWav(audioFrame(new Int16Array(0), 16_000)));

const BAD: readonly (readonly [name: string, args: readonly string[], code: RegExp])[] = [
  ["a call that is not there", ["demo", "--call", `${folder}/none.wav`], /cli\.bad_argument/],
  ["an empty file", ["demo", "--call", `${folder}/empty.wav`], /audio\./],
  ["a file of text", ["demo", "--call", `${folder}/text.wav`], /audio\./],
  ["a damaged file", ["demo", "--call", `${folder}/damaged.wav`], /audio\./],
  ["a file without sound", ["demo", "--call", `${folder}/soundless.wav`], /audio\.empty/],
  ["a voice that there is not", ["demo", "--voice", "elvis"], /cli\.bad_argument/],
  ["an option that there is not", ["demo", "--loud"], /cli\.bad_argument/],
  ["a command that there is not", ["sing"], /cli\.bad_argument/],
  ["a trace that is not there", ["replay", `${folder}/none.jsonl`], /cli\.bad_argument/],
  ["a trace that is none", ["replay", `${folder}/text.wav`], /trace\.bad_record/],
];

for (const [name, args, wanted] of BAD) {
  test(`${name} is refused with a code and a sentence that says what to do`, async () => {
    const { code, stderr } = await repartee([...args, ...(args[0] === "demo" ? ["--out", `${folder}/out`] : [])]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, wanted);
    assert.match(stderr, /^Cannot .+ as .+\(\w+\.\w+\)\n\w.+\.\n$/);
  });
}
