/**
 * Agents on their way on and off the stage.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { hookName } from "../stage/run.ts";
import { Activity } from "./activity.ts";
import type { Agent } from "./agent.ts";
import { callScope, within } from "./call_scope.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";

/** Performs the orders that bring agents on and off. */
export class Moves {
  readonly #core: SessionCore;
  readonly #arriving = new Map<string, Activity>();
  /** Ends the span of the move that is under way. */
  #moved: (() => void) | undefined;
  /** Who was last told to have the stage. */
  #told: Agent | undefined;
  /** Who waits for a task. */
  readonly #paused = new Map<string, Activity>();
  /** Hooks under way. */
  hookCount = 0;
  /** The session is put down, and goes on elsewhere: nobody leaves. */
  isSuspending = false;

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** Makes an agent ready to come on. Refuses one that is on another stage. */
  arrive(agent: Agent, isResumed = false): Activity {
    const other = agent["~"].activity;
    if (other !== undefined && other.core !== this.#core) {
      throw new AgentError(
        "agent.already_running",
        `Cannot put an agent on stage as it is on another already: current value is ${agent.id}`,
      );
    }
    const activity = new Activity(`a${this.#core.nextSerial()}`, agent, this.#core, isResumed);
    const { moved } = agent["~"];
    if (moved.length > 0) {
      this.#core.log("warn", "options have new names, and the old ones end", { area: "agent", agent: agent.id, moved });
    }
    for (const code of activity.resolved.warnings) this.#core.log("warn", code, { area: "turn", agent: agent.id });
    this.#arriving.set(activity.id, activity);
    return activity;
  }

  /** The agent is on stage. */
  enter(activityId: string, oldAgentId: string | null): void {
    const activity = this.#arriving.get(activityId);
    if (activity === undefined) return;
    this.#arriving.delete(activityId);
    this.#core.activity = activity;
    this.#core.agent = activity.agent;
    if (activity.isResumed) this.#told = activity.agent;
    else this.#tell(oldAgentId, activity.agent);
    activity.begin();
    this.#moved = this.#core.telemetry.move("start", activity.agent.id);
  }

  /** Records who has the stage. */
  #tell(oldAgentId: string | null, agent: Agent): void {
    const oldAgent = this.#told; // the session's `agent` is the one that comes, as soon as it is asked for
    this.#told = agent;
    const item = this.#core.items.agentHandoff({ oldAgentId, newAgentId: agent.id });
    this.#core.history.insert(item);
    this.#core.runs.record(item, oldAgentId === null ? undefined : oldAgent, agent);
    this.#core.emit({ type: "conversation_item_added", createdAt: this.#core.wall(), item });
  }

