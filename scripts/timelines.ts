/**
 * Writes the worked timelines of the specification of turn taking (section 24) as conformance scenarios.
 *
 *     node scripts/timelines.ts            checks that the files are what it would write
 *     node scripts/timelines.ts --write    writes them
 *
 * What a timeline says is in `MUST` of each case, by hand, with the times of the specification. A case is played in both
 * modes, and written only if all that it must show is there, and nothing that it must not; what else happened is then
 * written down with it, so that a change is seen.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { virtualRuntime } from "../adapters/runtime/virtual.ts";
import { playScenario } from "../src/testing/conformance/player.ts";
import type { LLMEntry, When } from "../src/testing/conformance/models.ts";
import type { Observed, Scenario, Step } from "../src/testing/conformance/scenario.ts";
import { root } from "./places.ts";

type Pattern = Partial<Observed> & { readonly ev: string };

interface Case {
  readonly t: string;
  readonly name: string;
  readonly about: string;
  readonly topic?: string;
  readonly input: readonly Step[];
  readonly end: number;
  readonly options?: Scenario["options"];
  readonly models?: readonly string[];
  readonly io?: Scenario["io"];
  readonly hook?: readonly Step[];
  readonly agents?: Scenario["agents"];
  readonly detector?: Scenario["script"]["detector"];
  readonly durations?: Readonly<Record<string, number>>;
  /** Replies beside those of everybody, and how long they take. */
  readonly llm?: readonly (readonly [when: When, text: string, ttftMs?: number])[];
  /** What the specification's lines say, in both modes. */
  readonly must?: readonly Pattern[];
  /** What they say of the reference alone; `ours`: of the default alone. */
  readonly reference?: readonly Pattern[];
  readonly ours?: readonly Pattern[];
  readonly oursNever?: readonly Pattern[];
  /** The improvement that makes the difference. */
  readonly differs?: readonly string[];
}

const speech = (t: number, until: number): Step => ({ t, do: "speech", until });
const final = (t: number, text: string): Step => ({ t, do: "stt", kind: "final", text });
const interim = (t: number, text: string): Step => ({ t, do: "stt", kind: "interim", text });
const user = (t: number, to: string, at?: number): Pattern => ({
  t,
  ev: "user_state_changed",
  to,
  ...(at !== undefined && { at }),
});
const agent = (t: number, to: string): Pattern => ({ t, ev: "agent_state_changed", to });
const heard = (t: number, text: string, isFinal = true): Pattern => ({
  t,
  ev: "user_input_transcribed",
  text,
  isFinal,
});
const stored = (t: number, text: string, metrics?: Readonly<Record<string, number>>): Pattern => ({
  t,
  ev: "conversation_item_added",
  item: { type: "message", role: "user", text },
  ...(metrics && { metrics }),
});
const said = (t: number, text: string, interrupted = false): Pattern => ({
  t,
  ev: "conversation_item_added",
  item: { type: "message", role: "assistant", text, ...(interrupted && { interrupted: true }) },
});
const finished = (t: number, positionMs: number, interrupted: boolean): Pattern => ({
  t,
  ev: "playout_finished",
  positionMs,
  interrupted,
});
const at = (t: number, ev: string, more: Readonly<Record<string, unknown>> = {}): Pattern => ({ t, ev, ...more });

/** The agent tells a story from 3250 to 13250. */
const STORY: readonly Step[] = [speech(500, 2_500), final(2_700, "Tell me a story.")];
const TALE = "There once was a lighthouse.";
const speaks = agent(3_250, "speaking");
const limits = (interruption: Readonly<Record<string, unknown>>): Scenario["options"] => ({
  turnHandling: { interruption },
});
const BARGE_IN = "OURS-25: the reference makes no preemptive attempt on the final words of a barge-in";
const MAIN = { main: { instructions: "You are main." } };

/** What a format of scripts without verdicts, streaming detectors and realtime models cannot say. */
export const NOT_SAID: Readonly<Record<string, string>> = {
  T7: "adaptive interruption: there is no step for the verdict of a detector",
  T8: "as T7",
  T9: "as T7",
  T13:
    "dynamic endpointing over five turns is a table of calls, and has none of the models; tests/turn/endpointing_test.ts has it",
  T17: "a realtime model",
  T26: "a realtime model and a streaming detector",
  T29: "a streaming detector: there is no step for its answers",
};

