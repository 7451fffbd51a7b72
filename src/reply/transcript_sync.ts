/**
 * The agent's words at the pace of its voice, and which of them have been heard.
 *
 * @module
 */
import { type AudioFrame, frameDurationMs } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import type { TimedString } from "../model/marks.ts";
import { type Anchor, firstIndex, type SpokenText, spokenText, type SpokenWord } from "./spoken_text.ts";
import { voicedTime } from "./voiced_time.ts";
import { WEIGHT_PER_SECOND } from "./word_weight.ts";

/**
 * Paces the words of one segment of speech. It knows no clock: times are handed in, as clock milliseconds; positions are
 * milliseconds of the segment's sound.
 *
 * Where the voice tells the times of its words or sentences, they count. Between them, and once text and sound are both
 * whole, words are spread over the time in which the voice is not silent, in proportion to their length. Before that a
 * steady pace is assumed.
 */
export interface TranscriptPacer {
  /** Takes text as it comes. */
  pushText(text: string): void;
  /** Takes the time of a word or sentence, before or after its text. The same one may come twice. */
  pushTimed(word: TimedString): void;
  /** Takes a frame, as early as it is known: before it waits to be played, if it has to. */
  pushAudio(frame: AudioFrame): void;
  /** No more text. Idempotent. */
  endText(): void;
  /** No more sound: from now on words are spread over all that there is. Not for sound that was cut off. Idempotent. */
  endAudio(): void;
  /** The first frame became audible. Once; nothing is shown before. */
  start(at: number): void;
  /** Nothing is shown until {@linkcode resume}. Idempotent, also before the start. */
  pause(at: number): void;
  /** Goes on from where it paused. Idempotent. */
  resume(at: number): void;
  /** What the sink says of its position, which puts right what the clock assumed, such as when sound ran out. */
  position(at: number, positionMs: number): void;
  /**
   * The words that are due, to be shown now, and when to ask again. Undefined: nothing to wait for; ask after the next text,
   * sound, start or resumption. Words are due a third into their sound, and at most one of them is shown before it is
   * heard.
   */
  take(t: number): { readonly words: readonly TimedString[]; readonly nextAt: number | undefined };
  /** Everything that is left, when the segment was played to its end. */
  finish(): readonly TimedString[];
  /**
   * What of the text had been heard at a position: whole words, each to its end. A prefix of the text that grows with the
   * position; empty at 0, and all of it from the end of the sound on.
   */
  heardAt(positionMs: number): string;
}

/** How words are paced. */
export interface TranscriptPacerOptions {
  /** How much faster than usual the voice speaks, until its sound is known. Default: 1. */
  readonly speed?: number;
}

/** How far into its sound a word is shown: it is made out before it is over. Chosen: where the reference was recorded to show a last word. */
const SHOWN_AT = 1 / 3;

/** Sums of fractions of weights differ from the whole by less than this. */
const CLOSE = 1e-6;

/** A pace is believed that was measured over so much time. Chosen: a sentence. */
const MEASURED_MS = 2_000;

/** The soonest that a word is asked for again whose sound has not come. Chosen: a frame. */
const RETRY_MS = 20;

/** Where one known point leads to the next; without `to`, by an assumed pace. */
interface Stretch {
  readonly fromMs: number;
  readonly fromWeight: number;
  readonly to: { readonly ms: number; readonly weight: number } | undefined;
}

/** The time line of one segment: how much weight has been said at which position, as far as is known. */
interface TimeLine {
  readonly text: SpokenText;
  readonly audioMs: number;
  pushAudio(frame: AudioFrame): void;
  endText(): void;
  endAudio(): void;
  weightAt(ms: number): number;
  /** When so much has been said: the first such moment, or the last one, before what follows begins. */
  timeOf(weight: number, moment: "first" | "last"): number;
  readonly isWhole: boolean;
  readonly isAudioWhole: boolean;
}

