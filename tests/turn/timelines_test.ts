/**
 * The worked timelines of section 24 of the turn-taking specification, exact in time and order, in both modes.
 *
 * A line is an order of the machine, or, after a tilde, what the sink does. Timers, spans and logs are left out.
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { final, type Input, interim, speech, type World, world, type WorldOptions } from "./harness.ts";

interface Expected {
  /** Lines before this time are those of the story, which T1 shows. */
  from?: number;
  /** Both modes, or ours alone. */
  ours: string;
  /** `compat: "reference"`, where it differs. */
  reference?: string;
}

function timeline(name: string, inputs: Input[], options: WorldOptions, expected: Expected): void {
  for (const compat of ["fixed", "reference"] as const) {
    test(`${name} (${compat})`, () => {
      const w = world(inputs, { duration, ...options, config: { ...options.config, compat } });

      w.run();

      const from = expected.from ?? 1;
      const seen = w.log.filter((line) => Number.parseInt(line) >= from);
      const lines = compat === "fixed" ? expected.ours : expected.reference ?? expected.ours;
      assert.deepEqual(seen, lines.split("\n").map((line) => line.trim()).filter((line) => line !== ""));
      assert.deepEqual([...w.armed.keys()], []);
      assert.equal(w.sinkPaused, false);
    });
  }
}

const duration = (words: string): number =>
  words === "Tell me a story." ? 10_000 : words.startsWith("Hello") ? 2_000 : 1_000;

/** The agent tells a story from 3250 to 13250. */
const STORY = [...speech(500, 2_500), final(2_700, "Tell me a story.")];

const ADAPTIVE = { adaptive: true, interruption: { backchannelBoundary: [1_000, 3_500] as const } };

const verdict = (t: number, isInterruption: boolean, overlapStartedAt: number): Input => [t, {
  type: "overlap.verdict",
  isInterruption,
  agentEnded: false,
  overlapStartedAt,
  detectedAt: t,
}];

const commitUserTurn = (t: number): Input => [t, {
  type: "api.commitUserTurn",
  id: t,
  transcriptTimeout: 2_000,
  sttFlushDuration: 2_000,
  skipReply: false,
  audioDetached: false,
  atClose: false,
}];

const updateAgent = (t: number): Input => [t, (w: World) => {
  w.send({ type: "handoff.begin" });
  w.send({ type: "activity.drain" });
  w.handoff("b");
}];

const close = (t: number): Input => [t, (w: World) => {
  w.send({ type: "session.closing" });
  w.send({ type: "activity.drain" });
  w.send({
    type: "api.commitUserTurn",
    id: t,
    transcriptTimeout: 2_000,
    sttFlushDuration: 0,
    skipReply: false,
    audioDetached: true,
    atClose: true,
  });
}];

const sttMark = (t: number, type: "start" | "end"): Input =>
  type === "start"
    ? [t, { type: "stt.start", requestId: "", speechStartTime: null }]
    : [t, { type: "stt.end", requestId: "" }];

timeline(
  "T1: a plain turn takes the reply that was begun for it",
  [...speech(500, 2_500), interim(2_600, "Hello, how"), final(2_700, "Hello, how are you?")],
  {},
  {
    ours: `
      550 user speaking @500
      2600 hearing "Hello, how"
      2700 heard "Hello, how are you?"
      2700 begin a1 "Hello, how are you?"
      3050 user listening @2500
      3050 commit 1 "Hello, how are you?" [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a1 for 1
      3050 agent thinking
      3050 over 1
      3050 play a1
      3250 ~ a1 sounds
      3250 agent speaking
      5250 ~ a1 ends
      5250 agent listening
    `,
  },
);

timeline(
  "T2: a pause that the detector calls unlikely to be the end does not end the turn",
  [...speech(500, 1_300), final(1_500, "I'd like"), ...speech(2_350, 3_500), final(3_700, "a table for two")],
  { config: { detector: "text" }, detector: { answers: { "I'd like": 0.2, "I'd like a table for two": 0.9 } } },
  {
    ours: `
      550 user speaking @500
      1500 heard "I'd like"
      1500 begin a1 "I'd like"
      1850 user listening @1300
      1850 ask "I'd like"
      1850 prediction 0.2 after 550
      2400 user speaking @2350
      3700 heard "a table for two"
      3700 abort a1
      3700 begin a2 "I'd like a table for two"
      4050 user listening @3500
      4050 ask "I'd like a table for two"
      4050 prediction 0.9 after 550
      4050 commit 1 "I'd like a table for two" [500..3500, words 200, end 550]
      4050 hook 1
      4050 use a2 for 1
      4050 agent thinking
      4050 over 1
      4050 play a2
      4250 ~ a2 sounds
      4250 agent speaking
      5250 ~ a2 ends
      5250 agent listening
    `,
  },
);

timeline(
  "T3: where the output cannot pause, a barge-in interrupts at once",
  [...STORY, ...speech(5_000, 6_000), final(6_200, "Stop!")],
  { sink: { canPause: false } },
  {
    from: 5_000,
    ours: `
      5050 user speaking @5000
      5500 interrupt a1
      5500 ~ a1 cleared at 2250
      5500 agent listening
      6200 heard "Stop!"
      6200 begin a2 "Stop!"
      6550 user listening @6000
      6550 commit 2 "Stop!" [5000..6000, words 200, end 550]
      6550 hook 2
      6550 use a2 for 2
      6550 agent thinking
      6550 over 2
      6550 play a2
      6750 ~ a2 sounds
      6750 agent speaking
      7750 ~ a2 ends
      7750 agent listening
    `,
  },
);

