/**
 * Which questions there are, what each answers with, and which budget that has (`docs/architecture.md` has the reasons).
 *
 * @module
 */

/** Where our side can be asked. The peer runs on Node alone. */
export type Place = "node" | "bun" | "deno";

/** One number that a question answers with. */
export interface FigureSpec {
  readonly key: string;
  readonly figure: string;
  readonly unit: string;
  /** At most this, or at least with `atLeast`; null: none is set. */
  readonly budget: number | null;
  /** Where a place has another one. */
  readonly budgetOn?: Readonly<Partial<Record<Place, number>>>;
  readonly atLeast?: true;
  /** Tells of the machine, not of a side: no ratio is made. */
  readonly isContext?: true;
  /** Why there is no figure of the peer. */
  readonly whyNoPeer?: string;
}

/** One question, one program for each side. */
export interface Question {
  /** Our side is `bench/<name>.ts`, the peer's `bench/peers/<peer>/<name>.js`. */
  readonly name: string;
  readonly question: string;
  readonly rounds: number;
  readonly places: readonly Place[];
  readonly exposesGc?: true;
  readonly hasPeer: boolean;
  /** Another peer than LiveKit's, that is among our development packages and runs wherever ours does. */
  readonly peer?: { readonly folder: string; readonly package: string };
  readonly figures: readonly FigureSpec[];
}

