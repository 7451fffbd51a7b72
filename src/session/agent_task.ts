/**
 * A dialogue that code waits for: an agent that takes the stage until it has what it was asked to find out.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { ToolError } from "../tool/error.ts";
import { Agent, type AgentOptions } from "./agent.ts";
import { type AgentFunctions, giveFunctions, splitFunctions } from "./agent_functions.ts";
import { scopeHere } from "./call_scope.ts";

/** How a task is made. */
export interface AgentTaskOptions extends AgentOptions {
  /** Whether whoever waited sees the calls of tools that the task made, beside what was said. Default false. */
  readonly preserveFunctionCallHistory?: boolean;
}

/** What a task has come to. */
export type TaskOutcome = { readonly value: unknown } | { readonly error: Error };

/** What only the session may change. */
interface TaskInner {
  readonly preserveFunctionCallHistory: boolean;
  isAwaited: boolean;
  outcome: TaskOutcome | undefined;
  /** Told once there is an outcome. */
  completed: (() => void) | undefined;
}

/**
 * What whoever waits for a task is told when it was called off: by `cancel()`, since its session closed, or since another agent
 * took over. A tool that does not catch it tells its message to the model.
 */
export class TaskCancelledError extends ToolError {
  /** The name that logs show. */
  override readonly name: string = "TaskCancelledError";
  /** The reason, as that of other errors of the library. */
  readonly code: "task.cancelled" = "task.cancelled";
}

/**
 * A dialogue that a tool or a hook waits for. It has the stage until it calls `complete`; then the agent that waited is back,
 * knows what was said, and its tool goes on with the result.
 *
 * Wait for it with `ctx.run(task)` in a tool, `onEnter` or `onExit`; where the place has ambient storage (Node, Bun, Deno), bare
 * `task.run()` does the same. Tasks may wait for tasks. Several that are asked for at once come one after the other. As the first
 * agent of a session, or after a hand-off, a task is an agent like any other.
 *
 * @example Ask for an address, and go on when it is there
 * ```ts
 * class AskEmail extends AgentTask<string> {
 *   constructor() {
 *     super({
 *       instructions: "Ask for the e-mail address, and have it confirmed.",
 *       tools: [tool({
 *         name: "confirmed",
 *         description: "The user has confirmed the address.",
 *         parameters: v.object({ email: v.string() }),
 *         execute: ({ email }) => this.complete(email),
 *       })],
 *     });
 *   }
 *   override onEnter({ session }: HookContext) {
 *     session.generateReply({ instructions: "Ask for the e-mail address." });
 *   }
 * }
 *
 * const book = tool({
 *   name: "book",
 *   description: "Books a table.",
 *   execute: async (_args, { ctx }) => `Booked for ${await ctx.run(new AskEmail())}.`,
 * });
 * ```
 */
export class AgentTask<Result = unknown, UserData = unknown> extends Agent<UserData> {
  /** @ignore */
  readonly "~task": TaskInner;

  /** Makes a task, which can be waited for once. */
  constructor(options: AgentTaskOptions) {
    const { preserveFunctionCallHistory = false, ...rest } = options;
    super(rest);
    this["~task"] = { preserveFunctionCallHistory, isAwaited: false, outcome: undefined, completed: undefined };
  }

  /**
   * Makes a task from functions, as `Agent.create` does.
   *
   * @example
   * ```ts
   * const task = AgentTask.create<boolean>({
   *   instructions: "Ask whether it may be recorded.",
   *   tools: [tool({ name: "yes", description: "It may.", execute: () => task.complete(true) })],
   *   onEnter: (self) => void self.session.generateReply(),
   * });
   * ```
   */
  static override create<Result = unknown, UserData = unknown>(
    given: AgentTaskOptions & AgentFunctions<AgentTask<Result, UserData>, UserData>,
  ): AgentTask<Result, UserData> {
    const { options, functions } = splitFunctions(given);
    return giveFunctions(new AgentTask<Result, UserData>(options), functions);
  }

  /** It has its result, or was called off. */
  get done(): boolean {
    return this["~task"].outcome !== undefined;
  }

  /**
   * Gives the result, or the error that whoever waits is to get. The task says what it has to say and leaves. Called in a tool,
   * it is also what a `run()` of the session that ends with that turn gives as its `finalOutput`.
   *
   * @throws {AgentError} `task.already_done` the second time.
   */
  complete(result: Result | Error): void {
    const inner = this["~task"];
    if (inner.outcome !== undefined) {
      throw new AgentError(
        "task.already_done",
        `Cannot complete a task as it has its result: current value is ${this.id}, done`,
      );
    }
    inner.outcome = result instanceof Error ? { error: result } : { value: result };
    const { activity } = this["~"];
    activity?.core.runs.completed(activity, inner.outcome);
    inner.completed?.();
  }

  /** Calls the task off: it is cut off, and whoever waits gets a {@linkcode TaskCancelledError}. Idempotent. */
  cancel(): void {
    if (this.done) return;
    const { activity } = this["~"];
    activity?.core.floor(activity.id, { type: "api.interrupt", t: 0, force: true });
    if (!this.done) this.complete(new TaskCancelledError("The task was cancelled."));
  }

  /**
   * Runs the task as part of the tool or hook that calls. The same as `ctx.run(task)`, for places with ambient storage.
   *
   * @returns What it completes with. Rejects with the error that it completes with.
   * @throws {AgentError} Rejects with `task.no_context` outside of tools and hooks, `task.already_run` the second time,
   *   `task.interrupted` when the speech whose tool calls was cut off, and `task.cancelled` when it was called off.
   */
  run(): Promise<Result> {
    const scope = scopeHere();
    if (scope === undefined) return Promise.reject(noContext(this.id));
    return scope.activity.core.tasks.run(scope, this) as Promise<Result>;
  }
}

/** Nobody is there who could wait. */
export function noContext(taskId: string): AgentError {
  return new AgentError(
    "task.no_context",
    `Cannot run a task as only a tool, \`onEnter\` or \`onExit\` that is at work can wait for it, by \`ctx.run(task)\`: current value is ${taskId}`,
  );
}