timeline(
  "T4: a barge-in pauses, and its words interrupt",
  [...STORY, ...speech(5_000, 6_000), final(6_200, "Stop!")],
  {},
  {
    from: 5_000,
    ours: `
      5050 user speaking @5000
      5500 pause
      5500 agent listening
      6200 heard "Stop!"
      6200 interrupt a1
      6200 ~ a1 cleared at 2250
      6200 resume
      6200 begin a2 "Stop!"
      6550 user listening @6000
      6550 commit 2 "Stop!" [5000..6000, words 200, end 550]
      6550 hook 2
      6550 use a2 for 2
      6550 agent thinking
      6550 over 2
      6550 play a2
      6750 ~ a2 sounds
      6750 agent speaking
      7750 ~ a2 ends
      7750 agent listening
    `,
    reference: `
      5050 user speaking @5000
      5500 pause
      5500 agent listening
      6200 heard "Stop!"
      6200 interrupt a1
      6200 ~ a1 cleared at 2250
      6200 resume
      6550 user listening @6000
      6550 commit 2 "Stop!" [5000..6000, words 200, end 550]
      6550 hook 2
      6550 reply a2 for 2
      6550 agent thinking
      6550 over 2
      6550 play a2
      7050 ~ a2 sounds
      7050 agent speaking
      8050 ~ a2 ends
      8050 agent listening
    `,
  },
);

timeline("T5: a false interruption is resumed", [...STORY, ...speech(5_000, 5_600)], {}, {
  from: 5_000,
  ours: `
      5050 user speaking @5000
      5500 pause
      5500 agent listening
      6150 user listening @5600
      8150 agent speaking
      8150 resume
      8150 false interruption, resumed
      15900 ~ a1 ends
      15900 agent listening
    `,
});

timeline(
  "T6a: late words before the resume interrupt and commit at once",
  [...STORY, ...speech(5_000, 5_600), final(7_000, "no wait")],
  {},
  {
    from: 5_000,
    ours: `
      5050 user speaking @5000
      5500 pause
      5500 agent listening
      6150 user listening @5600
      7000 heard "no wait"
      7000 interrupt a1
      7000 ~ a1 cleared at 2250
      7000 resume
      7000 begin a2 "no wait"
      7000 commit 2 "no wait" [5000..5600, words 1400, end 1400]
      7000 hook 2
      7000 use a2 for 2
      7000 agent thinking
      7000 over 2
      7000 play a2
      7500 ~ a2 sounds
      7500 agent speaking
      8500 ~ a2 ends
      8500 agent listening
    `,
    reference: `
      5050 user speaking @5000
      5500 pause
      5500 agent listening
      6150 user listening @5600
      7000 heard "no wait"
      7000 interrupt a1
      7000 ~ a1 cleared at 2250
      7000 resume
      7000 commit 2 "no wait" [5000..5600, words 1400, end 1400]
      7000 hook 2
      7000 reply a2 for 2
      7000 agent thinking
      7000 over 2
      7000 play a2
      7500 ~ a2 sounds
      7500 agent speaking
      8500 ~ a2 ends
      8500 agent listening
    `,
  },
);

timeline(
  "T6b: late words after the resume pause, interrupt and commit at once",
  [...STORY, ...speech(5_000, 5_600), final(8_500, "no wait")],
  {},
  {
    from: 6_000,
    ours: `
      6150 user listening @5600
      8150 agent speaking
      8150 resume
      8150 false interruption, resumed
      8500 heard "no wait"
      8500 pause
      8500 agent listening
      8500 interrupt a1
      8500 ~ a1 cleared at 2600
      8500 resume
      8500 begin a2 "no wait"
      8500 commit 2 "no wait" [5000..5600, words 2900, end 2900]
      8500 hook 2
      8500 use a2 for 2
      8500 agent thinking
      8500 over 2
      8500 play a2
      9000 ~ a2 sounds
      9000 agent speaking
      10000 ~ a2 ends
      10000 agent listening
    `,
    reference: `
      6150 user listening @5600
      8150 agent speaking
      8150 resume
      8150 false interruption, resumed
      8500 heard "no wait"
      8500 pause
      8500 agent listening
      8500 interrupt a1
      8500 ~ a1 cleared at 2600
      8500 resume
      8500 commit 2 "no wait" [5000..5600, words 2900, end 2900]
      8500 hook 2
      8500 reply a2 for 2
      8500 agent thinking
      8500 over 2
      8500 play a2
      9000 ~ a2 sounds
      9000 agent speaking
      10000 ~ a2 ends
      10000 agent listening
    `,
  },
);

timeline(
  "T6c: an interim beside a VAD does not delay the resume",
  [...STORY, ...speech(5_000, 5_600), interim(7_000, "no wait")],
  {},
  {
    from: 5_000,
    ours: `
      5050 user speaking @5000
      5500 pause
      5500 agent listening
      6150 user listening @5600
      7000 hearing "no wait"
      8150 agent speaking
      8150 resume
      8150 false interruption, resumed
      15900 ~ a1 ends
      15900 agent listening
    `,
  },
);

timeline(
  "T7: a backchannel in the middle of agent speech leaves no trace",
  [...STORY, ...speech(5_000, 5_400), final(5_600, "uh-huh", [5_000, 5_400]), verdict(5_950, false, 5_000)],
  { config: ADAPTIVE },
  {
    from: 3_250,
    ours: `
      3250 ~ a1 sounds
      3250 agent speaking
      3250 overlap.agentStarted
      5050 user speaking @5000
      5050 overlap from 5000
      5950 overlap ended
      5950 user listening @5400
      13250 ~ a1 ends
      13250 overlap.agentEnded
      13250 agent listening
      13250 discard "uh-huh" (backchannel)
    `,
  },
);