/** All questions, in the order in which they are asked. */
export const QUESTIONS: readonly Question[] = [
  {
    name: "text_turn",
    question: "What does a text turn of 20 chunks cost, and does it grow with the history?",
    rounds: 3,
    places: ["node", "bun", "deno"],
    hasPeer: true,
    figures: [10, 500, 2_000].map((turns) => ({
      key: `text_turn_${turns}`,
      figure: `text turn after ${turns.toLocaleString("en")} turns of history`,
      unit: "ms",
      budget: 0.3,
    })),
  },
  {
    name: "throughput",
    question: "How many text turns a second does one core hold?",
    rounds: 3,
    places: ["node", "bun", "deno"],
    hasPeer: true,
    figures: [
      {
        key: "turns_per_second_50",
        figure: "turns a second of CPU time over 50 sessions",
        unit: "1/s",
        budget: 4_000,
        atLeast: true,
      },
      {
        key: "turns_per_second_1000",
        figure: "turns a second of CPU time over 1,000 sessions",
        unit: "1/s",
        budget: 4_000,
        atLeast: true,
      },
    ],
  },
  {
    name: "memory",
    question: "What does a session keep on the heap?",
    rounds: 3,
    places: ["node"],
    exposesGc: true,
    hasPeer: true,
    figures: [
      { key: "heap_idle", figure: "heap of an idle session", unit: "KB", budget: 20 },
      { key: "heap_4_turns", figure: "heap of a session after 4 turns", unit: "KB", budget: 80 },
      { key: "heap_closed", figure: "heap kept by a session opened and closed, to 0.1", unit: "KB", budget: 0.1 },
    ],
  },
  {
    name: "close",
    question: "How long does closing an idle session take?",
    rounds: 3,
    places: ["node", "bun", "deno"],
    hasPeer: true,
    figures: [{ key: "close_idle", figure: "closing an idle session", unit: "ms", budget: 1 }],
  },
  {
    name: "import_time",
    question: "What does the import cost a fresh process?",
    rounds: 7,
    places: ["node", "bun", "deno"],
    hasPeer: true,
    figures: [
      { key: "import_ms", figure: "import of the package", unit: "ms", budget: 30 },
      { key: "import_rss", figure: "resident memory the import adds", unit: "MB", budget: 10 },
    ],
  },
  {
    name: "bundle_size",
    question: "How much does `import { AgentSession }` add to a page or an edge worker?",
    rounds: 1,
    places: ["node"],
    hasPeer: false,
    figures: [{
      key: "bundle_gzip",
      figure: "`import { AgentSession }` bundled, minified, gzip",
      unit: "KB",
      budget: 50,
      whyNoPeer: "esbuild cannot bundle it for a place without Node: it ends with 129 errors, at Node's own modules",
    }],
  },
  {
    name: "voice_latency",
    question: "How long does the session itself keep a voice turn waiting, and how fast does it fall silent?",
    rounds: 3,
    places: ["node", "bun", "deno"],
    hasPeer: true,
    figures: [
      { key: "to_model_p50", figure: "final transcript to model call, p50", unit: "ms", budget: 0.2 },
      { key: "to_model_p99", figure: "final transcript to model call, p99", unit: "ms", budget: 1 },
      {
        key: "to_model_own_p99",
        figure: "final transcript to model call, p99 of the time at work",
        unit: "ms",
        budget: null,
      },
      { key: "to_frame_p50", figure: "final transcript to first frame, p50", unit: "ms", budget: 1 },
      { key: "to_frame_p99", figure: "final transcript to first frame, p99", unit: "ms", budget: 3 },
      {
        key: "to_frame_own_p99",
        figure: "final transcript to first frame, p99 of the time at work",
        unit: "ms",
        budget: null,
      },
      { key: "to_clear_p50", figure: "barge-in to `clear`, p50", unit: "ms", budget: 0.2 },
      { key: "to_clear_p99", figure: "barge-in to `clear`, p99", unit: "ms", budget: 1 },
      { key: "to_clear_own_p99", figure: "barge-in to `clear`, p99 of the time at work", unit: "ms", budget: null },
    ],
  },
  {
    name: "voice_load",
    question: "How much of a core does a voice session take, and how late is everything else at 50 of them?",
    rounds: 3,
    places: ["node"],
    hasPeer: true,
    figures: [
      { key: "voice_core", figure: "one voice session at 50 frames a second, of a core", unit: "%", budget: 0.15 },
      { key: "voice_loop_p99", figure: "lateness of a timer at 50 voice sessions, p99", unit: "ms", budget: 3 },
      {
        key: "voice_loop_own",
        figure: "lateness of a timer at 50 voice sessions, p99 of the time at work",
        unit: "ms",
        budget: null,
      },
      {
        key: "voice_loop_floor",
        figure: "lateness of a timer at no session, p99",
        unit: "ms",
        budget: null,
        isContext: true,
      },
    ],
  },
  {
    name: "hono_chat",
    question: "What does a chat over HTTP cost the server, at 50 requests at once?",
    rounds: 3,
    places: ["node", "bun"],
    hasPeer: true,
    peer: { folder: "ai_sdk", package: "ai" },
    figures: [
      {
        key: "chat_cpu",
        figure: "a chat turn over HTTP, CPU time of the server",
        unit: "ms",
        budget: 0.4,
        budgetOn: { bun: 0.2 },
      },
      {
        key: "chat_per_second",
        figure: "chat turns over HTTP a second, client on the same machine",
        unit: "1/s",
        budget: null,
        atLeast: true,
      },
      {
        key: "chat_floor",
        figure: "the same length streamed by hono with no session, CPU time",
        unit: "ms",
        budget: null,
        isContext: true,
      },
    ],
  },
  {
    name: "silero",
    question: "What does Silero cost per window of 32 ms?",
    rounds: 1,
    places: ["node", "bun", "deno"],
    hasPeer: false,
    figures: [
      {
        key: "silero_first",
        figure: "Silero, a window, first 1,000",
        unit: "ms",
        budget: 0.5,
        whyNoPeer: "not measured: its detector runs on a native library, on Node alone",
      },
      {
        key: "silero_later",
        figure: "Silero, a window, later",
        unit: "ms",
        budget: 0.15,
        whyNoPeer: "not measured: its detector runs on a native library, on Node alone",
      },
    ],
  },
  {
    name: "smart_turn",
    question: "How long does Smart Turn think about a pause?",
    rounds: 1,
    places: ["node", "bun", "deno"],
    hasPeer: false,
    figures: ([
      ["load", "Smart Turn, loading"],
      ["worker", "Smart Turn, a question, in a worker"],
      ["thread", "Smart Turn, a question, in the calling thread"],
      ["features", "Smart Turn, the spectrogram of it"],
    ] as const).map(([key, figure]) => ({
      key: `smart_turn_${key}`,
      figure,
      unit: "ms",
      budget: null,
      whyNoPeer: "not measured: Pipecat runs it on a native library, in Python",
    })),
  },
  {
    name: "turn_machine",
    question: "What does a step of the machines cost, at 50 audio facts a second and 100 sessions?",
    rounds: 3,
    places: ["node", "bun", "deno"],
    exposesGc: true,
    hasPeer: false,
    figures: [
      {
        key: "machine_steps",
        figure: "steps of the machines a second, over 100 sessions",
        unit: "1/s",
        budget: null,
        atLeast: true,
        whyNoPeer: "it has no such part: its decisions are spread over its tasks",
      },
      {
        key: "machine_core",
        figure: "decisions of 100 sessions at 50 audio facts a second, of a core",
        unit: "%",
        budget: null,
        whyNoPeer: "it has no such part: its decisions are spread over its tasks",
      },
      {
        key: "machine_bytes",
        figure: "memory a step leaves for the collector (Node)",
        unit: "B",
        budget: null,
        whyNoPeer: "it has no such part: its decisions are spread over its tasks",
      },
    ],
  },
  {
    name: "simulated_call",
    question: "How long does a test of a whole call take?",
    rounds: 3,
    places: ["node", "bun", "deno"],
    hasPeer: false,
    figures: [
      {
        key: "simulated_call",
        figure: "a call of ten minutes by voice, simulated",
        unit: "ms",
        budget: 1_000,
        whyNoPeer: "its clock is the machine's",
      },
      {
        key: "simulated_call_s",
        figure: "how long that call lasts on its own clock",
        unit: "s",
        budget: null,
        isContext: true,
      },
    ],
  },
  {
    name: "simulation",
    question: "How many conversations a second does the simulation play and check, on one core?",
    rounds: 1,
    places: ["node"],
    hasPeer: false,
    figures: ([
      ["sim_machines", "simulated conversations of the machines, a second of CPU time", 1_000],
      ["sim_sessions", "simulated whole sessions, a second of CPU time", 100],
    ] as const).map(([key, figure, budget]) => ({
      key,
      figure,
      unit: "1/s",
      budget,
      atLeast: true as const,
      whyNoPeer: "it has no simulation",
    })),
  },
];
