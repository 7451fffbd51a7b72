import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { fliteTTS } from "../../adapters/flite/flite.ts";
import { audioFrame } from "../../src/audio/frame.ts";
import { FLUSH, type FlushMark } from "../../src/model/marks.ts";
import type { SynthesizedAudio, TTS } from "../../src/model/tts.ts";
import { ttsStreamAdapter } from "../../src/model/tts_stream_adapter.ts";
import { collectSpeech, samplesOf, textSource, ttsContract } from "../contracts/tts.ts";

const missing = new URL("file:///nowhere/flite.wasm");
const overFlite = (options: Parameters<typeof fliteTTS>[0]): TTS & AsyncDisposable => {
  const voice = fliteTTS(options);
  return Object.assign(ttsStreamAdapter(voice), { [Symbol.asyncDispose]: () => voice[Symbol.asyncDispose]() });
};
ttsContract("flite, sentence by sentence", {
  make: () => overFlite({ worker: false }),
  makeBroken: () => overFlite({ worker: false, weights: missing }),
});

const RATE = 8_000;

/** What a {@linkcode typewriter} was asked. */
interface Log {
  readonly asked: string[];
  readonly cancelled: string[];
  readonly signals: AbortSignal[];
  reads: number;
}

/** A voice that says each character for 10 ms, as a frame of its code; it fails at a "#". */
function typewriter({ frameLength = 80 } = {}): { readonly voice: TTS; readonly log: Log } {
  const log: Log = { asked: [], cancelled: [], signals: [], reads: 0 };
  const voice: TTS = {
    kind: "tts",
    model: "typewriter",
    provider: "test",
    sampleRate: RATE,
    channels: 1,
    capabilities: { streaming: false },
    synthesize(text, { signal } = {}) {
      log.asked.push(text);
      if (signal !== undefined) log.signals.push(signal);
      const samples = Int16Array.from(
        { length: text.length * 80 },
        (_, index) => text.charCodeAt(Math.floor(index / 80)),
      );
      let at = 0;
      return new ReadableStream<SynthesizedAudio>({
        pull(controller) {
          log.reads++;
          if (text.includes("#") && at > 0) return controller.error(new Error("stuck key"));
          if (at >= samples.length) return controller.close();
          controller.enqueue({
            frame: audioFrame(samples.slice(at, at += frameLength), RATE),
            requestId: `r-${text}`,
            final: true,
          });
        },
        cancel: () => void log.cancelled.push(text),
      }, { highWaterMark: 0 });
    },
  };
  return { voice, log };
}

const spell = (audio: readonly SynthesizedAudio[]): string =>
  String.fromCharCode(...samplesOf(audio).filter((_, index) => index % 80 === 40).filter((code) => code !== 0));
const speak = (voice: TTS, parts: readonly (string | FlushMark)[]): Promise<SynthesizedAudio[]> =>
  collectSpeech(textSource(parts).pipeThrough(ttsStreamAdapter(voice).stream!()));
const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

test("each sentence is spoken by itself, without the space around it, and its sound is not changed", async () => {
  for (const frameLength of [80, 3, 200, 10_000]) {
    const { voice, log } = typewriter({ frameLength });
    const audio = await speak(voice, ["The first sentence is he", "re. And the second one is here. "]);
    assert.deepEqual(log.asked, ["The first sentence is here.", "And the second one is here."]);
    assert.equal(spell(audio), log.asked.join(""));
    assert.deepEqual(audio.map(({ final }) => final === true), audio.map((_, index) => index === audio.length - 1));
    assert.ok(audio.every(({ segmentId }) => segmentId === "segment_1"));
    assert.equal(audio[0]?.requestId, "r-The first sentence is here.");
  }
});

test("sentences come with their exact text and the times of their sound", async () => {
  const { voice } = typewriter();
  const audio = await speak(voice, ["The first sentence is here.  And the second one is here."]);
  assert.deepEqual(audio.flatMap(({ timedTranscript }) => timedTranscript ?? []), [
    { text: "The first sentence is here.  ", startMs: 0 },
    { text: "", startMs: 270, endMs: 270 },
    { text: "And the second one is here.", startMs: 270 },
    { text: "", startMs: 540, endMs: 540 },
  ]);
});

