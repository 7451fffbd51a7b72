/**
 * Writes `docs/turn-settings.md` and its pictures. Each picture is a conversation that a whole session held, on the virtual
 * clock, with the settings that the page shows beside it.
 */
import { virtualRuntime } from "../adapters/runtime/virtual.ts";
import type { TurnHandlingOptions } from "../src/session/options.ts";
import type { ScriptedReply } from "../src/testing/scripted_llm.ts";
import { type ScriptedPrediction, scriptedTurnDetector } from "../src/testing/scripted_turn_detector.ts";
import { type Timeline, timelineOf } from "../src/trace/timeline.ts";
import { type World, world } from "../tests/session/harness.ts";
import { table } from "./markdown.ts";

/** What the user says. */
interface Says {
  readonly from: number;
  readonly until: number;
  readonly text: string;
}

interface Picture {
  readonly name: string;
  readonly caption: string;
  readonly turnHandling?: TurnHandlingOptions;
  /** Answers of a detector of ends of turns, where there is one. */
  readonly predictions?: readonly ScriptedPrediction[];
  readonly aecWarmupDuration?: number;
  readonly says: readonly Says[];
  readonly replies: readonly ScriptedReply[];
  /** The agent says this at 500. */
  readonly greeting?: { readonly text: string; readonly allowInterruptions?: boolean };
  readonly also?: (w: World) => void;
  readonly until: number;
}

interface Chapter {
  readonly title: string;
  readonly text: string;
  /** As the page shows them; they are those of the last picture. */
  readonly settings?: string;
  readonly pictures: readonly Picture[];
}

const STORY = "We have three copies of it, one of them is old and quite expensive, though it is a beautiful book.";

const NUMBER: readonly Says[] = [
  { from: 500, until: 1_700, text: "My number is" },
  { from: 2_600, until: 4_000, text: "five five one" },
];