function timeLine(speed: number): TimeLine {
  const text = spokenText();
  const voiced = voicedTime();
  let audioMs = 0;
  let isTextWhole = false;
  let isAudioWhole = false;

  const pointAt = (index: number): { ms: number; weight: number } | undefined => {
    const { anchors } = text;
    if (index < 0) return { ms: 0, weight: 0 };
    const anchor = anchors[index];
    if (anchor !== undefined) return { ms: anchor.ms, weight: text.weightAt(anchor.spoken) };
    if (!isTextWhole || !isAudioWhole) return undefined;
    const last = anchors[anchors.length - 1];
    return { ms: Math.max(audioMs, last?.ms ?? 0), weight: text.words[text.words.length - 1]?.weightEnd ?? 0 };
  };

  const stretchFrom = (index: number): Stretch => {
    const { ms, weight } = pointAt(index) as { ms: number; weight: number };
    return { fromMs: ms, fromWeight: weight, to: pointAt(index + 1) };
  };

  /** Weight in a millisecond, where nothing tells: as between the anchors, or as voices speak. */
  const pace = (): number => {
    const first = text.anchors[0] as Anchor | undefined;
    const last = text.anchors[text.anchors.length - 1];
    if (first !== undefined && last !== undefined && last.ms - first.ms >= MEASURED_MS) {
      const measured = (text.weightAt(last.spoken) - text.weightAt(first.spoken)) / (last.ms - first.ms);
      if (measured > 0) return measured;
    }
    return (WEIGHT_PER_SECOND * speed) / 1000;
  };

  /** How long the voice speaks between two times. */
  const voicedMs = (fromMs: number, toMs: number): number => voiced.curve.at(toMs) - voiced.curve.at(fromMs);

  return {
    text,
    get audioMs() {
      return audioMs;
    },
    pushAudio(frame) {
      audioMs += frameDurationMs(frame);
      voiced.push(frame);
    },
    endText() {
      isTextWhole = true;
      text.end();
    },
    endAudio() {
      if (isAudioWhole) return;
      isAudioWhole = true;
      voiced.end();
    },
    weightAt(ms) {
      const { anchors } = text;
      const { fromMs, fromWeight, to } = stretchFrom(
        firstIndex(anchors.length, (at) => (anchors[at] as Anchor).ms > ms) - 1,
      );
      if (to === undefined) return fromWeight + (ms - fromMs) * pace();
      if (to.ms <= fromMs || ms >= to.ms) return to.weight;
      const all = voicedMs(fromMs, to.ms);
      const share = all > 0 ? voicedMs(fromMs, ms) / all : (ms - fromMs) / (to.ms - fromMs);
      return fromWeight + share * (to.weight - fromWeight);
    },
    timeOf(weight, moment) {
      const { anchors } = text;
      const limit = moment === "first" ? weight - CLOSE : weight + CLOSE;
      const index = firstIndex(anchors.length, (at) => text.weightAt((anchors[at] as Anchor).spoken) >= limit) - 1;
      const { fromMs, fromWeight, to } = stretchFrom(index);
      const wanted = Math.max(0, weight - fromWeight);
      if (to === undefined) return fromMs + wanted / pace();
      if (to.weight <= fromWeight) return to.ms;
      const share = Math.min(1, wanted / (to.weight - fromWeight));
      const all = voicedMs(fromMs, to.ms);
      if (all <= 0) return fromMs + share * (to.ms - fromMs);
      return Math.min(to.ms, Math.max(fromMs, voiced.curve.timeOf(voiced.curve.at(fromMs) + share * all)));
    },
    get isWhole() {
      return isTextWhole && isAudioWhole;
    },
    get isAudioWhole() {
      return isAudioWhole;
    },
  };
}

/**
 * Makes a pacer for one segment.
 *
 * @throws {AgentError} `session.bad_option` when `speed` is not above 0.
 */
export function transcriptPacer({ speed = 1 }: TranscriptPacerOptions = {}): TranscriptPacer {
  if (!(speed > 0 && speed < Infinity)) {
    throw new AgentError(
      "session.bad_option",
      `Cannot pace words as \`speed\` must be above 0: current value is ${speed}`,
    );
  }
  const line = timeLine(speed);
  const { words } = line.text;
  let shown = 0;
  let startedAt: number | undefined;
  let isPaused = false;
  let isFinished = false;
  let positionMs = 0;
  let knownAt = 0; // when `positionMs` was true

  /** Moves the position to `t`: with the clock, but never past the sound that there is. */
  const move = (t: number): void => {
    if (startedAt === undefined || t <= knownAt) return;
    if (!isPaused) positionMs = Math.max(positionMs, Math.min(positionMs + t - knownAt, line.audioMs));
    knownAt = t;
  };

  const weightBefore = (index: number): number => words[index - 1]?.weightEnd ?? 0;

  const timed = (index: number): TimedString => {
    const { text, weightEnd } = words[index] as SpokenWord;
    return {
      text,
      startMs: Math.round(line.timeOf(weightBefore(index), "last")),
      endMs: Math.round(line.timeOf(weightEnd, "first")),
    };
  };

  return {
    pushText: (text) => line.text.push(text),
    pushTimed: (word) => line.text.time(word),
    pushAudio: (frame) => line.pushAudio(frame),
    endText: () => line.endText(),
    endAudio: () => line.endAudio(),
    start(at) {
      if (startedAt !== undefined) return;
      startedAt = knownAt = at;
    },
    pause(at) {
      move(at);
      isPaused = true;
    },
    resume(at) {
      move(at);
      isPaused = false;
    },
    position(at, ms) {
      move(at);
      positionMs = ms;
    },
    take(t) {
      move(t);
      const due: TimedString[] = [];
      if (startedAt === undefined || isPaused || isFinished) return { words: due, nextAt: undefined };
      const said = line.weightAt(positionMs);
      for (; shown < words.length; shown++) {
        const before = weightBefore(shown);
        const moment = before + SHOWN_AT * ((words[shown] as SpokenWord).weightEnd - before);
        if (moment > said + CLOSE) {
          const wait = Math.ceil(line.timeOf(moment, "first") - positionMs - CLOSE);
          const hasSound = positionMs + wait <= line.audioMs + 1;
          if (!hasSound && line.isAudioWhole) return { words: due, nextAt: undefined }; // its text is not whole: more will tell
          return { words: due, nextAt: t + Math.max(wait, hasSound ? 1 : RETRY_MS) };
        }
        due.push(timed(shown));
      }
      return { words: due, nextAt: undefined };
    },
    finish() {
      line.endText();
      isFinished = true;
      const left: TimedString[] = [];
      for (; shown < words.length; shown++) left.push(timed(shown));
      return left;
    },
    heardAt(position) {
      if (position <= 0) return "";
      let heard = words.length;
      if (!line.isWhole || position < line.audioMs) {
        const said = line.weightAt(position);
        if (said <= 0) return "";
        heard = firstIndex(words.length, (index) => (words[index] as SpokenWord).weightEnd > said + CLOSE);
      }
      let text = "";
      for (let index = 0; index < heard; index++) text += (words[index] as SpokenWord).text;
      return text;
    },
  };
}
