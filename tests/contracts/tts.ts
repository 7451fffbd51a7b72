/**
 * What every synthetic voice must do. A voice passes `ttsContract`, on every runtime: whole texts by `synthesize` where it
 * has it, and texts that come in parts by `stream` where it has that.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import { FLUSH, type FlushMark } from "../../src/model/marks.ts";
import type { SynthesizedAudio, TTS, TTSOptions } from "../../src/model/tts.ts";

/** What the suite asks of the voice under test. */
export interface TTSContractOptions {
  /** Makes a voice. */
  readonly make: () => TTS & Partial<AsyncDisposable>;
  /** Makes a voice that cannot speak, such as one whose files are missing. */
  readonly makeBroken: () => TTS & Partial<AsyncDisposable>;
  /** Whether the same text gives the same samples. Default: `true`. */
  readonly isRepeatable?: boolean;
}

const TEXT = "The table is booked. Can I do anything else for you? If not, then have a nice evening.";
const SHORT = "Hello there!";

/** A way to have a text spoken. */
interface Way {
  readonly name: string;
  readonly speak: (voice: TTS, text: string, options?: TTSOptions) => ReadableStream<SynthesizedAudio>;
}

const WAYS: readonly Way[] = [
  {
    name: "synthesize",
    speak: (voice, text, options) => voice.synthesize!(text, options),
  },
  {
    name: "stream",
    speak: (voice, text, options) =>
      textSource([...text.matchAll(/.{1,7}/gs)].map(([part]) => part)).pipeThrough(voice.stream!(options)),
  },
];

