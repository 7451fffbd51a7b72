import assert from "node:assert/strict";
import { test } from "node:test";
import { type VirtualClock, virtualClock } from "../../adapters/runtime/virtual.ts";
import { AgentError } from "../../src/base/error.ts";
import { sttAttempt } from "../../src/model/attempt.ts";
import { connectOptions } from "../../src/model/connect_options.ts";
import { APIConnectionError, APIStatusError } from "../../src/model/error.ts";
import { type AudioInputPart, FLUSH } from "../../src/model/marks.ts";
import type { SpeechEvent, STT, STTOptions } from "../../src/model/stt.ts";
import { sttStreamAdapter, type STTStreamAdapterOptions } from "../../src/model/stt_stream_adapter.ts";
import type { VAD } from "../../src/model/vad.ts";
import { drain, recording } from "./recording.ts";
import { cut, loudnessVAD, RATE, readingSTT, silent, sound, word } from "./segment_world.ts";

type Timed = readonly [at: number, event: SpeechEvent];

/** Plays parts into a stream in real time, by the clock, and gives what came of it, with the time at which it came. */
async function listen(clock: VirtualClock, stt: STT, parts: readonly AudioInputPart[], options: STTOptions = {}) {
  const { readable, writable } = stt.stream!(options);
  const events: Timed[] = [];
  let failure: unknown;
  const reading = (async () => {
    try {
      for await (const event of readable) events.push([clock.now(), event]);
    } catch (error) {
      failure = error;
    }
  })();
  const writing = (async () => {
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    let at = 0;
    for (const part of parts) {
      if ("data" in part) {
        at += (part.samplesPerChannel * 1000) / part.sampleRate;
        await new Promise<void>((go) => clock.schedule(at, go));
      }
      await writer.write(part);
    }
    await writer.close();
  })().catch((error) => error);
  await clock.until(reading);
  await clock.until(writing);
  return { events, failure };
}

/** The same as the test reads it: type and text. */
function told(events: readonly Timed[]): string[] {
  return events.map(([, event]) => {
    const text = "alternatives" in event ? event.alternatives[0]?.text ?? "nothing" : "";
    return `${event.type.replace(/_.*/, "")} ${text}`.trim();
  });
}

function finals(events: readonly Timed[]): string[] {
  return told(events).filter((line) => line.startsWith("final")).map((line) => line.slice(6));
}

function adapt(
  clock: VirtualClock,
  stt: STT,
  options: Partial<STTStreamAdapterOptions> = {},
  vad: VAD = loudnessVAD(),
) {
  return sttStreamAdapter(stt, vad, { clock, ...options });
}

const TWO_WORDS = [silent(1_000), word(1, 400), word(2, 900), silent(1_000)];

test("speech is told as it starts, grows, ends and is final", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 100 });

  const { events, failure } = await listen(clock, adapt(clock, stt), cut(sound(...TWO_WORDS)));

  assert.equal(failure, undefined);
  assert.deepEqual(told(events), ["start", "interim 1 2", "end", "final 1 2"]);
  assert.equal(clock.armed, 0);
});

test("interim words come every interval, and only when they have changed", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 50 });
  const pieces = [silent(500), word(1, 700), word(2, 700), word(3, 700), silent(1_000)];

  const { events } = await listen(clock, adapt(clock, stt, { interimMs: 300 }), cut(sound(...pieces)));

  assert.deepEqual(told(events), ["start", "interim 1", "interim 1 2", "interim 1 2 3", "end", "final 1 2 3"]);
  const gaps = stt.requests.slice(1, 6).map(({ at }, index) => at - stt.requests[index]!.at);
  for (const gap of gaps) assert.ok(gap >= 280 && gap <= 320, `gap ${gap}`);
});

test("a segment begins 500 ms before its speech, and times are those of the stream", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock);

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(...TWO_WORDS)));

  const first = stt.requests[0]!.samples.findIndex((sample) => sample !== 0);
  assert.ok(first >= RATE * 0.5 && first <= RATE * 0.54, `${first} samples before the first word`);
  const start = events[0]![1];
  assert.ok(start.type === "start_of_speech" && Math.abs(start.speechStartTimeMs! - 1_000) <= 32);
  const final = events.at(-1)![1];
  assert.ok(final.type === "final_transcript");
  assert.ok(Math.abs(final.alternatives[0]!.startTimeMs - 1_000) <= 32);
  assert.ok(Math.abs(final.alternatives[0]!.endTimeMs - 2_300) <= 32);
});