test("a voice that tells times of its own is believed, each from the start of its segment", async () => {
  const { voice } = typewriter({ frameLength: 10_000 });
  const aligned: TTS = {
    ...voice,
    capabilities: { streaming: false, alignedTranscript: true },
    synthesize: (text, options) =>
      voice.synthesize!(text, options).pipeThrough(
        new TransformStream({
          transform: (audio, controller) =>
            controller.enqueue({ ...audio, timedTranscript: [{ text: text.split(" ")[0]!, startMs: 10, endMs: 30 }] }),
        }),
      ),
  };
  const audio = await speak(aligned, ["The first sentence is here. And the second one is here.", FLUSH, "Third."]);
  assert.deepEqual(audio.flatMap(({ timedTranscript }) => timedTranscript ?? []), [
    { text: "The", startMs: 10, endMs: 30 },
    { text: "And", startMs: 280, endMs: 300 },
    { text: "Third.", startMs: 10, endMs: 30 },
  ]);
});

test("a flush speaks what is held, ends the segment, and begins times anew; flushes of nothing are nothing", async () => {
  const { voice, log } = typewriter();
  const audio = await speak(voice, [FLUSH, "Hi", FLUSH, FLUSH, "  ", FLUSH, "Ho. ", FLUSH]);
  assert.deepEqual(log.asked, ["Hi", "Ho."]);
  const segments = [...new Set(audio.map(({ segmentId }) => segmentId))];
  assert.equal(segments.length, 2);
  for (const id of segments) {
    const own = audio.filter(({ segmentId }) => segmentId === id);
    assert.deepEqual(own.map(({ final }) => final === true), own.map((_, index) => index === own.length - 1));
    assert.equal(own[0]?.timedTranscript?.[0]?.startMs, 0);
  }
});

test("where the end of a segment was not known in time, a moment of silence is its last frame", async () => {
  const { voice } = typewriter();
  const { readable, writable } = ttsStreamAdapter(voice, { minLength: 0 }).stream!();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  await writer.write("Hello. A");
  const sounds: SynthesizedAudio[] = [];
  for (let index = 0; index < 6; index++) sounds.push((await reader.read()).value!);
  assert.equal(spell(sounds), "Hello.");
  void writer.write(" ");
  const closing = writer.close();
  const rest = await (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return sounds;
      sounds.push(value);
    }
  })();
  await closing;
  assert.equal(spell(rest), "Hello.A");
  assert.deepEqual(rest.map(({ final }) => final === true), rest.map((_, index) => index === rest.length - 1));
});

test("one sentence is made ahead of the one that is read, and no more", async () => {
  const { voice, log } = typewriter();
  const { readable, writable } = ttsStreamAdapter(voice, { minLength: 0 }).stream!();
  const writer = writable.getWriter();
  void writer.write("One. Two. Three. Four. Five. ").catch(() => {});
  await turn();
  assert.deepEqual(log.asked, ["One."], "the first is made before anybody reads");
  const reader = readable.getReader();
  await reader.read();
  assert.deepEqual(log.asked, ["One.", "Two."]);
  const { reads } = log;
  await turn();
  assert.equal(log.reads, reads, "nothing is read on its own");
  await reader.cancel();
});

test("the writer waits while sentences wait to be spoken, and goes on when they are", async () => {
  const { voice } = typewriter();
  const { readable, writable } = ttsStreamAdapter(voice, { minLength: 0 }).stream!();
  const writer = writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (let index = 0; index < 20; index++) {
      await writer.write(`Number ${index}. `);
      written++;
    }
    await writer.close();
  })();
  for (let index = 0; index < 5; index++) await turn();
  assert.ok(written <= 4, `${written} written while nobody reads`);
  const audio = await collectSpeech(readable);
  await writing;
  assert.equal(spell(audio), Array.from({ length: 20 }, (_, index) => `Number ${index}.`).join(""));
});

