/**
 * Watches a whole session: every step of its machines, by a second machine that takes the same facts, and what came of it
 * at the sink, in the history, at the tools, and for whoever waits.
 */
import { AgentError } from "../../src/base/error.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import type { RootEffect, RootEvent } from "../../src/stage/event.ts";
import { createRoot, type RootState } from "../../src/stage/state.ts";
import { step } from "../../src/stage/step.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { MachineChecks, type Watched } from "./machine_checks.ts";
import { Violation } from "./outcome.ts";
import { type Script, SPAN_MS } from "./script.ts";
import { MS_PER_CHAR, SAYINGS, SessionWorld } from "./session_world.ts";

/** How long a world is left alone before its last close. Chosen: every wait of a session, several times over. */
const REST_MS = 400_000;
/** How far what is stored may be from what was heard, in milliseconds of sound. Specified: one word, and the step of a report. */
const HEARD_WITHIN_MS = 14 * MS_PER_CHAR + 200;

/** Watches one session. */
export class SessionChecks {
  readonly #world: SessionWorld;
  readonly #machines: MachineChecks;
  readonly #isOurs: boolean;
  readonly #armed = new Map<string, { readonly gen: number }>();
  readonly #finals: string[] = [];
  readonly #steps = new Map<string, number>();
  #root: RootState | undefined;
  #now = 0;
  stepCount = 0;
  /** The first rule that was broken. */
  violation: Violation | undefined;

  constructor(world: SessionWorld) {
    this.#world = world;
    this.#machines = new MachineChecks(world.script);
    this.#isOurs = world.script.setup.compat === "fixed";
    world.onRecord = (record) => this.#onRecord(record);
  }

  #fail(rule: string, what: string): void {
    this.violation ??= new Violation(rule, what, this.#world.clock.now());
  }