timeline(
  "T8: a judged interruption keeps its words",
  [...STORY, ...speech(5_000, 6_500), verdict(5_600, true, 5_000), final(6_700, "wait stop", [5_000, 6_500])],
  { config: ADAPTIVE },
  {
    from: 5_000,
    ours: `
      5050 user speaking @5000
      5050 overlap from 5000
      5600 pause
      5600 agent listening
      5600 overlap.agentEnded
      6700 heard "wait stop"
      6700 interrupt a1
      6700 ~ a1 cleared at 2350
      6700 resume
      6700 begin a2 "wait stop"
      7050 user listening @6500
      7050 commit 2 "wait stop" [5000..6500, words 200, end 550]
      7050 hook 2
      7050 use a2 for 2
      7050 agent thinking
      7050 over 2
      7050 play a2
      7250 ~ a2 sounds
      7250 agent speaking
      7250 overlap.agentStarted
      8250 ~ a2 ends
      8250 overlap.agentEnded
      8250 agent listening
    `,
    reference: `
      5050 user speaking @5000
      5050 overlap from 5000
      5600 pause
      5600 agent listening
      5600 overlap.agentEnded
      6700 heard "wait stop"
      6700 interrupt a1
      6700 ~ a1 cleared at 2350
      6700 resume
      7050 user listening @6500
      7050 commit 2 "wait stop" [5000..6500, words 200, end 550]
      7050 hook 2
      7050 reply a2 for 2
      7050 agent thinking
      7050 over 2
      7050 play a2
      7550 ~ a2 sounds
      7550 agent speaking
      7550 overlap.agentStarted
      8550 ~ a2 ends
      8550 overlap.agentEnded
      8550 agent listening
    `,
  },
);

timeline(
  "T9: words across the end of agent speech are a turn",
  [...STORY, ...speech(12_800, 13_100), final(13_400, "okay thanks", [12_800, 13_100])],
  { config: ADAPTIVE },
  {
    from: 12_000,
    ours: `
      12850 user speaking @12800
      12850 overlap from 12800
      13250 ~ a1 ends
      13250 overlap ended by agent
      13250 overlap.agentEnded
      13250 agent listening
      13400 heard "okay thanks"
      13400 begin a2 "okay thanks"
      13650 user listening @13100
      13650 commit 2 "okay thanks" [12800..13100, words 300, end 550]
      13650 hook 2
      13650 use a2 for 2
      13650 agent thinking
      13650 over 2
      13650 play a2
      13900 ~ a2 sounds
      13900 agent speaking
      13900 overlap.agentStarted
      14900 ~ a2 ends
      14900 overlap.agentEnded
      14900 agent listening
    `,
  },
);

timeline(
  "T9: in the first second of agent speech sound alone interrupts",
  [...STORY, ...speech(3_400, 4_400)],
  { config: ADAPTIVE },
  {
    from: 3_250,
    ours: `
      3250 ~ a1 sounds
      3250 agent speaking
      3250 overlap.agentStarted
      3450 user speaking @3400
      3450 overlap from 3400
      3900 pause
      3900 agent listening
      3900 overlap ended by agent
      3900 overlap.agentEnded
      4950 user listening @4400
      6950 agent speaking
      6950 overlap.agentStarted
      6950 resume
      6950 false interruption, resumed
      16300 ~ a1 ends
      16300 overlap.agentEnded
      16300 agent listening
    `,
  },
);

timeline(
  "T10: words over a speech that cannot be interrupted are stored, not answered",
  [...STORY, ...speech(5_000, 6_000), final(6_200, "Stop!")],
  { config: { interruption: { enabled: false } } },
  {
    from: 5_000,
    ours: `
      5050 user speaking @5000
      6200 heard "Stop!"
      6550 user listening @6000
      6550 commit 2 "Stop!" [5000..6000, words 200, end 550]
      6550 store 2 (uninterruptible)
      13250 ~ a1 ends
      13250 agent listening
    `,
    reference: `
      5050 user speaking @5000
      6200 heard "Stop!"
      6550 user listening @6000
      6550 commit 2 "Stop!" [5000..6000, words 200, end 550]
      6550 drop 2 (uninterruptible)
      13250 ~ a1 ends
      13250 agent listening
    `,
  },
);

timeline(
  "T11: more words replace the reply that was begun",
  [...speech(500, 2_500), final(2_600, "Hello, how"), final(2_700, "are you?")],
  {},
  {
    ours: `
      550 user speaking @500
      2600 heard "Hello, how"
      2600 begin a1 "Hello, how"
      2700 heard "are you?"
      2700 abort a1
      2700 begin a2 "Hello, how are you?"
      3050 user listening @2500
      3050 commit 1 "Hello, how are you?" [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a2 for 1
      3050 agent thinking
      3050 over 1
      3050 play a2
      3250 ~ a2 sounds
      3250 agent speaking
      5250 ~ a2 ends
      5250 agent listening
    `,
  },
);

timeline(
  "T12: a hook that edits the context makes the reply begin anew",
  [...speech(500, 2_500), final(2_600, "Hello, how"), final(2_700, "are you?")],
  { hook: { ms: 0, unchanged: false } },
  {
    from: 2_700,
    ours: `
      2700 heard "are you?"
      2700 abort a1
      2700 begin a2 "Hello, how are you?"
      3050 user listening @2500
      3050 commit 1 "Hello, how are you?" [500..2500, words 200, end 550]
      3050 hook 1
      3050 abort a2
      3050 reply a3 for 1
      3050 agent thinking
      3050 over 1
      3050 play a3
      3550 ~ a3 sounds
      3550 agent speaking
      5550 ~ a3 ends
      5550 agent listening
    `,
  },
);

