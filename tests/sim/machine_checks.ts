/**
 * Watches a world of the machines, and says which rule is broken at which step.
 *
 * S1 to S8 are those of the design; "form" is section 1 of the specification of turn taking, and what the states must be.
 */
import type { RootEffect, RootEvent } from "../../src/stage/event.ts";
import { stageViolations } from "../../src/stage/invariants.ts";
import { currentOf } from "../../src/turn/speech_list.ts";
import {
  ENTERING_LIMIT_MS,
  HOOK_LIMIT_MS,
  type RootState,
  type StageTimer,
  TOOL_DRAIN_LIMIT_MS,
} from "../../src/stage/state.ts";
import { MachineWorld, type Step, type Voice, type Watcher } from "./machine_world.ts";
import { Violation } from "./outcome.ts";
import { type Script, SPAN_MS } from "./script.ts";

/** How long a world is left alone before its last close. Chosen: every wait of the machines, several times over. */
const REST_MS = 400_000;
/** What may still come out of a stage that has closed: results of tools, and answers to whoever asks. */
const AFTER_CLOSE: ReadonlySet<string> = new Set(["tools.commit", "reply.ack", "run.settle", "message.commit"]);

/** What the waits of the stage are given. */
const LIMITS: Readonly<Partial<Record<StageTimer, number>>> = {
  entering: ENTERING_LIMIT_MS,
  onEnter: HOOK_LIMIT_MS,
  exiting: HOOK_LIMIT_MS,
  draining: TOOL_DRAIN_LIMIT_MS,
  pausing: TOOL_DRAIN_LIMIT_MS,
};

/** What the checks look at after a step. */
export interface Watched {
  readonly now: number;
  readonly root: RootState;
  readonly armed: ReadonlyMap<string, { readonly gen: number }>;
  readonly finals: readonly string[];
}

/** Watches one world. */
export class MachineChecks implements Watcher {
  readonly #isOurs: boolean;
  #isPaused = false;
  #user = "listening";
  #agent = "initializing";
  readonly #spans = new Set<string>();
  readonly #interrupted = new Set<string>();
  readonly #cancelled = new Set<string>();
  readonly #used = new Set<string>();
  readonly #preemptive = new Map<string, string>();
  readonly #turns = new Map<string, { readonly t: number; reason: string | null }>();
  readonly #committed = new Map<string, string>();
  readonly #elsewhere: string[] = [];
  #audible: string | null = null;

  constructor(script: Script) {
    this.#isOurs = script.setup.compat === "fixed";
  }

