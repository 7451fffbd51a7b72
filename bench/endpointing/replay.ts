/**
 * Plays pauses through the turn machine, and counts what its policy did: whom it cut off, and how long it kept whom waiting.
 *
 * @module
 */
import type { TurnConfig } from "../../src/turn/config.ts";
import { type Fact, final, type Prediction, world, type WorldOptions } from "../../tests/turn/harness.ts";
import type { Conversation, Span } from "./pauses.ts";

/** How a policy did. */
export interface Outcome {
  /** Of the pauses inside turns, the part in which the turn was called over. 0 to 1. */
  readonly cutOff: number;
  /** From the end of the voice to the end of the turn, mean over the turns that were over. Milliseconds. */
  readonly delayMs: number;
  /** The same, for nine turns of ten. */
  readonly delayP90Ms: number;
}

/** What the machine is configured with; with `threshold`, a streaming detector is asked. */
export interface Policy {
  readonly endpointing: Partial<TurnConfig["endpointing"]>;
  readonly threshold?: number;
}

const UTTERANCE_MS = 1_500; // where the data does not tell; chosen
const VAD_SILENCE_MS = 250; // the least beside a streaming detector
const WORDS_AFTER_MS = 150; // a recogniser that is not what is waited for; chosen
const ANSWER_AFTER_MS = 50; // a local detector
const TURN_OVER_MS = 6_000; // by then the agent has answered, and the user begins again
const VAD_STEP_MS = 50;

/** Plays conversations through the machine, under a policy. */
export function playPolicy(conversations: readonly Conversation[], policy: Policy): Outcome {
  const holds: boolean[] = [];
  const delays: number[] = [];
  for (const conversation of conversations) {
    for (const { span, committedMs } of playConversation(conversation, policy)) {
      if (span.isEnd) delays.push(committedMs ?? TURN_OVER_MS);
      else holds.push(committedMs !== undefined);
    }
  }
  return outcomeOf(holds, delays);
}

/** A plain threshold: the turn is over at the first score that is not below it, and after `timeoutMs` at the latest. */
export function playSweep(conversations: readonly Conversation[], threshold: number, timeoutMs: number): Outcome {
  const holds: boolean[] = [];
  const delays: number[] = [];
  for (const span of conversations.flat()) {
    const look = span.scores.find(({ probability }) => probability >= threshold);
    const at = Math.min(look === undefined ? Infinity : look.sinceMs + ANSWER_AFTER_MS, timeoutMs);
    if (span.isEnd) delays.push(at);
    else holds.push(at < span.lengthMs);
  }
  return outcomeOf(holds, delays);
}

function outcomeOf(holds: readonly boolean[], delays: readonly number[]): Outcome {
  const sorted = [...delays].sort((a, b) => a - b);
  return {
    cutOff: holds.filter(Boolean).length / Math.max(1, holds.length),
    delayMs: delays.reduce((sum, delay) => sum + delay, 0) / Math.max(1, delays.length),
    delayP90Ms: sorted[Math.floor(sorted.length * 0.9)] ?? NaN,
  };
}

/** When, after each silence began, the machine called the turn over before the speaker went on; undefined: it did not. */
function* playConversation(spans: Conversation, { endpointing, threshold }: Policy) {
  let silence: { readonly span: Span; readonly at: number } | undefined;
  const answer = (askedAt: number): Prediction | undefined => {
    const sinceMs = askedAt - silence!.at;
    const known = silence!.span.scores.findLast((score) => score.sinceMs <= sinceMs) ?? silence!.span.scores[0];
    return known && { probability: known.probability, threshold: threshold!, ms: ANSWER_AFTER_MS };
  };
  const options: WorldOptions = {
    config: { endpointing, detector: threshold === undefined ? "none" : "streaming", preemptive: { enabled: false } },
    eot: answer,
  };
  const w = world([], options);
  const tell = (at: number, fact: Fact): void => {
    w.run(at);
    w.send(fact);
  };
  const vad = (from: number, at: number, silentMs: number): Fact => ({
    type: "vad.inference",
    speechDuration: at - from,
    silenceDuration: silentMs,
    rawSpeech: silentMs === 0 ? at - from : 0,
    rawSilence: silentMs,
    speaking: true,
  });

  let resumedAt = 0; // when the utterance before the silence began
  let before: Span | undefined;
  for (const span of spans) {
    const goesOn = before !== undefined && !before.isEnd;
    const spoken = goesOn ? span.startMs - before!.startMs - before!.lengthMs : UTTERANCE_MS;
    const from = resumedAt;
    const at = from + Math.max(200, Math.round(spoken));
    silence = { span, at };
    const first = w.effects.length;
    tell(from + VAD_STEP_MS, { type: "vad.start", speechDuration: VAD_STEP_MS, inferenceDuration: 0 });
    for (let t = from + 2 * VAD_STEP_MS; t < at; t += VAD_STEP_MS) tell(t, vad(from, t, 0));
    const length = span.isEnd ? TURN_OVER_MS : span.lengthMs;
    let hasWords = false;
    for (let silent = VAD_STEP_MS; silent < Math.min(length, VAD_SILENCE_MS); silent += VAD_STEP_MS) {
      if (!hasWords && silent >= WORDS_AFTER_MS) {
        hasWords = true;
        tell(at + silent, final(0, "some words")[1] as Fact);
      }
      tell(at + silent, vad(from, at + silent, silent));
    }
    if (length > VAD_SILENCE_MS) {
      tell(at + VAD_SILENCE_MS, {
        type: "vad.end",
        speechDuration: at - from,
        silenceDuration: VAD_SILENCE_MS,
        inferenceDuration: 0,
      });
    }
    resumedAt = at + length;
    w.run(resumedAt);
    const commit = w.effects.slice(first).find(({ t, effect }) => effect.type === "turn.commit" && t >= at);
    yield { span, committedMs: commit === undefined ? undefined : commit.t - at };
    w.effects.length = 0;
    w.log.length = 0;
    before = span;
  }
}
