import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import type { RootEffect, RootEvent } from "../../src/stage/event.ts";
import { stageViolations } from "../../src/stage/invariants.ts";
import { createRoot, type RootState, TOOL_DRAIN_LIMIT_MS } from "../../src/stage/state.ts";
import { step } from "../../src/stage/step.ts";
import type { TurnEvent } from "../../src/turn/event.ts";
import { config } from "../turn/harness.ts";

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type Fact = DistributedOmit<RootEvent, "t">;
type FloorFact = DistributedOmit<TurnEvent, "t">;

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (!(value instanceof Set) && !(value instanceof Map)) Object.values(value).forEach(freeze);
  return value;
}

/** The machine with a clock: timers fire in order of time, everything else is told. Inputs are frozen. */
class Machine {
  root: RootState = freeze(createRoot({ aecWarmupDuration: 3_000, listenerPresent: true, maxUnrecoverableErrors: 3 }));
  t = 0;
  readonly effects: RootEffect[] = [];
  readonly timers = new Map<string, { readonly at: number; readonly fact: Fact }>();

  tell(fact: Fact): readonly RootEffect[] {
    const event = freeze({ ...structuredClone(fact), t: this.t } as RootEvent);
    const stamped = event.type === "floor" ? freeze({ ...event, event: { ...event.event, t: this.t } }) : event;
    const before = this.root;
    const once = step(before, stamped);
    const again = step(before, stamped);
    assert.deepEqual(again.effects, once.effects, "the same arguments give the same step");
    this.root = freeze(once.root);
    assert.deepEqual(stageViolations(this.root), []);
    for (const effect of once.effects) this.#perform(effect);
    return once.effects;
  }

  floor(event: FloorFact): readonly RootEffect[] {
    return this.tell({ type: "floor", activityId: null, event: { ...event, t: 0 } as TurnEvent });
  }

  /** Fires the next timer. False when none is armed. */
  fire(): boolean {
    let next: string | undefined;
    for (const [key, { at }] of this.timers) {
      if (next === undefined || at < (this.timers.get(next)?.at ?? 0)) next = key;
    }
    if (next === undefined) return false;
    const timer = this.timers.get(next) as { readonly at: number; readonly fact: Fact };
    this.timers.delete(next);
    this.t = Math.max(this.t, timer.at);
    this.tell(timer.fact);
    return true;
  }

  /** Fires what is due until `t`. */
  until(t: number): void {
    while ([...this.timers.values()].some(({ at }) => at <= t)) this.fire();
    this.t = t;
  }

  #perform(effect: RootEffect): void {
    this.effects.push(effect);
    switch (effect.type) {
      case "stage.timer.set":
        assert.ok(Number.isFinite(effect.at) && effect.at >= this.t);
        this.timers.set(effect.name, {
          at: effect.at,
          fact: { type: "stage.timer", name: effect.name, gen: effect.gen },
        });
        break;
      case "stage.timer.cancel":
        this.timers.delete(effect.name);
        break;
      case "timer.set": {
        assert.ok(Number.isFinite(effect.at), `${effect.name} at ${effect.at}`);
        const { name, gen, activityId, handleId, at } = effect;
        this.timers.set(this.#key(effect), {
          at,
          fact: {
            type: "floor",
            activityId,
            event: { type: "timer", t: 0, name, gen, ...(handleId !== undefined && { handleId }) },
          },
        });
        break;
      }
      case "timer.cancel":
        this.timers.delete(this.#key(effect));
        break;
      default:
    }
  }

  #key(
    { activityId, name, handleId }: { readonly activityId: string; readonly name: string; readonly handleId?: string },
  ): string {
    return `${name === "aecWarmup" || name === "userAway" ? "" : activityId}:${name}:${handleId ?? ""}`;
  }

  types(): string[] {
    return this.effects.map(({ type }) => type);
  }
}