const CASES: readonly Case[] = [
  {
    t: "T1",
    name: "t01-plain-turn",
    about: "A plain turn takes the reply that was begun for it before it was surely over.",
    input: [speech(500, 2_500), interim(2_600, "Hello, how"), final(2_700, "Hello, how are you?")],
    end: 7_000,
    durations: { "I am fine.": 2_000 },
    llm: [[{ user: "Hello, how are you?" }, "I am fine."]],
    must: [
      user(550, "speaking", 500),
      heard(2_600, "Hello, how", false),
      heard(2_700, "Hello, how are you?"),
      at(2_700, "speech_created"),
      user(3_050, "listening", 2_500),
      stored(3_050, "Hello, how are you?", {
        startedSpeakingAt: 500,
        stoppedSpeakingAt: 2_500,
        transcriptionDelay: 200,
        endOfTurnDelay: 550,
      }),
      agent(3_050, "thinking"),
      speaks,
      { ...said(5_250, "I am fine."), metrics: { e2eLatency: 750 } },
      agent(5_250, "listening"),
    ],
  },
  {
    t: "T2",
    name: "t02-pause-in-the-turn",
    about: "A pause that the detector calls unlikely to be the end does not end the turn.",
    input: [speech(500, 1_300), final(1_500, "I'd like"), speech(2_350, 3_500), final(3_700, "a table for two")],
    end: 6_000,
    options: { turnHandling: { turnDetection: "detector" } },
    detector: { answers: { "I'd like": 0.2, "I'd like a table for two": 0.9 }, threshold: 0.5 },
    llm: [[{ user: "I'd like" }, "Yes?"], [{ user: "I'd like a table for two" }, "Gladly."]],
    must: [
      user(1_850, "listening", 1_300),
      at(1_850, "detector_asked", { text: "I'd like" }),
      user(2_400, "speaking", 2_350),
      at(4_050, "detector_asked", { text: "I'd like a table for two" }),
      stored(4_050, "I'd like a table for two", {
        startedSpeakingAt: 500,
        stoppedSpeakingAt: 3_500,
        transcriptionDelay: 200,
      }),
    ],
  },
  {
    t: "T3",
    name: "t03-barge-in-stop",
    about: "A barge-in over an output that cannot pause stops the agent.",
    topic: "interruption",
    input: [...STORY, speech(5_000, 6_000), final(6_200, "Stop!")],
    end: 9_000,
    io: { canPause: false },
    must: [
      speaks,
      user(5_050, "speaking", 5_000),
      at(5_500, "playout_cleared"),
      finished(5_500, 2_250, true),
      agent(5_500, "listening"),
      heard(6_200, "Stop!"),
      stored(6_550, "Stop!"),
    ],
  },
  {
    t: "T4",
    name: "t04-barge-in-pause",
    about: "A barge-in over an output that can pause pauses it; the words end the speech.",
    topic: "interruption",
    input: [...STORY, speech(5_000, 6_000), final(6_200, "Stop!")],
    end: 9_000,
    must: [
      speaks,
      at(5_500, "playout_paused"),
      agent(5_500, "listening"),
      heard(6_200, "Stop!"),
      at(6_200, "playout_cleared"),
      at(6_200, "playout_resumed"),
      finished(6_200, 2_250, true),
      stored(6_550, "Stop!"),
    ],
    ours: [at(6_200, "speech_created")],
    reference: [at(6_550, "speech_created")],
    differs: [BARGE_IN],
  },
  {
    t: "T5",
    name: "t05-false-interruption",
    about: "A noise without words pauses the agent, who goes on two seconds after it.",
    topic: "interruption",
    input: [...STORY, speech(5_000, 5_600)],
    end: 17_000,
    must: [
      at(5_500, "playout_paused"),
      agent(5_500, "listening"),
      user(6_150, "listening", 5_600),
      agent(8_150, "speaking"),
      at(8_150, "playout_resumed"),
      at(8_150, "agent_false_interruption", { resumed: true }),
    ],
  },
  {
    t: "T6a",
    name: "t06a-words-before-the-resume",
    about: "Late words before the resume end the speech and are a turn.",
    topic: "interruption",
    input: [...STORY, speech(5_000, 5_600), final(7_000, "no wait")],
    end: 10_000,
    must: [
      at(7_000, "playout_cleared"),
      at(7_000, "playout_resumed"),
      stored(7_000, "no wait", { transcriptionDelay: 1_400 }),
      agent(7_500, "speaking"),
    ],
    oursNever: [{ ev: "agent_false_interruption" }],
    differs: [BARGE_IN],
  },
  {
    t: "T6b",
    name: "t06b-words-after-the-resume",
    about: "Late words after the resume cut the speech off.",
    topic: "interruption",
    input: [...STORY, speech(5_000, 5_600), final(8_500, "no wait")],
    end: 11_000,
    must: [
      at(8_150, "agent_false_interruption", { resumed: true }),
      at(8_500, "playout_cleared"),
      finished(8_500, 2_600, true),
      stored(8_500, "no wait"),
    ],
    differs: [BARGE_IN],
  },
  {
    t: "T6c",
    name: "t06c-interim-before-the-resume",
    about: "An interim beside a detector of voice does nothing to the pause, as in 1.7.",
    topic: "interruption",
    input: [...STORY, speech(5_000, 5_600), interim(7_000, "no wait")],
    end: 17_000,
    must: [agent(8_150, "speaking"), at(8_150, "playout_resumed")],
  },
  {
    t: "T10",
    name: "t10-uninterruptible",
    about: "Words over a speech that may not be interrupted have no reply.",
    topic: "interruption",
    input: [...STORY, speech(5_000, 6_000), final(6_200, "Stop!")],
    end: 15_000,
    options: limits({ enabled: false }),
    must: [
      user(5_050, "speaking", 5_000),
      heard(6_200, "Stop!"),
      user(6_550, "listening", 6_000),
      finished(13_250, 10_000, false),
      agent(13_250, "listening"),
    ],
    ours: [stored(6_550, "Stop!")],
    differs: ["OURS-13: the reference loses the words, ours stores them"],
  },
  {
    t: "T11",
    name: "t11-preemptive-replaced",
    about: "A second final replaces the reply that was begun for the first.",
    topic: "preemptive",
    input: [speech(500, 2_500), final(2_600, "Hello, how"), final(2_700, "are you?")],
    end: 7_000,
    durations: { "I am fine.": 2_000 },
    llm: [[{ user: "Hello, how" }, "Yes?"], [{ user: "Hello, how are you?" }, "I am fine."]],
    must: [
      at(2_600, "llm_request", { n: 0 }),
      at(2_700, "llm_cancelled", { n: 0 }),
      at(2_700, "llm_request", { n: 1 }),
      stored(3_050, "Hello, how are you?"),
      speaks,
    ],
  },
  {
    t: "T12",
    name: "t12-preemptive-miss",
    about: "A hook that changes the context makes the reply anew, 300 ms later.",
    topic: "preemptive",
    input: [speech(500, 2_500), final(2_600, "Hello, how"), final(2_700, "are you?")],
    end: 7_000,
    hook: [{ do: "addContext", role: "system", text: "It is Monday." }],
    durations: { "I am fine.": 2_000 },
    llm: [
      [{ user: "Hello, how" }, "Yes?"],
      [{ lastUser: "Hello, how are you?" }, "I am fine."],
      [{ lastUser: "Hello, how are you?" }, "I am fine."],
    ],
    must: [
      at(3_050, "hook", { hook: "onUserTurnCompleted", text: "Hello, how are you?" }),
      at(3_050, "llm_request", { n: 2 }),
      stored(3_050, "Hello, how are you?"),
      agent(3_550, "speaking"),
    ],
  },
  {
    t: "T14",
    name: "t14-turn-limit",
    about: "A user who talks past five words is cut short, and the words are answered once.",
    input: [
      speech(500, 6_000),
      final(2_000, "one two three"),
      final(4_000, "four five six"),
      final(6_200, "seven"),
    ],
    end: 10_000,
    options: { turnHandling: { userTurnLimit: { maxWords: 5 } } },
    llm: [
      [{ user: "one two three" }, "Four?"],
      [{ user: "one two three four five six" }, "Begun too early."],
      [{ lastUser: "one two three four five six" }, "That is enough."],
      [{ user: "seven" }, "Seven it is."],
    ],
    must: [
      stored(4_000, "one two three four five six"),
      agent(4_000, "thinking"),
      agent(4_500, "speaking"),
    ],
    ours: [stored(6_550, "seven")],
    differs: ["OURS-23: the reference stores the words twice"],
  },
  {
    t: "T15a",
    name: "t15a-manual-slow-words",
    about: "A manual commit waits for words that are on their way.",
    topic: "modes",
    input: [
      speech(500, 2_500),
      interim(2_400, "turn the"),
      { t: 3_000, do: "commitUserTurn", as: "c" },
      final(4_200, "turn the lights off"),
    ],
    end: 7_000,
    options: { turnHandling: { turnDetection: "manual" } },
    llm: [[{ user: "turn the lights off" }, "Done."]],
    must: [
      user(3_050, "listening", 2_500),
      at(4_200, "commit_done", { commit: "c", text: "turn the lights off" }),
      stored(4_200, "turn the lights off", { transcriptionDelay: 1_700 }),
      agent(4_700, "speaking"),
    ],
  },
  {
    t: "T15b",
    name: "t15b-manual-promoted",
    about: "After two seconds an interim counts as final; its late final is shown and not kept.",
    topic: "modes",
    input: [
      speech(500, 2_500),
      interim(2_400, "turn the"),
      { t: 3_000, do: "commitUserTurn", as: "c" },
      final(6_200, "turn the lights off"),
    ],
    end: 9_000,
    options: { turnHandling: { turnDetection: "manual" } },
    llm: [[{ user: "turn the" }, "The what?"]],
    must: [
      heard(5_000, "turn the"),
      at(5_000, "commit_done", { commit: "c", text: "turn the" }),
      stored(5_000, "turn the"),
      heard(6_200, "turn the lights off"),
    ],
  },
  {
    t: "T16a",
    name: "t16a-recogniser-ends-turns",
    about: "Without a detector of voice the recogniser's own end begins the delay.",
    topic: "modes",
    models: ["llm", "tts", "stt"],
    input: [
      { t: 600, do: "stt", kind: "start" },
      interim(1_200, "Hello"),
      final(2_600, "Hello there"),
      { t: 2_800, do: "stt", kind: "end" },
    ],
    end: 6_000,
    options: { turnHandling: { turnDetection: "stt" } },
    llm: [[{ user: "Hello there" }, "Hi."]],
    must: [
      { t: 600, ev: "user_state_changed", to: "speaking" },
      { t: 2_800, ev: "user_state_changed", to: "listening" },
      stored(3_300, "Hello there", { startedSpeakingAt: 600, stoppedSpeakingAt: 2_800, endOfTurnDelay: 500 }),
    ],
  },
  {
    t: "T16b",
    name: "t16b-recogniser-beside-voice",
    about: "Beside a detector of voice the recogniser's end counts from the end of the voice.",
    topic: "modes",
    input: [
      speech(500, 2_500),
      final(2_600, "Hello there"),
      { t: 2_800, do: "stt", kind: "end" },
    ],
    end: 6_000,
    options: { turnHandling: { turnDetection: "stt" } },
    llm: [[{ user: "Hello there" }, "Hi."]],
    must: [
      user(550, "speaking", 500),
      { t: 2_800, ev: "user_state_changed", to: "listening" },
      stored(3_000, "Hello there"),
    ],
  },
  {
    t: "T18a",
    name: "t18a-hand-off-in-the-turn",
    about: "A hand-off while the user speaks: the new agent hears the end, and answers.",
    topic: "handoff",
    agents: { ...MAIN, other: { instructions: "You are other." } },
    input: [
      speech(500, 2_500),
      interim(1_200, "Hello"),
      { t: 2_000, do: "updateAgent", agent: "other" },
      final(2_700, "Hello there"),
    ],
    end: 6_000,
    llm: [[{ user: "Hello there" }, "Hi."]],
    must: [
      { t: 2_000, ev: "user_state_changed", to: "listening" },
      { t: 2_000, ev: "conversation_item_added", item: { type: "agent_handoff", from: "main", to: "other" } },
      heard(2_700, "Hello there"),
      stored(3_000, "Hello there"),
    ],
    differs: ["OURS-20: the reference forgets at a hand-off when the turn began"],
  },
  {
    t: "T18b",
    name: "t18b-hand-off-with-words",
    about: "Words that nobody has answered when the agent leaves are the new agent's.",
    topic: "handoff",
    agents: { ...MAIN, other: { instructions: "You are other." } },
    input: [speech(500, 2_500), final(2_700, "Hello there"), { t: 2_900, do: "updateAgent", agent: "other" }],
    end: 6_000,
    options: { turnHandling: { endpointing: { minDelay: 1_000 } } },
    llm: [[{ user: "Hello there" }, "Hi.", 300], [{ user: "Hello there" }, "Hi."]],
    ours: [stored(3_500, "Hello there")],
    differs: ["OURS-20: the reference loses words in flight at a hand-off"],
  },
  {
    t: "T19a",
    name: "t19a-close-in-the-turn",
    about: "A close waits two seconds for the last words, and then takes the interim.",
    topic: "close",
    input: [speech(500, 4_000), interim(1_800, "Hello, how are"), { t: 2_000, do: "close", as: "c" }],
    end: 5_000,
    must: [stored(4_000, "Hello, how are"), at(4_000, "close_done", { close: "c" })],
  },
  {
    t: "T19b",
    name: "t19b-close-with-last-words",
    about: "A close takes the last words as they come.",
    topic: "close",
    input: [
      speech(500, 4_000),
      interim(1_800, "Hello, how are"),
      { t: 2_000, do: "close", as: "c" },
      final(2_500, "Hello, how are you?"),
    ],
    end: 5_000,
    must: [stored(2_500, "Hello, how are you?"), at(2_500, "close_done", { close: "c" })],
  },
  {
    t: "T19c",
    name: "t19c-close-with-a-decision",
    about: "A close decides at once what is being decided, and stores it once.",
    topic: "close",
    input: [speech(500, 1_500), final(1_800, "Hello there"), { t: 2_200, do: "close", as: "c" }],
    end: 6_000,
    options: { turnHandling: { endpointing: { minDelay: 2_000 } } },
    llm: [[{ user: "Hello there" }, "Hi."]],
    must: [stored(2_200, "Hello there")],
    differs: ["OURS-5: the reference stores an empty message too", "OURS-18: and waits two seconds"],
    ours: [at(2_200, "close_done", { close: "c" })],
    oursNever: [{ ev: "conversation_item_added", item: { type: "message", role: "user", text: "" } }],
  },
  {
    t: "T19d",
    name: "t19d-close-with-nothing",
    about: "A close with nothing pending does not wait.",
    topic: "close",
    input: [speech(500, 2_500), final(2_700, "Hello, how are you?"), { t: 6_000, do: "close", as: "c" }],
    end: 9_000,
    durations: { "I am fine.": 2_000 },
    llm: [[{ user: "Hello, how are you?" }, "I am fine."]],
    must: [speaks],
    reference: [at(8_000, "close_done", { close: "c" })],
    ours: [at(6_000, "close_done", { close: "c" })],
    differs: ["OURS-18: every close of the reference waits two seconds"],
  },
  {
    t: "T20a",
    name: "t20a-noise-while-thinking",
    about: "A noise while the agent thinks holds the reply back no longer than the noise.",
    topic: "interruption",
    input: [speech(500, 2_500), final(2_700, "Tell me about dogs."), speech(3_100, 3_400)],
    end: 9_000,
    llm: [[{ user: "Tell me about dogs." }, "Dogs are loyal.", 1_200]],
    must: [agent(3_050, "thinking"), user(3_150, "speaking", 3_100)],
    reference: [
      agent(3_600, "listening"),
      agent(5_950, "thinking"),
      at(5_950, "agent_false_interruption"),
      agent(5_950, "speaking"),
    ],
    ours: [at(3_950, "playout_resumed"), agent(4_100, "speaking")],
    differs: ["OURS-10: the reference counts trailing silence as speech, and loses two seconds"],
  },
  {
    t: "T20b",
    name: "t20b-words-while-thinking",
    about: "Words while the agent thinks end the reply before it was heard.",
    topic: "interruption",
    input: [
      speech(500, 2_500),
      final(2_700, "Tell me about dogs."),
      speech(3_100, 3_900),
      final(4_100, "about cats"),
    ],
    end: 9_000,
    llm: [[{ user: "Tell me about dogs." }, "Dogs are loyal.", 1_200], [{ user: "about cats" }, "Cats are not."]],
    must: [stored(4_450, "about cats")],
    oursNever: [{
      ev: "conversation_item_added",
      item: { type: "message", role: "assistant", text: "Dogs are loyal." },
    }],
    differs: [BARGE_IN],
  },
  {
    t: "T21",
    name: "t21-echo-warm-up",
    about: "While the echo canceller warms up nobody interrupts by voice; the turn does.",
    topic: "interruption",
    input: [...STORY, speech(4_000, 5_000), final(5_200, "Stop!")],
    end: 9_000,
    options: { aecWarmupDuration: 3_000 },
    must: [speaks, user(5_550, "listening", 5_000), stored(5_550, "Stop!"), finished(5_550, 2_300, true)],
  },
  {
    t: "T22",
    name: "t22-min-words",
    about: "Two words of three do not interrupt; they wait for the next, and are one turn with them.",
    topic: "interruption",
    input: [
      ...STORY,
      speech(5_000, 6_000),
      interim(5_900, "yeah ok"),
      final(6_200, "yeah ok"),
      speech(7_000, 8_000),
      interim(7_900, "please stop it"),
      final(8_200, "please stop it"),
    ],
    end: 11_000,
    options: limits({ minWords: 3 }),
    must: [
      at(7_950, "playout_paused"),
      at(8_200, "playout_cleared"),
      stored(8_550, "yeah ok please stop it", { startedSpeakingAt: 5_000 }),
    ],
    differs: [BARGE_IN],
  },
  {
    t: "T23",
    name: "t23-final-after-the-commit",
    about: "Words that come after the turn was taken cut the reply off and are a turn of their own.",
    input: [speech(500, 2_500), final(2_700, "Tell me"), final(3_400, "a story")],
    end: 7_000,
    llm: [[{ user: "Tell me" }, "Tell you what?"], [{ user: "a story" }, "Once."]],
    must: [
      stored(3_050, "Tell me"),
      speaks,
      at(3_400, "playout_cleared"),
      finished(3_400, 150, true),
      stored(3_900, "a story"),
    ],
    differs: [BARGE_IN],
  },
  {
    t: "T24",
    name: "t24-voice-was-missed",
    about: "Words alone are a turn, half a second later.",
    input: [final(2_700, "Hello there")],
    end: 6_000,
    llm: [[{ user: "Hello there" }, "Hi."]],
    must: [stored(3_200, "Hello there")],
    oursNever: [{ ev: "user_state_changed" }],
  },
  {
    t: "T25",
    name: "t25-pause-between-speeches",
    about: "Between two speeches there is the pause that was asked for.",
    topic: "speech",
    input: [{ t: 1_000, do: "say", text: "First." }, { t: 1_000, do: "say", text: "Second." }],
    end: 6_000,
    options: { minConsecutiveSpeechDelay: 500 },
    durations: { "First.": 1_000, "Second.": 1_000 },
    must: [agent(1_200, "speaking"), agent(2_200, "listening"), agent(2_900, "speaking")],
  },
  {
    t: "T27",
    name: "t27-mute-in-speech",
    about: "A microphone that is muted in the middle of a speech ends it.",
    input: [
      ...mutedSpeech(),
      { t: 1_500, do: "setAudioInput", enabled: false },
      final(1_800, "Hello there"),
    ],
    end: 5_000,
    llm: [[{ user: "Hello there" }, "Hi."]],
    must: [{ t: 1_500, ev: "user_state_changed", to: "listening" }],
    ours: [stored(1_950, "Hello there")],
    differs: ["OURS-19: the turn of the reference hangs"],
  },
  {
    t: "T28",
    name: "t28-speech-after-a-manual-commit",
    about: "Speech after a manual commit does not call it off.",
    topic: "modes",
    input: [
      speech(500, 2_500),
      final(2_900, "turn the lights off"),
      { t: 3_000, do: "commitUserTurn", as: "c" },
      speech(3_200, 4_000),
      final(4_200, "please"),
    ],
    end: 7_000,
    options: { turnHandling: { turnDetection: "manual", endpointing: { minDelay: 1_000 } } },
    llm: [[{ user: "turn the lights off" }, "Done."]],
    must: [at(3_000, "commit_done", { commit: "c", text: "turn the lights off" })],
    ours: [stored(3_500, "turn the lights off"), heard(4_200, "please")],
    differs: ["OURS-4: the reference drops the commit and goes deaf"],
  },
  {
    t: "T30",
    name: "t30-two-turns-slow-hook",
    about: "Of two turns during a slow hook both are stored, and the second is answered.",
    topic: "hooks",
    input: [
      speech(500, 2_000),
      final(2_200, "Tell me a story"),
      speech(2_700, 3_300),
      final(3_500, "about cats"),
    ],
    end: 9_000,
    hook: [{ do: "sleep", ms: 1_500 }],
    llm: [
      [{ user: "Tell me a story" }, TALE],
      [{ user: "about cats" }, "A cat sat."],
      [{ user: "Tell me a story" }, TALE],
      [{ user: "about cats" }, "A cat sat."],
      [{ user: "about cats" }, "A cat sat."],
    ],
    must: [
      at(2_550, "hook", { text: "Tell me a story" }),
      at(4_050, "hook", { text: "about cats" }),
      stored(4_050, "Tell me a story"),
      stored(5_550, "about cats"),
      agent(6_050, "speaking"),
    ],
    // What was begun for the second turn did not know the first one's message: a session makes it anew, in both modes.
  },
];