timeline(
  "T14: the user is cut short after six words, and the words are answered once",
  [
    ...speech(500, 6_000),
    final(2_000, "one two three"),
    final(4_000, "four five six"),
    [4_000, (w) => w.generate("limit", { allowInterruptions: false })],
    final(6_200, "seven"),
  ],
  { config: { userTurnLimit: { maxWords: 5 } } },
  {
    ours: `
      550 user speaking @500
      2000 heard "one two three"
      2000 begin a1 "one two three"
      4000 heard "four five six"
      4000 abort a1
      4000 begin a2 "one two three four five six"
      4000 abort a2
      4000 exceeded "one two three four five six" 6 words 3500
      4000 agent thinking
      4000 play limit
      4500 ~ limit sounds
      4500 agent speaking
      5500 ~ limit ends
      5500 agent listening
      6200 heard "seven"
      6200 begin a3 "seven"
      6550 user listening @6000
      6550 commit 1 "seven" [500..6000, words 200, end 550]
      6550 hook 1
      6550 use a3 for 1
      6550 agent thinking
      6550 over 1
      6550 play a3
      6750 ~ a3 sounds
      6750 agent speaking
      7750 ~ a3 ends
      7750 agent listening
    `,
    reference: `
      550 user speaking @500
      2000 heard "one two three"
      2000 begin a1 "one two three"
      4000 heard "four five six"
      4000 abort a1
      4000 begin a2 "one two three four five six"
      4000 exceeded "one two three four five six" 6 words 3500
      4000 agent thinking
      4000 play limit
      4500 ~ limit sounds
      4500 agent speaking
      5500 ~ limit ends
      5500 agent listening
      6200 heard "seven"
      6200 abort a2
      6200 begin a3 "one two three four five six seven"
      6550 user listening @6000
      6550 commit 1 "one two three four five six seven" [500..6000, words 200, end 550]
      6550 hook 1
      6550 use a3 for 1
      6550 agent thinking
      6550 over 1
      6550 play a3
      6750 ~ a3 sounds
      6750 agent speaking
      7750 ~ a3 ends
      7750 agent listening
    `,
  },
);

timeline(
  "T15a: a manual commit waits for the final",
  [...speech(500, 2_500), interim(2_400, "turn the"), commitUserTurn(3_000), final(4_200, "turn the lights off")],
  { config: { mode: "manual" } },
  {
    ours: `
      550 user speaking @500
      2400 hearing "turn the"
      3050 user listening @2500
      4200 heard "turn the lights off"
      4200 committed "turn the lights off"
      4200 commit 1 "turn the lights off" [500..2500, words 1700, end 1700]
      4200 hook 1
      4200 reply a1 for 1
      4200 agent thinking
      4200 over 1
      4200 play a1
      4700 ~ a1 sounds
      4700 agent speaking
      5700 ~ a1 ends
      5700 agent listening
    `,
  },
);

timeline(
  "T15b: a final after its interim was committed is shown, not kept",
  [
    ...speech(500, 2_500),
    interim(2_400, "turn the"),
    commitUserTurn(3_000),
    final(6_200, "turn the lights off"),
    final(7_900, "please"),
    commitUserTurn(8_000),
  ],
  { config: { mode: "manual" } },
  {
    ours: `
      550 user speaking @500
      2400 hearing "turn the"
      3050 user listening @2500
      5000 heard "turn the"
      5000 committed "turn the"
      5000 commit 1 "turn the"
      5000 hook 1
      5000 reply a1 for 1
      5000 agent thinking
      5000 over 1
      5000 play a1
      5500 ~ a1 sounds
      5500 agent speaking
      6200 heard "turn the lights off"
      6200 discard "turn the lights off" (late_final)
      6500 ~ a1 ends
      6500 agent listening
      7900 heard "please"
      8000 committed "please"
      8400 commit 2 "please"
      8400 hook 2
      8400 reply a2 for 2
      8400 agent thinking
      8400 over 2
      8400 play a2
      8900 ~ a2 sounds
      8900 agent speaking
      9900 ~ a2 ends
      9900 agent listening
    `,
    reference: `
      550 user speaking @500
      2400 hearing "turn the"
      3050 user listening @2500
      5000 heard "turn the"
      5000 committed "turn the"
      5000 commit 1 "turn the"
      5000 hook 1
      5000 reply a1 for 1
      5000 agent thinking
      5000 over 1
      5000 play a1
      5500 ~ a1 sounds
      5500 agent speaking
      6200 heard "turn the lights off"
      6500 ~ a1 ends
      6500 agent listening
      7900 heard "please"
      8000 committed "turn the lights off please"
      8000 commit 2 "turn the lights off please"
      8000 hook 2
      8000 reply a2 for 2
      8000 agent thinking
      8000 over 2
      8000 play a2
      8500 ~ a2 sounds
      8500 agent speaking
      9500 ~ a2 ends
      9500 agent listening
    `,
  },
);

timeline(
  "T16a: without a VAD the recogniser's end of speech starts the wait",
  [sttMark(600, "start"), interim(1_200, "Hello"), final(2_600, "Hello, how are you?"), sttMark(2_800, "end")],
  { config: { mode: "stt", hasVad: false, hasUserVad: false } },
  {
    ours: `
      600 user speaking @600
      1200 hearing "Hello"
      2600 heard "Hello, how are you?"
      2800 user listening @2800
      3300 commit 1 "Hello, how are you?" [600..2800, words 0, end 500]
      3300 hook 1
      3300 reply a1 for 1
      3300 agent thinking
      3300 over 1
      3300 play a1
      3800 ~ a1 sounds
      3800 agent speaking
      5800 ~ a1 ends
      5800 agent listening
    `,
  },
);

timeline(
  "T16b: beside a VAD the recogniser ends the turn, and the wait runs from the voice",
  [
    ...speech(500, 2_500, { until: 2_750 }),
    sttMark(600, "start"),
    interim(1_200, "Hello"),
    final(2_600, "Hello, how are you?"),
    sttMark(2_800, "end"),
  ],
  { config: { mode: "stt" } },
  {
    ours: `
      550 user speaking @500
      1200 hearing "Hello"
      2600 heard "Hello, how are you?"
      2800 user listening @2800
      2800 vad.flush
      3000 commit 1 "Hello, how are you?" [500..2500, words 100, end 500]
      3000 hook 1
      3000 reply a1 for 1
      3000 agent thinking
      3000 over 1
      3000 play a1
      3500 ~ a1 sounds
      3500 agent speaking
      5500 ~ a1 ends
      5500 agent listening
    `,
  },
);

