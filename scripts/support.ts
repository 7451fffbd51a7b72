/** What runs where, and which test proves it. The table of support in the README is made from this. */

/** A place where tests run. */
export type Place = "deno" | "bun" | "node24" | "node22" | "workerd";

/** One feature. */
export interface Support {
  readonly feature: string;
  /** Where a test proves it. */
  readonly places: readonly Place[];
  /** The test, as a path or a pattern. */
  readonly test: string;
  /** What to know, in a few words. */
  readonly note?: string;
}

const RUNTIMES = ["deno", "bun", "node24"] as const;

/** The columns, in order. */
export const PLACES: Readonly<Record<Place, string>> = {
  deno: "Deno",
  bun: "Bun",
  node24: "Node 24",
  node22: "Node 22",
  workerd: "workerd",
};

/** The rows. */
export const SUPPORT: readonly Support[] = [
  {
    feature: "conversation by text, tools, typed errors",
    places: [...RUNTIMES, "workerd"],
    test: "tests/edge/cases.ts",
  },
  {
    feature: "tools in the background, their journal, toolsets",
    places: RUNTIMES,
    test: "tests/session/*tool*_test.ts",
  },
  { feature: "the built package: conversation by text", places: ["node22"], test: "scripts/test_node22.ts" },
  {
    feature: "every entry loads from the packed tarball",
    places: [...RUNTIMES, "node22"],
    test: "scripts/check_package.ts",
    note: "without its optional peers",
  },
  { feature: "a spoken call with embedded models", places: RUNTIMES, test: "tests/real/demo_test.ts" },
  { feature: "the same call, from the packed tarball", places: ["node22"], test: "scripts/check_package.ts" },
  { feature: "Ctrl-C and bad input leave complete files", places: ["node24"], test: "tests/real/cli_test.ts" },
  { feature: "a voice session with scripted models", places: RUNTIMES, test: "tests/session/*_test.ts" },
  {
    feature: "tasks that tools wait for, over turns of the user",
    places: [...RUNTIMES, "workerd"],
    test: "tests/edge/cases.ts",
    note: "bare `task.run()` where there is ambient storage",
  },
  {
    feature: "agents that hand over, with tasks, by random calls",
    places: RUNTIMES,
    test: "tests/session/task*_test.ts",
  },
  { feature: "seventeen classes of wedges, provoked", places: RUNTIMES, test: "tests/session/wedges_test.ts" },
  { feature: "turn taking, exact in time and order", places: RUNTIMES, test: "tests/turn/timelines_test.ts" },
  { feature: "backchannels told from interruptions", places: RUNTIMES, test: "tests/turn/backchannel_test.ts" },
  { feature: "detectors of interruptions", places: RUNTIMES, test: "tests/session/overlaps_test.ts" },
  { feature: "words that the recogniser listens for", places: RUNTIMES, test: "tests/session/keyterms_test.ts" },
  {
    feature: "the same trace on every runtime",
    places: RUNTIMES,
    test: "tests/adapters/runtime/virtual_order_test.ts",
  },
  {
    feature: "whole sessions, the same trace byte for byte",
    places: RUNTIMES,
    test: "tests/real/equal_traces_test.ts",
  },
  { feature: "streams: backpressure, cancel, abort, errors", places: RUNTIMES, test: "tests/streams/*_test.ts" },
  { feature: "paced playout, pause, what was heard", places: RUNTIMES, test: "tests/io/paced_sink_test.ts" },
  {
    feature: "telemetry through the OpenTelemetry API",
    places: RUNTIMES,
    test: "tests/telemetry/session_spans_test.ts",
  },
  { feature: "web sockets with headers", places: RUNTIMES, test: "tests/adapters/runtime/socket_test.ts" },
  { feature: "web sockets with headers", places: ["workerd"], test: "tests/adapters/runtime/edge_socket_test.ts" },
  {
    feature: "`./hono`: a chat with the AI SDK's own client, leaving, resuming, errors",
    places: RUNTIMES,
    test: "tests/adapters/hono/chat_client_test.ts",
  },
  {
    feature: "`./hono`: a chat with the AI SDK's own client, leaving, resuming, errors",
    places: ["workerd"],
    test: "tests/adapters/hono/chat_workerd_test.ts",
    note: "`./openai` as its model, too",
  },
  { feature: "the chat page in a browser", places: ["node24", "bun"], test: "tests/real/chat_page_test.ts" },
  { feature: "the stream of the chat by `curl -N`", places: RUNTIMES, test: "tests/real/chat_page_test.ts" },
  { feature: "a session put down and picked up again", places: RUNTIMES, test: "tests/session/snapshot_test.ts" },
  { feature: "`./openai`", places: RUNTIMES, test: "tests/adapters/openai/openai_llm_test.ts" },
  { feature: "`./silero`", places: RUNTIMES, test: "tests/adapters/silero/silero_test.ts", note: "WebAssembly" },
  {
    feature: "`./smart-turn`",
    places: RUNTIMES,
    test: "tests/adapters/smart_turn/smart_turn_test.ts",
    note: "in a worker",
  },
  {
    feature: "the spoken call, turns told by `./smart-turn`",
    places: RUNTIMES,
    test: "tests/real/smart_turn_test.ts",
  },
  { feature: "`./whisper`", places: RUNTIMES, test: "tests/real/demo_test.ts", note: "in a worker" },
  { feature: "`./energy-vad`", places: RUNTIMES, test: "tests/adapters/energy_vad/energy_vad_test.ts" },
  { feature: "`./flite`", places: RUNTIMES, test: "tests/adapters/flite/flite_test.ts", note: "in a worker" },
  {
    feature: "`./livekit`: a spoken call in a room, judged by what the caller received",
    places: RUNTIMES,
    test: "tests/real/room_call_test.ts",
    note: "a real server",
  },
  {
    feature: "`./livekit`: rooms one after the other, and a process that ends by itself",
    places: RUNTIMES,
    test: "tests/real/room_process_test.ts",
    note: "a real server",
  },
  {
    feature: "`./livekit`: the sink of a room",
    places: RUNTIMES,
    test: "tests/adapters/livekit/speaker_test.ts",
  },
  {
    feature: "`./livekit`: who is heard, hears and reads, and every end",
    places: ["node24"],
    test: "tests/real/room_test.ts",
    note: "a real server",
  },
  {
    feature: "a person calls from a real browser, and cuts in",
    places: RUNTIMES,
    test: "tests/real/mic_test.ts",
    note: "Chromium",
  },
  {
    feature: "one agent file behind demo, chat, page and room",
    places: RUNTIMES,
    test: "tests/examples/same_agent_test.ts",
  },
  {
    feature: "calls from a page: the route on the place's own server",
    places: RUNTIMES,
    test: "tests/adapters/hono/voice_route_test.ts",
  },
  {
    feature: "calls from a page, with scripted models",
    places: [...RUNTIMES, "workerd"],
    test: "tests/edge/voice_case.ts",
  },
  {
    feature: "a page's playout: what was heard, pauses, lost connections",
    places: RUNTIMES,
    test: "tests/adapters/hono/voice_sink_test.ts",
  },
  {
    feature: "the testing kit under each place's test runner, from the packed tarball",
    places: RUNTIMES,
    test: "tests/real/test_runners_test.ts",
    note: "and under vitest",
  },
  {
    feature: "ten minutes by voice with a simulated user, the same twice",
    places: RUNTIMES,
    test: "tests/testing/simulate_test.ts",
  },
  { feature: "the page on testing an agent", places: RUNTIMES, test: "tests/docs/testing_test.ts" },
  { feature: "the examples", places: RUNTIMES, test: "tests/examples/examples_test.ts" },
];
