import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { energyVAD } from "../../../adapters/energy_vad/energy_vad.ts";
import { processClock } from "../../../adapters/runtime/clock.ts";
import { virtualClock } from "../../../adapters/runtime/virtual.ts";
import { type WhisperOptions, whisperSTT } from "../../../adapters/whisper/whisper.ts";
import { audioFrame } from "../../../src/audio/frame.ts";
import { concatSamples } from "../../../src/audio/frames.ts";
import { AgentError, type ErrorCode } from "../../../src/base/error.ts";
import type { SpeechEvent, STT } from "../../../src/model/stt.ts";
import { sttStreamAdapter } from "../../../src/model/stt_stream_adapter.ts";
import { sttContract } from "../../contracts/stt.ts";
import { speechFixture } from "../../contracts/vad.ts";
import { wordErrorRate } from "../../real/word_errors.ts";

const RATE = 16_000;
const folder = new URL("../../../models/whisper_tiny_en/", import.meta.url);
const here = {
  encoder: new URL("encoder.onnx", folder),
  decoder: new URL("decoder.onnx", folder),
  vocabulary: new URL("vocabulary.txt", folder),
};
const missing = { ...here, decoder: new URL("no_such_file.onnx", folder) };

// One for the file: loading takes a second, and half a gigabyte.
const shared = whisperSTT({ weights: here });
after(() => shared.close());

/** The shared one; whoever has finished with it leaves it open. */
function lent(): STT {
  const { kind, model, provider, capabilities, recognize, prewarm } = shared;
  return { kind, model, provider, capabilities, recognize, prewarm };
}
function streaming(stt: STT): STT {
  const { recognize: _, ...adapted } = sttStreamAdapter(stt, energyVAD(), { clock: processClock() });
  return adapted;
}

// It takes "book a" for "look at" in this recording, with any silence around it: two words of ten. How well it hears in
// general is the question of `tests/real/whisper_test.ts`.
const mostWordErrors = 0.2;
sttContract("whisper", { make: lent, makeBroken: () => whisperSTT({ weights: missing }), mostWordErrors });
sttContract("whisper behind a detector", {
  mostWordErrors,
  make: () => streaming(lent()),
  makeBroken: () => streaming(whisperSTT({ weights: missing })),
});

async function firstSentence(): Promise<{ readonly samples: Int16Array; readonly text: string }> {
  const { samples, segments } = await speechFixture();
  const { startMs, endMs, text } = segments[0]!;
  return { samples: samples.slice(((startMs - 300) * RATE) / 1000, ((endMs + 300) * RATE) / 1000), text };
}

function textOf(event: SpeechEvent): string {
  assert.ok("alternatives" in event);
  return event.alternatives[0]?.text ?? "";
}

function isError(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof AgentError && error.code === code && message.test(error.message);
}

test("noise, hum and clicks are no words", async () => {
  const seconds = 2;
  const sounds: Readonly<Record<string, (at: number) => number>> = {
    "white noise": (at) => ((at * 7_919 + (at * at) % 4_099) % 6_001) - 3_000,
    hum: (at) => 4_000 * Math.sin((at * 2 * Math.PI * 100) / RATE),
    click: (at) => at % RATE < 40 ? 20_000 : 0,
  };
  for (const [name, sampleAt] of Object.entries(sounds)) {
    const frame = audioFrame(Int16Array.from({ length: seconds * RATE }, (_, at) => Math.round(sampleAt(at))), RATE);
    assert.equal(textOf(await shared.recognize([frame])), "", name);
  }
});

test("the calling thread hears what a worker hears", async () => {
  const { samples } = await firstSentence();
  await using direct = whisperSTT({ weights: here, worker: false });
  const frame = audioFrame(samples, RATE);
  assert.equal(textOf(await direct.recognize([frame])), textOf(await shared.recognize([frame])));
});

test("weights can be bytes, and functions that find them", async () => {
  const read = (url: URL): Promise<Uint8Array> => readFile(url);
  const weights = { encoder: () => read(here.encoder), decoder: await read(here.decoder), vocabulary: here.vocabulary };
  const { samples, text } = await firstSentence();
  await using stt = whisperSTT({ weights });
  assert.ok(wordErrorRate(text, textOf(await stt.recognize([audioFrame(samples, RATE)]))) <= mostWordErrors);
});

