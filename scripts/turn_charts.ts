/**
 * Draws `docs/turn-taking.md`: a chart of each region of the turn machine, from what the machine does. Some thousands of
 * conversations are played, always the same, and each change of a region's phase is an arrow with the facts that caused it.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { TurnEvent } from "../src/turn/event.ts";
import type { SharedState, TurnState } from "../src/turn/state.ts";
import { createTurn } from "../src/turn/state.ts";
import { world, type WorldOptions } from "../tests/turn/harness.ts";
import { moves, options, play } from "../tests/turn/random_worlds.ts";
import { table } from "./markdown.ts";
import { root } from "./places.ts";

/** Conversations that the charts are drawn from. Chosen: no arrow comes with twice as many. */
const WORLDS = 8_000;

interface Chart {
  readonly title: string;
  readonly file: string;
  readonly spec: string;
  readonly about: string;
  /** The phase of the region in a state. */
  readonly phase: (turn: TurnState, shared: SharedState) => string;
}

/** A region of many: speeches, turns. Each has a life of its own. */
interface Lives {
  readonly title: string;
  readonly file: string;
  readonly spec: string;
  readonly about: string;
  readonly all: (turn: TurnState) => readonly { readonly id: string | number; readonly phase: string }[];
}

const CHARTS: readonly (Chart | Lives)[] = [
  {
    title: "The activity",
    file: "lifecycle.ts",
    spec: "21",
    about: "One agent's time on stage. Only while `running` does it take new speech and new turns.",
    phase: ({ life }) => life,
  },
  {
    title: "The user, as the public sees it",
    file: "states.ts",
    spec: "18",
    about: "`user_state_changed` tells each arrow, with the time at which the voice really began or ended.",
    phase: (_, { userState }) => userState,
  },
  {
    title: "The agent, as the public sees it",
    file: "states.ts",
    spec: "18",
    about: "`agent_state_changed` tells each arrow. A resume goes back to the state that the first pause found.",
    phase: (_, { agentState }) => agentState,
  },
  {
    title: "The user's voice",
    file: "voice.ts",
    spec: "8",
    about:
      "What the VAD, a recogniser in mode `stt`, or a realtime server hears. `words`: something is understood and not " +
      "committed yet.",
    phase: ({ recognition: { speaking, finalText, interimText } }) =>
      `${speaking ? "speaking" : "silent"}${finalText === "" && interimText === "" ? "" : " with words"}`,
  },
  {
    title: "The end of a turn",
    file: "decision.ts",
    spec: "9, 14",
    about:
      "Asked a text detector, waiting for a streaming one, or waiting for the endpointing delay. A commit leaves `waiting`.",
    phase: ({ decision }) => decision.phase,
  },
  {
    title: "`commitUserTurn`",
    file: "commit.ts",
    spec: "10",
    about: "The program ends the turn; its last words may still be on their way.",
    phase: ({ commit }) => commit.phase,
  },
  {
    title: "A suspected interruption",
    file: "interruption.ts",
    spec: "11",
    about:
      "The speech that has the floor is silenced until words or a turn confirm the suspicion, or silence refutes it. " +
      "`timed`: the silence runs. `pending`: it is over, and an open decision has the last word.",
    phase: ({ interruption: { paused }, timers }) =>
      paused === null
        ? "none"
        : paused.pending
        ? "pending"
        : timers["falseInterruption"] === undefined
        ? "paused"
        : "timed",
  },
  {
    title: "Overlaps",
    file: "overlap.ts",
    spec: "12",
    about: "User speech over audible agent speech, where a detector judges it. `held`: words wait for the verdict.",
    phase: ({ overlap: { agentSpeaking, open, held, detectionEnabled } }) =>
      (agentSpeaking ? (open ? "overlap" : "agent heard") : "agent silent") + (held.length > 0 ? " held" : "") +
      (detectionEnabled ? "" : " unjudged"),
  },
  {
    title: "The streaming detector's question",
    file: "streaming.ts",
    spec: "14.2",
    about: "Asked once in each pause of the user, so that its answer is there when the decision is.",
    phase: ({ streaming }) => streaming.prediction.phase,
  },
  {
    title: "A speech of the agent",
    file: "speeches.ts",
    spec: "17",
    about: "Each has a life of its own. `held` is a reply begun before its turn is sure.",
    all: ({ speeches }) => speeches.all,
  },
  {
    title: "A turn on its way to a reply",
    file: "pipeline.ts",
    spec: "15",
    about: "One after the other. Each ends in a reply, is stored without one, or is dropped, with its reason.",
    all: ({ turns }) => turns.list,
  },
  {
    title: "The reply that is begun early",
    file: "preemptive.ts",
    spec: "15.3",
    about: "At most one; only the turn that it was made for may take it.",
    phase: ({ turns }) => turns.preemptive === null ? "none" : "begun",
  },
  {
    title: "The limit of a user turn",
    file: "limits.ts",
    spec: "16",
    about: "The hook runs when nothing else is going on.",
    phase: ({ limits }) => limits.exceeded.phase,
  },
  {
    title: "The echo canceller's warm-up",
    file: "states.ts",
    spec: "11.6",
    about: "Once in a session. While it runs sound does not interrupt.",
    phase: (_, { aec }) => aec.phase,
  },
];