test("the next segment does not hear the end of the one before it", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { interimResults: false });
  const pieces = [silent(300), word(1, 600), silent(700), word(2, 600), silent(800)];

  const { events } = await listen(clock, adapt(clock, stt, { preRollMs: 2_000 }), cut(sound(...pieces)));

  assert.deepEqual(finals(events), ["1", "2"]);
});

test("times and words that the recogniser tells are moved to the time line of the stream", async () => {
  const clock = virtualClock();
  const alternatives = [{
    text: "one",
    language: "en",
    startTimeMs: 500,
    endTimeMs: 900,
    confidence: 1,
    words: [{ text: "one", startMs: 500, endMs: 900 }],
  }];
  const stt: STT = {
    ...readingSTT(clock, { interimResults: false }),
    recognize: () => Promise.resolve({ type: "final_transcript", alternatives }),
  };

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(...TWO_WORDS)));

  const final = events.at(-1)![1];
  assert.ok(final.type === "final_transcript");
  const [{ startTimeMs, endTimeMs, words }] = final.alternatives as [typeof alternatives[0]];
  assert.ok(startTimeMs >= 960 && startTimeMs <= 1_000, `${startTimeMs}`);
  assert.equal(endTimeMs, startTimeMs + 400);
  assert.deepEqual(words, [{ text: "one", startMs: startTimeMs, endMs: endTimeMs }]);
});

test("the words after a short silence are the final ones when nothing more is said", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 250 });

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(...TWO_WORDS)));

  const [end, final] = events.slice(-2);
  assert.equal(final![1].type, "final_transcript");
  assert.equal(final![0], end![0], "final words are there when speech ends");
  assert.equal(stt.requests.at(-1)!.isCalledOff, false);
  assert.ok(stt.requests.at(-1)!.at < end![0] - 250);
});

test("who goes on after a short silence is heard to the end", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 20 });
  const pieces = [silent(300), word(1, 600), silent(400), word(2, 300), silent(800)];

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(...pieces)));

  assert.deepEqual(finals(events), ["1 2"]);
});

test("a request that is under way when the speaker goes on is no final one", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 2_000 });
  const pieces = [silent(300), word(1, 400), silent(400), word(2, 300), silent(800)];

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(...pieces)));

  assert.deepEqual(finals(events), ["1 2"]);
});

test("requests that overlap are dropped, not queued", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 1_200 });
  const pieces = [silent(300), word(1, 4_000), silent(1_000)];

  await listen(clock, adapt(clock, stt), cut(sound(...pieces)));

  for (const [index, { at }] of stt.requests.slice(1).entries()) {
    const before = stt.requests[index]!;
    assert.ok(at - before.at >= 1_200 || before.isCalledOff, `request ${index + 1} after ${at - before.at} ms`);
  }
  assert.ok(stt.requests.length <= 5, `${stt.requests.length} requests`);
});

test("a recogniser that is not meant for interim results is asked once for each segment", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { interimResults: false });
  const adapted = adapt(clock, stt);

  const { events } = await listen(clock, adapted, cut(sound(silent(300), word(1, 3_000), silent(1_000))));

  assert.equal(adapted.capabilities.interimResults, false);
  assert.equal(adapted.capabilities.streaming, true);
  assert.deepEqual(told(events), ["start", "end", "final 1"]);
  assert.equal(stt.requests.length, 1);
});

test("the last words of a segment help with the next request, and not beyond it", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock);
  const pieces = [silent(300), word(1, 600), word(2, 600), silent(800), word(3, 600), silent(800)];

  await listen(clock, adapt(clock, stt), cut(sound(...pieces)));

  const asked = stt.requests.map(({ previous, text }) => `${previous ?? "-"} > ${text}`);
  assert.deepEqual(asked, ["- > 1", "1 > 1 2", "1 2 > 1 2", "- > 3", "3 > 3"]);
});

test("speech that starts while the one before is being recognised is told at once, and finals keep their order", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 2_000, interimResults: false });
  const pieces = [silent(300), word(1, 500), silent(700), word(2, 300), silent(700), word(3, 300), silent(800)];

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(...pieces)));

  assert.deepEqual(told(events), ["start", "end", "start", "start", "final 1", "end", "final 2", "end", "final 3"]);
});

