/** What must hold of any conversation, sensible or not: section 1 and the last lines of section 26 of the specification. */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { TurnEffect } from "../../src/turn/effect.ts";
import type { TurnEvent } from "../../src/turn/event.ts";
import { violations } from "../../src/turn/invariants.ts";
import { isIdle, isSettled } from "../../src/turn/query.ts";
import { createShared, createTurn } from "../../src/turn/state.ts";
import { stepTurn } from "../../src/turn/step.ts";
import { type Fact, type Input, speech, type World, world, type WorldOptions } from "./harness.ts";

const RUNS = 400;
const END = 12_000;

/** The script of a conversation, as plain data that shrinks. */
type Move =
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

const moves: fc.Arbitrary<Move[]> = fc.array(
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

const options: fc.Arbitrary<WorldOptions> = fc.record({
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
  eot: fc.constantFrom({ probability: 0.1, threshold: 0.4, ms: 40 }, { probability: 0.9, threshold: 0.4, ms: 3_000 }),
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
function play(script: readonly Move[]): Input[] {
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

/** Watches a world, and fails at the step that breaks a rule. */
function watch(w: World): { readonly commits: Set<string>; readonly ended: Set<string>; readonly spans: Set<string> } {
  const commits = new Set<string>();
  const ended = new Set<string>();
  const interrupted = new Set<string>();
  const spans = new Set<string>();
  let isPaused = w.sinkPaused;
  let user = w.shared.userState;
  let agent = w.shared.agentState;
  w.onStep = (_, event, effects) => {
    for (const effect of effects) {
      switch (effect.type) {
        case "playout.pause":
        case "playout.resume":
          assert.equal(isPaused, effect.type === "playout.resume", "the output changes only when it is not so already");
          isPaused = !isPaused;
          break;
        case "emit":
          if (effect.event === "user_state_changed") {
            assert.deepEqual([effect.oldState, effect.newState === user], [user, false]);
            user = effect.newState;
          } else if (effect.event === "agent_state_changed") {
            assert.deepEqual([effect.oldState, effect.newState === agent], [agent, false]);
            agent = effect.newState;
          }
          if (effect.event === "user_state_changed" && effect.newState === "away") assert.equal(agent, "listening");
          break;
        case "span.start":
          assert.ok(!spans.has(effect.span), `${effect.span} begins once`);
          spans.add(effect.span);
          break;
        case "span.end":
          assert.ok(spans.delete(effect.span), `${effect.span} has begun`);
          break;
        case "speech.interrupt":
          assert.ok(!interrupted.has(effect.handleId), "a speech is interrupted once");
          interrupted.add(effect.handleId);
          break;
        case "speech.play":
          assert.ok(!interrupted.has(effect.handleId), "an interrupted speech is not let out");
          assert.equal(w.turn.speeches.current, effect.handleId);
          break;
        case "turn.commit":
          commits.add(`${w.turn.activityId} ${effect.turnId}`);
          break;
        case "turn.over":
        case "turn.store":
        case "turn.drop": {
          const turn = `${w.turn.activityId} ${effect.turnId}`;
          assert.ok(commits.has(turn) && !ended.has(turn), "a turn ends once");
          ended.add(turn);
          break;
        }
        default:
      }
    }
    const { turn, shared } = w;
    assert.equal(shared.output.paused, isPaused);
    assert.deepEqual(violations(turn, shared, w.config), [], `after ${event.type}`);
    const voiceDecides = w.config.mode === "vad" || w.config.mode === null;
    if (voiceDecides && turn.decision.phase === "waiting" && turn.decision.trigger !== "manual") {
      assert.ok(!turn.recognition.speaking, `no endpointing while the user speaks, after ${event.type}`);
    }
    const live = [...Object.keys(turn.timers), ...Object.keys(shared.timers)];
    for (const { id, teardown } of turn.speeches.all) if (teardown !== 0) live.push(`teardown ${id}`);
    assert.deepEqual([...w.armed.keys()].toSorted(), live.toSorted(), `timers after ${event.type}`);
  };
  return { commits, ended, spans };
}

const closing: Input[] = [
  [END + 20_000, (w) => w.send({ type: "session.closing" })],
  [END + 20_000, (w) => w.send({ type: "activity.drain" })],
  [END + 20_000, (w) => w.send({ type: "api.interrupt", force: true })],
  [END + 25_000, (w) => w.send({ type: "activity.close" })],
];

for (const compat of ["fixed", "reference"] as const) {
  test(`the rules of form hold at every step, and nothing is armed or said after the close (${compat})`, () => {
    fc.assert(
      fc.property(moves, options, (script, opts) => {
        const w = world([...play(script), ...closing], { ...opts, config: { ...opts.config, compat } });
        const { commits, ended, spans } = watch(w);

        w.run();

        assert.deepEqual([...commits].toSorted(), [...ended].toSorted(), "every turn ends");
        assert.deepEqual([...w.armed.keys()], []);
        assert.ok(!w.sinkPaused);
        assert.deepEqual([...spans], [], "every span ends");
        const { length } = w.effects;
        for (const fact of AFTER_CLOSE) w.send(fact);
        assert.equal(w.effects.length, length, "no orders after the close");
      }),
      { numRuns: RUNS },
    );
  });
}

const AFTER_CLOSE: Fact[] = [
  { type: "vad.start", speechDuration: 50, inferenceDuration: 0 },
  { type: "vad.end", speechDuration: 50, silenceDuration: 500, inferenceDuration: 0 },
  { type: "speech.done", handleId: "say0" },
  { type: "api.interrupt", force: true },
  { type: "api.clearUserTurn" },
  { type: "activity.close" },
  { type: "activity.drain" },
];

test("a conversation that nobody goes on with comes to rest: nothing paused, nothing current, nothing being decided", () => {
  fc.assert(
    fc.property(moves, options, (script, opts) => {
      const w = world(play(script), opts);

      w.run();

      assert.ok(isSettled(w.turn), "settled");
      if (w.turn.recognition.speaking) return; // a recogniser began a speech and never ended it: the user has the floor
      assert.equal(w.turn.interruption.paused, null);
      assert.ok(!w.sinkPaused);
      const { userSilence } = w.turn.interruption;
      if (userSilence) assert.equal(w.turn.speeches.current, null);
      if (userSilence && w.turn.speeches.current === null) assert.ok(["listening"].includes(w.shared.agentState));
      const words = w.turn.turns.preemptive !== null;
      if (userSilence && w.shared.userState !== "speaking" && !words && !w.turn.recognition.speaking) {
        assert.ok(isIdle(w.turn, w.shared));
      }
    }),
    { numRuns: RUNS },
  );
});

test("each final ends in exactly one place: a commit, a discard with a reason, or the words that still wait", () => {
  fc.assert(
    fc.property(moves, options, (script, opts) => {
      const w = world(play(script), { ...opts, config: { ...opts.config, adaptive: false } });
      const finals: string[] = [];
      const kept: string[] = []; // committed, and not given back to the next activity
      const elsewhere: string[] = [];
      w.onStep = (_, event, effects) => {
        if (event.type === "stt.final" && event.text !== "") finals.push(event.text);
        const { exceeded } = w.turn.limits;
        for (const effect of effects) {
          if (effect.type === "turn.commit") kept[effect.turnId + activities * 100] = effect.info.transcript;
          else if (effect.type === "turn.drop" && effect.reason === "scheduling_paused") {
            delete kept[effect.turnId + activities * 100];
          } else if (effect.type === "transcript.discarded") elsewhere.push(effect.text);
          else if (effect.type === "exceeded.runHook" && exceeded.phase === "running") elsewhere.push(exceeded.moved);
        }
        if (event.type === "activity.close") activities += 1;
      };
      let activities = 0;

      w.run();

      const committed = kept.filter((text) => text !== undefined).join(" ");
      const places = [committed, ...elsewhere, w.turn.recognition.finalText].join(" ").split(" ");
      for (const text of finals) {
        for (const word of text.split(" ")) {
          assert.equal(places.filter((place) => place === word).length, 1, `${word} in ${places.join(" ")}`);
        }
      }
      const order = committed.split(" ").filter((word) => word !== "");
      const heard = finals.join(" ").split(" ").filter((word) => order.includes(word));
      assert.deepEqual(order.filter((word) => heard.includes(word)), heard, "in the order in which they were heard");
    }),
    { numRuns: RUNS },
  );
});

test("the same facts give the same orders, and no state that was handed in is changed", () => {
  fc.assert(
    fc.property(moves, options, (script, opts) => {
      const w = world([...play(script.filter((move) => move.kind !== "handoff")), ...closing], opts);
      const facts: { event: TurnEvent; effects: readonly TurnEffect[]; config: World["config"] }[] = [];
      let turn = deepFreeze(createTurn("b", w.config));
      let shared = deepFreeze(createShared({ aecWarmupDuration: opts.aecWarmup ?? null, listenerPresent: true }));
      w.turn = turn;
      w.shared = shared;
      w.onStep = (_, event, effects) => {
        w.turn = deepFreeze(w.turn);
        w.shared = deepFreeze(w.shared);
        facts.push({ event, effects, config: w.config });
      };
      w.send({ type: "output.audioChanged", present: true, enabled: true, canPause: true });
      w.send({ type: "activity.started" });

      w.run();

      for (const { event, effects, config } of facts) {
        const step = stepTurn(turn, shared, deepFreeze(structuredClone(event)), config);
        ({ turn, shared } = step);
        assert.equal(JSON.stringify(step.effects), JSON.stringify(effects));
      }
      assert.deepEqual(turn, w.turn);
    }),
    { numRuns: RUNS / 4 },
  );
});

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