/** Text as it comes from a model. */
export function textSource(parts: readonly (string | FlushMark)[]): ReadableStream<string | FlushMark> {
  const waiting = [...parts];
  return new ReadableStream({
    pull(controller) {
      const part = waiting.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}

/** All that a stream gives. */
export async function collectSpeech(stream: ReadableStream<SynthesizedAudio>): Promise<SynthesizedAudio[]> {
  const all: SynthesizedAudio[] = [];
  for await (const audio of stream) all.push(audio);
  return all;
}

/** The samples of all frames, in order. */
export function samplesOf(all: readonly SynthesizedAudio[]): Int16Array {
  const samples = new Int16Array(all.reduce((sum, { frame }) => sum + frame.data.length, 0));
  let at = 0;
  for (const { frame } of all) {
    samples.set(frame.data, at);
    at += frame.data.length;
  }
  return samples;
}

/** Registers the tests of the contract. `ways` the voice does not have are left out. */
export function ttsContract(name: string, { make, makeBroken, isRepeatable = true }: TTSContractOptions): void {
  const withVoice = (run: (voice: TTS) => Promise<void>, from = make) => async (): Promise<void> => {
    const voice = from();
    try {
      await run(voice);
    } finally {
      await voice[Symbol.asyncDispose]?.();
    }
  };
  const probe = make();
  const has: Record<string, boolean> = {
    synthesize: probe.synthesize !== undefined,
    stream: probe.stream !== undefined,
  };
  void probe[Symbol.asyncDispose]?.();

  test(
    `${name}: it says what it is and what it can do`,
    withVoice(async (voice) => {
      assert.equal(voice.kind, "tts");
      assert.ok(voice.model.length > 0 && voice.provider.length > 0);
      assert.ok(voice.sampleRate >= 8_000 && voice.sampleRate <= 48_000);
      assert.ok(voice.channels >= 1);
      assert.equal(has["stream"] || !voice.capabilities.streaming, true, "a voice that streams has `stream`");
      assert.ok(has["synthesize"] || has["stream"], "a voice can be asked to speak");
    }),
  );

  for (const { name: way, speak } of WAYS.filter(({ name }) => has[name])) {
    test(
      `${name}, ${way}: a text becomes sound of the declared form, one final frame at its end`,
      withVoice(async (voice) => {
        const all = await collectSpeech(speak(voice, TEXT));

        for (const { frame } of all) {
          assert.equal(frame.sampleRate, voice.sampleRate);
          assert.equal(frame.channels, voice.channels);
          assert.equal(frame.data.length, frame.samplesPerChannel * frame.channels);
          assert.ok(frame.samplesPerChannel > 0);
          assert.ok(frame.samplesPerChannel <= voice.sampleRate / 2, "half a second at most");
        }
        const seconds = samplesOf(all).length / voice.channels / voice.sampleRate;
        assert.ok(seconds > 2 && seconds < 20, `${seconds} s for ${TEXT.length} letters`);
        const loudest = samplesOf(all).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
        assert.ok(loudest > 1_000, `loudest sample ${loudest}`);
        if (way === "synthesize") {
          assert.deepEqual(all.map(({ final }) => final === true), all.map((_, index) => index === all.length - 1));
        }
      }),
    );

    test(
      `${name}, ${way}: words come in the order of the text, and their times in order`,
      withVoice(async (voice) => {
        const all = await collectSpeech(speak(voice, TEXT));

        const times = all.flatMap(({ timedTranscript }) => timedTranscript ?? []);
        assert.ok(times.length > 0 || voice.capabilities.alignedTranscript !== true);
        let last = 0;
        for (const { startMs = last, endMs = startMs } of way === "synthesize" ? times : []) {
          assert.ok(startMs >= last && endMs >= startMs);
          last = startMs;
        }
        if (times.length > 0) {
          const written = times.map(({ text }) => text).join("").replace(/\s+/g, " ").trim();
          assert.equal(written, TEXT);
        }
      }),
    );

    test(
      `${name}, ${way}: two texts at once do not mix`,
      withVoice(async (voice) => {
        const [long, short] = await Promise.all([
          collectSpeech(speak(voice, TEXT)),
          collectSpeech(speak(voice, SHORT)),
        ]);

        const ids = (all: readonly SynthesizedAudio[]): Set<string> =>
          new Set(all.flatMap(({ requestId }) => requestId ?? []));
        assert.deepEqual([...ids(long)].filter((id) => ids(short).has(id)), []);
        assert.ok(samplesOf(long).length > 2 * samplesOf(short).length);
        if (isRepeatable) assert.deepEqual(samplesOf(await collectSpeech(speak(voice, SHORT))), samplesOf(short));
      }),
    );

    test(
      `${name}, ${way}: nothing to say is no sound, and no error`,
      withVoice(async (voice) => {
        for (const text of ["", "  \n ", "…"]) assert.deepEqual(await collectSpeech(speak(voice, text)), []);
      }),
    );

    test(
      `${name}, ${way}: a slow reader loses nothing`,
      withVoice(async (voice) => {
        let length = 0;
        for await (const { frame } of speak(voice, SHORT)) {
          await new Promise((go) => setImmediate(go));
          length += frame.data.length;
        }
        assert.ok(length > 0);
        if (isRepeatable) assert.equal(length, samplesOf(await collectSpeech(speak(voice, SHORT))).length);
      }),
    );

    test(
      `${name}, ${way}: a reader that leaves disturbs nobody`,
      withVoice(async (voice) => {
        for await (const _ of speak(voice, TEXT)) break;
        const unread = speak(voice, TEXT);
        await unread.cancel();
        assert.ok((await collectSpeech(speak(voice, SHORT))).length > 0);
      }),
    );

    test(
      `${name}, ${way}: an abort fails the stream at once, with its reason`,
      withVoice(async (voice) => {
        const reason = new Error("the caller cut in");
        const controller = new AbortController();
        const reader = speak(voice, TEXT, { signal: controller.signal }).getReader();
        assert.equal((await reader.read()).done, false);

        controller.abort(reason);

        await assert.rejects(reader.closed, (error) => error === reason);
        assert.ok((await collectSpeech(speak(voice, SHORT))).length > 0, "the voice goes on");
      }),
    );

    test(
      `${name}, ${way}: an abort before the first sound, and one before the start`,
      withVoice(async (voice) => {
        const reason = new Error("the caller cut in");
        const controller = new AbortController();
        const early = collectSpeech(speak(voice, TEXT, { signal: controller.signal }));
        controller.abort(reason);
        await assert.rejects(early, (error) => error === reason);
        await assert.rejects(
          collectSpeech(speak(voice, TEXT, { signal: controller.signal })),
          (error) => error === reason,
        );
      }),
    );

    test(
      `${name}, ${way}: a voice that cannot speak fails the stream with a code`,
      withVoice(async (voice) => {
        await assert.rejects(
          collectSpeech(speak(voice, SHORT)),
          (error) => error instanceof AgentError && error.message.startsWith("Cannot "),
        );
      }, makeBroken),
    );
  }

  if (has["stream"]) {
    test(
      `${name}, stream: a flush ends a segment, and what follows is the next`,
      withVoice(async (voice) => {
        const all = await collectSpeech(
          textSource(["One thing", ".", FLUSH, "And another."]).pipeThrough(voice.stream!()),
        );

        const segments = [...new Set(all.map(({ segmentId }) => segmentId))];
        assert.equal(segments.length, 2);
        const order = all.map(({ segmentId }) => segments.indexOf(segmentId));
        assert.deepEqual(order, [...order].sort((a, b) => a - b));
        for (const segment of [0, 1]) {
          const finals = all.filter((_, index) => order[index] === segment).map(({ final }) => final === true);
          assert.deepEqual(finals, finals.map((_, index) => index === finals.length - 1));
        }
      }),
    );
  }

  test(
    `${name}: loading it twice is as good as once`,
    withVoice(async (voice) => {
      await Promise.all([voice.prewarm?.(), voice.prewarm?.()]);
      await voice.prewarm?.();
    }),
  );
}