test("a reader that leaves, a writer that gives up and an abort stop what is being made", async () => {
  const reason = new Error("enough");
  for (const way of ["cancel", "writer", "signal"] as const) {
    const { voice, log } = typewriter();
    const outer = new AbortController();
    const { readable, writable } = ttsStreamAdapter(voice, { minLength: 0 }).stream!({ signal: outer.signal });
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    const reader = readable.getReader();
    const writing = writer.write("One. Two. Three. Four. ").catch(() => {});
    await reader.read();
    if (way === "cancel") await reader.cancel(reason);
    else if (way === "writer") await writer.abort(reason);
    else outer.abort(reason);
    await writing;
    assert.deepEqual(log.cancelled, ["One.", "Two."]);
    assert.ok(log.signals.every((signal) => signal.aborted && signal.reason === reason));
    if (way === "cancel") await reader.closed;
    else await assert.rejects(reader.closed, reason);
    await assert.rejects(writer.write("Five. "), reason);
    await turn();
    assert.deepEqual(log.asked, ["One.", "Two."]);
  }
});

test("a sentence that fails fails reader and writer, after all sound before it", async () => {
  const { voice, log } = typewriter();
  const { readable, writable } = ttsStreamAdapter(voice, { minLength: 0 }).stream!();
  const writer = writable.getWriter();
  void writer.write("One. #Two. Three. Four. ").catch(() => {});
  const heard: SynthesizedAudio[] = [];
  await assert.rejects(async () => {
    for await (const audio of readable) heard.push(audio);
  }, /stuck key/);
  assert.ok(spell(heard).startsWith("One."));
  await assert.rejects(writer.closed, /stuck key/);
  assert.deepEqual(log.asked, ["One.", "#Two.", "Three."]);
  assert.deepEqual(log.cancelled, ["Three."], "the one ahead was called off");
});

test("sentences with nothing to say are not spoken, and their text is not lost", async () => {
  const { voice, log } = typewriter();
  const stream = ttsStreamAdapter(voice, { minLength: 0 }).stream!();
  const audio = await collectSpeech(textSource(["Yes. — ! Oh no. …"]).pipeThrough(stream));
  assert.deepEqual(log.asked, ["Yes.", "Oh no. …"]);
  assert.equal(
    audio.flatMap(({ timedTranscript }) => timedTranscript ?? []).map(({ text }) => text).join(""),
    "Yes. — ! Oh no. …",
  );
});

test("a voice without synthesize is refused; one with it keeps it, and says that it streams", () => {
  const { voice } = typewriter();
  const { synthesize: _, ...mute } = voice;
  assert.throws(() => ttsStreamAdapter(mute), { code: "model.no_capability" });
  const adapted = ttsStreamAdapter(voice);
  assert.deepEqual(adapted.capabilities, { streaming: true, alignedTranscript: true });
  assert.ok(adapted.synthesize !== undefined && adapted.prewarm === undefined);
});

test("however the text comes, the same is said", async () => {
  const unit = fc.constantFrom("a", "B", ". ", "! ", " ", "\n", "Hello there", ".", "—");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(unit, fc.constant(FLUSH)), { maxLength: 40 }), async (parts) => {
      const joined: (string | FlushMark)[] = [];
      for (const part of parts) {
        const last = joined[joined.length - 1];
        if (typeof part === "string" && typeof last === "string") joined[joined.length - 1] = last + part;
        else joined.push(part);
      }
      const [pieces, whole] = [typewriter(), typewriter()];
      const said = await Promise.all([speak(pieces.voice, parts), speak(whole.voice, joined)]);
      assert.deepEqual(pieces.log.asked, whole.log.asked);
      assert.equal(spell(said[0]), spell(said[1]));
      assert.equal(spell(said[0]), pieces.log.asked.join(""));
    }),
    { numRuns: 60 },
  );
});