const arrival = (n: number) => ({
  activityId: `a${n}`,
  agentId: `agent${n}`,
  config: config({ userAwayTimeout: 15_000 }),
});

/** A driver that answers everything at once. */
function answer(m: Machine, effects: readonly RootEffect[]): void {
  for (const effect of effects) {
    if (effect.type === "activity.prepare") {
      answer(m, m.tell({ type: "activity.ready", activityId: effect.activityId }));
    }
    if (effect.type === "hook.run") {
      answer(m, m.tell({ type: "hook.done", activityId: effect.activityId, hook: effect.hook }));
    }
    if (effect.type === "session.release") answer(m, m.tell({ type: "session.released" }));
    if (effect.type === "speech.abandon") {
      answer(m, m.floor({ type: "speech.done", handleId: effect.handleId }));
    }
  }
}

const close = (deadline = 20_000, drain = false): Fact => ({
  type: "session.close",
  reason: "user_initiated",
  drain,
  deadline,
  transcriptTimeout: 2_000,
});

test("agents that arrive one after another are each entered and left, and the last one stays", () => {
  const m = new Machine();
  answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
  const effects = [...m.tell({ type: "agent.update", arrival: arrival(1) })];
  effects.push(...m.tell({ type: "agent.update", arrival: arrival(2) }));
  effects.push(...m.tell({ type: "agent.update", arrival: arrival(3) }));
  answer(m, effects);
  const moves = m.effects.flatMap((e) =>
    e.type === "activity.enter" ? [`+${e.agentId}`] : e.type === "activity.leave" ? [`-${e.activityId}`] : []
  );
  assert.deepEqual(moves, ["+agent0", "-a0", "+agent1", "-a1", "+agent2", "-a2", "+agent3"]);
  assert.equal(m.root.stage.current?.agentId, "agent3");
  assert.equal(m.root.stage.current?.phase, "active");
  assert.deepEqual(Object.keys(m.root.floors), ["a3"]);
});

test("a close overtakes the agents that are to come", () => {
  const m = new Machine();
  answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
  const effects = [...m.tell({ type: "agent.update", arrival: arrival(1) }), ...m.tell(close())];
  answer(m, effects);
  for (let n = 0; n < 10 && m.root.stage.phase !== "closed"; n++) m.fire();
  assert.equal(m.root.stage.phase, "closed");
  assert.equal(m.effects.filter((e) => e.type === "activity.enter").length, 1);
  assert.equal(m.effects.filter((e) => e.type === "hook.run" && e.hook === "exit").length, 1);
});

test("a close in each phase of a move ends it, within its deadline, with nobody answering", () => {
  const phases: Record<string, (m: Machine) => void> = {
    idle: () => {},
    entering: (m) => void m.tell({ type: "session.start", arrival: arrival(0) }),
    active: (m) => answer(m, m.tell({ type: "session.start", arrival: arrival(0) })),
    exiting(m) {
      answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
      m.tell({ type: "agent.update", arrival: arrival(1) });
    },
    draining(m) {
      answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
      m.floor({
        type: "speech.scheduled",
        handleId: "s1",
        kind: "say",
        priority: 5,
        allowInterruptions: false,
        force: false,
      });
      m.tell({ type: "agent.update", arrival: arrival(1) });
      m.tell({ type: "hook.done", activityId: "a0", hook: "exit" });
    },
    drained(m) {
      answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
      answer(m, m.tell({ type: "session.drain" }));
    },
  };
  for (const [name, reach] of Object.entries(phases)) {
    const m = new Machine();
    reach(m);
    const from = m.t;
    m.tell(close(7_000));
    while (m.root.stage.phase === "closing" && m.fire());
    assert.ok(m.root.stage.phase === (name === "idle" ? "idle" : "closed"), `${name}: ${m.root.stage.phase}`);
    assert.ok(m.t - from <= 7_000, name);
    assert.deepEqual(m.root.floors, {});
    assert.deepEqual(m.root.stage.timers, {});
  }
});