const CHAPTERS: readonly Chapter[] = [
  {
    title: "Nothing set",
    text:
      "A turn ends 500 ms after the user's last sound, and not before the words are there. The reply is begun with the words, " +
      "and heard when the turn has ended.",
    pictures: [{
      name: "plain",
      caption: "The flag is the end of the turn.",
      says: [{ from: 500, until: 2_000, text: "Do you have Moby Dick?" }],
      replies: [{ ttftMs: 200, text: "Yes, three copies." }],
      until: 5_000,
    }],
  },
  {
    title: "Numbers, addresses, people who think while they speak",
    text:
      "Who dictates makes pauses that are no ends. Give them time, at the price of a later answer to everything else:",
    settings: "endpointing: { minDelay: 1_200 }",
    pictures: [
      {
        name: "number-cut",
        caption: "With 500 ms the pause is taken for the end, and the agent speaks into the number.",
        says: NUMBER,
        replies: [{ ttftMs: 200, text: "And what is the number?" }],
        until: 7_000,
      },
      {
        name: "number",
        caption: "With 1,200 ms it is one turn.",
        turnHandling: { endpointing: { minDelay: 1_200 } },
        says: NUMBER,
        replies: [{ ttftMs: 200, text: "Thank you, I have it." }],
        until: 7_500,
      },
    ],
  },
  {
    title: "Quick where it can be, patient where it must be",
    text:
      "A detector tells ends from pauses: from the words (`turn_detector`), or from the sound (`streaming_turn_detector`, such as " +
      "`@repartee/agents/smart-turn`). When it says that the user goes on, `maxDelay` holds in place of `minDelay`. " +
      '`endpointing.mode: "graded"` waits longer the less likely the end is, instead of one of two times; `"dynamic"` needs no ' +
      "detector and learns from the pauses that this user makes inside turns.",
    settings: "turnDetection: smartTurn()",
    pictures: [{
      name: "detector",
      caption:
        "The detector thinks that the first pause is no end (0.1) and that the second is (0.9): 300 ms are enough then.",
      predictions: [{ probability: 0.1 }, { probability: 0.9 }],
      turnHandling: {},
      says: NUMBER,
      replies: [{ ttftMs: 200, text: "Thank you, I have it." }],
      until: 7_000,
    }],
  },
  {
    title: "Cutting in",
    text:
      "After 500 ms of voice (`interruption.minDuration`) the agent falls silent: a suspicion. Words confirm it, and the rest is " +
      "thrown away; 2,000 ms of silence (`falseInterruptionTimeout`) refute it, and the agent goes on where it was.",
    pictures: [
      {
        name: "barge-in",
        caption: "Words: the history holds what was heard of the sentence, and the user has an answer.",
        greeting: { text: STORY },
        says: [{ from: 3_000, until: 4_200, text: "Only the old one" }],
        replies: [{ ttftMs: 200, text: "It costs ninety." }],
        until: 8_000,
      },
      {
        name: "cough",
        caption: "A cough: two seconds later the agent goes on.",
        greeting: { text: STORY },
        says: [{ from: 3_000, until: 3_700, text: "" }],
        replies: [],
        until: 10_500,
      },
    ],
  },
  {
    title: "Users who show that they listen",
    text:
      "Words that only show attention leave the agent the floor: lists of seven languages, judged with their length and their " +
      "place in the agent's speech. They are shown as transcripts and are no turn. Near the end of a question they are its answer. " +
      "Nothing has to be set; `backchannel: null` lets every word interrupt, a function of your own judges in its place, and an " +
      "`interruption.detector` judges from the sound instead (`overlapDetector` makes one of any model that judges sound).",
    pictures: [
      {
        name: "backchannel",
        caption: "The voice was long enough for a pause; the words end it at once.",
        greeting: { text: STORY },
        says: [{ from: 3_000, until: 3_700, text: "Okay, I see." }],
        replies: [],
        until: 8_500,
      },
      {
        name: "backchannel-off",
        caption: "The same with `backchannel: null`.",
        turnHandling: { interruption: { backchannel: null } },
        greeting: { text: STORY },
        says: [{ from: 3_000, until: 3_700, text: "Okay, I see." }],
        replies: [{ ttftMs: 200, text: "What else may I do?" }],
        until: 8_500,
      },
    ],
  },
  {
    title: "Noisy places",
    text:
      "Where doors slam and others talk, ask for more before the agent falls silent: a longer voice, or words. With words the " +
      "agent stops when they are understood, a little later.",
    settings: "interruption: { minDuration: 900, minWords: 2 }",
    pictures: [{
      name: "noise",
      caption: "A door of 700 ms does nothing. Two words do.",
      turnHandling: { interruption: { minDuration: 900, minWords: 2 } },
      greeting: { text: STORY },
      says: [{ from: 2_000, until: 2_700, text: "" }, { from: 4_500, until: 5_900, text: "Only the old one" }],
      replies: [{ ttftMs: 200, text: "It costs ninety." }],
      until: 9_500,
    }],
  },
  {
    title: "What must be heard",
    text:
      "A notice that must be heard is said so that nobody can cut in: `say(text, { allowInterruptions: false })` for one, " +
      "`interruption.enabled: false` for all. What the user says meanwhile is not recognised, unless " +
      "`discardAudioIfUninterruptible: false`: then it is stored, and not answered.",
    settings: "interruption: { enabled: false }",
    pictures: [{
      name: "protected",
      caption: "The user speaks over the notice, which goes on.",
      turnHandling: { interruption: { enabled: false } },
      greeting: { text: "This call is recorded. Say stop at any time to end the recording." },
      says: [{ from: 2_000, until: 2_900, text: "" }],
      replies: [],
      until: 6_000,
    }],
  },
  {
    title: "A button to talk",
    text:
      "The program says when the turn is over: `session.commitUserTurn()`. Pauses end nothing, and sound interrupts nobody; call " +
      "`session.interrupt()` when the button goes down.",
    settings: 'turnDetection: "manual"',
    pictures: [{
      name: "manual",
      caption: "The button is released at 4.5 s.",
      turnHandling: { turnDetection: "manual" },
      says: NUMBER,
      replies: [{ ttftMs: 200, text: "Thank you, I have it." }],
      also: (w) => w.clock.schedule(4_500, () => void w.session.commitUserTurn()),
      until: 7_500,
    }],
  },
  {
    title: "Users who never stop",
    text:
      "After so many words or so much time the agent cuts in, if it is not heard otherwise: `Agent.onUserTurnExceeded`, which by " +
      "default answers in a sentence that cannot be interrupted.",
    settings: "userTurnLimit: { maxWords: 8 }",
    pictures: [{
      name: "limit",
      caption: "With the second piece the words are over the limit: the agent speaks while the user does.",
      turnHandling: { userTurnLimit: { maxWords: 8 } },
      says: [{ from: 500, until: 7_500, text: "" }],
      also: (w) => {
        const words = ["so the thing is that", "I bought this lamp last year", "and then"];
        words.forEach((text, i) =>
          w.clock.schedule(2_000 + i * 1_500, () =>
            w.stt.push({
              type: "final_transcript",
              alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 0.9 }],
            }))
        );
      },
      replies: [
        { when: { lastUser: "so the thing is that" }, ttftMs: 200, text: "-" },
        { ttftMs: 200, text: "Let me ask about the lamp." },
      ],
      until: 11_500,
    }],
  },
  {
    title: "Loudspeakers",
    text:
      "Until the echo canceller knows the room, the agent's own voice comes back as the user's. For `aecWarmupDuration` (3,000 ms " +
      "from the first speech on, once) sound interrupts nobody and is not recognised while the agent is heard. On a telephone or " +
      "a headset set it to `null`.",
    settings: "",
    pictures: [{
      name: "echo",
      caption: "The echo at 1.5 s stops nobody; the user at 5 s does.",
      aecWarmupDuration: 3_000,
      greeting: { text: STORY },
      says: [{ from: 1_500, until: 2_600, text: "" }, { from: 5_000, until: 6_000, text: "Only the old one" }],
      replies: [{ ttftMs: 200, text: "It costs ninety." }],
      until: 9_500,
    }],
  },
];

