/**
 * What every voice activity detector must do. A detector passes `vadContract`, on every runtime.
 *
 * The sound is that of `tests/fixtures/speech_16k.wav`: two sentences by synthetic voices, in faint noise.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { resampler } from "../../src/audio/resample.ts";
import { readWav } from "../../src/audio/wav.ts";
import { AgentError } from "../../src/base/error.ts";
import { type AudioInputPart, FLUSH } from "../../src/model/marks.ts";
import type { VAD, VADEvent } from "../../src/model/vad.ts";

/** What the suite asks of the detector under test. */
export interface VADContractOptions {
  /** Makes a detector that ends speech after 550 ms of silence. */
  readonly make: () => VAD & Partial<AsyncDisposable>;
  /** How far its boundaries may be from those of the recording: after the onset, and after the end and its silence. */
  readonly toleranceMs: number;
}

const RATE = 16_000;
const FRAME_SIZE = 320; // 20 ms

/** The fixture's samples, and where its sentences are. */
export async function speechFixture(): Promise<{
  readonly samples: Int16Array;
  readonly segments: readonly { readonly text: string; readonly startMs: number; readonly endMs: number }[];
}> {
  const folder = new URL("../fixtures/", import.meta.url);
  const bytes = await readFile(new URL("speech_16k.wav", folder));
  const { segments } = JSON.parse(await readFile(new URL("speech_16k.json", folder), "utf8"));
  return { samples: readWav(bytes).data, segments };
}

/** Cuts samples into frames; the sizes are taken in turn. The last frame is what is left. */
export function framesOf(
  samples: Int16Array,
  { sampleRate = RATE, sizes = [FRAME_SIZE], channels = 1 }: {
    readonly sampleRate?: number;
    readonly sizes?: readonly number[];
    readonly channels?: number;
  } = {},
): AudioFrame[] {
  const frames: AudioFrame[] = [];
  for (let at = 0, turn = 0; at < samples.length; turn++) {
    const size = sizes[turn % sizes.length]! * channels;
    frames.push(audioFrame(samples.slice(at, at + size), sampleRate, channels));
    at += size;
  }
  return frames;
}