timeline(
  "T17: the server of a realtime model takes the turns",
  [
    [500, { type: "rt.speechStarted" }],
    [2_600, { type: "rt.speechStopped", userTranscriptionEnabled: true }],
    [2_700, { type: "rt.transcription", itemId: "i1", text: "Hi", isFinal: true, turnStartedAt: null }],
    [2_750, (w) => w.serverGeneration("r1")],
    [4_000, { type: "rt.speechStarted" }],
    [5_000, { type: "rt.speechStopped", userTranscriptionEnabled: false }],
  ],
  {
    config: { llm: "realtime", serverTurnDetection: true, hasVad: false, hasUserVad: false, hasStt: false },
    voicing: 250,
    duration: () => 5_000,
  },
  {
    ours: `
      500 user speaking @500
      500 rt.interrupt
      2600 user listening @2600
      2600 hearing ""
      2700 heard "Hi"
      2750 play r1
      3000 ~ r1 sounds
      3000 agent speaking
      4000 user speaking @4000
      4000 rt.interrupt
      4000 interrupt r1
      4000 ~ r1 cleared at 1000
      4000 agent listening
      5000 user listening @5000
    `,
  },
);

timeline(
  "T18a: a hand-off in the middle of a turn leaves the turn to the new agent",
  [
    ...speech(500, 2_500, { until: 1_999 }),
    interim(1_200, "Tell me"),
    updateAgent(2_000),
    ...speech(500, 2_500).filter(([t]) => t > 2_000),
    final(2_700, "Tell me a story."),
  ],
  {},
  {
    ours: `
      550 user speaking @500
      1200 hearing "Tell me"
      2000 user listening @2000
      2700 heard "Tell me a story."
      2700 begin b1 "Tell me a story."
      3000 commit 1 "Tell me a story." [500..2500, words 200, end 500]
      3000 hook 1
      3000 use b1 for 1
      3000 agent thinking
      3000 over 1
      3000 play b1
      3200 ~ b1 sounds
      3200 agent speaking
      13200 ~ b1 ends
      13200 agent listening
    `,
    reference: `
      550 user speaking @500
      1200 hearing "Tell me"
      2000 user listening @2000
      2700 heard "Tell me a story."
      2700 begin b1 "Tell me a story."
      3000 commit 1 "Tell me a story."
      3000 hook 1
      3000 use b1 for 1
      3000 agent thinking
      3000 over 1
      3000 play b1
      3200 ~ b1 sounds
      3200 agent speaking
      13200 ~ b1 ends
      13200 agent listening
    `,
  },
);

timeline(
  "T18b: words that nobody has answered move to the new agent",
  [...speech(500, 2_500, { until: 2_899 }), final(2_700, "Tell me a story."), updateAgent(2_900)],
  { config: { endpointing: { minDelay: 1_000 } } },
  {
    from: 2_700,
    ours: `
      2700 heard "Tell me a story."
      2700 begin a1 "Tell me a story."
      2900 abort a1
      2900 user listening @2900
      3500 commit 1 "Tell me a story." [500..2500, words 200, end 1000]
      3500 hook 1
      3500 reply b1 for 1
      3500 agent thinking
      3500 over 1
      3500 play b1
      4000 ~ b1 sounds
      4000 agent speaking
      14000 ~ b1 ends
      14000 agent listening
    `,
    reference: `
      2700 heard "Tell me a story."
      2700 begin a1 "Tell me a story."
      2900 abort a1
      2900 user listening @2900
    `,
  },
);

timeline(
  "T19a: a closing session waits for words, and promotes an interim",
  [...speech(500, 4_000, { until: 2_000 }), interim(1_800, "Hello, how are"), close(2_000)],
  {},
  {
    ours: `
      550 user speaking @500
      1800 hearing "Hello, how are"
      4000 heard "Hello, how are"
      4000 committed "Hello, how are"
      4000 commit 1 "Hello, how are"
      4000 store 1 (scheduling_paused)
    `,
  },
);

timeline(
  "T19b: a final that comes in time is stored, not answered",
  [
    ...speech(500, 4_000, { until: 2_000 }),
    interim(1_800, "Hello, how are"),
    close(2_000),
    final(2_500, "Hello, how are you?"),
  ],
  {},
  {
    ours: `
      550 user speaking @500
      1800 hearing "Hello, how are"
      2500 heard "Hello, how are you?"
      2500 committed "Hello, how are you?"
      2500 commit 1 "Hello, how are you?" [500..2000, words 500, end 500]
      2500 store 1 (scheduling_paused)
    `,
  },
);

timeline(
  "T19c: a decision that waits is taken at the close, once",
  [...speech(500, 1_500), final(1_800, "Hello"), close(2_200)],
  { config: { endpointing: { minDelay: 2_000 } } },
  {
    from: 1_800,
    ours: `
      1800 heard "Hello"
      1800 begin a1 "Hello"
      2050 user listening @1500
      2200 abort a1
      2200 commit 1 "Hello" [500..1500, words 300, end 700]
      2200 store 1 (scheduling_paused)
      2200 committed ""
    `,
    reference: `
      1800 heard "Hello"
      1800 begin a1 "Hello"
      2050 user listening @1500
      2200 abort a1
      2200 commit 1 "Hello" [500..1500, words 300, end 700]
      2200 store 1 (scheduling_paused)
      2200 committed ""
      2200 commit 2 "" [500..1500, words 300, end 700]
      2200 store 2 (scheduling_paused)
    `,
  },
);

timeline(
  "T19d: a close without pending words does not wait",
  [...speech(500, 2_500), final(2_700, "Hello, how are you?"), close(6_000)],
  {},
  {
    from: 5_000,
    ours: `
      5250 ~ a1 ends
      5250 agent listening
      6000 committed ""
    `,
    reference: `
      5250 ~ a1 ends
      5250 agent listening
      8000 committed ""
    `,
  },
);