  /** Sets up what the agent needs, and tells when it is there. */
  prepare(activityId: string): void {
    const activity = this.#core.current();
    this.#core.playout.changed();
    const opening = activity.openToolsets();
    const ready = (): void => {
      this.bind(activity);
      this.#core.inbox.call({ type: "activity.ready", t: 0, activityId });
    };
    if (opening === undefined) return ready();
    void opening.then(() => this.#core.inbox.report(RANK.life, ready));
  }

  /** It hears, unless it does already, or has left meanwhile. */
  bind(activity: Activity): void {
    if (activity !== this.#core.activity || this.#core.listening.isBoundTo(activity)) return;
    this.#moved?.();
    this.#core.listening.bind(activity);
  }

  /** A hook took too long: it is told so, and left behind. */
  hookTimedOut(activityId: string, hook: "enter" | "exit"): void {
    const activity = this.#core.activity;
    if (activity?.id !== activityId) return;
    (hook === "enter" ? activity.enterAbort : activity.exitAbort).abort();
    const name = hook === "enter" ? "onEnter" : "onExit";
    this.#core.hookFailed(
      name,
      new AgentError(
        "session.close_timeout",
        `Cannot wait for \`${name}\` any longer as it must return within 30,000 ms: current value is pending`,
      ),
    );
  }

  /** Runs the agent's hook. */
  runHook(activityId: string, hook: "enter" | "exit"): void {
    const activity = this.#core.current();
    const { runtime, telemetry } = this.#core;
    if (hook === "enter") {
      this.#core.waiting.active();
      this.#core.inbox.call(() => this.#core.speeches.unpark(activity));
    } else this.#moved = telemetry.move("drain", activity.agent.id);
    const name = hook === "enter" ? "onEnter" : "onExit";
    const scope = callScope({
      activity,
      caller: { insideTool: false, onEnter: hook === "enter" },
      waiter: hookName(activityId, hook),
      handle: undefined,
    });
    this.hookCount++;
    const done = (): void => {
      this.hookCount--;
      this.#core.tasks.scopeOver(scope);
      this.#core.inbox.call({ type: "hook.done", t: 0, activityId, hook });
    };
    if (hook === "enter" ? activity.isResumed : this.isSuspending) return done(); // it came before, or does not leave
    const ctx = this.#core.hookContext(scope, (hook === "enter" ? activity.enterAbort : activity.exitAbort).signal);
    const run = async (): Promise<void> => await activity.agent[name](ctx);
    void within(runtime, scope, () => telemetry.hook(hook, activity.agent.id, run))
      .catch((error: unknown) => this.#core.hookFailed(name, error))
      .then(() => this.#core.inbox.report(RANK.hook, done));
  }

  /** An agent makes room for a task: it hears nothing, and keeps what it has. */
  pause(activityId: string, next: string): void {
    const activity = this.#core.activity;
    if (activity?.id !== activityId) return;
    this.#moved?.();
    this.#moved = this.#core.telemetry.move("pause", activity.agent.id);
    this.#core.listening.leave(this.#coming(next));
    this.#paused.set(activityId, activity);
    this.#core.activity = undefined;
    this.#moved();
  }

  /** An agent is back from a task; `oldAgentId` null: only to leave. */
  resume(activityId: string, oldAgentId: string | null): void {
    const activity = this.#paused.get(activityId);
    if (activity === undefined) return;
    this.#paused.delete(activityId);
    this.#core.activity = activity;
    activity.agent["~"].activity = activity;
    if (oldAgentId !== null) {
      this.#core.agent = activity.agent;
      this.#tell(oldAgentId, activity.agent);
    }
    this.#moved = this.#core.telemetry.move("resume", activity.agent.id);
    this.#core.playout.changed();
    this.bind(activity);
    this.#core.inbox.call(() => this.#core.speeches.unpark(activity));
  }

  /** An agent that waits for a task. */
  waiting(activityId: string): Activity | undefined {
    return this.#paused.get(activityId);
  }

  /** Who comes next, for the first time or back from a task. */
  #coming(activityId: string): Activity | undefined {
    return this.#arriving.get(activityId) ?? this.#paused.get(activityId);
  }

  /** An activity that is on stage, waits for a task, or comes. */
  byId(activityId: string): Activity | undefined {
    const { activity } = this.#core;
    return activity?.id === activityId ? activity : this.#coming(activityId);
  }

  /** All who are on stage or wait for a task. */
  get present(): readonly Activity[] {
    const { activity } = this.#core;
    return activity === undefined ? [...this.#paused.values()] : [...this.#paused.values(), activity];
  }

  /** The agent is off the stage, and what was its own ends. */
  leave(activityId: string, next: string | null): void {
    const isCurrent = this.#core.activity?.id === activityId;
    const activity = isCurrent ? this.#core.activity : this.#paused.get(activityId);
    if (activity === undefined) return;
    if (next !== null) this.#arriving.get(next)?.keepToolsets(); // what both have goes on
    if (isCurrent) this.#core.listening.leave(next === null ? undefined : this.#coming(next));
    this.#core.toolCalls.leave(activity, true);
    this.#core.speeches.leave(activity);
    activity.end();
    this.#paused.delete(activityId);
    if (!isCurrent) return;
    this.#core.activity = undefined;
    this.#moved?.();
  }

  /** It does not come any more. */
  forget(activityId: string): void {
    const activity = this.#arriving.get(activityId);
    this.#arriving.delete(activityId);
    if (activity !== undefined) this.#core.speeches.dropParked(activity);
  }

  /** Nobody comes any more. */
  clear(): void {
    this.#core.speeches.dropParked();
    this.#arriving.clear();
    this.#paused.clear();
  }
}
