import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import type { TimedString } from "../../src/model/marks.ts";
import { type TranscriptPacer, transcriptPacer } from "../../src/reply/transcript_sync.ts";

const RATE = 16_000;
const silence = (ms: number): AudioFrame => audioFrame(new Int16Array((ms * RATE) / 1000), RATE);

/** A tone that swells and fades four times a second, as speech does. */
const voice = (ms: number): AudioFrame =>
  audioFrame(
    Int16Array.from({ length: (ms * RATE) / 1000 }, (_, index) => {
      const t = index / RATE;
      return 8_000 * Math.sin(2 * Math.PI * 220 * t) * (1 + Math.sin(2 * Math.PI * 4 * t));
    }),
    RATE,
  );

const FOX = "Once upon a time there was a fox who lived by the sea.";

/** A pacer with all of its text and sound. */
const whole = (text: string, frames: readonly AudioFrame[], times: readonly TimedString[] = []): TranscriptPacer => {
  const pacer = transcriptPacer();
  pacer.pushText(text);
  for (const word of times) pacer.pushTimed(word);
  for (const frame of frames) pacer.pushAudio(frame);
  pacer.endText();
  pacer.endAudio();
  return pacer;
};

const text = (words: readonly TimedString[]): string => words.map((word) => word.text).join("");

test("an even voice is heard word by word, each to its end", () => {
  const pacer = whole(FOX, [silence(10_000)]); // "Once" weighs 6 of 67
  assert.equal(pacer.heardAt(0), "");
  assert.equal(pacer.heardAt(895), "");
  assert.equal(pacer.heardAt(896), "Once");
  assert.equal(pacer.heardAt(4_200), "Once upon a time there");
  assert.equal(pacer.heardAt(9_999), FOX.slice(0, FOX.lastIndexOf(" ")));
  assert.equal(pacer.heardAt(10_000), FOX);
  assert.equal(pacer.heardAt(11_000), FOX);
});

test("a word is shown a third into its sound", () => {
  const pacer = whole(FOX, [silence(10_000)]);
  assert.deepEqual(pacer.take(900), { words: [], nextAt: undefined }, "nothing before the start");
  pacer.start(1_000);
  assert.deepEqual(pacer.take(1_000), { words: [], nextAt: 1_299 });
  assert.deepEqual(pacer.take(1_299), { words: [{ text: "Once", startMs: 0, endMs: 896 }], nextAt: 2_195 });
  assert.equal(text(pacer.take(5_000).words), " upon a time there");
});

test("while sound may still come, a usual pace is assumed, times the speed", () => {
  for (const [speed, first] of [[1, 101], [2, 51]] as const) {
    const pacer = transcriptPacer({ speed });
    pacer.pushText("one two three ");
    pacer.pushAudio(silence(1_000));
    pacer.start(0);
    assert.equal(pacer.take(0).nextAt, first);
  }
  assert.throws(() => transcriptPacer({ speed: 0 }), { code: "session.bad_option" });
});

test("a voice that tells the times of its words is believed, to the word", () => {
  const pacer = whole("Hello world, again", [silence(2_000)], [
    { text: "Hello ", startMs: 0 },
    { text: "world", startMs: 400, endMs: 1_000 },
    { text: "again", startMs: 1_500, endMs: 1_900 },
  ]);
  assert.deepEqual([200, 399, 400, 999, 1_000, 1_500, 1_899, 1_900].map((ms) => pacer.heardAt(ms)), [
    "",
    "",
    "Hello",
    "Hello",
    "Hello world,",
    "Hello world,",
    "Hello world,",
    "Hello world, again",
  ]);
  pacer.start(0);
  assert.deepEqual(pacer.take(2_000).words, [
    { text: "Hello", startMs: 0, endMs: 400 },
    { text: " world,", startMs: 400, endMs: 1_000 },
    { text: " again", startMs: 1_500, endMs: 1_900 },
  ]);
});

test("after the last time that is told, its pace goes on", () => {
  const pacer = transcriptPacer();
  pacer.pushText("one two three four five six seven eight nine ten ");
  pacer.pushAudio(silence(10_000));
  for (const [index, word] of ["one", "two", "three", "four"].entries()) {
    pacer.pushTimed({ text: word, startMs: index * 1_000, endMs: (index + 1) * 1_000 });
  }
  assert.equal(pacer.heardAt(6_000), "one two three four five six");
});

test("times may come letter by letter, and before their text", () => {
  const pacer = transcriptPacer();
  for (const [index, char] of [..."Hi you!"].entries()) {
    pacer.pushTimed({ text: char, startMs: index * 100, endMs: (index + 1) * 100 });
  }
  pacer.pushAudio(silence(700));
  pacer.pushText("Hi *you*!");
  pacer.endText();
  pacer.endAudio();
  assert.equal(pacer.heardAt(299), "Hi");
  assert.equal(pacer.heardAt(599), "Hi");
  assert.equal(pacer.heardAt(600), "Hi *you*!");
});