timeline(
  "T20: noise while the agent thinks holds the reply back for as long as it may be speech",
  [...STORY, ...speech(3_100, 3_400)],
  { thinking: () => 1_200 },
  {
    from: 3_000,
    ours: `
      3050 user listening @2500
      3050 commit 1 "Tell me a story." [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a1 for 1
      3050 agent thinking
      3050 over 1
      3050 play a1
      3150 user speaking @3100
      3150 pause
      3950 user listening @3400
      3950 resume
      3950 false interruption, resumed
      4100 ~ a1 sounds
      4100 agent speaking
      14100 ~ a1 ends
      14100 agent listening
    `,
    reference: `
      3050 user listening @2500
      3050 commit 1 "Tell me a story." [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a1 for 1
      3050 agent thinking
      3050 over 1
      3050 play a1
      3150 user speaking @3100
      3150 pause
      3600 agent listening
      3950 user listening @3400
      5950 agent thinking
      5950 resume
      5950 false interruption, resumed
      5950 ~ a1 sounds
      5950 agent speaking
      15950 ~ a1 ends
      15950 agent listening
    `,
  },
);

timeline(
  "T20: words while the agent thinks replace the reply, which is never heard",
  [...STORY, ...speech(3_100, 3_900), final(4_100, "about cats")],
  { thinking: (words) => words === "about cats" ? 300 : 1_200 },
  {
    from: 3_000,
    ours: `
      3050 user listening @2500
      3050 commit 1 "Tell me a story." [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a1 for 1
      3050 agent thinking
      3050 over 1
      3050 play a1
      3150 user speaking @3100
      3150 pause
      3600 agent listening
      4100 heard "about cats"
      4100 interrupt a1
      4100 resume
      4100 begin a2 "about cats"
      4450 user listening @3900
      4450 commit 2 "about cats" [3100..3900, words 200, end 550]
      4450 hook 2
      4450 use a2 for 2
      4450 agent thinking
      4450 over 2
      4450 play a2
      4650 ~ a2 sounds
      4650 agent speaking
      5650 ~ a2 ends
      5650 agent listening
    `,
    reference: `
      3050 user listening @2500
      3050 commit 1 "Tell me a story." [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a1 for 1
      3050 agent thinking
      3050 over 1
      3050 play a1
      3150 user speaking @3100
      3150 pause
      3600 agent listening
      4100 heard "about cats"
      4100 interrupt a1
      4100 resume
      4450 user listening @3900
      4450 commit 2 "about cats" [3100..3900, words 200, end 550]
      4450 hook 2
      4450 reply a2 for 2
      4450 agent thinking
      4450 over 2
      4450 play a2
      4950 ~ a2 sounds
      4950 agent speaking
      5950 ~ a2 ends
      5950 agent listening
    `,
  },
);

timeline(
  "T21: while the echo canceller warms up only a committed turn interrupts",
  [...STORY, ...speech(4_000, 5_000), final(5_200, "Stop!")],
  { aecWarmup: 3_000 },
  {
    from: 3_250,
    ours: `
      3250 ~ a1 sounds
      3250 agent speaking
      4050 user speaking @4000
      5200 heard "Stop!"
      5550 user listening @5000
      5550 commit 2 "Stop!" [4000..5000, words 200, end 550]
      5550 interrupt a1
      5550 ~ a1 cleared at 2300
      5550 agent listening
      5550 hook 2
      5550 reply a2 for 2
      5550 agent thinking
      5550 over 2
      5550 play a2
      6050 ~ a2 sounds
      6050 agent speaking
      7050 ~ a2 ends
      7050 agent listening
    `,
  },
);

timeline(
  "T22: fewer words than minWords neither interrupt nor commit, and count later",
  [
    ...STORY,
    ...speech(5_000, 6_000),
    interim(5_900, "yeah ok"),
    final(6_200, "yeah ok"),
    ...speech(7_000, 8_000),
    interim(7_900, "please stop it"),
    final(8_200, "please stop it"),
  ],
  { config: { interruption: { minWords: 3 } } },
  {
    from: 5_000,
    ours: `
      5050 user speaking @5000
      5900 hearing "yeah ok"
      6200 heard "yeah ok"
      6550 user listening @6000
      6550 refused (too_few_words)
      7050 user speaking @7000
      7900 hearing "please stop it"
      7950 pause
      7950 agent listening
      8200 heard "please stop it"
      8200 interrupt a1
      8200 ~ a1 cleared at 4700
      8200 resume
      8200 begin a2 "yeah ok please stop it"
      8550 user listening @8000
      8550 commit 2 "yeah ok please stop it" [5000..8000, words 200, end 550]
      8550 hook 2
      8550 use a2 for 2
      8550 agent thinking
      8550 over 2
      8550 play a2
      8750 ~ a2 sounds
      8750 agent speaking
      9750 ~ a2 ends
      9750 agent listening
    `,
    reference: `
      5050 user speaking @5000
      5900 hearing "yeah ok"
      6200 heard "yeah ok"
      6550 user listening @6000
      6550 refused (too_few_words)
      7050 user speaking @7000
      7900 hearing "please stop it"
      7950 pause
      7950 agent listening
      8200 heard "please stop it"
      8200 interrupt a1
      8200 ~ a1 cleared at 4700
      8200 resume
      8550 user listening @8000
      8550 commit 2 "yeah ok please stop it" [5000..8000, words 200, end 550]
      8550 hook 2
      8550 reply a2 for 2
      8550 agent thinking
      8550 over 2
      8550 play a2
      9050 ~ a2 sounds
      9050 agent speaking
      10050 ~ a2 ends
      10050 agent listening
    `,
  },
);

timeline(
  "T22: without a VAD the interim that has enough words interrupts",
  [
    final(2_700, "Tell me a story."),
    interim(5_900, "yeah ok"),
    final(6_200, "yeah ok"),
    interim(7_900, "please stop it"),
    final(8_200, "please stop it"),
  ],
  { config: { interruption: { minWords: 3 }, hasVad: false, hasUserVad: false } },
  {
    from: 5_000,
    ours: `
      5900 hearing "yeah ok"
      6200 heard "yeah ok"
      6700 refused (too_few_words)
      7900 hearing "please stop it"
      7900 pause
      7900 agent listening
      8200 heard "please stop it"
      8200 interrupt a1
      8200 ~ a1 cleared at 4500
      8200 resume
      8200 begin a2 "yeah ok please stop it"
      8700 commit 2 "yeah ok please stop it"
      8700 hook 2
      8700 use a2 for 2
      8700 agent thinking
      8700 over 2
      8700 play a2
      8900 ~ a2 sounds
      8900 agent speaking
      9900 ~ a2 ends
      9900 agent listening
    `,
    reference: `
      5900 hearing "yeah ok"
      6200 heard "yeah ok"
      6700 refused (too_few_words)
      7900 hearing "please stop it"
      8200 heard "please stop it"
      8200 pause
      8200 agent listening
      8200 interrupt a1
      8200 ~ a1 cleared at 4800
      8200 resume
      8700 commit 2 "yeah ok please stop it"
      8700 hook 2
      8700 reply a2 for 2
      8700 agent thinking
      8700 over 2
      8700 play a2
      9200 ~ a2 sounds
      9200 agent speaking
      10200 ~ a2 ends
      10200 agent listening
    `,
  },
);

