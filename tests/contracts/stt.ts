/**
 * What every speech recogniser must do. A recogniser passes `sttContract`, on every runtime: whole segments by `recognize`
 * where it has it, and sound that comes in parts by `stream` where it has that.
 *
 * The sound is that of `tests/fixtures/speech_16k.wav`: two sentences by synthetic voices, in faint noise.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { concatSamples } from "../../src/audio/frames.ts";
import { resampler } from "../../src/audio/resample.ts";
import { type AudioInputPart, FLUSH } from "../../src/model/marks.ts";
import type { SpeechData, SpeechEvent, STT, STTOptions } from "../../src/model/stt.ts";
import { wordErrorRate } from "../real/word_errors.ts";
import { framesOf, speechFixture } from "./vad.ts";

/** What the suite asks of the recogniser under test. */
export interface STTContractOptions {
  /** Makes a recogniser of English. */
  readonly make: () => STT & Partial<AsyncDisposable>;
  /** Makes a recogniser that cannot hear, such as one whose files are missing. */
  readonly makeBroken: () => STT & Partial<AsyncDisposable>;
  /** The most word errors in one of the fixture's sentences, of 10 and 4 words, as a share. Default: 0.1. */
  readonly mostWordErrors?: number;
}

const RATE = 16_000;

/** The samples of one sentence, with 300 ms around it. */
async function sentence(index: number): Promise<{ readonly samples: Int16Array; readonly text: string }> {
  const { samples, segments } = await speechFixture();
  const { startMs, endMs, text } = segments[index]!;
  return { samples: samples.slice(((startMs - 300) * RATE) / 1000, ((endMs + 300) * RATE) / 1000), text };
}

/** What was understood for good. */
function finalsOf(events: readonly SpeechEvent[]): SpeechData[] {
  return events.flatMap((event) => event.type === "final_transcript" ? event.alternatives.slice(0, 1) : []);
}

function textOf(events: readonly SpeechEvent[]): string {
  return finalsOf(events).map(({ text }) => text).join(" ");
}