test("what is said otherwise than written does not lead the rest astray", () => {
  const written = "Pay **$5** to [Acme](https://acme.example/pay) on Monday, please.";
  const said = ["Pay", "five", "dollars", "to", "Ack-mee", "on", "Monday,", "please."];
  const pacer = whole(
    written,
    [silence(4_000)],
    said.map((word, index) => ({ text: word, startMs: index * 500, endMs: (index + 1) * 500 })),
  );
  assert.equal(pacer.heardAt(500), "Pay");
  assert.equal(pacer.heardAt(2_000), "Pay **$5** to");
  assert.equal(pacer.heardAt(3_000), "Pay **$5** to [Acme](https://acme.example/pay) on");
  assert.equal(pacer.heardAt(3_500), "Pay **$5** to [Acme](https://acme.example/pay) on Monday,");
});

test("the times of whole sentences hold, whatever the pace within them", () => {
  const pacer = transcriptPacer();
  pacer.pushText("One two three four. Five six seven eight.");
  pacer.pushTimed({ text: "One two three four. ", startMs: 0 });
  pacer.pushAudio(silence(4_000));
  pacer.pushTimed({ text: "", startMs: 4_000, endMs: 4_000 });
  pacer.pushTimed({ text: "Five six seven eight.", startMs: 5_000 });
  pacer.pushAudio(silence(5_000));
  pacer.endText();
  pacer.endAudio();
  assert.equal(pacer.heardAt(2_000), "One two");
  assert.equal(pacer.heardAt(4_900), "One two three four.");
  assert.equal(pacer.heardAt(7_100), "One two three four. Five six");
});

test("the same times from sound and text count once", () => {
  const times = [{ text: "no", startMs: 0 }, { text: " no", startMs: 500 }, { text: " no", startMs: 1_000 }];
  const once = whole("no no no no", [silence(2_000)], times);
  const twice = whole("no no no no", [silence(2_000)], [...times, ...times]);
  for (let ms = 0; ms <= 2_000; ms += 100) assert.equal(twice.heardAt(ms), once.heardAt(ms));
});

test("words wait where the voice is silent", () => {
  const pacer = whole("one two three four five six seven eight", [voice(3_000), silence(4_000), voice(3_000)]);
  const middle = pacer.heardAt(5_000).split(" ").length;
  assert.ok(middle >= 3 && middle <= 5, `heard ${middle}`);
  assert.equal(pacer.heardAt(4_200), pacer.heardAt(5_800));
  assert.equal(whole("one two", [voice(2_000), silence(3_000)]).heardAt(3_500), "one two");
});

test("a pause stops words and clock; the same words come as much later", () => {
  const pacer = whole(FOX, [silence(10_000)]);
  pacer.start(0);
  assert.equal(text(pacer.take(2_100).words), "Once upon a");
  pacer.pause(2_100);
  assert.deepEqual(pacer.take(5_000), { words: [], nextAt: undefined });
  pacer.resume(6_000);
  assert.equal(pacer.take(6_000).nextAt, 6_438);
  assert.equal(text(pacer.take(6_438).words), " time");
});

test("a pause before the start holds all words back", () => {
  const pacer = whole(FOX, [silence(10_000)]);
  pacer.pause(0);
  pacer.start(100);
  assert.deepEqual(pacer.take(5_000), { words: [], nextAt: undefined });
  pacer.resume(5_000);
  assert.equal(pacer.take(5_000).nextAt, 5_299);
});

test("words never run ahead of sound that has not come, and follow the position that the sink tells", () => {
  const pacer = transcriptPacer();
  pacer.pushText("one two three four five six ");
  pacer.pushAudio(silence(500));
  pacer.start(0);
  assert.equal(text(pacer.take(460).words), "one two");
  const { words, nextAt } = pacer.take(3_000);
  assert.deepEqual([words, nextAt], [[], 3_243]);
  pacer.pushAudio(silence(1_000));
  pacer.position(3_100, 500);
  assert.deepEqual(pacer.take(3_100).words, []);
  assert.equal(text(pacer.take(3_420).words), " three");
});

test("text that comes after its sound is shown at once, and text that is not whole asks for no time", () => {
  const pacer = transcriptPacer();
  pacer.pushAudio(silence(5_000));
  pacer.endAudio();
  pacer.start(0);
  assert.deepEqual(pacer.take(3_000), { words: [], nextAt: undefined });
  pacer.pushText("late words here");
  assert.equal(text(pacer.take(3_000).words), "late words");
  pacer.endText();
  assert.equal(text(pacer.finish()), " here");
});

test("at the end everything left is given, once", () => {
  const pacer = transcriptPacer();
  pacer.pushText("not all of it was du");
  assert.equal(text(pacer.finish()), "not all of it was du");
  assert.deepEqual(pacer.finish(), []);
  pacer.start(0);
  assert.deepEqual(pacer.take(1_000), { words: [], nextAt: undefined });
});

