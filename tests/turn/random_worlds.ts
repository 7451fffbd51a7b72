/** Conversations by the dice, and the worlds that they are played in: for properties, and for the charts of the regions. */
import fc from "../property.ts";
import { type Fact, type Input, speech, type World, type WorldOptions } from "./harness.ts";

/** When the script ends, in milliseconds. */
export const END = 12_000;

/** The script of a conversation, as plain data that shrinks. */
export type Move =
  | { readonly kind: "speak"; readonly t: number; readonly ms: number }
  | { readonly kind: "blip"; readonly t: number; readonly raw: number }
  | { readonly kind: "words"; readonly t: number; readonly type: "interim" | "preflight" | "final"; readonly n: number }
  | { readonly kind: "mark"; readonly t: number; readonly type: "stt.start" | "stt.end" | "vad.closed" | "stt.closed" }
  | { readonly kind: "say"; readonly t: number; readonly protect: boolean; readonly priority: number }
  | { readonly kind: "generate"; readonly t: number }
  | { readonly kind: "interrupt"; readonly t: number; readonly force: boolean }
  | { readonly kind: "commit"; readonly t: number; readonly skipReply: boolean }
  | { readonly kind: "clear"; readonly t: number }
  | { readonly kind: "mute"; readonly t: number }
  | { readonly kind: "authorize"; readonly t: number; readonly ms: number }
  | { readonly kind: "mode"; readonly t: number; readonly mode: "manual" | "vad" | null }
  | { readonly kind: "output"; readonly t: number; readonly canPause: boolean }
  | { readonly kind: "claim"; readonly t: number; readonly ms: number }
  | { readonly kind: "handoff"; readonly t: number; readonly ms: number }
  | { readonly kind: "server"; readonly t: number; readonly type: "started" | "stopped" | "words" | "generation" }
  | { readonly kind: "verdict"; readonly t: number; readonly isInterruption: boolean }
  | { readonly kind: "detectorLost"; readonly t: number };

const time = fc.integer({ min: 0, max: END }).map((t) => t - (t % 10));
const flag = fc.boolean();
const moveOf = <K extends Move["kind"]>(
  kind: K,
  fields: {
    [F in Exclude<keyof Extract<Move, { kind: K }>, "kind" | "t">]: fc.Arbitrary<Extract<Move, { kind: K }>[F]>;
  },
): fc.Arbitrary<Move> => fc.record({ kind: fc.constant(kind), t: time, ...fields }) as unknown as fc.Arbitrary<Move>;