/** The voice of U(500, 1450), as far as 1500. */
function mutedSpeech(): Step[] {
  const steps: Step[] = [{ t: 550, do: "vad", kind: "start", speechMs: 50, rawSpeechMs: 50 }];
  for (let t = 600; t <= 1_450; t += 50) {
    steps.push({ t, do: "vad", kind: "inference", speechMs: t - 500, rawSpeechMs: t - 500 });
  }
  return [...steps, { t: 1_500, do: "vad", kind: "inference", speechMs: 1_000, rawSilenceMs: 50 }];
}

const folder = `${root}tests/conformance/cases/`;

function scenarioOf(c: Case): Omit<Scenario, "expect"> & { readonly format: 1 } {
  const llm: LLMEntry[] = (c.llm ?? []).map(([when, text, ttftMs = 300]) => ({ when, ttftMs, text }));
  const rest: LLMEntry[] = [
    { when: { user: "Tell me a story." }, ttftMs: 300, text: TALE },
    { when: { user: "Stop!" }, ttftMs: 300, text: "I stop." },
    { when: { user: "no wait" }, ttftMs: 300, text: "I wait." },
    { when: { user: "yeah ok please stop it" }, ttftMs: 300, text: "I stop." },
  ];
  const main = { ...MAIN.main, ...(c.hook && { onUserTurnCompleted: c.hook }) };
  return {
    format: 1,
    name: c.name,
    topic: c.topic ?? "turn-taking",
    about: c.about,
    spec: [`02 24 ${c.t}`],
    ...(c.differs && { differs: c.differs }),
    mode: "audio",
    models: c.models ?? ["llm", "tts", "stt", "vad"],
    ...(c.io && { io: c.io }),
    ...(c.options && { options: c.options }),
    agents: c.agents ?? { main },
    start: "main",
    script: {
      llm: c.llm === undefined ? rest : llm,
      tts: { ttfbMs: 200, msPerChar: 50, durations: { [TALE]: 10_000, ...c.durations } },
      ...(c.detector && { detector: c.detector }),
    },
    input: [...c.input].sort((a, b) => (a.t ?? 0) - (b.t ?? 0)),
    end: c.end,
  } as unknown as Omit<Scenario, "expect"> & { readonly format: 1 };
}