test("sound without a word to say, and text without sound, harm nothing", () => {
  const marks = whole("… — !", [silence(1_000)]);
  marks.start(0);
  assert.equal(marks.heardAt(500), "");
  assert.equal(marks.heardAt(1_000), "… — !");
  assert.equal(text([...marks.take(1_000).words, ...marks.finish()]), "… — !");
  const mute = whole("words", []);
  assert.equal(mute.heardAt(0), "");
  assert.equal(text(mute.finish()), "words");
  assert.equal(transcriptPacer().heardAt(1_000), "");
});

test("characters of Chinese are words", () => {
  assert.equal(whole("你好，世界。", [silence(4_000)]).heardAt(2_000), "你好，");
});

const script = fc.array(
  fc.oneof(
    fc.string({ unit: fc.constantFrom(..."ab eio9.,*—你好 \n".split("")), maxLength: 12 }).map((value) => ({
      type: "text" as const,
      value,
    })),
    fc.integer({ min: 1, max: 60 }).map((tens) => ({ type: "sound" as const, ms: tens * 10, loud: tens % 3 > 0 })),
    fc.record({ type: fc.constant("time" as const), gap: fc.nat(400), long: fc.nat(400) }),
    fc.integer({ min: 1, max: 500 }).map((ms) => ({ type: "take" as const, ms })),
    fc.constantFrom({ type: "pause" as const }, { type: "resume" as const }, { type: "start" as const }),
  ),
  { maxLength: 40 },
);

test("whatever comes in whichever order, words come once and in order, and what is heard is a growing prefix", () => {
  fc.assert(
    fc.property(script, fc.boolean(), (steps, ends) => {
      const pacer = transcriptPacer();
      let pushed = "";
      let told = "";
      let shown = "";
      let now = 0;
      let audioMs = 0;
      let timeMs = 0;
      let isStarted = false;
      let isPaused = false;
      const check = (): void => {
        let last = "";
        for (let ms = 0; ms <= audioMs + 500; ms += 50) {
          const heard = pacer.heardAt(ms);
          assert.ok(
            pushed.startsWith(heard) && heard.startsWith(last),
            `${JSON.stringify(heard)} after ${JSON.stringify(last)}`,
          );
          last = heard;
        }
      };
      for (const step of steps) {
        if (step.type === "text") {
          pushed += step.value;
          pacer.pushText(step.value);
        } else if (step.type === "sound") {
          audioMs += step.ms;
          pacer.pushAudio(step.loud ? voice(step.ms) : silence(step.ms));
        } else if (step.type === "time") {
          const word = /^\s*\S+/.exec(pushed.slice(told.length))?.[0] ?? "nowhere";
          if (word !== "nowhere") told += word;
          pacer.pushTimed({ text: word, startMs: timeMs += step.gap, endMs: timeMs += step.long });
        } else if (step.type === "take") {
          const { words, nextAt } = pacer.take(now += step.ms);
          if (words.length > 0) assert.ok(isStarted && !isPaused);
          assert.ok(nextAt === undefined || nextAt > now);
          shown += text(words);
          assert.ok(pushed.startsWith(shown));
        } else {
          pacer[step.type](now);
          if (step.type === "start") isStarted = true;
          else isPaused = step.type === "pause";
        }
      }
      check();
      if (ends) {
        pacer.endText();
        pacer.endAudio();
        check();
        assert.equal(pacer.heardAt(audioMs + 1), pushed);
      }
      assert.equal(shown + text(pacer.finish()), pushed);
    }),
    { numRuns: 500 },
  );
});

test("once text and sound are known, at most one word is shown that was not heard", () => {
  const words = fc.array(fc.constantFrom("a", "conversation", "you,", "yesterday", "9", "—", "table"), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(
      words,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 300 }),
      (list, loud, every) => {
        const frames = loud.map((isLoud) => isLoud ? voice(500) : silence(500));
        const pacer = whole(list.join(" "), frames);
        pacer.start(0);
        let shown = "";
        for (let ms = every; ms <= frames.length * 500; ms += every) {
          shown += text(pacer.take(ms).words);
          const ahead = shown.slice(pacer.heardAt(ms).length).match(/[a-z0-9]+/g) ?? [];
          assert.ok(ahead.length <= 1, `${ahead} at ${ms}`);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("nextAt is when the next word is due: asking then shows it", () => {
  const pacer = whole(FOX, [voice(4_000), silence(1_000)]);
  pacer.start(0);
  let shown = "";
  let asked = 0;
  for (let at: number | undefined = 0; at !== undefined && asked < 100; asked++) {
    const { words, nextAt } = pacer.take(at);
    shown += text(words);
    at = nextAt;
  }
  assert.equal(shown, FOX);
  assert.ok(asked <= 15, `asked ${asked} times`);
});