test("files that are missing or damaged are a typed error, in a worker and without one", async () => {
  const noise = audioFrame(new Int16Array(RATE).fill(99), RATE);
  const damaged = { ...here, encoder: (await readFile(here.encoder)).subarray(0, 1_000_000) };
  const bad: readonly (readonly [WhisperOptions["weights"], RegExp])[] = [
    [
      missing,
      /^Cannot load the weights of Whisper tiny\.en as the package `@repartee\/whisper-tiny-en` must be installed/,
    ],
    [damaged, /^Cannot open a model as its weights must be an ONNX graph: current value is 1000000 bytes/],
  ];
  for (const worker of [true, false]) {
    for (const [weights, message] of bad) {
      await using stt = whisperSTT({ weights: weights!, worker });
      await assert.rejects(stt.prewarm(), isError("weights.missing", message));
      await assert.rejects(stt.recognize([noise]), isError("weights.missing", message));
    }
  }
});

test("what could not be loaded can be tried again", async () => {
  let isThere = false;
  const vocabulary = async (): Promise<Uint8Array> => {
    if (!isThere) throw new Error("not yet");
    return await readFile(here.vocabulary);
  };
  await using stt = whisperSTT({ weights: { ...here, vocabulary } });
  await assert.rejects(stt.prewarm(), isError("weights.missing", /a function, which failed/));
  isThere = true;
  await stt.prewarm();
});

test("a language other than English is refused", async () => {
  const frame = audioFrame(new Int16Array(RATE), RATE);
  await assert.rejects(
    shared.recognize([frame], { language: "de" }),
    isError("model.no_capability", /must be English: current value is de$/),
  );
  for (const language of ["en", "en-GB", "EN_us", "auto", ""]) await shared.recognize([frame], { language });
});

test("closing fails the request under way and all later ones, and may be done twice", async () => {
  const { samples } = await firstSentence();
  const stt = whisperSTT({ weights: here });
  await stt.prewarm();
  const closed = isError("model.closed", /^Cannot recognise speech as the recogniser must be open/);
  const underWay = assert.rejects(stt.recognize([audioFrame(samples, RATE)]), closed);

  await Promise.all([stt.close(), stt.close()]);

  await underWay;
  await assert.rejects(stt.recognize([audioFrame(samples, RATE)]), closed);
  await assert.rejects(stt.prewarm(), closed);
  await stt.close();
});

test("closing while the model loads waits for it, and leaves nothing", async () => {
  const stt = whisperSTT({ weights: here });
  const loading = stt.prewarm().then(() => "loaded", () => "failed");
  await stt.close();
  assert.match(await loading, /loaded|failed/);
});

test("a request that is called off makes way for the next one", async () => {
  const { samples } = await firstSentence();
  const long = concatSamples(new Array<Int16Array>(8).fill(samples)); // seconds of work
  await shared.prewarm();
  const began = performance.now();
  await shared.recognize([audioFrame(long, RATE)]);
  const wholeMs = performance.now() - began;

  const abort = new AbortController();
  const aborted = shared.recognize([audioFrame(long, RATE)], { signal: abort.signal }).catch(() => "off");
  const waiting = [1, 2, 3].map(() =>
    shared.recognize([audioFrame(long, RATE)], { signal: abort.signal }).catch(() => "off")
  );
  const again = performance.now();
  abort.abort();
  assert.equal(await aborted, "off");
  assert.deepEqual(await Promise.all(waiting), ["off", "off", "off"]);
  await shared.recognize([audioFrame(samples, RATE)]);
  assert.ok(performance.now() - again < 3 * wholeMs, "four requests that nobody wants were not worked through");
});

test("a virtual clock stands still while the model works", async () => {
  const clock = virtualClock();
  const { samples } = await firstSentence();
  let passed = 0;
  const cancel = clock.schedule(60_000, () => passed++);
  const host = { clock, report: { error: () => {}, metrics: () => {} }, requestId: () => "own" };

  const event = await clock.until(shared.recognize([audioFrame(samples, RATE)], { host }));

  assert.notEqual(textOf(event), "");
  assert.equal(passed, 0);
  assert.ok(clock.now() > 0 && clock.now() < 60_000, `${clock.now()} ms`);
  cancel();
});

test("the main thread is not held up while a worker listens", async () => {
  const { samples } = await firstSentence();
  await shared.prewarm();
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 5);
  await shared.recognize([audioFrame(samples, RATE)]);
  clearInterval(ticking);
  assert.ok(ticks >= 5, `${ticks} ticks`);
});

test("a recogniser that nobody closes does not keep the process alive", async () => {
  const { execPath, versions } = process as { execPath: string; versions: Record<string, string | undefined> };
  const script = fileURLToPath(new URL("./alone_fixture.ts", import.meta.url));
  const args = versions["deno"] === undefined ? [script] : ["run", "-A", "--no-check", script];
  const child = spawn(execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const guard = setTimeout(() => child.kill("SIGKILL"), 60_000);
  let output = "";
  child.stdout.on("data", (data) => output += data);

  const [status] = await once(child, "close");

  clearTimeout(guard);
  assert.equal(status, 0);
  assert.equal(output.trim(), "heard 0");
});