test("long speech is cut where it is quietest, and nothing is lost or heard twice", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { interimResults: false });
  const pieces = [silent(300), word(1, 3_000), word(2, 400), silent(100), word(3, 3_000), silent(900)];

  const { events } = await listen(clock, adapt(clock, stt, { maxSegmentMs: 5_000 }), cut(sound(...pieces)));

  assert.deepEqual(told(events), ["start", "final 1 2", "end", "final 3"]);
  const loud = stt.requests.reduce((sum, { samples }) => sum + samples.filter((sample) => sample !== 0).length, 0);
  assert.equal(loud, (RATE * 6_400) / 1000);
});

test("long speech without any pause is cut all the same", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 100 });
  const samples = sound(silent(300), word(4, 60_000), silent(900));

  await listen(clock, adapt(clock, stt), cut(samples, [800]));

  const seconds = stt.requests.map(({ samples: { length } }) => length / RATE);
  assert.ok(Math.max(...seconds) <= 25.1, `longest ${Math.max(...seconds)} s`);
});

test("a flush ends the segment", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { interimResults: false });
  const parts = [
    ...cut(sound(silent(300), word(1, 600))),
    FLUSH,
    ...cut(sound(word(2, 600), silent(900), word(3, 300), silent(900))),
  ];

  const { events } = await listen(clock, adapt(clock, stt), parts);

  assert.deepEqual(told(events), ["start", "end", "final 1", "start", "end", "final 2", "start", "end", "final 3"]);
  const starts = events.flatMap(([, event]) => event.type === "start_of_speech" ? [event.speechStartTimeMs!] : []);
  assert.ok(Math.abs(starts[1]! - 900) <= 32 && Math.abs(starts[2]! - 2_400) <= 32, `${starts}`);
});

test("the end of the input ends the segment, and the stream after its final words", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 700 });

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(silent(300), word(1, 600))));

  assert.deepEqual(told(events), ["start", "end", "final 1"]);
  assert.equal(clock.armed, 0);
});

test("silence, and no sound at all, ask for nothing", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock);

  assert.deepEqual(await listen(clock, adapt(clock, stt), []), { events: [], failure: undefined });
  assert.deepEqual((await listen(clock, adapt(clock, stt), cut(sound(silent(5_000))))).events, []);
  assert.equal(stt.requests.length, 0);
});

test("words that nothing final comes of are taken back", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 10, answer: (text, index) => index === 0 ? text : "" });

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(silent(300), word(1, 700), silent(900))));

  assert.deepEqual(told(events), ["start", "interim 1", "interim nothing", "end"]);
});

test("new keyterms hold for the requests after them", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { interimResults: false });
  const parts: AudioInputPart[] = [
    ...cut(sound(...TWO_WORDS)),
    { type: "context", keyterms: ["Repartee"] },
    ...cut(sound(...TWO_WORDS)),
  ];

  await listen(clock, adapt(clock, stt), parts, { language: "en", keyterms: ["Orly"] });

  assert.deepEqual(stt.requests.map(({ options }) => [options.language, options.keyterms]), [
    ["en", ["Orly"]],
    ["en", ["Repartee"]],
  ]);
});

test("the same sound gives the same starts and words, however it is cut", async () => {
  const samples = sound(silent(700), word(1, 600), silent(400), word(2, 900), silent(700), word(3, 1_500), silent(900));
  const results: string[] = [];
  for (const sizes of [[160], [1], [4_000], [37, 1_200, 3], [samples.length]]) {
    const clock = virtualClock();
    const { events } = await listen(clock, adapt(clock, readingSTT(clock)), cut(samples, sizes));
    const of = (type: SpeechEvent["type"]) =>
      events.flatMap(([, { requestId: _, ...event }]) => event.type === type ? [event] : []);
    results.push(JSON.stringify([of("start_of_speech"), of("end_of_speech"), of("final_transcript")]));
  }
  assert.match(results[0]!, /1 2.*3/);
  for (const result of results) assert.equal(result, results[0]);
});

test("an answer and a window in the same instant have one order", async () => {
  const lines = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const clock = virtualClock();
    const stt = readingSTT(clock, { delayMs: 320 }); // ten windows: each answer comes with a window
    const samples = sound(silent(512), word(1, 2_048), silent(1_024));
    const { events } = await listen(clock, adapt(clock, stt), cut(samples, [256]));
    lines.add(JSON.stringify([events, stt.requests.map(({ at }) => at)]));
  }
  assert.equal(lines.size, 1);
});