function fits(pattern: Pattern, event: Observed): boolean {
  return Object.entries(pattern).every(([key, value]) => isLike(value, event[key], key));
}

function isLike(wanted: unknown, got: unknown, key: string): boolean {
  if (key === "t" || key === "at" || key === "positionMs") return Math.abs(Number(wanted) - Number(got ?? NaN)) <= 1;
  if (typeof wanted !== "object" || wanted === null || typeof got !== "object" || got === null) return wanted === got;
  const w = Object.entries(wanted);
  if (key === "metrics") return w.every(([name, value]) => Math.abs(Number(value) - Number((got as never)[name])) <= 1);
  return w.length === Object.keys(got).length && w.every(([name, value]) => isLike(value, (got as never)[name], name));
}

/** The text of a case's file, or what is wrong with it. */
async function written(c: Case): Promise<{ readonly text: string; readonly wrong: readonly string[] }> {
  const scenario = scenarioOf(c);
  const play = (compat: "reference" | "fixed") =>
    playScenario(scenario as unknown as Scenario, { compat, runtime: virtualRuntime({ seed: 1 }) });
  const [reference, ours] = [await play("reference"), await play("fixed")];
  const wrong: string[] = [];
  const check = (mode: string, events: readonly Observed[], patterns: readonly Pattern[]): void => {
    for (const pattern of patterns) {
      if (events.some((event) => fits(pattern, event))) continue;
      const near = events.filter(({ ev }) => ev === pattern.ev).map((event) => JSON.stringify(event)).join("\n      ");
      wrong.push(`${c.t} ${mode}: nothing fits ${JSON.stringify(pattern)}\n      ${near}`);
    }
  };
  check("reference", reference.events, [...(c.must ?? []), ...(c.reference ?? [])]);
  check("default", ours.events, [...(c.must ?? []), ...(c.ours ?? [])]);
  for (const pattern of c.oursNever ?? []) {
    const event = ours.events.find((one) => fits(pattern, one));
    if (event !== undefined) wrong.push(`${c.t} default: ${JSON.stringify(event)} must not be`);
  }
  if (c.differs === undefined && JSON.stringify(reference.events) !== JSON.stringify(ours.events)) {
    const at = reference.events.findIndex((event, index) =>
      JSON.stringify(event) !== JSON.stringify(ours.events[index])
    );
    wrong.push(
      `${c.t}: the modes differ, and no improvement says why: ${JSON.stringify(reference.events[at])} / ${
        JSON.stringify(ours.events[at])
      }`,
    );
  }
  const { events, history, final } = reference;
  const whole = {
    ...scenario,
    expect: { events, history, final },
    ...(c.differs && {
      expectOurs: {
        include: [...(c.must ?? []), ...(c.ours ?? [])],
        ...(c.oursNever && { exclude: c.oursNever }),
        history: ours.history,
      },
    }),
    producedBy: "scripts/timelines.ts",
  };
  return { text: lines(whole), wrong };
}