/** All events of a detector that hears `parts`. */
export async function hear(vad: VAD, parts: readonly AudioInputPart[]): Promise<VADEvent[]> {
  const events: VADEvent[] = [];
  const waiting = [...parts];
  const source = new ReadableStream<AudioInputPart>({
    pull(controller) {
      const part = waiting.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
  for await (const event of source.pipeThrough(vad.stream())) events.push(event);
  return events;
}

/** Events without what may differ from run to run. */
export function timeless(events: readonly VADEvent[]): unknown[] {
  return events.map(({ inferenceDurationMs: _, ...event }) => event);
}

/** Where speech begins and ends. */
export function boundariesOf(events: readonly VADEvent[]): [VADEvent["type"], number][] {
  return events.filter(({ type }) => type !== "inference_done").map(({ type, timestampMs }) => [type, timestampMs]);
}

/** Registers the tests of the contract. */
export function vadContract(name: string, { make, toleranceMs }: VADContractOptions): void {
  const withVad = async (run: (vad: VAD) => Promise<void>): Promise<void> => {
    const vad = make();
    try {
      await run(vad);
    } finally {
      await vad[Symbol.asyncDispose]?.();
    }
  };

  const assertHeard = async (events: readonly VADEvent[], stretch = 0): Promise<void> => {
    const { segments } = await speechFixture();
    const found = boundariesOf(events);
    assert.deepEqual(found.map(([type]) => type), segments.flatMap(() => ["start_of_speech", "end_of_speech"]));
    for (const [index, { startMs, endMs }] of segments.entries()) {
      const start = found[2 * index]![1];
      const end = found[2 * index + 1]![1];
      assert.ok(Math.abs(start - startMs) <= toleranceMs + stretch, `start ${start} of ${startMs}`);
      assert.ok(Math.abs(end - endMs - 550) <= toleranceMs + stretch, `end ${end} of ${endMs}`);
    }
  };

  test(`${name}: it says what it is`, () =>
    withVad(async (vad) => {
      assert.equal(vad.kind, "vad");
      assert.ok(vad.model.length > 0 && vad.provider.length > 0);
      assert.ok(vad.capabilities.updateIntervalMs > 0);
      assert.equal(vad.capabilities.minSilenceDurationMs, 550);
    }));

  test(`${name}: speech begins and ends where it does in the recording`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      await assertHeard(await hear(vad, framesOf(samples)));
    }));

  test(`${name}: each window is told of, and regularly`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      const { updateIntervalMs } = vad.capabilities;

      const windows = (await hear(vad, framesOf(samples))).filter(({ type }) => type === "inference_done");

      assert.equal(windows.length, Math.floor(samples.length / ((RATE * updateIntervalMs) / 1000)));
      for (const [index, event] of windows.entries()) {
        assert.equal(event.timestampMs, (index + 1) * updateIntervalMs);
        assert.ok(event.probability >= 0 && event.probability <= 1);
        assert.ok(event.inferenceDurationMs >= 0);
      }
    }));

  test(`${name}: durations grow with the speech, and end with the speech itself`, () =>
    withVad(async (vad) => {
      const { samples, segments } = await speechFixture();

      const events = await hear(vad, framesOf(samples));

      for (const [index, event] of events.entries()) {
        if (event.type === "start_of_speech") {
          assert.equal(events[index - 1]?.speaking, false, "the window before is not yet speaking");
          assert.equal(events[index + 1]?.speaking, true, "the window after is");
          assert.equal(event.speechDurationMs, event.rawSpeechMs);
          assert.equal(event.silenceDurationMs, 0);
        }
      }
      const ends = events.filter(({ type }) => type === "end_of_speech");
      for (const [index, { speechDurationMs, silenceDurationMs, speaking }] of ends.entries()) {
        const { startMs, endMs } = segments[index]!;
        assert.ok(Math.abs(speechDurationMs - (endMs - startMs)) <= 2 * toleranceMs, `${speechDurationMs}`);
        assert.ok(silenceDurationMs >= 550 && silenceDurationMs < 550 + vad.capabilities.updateIntervalMs);
        assert.equal(speaking, false);
      }
    }));

  test(`${name}: the events do not depend on how the sound is cut`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();

      const whole = timeless(await hear(vad, framesOf(samples, { sizes: [samples.length] })));

      assert.deepEqual(timeless(await hear(vad, framesOf(samples, { sizes: [160] }))), whole);
      assert.deepEqual(timeless(await hear(vad, framesOf(samples, { sizes: [1, 511, 2, 0, 1_000, 37, 513] }))), whole);
    }));

  for (const sampleRate of [8_000, 24_000, 44_100, 48_000]) {
    test(`${name}: sound at ${sampleRate} Hz is heard, however it is cut`, () =>
      withVad(async (vad) => {
        const { samples } = await speechFixture();
        const converter = resampler({ from: RATE, to: sampleRate });
        const converted = Int16Array.from([...converter.push(samples), ...converter.flush()]);

        const events = await hear(vad, framesOf(converted, { sampleRate, sizes: [sampleRate / 50] }));

        await assertHeard(events, vad.capabilities.updateIntervalMs);
        const otherwise = await hear(vad, framesOf(converted, { sampleRate, sizes: [1_013, 77] }));
        assert.deepEqual(timeless(otherwise), timeless(events));
      }));
  }

  test(`${name}: two channels are heard as one`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      const stereo = new Int16Array(2 * samples.length);
      for (const [index, sample] of samples.entries()) stereo[2 * index] = stereo[2 * index + 1] = sample;

      const events = await hear(vad, framesOf(stereo, { channels: 2 }));

      assert.deepEqual(timeless(events), timeless(await hear(vad, framesOf(samples))));
    }));

  test(`${name}: a flush is a hard border: what follows is heard as if it were the first`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      const alone = timeless(await hear(vad, framesOf(samples)));

      const events = timeless(await hear(vad, [...framesOf(samples), FLUSH, ...framesOf(samples)]));

      assert.deepEqual(events, [...alone, ...alone]);
    }));

  test(`${name}: a flush in the middle of speech ends it at once`, () =>
    withVad(async (vad) => {
      const { samples, segments } = await speechFixture();
      const half = samples.slice(0, ((segments[0]!.startMs + 1_000) * RATE) / 1000);

      const events = await hear(vad, [...framesOf(half), FLUSH]);

      assert.deepEqual(boundariesOf(events).map(([type]) => type), ["start_of_speech", "end_of_speech"]);
      assert.equal(events.at(-1)?.type, "end_of_speech");
      assert.equal(events.at(-1)?.speaking, false);
    }));

  test(`${name}: the end of the input ends no speech`, () =>
    withVad(async (vad) => {
      const { samples, segments } = await speechFixture();
      const half = samples.slice(0, ((segments[0]!.startMs + 1_000) * RATE) / 1000);

      const events = await hear(vad, framesOf(half));

      assert.deepEqual(boundariesOf(events).map(([type]) => type), ["start_of_speech"]);
    }));

  test(`${name}: context for a recogniser changes nothing, and no sound gives no event`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      const frames = framesOf(samples.slice(0, RATE));

      const events = await hear(vad, [
        { type: "context", keyterms: ["table"] },
        ...frames,
        audioFrame(new Int16Array(0), RATE),
      ]);

      assert.deepEqual(timeless(events), timeless(await hear(vad, frames)));
      assert.deepEqual(await hear(vad, []), []);
    }));

  test(`${name}: streams do not hear each other`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      const silence = new Int16Array(samples.length);

      const [speech, quiet] = await Promise.all([hear(vad, framesOf(samples)), hear(vad, framesOf(silence))]);

      assert.deepEqual(timeless(speech), timeless(await hear(vad, framesOf(samples))));
      assert.deepEqual(boundariesOf(quiet), []);
    }));

  test(`${name}: an abort fails both ends with its reason`, () =>
    withVad(async (vad) => {
      const reason = new Error("hung up");
      const controller = new AbortController();
      const { readable, writable } = vad.stream({ signal: controller.signal });
      const reader = readable.getReader();
      const writer = writable.getWriter();
      const { samples } = await speechFixture();
      const writing = writer.write(audioFrame(samples.slice(0, RATE), RATE)).catch((error: unknown) => error);
      assert.equal((await reader.read()).value?.type, "inference_done");

      controller.abort(reason);

      await assert.rejects(reader.closed, (error) => error === reason);
      await assert.rejects(writer.closed, (error) => error === reason);
      await writing; // settles: what was being judged does not hang
    }));

  test(`${name}: a signal that was aborted before opens a stream that has failed`, () =>
    withVad(async (vad) => {
      const reason = new Error("too late");
      const { readable } = vad.stream({ signal: AbortSignal.abort(reason) });
      await assert.rejects(readable.getReader().read(), (error) => error === reason);
    }));

  test(`${name}: a reader that cancels ends the writer's work`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      let wasCancelled = false;
      let sent = 0;
      const source = new ReadableStream<AudioInputPart>({
        pull(controller) {
          controller.enqueue(audioFrame(samples.slice(sent, sent + FRAME_SIZE), RATE));
          sent += FRAME_SIZE;
        },
        cancel() {
          wasCancelled = true;
        },
      });

      for await (const event of source.pipeThrough(vad.stream())) {
        if (event.type === "start_of_speech") break;
      }

      for (let turn = 0; turn < 100 && !wasCancelled; turn++) await new Promise((go) => setImmediate(go));
      assert.ok(wasCancelled);
      assert.ok(sent < samples.length);
    }));

  test(`${name}: nobody reads, so that little is taken in`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      let pulled = 0;
      const source = new ReadableStream<AudioInputPart>({
        pull(controller) {
          controller.enqueue(audioFrame(samples.slice(0, FRAME_SIZE), RATE));
          pulled++;
        },
      }, { highWaterMark: 0 });

      const events = source.pipeThrough(vad.stream());
      await vad.prewarm?.();
      for (let turn = 0; turn < 50; turn++) await new Promise((go) => setImmediate(go));

      assert.ok(pulled <= 4, `pulled ${pulled} frames of 20 ms`);
      await events.cancel();
    }));

  test(`${name}: a frame with an impossible rate fails the stream with a code`, () =>
    withVad(async (vad) => {
      const { samples } = await speechFixture();
      const frame: AudioFrame = { data: samples.slice(0, 320), sampleRate: 1, channels: 1, samplesPerChannel: 320 };
      await assert.rejects(
        hear(vad, [frame]),
        (error) => error instanceof AgentError && error.code === "audio.bad_rate",
      );
    }));

  test(`${name}: loading it twice is as good as once`, () =>
    withVad(async (vad) => {
      await Promise.all([vad.prewarm?.(), vad.prewarm?.()]);
      await vad.prewarm?.();
    }));
}