/** A voice, window by window, with the silence that ends it, and its words 300 ms behind it. */
function speak({ clock, vad, stt }: World, { from, until, text }: Says): void {
  const window = (at: number, type: "start_of_speech" | "inference_done" | "end_of_speech"): void => {
    const silence = Math.max(0, at - until);
    clock.schedule(at, () =>
      vad.push({
        type,
        timestampMs: at,
        speechDurationMs: type === "end_of_speech" ? until - from : at - from,
        silenceDurationMs: silence,
        rawSpeechMs: silence === 0 ? at - from : 0,
        rawSilenceMs: silence,
        speaking: type !== "end_of_speech",
        probability: silence === 0 ? 1 : 0,
        inferenceDurationMs: 0,
      }));
  };
  window(from + 50, "start_of_speech");
  for (let at = from + 100; at < until + 400; at += 50) window(at, "inference_done");
  window(until + 400, "end_of_speech");
  if (text === "") return;
  clock.schedule(until + 300, () =>
    stt.push({
      type: "final_transcript",
      alternatives: [{ text, language: "en", startTimeMs: from, endTimeMs: until, confidence: 0.9 }],
    }));
}

async function hold(picture: Picture): Promise<Timeline> {
  const runtime = virtualRuntime({ seed: 1 });
  const detector = picture.predictions === undefined
    ? undefined
    : scriptedTurnDetector({ clock: runtime.clock, answers: picture.predictions, threshold: 0.36 });
  const w = world({
    runtime,
    ears: true,
    trace: true,
    tts: { ttfbMs: 150, msPerChar: 65 },
    llm: picture.replies.length === 0 ? [{ text: "Yes." }] : picture.replies,
    options: {
      aecWarmupDuration: picture.aecWarmupDuration ?? null,
      turnHandling: { ...(detector && { turnDetection: detector }), ...picture.turnHandling },
    },
  });
  await w.start();
  for (const says of picture.says) speak(w, says);
  picture.also?.(w);
  const { greeting } = picture;
  if (greeting !== undefined) w.clock.schedule(500, () => void w.session.say(greeting.text, greeting));
  await w.clock.runUntil(picture.until);
  const timeline = timelineOf(w.trace);
  await w.close();
  return timeline;
}