/** JSON with an event, a step or an item on each line: a change of one is a change of a line. */
function lines(value: unknown): string {
  const show = (part: unknown, indent: string): string => {
    const flat = JSON.stringify(part);
    if (typeof part !== "object" || part === null || flat.length <= 116 - indent.length) return flat;
    const inner = `${indent}  `;
    const parts = Array.isArray(part)
      ? part.map((one) => `${inner}${show(one, inner)}`)
      : Object.entries(part).filter(([, one]) => one !== undefined)
        .map(([key, one]) => `${inner}${JSON.stringify(key)}: ${show(one, inner)}`);
    const [open, close] = Array.isArray(part) ? "[]" : "{}";
    return `${open}\n${parts.join(",\n")}\n${indent}${close}`;
  };
  return `${show(value, "")}\n`;
}

/** What is wrong with the timelines and their files; writes them, where nothing is. Empty: all is well. */
export async function checkTimelines(isWriting: boolean): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const c of CASES) {
    const { text, wrong } = await written(c);
    problems.push(...wrong);
    if (wrong.length > 0) continue;
    const path = `${folder}${c.name}.json`;
    const is = existsSync(path) ? readFileSync(path, "utf8") : "null";
    if (JSON.stringify(JSON.parse(is)) === JSON.stringify(JSON.parse(text))) continue;
    if (isWriting) writeFileSync(path, text);
    else problems.push(`${c.name}.json is not what is written now: run scripts/timelines.ts --write`);
  }
  return problems;
}

if (import.meta.main) {
  const problems = await checkTimelines(process.argv.includes("--write"));
  for (const line of problems) console.log(line);
  for (const [t, why] of Object.entries(NOT_SAID)) console.log(`not a scenario: ${t}: ${why}`);
  console.log(`${CASES.length - problems.length} passed, ${problems.length} failed`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