  onFact(world: Watched, fact: RootEvent, effects: readonly RootEffect[]): void {
    const { now } = world;
    const fail = (rule: string, what: string): never => {
      throw new Violation(rule, what, now);
    };
    const broken = stageViolations(world.root);
    if (broken.length > 0) fail("form", `${broken.join("; ")} (after ${nameOf(fact)})`);
    if (fact.type === "session.start" && effects.length > 0) { // what was told of the one before is over
      this.#user = "listening";
      this.#agent = "initializing";
    }
    let commits = 0;
    let stored = 0;
    let entered: string | null = null;
    const hookOf = fact.type === "floor" && fact.event.type === "turn.hookDone" ? fact.event.turnId : null;
    const ofTurn = effects.find(({ type }) =>
      type === "gen.reply" || type === "gen.usePreemptive" || type === "turn.drop"
    );
    if (hookOf !== null && ofTurn !== undefined && "turnId" in ofTurn && ofTurn.turnId !== hookOf) {
      fail("S3", `turn ${ofTurn.turnId} is answered by what the hook of turn ${hookOf} says`);
    }
    for (const effect of effects) {
      switch (effect.type) {
        case "playout.pause":
        case "playout.resume":
          if (this.#isPaused === (effect.type === "playout.pause")) fail("form", `${effect.type} without a change`);
          this.#isPaused = effect.type === "playout.pause";
          break;
        case "emit":
          if (effect.event === "user_state_changed") {
            if (effect.oldState !== this.#user || effect.newState === this.#user) {
              fail("form", `user state ${effect.oldState} to ${effect.newState}, which was ${this.#user}`);
            }
            this.#user = effect.newState;
          } else if (effect.event === "agent_state_changed") {
            if (effect.oldState !== this.#agent || effect.newState === this.#agent) {
              fail("form", `agent state ${effect.oldState} to ${effect.newState}, which was ${this.#agent}`);
            }
            this.#agent = effect.newState;
          }
          break;
        case "span.start":
          if (this.#spans.has(effect.span)) fail("form", `span ${effect.span} begins twice`);
          this.#spans.add(effect.span);
          break;
        case "span.end":
          if (!this.#spans.delete(effect.span)) fail("form", `span ${effect.span} ends, which has not begun`);
          break;
        case "speech.interrupt":
          if (this.#interrupted.has(effect.handleId)) fail("form", "a speech is interrupted twice");
          this.#interrupted.add(effect.handleId);
          if (this.#audible === effect.handleId) this.#audible = null;
          break;
        case "speech.abandon":
          if (this.#audible === effect.handleId) this.#audible = null;
          break;
        case "speech.play":
          if (this.#interrupted.has(effect.handleId)) fail("S7", "a speech plays that was interrupted");
          if (this.#audible !== null) fail("S7", `${effect.handleId} plays while ${this.#audible} does`);
          if (this.#cancelled.has(effect.handleId)) fail("S8", "a speech plays that was superseded");
          if (this.#preemptive.has(effect.handleId) && !this.#used.has(effect.handleId)) {
            fail("S8", "a speech plays that was not used");
          }
          this.#audible = effect.handleId;
          break;
        case "gen.startPreemptive":
          for (const [other, activityId] of this.#preemptive) {
            if (activityId !== effect.activityId || this.#used.has(other) || this.#cancelled.has(other)) continue;
            if (this.#isOurs) fail("S8", `${other} is speculated beside ${effect.handleId}`);
          }
          this.#preemptive.set(effect.handleId, effect.activityId);
          break;
        case "gen.cancelPreemptive":
          this.#cancelled.add(effect.handleId);
          break;
        case "gen.usePreemptive":
          if (this.#cancelled.has(effect.handleId)) fail("S8", "a reply is used that was superseded");
          this.#used.add(effect.handleId);
          break;
        case "turn.commit": {
          const key = `${effect.activityId} ${effect.turnId}`;
          this.#turns.set(key, { t: now, reason: null });
          this.#committed.set(key, effect.info.transcript);
          break;
        }
        case "turn.store":
        case "turn.drop": {
          const turn = this.#turns.get(`${effect.activityId} ${effect.turnId}`);
          if (turn === undefined) fail("S3", `turn ${effect.turnId} ends twice, or never began`);
          else turn.reason = effect.reason;
          if (effect.type === "turn.drop") {
            const text = this.#committed.get(`${effect.activityId} ${effect.turnId}`) ?? "";
            this.#committed.delete(`${effect.activityId} ${effect.turnId}`);
            if (effect.reason !== "scheduling_paused") this.#elsewhere.push(text); // given back for the next agent
            this.#turns.delete(`${effect.activityId} ${effect.turnId}`);
          } else this.#turns.delete(`${effect.activityId} ${effect.turnId}`);
          break;
        }
        case "turn.over": {
          const key = `${effect.activityId} ${effect.turnId}`;
          const turn = this.#turns.get(key);
          if (effect.handleId === null && turn !== undefined) fail("S3", "a turn is over without a reply or a reason");
          if (effect.handleId !== null && turn === undefined) fail("S3", "a turn is answered twice, or never began");
          this.#turns.delete(key);
          break;
        }
        case "transcript.discarded":
          this.#elsewhere.push(effect.text);
          break;
        case "exceeded.runHook": {
          const exceeded = world.root.floors[effect.activityId]?.limits.exceeded;
          if (exceeded?.phase === "running") this.#elsewhere.push(exceeded.moved);
          break;
        }
        case "message.commit":
          stored += 1;
          if (this.#audible === effect.handleId) this.#audible = null;
          if (fact.type !== "reply.played" || fact.text !== effect.text) {
            fail("S5", "what is stored is not what was heard");
          }
          break;
        case "tools.commit":
          commits += 1;
          break;
        case "activity.enter":
          entered = effect.activityId;
          break;
        case "activity.prepare":
          if (entered !== effect.activityId) fail("form", "an agent is prepared that has not entered");
          break;
        case "stage.timer.set": {
          const limit = LIMITS[effect.name];
          if (limit !== undefined && effect.at !== now + limit) {
            fail("form", `${effect.name} is given ${effect.at - now} ms, not ${limit}`);
          }
          break;
        }
        case "activity.leave":
          this.#left(world, effect.activityId, fail);
          break;
        default:
      }
    }
    if (fact.type === "reply.played" && stored !== 1) fail("S5", `a step that was played is stored ${stored} times`);
    if (fact.type === "tools.ended" && commits !== 1) fail("S6", `results of tools are stored ${commits} times`);
    if (world.root.shared.output.paused !== this.#isPaused) fail("form", "the output is not as it was ordered");
    if (fact.type === "floor" && fact.event.type === "speech.done" && this.#audible === fact.event.handleId) {
      this.#audible = null;
    }
    this.#timers(world, fail);
    this.#endpointing(world, fail);
    if (world.root.stage.phase === "closed" && fact.type !== "session.released" && fact.type !== "stage.timer") {
      const late = effects.find(({ type }) => !AFTER_CLOSE.has(type) && type !== "session.closed");
      if (late !== undefined && !effects.some(({ type }) => type === "session.closed")) {
        fail("S2", `${late.type} after the close, on ${nameOf(fact)}`);
      }
    }
  }

  #left(world: Watched, activityId: string, fail: (rule: string, what: string) => never): void {
    for (const key of this.#turns.keys()) {
      if (key.startsWith(`${activityId} `)) fail("S3", `turn ${key} is open when its agent leaves`);
    }
    for (const key of world.armed.keys()) {
      if (key.startsWith(`${activityId}:`)) fail("S2", `${key} is armed when its agent has left`);
    }
    this.#audible = null;
  }

  /** What is armed is what the state says, with the generation that it says. */
  #timers({ root, armed }: Watched, fail: (rule: string, what: string) => never): void {
    let count = 0;
    const check = (key: string, gen: number | undefined): void => {
      if (gen === undefined) return;
      count += 1;
      const timer = armed.get(key);
      if (timer?.gen !== gen) {
        fail("form", `timer ${key} of the state is ${timer === undefined ? "not armed" : "another"}`);
      }
    };
    for (const name in root.stage.timers) check(name, root.stage.timers[name as "entering"]);
    for (const name in root.shared.timers) check(`:${name}:`, root.shared.timers[name]);
    for (const id in root.floors) {
      const floor = root.floors[id];
      if (floor === undefined) continue;
      for (const name in floor.timers) check(`${id}:${name}:`, floor.timers[name]);
      for (const speech of floor.speeches.all) {
        if (speech.teardown !== 0) check(`${id}:teardown:${speech.id}`, speech.teardown);
      }
    }
    if (count !== armed.size) fail("form", `${armed.size} timers are armed where the state has ${count}`);
  }

  #endpointing({ root }: Watched, fail: (rule: string, what: string) => never): void {
    const { current } = root.stage;
    const floor = current === null ? undefined : root.floors[current.id];
    if (floor === undefined || current === null) return;
    const { mode } = current.config;
    const byVoice = mode === "vad" || mode === null;
    const { decision } = floor;
    if (byVoice && decision.phase === "waiting" && decision.trigger !== "manual" && floor.recognition.speaking) {
      fail("form", "a turn is ending while the user speaks");
    }
  }

  /** Nothing has happened from outside for long: what can be at rest is. */
  atRest(world: MachineWorld): void {
    const { root, now } = world;
    const { current, phase } = root.stage;
    if (!this.#isOurs || phase !== "running" || current === null) return;
    const fail = (rule: string, what: string): never => {
      throw new Violation(rule, what, now);
    };
    const floor = root.floors[current.id];
    if (floor === undefined) return;
    const isUserSpeaking = floor.recognition.speaking || !floor.interruption.userSilence || root.shared.claims > 0;
    const hangs = (voice: Voice): boolean => voice.toolsRunning > 0;
    const someTaskHangs = world.script.faults.includes("tool hangs") &&
      world.waits.some(({ what, isSettled }) => what.startsWith("task") && !isSettled);
    const someToolHangs = someTaskHangs || [...world.voices.values()].some((voice) => !voice.isDone && hangs(voice));
    if (!isUserSpeaking && !someToolHangs) {
      for (const voice of world.voices.values()) {
        const waitsForUse = voice.isPreemptive && !voice.isScheduled && floor.turns.preemptive?.handleId === voice.id;
        if (!voice.isDone && !waitsForUse) fail("S1", `${voice.kind} ${voice.id} does not settle`);
      }
      if (this.#turns.size > 0) fail("S3", `turn ${[...this.#turns.keys()][0]} has neither a reply nor a reason`);
      if (floor.interruption.paused !== null || root.shared.output.paused) fail("S1", "the output stays paused");
      if (currentOf(floor) !== undefined) fail("S1", "the floor stays taken");
      if (root.shared.agentState !== "listening") {
        fail("form", `the agent is ${root.shared.agentState} with nothing to do`);
      }
      if (current.phase !== "active") fail("S1", `the agent stays ${current.phase}`);
      for (const wait of world.waits) {
        const isHooked = wait.what.startsWith("run") && world.script.events.some((e) => e.do === "agent");
        if (!wait.isSettled && !isHooked) fail("S1", `${wait.what} does not settle`);
      }
    }
    if (floor.decision.phase !== "none") fail("S3", `a decision stays ${floor.decision.phase}`);
    if (floor.commit.phase !== "none") fail("S1", "a manual commit stays open");
  }

  /** The session has closed, and its time is over. */
  atEnd(world: MachineWorld): void {
    const { root, now } = world;
    const fail = (rule: string, what: string): never => {
      throw new Violation(rule, what, now);
    };
    if (root.stage.phase !== "closed") fail("S2", `the session is ${root.stage.phase} when its time to close is over`);
    if (world.armed.size > 0) fail("S2", `${[...world.armed.keys()].join()} is armed after the close`);
    for (const voice of world.voices.values()) if (!voice.isDone) fail("S1", `${voice.id} is open after the close`);
    for (const { what, isSettled } of world.waits) if (!isSettled) fail("S2", `${what} is open after the close`);
    this.afterClose(world);
  }

  /** What the machines must have come to when the session has closed. */
  afterClose(world: Watched): void {
    const fail = (rule: string, what: string): never => {
      throw new Violation(rule, what, world.now);
    };
    if (this.#turns.size > 0) fail("S3", `turn ${[...this.#turns.keys()][0]} is open after the close`);
    if (this.#spans.size > 0) fail("form", `span ${[...this.#spans].join()} is open after the close`);
    if (this.#isPaused) fail("S2", "the output is paused after the close");
    if (this.#isOurs) this.#words(world, fail);
  }

  /** Each final's words are in exactly one place. */
  #words(world: Watched, fail: (rule: string, what: string) => never): void {
    const count = (texts: readonly string[]): Map<string, number> => {
      const counts = new Map<string, number>();
      for (const text of texts) for (const word of text.split(" ")) counts.set(word, (counts.get(word) ?? 0) + 1);
      return counts;
    };
    const places = count([...this.#committed.values(), ...this.#elsewhere]);
    for (const [word, said] of count(world.finals)) {
      const kept = places.get(word) ?? 0;
      if (kept !== said) fail("S4", `${word} was said ${said} times, and ends in ${kept} places`);
    }
  }
}

function nameOf(fact: RootEvent): string {
  return fact.type === "floor" ? fact.event.type : fact.type === "stage.timer" ? `timer ${fact.name}` : fact.type;
}

/** Plays a script in a world of its own, checks it throughout, and closes it at the end. Never throws. */
export function playMachines(
  script: Script,
  o: { readonly step?: Step; readonly isLogged?: boolean; readonly through?: (root: RootState) => RootState } = {},
): { readonly violation: Violation | undefined; readonly world: MachineWorld } {
  const checks = new MachineChecks(script);
  const world = new MachineWorld(script, checks, o.step);
  if (o.isLogged) world.log = [];
  world.through = o.through ?? null;
  try {
    world.start();
    world.run(SPAN_MS + REST_MS);
    checks.atRest(world);
    world.isLeftAlone = true;
    if (world.root.stage.phase === "closed") world.start(); // the last close is of a session that lives
    world.close(false, script.deadline);
    world.run(world.now + Math.max(script.deadline, 20_000));
    checks.atEnd(world);
    world.run(Infinity);
    checks.atEnd(world);
    return { violation: undefined, world };
  } catch (error) {
    if (error instanceof Violation) return { violation: error, world };
    const { message, stack } = error as Error;
    return {
      violation: new Violation("throws", `${message} ${stack?.split("\n")[1]?.trim() ?? ""}`, world.now),
      world,
    };
  }
}