test("a second close may be more urgent than the first, never less", () => {
  const m = new Machine();
  m.tell({ type: "session.start", arrival: arrival(0) });
  m.tell({ type: "activity.ready", activityId: "a0" });
  m.tell(close(20_000, true));
  m.tell(close(60_000));
  m.until(1_000);
  m.tell(close(500));
  m.until(1_499);
  assert.equal(m.root.stage.phase, "closing");
  m.until(1_500);
  assert.equal(m.root.stage.phase, "closed");
  assert.equal(m.types().filter((type) => type === "session.closed").length, 1);
});

test("a leaving agent's tools are called off after their time", () => {
  const m = new Machine();
  answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
  m.floor({
    type: "speech.scheduled",
    handleId: "s1",
    kind: "reply",
    priority: 5,
    allowInterruptions: true,
    force: false,
  });
  answer(m, m.tell({ type: "agent.update", arrival: arrival(1) }));
  m.until(TOOL_DRAIN_LIMIT_MS - 1);
  assert.equal(m.types().includes("tools.abort"), false);
  m.until(TOOL_DRAIN_LIMIT_MS);
  assert.equal(m.types().includes("tools.abort"), true);
});

test("an `onExit` that does not return is given up after 30 s", () => {
  const m = new Machine();
  answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
  m.tell({ type: "agent.update", arrival: arrival(1) });
  m.until(29_999);
  assert.equal(m.root.stage.current?.id, "a0");
  m.until(30_000);
  assert.equal(m.root.stage.current?.id, "a1");
  assert.equal(m.types().includes("hook.timeout"), true);
  const before = m.effects.length;
  m.tell({ type: "hook.done", activityId: "a0", hook: "exit" });
  assert.equal(m.effects.length, before, "its late answer does nothing");
});

test("late timers and facts of activities that are gone do nothing", () => {
  const m = new Machine();
  answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
  const { root } = m;
  for (
    const fact of [
      { type: "stage.timer", name: "entering", gen: 1 },
      { type: "stage.timer", name: "closing", gen: 9 },
      { type: "activity.ready", activityId: "gone" },
      { type: "hook.done", activityId: "gone", hook: "exit" },
      { type: "session.released" },
      {
        type: "floor",
        activityId: "gone",
        event: { type: "vad.start", t: 0, speechDuration: 1, inferenceDuration: 0 },
      },
    ] as const satisfies readonly Fact[]
  ) {
    assert.deepEqual(m.tell(fact), [], fact.type);
    assert.deepEqual(m.root.stage, root.stage);
  }
});

test("errors that a model gets over count nothing; four that it does not in a row close the session", () => {
  const m = new Machine();
  answer(m, m.tell({ type: "session.start", arrival: arrival(0) }));
  for (let n = 0; n < 10; n++) m.tell({ type: "model.error", kind: "llm", recoverable: true });
  for (let n = 0; n < 3; n++) m.tell({ type: "model.error", kind: "llm", recoverable: false });
  assert.equal(m.root.stage.phase, "running");
  m.tell({ type: "model.error", kind: "llm", recoverable: false });
  assert.equal(m.root.stage.phase, "closing");
});

// --- any order of facts --------------------------------------------------------------------------------------------