// --- drawing -----------------------------------------------------------------------------------------------------------

const WIDTH = 880;
const LEFT = 76;
const LANES = { user: 34, words: 62, agent: 92, state: 122, axis: 152 };
const HEIGHT = 172;
const STATES: Readonly<Record<string, string>> = { listening: "#d9dcdf", thinking: "#e0b13c", speaking: "#5fa777" };

const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** A picture of a timeline, by itself: it reads on light and on dark pages, since it brings its own ground. */
function svg(t: Timeline, until: number, caption: string): string {
  const x = (ms: number): number => Math.round((LEFT + (Math.min(ms, until) / until) * (WIDTH - LEFT - 34)) * 10) / 10;
  const out: string[] = [];
  const bar = (from: number, to: number, y: number, height: number, fill: string, more = ""): void => {
    if (from < until) {
      out.push(
        `<rect x="${x(from)}" y="${y}" width="${
          Math.max(1.5, x(to) - x(from)).toFixed(1)
        }" height="${height}" fill="${fill}"${more}/>`,
      );
    }
  };
  const text = (px: number, py: number, words: string, fill = "#1d2024", size = 12, more = ""): void =>
    void out.push(
      `<text x="${px.toFixed(1)}" y="${py}" font-size="${size}" fill="${fill}"${more}>${escape(words)}</text>`,
    );

  for (const [name, y] of [["user", LANES.user], ["agent", LANES.agent], ["state", LANES.state]] as const) {
    text(10, y + 14, name, "#6a7078");
  }
  const step = until > 8_000 ? 2_000 : 1_000;
  for (let ms = 0; ms <= until; ms += step) {
    out.push(`<line x1="${x(ms)}" y1="24" x2="${x(ms)}" y2="${LANES.axis}" stroke="#e2e3e0"/>`);
    text(x(ms) + 3, LANES.axis + 12, `${ms / 1000} s`, "#6a7078", 11);
  }
  for (const { from, to } of t.vad) bar(from, to, LANES.user, 20, "#2563a8", ' rx="3"');
  const finals = t.transcripts.filter((one) => one.isFinal && one.text !== "" && one.t < until);
  let right = 0;
  for (const one of finals) {
    out.push(
      `<line x1="${x(one.t)}" y1="${LANES.user + 20}" x2="${x(one.t)}" y2="${LANES.words + 4}" stroke="#2563a8"/>`,
    );
    const begin = Math.max(x(one.t) + 4, right);
    text(begin, LANES.words + 3, one.text, "#2563a8");
    right = begin + one.text.length * 6.4 + 10;
  }
  for (const { from, to } of t.playout) {
    bar(from, to, LANES.agent, 20, "#b4541a", ' rx="3"');
  }
  // What has not ended when the picture does.
  const heard = t.agentStates.filter(({ label, to, from }) => label === "speaking" && to >= until && from < until);
  for (const { from } of heard) bar(from, until, LANES.agent, 20, "#b4541a", ' rx="3"');
  for (const { from, to } of t.pauses) {
    bar(from, to, LANES.agent, 20, "#f7f7f5", ' stroke="#b4541a" stroke-dasharray="3 2"');
  }
  for (const { to, cut } of t.playout) if (cut) bar(to - until / 300, to, LANES.agent - 4, 28, "#c53a3a");
  const last = t.agentStates.at(-1)?.to ?? 0;
  if (last < until) bar(last, until, LANES.state, 16, STATES["listening"]!);
  for (const { from, to, label } of t.agentStates) {
    if (STATES[label] === undefined) continue;
    bar(from, Math.min(to, until), LANES.state, 16, STATES[label]!);
    if (x(Math.min(to, until)) - x(from) > 54) text(x(from) + 4, LANES.state + 12, label, "#1d2024", 11);
  }
  for (const one of t.overlaps) {
    if (one.t < until) text(x(one.t) + 4, LANES.user + 14, one.takesFloor ? "" : "leaves the floor", "#2f6f48", 11);
  }
  for (const { t: at } of t.commits) {
    if (at >= until) continue;
    out.push(`<line x1="${x(at)}" y1="22" x2="${x(at)}" y2="${LANES.axis}" stroke="#c53a3a" stroke-dasharray="4 3"/>`);
    out.push(`<path d="M${x(at)} 20 l10 -5 l-10 -5 z" fill="#c53a3a"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" role="img" aria-label="${
    escape(caption)
  }">
<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#f7f7f5"/>
${out.join("\n")}
</svg>
`;
}

// --- the page ----------------------------------------------------------------------------------------------------------

const CONVERSATIONS: readonly (readonly string[])[] = [
  ["short questions and answers", "nothing"],
  ["dictation: numbers, addresses, spelling", "`endpointing.minDelay: 1_200`, or a detector"],
  ["long thoughts, interviews, coaching", 'a detector, `endpointing: { mode: "graded", maxDelay: 4_000 }`'],
  ["one caller for long, no model to ask", '`endpointing.mode: "dynamic"`'],
  ["a loud place, many voices", "`interruption: { minDuration: 900, minWords: 2 }`"],
  [
    "users who hum along in a language without a list",
    "`interruption.backchannel` of your own, or `interruption.detector`",
  ],
  ["notices by law, readings", "`interruption.enabled: false`, or `say(text, { allowInterruptions: false })`"],
  ["a button to talk", '`turnDetection: "manual"`'],
  ["no voice activity detector, a recogniser that tells ends", '`turnDetection: "stt"`'],
  ["users who talk without end", "`userTurnLimit`"],
  ["names and terms that are misheard", "`keytermsOptions`"],
  ["a recogniser that goes silent", "`transcriptionTimeout`, and the event `user_transcription_timeout`"],
  ["loudspeakers, telephones", "`aecWarmupDuration`"],
];

/** The page and its pictures, by path. */
export async function turnSettings(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const chapters: string[] = [];
  for (const { title, text, settings, pictures } of CHAPTERS) {
    const parts = [`## ${title}`, text];
    if (settings) parts.push(`\`\`\`ts\nnew AgentSession({ turnHandling: { ${settings} } });\n\`\`\``);
    for (const picture of pictures) {
      const path = `docs/pictures/turn-${picture.name}.svg`;
      files.set(path, svg(await hold(picture), picture.until, picture.caption));
      parts.push(`![${picture.caption}](pictures/turn-${picture.name}.svg)`, `_${picture.caption}_`);
    }
    chapters.push(parts.join("\n\n"));
  }
  files.set("docs/turn-settings.md", PAGE(chapters.join("\n\n")));
  return files;
}

const PAGE = (chapters: string): string =>
  `# Which settings for which conversation

<!-- Written by \`npm run docs\`: change \`scripts/turn_pictures.ts\`, not this page. -->

\`turnHandling\` is an option of the session and of each agent, whose keys come before the session's, one by one. It may be
changed while a session runs: \`session.updateOptions({ turnHandling })\`. All times are milliseconds. How the decisions are
made is in [turn-taking.md](turn-taking.md).

${table(["the conversation", "set"], CONVERSATIONS)}

In the pictures the user's voice is blue, with the words where they were understood. The agent's is brown, dashed where it is
paused, red where it is cut off. A flag is the end of a turn. Each was drawn from a session that held the conversation.

${chapters}
`;
