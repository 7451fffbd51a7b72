/** What must hold of any conversation, sensible or not: section 1 and the last lines of section 26 of the specification. */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import type { TurnEffect } from "../../src/turn/effect.ts";
import type { TurnEvent } from "../../src/turn/event.ts";
import { violations } from "../../src/turn/invariants.ts";
import { isIdle, isSettled } from "../../src/turn/query.ts";
import { createShared, createTurn } from "../../src/turn/state.ts";
import { stepTurn } from "../../src/turn/step.ts";
import { type Fact, type Input, type World, world } from "./harness.ts";
import { END, moves, options, play } from "./random_worlds.ts";

const RUNS = 400;
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