const handle = fc.constantFrom("s1", "s2", "s3");
const activity = fc.constantFrom("a0", "a1", "a2", "gone");
const text = fc.constantFrom("", "Hello", "Hello there");
const transcript = {
  requestId: fc.constant("r"),
  language: fc.constant("en"),
  confidence: fc.constantFrom(0, 0.9),
  startTime: fc.constant(0),
  endTime: fc.constant(0),
  speakerId: fc.constant(null),
  text,
};
const floorFact: fc.Arbitrary<FloorFact> = fc.oneof(
  fc.record({
    type: fc.constant("speech.scheduled" as const),
    handleId: handle,
    kind: fc.constantFrom("say" as const, "reply" as const, "tool_reply" as const),
    priority: fc.constantFrom(0, 5, 10),
    allowInterruptions: fc.boolean(),
    force: fc.boolean(),
  }),
  fc.record({ type: fc.constant("speech.interruptCalled" as const), handleId: handle, force: fc.boolean() }),
  fc.record({ type: fc.constant("speech.done" as const), handleId: handle }),
  fc.record({ type: fc.constant("playout.started" as const), handleId: handle, at: fc.constant(0) }),
  fc.record({ type: fc.constant("api.interrupt" as const), force: fc.boolean() }),
  fc.record({ type: fc.constant("api.clearUserTurn" as const) }),
  fc.record({
    type: fc.constant("api.commitUserTurn" as const),
    id: fc.nat(3),
    transcriptTimeout: fc.constantFrom(0, 2_000),
    sttFlushDuration: fc.constantFrom(0, 2_000),
    skipReply: fc.boolean(),
    audioDetached: fc.boolean(),
    atClose: fc.constant(false),
  }),
  fc.record({
    type: fc.constant("vad.start" as const),
    speechDuration: fc.constant(50),
    inferenceDuration: fc.constant(0),
  }),
  fc.record({
    type: fc.constant("vad.end" as const),
    speechDuration: fc.constant(900),
    silenceDuration: fc.constant(550),
    inferenceDuration: fc.constant(0),
  }),
  fc.record({ type: fc.constant("stt.interim" as const), ...transcript }),
  fc.record({ type: fc.constant("stt.final" as const), ...transcript }),
  fc.record({
    type: fc.constant("turn.hookDone" as const),
    turnId: fc.nat(4),
    outcome: fc.constantFrom("ok" as const, "stop" as const, "error" as const),
    text,
    unchanged: fc.boolean(),
  }),
  fc.record({ type: fc.constant("tools.changed" as const), running: fc.nat(2) }),
);

const anyFact: fc.Arbitrary<Fact | { readonly type: "pass"; readonly ms: number } | { readonly type: "answer" }> = fc
  .oneof(
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant("session.start" as const), arrival: fc.nat(2).map(arrival) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant("agent.update" as const), arrival: fc.nat(5).map(arrival) }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("activity.ready" as const), activityId: activity }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("hook.done" as const),
        activityId: activity,
        hook: fc.constantFrom("enter" as const, "exit" as const),
      }),
    },
    fc.constant({ type: "session.drain" as const }),
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("task.requested" as const),
        arrival: fc.integer({ min: 20, max: 26 }).map(arrival),
        parentId: fc.constantFrom("a0", "a1", "a20", "a21", "gone"),
        waiter: fc.constantFrom("handle:s1", "handle:s2", "hook:a0:enter", "hook:a0:exit", "hook:a20:enter"),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant("task.completed" as const),
        taskId: fc.integer({ min: 20, max: 26 }).map((n) => `a${n}`),
      }),
    },
    fc.record({
      type: fc.constant("session.close" as const),
      reason: fc.constant("user_initiated" as const),
      drain: fc.boolean(),
      deadline: fc.constantFrom(0, 300, 20_000),
      transcriptTimeout: fc.constantFrom(0, 2_000),
    }),
    fc.constant({ type: "session.released" as const }),
    fc.record({
      type: fc.constant("model.error" as const),
      kind: fc.constantFrom("llm" as const, "tts" as const, "stt" as const),
      recoverable: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("playout.ack" as const),
      activityId: activity,
      handleId: handle,
      segmentId: fc.constant("s1#1"),
      ack: fc.constantFrom("started" as const, "finished" as const, "cleared" as const),
      positionMs: fc.nat(1_000),
      at: fc.constant(0),
      first: fc.constant(true),
    }),
    fc.record({
      type: fc.constant("reply.played" as const),
      activityId: activity,
      handleId: handle,
      text,
      interrupted: fc.boolean(),
      toolsStarted: fc.boolean(),
      toolsRunning: fc.boolean(),
    }),
    fc.record({ type: fc.constant("tools.ended" as const), activityId: activity, handleId: handle }),
    fc.record({ type: fc.constant("run.start" as const), runId: fc.nat(3), alive: fc.constantFrom(["call"], []) }),
    fc.record({
      type: fc.constantFrom("run.watch" as const, "run.unwatch" as const),
      name: fc.constantFrom("call", "handle:s1"),
    }),
    {
      weight: 6,
      arbitrary: floorFact.map((event) => ({
        type: "floor" as const,
        activityId: null,
        event: { ...event, t: 0 } as TurnEvent,
      })),
    },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.constantFrom(0, 100, 1_000, 6_000, 31_000) }),
    },
    { weight: 3, arbitrary: fc.constant({ type: "answer" as const }) },
  );