/** Files of the machine that hold no region, and what they are for. */
const BESIDE = ["step.ts", "draft.ts", "state.ts", "regions.ts", "event.ts", "effect.ts", "config.ts", "mode.ts"];
const REGIONS = [
  "voice.ts",
  "recognition.ts",
  "user_words.ts",
  "backchannel.ts",
  "backchannel_words.ts",
  "decision.ts",
  "commit.ts",
  "endpointing.ts",
  "interruption.ts",
  "overlap.ts",
  "streaming.ts",
  "speeches.ts",
  "speech_list.ts",
  "pipeline.ts",
  "preemptive.ts",
  "limits.ts",
  "states.ts",
  "lifecycle.ts",
  "realtime.ts",
  "keyterms.ts",
  "words.ts",
  "query.ts",
  "invariants.ts",
];

type Edges = Map<string, Map<string, Set<string>>>;

/** Plays the conversations, and collects the arrows of each chart. */
function explore(): readonly Edges[] {
  const edges: Edges[] = CHARTS.map(() => new Map());
  const add = (chart: number, from: string, to: string, cause: string): void => {
    if (from === to) return;
    const ends = edges[chart]!.get(from) ?? new Map<string, Set<string>>();
    const causes = ends.get(to) ?? new Set<string>();
    edges[chart]!.set(from, ends.set(to, causes.add(cause)));
  };
  const drawn = fc.sample(fc.tuple(moves, options), { seed: 20_26, numRuns: WORLDS });
  for (const [n, [script, opts]] of drawn.entries()) {
    const { patch, ...kind } = KINDS[n % KINDS.length]!;
    const moved = kind.deaf ? script.filter((move) => move.kind !== "speak" && move.kind !== "blip") : script;
    const w = world([...play(moved), ...ALWAYS], {
      ...DETECTORS,
      ...opts,
      config: { ...opts.config, ...patch, compat: "fixed" },
    });
    let turn = w.turn;
    CHARTS.forEach((chart, i) => {
      if ("phase" in chart) {
        add(i, chart.phase(createTurn("a", w.config), w.shared), chart.phase(turn, w.shared), "activity.started");
      }
    });
    let shared = w.shared;
    w.onStep = (_, event) => {
      if (w.turn.activityId !== turn.activityId) turn = createTurn(w.turn.activityId, w.config);
      const cause = causeOf(event);
      CHARTS.forEach((chart, i) => {
        if ("phase" in chart) {
          add(i, chart.phase(turn, shared), chart.phase(w.turn, w.shared), cause);
          return;
        }
        const before = new Map(chart.all(turn).map(({ id, phase }) => [id, phase]));
        const after = new Map(chart.all(w.turn).map(({ id, phase }) => [id, phase]));
        for (const [id, phase] of after) add(i, before.get(id) ?? "[*]", phase, cause);
        for (const [id, phase] of before) if (!after.has(id)) add(i, phase, "[*]", cause);
      });
      turn = w.turn;
      shared = w.shared;
    };
    w.run();
  }
  return edges;
}

/** Detectors that answer, now so and now so. */
const DETECTORS: WorldOptions = {
  detector: {
    answers: new Proxy({}, { get: (_, text) => String(text).length % 3 === 0 ? 0.9 : 0.2 }) as Record<string, number>,
    threshold: 0.5,
    ms: 600,
  },
};

/** The dice alone would seldom throw some kinds of session: each has its share. */
const KINDS: readonly { readonly patch: WorldOptions["config"]; readonly deaf?: true }[] = [
  { patch: {} },
  { patch: { llm: "pipeline", hasStt: true } },
  {
    patch: { llm: "pipeline", hasStt: true, mode: null, hasVad: false, hasUserVad: false, detector: "none" },
    deaf: true,
  },
  {
    patch: {
      llm: "realtime",
      serverTurnDetection: false,
      hasStt: false,
      mode: null,
      detector: "streaming",
      adaptive: true,
    },
  },
  { patch: { llm: "pipeline", hasStt: true, mode: null, userTurnLimit: { maxWords: 3, maxDuration: null } } },
];