timeline(
  "T23: a final after the commit interrupts the reply and is the next turn",
  [...speech(500, 2_500), final(2_700, "Tell me"), final(3_400, "a story")],
  {},
  {
    from: 3_000,
    ours: `
      3050 user listening @2500
      3050 commit 1 "Tell me" [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a1 for 1
      3050 agent thinking
      3050 over 1
      3050 play a1
      3250 ~ a1 sounds
      3250 agent speaking
      3400 heard "a story"
      3400 pause
      3400 agent listening
      3400 interrupt a1
      3400 ~ a1 cleared at 150
      3400 resume
      3400 begin a2 "a story"
      3900 commit 2 "a story"
      3900 hook 2
      3900 use a2 for 2
      3900 agent thinking
      3900 over 2
      3900 play a2
      4100 ~ a2 sounds
      4100 agent speaking
      5100 ~ a2 ends
      5100 agent listening
    `,
    reference: `
      3050 user listening @2500
      3050 commit 1 "Tell me" [500..2500, words 200, end 550]
      3050 hook 1
      3050 use a1 for 1
      3050 agent thinking
      3050 over 1
      3050 play a1
      3250 ~ a1 sounds
      3250 agent speaking
      3400 heard "a story"
      3400 pause
      3400 agent listening
      3400 interrupt a1
      3400 ~ a1 cleared at 150
      3400 resume
      3900 commit 2 "a story"
      3900 hook 2
      3900 reply a2 for 2
      3900 agent thinking
      3900 over 2
      3900 play a2
      4400 ~ a2 sounds
      4400 agent speaking
      5400 ~ a2 ends
      5400 agent listening
    `,
  },
);

timeline("T24: words that the VAD missed are a turn", [final(2_700, "Tell me a story.")], {}, {
  ours: `
      2700 heard "Tell me a story."
      2700 begin a1 "Tell me a story."
      3200 commit 1 "Tell me a story."
      3200 hook 1
      3200 use a1 for 1
      3200 agent thinking
      3200 over 1
      3200 play a1
      3400 ~ a1 sounds
      3400 agent speaking
      13400 ~ a1 ends
      13400 agent listening
    `,
});

timeline(
  "T25: the second speech waits for minConsecutiveSpeechDelay",
  [[1_000, (w) => {
    w.say("A");
    w.say("B");
  }]],
  { config: { minConsecutiveSpeechDelay: 500 } },
  {
    ours: `
      1000 play A
      1200 ~ A sounds
      1200 agent speaking
      2200 ~ A ends
      2200 agent listening
      2700 play B
      2900 ~ B sounds
      2900 agent speaking
      3900 ~ B ends
      3900 agent listening
    `,
  },
);

timeline(
  "T26: the resume of a pause waits for the open decision, and follows its refusal",
  [
    [1_000, (w) => w.say("A")],
    ...speech(3_000, 3_600),
    verdict(3_600, false, 3_000),
  ],
  {
    config: {
      ...ADAPTIVE,
      llm: "realtime",
      detector: "streaming",
      hasStt: false,
      endpointing: { maxDelay: 3_000 },
      interruption: { backchannelBoundary: [5_000, 1_000] },
    },
    eot: { probability: 0.1, threshold: 0.4, ms: 40 },
    duration: () => 9_000,
  },
  {
    ours: `
      1000 play A
      1200 ~ A sounds
      1200 agent speaking
      1200 overlap.agentStarted
      3050 user speaking @3000
      3050 overlap from 3000
      3500 rt.startUserActivity
      3500 pause
      3500 agent listening
      3500 overlap ended by agent
      3500 overlap.agentEnded
      3800 eot.predict
      4150 user listening @3600
      4150 prediction 0.1 after 550
      6600 rt.clearAudio
      6600 refused (backchannel)
      6600 agent speaking
      6600 overlap.agentStarted
      6600 resume
      6600 false interruption, resumed
      13300 ~ A ends
      13300 overlap.agentEnded
      13300 agent listening
    `,
  },
);

timeline(
  "T26b: a final during the wait restarts it and moves nothing",
  [...speech(500, 2_500), final(2_700, "Tell me"), final(3_100, "a story")],
  { config: { endpointing: { minDelay: 1_000 } } },
  {
    from: 2_700,
    ours: `
      2700 heard "Tell me"
      2700 begin a1 "Tell me"
      3050 user listening @2500
      3100 heard "a story"
      3100 abort a1
      3100 begin a2 "Tell me a story"
      3500 commit 1 "Tell me a story" [500..2500, words 600, end 1000]
      3500 hook 1
      3500 use a2 for 1
      3500 agent thinking
      3500 over 1
      3500 play a2
      3700 ~ a2 sounds
      3700 agent speaking
      4700 ~ a2 ends
      4700 agent listening
    `,
  },
);