/** Plays a list of facts; `answer` gives the orders of the last step their answers. */
function play(
  facts: readonly (Fact | { readonly type: "pass"; readonly ms: number } | { readonly type: "answer" })[],
): Machine {
  const m = new Machine();
  let answered = 0;
  for (const fact of facts) {
    if (fact.type === "pass") m.until(m.t + fact.ms);
    else if (fact.type === "answer") {
      const from = answered;
      answered = m.effects.length;
      answer(m, m.effects.slice(from));
    } else m.tell(fact);
  }
  return m;
}

test("any facts in any order never throw, and a close ends them all within its deadline and leaves no timer", () => {
  fc.assert(
    fc.property(fc.array(anyFact, { maxLength: 60 }), (facts) => {
      const m = play([{ type: "session.start", arrival: arrival(0) }, ...facts]);
      const from = m.t;
      m.tell(close(20_000));
      while (m.root.stage.phase === "closing" && m.fire());
      assert.ok(m.root.stage.phase === "closed");
      assert.ok(m.t - from <= 20_000);
      assert.deepEqual(m.root.floors, {});
      assert.deepEqual([m.root.stage.paused, m.root.stage.tasks, m.root.stage.hooks], [[], [], []]);
      assert.equal(m.root.stage.current, null);
      assert.deepEqual(m.root.stage.timers, {});
      assert.equal(m.root.stage.run, null);
      const shared = new Set([":aecWarmup:", ":userAway:"]); // the driver drops these with the session
      assert.deepEqual([...m.timers.keys()].filter((key) => !shared.has(key)), []);
    }),
    { numRuns: 300 },
  );
});

test("a run that begins behind a close is over at once", () => {
  const m = play([
    { type: "session.start", arrival: arrival(0) },
    close(0),
    { type: "answer" },
    { type: "run.start", runId: 0, alive: ["call"] },
  ]);
  assert.equal(m.root.stage.phase, "closed");
  assert.equal(m.root.stage.run, null);
});

test("whatever happened, an agent that is asked for comes within bounded time, when speeches and tasks of onExit end", () => {
  fc.assert(
    fc.property(fc.array(anyFact, { maxLength: 40 }), (facts) => {
      const m = play([{ type: "session.start", arrival: arrival(0) }, ...facts]);
      if (m.root.stage.phase !== "running") return;
      m.tell({ type: "agent.update", arrival: { ...arrival(9), agentId: "last" } });
      for (let n = 0; n < 2_000 && m.root.stage.current?.agentId !== "last"; n++) {
        for (const id of ["s1", "s2", "s3"]) m.floor({ type: "speech.done", handleId: id });
        for (const { arrival, waiter } of m.root.stage.tasks) { // who leaves waits for these, however long people take
          if (waiter.endsWith(":exit")) m.tell({ type: "task.completed", taskId: arrival.activityId });
        }
        if (m.root.stage.current?.agentId === "last") break;
        if (!m.fire()) break;
      }
      assert.equal(m.root.stage.current?.agentId, "last");
    }),
    { numRuns: 200 },
  );
});

