/**
 * Tasks that tools and hooks of a session wait for. The stage decides when each comes and goes; here are the promises.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { type AgentTask, noContext, TaskCancelledError } from "./agent_task.ts";
import type { CallScope } from "./call_scope.ts";
import { arrivalOf } from "./calls.ts";
import type { SessionCore } from "./core.ts";
import { holdInterruptions, releaseInterruptions } from "./speech_handle.ts";

interface Waiting {
  readonly task: AgentTask;
  readonly scope: CallScope;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The tasks of one session. */
export class Tasks {
  readonly #core: SessionCore;
  /** By the id of the activity that each is, or is going to be. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** Waits for a task on behalf of a tool or a hook. */
  run(scope: CallScope, task: AgentTask): Promise<unknown> {
    const promise = new Promise<unknown>((resolve, reject) => this.#request({ task, scope, resolve, reject }));
    promise.catch(() => {}); // whoever does not look at the result is not to end the process
    return promise;
  }

  /** What was said in a task becomes known to the agent that waited. */
  merge(taskId: string, parentId: string): void {
    const waiting = this.#waiting.get(taskId);
    const parent = this.#core.moves.waiting(parentId);
    if (waiting === undefined || parent === undefined) return;
    const { chatCtx } = parent.agent["~"];
    chatCtx.merge(waiting.task["~"].chatCtx, {
      excludeInstructions: true,
      excludeFunctionCall: !waiting.task["~task"].preserveFunctionCallHistory,
    });
  }

  /** Answers whoever waits. */
  settle(taskId: string): void {
    const waiting = this.#waiting.get(taskId);
    if (waiting === undefined) return;
    this.#waiting.delete(taskId);
    this.#core.moves.forget(taskId);
    const { task, scope } = waiting;
    const inner = task["~task"];
    inner.completed = undefined;
    inner.outcome ??= { error: new TaskCancelledError("The task was called off.") };
    if (scope.handle !== undefined) {
      releaseInterruptions(scope.handle);
      this.#core.toolsRunning(1);
    }
    if ("error" in inner.outcome) waiting.reject(inner.outcome.error);
    else waiting.resolve(inner.outcome.value);
  }

  /** A tool or a hook has returned: nobody waits for what it has asked for. */
  scopeOver(scope: CallScope): void {
    scope.isOver = true;
    for (const { task, scope: other } of [...this.#waiting.values()]) {
      if (other === scope && !task.done) {
        task.complete(new TaskCancelledError("Nobody waits for the task any more."));
      }
    }
  }

  #request(waiting: Waiting): void {
    const { task, scope, resolve, reject } = waiting;
    const core = this.#core;
    const inner = task["~task"];
    if (scope.waiter === null || scope.isOver) return reject(noContext(task.id));
    if (inner.isAwaited || task["~"].activity !== undefined) {
      return reject(
        new AgentError(
          "task.already_run",
          `Cannot run a task as each runs once and on one stage: current value is ${task.id}, run before`,
        ),
      );
    }
    if (scope.handle?.interrupted === true && !scope.isInBackground()) {
      return reject(
        new AgentError(
          "task.interrupted",
          `Cannot run a task as the speech whose tool asks for it was cut off: current value is ${scope.handle.id}`,
        ),
      );
    }
    inner.isAwaited = true;
    if (inner.outcome !== undefined) {
      return "error" in inner.outcome ? reject(inner.outcome.error) : resolve(inner.outcome.value);
    }
    const activity = core.moves.arrive(task);
    this.#waiting.set(activity.id, waiting);
    inner.completed = () => core.inbox.call({ type: "task.completed", t: 0, taskId: activity.id });
    if (scope.handle !== undefined) {
      holdInterruptions(scope.handle);
      core.toolsRunning(-1); // who waits for the user does no work
    }
    core.inbox.call({
      type: "task.requested",
      t: 0,
      arrival: arrivalOf(activity),
      parentId: scope.activity.id,
      waiter: scope.waiter,
    });
  }
}