const ALWAYS = [
  ...[4_000, 7_000, 12_000, 20_000].map((t, i) => [t, { type: "exceeded.hookDone", restore: i % 2 === 0 }] as const),
  [45_000, { type: "session.closing" }],
  [45_000, { type: "activity.drain" }],
  [45_000, { type: "api.interrupt", force: true }],
  [50_000, { type: "activity.close" }],
] as const;

/** A fact by its name; a timer by its own. */
function causeOf(event: TurnEvent): string {
  return event.type === "timer" ? `${event.name} timer` : event.type;
}

/** One chart, for Mermaid. Phases and causes in a fixed order. */
function draw(edges: Edges): string {
  const phases = [...new Set([...edges.keys(), ...[...edges.values()].flatMap((ends) => [...ends.keys()])])].sort();
  const id = (phase: string): string => phase === "[*]" ? phase : phase.replaceAll(" ", "_");
  const names = phases.filter((phase) => phase.includes(" ")).map((phase) => `  state "${phase}" as ${id(phase)}`);
  const arrows = [...edges].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([from, ends]) =>
    [...ends].sort(([a], [b]) => a < b ? -1 : 1).map(([to, causes]) =>
      `  ${id(from)} --> ${id(to)}: ${[...causes].sort().join(", ")}`
    )
  );
  return ["```mermaid", "stateDiagram-v2", ...names, ...arrows, "```"].join("\n");
}

/** The same arrows as a table, for who reads the source: a chart of many arrows is for the eye. */
function listed(edges: Edges): string {
  const rows = [...edges].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([from, ends]) =>
    [...ends].sort(([a], [b]) => a < b ? -1 : 1).map(([to, causes]) => [from, to, [...causes].sort().join(", ")])
  );
  return rows.map(([from, to, causes]) => `- \`${from}\` to \`${to}\`: ${causes}`).join("\n");
}

const linesOf = (file: string): number => readFileSync(`${root}src/turn/${file}`, "utf8").split("\n").length - 1;

function about(file: string): string {
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(`${root}src/turn/${file}`, "utf8"))?.[1] ?? "";
  const words = comment.replace(/^\s*\* ?/gm, "").split(/\n\s*\n|@module/)[0]?.replace(/\s+/g, " ").trim() ?? "";
  return (/^.*?[.:](?=\s|$)/.exec(words)?.[0] ?? words).replace(/[.:]$/, "");
}

/** The page, whole. */
export function turnTakingPage(): string {
  const edges = explore();
  const shown = new Set(edges.flatMap((all) => [...all].flatMap(([from, ends]) => [from, ...ends.keys()])));
  const regions = readFileSync(`${root}src/turn/regions.ts`, "utf8");
  for (const [, phase = ""] of regions.matchAll(/readonly phase: "(\w+)"/g)) {
    if (![...shown].some((name) => name.split(" ").includes(phase))) {
      throw new Error(`no chart shows the phase ${phase}`);
    }
  }
  const charts = CHARTS.map((chart, i) => {
    const drawing = draw(edges[i]!);
    const count = [...edges[i]!.values()].reduce((sum, ends) => sum + ends.size, 0);
    const list = count > 14
      ? `\n\n<details><summary>The ${count} arrows as a list</summary>\n\n${listed(edges[i]!)}\n\n</details>`
      : "";
    return `### ${chart.title}\n\n\`src/turn/${chart.file}\`, specification section ${chart.spec}. ${chart.about}\n\n${drawing}${list}`;
  });
  return PAGE(charts.join("\n\n"));
}

const PAGE = (charts: string): string =>
  `# Turn taking

<!-- Written by \`npm run docs\` from the machine itself: change \`scripts/turn_charts.ts\`, not this page. -->

Who has the floor, when a turn of the user ends, and when the agent may be heard is decided by one pure function,
\`stepTurn(turn, shared, fact, config)\` in \`src/turn/step.ts\`: it gives the next state and the orders to perform. It reads no
clock, waits for nothing and asks nobody; time comes in with the facts, and a question is an order whose answer is a fact.
The state is a record of regions. Which settings suit which conversation is in [turn-settings.md](turn-settings.md).

## Where to find a rule

${
    table(
      ["file of \`src/turn\`", "lines", "what it holds"],
      REGIONS.map((file) => [`\`${file}\``, String(linesOf(file)), about(file)]),
    )
  }

Beside the regions:

${
    table(
      ["file of \`src/turn\`", "lines", "what it holds"],
      BESIDE.map((file) => [`\`${file}\``, String(linesOf(file)), about(file)]),
    )
  }

## The regions

Each arrow is a change that the machine really made, in ${
    WORLDS.toLocaleString("en")
  } conversations by the dice, with the facts
that caused it; a fact that leads to another change only in the same step is named by itself. A fact \`x timer\` is the timer
of that name.

${charts}
`;