test("a segment that fails in spite of all retries is lost, and the next one is heard", async () => {
  const clock = virtualClock();
  const report = recording();
  const stt = readingSTT(clock, {
    interimResults: false,
    answer: (text) => {
      if (text === "1") throw new APIConnectionError();
      return text;
    },
  });
  const pieces = [silent(300), word(1, 500), silent(1_000), word(2, 500), silent(1_000)];
  const host = { clock, report, requestId: () => "own", connOptions: connectOptions({ maxRetry: 1 }) };

  const { events, failure } = await listen(clock, adapt(clock, stt), cut(sound(...pieces)), { host });

  assert.equal(failure, undefined);
  assert.deepEqual(told(events), ["start", "end", "start", "end", "final 2"]);
  assert.deepEqual(report.errors.map(({ recoverable }) => recoverable), [true, false]);
  assert.deepEqual(report.measured.map((it) => it.type === "stt_metrics" && it.audioDurationMs > 1_000), [true]);
});

test("interims fail without a word, and their final words are asked for anew", async () => {
  const clock = virtualClock();
  const report = recording();
  const stt = readingSTT(clock, {
    answer: (text, index) => {
      if (index < 2) throw new APIConnectionError();
      return text;
    },
  });
  const host = { clock, report, requestId: () => "own" };

  const { events } = await listen(clock, adapt(clock, stt), cut(sound(silent(300), word(1, 700), silent(900))), {
    host,
  });

  assert.deepEqual(told(events), ["start", "end", "final 1"]);
  assert.deepEqual(report.errors, []);
  assert.equal(report.measured.length, 1);
});

test("words that became final without being asked for again are measured once", async () => {
  const clock = virtualClock();
  const report = recording();
  const host = { clock, report, requestId: () => "own" };

  await listen(clock, adapt(clock, readingSTT(clock)), cut(sound(...TWO_WORDS)), { host });

  assert.equal(report.measured.length, 1);
});

test("a failure that no retry mends fails both ends", async () => {
  const clock = virtualClock();
  const error = new APIStatusError({ options: { statusCode: 401 } });
  const stt = readingSTT(clock, {
    interimResults: false,
    answer: () => {
      throw error;
    },
  });

  const { events, failure } = await listen(clock, adapt(clock, stt), cut(sound(...TWO_WORDS, silent(5_000))));

  assert.deepEqual(told(events), ["start", "end"]);
  assert.equal(failure, error);
  assert.equal(clock.armed, 0);
});

test("a recogniser that never answers is timed out, and the stream goes on", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 1e9, interimResults: false });
  const adapted = adapt(clock, stt, { connOptions: connectOptions({ maxRetry: 0, timeoutMs: 2_000 }) });

  const { events, failure } = await listen(clock, adapted, cut(sound(...TWO_WORDS)));

  assert.equal(failure, undefined);
  assert.deepEqual(told(events), ["start", "end"]);
  assert.equal(stt.requests[0]!.isCalledOff, true);
});

test("a detector that fails, or cannot be opened, fails the stream", async () => {
  const broken = new Error("no weights");
  const failing: VAD = {
    ...loudnessVAD(),
    stream: () => new TransformStream({ transform: (_, controller) => controller.error(broken) }),
  };
  const closed: VAD = {
    ...loudnessVAD(),
    stream() {
      throw broken;
    },
  };
  for (const vad of [failing, closed]) {
    const clock = virtualClock();
    const { failure } = await listen(clock, adapt(clock, readingSTT(clock), {}, vad), cut(sound(...TWO_WORDS)));
    assert.equal(failure, broken);
  }
});

test("a session's attempt leaves it alone, and lends it what it needs", async () => {
  const clock = virtualClock();
  const report = recording();
  const stt = readingSTT(clock, { interimResults: false });
  const attempted: STT = {
    ...stt,
    stream: (options) =>
      sttAttempt(adapt(clock, stt), {
        clock,
        report,
        connOptions: connectOptions(),
        requestId: () => "own",
        ...(options && { options }),
      }),
  };

  const { events } = await listen(clock, attempted, cut(sound(...TWO_WORDS)));

  assert.deepEqual(told(events), ["start", "end", "final 1 2"]);
  assert.equal(report.measured.length, 1);
});

test("an abort ends the request that runs, the detector, and the stream without a word", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 5_000 });
  const signals: (AbortSignal | undefined)[] = [];
  const vad = loudnessVAD((signal) => signals.push(signal));
  const abort = new AbortController();
  clock.schedule(2_000, () => abort.abort(new Error("enough")));

  const { events, failure } = await listen(
    clock,
    adapt(clock, stt, {}, vad),
    cut(sound(silent(300), word(1, 5_000))),
    { signal: abort.signal },
  );

  assert.equal(failure, undefined);
  assert.deepEqual(told(events), ["start"]);
  assert.equal(clock.now(), 2_000);
  assert.deepEqual(stt.requests.map(({ isCalledOff }) => isCalledOff), [true]);
  assert.equal(signals[0]!.aborted, true);
  assert.equal(clock.armed, 0);
});