  #onRecord(record: TraceRecord): void {
    if (record.kind === "header") this.#root = createRoot(record.root);
    if (record.kind !== "step" || this.#root === undefined || this.violation !== undefined) return;
    const { fact, effects } = record;
    this.#now = record.t;
    this.stepCount += 1;
    if (fact.type === "floor" && fact.event.type === "stt.final" && fact.event.text !== "" && this.#isListening) {
      this.#finals.push(fact.event.text);
    }
    const shadow = step(this.#root, fact);
    this.#root = shadow.root;
    if (shadow.effects.length !== effects.length) this.#fail("S9", `the same fact (${fact.type}) gives other orders`);
    this.#arm(fact, effects);
    if (fact.type === "reply.played") this.#played(fact);
    try {
      const watched: Watched = { now: this.#now, root: this.#root, armed: this.#armed, finals: this.#finals };
      this.#machines.onFact(watched, fact, effects);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
    }
  }

  /** Somebody on stage takes words. */
  get #isListening(): boolean {
    const current = this.#root?.stage.current;
    return current !== null && current !== undefined;
  }

  #arm(fact: RootEvent, effects: readonly RootEffect[]): void {
    if (fact.type === "stage.timer" && this.#armed.get(fact.name)?.gen === fact.gen) this.#armed.delete(fact.name);
    if (fact.type === "floor" && fact.event.type === "timer") {
      const key = keyOf({ ...fact.event, activityId: fact.activityId ?? "" });
      if (this.#armed.get(key)?.gen === fact.event.gen) this.#armed.delete(key);
    }
    for (const effect of effects) {
      if (effect.type === "timer.set") this.#armed.set(keyOf(effect), { gen: effect.gen });
      else if (effect.type === "timer.cancel") this.#armed.delete(keyOf(effect));
      else if (effect.type === "stage.timer.set") this.#armed.set(effect.name, { gen: effect.gen });
      else if (effect.type === "stage.timer.cancel") this.#armed.delete(effect.name);
    }
  }

  /** S5: what is stored is what was heard. */
  #played(fact: Extract<RootEvent, { type: "reply.played" }>): void {
    const n = (this.#steps.get(fact.handleId) ?? 0) + 1;
    this.#steps.set(fact.handleId, n);
    const text = fact.text.trim();
    if (text !== "" && !SAYINGS.some((saying) => saying.startsWith(text))) {
      this.#fail("S5", `"${text}" was never said`);
    }
    const { setup, faults } = this.#world.script;
    const segment = this.#world.segments.get(`${fact.handleId}#${n}`);
    if (!this.#isOurs || !setup.captions || segment === undefined || text === "") return;
    if (faults.some((fault) => fault.endsWith("is lost") || fault.startsWith("tts"))) return;
    const heardMs = segment.endedAt === undefined ? undefined : segment.heardMs;
    if (heardMs === undefined) return;
    const storedMs = text.length * MS_PER_CHAR;
    if (storedMs - heardMs > HEARD_WITHIN_MS) {
      this.#fail("S5", `${storedMs} ms of words are stored of which ${Math.round(heardMs)} ms were heard`);
    }
    if (!fact.interrupted && heardMs - storedMs > HEARD_WITHIN_MS) {
      this.#fail("S5", `${storedMs} ms of words are stored of ${Math.round(heardMs)} ms that were heard`);
    }
  }

  /** Nothing has happened from outside for long. */
  atRest(): void {
    const world = this.#world;
    const root = this.#root;
    const { current } = root?.stage ?? { current: null };
    this.#always();
    if (!this.#isOurs || root === undefined || root.stage.phase !== "running" || current === null) return;
    const floor = root.floors[current.id];
    if (floor === undefined) return;
    const isUserSpeaking = floor.recognition.speaking || !floor.interruption.userSilence;
    const someToolHangs = [...world.calls.values()].some(({ name, result }) =>
      name === "hangs" && result === undefined
    );
    const someTaskHangs = world.hasEndlessTask && root.stage.tasks.length > 0;
    if (isUserSpeaking || someToolHangs || someTaskHangs) return;
    for (const handle of world.handles) {
      const waitsForUse = !handle.scheduled && floor.turns.preemptive?.handleId === handle.id;
      if (!handle.done() && !waitsForUse) this.#fail("S1", `${handle.id} does not settle`);
    }
    const isHooked = world.script.events.some((event) => event.do === "agent");
    for (const { what, isSettled } of world.waits) {
      if (!isSettled && !(what.startsWith("run") && isHooked)) this.#fail("S1", `${what} does not settle`);
    }
    if (root.shared.agentState !== "listening") {
      this.#fail("form", `the agent is ${root.shared.agentState} with nothing to do`);
    }
    if (current.phase !== "active") this.#fail("S1", `the agent stays ${current.phase}`);
    if (floor.turns.list.length > 0) this.#fail("S3", "a turn has neither a reply nor a reason");
  }

  /**
   * S10: put down now and resumed elsewhere, it asks its model the same and answers the same. False when it is not quiet.
   */
  async goesOnElsewhere(): Promise<boolean> {
    const { session, script } = this.#world;
    const { phase, current } = this.#root?.stage ?? { phase: "idle", current: null };
    // A session that is drained answers nothing, here or elsewhere.
    if (phase !== "running" || this.#root?.floors[current?.id ?? ""]?.life !== "running") return false;
    let saved: string;
    try {
      saved = JSON.stringify(session.snapshot());
    } catch (error) {
      if (error instanceof AgentError) return false;
      throw error;
    }
    const other = new SessionWorld({ ...script, events: [] });
    await other.resume(JSON.parse(saved));
    const asked = async (world: SessionWorld): Promise<readonly string[]> => {
      const before = world.llm.requests.length;
      const handle = world.session.generateReply({ userInput: "Where were we?" });
      await world.clock.advance(60_000);
      const seen = (items: readonly ChatItem[]): string =>
        items.map((item) =>
          item.type === "message"
            ? `${item.role}: ${item.textContent}`
            : item.type === "function_call_output"
            ? `output ${item.callId}: ${item.output}`
            : item.type === "function_call"
            ? `call ${item.callId} ${item.name}`
            : item.type
        ).join("\n");
      // The answers are the models' own, and one whose tool hangs is not over.
      const isDone = handle.done() || script.faults.includes("tool hangs");
      return [`done ${isDone}`, seen(world.llm.requests[before]?.items ?? [])];
    };
    const [here, there] = [await asked(this.#world), await asked(other)];
    if (here.join("\n") !== there.join("\n")) this.#fail("S10", `here ${here.join(" ")}; elsewhere ${there.join(" ")}`);
    await other.clock.until(other.session.close({ deadline: 0 }));
    return true;
  }

  /** The session has closed, and its time is over. */
  atEnd(): void {
    const world = this.#world;
    const { session, clock } = world;
    if (session.isRunning) this.#fail("S2", "the session runs when its time to close is over");
    for (const handle of world.handles) if (!handle.done()) this.#fail("S1", `${handle.id} is open after the close`);
    for (const { what, isSettled } of world.waits) if (!isSettled) this.#fail("S2", `${what} is open after the close`);
    if (world.earsOpen > 0) this.#fail("S2", `${world.earsOpen} streams of models are open after the close`);
    if (clock.armed > 0) this.#fail("S2", `${clock.armed} timers are armed after the close`);
    if (world.events.at(-1) !== "close") this.#fail("S2", "no event tells of the close");
    this.#always();
    this.#history(session.history.items);
    for (const { items, n } of world.llm.requests) this.#paired(items, `request ${n}`, false);
    try {
      const root = this.#root as RootState;
      this.#machines.afterClose({ now: this.#now, root, armed: this.#armed, finals: this.#finals });
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
    }
  }

  #always(): void {
    const first = this.#world.broken[0];
    if (first !== undefined) this.#fail(first.startsWith("S7") ? "S7" : "throws", first.replace("S7: ", ""));
  }

  #history(items: readonly ChatItem[]): void {
    const ids = new Set<string>();
    for (const { id } of items) {
      if (ids.has(id)) this.#fail("S5", `item ${id} is stored twice`);
      ids.add(id);
    }
    this.#paired(items, "the history", true);
    const outputs = new Map<string, { readonly output: string; readonly at: number }>();
    for (const item of items) {
      if (item.type !== "function_call_output") continue;
      outputs.set(item.callId, { output: item.output, at: item.createdAt - this.#world.clock.wallOffset });
    }
    for (const { id, name, result, endedAt } of this.#world.calls.values()) {
      const stored = outputs.get(id);
      if (stored === undefined) this.#fail("S6", `the call ${id} of ${name} is forgotten`);
      // One that ends when it was given up already has its output.
      else if (result?.startsWith("result") && !stored.output.includes(result) && stored.at >= (endedAt ?? Infinity)) {
        this.#fail("S6", `the result of ${id} is lost: "${stored.output}" is stored`);
      }
    }
  }

  /** S6: each call has one output. */
  #paired(items: readonly ChatItem[], where: string, isWhole: boolean): void {
    const outputs = new Map<string, number>();
    for (const item of items) {
      if (item.type === "function_call_output") outputs.set(item.callId, (outputs.get(item.callId) ?? 0) + 1);
    }
    const calls = new Set<string>();
    for (const item of items) {
      if (item.type !== "function_call") continue;
      calls.add(item.callId);
      const count = outputs.get(item.callId) ?? 0;
      if (count !== 1) this.#fail("S6", `${item.callId} has ${count} outputs in ${where}`);
    }
    if (!isWhole) return;
    for (const id of outputs.keys()) if (!calls.has(id)) this.#fail("S6", `an output of ${id} has no call in ${where}`);
  }
}

/** How a session was played. */
export interface PlayedSession {
  readonly violation: Violation | undefined;
  readonly steps: number;
  /** It was put down at rest, and went on elsewhere. */
  readonly wasPutDown: boolean;
}

/**
 * Plays a script in a session of its own, checks it throughout, and closes it at the end. Never rejects.
 *
 * @param o `isPutDown`: at rest the session is put down and goes on elsewhere too (S10).
 */
export async function playSession(
  script: Script,
  o: {
    readonly isPutDown?: boolean;
    /** Told every line of the flight recorder. */
    readonly onRecord?: (record: TraceRecord) => void;
  } = {},
): Promise<PlayedSession> {
  let wasPutDown = false;
  const world = new SessionWorld(script);
  const checks = new SessionChecks(world);
  const { onRecord } = world;
  if (o.onRecord !== undefined) {
    world.onRecord = (record) => {
      o.onRecord?.(record);
      onRecord(record);
    };
  }
  const { clock, session } = world;
  try {
    await world.start();
    await clock.runUntil(SPAN_MS);
    await clock.runUntil(SPAN_MS + REST_MS);
    checks.atRest();
    world.isLeftAlone = true;
    if (o.isPutDown) wasPutDown = await checks.goesOnElsewhere();
    if (!session.isRunning) await world.start(); // the last close is of a session that lives
    world.watched("the last close", session.close({ deadline: script.deadline }));
    await clock.advance(Math.max(script.deadline, 20_000) + 20_000);
    await clock.advance(REST_MS); // what the world itself has begun
    checks.atEnd();
  } catch (error) {
    const { message, stack } = error as Error;
    checks.violation ??= new Violation("throws", `${message} ${stack?.split("\n")[1]?.trim() ?? ""}`, clock.now());
  }
  return { violation: checks.violation, steps: checks.stepCount, wasPutDown };
}

function keyOf(timer: { readonly activityId: string; readonly name: string; readonly handleId?: string }): string {
  const isShared = timer.name === "aecWarmup" || timer.name === "userAway";
  return `${isShared ? "" : timer.activityId}:${timer.name}:${timer.handleId ?? ""}`;
}