test("a request with the id of a task that is there is none, also from that task itself", () => {
  const m = play([{ type: "session.start", arrival: arrival(0) }, { type: "answer" }]);
  for (const parentId of ["a0", "a9", "a9"]) {
    m.tell({ type: "task.requested", arrival: arrival(9), parentId, waiter: "handle:s1" });
  }
  assert.deepEqual(m.root.stage.tasks.map(({ arrival: { activityId }, parentId }) => [activityId, parentId]), [[
    "a9",
    "a0",
  ]]);
});

test("one agent at most is on stage, each that came leaves once, and `close` is told once for each start", () => {
  fc.assert(
    fc.property(fc.array(anyFact, { maxLength: 60 }), (facts) => {
      const m = play(facts);
      m.tell(close(0));
      while (m.root.stage.phase === "closing" && m.fire());
      let on: string | undefined;
      const below: string[] = [];
      let open = 0;
      for (const effect of m.effects) {
        if (effect.type === "activity.pause") {
          assert.equal(on, effect.activityId);
          below.push(on as string);
          on = undefined;
        }
        if (effect.type === "activity.resume") {
          assert.equal(on, undefined);
          on = below.pop();
          assert.equal(on, effect.activityId);
        }
        if (effect.type === "activity.enter") {
          assert.equal(on, undefined);
          on = effect.activityId;
          if (effect.oldAgentId === null) assert.equal(++open, 1);
        }
        if (effect.type === "activity.leave" && on === undefined) assert.equal(below.pop(), effect.activityId);
        else if (effect.type === "activity.leave") {
          assert.equal(on, effect.activityId);
          on = undefined;
        }
        if (effect.type === "session.closed") {
          assert.equal(on, undefined);
          assert.equal(--open, 0);
        }
      }
      assert.deepEqual([on, below, open], [undefined, [], 0]);
    }),
    { numRuns: 200 },
  );
});

test("each task that is asked for is answered once, by the end of the session at the latest", () => {
  fc.assert(
    fc.property(fc.array(anyFact, { maxLength: 60 }), (facts) => {
      let n = 100; // each request is of a task of its own
      const own = facts.map((fact) => fact.type === "task.requested" ? { ...fact, arrival: arrival(n++) } : fact);
      const asked = own.flatMap((fact) => fact.type === "task.requested" ? [fact.arrival.activityId] : []);
      const m = play([{ type: "session.start", arrival: arrival(0) }, ...own]);
      m.tell(close(0));
      while (m.root.stage.phase === "closing" && m.fire());
      const answered = m.effects.flatMap((effect) => effect.type === "task.settle" ? [effect.taskId] : []);
      assert.deepEqual(answered.toSorted(), asked.toSorted());
    }),
    { numRuns: 300 },
  );
});

test("a completed task has left within bounded time, when speeches end, and whoever waited is back", () => {
  fc.assert(
    fc.property(fc.array(anyFact, { maxLength: 30 }), (facts) => {
      const m = play([{ type: "session.start", arrival: arrival(0) }, { type: "answer" }]);
      m.tell({ type: "task.requested", arrival: arrival(90), parentId: "a0", waiter: "handle:s1" });
      if (m.root.stage.current?.id !== "a90") return;
      for (const fact of facts) {
        if (fact.type === "pass") m.until(m.t + fact.ms);
        else if (fact.type !== "answer" && fact.type !== "session.close") m.tell(fact);
      }
      m.tell({ type: "task.completed", taskId: "a90" });
      const isAnswered = (): boolean => m.effects.some((e) => e.type === "task.settle" && e.taskId === "a90");
      for (let k = 0; k < 2_000 && !isAnswered(); k++) {
        for (const id of ["s1", "s2", "s3"]) m.floor({ type: "speech.done", handleId: id });
        if (isAnswered() || !m.fire()) break;
      }
      assert.ok(isAnswered());
    }),
    { numRuns: 200 },
  );
});