/** Scripts of conversations, sensible or not. */
export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: moveOf("speak", { ms: fc.integer({ min: 60, max: 2_000 }) }) },
    { weight: 1, arbitrary: moveOf("blip", { raw: fc.constantFrom(0, 30, 600) }) },
    {
      weight: 8,
      arbitrary: moveOf("words", {
        type: fc.constantFrom("interim", "preflight", "final", "final"),
        n: fc.integer({ min: 0, max: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: moveOf("mark", { type: fc.constantFrom("stt.start", "stt.end", "vad.closed", "stt.closed") }),
    },
    { weight: 2, arbitrary: moveOf("say", { protect: flag, priority: fc.constantFrom(0, 5, 10) }) },
    { weight: 2, arbitrary: moveOf("generate", {}) },
    { weight: 1, arbitrary: moveOf("interrupt", { force: flag }) },
    { weight: 1, arbitrary: moveOf("commit", { skipReply: flag }) },
    { weight: 1, arbitrary: moveOf("clear", {}) },
    { weight: 1, arbitrary: moveOf("mute", {}) },
    { weight: 1, arbitrary: moveOf("authorize", { ms: fc.integer({ min: 0, max: 2_000 }) }) },
    { weight: 1, arbitrary: moveOf("mode", { mode: fc.constantFrom("manual", "vad", null) }) },
    { weight: 1, arbitrary: moveOf("output", { canPause: flag }) },
    { weight: 1, arbitrary: moveOf("claim", { ms: fc.integer({ min: 0, max: 2_000 }) }) },
    { weight: 1, arbitrary: moveOf("handoff", { ms: fc.integer({ min: 0, max: 2_000 }) }) },
    { weight: 1, arbitrary: moveOf("server", { type: fc.constantFrom("started", "stopped", "words", "generation") }) },
    { weight: 1, arbitrary: moveOf("verdict", { isInterruption: flag }) },
    { weight: 1, arbitrary: moveOf("detectorLost", {}) },
  ),
  { maxLength: 24 },
);

/** Worlds to play them in. */
export const options: fc.Arbitrary<WorldOptions> = fc.record({
  config: fc.record({
    llm: fc.constantFrom("pipeline", "pipeline", "pipeline", "none", "realtime"),
    serverTurnDetection: flag,
    hasStt: fc.constantFrom(true, true, true, false),
    hasUserVad: fc.constantFrom(true, true, false),
    mode: fc.constantFrom(null, "vad", "stt", "manual"),
    detector: fc.constantFrom("none", "none", "text", "streaming"),
    adaptive: fc.constantFrom(false, false, true),
    endpointing: fc.record({
      mode: fc.constantFrom("fixed", "dynamic"),
      minDelay: fc.constantFrom(0, 300, 500),
      maxDelay: fc.constantFrom(600, 3_000),
      alpha: fc.constant(0.9),
    }),
    interruption: fc.record({
      enabled: fc.constantFrom(true, true, false),
      minWords: fc.constantFrom(0, 0, 2),
      falseInterruptionTimeout: fc.constantFrom(2_000, 0, null),
      backchannel: fc.constantFrom("off", "custom"),
    }),
    preemptive: fc.record({ enabled: flag }),
    userTurnLimit: fc.record({ maxWords: fc.constantFrom(null, null, 4), maxDuration: fc.constant(null) }),
    minConsecutiveSpeechDelay: fc.constantFrom(0, 300),
    userAwayTimeout: fc.constantFrom(null, 5_000),
    transcriptionTimeout: fc.constantFrom(null, 1_000),
  }),
  hook: fc.record({
    ms: fc.constantFrom(0, 0, 700),
    outcome: fc.constantFrom("ok", "ok", "ok", "stop", "error"),
    unchanged: flag,
  }),
  eot: fc.constantFrom({ probability: 0.1, threshold: 0.4, ms: 500 }, { probability: 0.1, threshold: 0.4, ms: 40 }, {
    probability: 0.9,
    threshold: 0.4,
    ms: 3_000,
  }),
  sink: fc.record({ canPause: flag }),
  aecWarmup: fc.constantFrom(null, 1_000),
  voicing: fc.constantFrom(0, 200),
  tools: fc.constantFrom(
    () => undefined,
    (what: string) => what.length % 2 ? { ms: 900, reply: what.length % 3 > 0 } : undefined,
  ),
  stuck: fc.constantFrom(() => false, () => false, (handleId: string) => handleId.endsWith("3")),
}) as fc.Arbitrary<WorldOptions>;

/** Makes inputs of moves. Each final has a word of its own, so that it can be told where it went. */
export function play(script: readonly Move[]): Input[] {
  const inputs: Input[] = [];
  let at = -1;
  // A VAD hears one speech at a time.
  const speeches = script.filter((move) => move.kind === "speak").toSorted((a, b) => a.t - b.t);
  for (const { t, ms } of speeches) {
    if (t <= at) continue;
    inputs.push(...speech(t, t + ms));
    at = t + ms + 600;
  }
  script.forEach((move, i) => {
    const once = (fact: Fact): void => void inputs.push([move.t, fact]);
    const doing = (run: (world: World) => void): void => void inputs.push([move.t, run]);
    switch (move.kind) {
      case "speak":
        return;
      case "blip":
        return once({
          type: "vad.inference",
          speechDuration: move.raw,
          silenceDuration: 0,
          rawSpeech: move.raw,
          rawSilence: 0,
          speaking: false,
        });
      case "words": {
        const text = Array.from({ length: move.n }, (_, k) => `w${i}x${k}`).join(" ");
        return once({
          type: `stt.${move.type}`,
          requestId: `r${i % 3}`,
          text,
          language: "en",
          confidence: 0.5,
          startTime: move.t,
          endTime: move.t,
          speakerId: null,
          judged: { takesFloor: i % 2 === 0, reason: "test" },
        });
      }
      case "mark":
        if (move.type === "stt.start") return once({ type: move.type, requestId: "", speechStartTime: null });
        return once(move.type === "stt.end" ? { type: move.type, requestId: "" } : { type: move.type });
      case "say":
        return doing((w) => w.say(`say${i}`, { allowInterruptions: !move.protect, priority: move.priority }));
      case "generate":
        return doing((w) => w.generate(`gen${i}`));
      case "interrupt":
        return once({ type: "api.interrupt", force: move.force });
      case "commit":
        return once({
          type: "api.commitUserTurn",
          id: i,
          transcriptTimeout: 800,
          sttFlushDuration: 500,
          skipReply: move.skipReply,
          audioDetached: false,
          atClose: false,
        });
      case "clear":
        return once({ type: "api.clearUserTurn" });
      case "mute":
        return once({ type: "input.audioEnabled", enabled: false });
      case "authorize":
        once({ type: "api.authorization", allowed: false });
        inputs.push([move.t + move.ms, { type: "api.authorization", allowed: true }]);
        return;
      case "mode":
        return doing((w) => {
          const previous = w.config;
          w.config = { ...previous, mode: move.mode };
          w.send({ type: "options.updated", previous });
        });
      case "output":
        return once({ type: "output.audioChanged", present: true, enabled: true, canPause: move.canPause });
      case "claim":
        once({ type: "claim.begin" });
        inputs.push([move.t + move.ms, { type: "claim.end" }]);
        return;
      case "handoff":
        once({ type: "handoff.begin" });
        once({ type: "activity.drain" });
        inputs.push([move.t + move.ms, (w) => w.handoff(`b${i}`)]);
        return;
      case "server":
        return doing((w) => {
          if (w.config.llm !== "realtime") return;
          if (move.type === "started") w.send({ type: "rt.speechStarted" });
          else if (move.type === "stopped") w.send({ type: "rt.speechStopped", userTranscriptionEnabled: true });
          else if (move.type === "generation") w.serverGeneration(`rt${i}`);
          else w.send({ type: "rt.transcription", itemId: "i", text: "hi", isFinal: true, turnStartedAt: null });
        });
      case "verdict": {
        const { t, isInterruption } = move;
        return once({
          type: "overlap.verdict",
          isInterruption,
          agentEnded: false,
          overlapStartedAt: t - 50,
          detectedAt: t,
        });
      }
      case "detectorLost":
        return once({ type: "overlap.error", recoverable: false });
      default:
        return move satisfies never;
    }
  });
  return inputs;
}