/** All events of a recogniser that hears `parts`, as fast as it takes them. */
export async function hearWords(
  stt: STT,
  parts: readonly AudioInputPart[],
  options: STTOptions = {},
): Promise<SpeechEvent[]> {
  const waiting = [...parts];
  const source = new ReadableStream<AudioInputPart>({
    pull(controller) {
      const part = waiting.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
  const events: SpeechEvent[] = [];
  for await (const event of source.pipeThrough(stt.stream!(options))) events.push(event);
  return events;
}

/** Registers the tests of the contract. */
export function sttContract(name: string, { make, makeBroken, mostWordErrors = 0.1 }: STTContractOptions): void {
  const withStt = async (run: (stt: STT) => Promise<void>, maker = make): Promise<void> => {
    const stt = maker();
    try {
      await run(stt);
    } finally {
      await stt[Symbol.asyncDispose]?.();
    }
  };
  const assertHeard = (said: string, heard: string): void => {
    assert.ok(wordErrorRate(said, heard) <= mostWordErrors, `said:  ${said}\nheard: ${heard}`);
  };
  const assertWhole = ({ language, startTimeMs, endTimeMs, confidence }: SpeechData, lengthMs: number): void => {
    assert.match(language, /^en/);
    assert.ok(startTimeMs >= 0 && startTimeMs < endTimeMs && endTimeMs <= lengthMs + 1, `${startTimeMs} ${endTimeMs}`);
    assert.ok(confidence > 0 && confidence <= 1, `confidence ${confidence}`);
  };

  test(`${name}: it says what it is, and has what it says`, () =>
    withStt((stt) => {
      assert.equal(stt.kind, "stt");
      assert.ok(stt.model.length > 0 && stt.provider.length > 0);
      assert.equal(stt.stream !== undefined, stt.capabilities.streaming);
      assert.ok(stt.stream !== undefined || stt.recognize !== undefined);
      return Promise.resolve();
    }));

  test(`${name}: it can be loaded ahead, more than once`, () =>
    withStt(async (stt) => {
      await Promise.all([stt.prewarm?.(), stt.prewarm?.()]);
      await stt.prewarm?.();
    }));

  const probe = make();
  const { recognize, stream } = probe;
  void probe[Symbol.asyncDispose]?.();
  if (recognize !== undefined) segmentContract();
  if (stream !== undefined) streamContract();

  function segmentContract(): void {
    test(`${name}: recognize gives one final transcript with the words of the segment`, () =>
      withStt(async (stt) => {
        const { samples, text } = await sentence(0);
        const event = await stt.recognize!([audioFrame(samples, RATE)]);
        assert.equal(event.type, "final_transcript");
        assertHeard(text, textOf([event]));
        assertWhole(finalsOf([event])[0]!, (samples.length * 1000) / RATE);
      }));

    test(`${name}: recognize hears the same words however the sound is cut, and at other rates and channels`, () =>
      withStt(async (stt) => {
        const { samples, text } = await sentence(0);
        const whole = textOf([await stt.recognize!([audioFrame(samples, RATE)])]);
        const pieces = textOf([await stt.recognize!(framesOf(samples, { sizes: [1, 333, 4_000] }))]);
        assert.equal(pieces, whole);
        const up = resampler({ from: RATE, to: 48_000 });
        const mono = concatSamples([up.push(samples), up.flush()]);
        const stereo = Int16Array.from({ length: 2 * mono.length }, (_, index) => mono[index >> 1]!);
        assertHeard(text, textOf([await stt.recognize!([audioFrame(stereo, 48_000, 2)])]));
      }));

    test(`${name}: recognize understands nothing in silence, and in no sound at all`, () =>
      withStt(async (stt) => {
        const none: readonly (readonly AudioFrame[])[] = [[audioFrame(new Int16Array(2 * RATE), RATE)], []];
        for (const frames of none) {
          const event = await stt.recognize!(frames);
          assert.equal(event.type, "final_transcript");
          assert.equal(textOf([event]), "");
        }
      }));

    test(`${name}: recognize keeps requests apart that are made together`, () =>
      withStt(async (stt) => {
        const both = await Promise.all([sentence(0), sentence(1)]);
        const events = await Promise.all(both.map(({ samples }) => stt.recognize!([audioFrame(samples, RATE)])));
        for (const [index, { text }] of both.entries()) assertHeard(text, textOf([events[index]!]));
      }));

    test(`${name}: what was understood before is a help, right or wrong, and changes nothing`, () =>
      withStt(async (stt) => {
        const { samples } = await sentence(0);
        const recognise = async (share: number, previous?: string): Promise<string> => {
          const frame = audioFrame(samples.slice(0, samples.length * share), RATE);
          return textOf([await stt.recognize!([frame], previous === undefined ? {} : { previous })]);
        };
        const alone = await recognise(1);
        assert.equal(await recognise(1, await recognise(0.6)), alone);
        assert.equal(await recognise(1, alone), alone);
        assert.equal(await recognise(1, "Something quite different was said here."), alone);
      }));

    test(`${name}: an aborted recognize rejects with the reason at once, and the next one is heard`, () =>
      withStt(async (stt) => {
        const { samples, text } = await sentence(0);
        const reason = new Error("never mind");
        await stt.prewarm?.();
        await assert.rejects(
          stt.recognize!([audioFrame(samples, RATE)], { signal: AbortSignal.abort(reason) }),
          reason,
        );
        const abort = new AbortController();
        const aborted = stt.recognize!([audioFrame(samples.slice(), RATE)], { signal: abort.signal });
        const next = stt.recognize!([audioFrame(samples.slice(), RATE)]);
        abort.abort(reason);
        await assert.rejects(aborted, reason);
        assertHeard(text, textOf([await next]));
      }));

    test(`${name}: recognize does not change the sound`, () =>
      withStt(async (stt) => {
        const { samples } = await sentence(1);
        const frame = audioFrame(samples, RATE);
        await stt.recognize!([frame]);
        assert.equal(frame.data, samples);
        assert.deepEqual(samples, (await sentence(1)).samples);
      }));

    test(`${name}: a recogniser that cannot hear says so in recognize, each time`, () =>
      withStt(async (stt) => {
        const { samples } = await sentence(0);
        for (const _ of [1, 2]) await assert.rejects(stt.recognize!([audioFrame(samples, RATE)]), Error);
      }, makeBroken));
  }

  function streamContract(): void {
    test(`${name}: a stream gives each sentence its final transcript, in order, with the right words`, () =>
      withStt(async (stt) => {
        const { samples, segments } = await speechFixture();
        const events = await hearWords(stt, framesOf(samples));
        assertHeard(segments.map(({ text }) => text).join(" "), textOf(events));
        let before = 0;
        for (const data of finalsOf(events)) {
          assertWhole(data, (samples.length * 1000) / RATE);
          assert.ok(data.startTimeMs >= before, `${data.startTimeMs} after ${before}`);
          before = data.startTimeMs;
        }
      }));

    test(`${name}: speech starts before it is understood, and ends as often as it starts`, () =>
      withStt(async (stt) => {
        const { samples } = await speechFixture();
        const types = (await hearWords(stt, framesOf(samples))).map(({ type }) => type);
        const count = (wanted: SpeechEvent["type"]): number => types.filter((type) => type === wanted).length;
        assert.equal(types[0], "start_of_speech");
        assert.equal(count("start_of_speech"), count("end_of_speech"));
        if (!stt.capabilities.interimResults) assert.equal(count("interim_transcript"), 0);
      }));

    test(`${name}: a stream whose input ends amid speech gives the words that were said, and ends`, () =>
      withStt(async (stt) => {
        const { samples, segments } = await speechFixture();
        const { endMs, text } = segments[0]!;
        const events = await hearWords(stt, framesOf(samples.slice(0, ((endMs + 50) * RATE) / 1000)));
        assertHeard(text, textOf(events));
      }));

    test(`${name}: a flush gives the words that were said, and the stream goes on`, () =>
      withStt(async (stt) => {
        const { samples, segments } = await speechFixture();
        const [first, second] = segments;
        const border = ((first!.endMs + 50) * RATE) / 1000;
        const parts = [...framesOf(samples.slice(0, border)), FLUSH, ...framesOf(samples.slice(border))];
        const events = await hearWords(stt, parts);
        assertHeard(`${first!.text} ${second!.text}`, textOf(events));
        assert.ok(finalsOf(events).length >= 2);
        assert.ok(finalsOf(events).at(-1)!.startTimeMs > first!.endMs, "times go on, too");
      }));

    test(`${name}: a stream hears no words in silence, nor without any sound`, () =>
      withStt(async (stt) => {
        assert.equal(textOf(await hearWords(stt, framesOf(new Int16Array(3 * RATE)))), "");
        assert.deepEqual(finalsOf(await hearWords(stt, [])), []);
      }));

    test(`${name}: a stream hears sound of other rates and channels`, () =>
      withStt(async (stt) => {
        const { samples, text } = await sentence(0);
        const up = resampler({ from: RATE, to: 48_000 });
        const mono = concatSamples([up.push(samples), up.flush(), new Int16Array(48_000)]);
        const stereo = Int16Array.from({ length: 2 * mono.length }, (_, index) => mono[index >> 1]!);
        const frames = framesOf(stereo, { sampleRate: 48_000, sizes: [960], channels: 2 });
        assertHeard(text, textOf(await hearWords(stt, frames)));
      }));

    test(`${name}: two streams at once do not mix`, () =>
      withStt(async (stt) => {
        const both = await Promise.all([sentence(0), sentence(1)]);
        const heard = await Promise.all(both.map(({ samples }) => hearWords(stt, framesOf(samples))));
        for (const [index, { text }] of both.entries()) assertHeard(text, textOf(heard[index]!));
      }));

    test(`${name}: a cancelled stream tells its writer, and the next stream is heard`, () =>
      withStt(async (stt) => {
        const { samples, text } = await sentence(0);
        const { readable, writable } = stt.stream!();
        const writer = writable.getWriter();
        const closed = writer.closed.then(() => "closed", () => "failed");
        writer.write(audioFrame(samples.slice(0, RATE), RATE)).catch(() => {}); // it may still wait when the reader leaves
        await readable.cancel(new Error("left"));
        assert.equal(await closed, "failed");
        assertHeard(text, textOf(await hearWords(stt, framesOf(samples))));
      }));

    test(`${name}: an aborted stream ends, and takes no more sound`, () =>
      withStt(async (stt) => {
        const { samples } = await sentence(0);
        const abort = new AbortController();
        const { readable, writable } = stt.stream!({ signal: abort.signal });
        const writer = writable.getWriter();
        writer.closed.catch(() => {});
        const ended = (async () => {
          for await (const _ of readable) { /* it ends or fails; which is its own affair */ }
        })().catch(() => {});
        writer.write(audioFrame(samples, RATE)).catch(() => {});
        abort.abort(new Error("enough"));
        await ended;
        await assert.rejects(writer.write(audioFrame(samples, RATE)));
      }));

    test(`${name}: a recogniser that cannot hear fails its stream`, () =>
      withStt(async (stt) => {
        const { samples } = await speechFixture();
        await assert.rejects(hearWords(stt, framesOf(samples)), Error);
      }, makeBroken));
  }
}