timeline(
  "T27: words of a speech that was muted commit",
  [
    ...speech(500, 1_450, { until: 1_450 }),
    [1_500, { type: "input.audioEnabled", enabled: false }],
    final(1_800, "Hello there"),
  ],
  {},
  {
    ours: `
      550 user speaking @500
      1500 user listening @1500
      1500 vad.flush
      1800 heard "Hello there"
      1800 begin a1 "Hello there"
      1950 commit 1 "Hello there" [500..1450, words 350, end 500]
      1950 hook 1
      1950 use a1 for 1
      1950 agent thinking
      1950 over 1
      1950 play a1
      2300 ~ a1 sounds
      2300 agent speaking
      4300 ~ a1 ends
      4300 agent listening
    `,
    reference: `
      550 user speaking @500
      1500 user listening @1500
      1800 heard "Hello there"
      1800 begin a1 "Hello there"
    `,
  },
);

timeline(
  "T28: speech after a manual commit does not call it off",
  [
    ...speech(500, 2_500),
    final(2_900, "turn it on"),
    commitUserTurn(3_000),
    ...speech(3_200, 4_000),
    final(4_200, "please"),
  ],
  { config: { mode: "manual", endpointing: { minDelay: 1_000 } } },
  {
    from: 2_900,
    ours: `
      2900 heard "turn it on"
      3000 committed "turn it on"
      3050 user listening @2500
      3250 user speaking @3200
      3500 commit 1 "turn it on" [500..2500, words 400, end 1000]
      3500 hook 1
      3500 reply a1 for 1
      3500 agent thinking
      3500 over 1
      4200 heard "please"
      4550 user listening @4000
      4550 play a1
      4750 ~ a1 sounds
      4750 agent speaking
      5750 ~ a1 ends
      5750 agent listening
    `,
    reference: `
      2900 heard "turn it on"
      3000 committed "turn it on"
      3050 user listening @2500
      3250 user speaking @3200
      4200 discard "please" (superseded)
      4550 user listening @4000
    `,
  },
);

const STREAMING = { detector: "streaming", endpointing: { minDelay: 300, maxDelay: 2_500 } } as const;
const SHORT = [...speech(500, 2_500, { silence: 250 }), final(2_800, "Hello, how are you?")];

timeline(
  "T29: a prediction that is there already delays nothing",
  SHORT,
  { config: STREAMING, eot: { probability: 0.8, threshold: 0.36, ms: 40 } },
  {
    from: 2_700,
    ours: `
      2700 eot.predict
      2750 user listening @2500
      2800 heard "Hello, how are you?"
      2800 begin a1 "Hello, how are you?"
      2800 prediction 0.8 after 300
      2800 commit 1 "Hello, how are you?" [500..2500, words 300, end 300]
      2800 eot.flush
      2800 hook 1
      2800 use a1 for 1
      2800 agent thinking
      2800 over 1
      2800 play a1
      3300 ~ a1 sounds
      3300 agent speaking
      5300 ~ a1 ends
      5300 agent listening
    `,
  },
);

timeline(
  "T29: a prediction that the user goes on makes the wait long",
  SHORT,
  { config: STREAMING, eot: { probability: 0.1, threshold: 0.36, ms: 40 } },
  {
    from: 2_700,
    ours: `
      2700 eot.predict
      2750 user listening @2500
      2800 heard "Hello, how are you?"
      2800 begin a1 "Hello, how are you?"
      2800 prediction 0.1 after 300
      5000 commit 1 "Hello, how are you?" [500..2500, words 300, end 2500]
      5000 eot.flush
      5000 hook 1
      5000 use a1 for 1
      5000 agent thinking
      5000 over 1
      5000 play a1
      5200 ~ a1 sounds
      5200 agent speaking
      7200 ~ a1 ends
      7200 agent listening
    `,
  },
);

timeline("T29: without an answer the turn commits after one second", SHORT, { config: STREAMING }, {
  from: 2_700,
  ours: `
      2700 eot.predict
      2750 user listening @2500
      2800 heard "Hello, how are you?"
      2800 begin a1 "Hello, how are you?"
      3800 eot.cancel, timed out
      3800 commit 1 "Hello, how are you?" [500..2500, words 300, end 1300]
      3800 eot.flush
      3800 hook 1
      3800 use a1 for 1
      3800 agent thinking
      3800 over 1
      3800 play a1
      4000 ~ a1 sounds
      4000 agent speaking
      6000 ~ a1 ends
      6000 agent listening
    `,
});

timeline(
  "T30: of two turns during a slow hook both are stored and the second is answered",
  [
    ...speech(500, 2_000),
    final(2_200, "Tell me a story"),
    ...speech(2_700, 3_300),
    final(3_500, "about cats"),
  ],
  { hook: { ms: 1_500 } },
  {
    ours: `
      550 user speaking @500
      2200 heard "Tell me a story"
      2200 begin a1 "Tell me a story"
      2550 user listening @2000
      2550 commit 1 "Tell me a story" [500..2000, words 200, end 550]
      2550 hook 1
      2750 user speaking @2700
      3500 heard "about cats"
      3500 abort a1
      3500 begin a2 "about cats"
      3850 user listening @3300
      3850 commit 2 "about cats" [2700..3300, words 200, end 550]
      4050 reply a3 for 1
      4050 interrupt a3
      4050 over 1
      4050 hook 2
      5550 use a2 for 2
      5550 agent thinking
      5550 over 2
      5550 play a2
      5750 ~ a2 sounds
      5750 agent speaking
      6750 ~ a2 ends
      6750 agent listening
    `,
    reference: `
      550 user speaking @500
      2200 heard "Tell me a story"
      2200 begin a1 "Tell me a story"
      2550 user listening @2000
      2550 commit 1 "Tell me a story" [500..2000, words 200, end 550]
      2550 hook 1
      2750 user speaking @2700
      3500 heard "about cats"
      3500 abort a1
      3500 begin a2 "about cats"
      3850 user listening @3300
      3850 commit 2 "about cats" [2700..3300, words 200, end 550]
      4050 abort a2
      4050 reply a3 for 1
      4050 interrupt a3
      4050 over 1
      4050 hook 2
      5550 reply a4 for 2
      5550 agent thinking
      5550 over 2
      5550 play a4
      6050 ~ a4 sounds
      6050 agent speaking
      7050 ~ a4 ends
      7050 agent listening
    `,
  },
);