test("a signal that is aborted beforehand gives an empty stream", async () => {
  const clock = virtualClock();
  const { readable } = adapt(clock, readingSTT(clock)).stream({ signal: AbortSignal.abort() });
  assert.deepEqual(await drain(readable), { parts: [] });
});

test("a reader that leaves ends the request that runs, and the writer learns of it", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 5_000 });
  const { readable, writable } = adapt(clock, stt).stream();
  const writer = writable.getWriter();
  const closed = assert.rejects(writer.closed, /left/);
  for (const frame of cut(sound(silent(300), word(1, 1_500)))) await writer.write(frame);
  await clock.advance(0);
  assert.equal(stt.requests.length, 1);

  await readable.cancel(new Error("left"));

  await closed;
  assert.equal(stt.requests[0]!.isCalledOff, true);
  assert.equal(clock.armed, 0);
});

test("a writer that gives up fails the reader", async () => {
  const clock = virtualClock();
  const { readable, writable } = adapt(clock, readingSTT(clock)).stream();
  const reading = drain(readable);
  const writer = writable.getWriter();
  await writer.write(cut(sound(word(1, 500)))[0]!);
  await writer.abort(new Error("given up"));
  assert.match(String((await reading).failure), /given up/);
});

test("writing waits for a recogniser that is far behind", async () => {
  const clock = virtualClock();
  const stt = readingSTT(clock, { delayMs: 1e9, interimResults: false });
  const adapted = adapt(clock, stt, { connOptions: connectOptions({ timeoutMs: 1e9 }) });
  const { readable, writable } = adapted.stream();
  const reading = (async () => {
    for await (const _ of readable) { /* no reader is slower than the recogniser here */ }
  })();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  let written = 0;
  const turn = sound(word(1, 300), silent(700));
  for (let index = 0; index < 20; index++) {
    for (const frame of cut(turn, [800])) writer.write(frame).then(() => written++, () => {});
  }
  await clock.advance(1_000);

  assert.ok(written < 10 * 8, `${written} frames of 200 were taken`);
  await writer.abort(new Error("done"));
  await assert.rejects(reading);
  assert.equal(clock.armed, 0);
});

test("writing waits for a reader that does not read", async () => {
  const clock = virtualClock();
  const { readable, writable } = adapt(clock, readingSTT(clock, { interimResults: false })).stream();
  const writer = writable.getWriter();
  let written = 0;
  const turn = sound(word(1, 300), silent(700));
  for (let index = 0; index < 40; index++) {
    for (const frame of cut(turn, [800])) writer.write(frame).then(() => written++, () => {});
  }
  await clock.advance(1_000);
  assert.ok(written < 200, `${written} frames of 400 were taken`);

  let count = 0;
  const closed = writer.close();
  const reading = (async () => {
    for await (const { type } of readable) if (type === "final_transcript") count++;
  })();
  await clock.until(reading);
  await closed;
  assert.equal(count, 40);
});

test("prewarm loads both", async () => {
  const clock = virtualClock();
  const loaded: string[] = [];
  const load = (name: string) => async () => void loaded.push(name);
  const stt = { ...readingSTT(clock), prewarm: load("stt") };
  await adapt(clock, stt, {}, { ...loudnessVAD(), prewarm: load("vad") }).prewarm();
  assert.deepEqual(loaded, ["stt", "vad"]);
});

test("options and recognisers that make no sense are refused at once", () => {
  const clock = virtualClock();
  const is = (code: string, part: RegExp) => (error: unknown) =>
    error instanceof AgentError && error.code === code && part.test(error.message);
  const bad = (options: Partial<STTStreamAdapterOptions>) => () => adapt(clock, readingSTT(clock), options);
  assert.throws(bad({ interimMs: 0 }), is("model.bad_option", /`interimMs` .* at least 50: current value is 0$/));
  assert.throws(bad({ preRollMs: -1 }), is("model.bad_option", /`preRollMs`/));
  assert.throws(bad({ maxSegmentMs: NaN }), is("model.bad_option", /`maxSegmentMs`/));
  const { recognize: _, ...streaming } = readingSTT(clock);
  assert.throws(() => adapt(clock, streaming), is("model.no_capability", /whole segments/));
});
